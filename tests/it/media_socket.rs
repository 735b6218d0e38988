//! The media socket, as somebody finds it who is not the carrier, and as the carrier finds it on a bad day.

use std::time::Duration;

use callme::emulator::{Fault, Script, Side, Times, What};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tracing_subscriber::EnvFilter;

use crate::leaks::ink::Ink;
use crate::webhook::account;
use crate::world::{Answer, KEY, PERSON, World};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const QUESTION: &str = "Shall I deploy?";
const REPLY: &str = "Yes, deploy it now please.";
const NOBODYS: &str = "CA00000000000000000000000000000000";
const WRONG: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// Who has not said whose it is by then is closed.
const AUTHENTICATE: Duration = Duration::from_secs(10);
/// A stream without sound for so long gives way to another.
const SILENT: Duration = Duration::from_millis(1100);

/// Opens a socket; the path's token, where it has one.
async fn connect(world: &World, token: Option<&str>) -> Socket {
    let url = world.url.replacen("http", "ws", 1);
    let url = token.map_or(format!("{url}/media-stream"), |token| format!("{url}/media-stream/{token}"));
    // Without Nagle: under paused time a frame that waits for an acknowledgement waits for ever.
    let connecting = tokio_tungstenite::connect_async_with_config(url, None, true);
    connecting.await.expect("whoever asks gets a socket").0
}

/// The carrier's first word on a stream.
fn start(token: Option<&str>, account: &str, call: &str) -> Message {
    let parameters = token.map_or(json!({}), |token| json!({ "token": token }));
    let stream = "MZ00000000000000000000000000000000";
    let start = json!({"accountSid": account, "streamSid": stream, "callSid": call, "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}, "customParameters": parameters});
    text(&json!({"event": "start", "sequenceNumber": "1", "start": start, "streamSid": stream}))
}

fn text(frame: &Value) -> Message {
    Message::text(frame.to_string())
}

fn media() -> Message {
    text(&json!({"event": "media", "sequenceNumber": "2", "streamSid": "MZ00000000000000000000000000000000",
        "media": {"track": "inbound", "chunk": "1", "timestamp": "0", "payload": "/".repeat(216)}}))
}

/// How long the server kept the socket; frames that it sends are read. `None` when it still keeps it after a minute.
async fn kept(socket: &mut Socket) -> Option<Duration> {
    let began = Instant::now();
    let ended = async { while let Some(Ok(_)) = socket.next().await {} };
    timeout(Duration::from_mins(1), ended).await.ok().map(|()| began.elapsed())
}

/// Does something in the middle of a call, then ends the call; what the waiting request got is not looked at.
async fn in_a_call<F: Future>(world: &World, work: impl FnOnce(String, String) -> F) -> F::Output {
    let working = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let (id, call) = (world.newest().await, world.emulator.calls()[0].sid.clone());
        let out = Box::pin(work(id.clone(), call)).await;
        assert_eq!(world.look(&id).await.at("/state"), "listening", "{}", world.emulator.timeline());
        assert_eq!(world.say("end", &id, "Goodbye.").await.status, 200);
        out
    };
    tokio::join!(world.call(QUESTION), working).1
}

/// What the server said on a socket that it then closed, within a second.
async fn said_before_it_was_closed(socket: &mut Socket) -> Vec<String> {
    let mut said = Vec::new();
    let reading = async {
        while let Some(Ok(frame)) = socket.next().await {
            said.extend(frame.into_text().ok().filter(|text| !text.is_empty()).map(|text| text.to_string()));
        }
    };
    timeout(Duration::from_secs(1), reading).await.expect("it is closed");
    said
}

/// Whether the server keeps a socket for another second.
async fn is_open(socket: &mut Socket) -> bool {
    let ended = async { while let Some(Ok(_)) = socket.next().await {} };
    timeout(Duration::from_secs(1), ended).await.is_err()
}

/// The carrier's sound, for so many seconds.
async fn talks(socket: &mut Socket, seconds: u64) {
    for _ in 0..seconds {
        socket.send(media()).await.expect("it is open");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// A socket that has said that it is the call's, with this token.
async fn with_token(world: &World, token: &str, call: &str) -> Socket {
    let mut socket = connect(world, Some(token)).await;
    // A bad token's is closed before it says a word, or after.
    let _ = socket.send(start(Some(token), &account(), call)).await;
    socket
}

/// The same with a new token.
async fn attached(world: &World, call: &str) -> Socket {
    with_token(world, &world.fresh_token(call).await, call).await
}

/// A world in whose call the carrier's stream breaks after ten seconds and does not come back: whoever comes next with a
/// token has the call.
async fn losing_its_stream() -> World {
    let world = World::new().await;
    world.emulator.faults().add(Fault::StreamLost, Times::Once);
    world.person(Script::answers().wait(Duration::from_secs(10)).drop_socket());
    world
}

/// Media sockets that the carrier lost to the server.
fn lost(world: &World) -> usize {
    world.emulator.timeline().count(|what| *what == What::MediaDown(Side::Server))
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_does_not_prove_whose_it_is_is_closed_and_its_token_is_spent() {
    let world = World::new().await;
    in_a_call(&world, async |_, call| {
        let ours = account();
        let foreign = "AC00000000000000000000000000000000";
        let (right, none) = (true, false);
        // The token in the path, the one in the parameter, account, call; whether the right token is spent by it.
        for (what, path, parameter, account, named, spends) in [
            ("no token", None, None, &*ours, &*call, none),
            ("a wrong token in the path", Some(none), None, &ours, &call, none),
            ("a wrong token as parameter", None, Some(none), &ours, &call, none),
            ("a wrong token in both", Some(none), Some(none), &ours, &call, none),
            ("another token as parameter", Some(right), Some(none), &ours, &call, none),
            ("another token in the path", Some(none), Some(right), &ours, &call, none),
            ("another call", Some(right), Some(right), &ours, NOBODYS, right),
            ("another account", Some(right), Some(right), foreign, &call, right),
            ("another call, by parameter", None, Some(right), &ours, NOBODYS, right),
        ] {
            let token = world.fresh_token(&call).await;
            let tell = |which: Option<bool>| which.map(|right| if right { token.as_str() } else { WRONG });
            let mut socket = connect(&world, tell(path)).await;
            // Closed before it says a word, or after.
            let _ = socket.send(start(tell(parameter), account, named)).await;
            let closed = kept(&mut socket).await;
            assert!(closed.is_some_and(|after| after < Duration::from_secs(1)), "{what}: {closed:?}");
            assert_eq!(lost(&world), 0, "{what}: the call's own stream goes on");
            if spends {
                let mut again = connect(&world, Some(&token)).await;
                let _ = again.send(start(Some(&token), &ours, &call)).await;
                assert!(kept(&mut again).await.is_some(), "{what}: the token is spent");
                assert_eq!(lost(&world), 0, "{what}: the token is spent");
            }
        }
    })
    .await;
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_second_stream_does_not_get_a_call_whose_first_is_alive_and_no_token_works_twice() {
    let world = World::new().await;
    in_a_call(&world, async |_, call| {
        for way in ["path", "parameter", "both"] {
            let token = world.fresh_token(&call).await;
            let in_path = (way != "parameter").then_some(token.as_str());
            let as_parameter = (way != "path").then_some(token.as_str());
            for time in ["first", "second"] {
                let mut socket = connect(&world, in_path).await;
                let hello = json!({"event": "connected", "protocol": "Call", "version": "1.0.0"});
                // One that comes with a used token may be closed before it says anything.
                let _ = socket.send(text(&hello)).await;
                let _ = socket.send(start(as_parameter, &account(), &call)).await;
                assert_eq!(said_before_it_was_closed(&mut socket).await, [""; 0], "{way}, for the {time} time");
            }
        }
        assert_eq!((lost(&world), world.emulator.calls()[0].streams), (0, 1), "{}", world.emulator.timeline());
    })
    .await;
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_takes_the_place_of_one_that_has_fallen_silent() {
    let world = losing_its_stream().await;
    in_a_call(&world, async |_, call| {
        world.event(|what| *what == What::MediaDown(Side::Carrier)).await;
        let mut first = attached(&world, &call).await;
        assert!(is_open(&mut first).await);
        first.send(media()).await.expect("it is open");
        let mut early = attached(&world, &call).await;
        assert!(kept(&mut early).await.is_some_and(|after| after < Duration::from_secs(1)), "the first is alive");
        tokio::time::sleep(SILENT).await;
        let mut second = attached(&world, &call).await;
        assert!(
            kept(&mut first).await.is_some_and(|after| after < Duration::from_secs(1)),
            "the second took its place"
        );
        assert!(is_open(&mut second).await);
    })
    .await;
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_has_four_tokens_at_once_and_each_for_half_a_minute() {
    let world = losing_its_stream().await;
    in_a_call(&world, async |_, call| {
        world.event(|what| *what == What::MediaDown(Side::Carrier)).await;
        let mut tokens = Vec::new();
        for _ in 0..5 {
            tokens.push(world.fresh_token(&call).await);
        }
        let mut pushed_out = with_token(&world, &tokens[0], &call).await;
        assert!(!is_open(&mut pushed_out).await, "one of five");
        let mut line = with_token(&world, &tokens[1], &call).await;
        assert!(is_open(&mut line).await, "one of four");
        talks(&mut line, 25).await;
        tokio::time::sleep(SILENT).await;
        let mut late = with_token(&world, &tokens[2], &call).await;
        assert!(is_open(&mut late).await, "in time");
        assert!(!is_open(&mut line).await, "it had fallen silent");
        talks(&mut late, 4).await;
        let mut too_late = with_token(&world, &tokens[3], &call).await;
        assert!(!is_open(&mut too_late).await && is_open(&mut late).await, "after half a minute");
    })
    .await;
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_carriers_word_is_not_listened_to() {
    let world = World::new().await;
    let hello = || text(&json!({"event": "connected"}));
    let at_once = Duration::ZERO..Duration::from_secs(1);
    let late = AUTHENTICATE..AUTHENTICATE + Duration::from_secs(2);
    for (what, frames, closed) in [
        ("silence", vec![], late.clone()),
        ("only a greeting", vec![hello()], late.clone()),
        ("binary", vec![Message::binary(vec![0; 100]), Message::binary(vec![1; 100])], late.clone()),
        ("pings", vec![Message::Ping(vec![1].into())], late),
        ("garbage", vec![Message::text("\u{0}garbage")], at_once.clone()),
        ("an empty frame", vec![Message::text("")], at_once.clone()),
        ("JSON of another kind", vec![text(&json!([1, 2])), text(&json!({}))], at_once.clone()),
        ("sound before the start", vec![hello(), media()], at_once.clone()),
        ("a stop before the start", vec![text(&json!({"event": "stop"}))], at_once.clone()),
        ("a start without its fields", vec![text(&json!({"event": "start"}))], at_once.clone()),
        ("a megabyte", vec![Message::text("x".repeat(1 << 20))], at_once.clone()),
        ("a megabyte of bytes", vec![Message::binary(vec![0; 1 << 20])], at_once.clone()),
        ("a goodbye", vec![Message::Close(None)], at_once),
    ] {
        let mut socket = connect(&world, None).await;
        for frame in frames {
            // The server may have closed it in between.
            let _ = socket.send(frame).await;
        }
        let after = kept(&mut socket).await;
        assert!(after.is_some_and(|after| closed.contains(&after)), "{what}: closed after {after:?}");
    }
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn bad_frames_in_a_call_do_it_no_harm() {
    let world = losing_its_stream().await;
    in_a_call(&world, async |_, call| {
        world.event(|what| *what == What::MediaDown(Side::Carrier)).await;
        let bad_payload =
            json!({"event": "media", "streamSid": "MZ0", "media": {"track": "inbound", "payload": "%%%"}});
        for frames in [
            vec![Message::text("garbage"), text(&json!({"event": "media"})), text(&bad_payload)],
            vec![text(&json!({"event": "mark", "mark": {"name": "9-9"}})), text(&json!({"event": "mark"}))],
            vec![Message::binary(vec![0; 4000]), Message::text("{".repeat(4000)), Message::text("x".repeat(1 << 20))],
            vec![start(None, "", ""), text(&json!({"event": "unheard of"})), text(&json!({"event": "stop"}))],
        ] {
            let mut socket = attached(&world, &call).await;
            assert!(is_open(&mut socket).await);
            for frame in frames {
                let _ = socket.send(frame).await;
            }
            tokio::time::sleep(SILENT).await;
        }
        // The carrier's next.
        assert!(is_open(&mut attached(&world, &call).await).await);
    })
    .await;
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_who_say_nothing_keep_nobody_out() {
    let world = World::new().await;
    world.person(Script::converses([REPLY]));
    let (began, mut strangers) = (Instant::now(), Vec::new());
    for _ in 0..1000 {
        strangers.push(connect(&world, None).await);
    }
    assert!(began.elapsed() < Duration::from_secs(1), "all of them are still at the door");
    let answer = world.call(QUESTION).await;
    assert_eq!((answer.status, &answer.body["response"]), (200, &json!(REPLY)), "{}", world.emulator.timeline());
    assert_eq!(world.emulator.calls()[0].streams, 1);
    assert_eq!(world.say("end", &answer.call_id(), "Goodbye.").await.status, 200);
    for socket in &mut strangers {
        assert!(kept(socket).await.is_some_and(|after| after <= AUTHENTICATE + Duration::from_secs(1)));
    }
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_connections_that_ask_for_nothing_keep_nobody_out() {
    let world = World::new().await;
    world.person(Script::converses([REPLY]));
    let address = world.url.trim_start_matches("http://");
    let (began, mut silent) = (Instant::now(), Vec::new());
    for _ in 0..1000 {
        silent.push(TcpStream::connect(address).await.expect("there is room"));
    }
    assert!(began.elapsed() < Duration::from_secs(1), "all of them are still there");
    let answer = world.call(QUESTION).await;
    assert_eq!((answer.status, &answer.body["response"]), (200, &json!(REPLY)), "{answer:?}");
    assert_eq!(world.say("end", &answer.call_id(), "Goodbye.").await.status, 200);
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_token_dies_with_its_call() {
    let world = World::new().await;
    let (token, call) = in_a_call(&world, async |_, call| (world.fresh_token(&call).await, call)).await;
    world.settled().await;
    for (path, parameter) in [(Some(&*token), Some(&*token)), (Some(&token), None), (None, Some(&token))] {
        let mut socket = connect(&world, path).await;
        let _ = socket.send(start(parameter, &account(), &call)).await;
        assert!(kept(&mut socket).await.is_some_and(|after| after < Duration::from_secs(1)));
    }
    assert_eq!(world.sessions.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_secret_and_nothing_said_is_logged() {
    let ink = Ink::new();
    let writer = ink.clone();
    // All that the server can say; the emulator prints what was said, for tests only.
    let filter = EnvFilter::new("info,callme=trace,callme::emulator=off");
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || writer.clone()).finish();
    // With a single subscriber, tracing lets whichever thread comes by a line first decide whether it is ever written.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::new().await;
    world.person(Script::answers());
    let tokens = in_a_call(&world, async |_, call| {
        let tokens = [world.fresh_token(&call).await, world.fresh_token(&call).await];
        // One that fails, one that works, one that is used again.
        for (token, named) in [(&tokens[0], NOBODYS), (&tokens[1], &*call), (&tokens[1], &call)] {
            let mut socket = connect(&world, Some(token)).await;
            let _ = socket.send(start(Some(token), &account(), named)).await;
            let _ = socket.send(Message::text(format!("garbage {token}"))).await;
            kept(&mut socket).await;
        }
        tokens
    })
    .await;
    world.person(Script::converses([REPLY]));
    let answer: Answer = world.call("Is the coffee ready?").await;
    assert_eq!(world.say("end", &answer.call_id(), "Goodbye.").await.status, 200);
    world.settled().await;
    let logged = ink.written();
    assert!(
        logged.contains("did not prove which call they belong to") && logged.contains("ended: answered"),
        "{logged}"
    );
    let [first, second] = tokens;
    let secrets = [&*first, &second, KEY, PERSON, &PERSON[1..], "emulated-auth-token", "sk-emulated", "15005550006"];
    for secret in secrets.into_iter().chain([QUESTION, REPLY, "coffee", "Goodbye"]) {
        assert!(!logged.contains(secret), "{secret} is logged:\n{logged}");
    }
}

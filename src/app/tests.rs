//! What only the server's own crate can bring about: a fault of ours in the middle of a call.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::*;
use crate::clock::Millis;
use crate::clock::wall::WallClock;
use crate::config::LogFormat;
use crate::domain::session::Input;
use crate::emulator::faults::DialFault;
use crate::emulator::{CallState, Callback, Emulator, EmulatorConfig, Event, Fault, Script, Times, What};
use crate::ids::SessionId;
use crate::telemetry;
use crate::written::Written;

const KEY: &str = "a-key-for-the-tests-0123456789";
const PUBLIC: &str = "https://callme.example";
const REPLY: &str = "Yes, deploy it now please.";

struct World {
    emulator: Emulator,
    sessions: Manager,
    url: String,
    client: reqwest::Client,
    stop: CancellationToken,
    server: JoinSet<()>,
}

impl World {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&'static str, String)]) -> Self {
        let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port on loopback");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
        let url = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        emulator.route(PUBLIC, &url);
        let mut environment: HashMap<&str, String> = emulator.environment().into_iter().collect();
        for (name, value) in [
            ("CALLME_PUBLIC_URL", PUBLIC),
            ("CALLME_API_KEY", KEY),
            ("CALLME_USER_PHONE_NUMBER", "+393331234567"),
            ("CALLME_MAX_LIVE_CALLS", "2"),
            ("CALLME_DATA_DIR", "none"),
        ] {
            environment.insert(name, value.to_owned());
        }
        environment.extend(settings.iter().cloned());
        let loaded = Config::from_source(&|name| environment.get(name).cloned());
        let config = loaded.config.expect("the configuration is good");
        let app = App::new(&config, Arc::new(WallClock::starting_at(Millis(1_790_000_000_000)))).expect("a server");
        let sessions = app.sessions().clone();
        let (stop, mut server) = (CancellationToken::new(), JoinSet::new());
        let stopped = stop.clone();
        server.spawn(async move { app.serve(listener, stopped).await.expect("it serves") });
        let client = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        Self { emulator, sessions, url, client, stop, server }
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.bearer_auth(KEY).send().await.expect("the server answers");
        (response.status().as_u16(), response.json().await.expect("the answer is JSON"))
    }

    async fn say(&self, path: &str, message: &str) -> (u16, Value) {
        self.ask(self.client.post(format!("{}{path}", self.url)).json(&json!({ "message": message }))).await
    }

    async fn connect(&self, first_words: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://")).await.expect("the server listens");
        tokio::io::AsyncWriteExt::write_all(&mut stream, first_words).await.expect("it is open");
        stream
    }

    async fn look(&self, path: &str) -> Value {
        self.ask(self.client.get(format!("{}{path}", self.url))).await.1
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_panics_ends_alone_and_leaves_nothing_behind() {
    for (moment, seconds) in [("while it rings", 1), ("in the conversation", 4)] {
        let world = World::new().await;
        world.emulator.person().then(Script::converses([REPLY]));
        world.emulator.person().then(Script::answers());
        let crashing = async {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            let history = world.look("/api/history").await;
            let ids: Vec<_> = history["conversations"].as_array().expect("a list").iter().map(|c| &c["id"]).collect();
            let id = ids.into_iter().filter_map(Value::as_str).max().and_then(SessionId::parse).expect("the second");
            let pending = world.sessions.request(&id, None, |_| Input::Panic).expect("it runs");
            assert!(pending.answer().await.is_err(), "nobody is left to answer");
            id
        };
        let second = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            world.say("/api/call", "Is the coffee ready?").await
        };
        let (first, second, crashed) = tokio::join!(world.say("/api/call", "Shall I deploy?"), second, crashing);
        let timeline = world.emulator.timeline();
        assert_eq!((first.0, &first.1["response"]), (200, &json!(REPLY)), "{moment}: {first:?}\n{timeline}");
        assert_eq!((second.0, &second.1["code"]), (424, &json!("speech_failed")), "{moment}: {second:?}");
        assert_eq!(second.1["outcome"]["endedBy"], "crash", "{moment}: {second:?}");
        assert_eq!(second.1["callId"], crashed.as_str(), "{moment}");
        let look = world.look(&format!("/api/call/{crashed}")).await;
        assert_eq!(
            (&look["state"], &look["outcome"]["endedBy"]),
            (&json!("ended"), &json!("crash")),
            "{moment}: {look}"
        );
        assert!(look["endedAt"].is_u64(), "{moment}: its history is closed: {look}");
        assert!(world.emulator.calls()[1].state.is_over(), "{moment}: the call is hung up\n{timeline}");
        assert_eq!(
            timeline.count(|what| matches!(what, What::Rest { verb: "hang up", .. })),
            1,
            "{moment}\n{timeline}"
        );
        // The line is free again, the other session unharmed.
        assert_eq!(world.sessions.running(), 1, "{moment}");
        let path = format!("/api/call/{}/end", first.1["callId"].as_str().expect("an id"));
        assert_eq!(world.say(&path, "Goodbye.").await.0, 200, "{moment}");
        assert!(timeline.violations().is_empty(), "{moment}\n{timeline}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_dies_before_its_call_has_a_name_leaves_no_phone_ringing() {
    let world = World::new().await;
    let faults = world.emulator.faults();
    faults.add(Fault::Dial(DialFault::Hangs { placed: true }), Times::Once);
    let by = Duration::from_millis(300);
    faults.add(Fault::CallbackDelayed { name: Callback::Initiated, by }, Times::Once);
    let crashing = async {
        let placed = |event: &Event| matches!(event.what, What::Rest { verb: "dial", .. });
        world.emulator.wait_for(placed).await.expect("the call is placed");
        let history = world.look("/api/history").await;
        let id = history["conversations"][0]["id"].as_str().and_then(SessionId::parse).expect("a session");
        world.sessions.request(&id, None, |_| Input::Panic).expect("it runs");
    };
    let (call, ()) = tokio::join!(world.say("/api/call", "Shall I deploy?"), crashing);
    assert_eq!((call.0, &call.1["outcome"]["endedBy"]), (424, &json!("crash")), "{call:?}");
    let over = |event: &Event| matches!(event.what, What::State(state) if state.is_over());
    world.emulator.wait_for(over).await.expect("the call is hung up");
    let timeline = world.emulator.timeline();
    let rang = timeline.first(|what| *what == What::State(CallState::Ringing)).map(|event| event.at);
    let over = timeline.first(|what| matches!(what, What::State(state) if state.is_over())).map(|event| event.at);
    assert!(rang.is_none_or(|rang| over.is_some_and(|over| over < rang + by)), "it rings no longer\n{timeline}");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_dies_of_a_fault_tells_nothing_of_what_was_said() {
    for format in [LogFormat::Text, LogFormat::Json] {
        let written = Written::default();
        let writer = written.clone();
        // With a single subscriber, tracing lets whichever thread comes by a line first decide whether it is ever written.
        let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
        let lines = telemetry::lines(format, "trace", move || writer.clone());
        let _guard = tracing::subscriber::set_default(lines);
        let world = World::new().await;
        world.emulator.person().set(Script::converses(["Certainly, use the marmalade zeppelin."]));
        let (status, answer) = world.say("/api/call", "Shall I restart the xylophone turbine?").await;
        assert_eq!(status, 200, "{answer}");
        let id = answer["callId"].as_str().and_then(SessionId::parse).expect("an id");
        let path = format!("/api/call/{id}/continue");
        let crashing = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            world.sessions.request(&id, None, |_| Input::Panic).expect("it runs");
        };
        let (second, ()) = tokio::join!(world.say(&path, "And the kaleidoscope?"), crashing);
        assert_eq!((second.0, &second.1["outcome"]["endedBy"]), (424, &json!("crash")), "{second:?}");
        world.emulator.wait_for(|event| matches!(event.what, What::Rest { verb: "hang up", .. })).await.expect("it is");
        let lines = written.take();
        assert!(lines.contains("died of a fault") && lines.contains("DEBUG"), "{lines}");
        let EmulatorConfig { auth_token, api_key, .. } = EmulatorConfig::default();
        let said = ["marmalade", "zeppelin", "xylophone", "turbine", "kaleidoscope"];
        for secret in said.into_iter().chain([KEY, "3331234567", &auth_token, &api_key]) {
            assert!(!lines.contains(secret), "{secret} is in\n{lines}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_in_time_whatever_strangers_have_left_half_done() {
    let mut world = World::new().await;
    let _half = world.connect(b"POST /whatsapp HTTP/1.1\r\nhost: x\r\n").await;
    // HTTP/2 without room for an answer, and a request.
    let deaf = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0\
        \0\0\x0d\x01\x05\0\0\0\x01\x82\x86\x04\x07/health\x01\x01x";
    let _deaf = world.connect(deaf).await;
    assert_eq!(world.look("/api/history").await["conversations"], json!([]));
    world.stop.cancel();
    let ended = tokio::time::timeout(3 * LAST_FRAMES, world.server.join_next()).await;
    assert!(matches!(ended, Ok(Some(Ok(())))), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_what_another_process_left_is_refused_when_the_server_stops() {
    // A store that is never there.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
    let store = format!("redis://{}", silent.local_addr().expect("an address"));
    let mut world = World::with(&[("REDIS_URL", store), ("CALLME_HASH_KEY", KEY.to_owned())]).await;
    let asking = tokio::time::timeout(2 * TAKE_UP, world.say("/api/call", "Shall I deploy?"));
    let stopping = async {
        tokio::time::sleep(TAKE_UP + Duration::from_secs(1)).await;
        world.stop.cancel();
    };
    let (answer, ()) = tokio::join!(asking, stopping);
    let answer = answer.expect("it is answered");
    assert_eq!((answer.0, &answer.1["code"]), (503, &json!("shutting_down")), "{answer:?}");
    let ended = tokio::time::timeout(SHUTDOWN, world.server.join_next()).await;
    assert!(matches!(ended, Ok(Some(Ok(())))), "{ended:?}");
}

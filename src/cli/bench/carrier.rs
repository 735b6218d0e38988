//! The telephone company, as lean as it can be: takes dials, picks up at once, carries sound.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::extract::{Path, RawForm, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::World;
use super::call::{Call, ToMedia};
use super::codes;
use crate::provider::twilio::signature;

/// The account of the played carrier.
pub(super) const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";

/// The number calls come from.
pub(super) const OURS: &str = "+15005550006";

/// The person.
pub(super) const PERSON: &str = "+15005550010";

/// How long it rings.
const RINGS: Duration = Duration::from_millis(100);

/// Messages that wait for a media socket: a second of frames, with their marks.
const MOST_WAITING: usize = 64;

/// A message of the server on a media socket.
#[derive(Deserialize)]
struct FromServer<'a> {
    event: &'a str,
    #[serde(borrow, rename = "streamSid")]
    stream: Cow<'a, str>,
    #[serde(borrow)]
    media: Option<Media<'a>>,
    mark: Option<Mark>,
}

#[derive(Deserialize)]
struct Media<'a> {
    payload: &'a str,
}

#[derive(Deserialize)]
struct Mark {
    name: String,
}

/// The REST API.
pub(super) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/2010-04-01/Accounts/{account}/Calls.json", axum::routing::post(dial))
        .route("/2010-04-01/Accounts/{account}/Calls/{call}", axum::routing::post(hang_up).get(read))
}

async fn dial(State(world): State<Arc<World>>, RawForm(form): RawForm) -> Response {
    let field = |wanted: &str| {
        form_urlencoded::parse(&form).find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    let Some(url) = field("Url") else { return StatusCode::BAD_REQUEST.into_response() };
    let Some(call) = world.next_call() else {
        world.tally.problem("more calls were dialed than asked for".to_owned());
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    };
    let sid = sid_of(&call);
    let outer = Arc::clone(&world);
    world.tasks.spawn(async move {
        let number = call.number;
        if let Err(error) = run(&outer, call, &url).await {
            outer.tally.problem(format!("call {number}: {error:#}"));
        }
    });
    (StatusCode::CREATED, Json(record(&sid, "queued"))).into_response()
}

async fn hang_up(State(world): State<Arc<World>>, Path((_, file)): Path<(String, String)>) -> Response {
    let sid = file.trim_end_matches(".json");
    let number = u16::from_str_radix(&sid[sid.len().saturating_sub(4)..], 16).ok();
    match number.and_then(|number| world.calls.get(usize::from(number))) {
        Some(call) => {
            call.hang_up();
            Json(record(sid, "completed")).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn read(Path((_, file)): Path<(String, String)>) -> Response {
    Json(record(file.trim_end_matches(".json"), "in-progress")).into_response()
}

fn record(sid: &str, status: &str) -> serde_json::Value {
    json!({"sid": sid, "status": status, "direction": "outbound-api", "to": PERSON, "from": OURS, "date_created": null})
}

fn sid_of(call: &Call) -> String {
    format!("CA{:032x}", call.number)
}

/// A call from ringing to its end.
async fn run(world: &World, call: Arc<Call>, url: &str) -> anyhow::Result<()> {
    let sid = sid_of(&call);
    let status = |status: &'static str, sequence: &str| {
        vec![
            ("CallSid", sid.clone()),
            ("AccountSid", ACCOUNT.to_owned()),
            ("From", OURS.to_owned()),
            ("To", PERSON.to_owned()),
            ("CallStatus", status.to_owned()),
            ("ApiVersion", "2010-04-01".to_owned()),
            ("Direction", "outbound-api".to_owned()),
            ("CallbackSource", "call-progress-events".to_owned()),
            ("SequenceNumber", sequence.to_owned()),
        ]
    };
    world.post(url, status("initiated", "0")).await?;
    world.post(url, status("ringing", "1")).await?;
    tokio::time::sleep(RINGS).await;
    world.post(url, status("in-progress", "2")).await?;
    call.answered(world.now());
    let fetch =
        status("in-progress", "").into_iter().filter(|(name, _)| name.starts_with("Call") && *name != "CallbackSource");
    let fetch = fetch.chain([("AccountSid", ACCOUNT.to_owned()), ("Direction", "outbound-api".to_owned())]);
    let (media_url, token) = read_twiml(&world.post(url, fetch.collect()).await?)?;
    let socket = connect(world, &call, &media_url, &token).await?;
    let verdict = [("CallSid", sid.clone()), ("AccountSid", ACCOUNT.to_owned()), ("AnsweredBy", "human".to_owned())];
    let (carried, judged) = tokio::join!(carry(world, &call, socket), world.post(url, verdict.to_vec()));
    call.connect(None);
    judged?;
    carried?;
    world.post(url, status("completed", "3")).await?;
    Ok(())
}

/// The stream's URL and its token.
fn read_twiml(text: &str) -> anyhow::Result<(String, String)> {
    let (mut url, mut token) = (None, None);
    let mut reader = Reader::from_str(text);
    loop {
        let event = reader.read_event().context("the TwiML is not XML")?;
        let (Event::Start(tag) | Event::Empty(tag)) = event else {
            if event == Event::Eof {
                break;
            }
            continue;
        };
        let wanted = match tag.name().as_ref() {
            b"Stream" => ("url", &mut url),
            b"Parameter" => ("value", &mut token),
            _ => continue,
        };
        if let Some(attribute) = tag.try_get_attribute(wanted.0)? {
            *wanted.1 = Some(attribute.unescape_value()?.into_owned());
        }
    }
    url.zip(token).context("the TwiML connects no stream")
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(world: &World, call: &Call, url: &str, token: &str) -> anyhow::Result<Socket> {
    let mut request = url.into_client_request()?;
    let signature = HeaderValue::from_str(&world.key.sign(url, &[]))?;
    request.headers_mut().insert(signature::HEADER, signature);
    let config = WebSocketConfig::default().read_buffer_size(8 * 1024).write_buffer_size(0);
    let (mut socket, _) =
        connect_async_with_config(request, Some(config), true).await.context("the media socket was refused")?;
    let stream = stream_of(call);
    let start = json!({"event": "start", "sequenceNumber": "1", "streamSid": stream, "start": {"accountSid": ACCOUNT,
        "streamSid": stream, "callSid": sid_of(call), "tracks": ["inbound"], "customParameters": {"token": token},
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}}});
    socket.send(Message::text(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#)).await?;
    socket.send(Message::text(start.to_string())).await?;
    Ok(socket)
}

fn stream_of(call: &Call) -> String {
    format!("MZ{:032x}", call.number)
}

/// Carries sound both ways, until either side ends the stream.
async fn carry(world: &World, call: &Call, mut socket: Socket) -> anyhow::Result<()> {
    let (to_media, mut due) = mpsc::channel(MOST_WAITING);
    call.connect(Some(to_media));
    let stream = stream_of(call);
    let (mut payload, mut sound) = (String::with_capacity(216), Vec::new());
    loop {
        tokio::select! {
            biased;
            next = due.recv() => match next {
                Some(ToMedia::Frame) => {
                    let number = call.next_frame(world.now());
                    payload.clear();
                    STANDARD.encode_string(codes::inbound(call.number, number), &mut payload);
                    let (sequence, chunk, timestamp) = (number + 2, number + 1, u64::from(number) * 20);
                    let frame = format!(
                        r#"{{"event":"media","sequenceNumber":"{sequence}","media":{{"track":"inbound","chunk":"{chunk}","timestamp":"{timestamp}","payload":"{payload}"}},"streamSid":"{stream}"}}"#
                    );
                    if let Err(error) = socket.send(Message::text(frame)).await {
                        return broken(world, &error);
                    }
                }
                Some(ToMedia::Mark(name)) => {
                    let mark = format!(r#"{{"event":"mark","sequenceNumber":"1","streamSid":"{stream}","mark":{{"name":"{name}"}}}}"#);
                    if let Err(error) = socket.send(Message::text(mark)).await {
                        return broken(world, &error);
                    }
                }
                Some(ToMedia::Stop) | None => {
                    let stop = format!(r#"{{"event":"stop","sequenceNumber":"1","streamSid":"{stream}"}}"#);
                    // The server may have closed the socket before it hung up.
                    let _ = socket.send(Message::text(stop)).await;
                    let _ = socket.close(None).await;
                    return Ok(());
                }
            },
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => take(world, call, &text, &stream, &mut sound)?,
                Some(Ok(Message::Close(_)) | Err(_)) | None => {
                    anyhow::ensure!(world.is_ending(), "the server closed the media socket");
                    return Ok(());
                }
                Some(Ok(_)) => {}
            },
        }
    }
}

/// What a socket that takes nothing more means: before it hangs up, the server closes the socket.
fn broken(world: &World, error: &tokio_tungstenite::tungstenite::Error) -> anyhow::Result<()> {
    anyhow::ensure!(world.is_ending(), "the media socket broke: {error}");
    Ok(())
}

/// What the server says on the media socket.
fn take(world: &World, call: &Call, text: &Utf8Bytes, stream: &str, sound: &mut Vec<u8>) -> anyhow::Result<()> {
    let message: FromServer<'_> = serde_json::from_str(text).context("a media message that cannot be read")?;
    anyhow::ensure!(message.stream == stream, "a media message for another stream");
    let now = world.now();
    match (message.event, message.media, message.mark) {
        ("media", Some(media), _) => {
            sound.clear();
            STANDARD.decode_vec(media.payload, sound).context("a payload that is not base64")?;
            call.sound(sound, now);
        }
        ("mark", _, Some(mark)) => call.mark(mark.name, now),
        ("clear", ..) => call.clear(now),
        _ => anyhow::bail!("a media message of no kind that the carrier knows"),
    }
    Ok(())
}

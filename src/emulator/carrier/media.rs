//! A bidirectional media stream: the socket, its counters, and the buffer behind it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

use super::super::faults::Fault;
use super::super::post::{CALLS, post};
use super::super::sign::{signature, signed_form};
use super::super::timeline::What;
use super::super::world::World;
use super::super::{FRAME, TICK};
use super::frames::{Frames, Twilio};
use super::playback::{Playback, Played};
use super::telnyx::frames::Telnyx;
use super::{Call, Sent};

/// How long a server may take to open its end, and to take what is sent.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a server's message did.
#[derive(Debug)]
pub(super) enum Effect {
    Nothing,
    /// These marks go back, played or not.
    Marks(Vec<String>, bool),
    /// The buffer was cleared: bytes that will not be heard, marks that go back.
    Cleared(usize, Vec<String>),
    /// A wrong message, and what is wrong with it.
    Wrong(String),
    /// The same, where the carrier says so.
    Refused {
        what: String,
        answer: String,
    },
}

/// What came from the server.
#[derive(Debug)]
pub(super) enum Incoming {
    Text(Utf8Bytes),
    Binary,
    Closed,
}

/// An open stream.
pub(super) struct Stream {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The carrier's name for it, at Twilio.
    sid: String,
    url: String,
    call: Arc<Call>,
    frames: Box<dyn Frames>,
    /// Bytes of the person's sound that were sent.
    sent: u64,
    playback: Playback,
    /// What the person's side has not sent yet, because frames are larger than a tick.
    mouth: Vec<u8>,
    frame: usize,
    status_callback: Option<String>,
    world: Arc<World>,
}

/// Opens a stream; the error begins with Twilio's code, whichever carrier it is.
pub(super) async fn open(
    world: Arc<World>,
    call: Arc<Call>,
    url: String,
    parameters: Vec<(String, String)>,
    status_callback: Option<String>,
) -> Result<Box<Stream>, String> {
    let (bare, query) = url.split_once('?').map_or((url.as_str(), None), |(bare, query)| (bare, Some(query)));
    if query.is_some() {
        call.note(&world, What::Violation("31920 a Stream url with a query string, which is dropped".to_owned()));
    }
    let parsed = Url::parse(bare).map_err(|_| "31923 a malformed Stream url")?;
    // A server under test on this machine has no certificate.
    let local = matches!(parsed.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    if parsed.scheme() != "wss" && !(parsed.scheme() == "ws" && local) {
        return Err("31922 a Stream url that is not wss".to_owned());
    }
    // Routes are given as http origins, as the server itself is.
    let real = world.resolve(&bare.replacen("ws", "http", 1)).replacen("http", "ws", 1);
    let mut request = real.into_client_request().map_err(|_| "31923 a malformed Stream url")?;
    if call.dial.events().is_none() {
        let signature = signature(&world.config.auth_token, &signed_form(bare), &[]);
        let header = HeaderValue::from_str(&signature).expect("base64 is a header value");
        request.headers_mut().insert("x-twilio-signature", header);
    }
    let config =
        WebSocketConfig::default().read_buffer_size(8 * 1024).write_buffer_size(0).max_message_size(Some(4 << 20));
    let passing = world.tap.before(|| "media socket".to_owned());
    let connecting = connect_async_with_config(request, Some(config), true);
    let connected = tokio::time::timeout(PATIENCE, connecting).await;
    if let Some(passing) = passing {
        passing.after();
    }
    let (socket, _) = connected
        .map_err(|_| "31901 the media socket did not open in time")?
        .map_err(|_| "31920 the media socket was refused")?;
    let frame = world.faults.strike(|f| if let Fault::FrameBytes(n) = f { Some(*n) } else { None });
    let sid = world.sid("MZ");
    let frames: Box<dyn Frames> = match call.dial.events() {
        None => Box::new(Twilio::new(&world, &call, sid.clone(), parameters)),
        Some(_) => Box::new(Telnyx::new(&world, &call)),
    };
    let mut stream = Box::new(Stream {
        socket,
        sid,
        url,
        call,
        frames,
        sent: 0,
        playback: Playback::default(),
        mouth: Vec::new(),
        frame: frame.unwrap_or(FRAME).max(1),
        status_callback,
        world,
    });
    stream.greet().await.then_some(()).ok_or("31921 the media socket closed at once")?;
    stream.report("stream-started");
    Ok(stream)
}

impl Stream {
    /// Where it goes.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    async fn greet(&mut self) -> bool {
        let [connected, start] = self.frames.greeting(&self.call);
        self.write(connected).await && self.write(start).await
    }

    /// The next thing from the server. Can be dropped and called again.
    pub(super) async fn next(&mut self) -> Incoming {
        loop {
            return match self.socket.next().await {
                Some(Ok(Message::Text(text))) => Incoming::Text(text),
                Some(Ok(Message::Binary(_))) => Incoming::Binary,
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => Incoming::Closed,
            };
        }
    }

    /// Does what the server's message says.
    pub(super) fn take(&mut self, text: &str) -> Effect {
        let wrong = |what: &str| Effect::Wrong(format!("31950 {what}"));
        let Ok(message) = serde_json::from_str::<Value>(text) else { return wrong("a message that is not JSON") };
        if let Some(what) = self.frames.objection(&message) {
            return Effect::Wrong(what.to_owned());
        }
        match message["event"].as_str() {
            Some("media") => match message["media"]["payload"].as_str().map(|p| STANDARD.decode(p)) {
                Some(Ok(bytes)) => {
                    if let Some(answer) = self.frames.complaint(bytes.len()) {
                        let what = format!("100004 a message with {} bytes of sound", bytes.len());
                        return Effect::Refused { what, answer };
                    }
                    self.call.sent(&self.world, Sent::Audio(bytes.len()));
                    self.playback.push(bytes);
                    Effect::Nothing
                }
                _ => wrong("a media message without base64 payload"),
            },
            Some("mark") => match message["mark"]["name"].as_str() {
                Some(name) => {
                    self.call.sent(&self.world, Sent::Mark(name.to_owned()));
                    self.call.note(&self.world, What::MarkSet(name.to_owned()));
                    if self.world.faults.strikes(&Fault::MarkLost) {
                        return Effect::Nothing;
                    }
                    self.playback.mark(name.to_owned()).map_or(Effect::Nothing, |name| Effect::Marks(vec![name], true))
                }
                None => wrong("a mark without name"),
            },
            Some("clear") => {
                self.call.sent(&self.world, Sent::Clear);
                let (bytes, marks) = self.playback.clear();
                Effect::Cleared(bytes, marks)
            }
            _ => wrong("a message with an unknown event"),
        }
    }

    /// Plays 20 ms into the ear.
    pub(super) fn play(&mut self, ear: &mut [u8; FRAME]) -> Played {
        self.playback.play(ear)
    }

    /// Whether sound waits to be played.
    pub(super) fn is_playing(&self) -> bool {
        !self.playback.is_empty()
    }

    /// Sends what the person says; `false` when the socket is gone.
    pub(super) async fn speak(&mut self, mouth: &[u8; FRAME]) -> bool {
        self.mouth.extend_from_slice(mouth);
        while self.mouth.len() >= self.frame {
            let frame: Vec<u8> = self.mouth.drain(..self.frame).collect();
            let arriving = self.frames.media(&frame, self.sent / 8);
            self.sent += self.frame as u64;
            for message in arriving {
                if !self.write(message).await {
                    return false;
                }
            }
        }
        true
    }

    /// Sends a mark back.
    pub(super) async fn return_mark(&mut self, name: &str) -> bool {
        let mark = self.frames.mark(name);
        self.write(mark).await
    }

    /// Sends a key that the person pressed.
    pub(super) async fn press(&mut self, key: char) -> bool {
        let key = self.frames.key(key);
        self.write(key).await
    }

    /// Ends the stream from the carrier's side.
    pub(super) async fn stop(mut self) {
        let stop = self.frames.stop();
        if self.write(stop).await && self.socket.close(None).await.is_ok() {
            // Read on until the server closes, too: a socket closed with unread bytes would lose our `stop`.
            let drained = async { while let Some(Ok(_)) = self.socket.next().await {} };
            let _ = tokio::time::timeout(PATIENCE, drained).await;
        }
        self.report("stream-stopped");
    }

    /// Makes the stream's own status callback, if its TwiML asked for one.
    fn report(&self, event: &str) {
        let Some(url) = self.status_callback.clone() else { return };
        let form = [
            ("StreamEvent", event.to_owned()),
            ("AccountSid", self.world.config.account_sid.clone()),
            ("CallSid", self.call.sid.clone()),
            ("StreamSid", self.sid.clone()),
            ("Timestamp", self.world.now().to_string()),
        ];
        let form = form.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let world = Arc::clone(&self.world);
        self.world.spawn(async move { _ = post(&world, &url, &form, CALLS).await });
    }

    pub(super) async fn write(&mut self, message: String) -> bool {
        let sending = self.socket.send(Message::text(message));
        tokio::time::timeout(PATIENCE, sending).await.is_ok_and(|sent| sent.is_ok())
    }
}

/// A tick's length in milliseconds times eight bytes is a frame.
const _: () = assert!(TICK.as_millis() * 8 == FRAME as u128);

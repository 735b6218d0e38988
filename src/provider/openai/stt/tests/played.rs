//! A provider that the test plays by hand, and the owner of a session.

use std::future::poll_fn;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::*;

/// The provider's door.
pub(super) struct Provider {
    listener: TcpListener,
    pub(super) stt: OpenAiStt,
}

impl Provider {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut SttSettings)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut settings = SttSettings {
            endpoint: Endpoint::parse(&format!("ws://{}/v1", listener.local_addr().unwrap())).unwrap(),
            key: SecretString::from("sk-test-key"),
            model: None,
            alone: false,
            silence: Duration::from_millis(800),
            barge_in: Duration::from_millis(200),
            languages: Vec::new(),
            keywords: Vec::new(),
            audio: None,
        };
        change(&mut settings);
        Self { listener, stt: OpenAiStt::new(&settings, Arc::default()).unwrap() }
    }

    pub(super) async fn tcp(&self) -> TcpStream {
        let (socket, _) = timeout(60 * SECOND, self.listener.accept()).await.expect("a connection").unwrap();
        // A delayed acknowledgement would take real time, which paused time does not wait for.
        socket.set_nodelay(true).unwrap();
        socket
    }

    pub(super) async fn accept(&self) -> Peer {
        let mut asked = None;
        #[expect(clippy::result_large_err, reason = "the library's own type")]
        let look = |request: &Request, response: Response| {
            asked = Some((request.uri().to_string(), request.headers()["authorization"].to_str().unwrap().to_owned()));
            Ok(response)
        };
        let socket = accept_hdr_async(self.tcp().await, look).await.unwrap();
        Peer { socket, asked: asked.unwrap() }
    }

    /// Accepts and opens a session.
    pub(super) async fn open(&self) -> Peer {
        let mut peer = self.accept().await;
        peer.say(r#"{"type":"session.created"}"#).await;
        assert_eq!(peer.event().await["type"], "session.update");
        peer.say(r#"{"type":"session.updated","session":{"audio":{"input":{"format":{"type":"audio/pcmu"}}}}}"#).await;
        peer
    }

    /// Answers the upgrade with something else.
    pub(super) async fn refuse(&self, status: &str, body: &str) {
        let mut socket = self.tcp().await;
        let mut request = vec![0; 4096];
        let _ = socket.read(&mut request).await.unwrap();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        socket.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// The provider's side of one socket.
pub(super) struct Peer {
    pub(super) socket: WebSocketStream<TcpStream>,
    /// URI and `Authorization` of the upgrade.
    pub(super) asked: (String, String),
}

impl Peer {
    pub(super) async fn say(&mut self, event: &str) {
        self.socket.send(Message::text(event)).await.unwrap();
    }

    /// Says an event about an item: `speech_started`, `speech_stopped`, `committed`, or words.
    pub(super) async fn item(&mut self, item: &str, what: &str) {
        let (what, rest) = what.split_once(' ').unwrap_or((what, ""));
        let (kind, field) = match what {
            "started" => ("input_audio_buffer.speech_started", format!(r#""audio_start_ms":{rest}"#)),
            "stopped" => ("input_audio_buffer.speech_stopped", format!(r#""audio_end_ms":{rest}"#)),
            "committed" => ("input_audio_buffer.committed", r#""previous_item_id":null"#.to_owned()),
            "words" => ("conversation.item.input_audio_transcription.completed", format!(r#""transcript":"{rest}""#)),
            other => panic!("{other}"),
        };
        self.say(&format!(r#"{{"type":"{kind}","event_id":"e","item_id":"{item}",{field}}}"#)).await;
    }

    pub(super) async fn event(&mut self) -> Value {
        loop {
            match timeout(60 * SECOND, self.socket.next()).await.expect("an event").unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                // The library answers a ping with the next read.
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other}"),
            }
        }
    }

    /// The next append.
    pub(super) async fn audio(&mut self) -> Vec<u8> {
        let event = self.event().await;
        assert_eq!(event["type"], "input_audio_buffer.append");
        STANDARD.decode(event["audio"].as_str().unwrap()).unwrap()
    }

    /// So much audio, from as many appends as it takes.
    pub(super) async fn audio_of(&mut self, length: usize) -> Vec<u8> {
        let mut audio = Vec::new();
        while audio.len() < length {
            audio.extend(self.audio().await);
        }
        assert_eq!(audio.len(), length);
        audio
    }

    pub(super) async fn says_nothing_for(&mut self, time: Duration) {
        assert!(timeout(time, self.event()).await.is_err());
    }
}

/// The owner of a session: a task, as the media's is.
pub(super) struct Call {
    pub(super) orders: mpsc::UnboundedSender<Order>,
    heard: mpsc::UnboundedReceiver<Heard>,
    frames: u64,
    _owner: JoinSet<()>,
}

pub(super) enum Order {
    Hear(Vec<u8>, Millis),
    Finish(Millis),
}

impl Call {
    pub(super) fn new(provider: &Provider) -> Self {
        let mut session = provider.stt.listen();
        let (orders, mut to_do) = mpsc::unbounded_channel();
        let (tell, heard) = mpsc::unbounded_channel();
        let mut owner = JoinSet::new();
        owner.spawn(async move {
            loop {
                tokio::select! {
                    order = to_do.recv() => match order {
                        Some(Order::Hear(ulaw, now)) => session.hear(&ulaw, now),
                        Some(Order::Finish(now)) => session.finish(now),
                        None => return,
                    },
                    heard = poll_fn(|cx| session.poll_heard(cx)) => tell.send(heard).unwrap(),
                }
            }
        });
        Self { orders, heard, frames: 0, _owner: owner }
    }

    /// The call's time, by its audio.
    pub(super) fn now(&self) -> Millis {
        Millis(self.frames * 20)
    }

    /// One frame, made of its own number.
    pub(super) fn frame(&mut self) {
        let frame = sound(self.frames, self.frames + 1);
        self.frames += 1;
        self.orders.send(Order::Hear(frame, self.now())).unwrap();
    }

    /// Frames in real time.
    pub(super) async fn frames(&mut self, count: usize) {
        for _ in 0..count {
            sleep(Duration::from_millis(20)).await;
            self.frame();
        }
    }

    /// Any sound, in real time.
    pub(super) async fn plays(&mut self, ulaw: &[u8]) {
        for frame in ulaw.chunks(160) {
            sleep(Duration::from_millis(20)).await;
            self.frames += 1;
            self.orders.send(Order::Hear(frame.to_vec(), self.now())).unwrap();
        }
    }

    /// The next thing heard but interruptions, which come with each start where the server finds it.
    pub(super) async fn next(&mut self) -> Heard {
        loop {
            match self.heard.recv().await.unwrap() {
                Heard::BargedIn { .. } => {}
                other => return other,
            }
        }
    }

    /// What was heard, in short: `+1@120` started, `.1` stopped, `-1` nothing, `1:words`.
    pub(super) async fn hears(&mut self, want: &str) {
        let mut short = Vec::new();
        for _ in want.split_whitespace() {
            let heard = timeout(Duration::from_secs(20), self.next()).await.expect(want);
            short.push(match heard {
                Heard::Started { stretch, began_at } => format!("+{}@{began_at}", stretch.0),
                Heard::Stopped { stretch } => format!(".{}", stretch.0),
                Heard::Words { stretch, text, .. } => format!("{}:{text}", stretch.0),
                Heard::Nothing { stretch } => format!("-{}", stretch.0),
                Heard::BargedIn { .. } => unreachable!("passed over"),
                Heard::Failed(error) => format!("{:?}:{error}", error.class),
            });
        }
        assert_eq!(short.join(" "), want);
    }

    /// How the next so many turns end, in short.
    pub(super) async fn words(&mut self, count: usize) -> Vec<String> {
        let mut ends = Vec::new();
        while ends.len() < count {
            match timeout(Duration::from_secs(30), self.next()).await.expect("a turn ends") {
                Heard::Words { stretch, text, .. } => ends.push(format!("{}:{text}", stretch.0)),
                Heard::Nothing { stretch } => ends.push(format!("-{}", stretch.0)),
                _ => {}
            }
        }
        ends
    }

    pub(super) async fn fails(&mut self) -> ProviderError {
        match self.next().await {
            Heard::Failed(error) => error,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn hears_nothing(&mut self) {
        sleep(SECOND).await;
        assert!(self.heard.try_recv().is_err());
    }
}

/// What frames `from..to` are made of: their own number, and a pitch of 100 Hz, so that they are no silence.
pub(super) fn sound(from: u64, to: u64) -> Vec<u8> {
    let sample = |frame, at| if at % 80 < 20 { 0x80 } else { u8::try_from(frame % 251).unwrap() };
    (from..to).flat_map(|frame| (0..160).map(move |at| sample(frame, at))).collect()
}

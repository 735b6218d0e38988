//! A speech provider that sends anything, over real sockets. The input: what it does, line by line; a line that is no order
//! below is a frame that it sends.
//!
//! - `open`: takes a connection and opens a session as it should; `accept`: takes one, and is silent
//! - `refuse 429 …`: answers the handshake with a status and a body
//! - `close …`: closes with this reason; `drop`: is gone; `ping`; `binary`
//! - `hear 50`: so many frames come from the phone; `finish`: its line is gone; `wait 500`: so many milliseconds pass

#![no_main]

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use callme::clock::Millis;
use callme::privacy::mask;
use callme::provider::openai::endpoint::Endpoint;
use callme::provider::openai::stt::{OpenAiStt, SttSettings};
use callme::provider::{Heard, Stt as _, SttSession};
use futures_util::SinkExt as _;
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_async};

const KEY: &str = "sk-a-key-of-ours-0123456789";

/// As much as is done with one input.
const MOST_LINES: usize = 40;

thread_local! {
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
}

fuzz_target!(|data: &[u8]| {
    let script = String::from_utf8_lossy(data);
    let heard = RUNTIME.with(|runtime| runtime.block_on(Played::new()).play(runtime, &script));
    keeps_the_promise(&heard);
});

/// Every `Started` is followed by one `Words` or `Nothing`, in the order of the starts; the end is the last.
fn keeps_the_promise(heard: &[Heard]) {
    let (mut began, mut ended, mut stopped) = (BTreeMap::new(), 0, 0);
    for (at, one) in heard.iter().enumerate() {
        match one {
            Heard::Started { stretch, began_at } => {
                assert_eq!(began.insert(stretch.0, *began_at), None, "{heard:?}");
                assert_eq!(stretch.0, began.len() as u64, "{heard:?}");
            }
            Heard::BargedIn { .. } => assert!(!began.is_empty(), "nobody speaks: {heard:?}"),
            Heard::Stopped { stretch } => {
                assert!(began.contains_key(&stretch.0) && stretch.0 > ended, "{heard:?}");
                stopped += 1;
            }
            Heard::Words { stretch, .. } | Heard::Nothing { stretch } => {
                ended += 1;
                assert_eq!(stretch.0, ended, "{heard:?}");
                assert!(began.contains_key(&ended), "{heard:?}");
                if let Heard::Words { text, began_at, .. } = one {
                    assert!(!text.is_empty() && text.trim() == text, "{text:?}");
                    assert_eq!(began[&ended], *began_at);
                }
            }
            Heard::Failed(error) => {
                assert_eq!(at + 1, heard.len(), "{heard:?}");
                assert_eq!(mask(&error.message), error.message);
                assert!(error.message.chars().count() < 500 && !format!("{error:?}").contains(&KEY[..15]), "{error:?}");
            }
        }
    }
    assert!(stopped <= began.len() && ended == began.len() as u64, "{heard:?}");
    assert!(matches!(heard.last(), Some(Heard::Failed(_))), "a provider that is gone is given up: {heard:?}");
}

/// Provider and phone.
struct Played {
    listener: TcpListener,
    session: Box<dyn SttSession>,
    socket: Option<WebSocketStream<TcpStream>>,
    heard: Vec<Heard>,
    began: Instant,
}

impl Played {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("ws://{}/v1", listener.local_addr().expect("an address"));
        let settings = SttSettings {
            alone: false,
            endpoint: Endpoint::parse(&url).expect("a URL"),
            key: SecretString::from(KEY),
            model: Some("gpt-4o-transcribe".to_owned()),
            silence: Duration::from_millis(800),
            barge_in: Duration::from_millis(200),
            languages: Vec::new(),
            keywords: Vec::new(),
            audio: None,
        };
        let stt = OpenAiStt::new(&settings, Default::default()).expect("the settings are right");
        Self { listener, session: stt.listen(), socket: None, heard: Vec::new(), began: Instant::now() }
    }

    fn play(mut self, runtime: &Runtime, script: &str) -> Vec<Heard> {
        runtime.block_on(async {
            for line in script.lines().take(MOST_LINES) {
                self.act(line).await;
                self.pass(Duration::from_millis(1)).await;
            }
            self.socket = None;
            // Where nobody listens any more.
            self.listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            self.pass(Duration::from_secs(300)).await;
        });
        self.heard
    }

    async fn act(&mut self, line: &str) {
        let (order, rest) = line.split_once(' ').unwrap_or((line, ""));
        let number = |most: u64| rest.parse::<u64>().unwrap_or(1).min(most);
        match order {
            "open" => {
                self.accept().await;
                for event in [
                    r#"{"type":"session.created"}"#,
                    r#"{"type":"session.updated","session":{"audio":{"input":{"format":{"type":"audio/pcmu"}}}}}"#,
                ] {
                    self.send(Message::text(event)).await;
                    self.pass(Duration::from_millis(1)).await;
                }
            }
            "accept" => self.accept().await,
            "refuse" => {
                let (status, body) = rest.split_once(' ').unwrap_or((rest, ""));
                if let Some(mut stream) = self.connection().await {
                    let answer = format!("HTTP/1.1 {status} No\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                    let _ = stream.write_all(answer.as_bytes()).await;
                    self.pass(Duration::from_millis(1)).await;
                }
            }
            "close" => {
                let reason = rest.chars().take(40).collect::<String>().into();
                self.send(Message::Close(Some(CloseFrame { code: 1011.into(), reason }))).await;
            }
            "drop" => self.socket = None,
            "ping" => self.send(Message::Ping(rest.as_bytes().to_vec().into())).await,
            "binary" => self.send(Message::Binary(rest.as_bytes().to_vec().into())).await,
            "hear" => {
                let frames = number(50);
                self.pass(Duration::from_millis(20 * frames)).await;
                let now = self.now();
                for _ in 0..frames {
                    self.session.hear(&[0x55; 160], now);
                }
            }
            "finish" => {
                let now = self.now();
                self.session.finish(now);
            }
            "wait" => self.pass(Duration::from_millis(number(30_000))).await,
            _ => self.send(Message::text(line)).await,
        }
    }

    /// The next connection of the session, unless it makes none within its longest pause.
    async fn connection(&mut self) -> Option<TcpStream> {
        self.socket = None;
        let Self { listener, session, heard, .. } = self;
        let stream = during(session, heard, timeout(Duration::from_secs(20), listener.accept())).await;
        let (stream, _) = stream.ok()?.expect("it can be taken");
        // Or else each input leaves a port behind that cannot be used for a minute.
        stream.set_zero_linger().expect("the system knows this");
        stream.set_nodelay(true).expect("the system knows this");
        Some(stream)
    }

    async fn accept(&mut self) {
        if let Some(stream) = self.connection().await {
            self.socket = during(&mut self.session, &mut self.heard, accept_async(stream)).await.ok();
        }
    }

    async fn send(&mut self, frame: Message) {
        let Some(socket) = &mut self.socket else { return };
        // Not for ever: what comes the other way is not read.
        let sent = timeout(Duration::from_secs(1), socket.send(frame));
        if !matches!(during(&mut self.session, &mut self.heard, sent).await, Ok(Ok(()))) {
            self.socket = None;
        }
    }

    async fn pass(&mut self, time: Duration) {
        during(&mut self.session, &mut self.heard, sleep(time)).await;
    }

    fn now(&self) -> Millis {
        Millis(1_000_000 + self.began.elapsed().as_millis() as u64)
    }
}

/// Lets the session run for as long as `work` takes.
async fn during<T>(session: &mut Box<dyn SttSession>, heard: &mut Vec<Heard>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|cx| {
        while let Poll::Ready(one) = session.poll_heard(cx) {
            heard.push(one);
        }
        work.as_mut().poll(cx)
    })
    .await
}

//! What a call's media does with its socket, over a recogniser that only keeps what it hears.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{Sink, Stream, stream};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::*;
use crate::audio::vad::Loudness;
use crate::clock::wall::WallClock;
use crate::clock::{Clock, Millis};
use crate::domain::media::MediaCommand;
use crate::ids::{CarrierCallId, SessionId};
use crate::metrics::Metrics;
use crate::provider::{Heard, MediaWire, Speech, Stt, SttSession, Tts, TtsSession, telnyx, twilio};

const CALL: &str = "v3:1";

/// What was heard, and the end of it.
type Tape = Arc<Mutex<Vec<String>>>;

#[derive(Default)]
struct Recorder(Tape);

impl Stt for Recorder {
    fn listen(&self) -> Box<dyn SttSession> {
        Box::new(Self(Arc::clone(&self.0)))
    }
}

impl Recorder {
    fn note(&self, what: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }
}

impl SttSession for Recorder {
    fn hear(&mut self, ulaw: &[u8], _: Millis) {
        self.note(format!("{}", ulaw[0]));
    }
    fn minds_us(&self) -> bool {
        false
    }
    fn we_play(&mut self, _: Option<Loudness>) {}
    fn finish(&mut self, _: Millis) {
        self.note("end".to_owned());
    }
    fn poll_heard(&mut self, _: &mut Context<'_>) -> Poll<Heard> {
        Poll::Pending
    }
}

struct Mute;

impl Tts for Mute {
    fn open(&self) -> Box<dyn TtsSession> {
        Box::new(Self)
    }
}

impl TtsSession for Mute {
    fn speak(&mut self, _: String) -> Speech {
        Box::pin(stream::pending())
    }
    fn poll_idle(&mut self, _: &mut Context<'_>) {}
}

/// The server's end of a socket; the test has the other.
struct Wire(mpsc::UnboundedReceiver<String>);

impl Stream for Wire {
    type Item = Bytes;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.0.poll_recv(cx).map(|text| text.map(Bytes::from))
    }
}

impl Sink<String> for Wire {
    type Error = SocketGone;
    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketGone>> {
        Poll::Ready(Ok(()))
    }
    fn start_send(self: Pin<&mut Self>, _: String) -> Result<(), SocketGone> {
        Ok(())
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketGone>> {
        Poll::Ready(Ok(()))
    }
    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketGone>> {
        self.0.close();
        Poll::Ready(Ok(()))
    }
}

/// A call with its media, to which any number of sockets come.
struct Room {
    desk: Arc<Desk>,
    session: SessionId,
    commands: mpsc::Sender<MediaCommand>,
    events: mpsc::UnboundedReceiver<MediaEvent>,
    tape: Tape,
    tasks: TaskTracker,
}

impl Room {
    fn of(wire: Arc<dyn MediaWire>) -> Self {
        let (tape, tasks) = (Tape::default(), TaskTracker::new());
        let clock: Arc<dyn Clock> = Arc::new(WallClock::starting_at(Millis(1_000_000)));
        let desk = Arc::new(Desk::new(DeskConfig {
            tts: Arc::new(Mute),
            stt: Arc::new(Recorder(Arc::clone(&tape))),
            wire,
            account: "AC1".to_owned(),
            guard: Duration::from_secs(1),
            clock,
            metrics: Arc::new(Metrics::default()),
            tasks: tasks.clone(),
            // Each token another one: a test has no chance.
            random: |bytes| {
                static COUNT: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);
                bytes.fill(COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
            },
        }));
        let session = SessionId::parse("call-1-1000000").expect("a session");
        let (happens, events) = mpsc::unbounded_channel();
        let commands = desk.open(session.clone(), Box::new(move |event| happens.send(event).is_ok()));
        Self { desk, session, commands, events, tape, tasks }
    }

    fn call() -> CarrierCallId {
        CarrierCallId(CALL.to_owned())
    }

    /// A socket with this token; what is sent to it goes to the server.
    fn comes(&self, token: String) -> mpsc::UnboundedSender<String> {
        let (carrier, server) = mpsc::unbounded_channel();
        let start = json!({"event": "start", "stream_id": "s", "streamSid": "MZ1", "start": {"call_control_id": CALL,
            "accountSid": "AC1", "callSid": CALL, "streamSid": "MZ1"}});
        carrier.send(start.to_string()).expect("it is open");
        let desk = Arc::clone(&self.desk);
        self.tasks.spawn(async move {
            if let Some(admission) = desk.admit(Some(&token)) {
                desk.receive(admission, Some(token), Box::pin(Wire(server))).await;
            }
        });
        carrier
    }

    async fn connects(&mut self) -> mpsc::UnboundedSender<String> {
        let token = self.desk.mint(&self.session, &Self::call()).expect("it has media");
        let carrier = self.comes(token);
        assert_eq!(self.events.recv().await, Some(MediaEvent::Connected));
        carrier
    }

    fn tape(&self) -> Vec<String> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A frame of the person's, of this place and with this byte in it.
fn frame(place: u8) -> String {
    let payload = STANDARD.encode([place; 160]);
    json!({"event": "media", "media": {"track": "inbound", "chunk": place.to_string(), "payload": payload}}).to_string()
}

/// A frame in which nothing is said.
fn other() -> String {
    json!({"event": "mark", "mark": {"name": "9-9"}}).to_string()
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_late_frame_is_heard_before_the_end_however_that_comes() {
    for end in ["drain", "stop", "close"] {
        let mut room = Room::of(Arc::new(telnyx::MediaStreams));
        let carrier = room.connects().await;
        for place in [1, 2, 4, 5] {
            carrier.send(frame(place)).expect("it is open");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(room.tape(), ["1", "2"], "the rest waits");
        match end {
            "drain" => {}
            "stop" => carrier.send(json!({"event": "stop"}).to_string()).expect("it is open"),
            _ => drop(carrier),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        room.commands.send(MediaCommand::Drain).await.expect("it listens");
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(room.tape(), ["1", "2", "255", "4", "5", "end"], "{end}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_is_given_up_three_seconds_after_its_last_frame_where_frames_always_come() {
    for (given_up, frames) in [true, false].into_iter().flat_map(|steady| [0_u8, 1, 5].map(|frames| (steady, frames))) {
        let wire: Arc<dyn MediaWire> =
            if given_up { Arc::new(twilio::MediaStreams) } else { Arc::new(telnyx::MediaStreams) };
        let mut room = Room::of(wire);
        let carrier = room.connects().await;
        for place in 0..frames {
            tokio::time::sleep(Duration::from_millis(2900)).await;
            carrier.send(if place % 2 == 0 { other() } else { frame(place) }).expect("it is open");
        }
        tokio::time::sleep(Duration::from_millis(2990)).await;
        assert!(room.events.try_recv().is_err(), "{frames}: it is up");
        tokio::time::sleep(Duration::from_millis(20)).await;
        let gone = room.events.try_recv().ok();
        assert_eq!(gone, given_up.then_some(MediaEvent::MediaGone { stopped: false }), "{frames}");
        assert_eq!(carrier.is_closed(), given_up, "{frames}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_streams_that_are_asked_for_by_command_only_the_last_is_let_in() {
    let mut room = Room::of(Arc::new(telnyx::MediaStreams));
    let mint = || room.desk.mint_alone(&room.session, &Room::call()).expect("it has media");
    let (first, second) = (mint(), mint());
    let early = room.comes(first.clone());
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(early.is_closed(), "it is void");
    let _line = room.comes(second);
    assert_eq!(room.events.recv().await, Some(MediaEvent::Connected));
    let late = room.comes(first);
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(late.is_closed() && room.events.try_recv().is_err(), "the line is what it was");
}

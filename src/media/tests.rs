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
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::task::TaskTracker;

use super::*;
use crate::audio::vad::Loudness;
use crate::clock::wall::WallClock;
use crate::clock::{Clock, Millis};
use crate::domain::media::{MediaCommand, MediaLoss};
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

/// The server's end of a socket; the test has the other, and the tape of what the server says.
struct Wire(mpsc::UnboundedReceiver<String>, Tape);

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
    fn start_send(self: Pin<&mut Self>, text: String) -> Result<(), SocketGone> {
        Recorder(Arc::clone(&self.1)).note(text);
        Ok(())
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketGone>> {
        Poll::Ready(Ok(()))
    }
    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SocketGone>> {
        self.0.close();
        Recorder(Arc::clone(&self.1)).note("close".to_owned());
        Poll::Ready(Ok(()))
    }
}

/// A call with its media, to which any number of sockets come.
struct Room {
    desk: Arc<Desk>,
    session: SessionId,
    commands: mpsc::Sender<MediaCommand>,
    events: mpsc::Receiver<MediaEvent>,
    tape: Tape,
    /// What the server said on its sockets.
    said: Tape,
    tasks: TaskTracker,
}

impl Room {
    fn of(wire: Arc<dyn MediaWire>) -> Self {
        Self::with_room_for(100, wire)
    }

    /// One whose session has room for so many events.
    fn with_room_for(most: usize, wire: Arc<dyn MediaWire>) -> Self {
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
        let (happens, events) = mpsc::channel(most);
        let sink = move |event| match happens.try_send(event) {
            Ok(()) => Told::Taken,
            Err(TrySendError::Full(event)) => Told::Later(event),
            Err(TrySendError::Closed(_)) => Told::Nobody,
        };
        let commands = desk.open(session.clone(), Box::new(sink));
        Self { desk, session, commands, events, tape, said: Tape::default(), tasks }
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
        let (desk, said) = (Arc::clone(&self.desk), Arc::clone(&self.said));
        self.tasks.spawn(async move {
            if let Some(admission) = desk.admit(Some(&token)) {
                desk.receive(admission, Some(token), Box::pin(Wire(server, said))).await;
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

    /// What the server has said since this was asked last, each by its name.
    fn said(&self) -> Vec<String> {
        let said = std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner));
        let name = |text: &String| {
            let frame: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
            frame["mark"]["name"].as_str().unwrap_or(text).to_owned()
        };
        said.iter().map(name).collect()
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

fn both_wires() -> [Arc<dyn MediaWire>; 2] {
    [Arc::new(twilio::MediaStreams), Arc::new(telnyx::MediaStreams)]
}

/// The mark that asks a line whether it is alive.
fn probe() -> String {
    json!({"event": "mark", "mark": {"name": "alive"}}).to_string()
}

#[tokio::test(start_paused = true)]
async fn a_line_that_does_not_answer_is_given_up_four_seconds_after_its_last_frame_with_a_goodbye() {
    let ms = Duration::from_millis;
    for (wire, frames) in
        both_wires().into_iter().flat_map(|wire| [0_u8, 1, 5].map(|frames| (Arc::clone(&wire), frames)))
    {
        let mut room = Room::of(wire);
        let carrier = room.connects().await;
        for place in 0..frames {
            tokio::time::sleep(ms(2900)).await;
            carrier.send(if place % 2 == 0 { other() } else { frame(place) }).expect("it is open");
        }
        tokio::time::sleep(ms(2990)).await;
        assert_eq!(room.said(), [""; 0], "{frames}: nothing to ask");
        tokio::time::sleep(ms(20)).await;
        assert_eq!(room.said(), ["alive"], "{frames}: it is asked");
        tokio::time::sleep(ms(970)).await;
        assert!(room.events.try_recv().is_err(), "{frames}: it is up");
        tokio::time::sleep(ms(30)).await;
        assert_eq!(room.events.try_recv(), Ok(MediaEvent::MediaGone(MediaLoss::Silent)), "{frames}");
        assert_eq!((room.said(), carrier.is_closed()), (vec!["close".to_owned()], true), "{frames}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_silent_and_answers_is_kept() {
    for (wire, late) in both_wires().into_iter().flat_map(|wire| [0, 900].map(|late| (Arc::clone(&wire), late))) {
        let mut room = Room::of(wire);
        let carrier = room.connects().await;
        for round in 0..20 {
            tokio::time::sleep(Duration::from_millis(3010)).await;
            assert_eq!(room.said(), ["alive"], "round {round}");
            tokio::time::sleep(Duration::from_millis(late)).await;
            // Its answer, or any other frame.
            carrier.send(if round % 2 == 0 { probe() } else { frame(round) }).expect("it is open");
        }
        assert!(room.events.try_recv().is_err(), "it is up");
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_is_lost_when_the_carrier_says_so_however_alive_it_looks() {
    for loss in [MediaLoss::Broken, MediaLoss::Stopped] {
        let mut room = Room::of(Arc::new(telnyx::MediaStreams));
        let carrier = room.connects().await;
        carrier.send(frame(1)).expect("it is open");
        room.commands.send(MediaCommand::Lost(loss)).await.expect("it listens");
        assert_eq!(room.events.recv().await, Some(MediaEvent::MediaGone(loss)));
        // So the next one needs not wait for the old to fall silent.
        let _next = room.connects().await;
        assert_eq!(room.said(), ["close"]);
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

#[tokio::test(start_paused = true)]
async fn what_the_session_has_no_room_for_is_told_as_soon_as_it_has_and_in_its_order() {
    for wire in both_wires() {
        let mut room = Room::with_room_for(1, wire);
        let token = room.desk.mint(&room.session, &Room::call()).expect("it has media");
        let carrier = room.comes(token);
        tokio::time::sleep(Duration::from_millis(100)).await;
        carrier.send(json!({"event": "stop"}).to_string()).expect("it is open");
        room.commands.send(MediaCommand::Drain).await.expect("it listens");
        tokio::time::sleep(Duration::from_millis(100)).await;
        for event in [MediaEvent::Connected, MediaEvent::MediaGone(MediaLoss::Stopped), MediaEvent::Drained] {
            assert_eq!(room.events.recv().await, Some(event));
        }
        assert!(!room.commands.is_closed(), "it is still there");
    }
}

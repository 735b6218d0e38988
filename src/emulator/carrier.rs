//! The telephone company, as Twilio or as Telnyx: its REST API, its webhooks and its media streams.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::SILENCE;
use super::person::AnsweredBy;
use super::phone::Hand;
use super::timeline::{CallState, Side, What};
use super::world::World;
use crate::audio::mulaw;

mod call;
mod dial;
mod frames;
mod media;
mod playback;
mod rest;
pub(super) mod telnyx;
mod twiml;
mod webhook;

pub(super) use dial::Dial;

/// The carrier's routes.
pub(super) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/2010-04-01/Accounts/{account}/Calls.json", post(rest::dial).get(rest::list))
        .route("/2010-04-01/Accounts/{account}/Calls/{call}", get(rest::read).post(rest::change))
        .merge(telnyx::router())
}

/// Queues a call under this name and starts it.
fn place(world: &Arc<World>, dial: Dial, sid: String) -> Arc<Call> {
    let (call, controlled, script) = {
        let mut calls = world.calls.lock().expect("no holder of the lock panics");
        let (call, controlled) = Call::new(calls.len() + 1, sid, dial, world.now());
        calls.push(Arc::clone(&call));
        (call, controlled, world.person.next())
    };
    world.spawn(call::run(Arc::clone(world), Arc::clone(&call), script, controlled));
    call
}

/// What a call came to, for tests and the demo.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// Counted from 1.
    pub number: usize,
    /// `CA…`, or a `call_control_id`.
    pub sid: String,
    /// Its present state.
    pub state: CallState,
    /// Who hung up, once somebody has.
    pub ended_by: Option<Side>,
    /// From the answer to the end, or to now.
    pub talked: Option<Duration>,
    /// What the person's ear heard, stretch by stretch.
    pub segments: Vec<Segment>,
    /// Media streams it had.
    pub streams: usize,
    /// What the server sent on them, in order.
    pub frames: Vec<Frame>,
}

/// A message of the server on a media stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Since the emulator started.
    pub at: Duration,
    /// How many events the timeline had before it.
    pub events: usize,
    /// On which of the call's streams, counted from 1.
    pub stream: usize,
    /// What it was.
    pub what: Sent,
}

/// The kinds of messages on a media stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// So many bytes of sound.
    Audio(usize),
    /// A mark of this name.
    Mark(String),
    /// Drop what has not played.
    Clear,
}

/// A stretch of sound without a gap.
#[derive(Clone, PartialEq, Eq)]
pub struct Segment {
    /// Since the answer.
    pub began: Duration,
    /// µ-law, 8000 bytes a second.
    pub audio: Vec<u8>,
    /// It was ended by `clear`, or by the end of its stream, with more to play.
    pub cut: bool,
    /// The words in it, as far as the emulator's own speech is known to sound like it.
    pub text: String,
}

/// Prints how long the sound is, rather than its samples.
impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { began, cut, text, .. } = self;
        write!(f, "Segment({text:?} from {began:?}, {:?}{})", self.length(), if *cut { ", cut" } else { "" })
    }
}

impl Segment {
    /// How long it was.
    pub fn length(&self) -> Duration {
        mulaw::duration_of(self.audio.len())
    }
}

impl CallRecord {
    /// What the ear heard from the answer on, silence included.
    pub fn heard(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for segment in &self.segments {
            let at = usize::try_from(segment.began.as_millis()).unwrap_or(usize::MAX).saturating_mul(8);
            all.resize(at.max(all.len()), SILENCE);
            all.extend_from_slice(&segment.audio);
        }
        all
    }

    /// The agent's words that were heard.
    pub fn heard_text(&self) -> String {
        let texts: Vec<&str> = self.segments.iter().map(|s| s.text.as_str()).filter(|t| !t.is_empty()).collect();
        texts.join(" ")
    }
}

/// What the REST API or the person's hand tells a call's task.
#[derive(Debug)]
pub(super) enum Control {
    HangUp,
    /// Go on with the TwiML there.
    Redirect(String),
    /// Stream its media there.
    Stream(String),
    /// What somebody does with the phone.
    Hand(Hand),
}

/// One call, shared between its task and the REST API.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) number: usize,
    pub(super) sid: String,
    pub(super) dial: Dial,
    pub(super) created: Timestamp,
    pub(super) control: mpsc::UnboundedSender<Control>,
    /// Cancelled when the `completed` callback was delivered.
    pub(super) completed: CancellationToken,
    pub(super) progress: Mutex<Progress>,
}

/// How far a call is.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) state: CallState,
    pub(super) answered: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    pub(super) answered_by: Option<AnsweredBy>,
    pub(super) ended_by: Option<Side>,
    pub(super) segments: Vec<Segment>,
    pub(super) streams: usize,
    pub(super) frames: Vec<Frame>,
    /// The next `SequenceNumber`.
    pub(super) sequence: usize,
    /// The names of the commands it was given.
    pub(super) commands: HashSet<String>,
}

impl Call {
    fn new(
        number: usize,
        sid: String,
        dial: Dial,
        created: Timestamp,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Control>) {
        let (control, controlled) = mpsc::unbounded_channel();
        let progress = Progress {
            state: CallState::Queued,
            answered: None,
            ended: None,
            answered_by: None,
            ended_by: None,
            segments: Vec::new(),
            streams: 0,
            frames: Vec::new(),
            sequence: 0,
            commands: HashSet::new(),
        };
        let (completed, progress) = (CancellationToken::new(), Mutex::new(progress));
        (Arc::new(Self { number, sid, dial, created, control, completed, progress }), controlled)
    }

    pub(super) fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().expect("no holder of the lock panics")
    }

    /// Moves to a state, once: what is over stays as it is. Says whether it moved.
    fn enter(&self, world: &World, state: CallState, by: Option<Side>) -> bool {
        {
            let mut progress = self.progress();
            if progress.state.is_over() || progress.state == state {
                return false;
            }
            progress.state = state;
            match state {
                CallState::InProgress => progress.answered = Some(world.now()),
                state if state.is_over() => (progress.ended, progress.ended_by) = (Some(world.now()), by),
                _ => {}
            }
        }
        if let Some(side) = by {
            self.note(world, What::HungUp(side));
        }
        self.note(world, What::State(state));
        true
    }

    pub(super) fn note(&self, world: &World, what: What) {
        world.recorder.note(Some(self.number), what);
    }

    /// Writes down a message of the server.
    fn sent(&self, world: &World, what: Sent) {
        let (at, events) = (world.recorder.elapsed(), world.recorder.count());
        let mut progress = self.progress();
        let stream = progress.streams;
        progress.frames.push(Frame { at, events, stream, what });
    }

    /// From the answer to the end, or to now.
    fn talked(&self, now: Timestamp) -> Option<Duration> {
        let progress = self.progress();
        let answered = progress.answered?;
        Some(progress.ended.unwrap_or(now).duration_since(answered).unsigned_abs())
    }

    pub(super) fn record(&self, world: &World) -> CallRecord {
        let talked = self.talked(world.now());
        let progress = self.progress();
        let mut segments = progress.segments.clone();
        let phrases = world.phrases.lock().expect("no holder of the lock panics");
        for segment in &mut segments {
            segment.text = phrases.recognise(&segment.audio);
        }
        CallRecord {
            number: self.number,
            sid: self.sid.clone(),
            state: progress.state,
            ended_by: progress.ended_by,
            talked,
            segments,
            streams: progress.streams,
            frames: progress.frames.clone(),
        }
    }
}

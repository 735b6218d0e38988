//! Sessions and their calls: what runs, what became of it, and how long its steps took.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Metrics;
use super::series::{Counts, Gauges, gauge, ours, persons, theirs};

/// What may become of a dial.
const DIAL_ENDS: [&str; 6] = ["answered", "no-answer", "busy", "failed", "canceled", "voicemail"];

/// A session without a dial.
const NOT_DIALED: &str = "not-dialed";

/// Who may have ended a session.
const ENDERS: [&str; 9] =
    ["person", "agent", "inactivity", "max-length", "opt-out", "shutdown", "crash", "carrier", "nobody"];

/// Where a running session may stand.
const STATES: [&str; 8] =
    ["dialing", "ringing", "answered", "connected", "speaking", "listening", "messaging", "ending"];

/// How a turn may go.
const CHANNELS: [&str; 3] = ["voice", "whatsapp", "sms"];

#[derive(Debug)]
pub(super) struct Calls {
    sessions: Gauge,
    by_state: Gauges,
    ended: Counts<2>,
    dials: Counts<1>,
    dials_ended: Counts<1>,
    turns: Counts<2>,
    request_to_dial: Histogram,
    dial: Histogram,
    dial_to_ring: Histogram,
    ring_to_answer: Histogram,
    answer_to_audio: Histogram,
    reply_to_response: Histogram,
}

/// What the carrier said to a dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialResult {
    /// It will ring.
    Placed,
    /// It will not.
    Refused,
    /// Nothing, or nothing that tells: the phone may ring.
    Unknown,
}

impl DialResult {
    const ALL: [Self; 3] = [Self::Placed, Self::Refused, Self::Unknown];

    fn as_str(self) -> &'static str {
        match self {
            DialResult::Placed => "placed",
            DialResult::Refused => "refused",
            DialResult::Unknown => "unknown",
        }
    }
}

/// What became of what the agent asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The person replied.
    Replied,
    /// The person did not, in time.
    NoReply,
    /// The session ended before.
    HungUp,
    /// It did not reach the person, or the reply did not reach us.
    Failed,
}

impl Turn {
    const ALL: [Self; 4] = [Self::Replied, Self::NoReply, Self::HungUp, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Turn::Replied => "replied",
            Turn::NoReply => "no-reply",
            Turn::HungUp => "hung-up",
            Turn::Failed => "failed",
        }
    }
}

impl Calls {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let ends = DIAL_ENDS.into_iter().chain([NOT_DIALED]).flat_map(|dial| ENDERS.map(|ender| [dial, ender]));
        let turns = CHANNELS.into_iter().flat_map(|channel| Turn::ALL.map(|turn| [channel, turn.as_str()]));
        Self {
            sessions: gauge(registry, "sessions", "Sessions that run"),
            by_state: Gauges::new("state", STATES, |family| {
                registry.register("sessions_by_state", "Sessions that run, by where they stand", family);
            }),
            ended: Counts::new(
                registry,
                (
                    "calls",
                    "Sessions that ended, by what became of the dial (`not-dialed`: in writing only) and who ended them",
                ),
                ["dial", "ended_by"],
                ends,
            ),
            dials: Counts::new(
                registry,
                ("dials", "Dials asked of the carrier, by its answer"),
                ["result"],
                DialResult::ALL.map(|result| [result.as_str()]),
            ),
            dials_ended: Counts::new(
                registry,
                ("dials_ended", "Dials whose call is over, by what became of them"),
                ["dial"],
                DIAL_ENDS.map(|dial| [dial]),
            ),
            turns: Counts::new(
                registry,
                ("turns", "Requests that waited for a reply, by channel and what became of them"),
                ["channel", "result"],
                turns,
            ),
            request_to_dial: ours(
                registry,
                "request_to_dial",
                "From the request for a call to the asking of the carrier",
            ),
            dial: theirs(registry, "dial", "From the asking of the carrier to its answer"),
            dial_to_ring: theirs(registry, "dial_to_ring", "From the asking of the carrier to its word that it rings"),
            ring_to_answer: persons(registry, "ring_to_answer", "From the carrier's word that it rings to the pick-up"),
            answer_to_audio: theirs(
                registry,
                "answer_to_audio",
                "From the carrier's word of the pick-up to the first sound of ours on the line",
            ),
            reply_to_response: theirs(
                registry,
                "reply_to_response",
                "From the recogniser's word that the person fell silent to the agent's answer",
            ),
        }
    }
}

impl Metrics {
    /// This many sessions run.
    pub fn sessions(&self, running: usize) {
        self.calls.sessions.set(i64::try_from(running).unwrap_or(i64::MAX));
    }

    /// A session ended, with a call or in writing only; the labels as the API writes them.
    pub fn call_ended(&self, dial: &'static str, ended_by: &'static str) {
        self.calls.ended.add([dial, ended_by], 1);
    }

    /// The carrier was asked to ring, and took this long to answer.
    pub fn dialed(&self, result: DialResult, took: Duration) {
        self.calls.dials.add([result.as_str()], 1);
        self.calls.dial.observe(took.as_secs_f64());
    }

    /// The call of a dial is over; the label as the API writes it. A session that was not dialled has none.
    pub fn dial_ended(&self, dial: &'static str) {
        if dial != NOT_DIALED {
            self.calls.dials_ended.add([dial], 1);
        }
    }

    /// A request that waited for a reply was answered; the channel as the API writes it.
    pub fn turn(&self, channel: &'static str, turn: Turn) {
        self.calls.turns.add([channel, turn.as_str()], 1);
    }

    /// A request for a call waited this long until the carrier was asked.
    pub fn request_to_dial(&self, took: Duration) {
        self.calls.request_to_dial.observe(took.as_secs_f64());
    }

    /// The phone rang this long after the carrier was asked.
    pub fn dial_to_ring(&self, took: Duration) {
        self.calls.dial_to_ring.observe(took.as_secs_f64());
    }

    /// The phone rang for this long.
    pub fn ring_to_answer(&self, took: Duration) {
        self.calls.ring_to_answer.observe(took.as_secs_f64());
    }

    /// Whoever picked up heard nothing of us for this long.
    pub fn answer_to_audio(&self, took: Duration) {
        self.calls.answer_to_audio.observe(took.as_secs_f64());
    }

    /// The agent had its answer this long after the person's last word.
    pub fn reply_to_response(&self, took: Duration) {
        self.calls.reply_to_response.observe(took.as_secs_f64());
    }
}

/// A session's place in the gauge of states, given up when this is dropped.
#[derive(Debug)]
pub struct Standing {
    metrics: Arc<Metrics>,
    state: Option<&'static str>,
}

impl Standing {
    /// A session that stands nowhere yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, state: None }
    }

    /// It stands there now, as the API writes it; `None` when it is over.
    pub fn set(&mut self, state: Option<&'static str>) {
        let before = std::mem::replace(&mut self.state, state);
        if before != state {
            for (state, more) in [(before, -1), (state, 1)] {
                if let Some(state) = state {
                    self.metrics.calls.by_state.add(state, more);
                }
            }
        }
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.set(None);
    }
}

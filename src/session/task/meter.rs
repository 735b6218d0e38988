//! What is counted and measured of one session, by what comes in and what goes out.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::Millis;
use crate::domain::media::MediaEvent;
use crate::domain::outcome::Channel;
use crate::domain::session::{Answer, Body, CarrierNews, Failure, Input, Phase, Sense, Session};
use crate::ids::RequestId;
use crate::metrics::{Expiring, Metrics, Standing, Turn};

/// A window that closes within this time closes soon.
const SOON: Duration = Duration::from_hours(1);

/// One session's moments.
pub(super) struct Meter {
    metrics: Arc<Metrics>,
    standing: Standing,
    expiring: Expiring,
    /// When a call was asked for that was not dialled yet.
    asked_at: Option<Instant>,
    call: Call,
    /// When the person fell silent after what may be a reply.
    silent_at: Option<Instant>,
    /// The requests that wait for a reply.
    turns: HashSet<RequestId>,
}

/// How far the present call has come, and since when.
#[derive(Clone, Copy)]
enum Call {
    None,
    Dialed(Instant),
    Rings(Instant),
    Answered(Instant),
    /// Something of ours was heard.
    Heard,
}

impl Meter {
    /// For a session whose first call, if it begins with one, is asked for now.
    pub(super) fn new(metrics: &Arc<Metrics>, requests: impl IntoIterator<Item = RequestId>) -> Self {
        Self {
            standing: Standing::new(Arc::clone(metrics)),
            expiring: Expiring::new(Arc::clone(metrics)),
            metrics: Arc::clone(metrics),
            asked_at: Some(Instant::now()),
            call: Call::None,
            silent_at: None,
            turns: requests.into_iter().collect(),
        }
    }

    /// Something comes in, and `session` does not know of it yet.
    pub(super) fn comes(&mut self, input: &Input, session: &Session) {
        // What is not dialled at once waits for something else than us.
        self.asked_at = matches!(input, Input::Wrote { sense: Sense::CallMe { .. }, .. }).then(Instant::now);
        match input {
            Input::Ask { request, .. } | Input::Wait { request } => {
                self.turns.insert(*request);
                self.silent_at = None;
            }
            Input::Carrier { call, news } if session.live_call().is_none_or(|ours| ours == call) => self.news(*news),
            Input::Media(MediaEvent::SpeechStopped { .. }) if session.is_waiting() => {
                self.silent_at = Some(Instant::now());
            }
            Input::Media(MediaEvent::UtteranceStarted { .. }) => {
                if let Call::Answered(at) = self.call {
                    self.metrics.answer_to_audio(at.elapsed());
                    self.call = Call::Heard;
                }
            }
            _ => {}
        }
    }

    fn news(&mut self, news: CarrierNews) {
        // Carriers repeat and reorder: each step counts where it comes after the one before.
        match (self.call, news) {
            (Call::Dialed(at), CarrierNews::Ringing) => {
                self.metrics.dial_to_ring(at.elapsed());
                self.call = Call::Rings(Instant::now());
            }
            (Call::Rings(at), CarrierNews::Answered) => {
                self.metrics.ring_to_answer(at.elapsed());
                self.call = Call::Answered(Instant::now());
            }
            (Call::Dialed(_), CarrierNews::Answered) => self.call = Call::Answered(Instant::now()),
            _ => {}
        }
    }

    /// The carrier is asked to ring.
    pub(super) fn dials(&mut self) {
        if let Some(asked_at) = self.asked_at.take() {
            self.metrics.request_to_dial(asked_at.elapsed());
        }
        self.call = Call::Dialed(Instant::now());
    }

    /// A request is answered by a session on this channel.
    pub(super) fn answers(&mut self, request: RequestId, answer: &Answer, channel: Channel) {
        if !self.turns.remove(&request) {
            return;
        }
        let turn = match &answer.body {
            Body::Reply(_) => Turn::Replied,
            Body::Failed { failure, .. } => match failure {
                Failure::NoReply | Failure::Queued | Failure::NoAnswer => Turn::NoReply,
                Failure::CallEnded => Turn::HungUp,
                Failure::Speech(_)
                | Failure::Carrier(_)
                | Failure::OptedOut
                | Failure::TemplateRequired
                | Failure::Undelivered { .. } => Turn::Failed,
                // It never became one.
                Failure::Busy | Failure::NoActiveCall | Failure::Stopping => return,
            },
            // Nobody waited for a reply.
            Body::Spoken { .. } | Body::Ended { .. } => return,
        };
        let channel = answer.outcome.reply_channel.filter(|_| turn == Turn::Replied).unwrap_or(channel);
        self.metrics.turn(channel.as_str(), turn);
        if let (Turn::Replied, Channel::Voice, Some(silent_at)) = (turn, channel, self.silent_at.take()) {
            self.metrics.reply_to_response(silent_at.elapsed());
        }
    }

    /// The session has done what it had to; `window` is when the one of its open question closes.
    pub(super) fn stands(&mut self, session: &Session, window: Option<Millis>, now: Millis) {
        let phase = session.phase();
        let in_call = !matches!(phase, Phase::Messaging | Phase::Ended);
        if !in_call && !matches!(self.call, Call::None) {
            self.metrics.dial_ended(session.outcome().dial.as_str());
            self.call = Call::None;
        }
        self.standing.set((phase != Phase::Ended).then(|| phase.as_str()));
        self.expiring.set(window.is_some_and(|until| now < until && until.since(now) <= SOON));
    }

    /// When a window that is open until then begins to close soon, or closes: what comes next.
    pub(super) fn next_deadline(window: Option<Millis>, now: Millis) -> Option<Millis> {
        let until = window?;
        [until - SOON, until].into_iter().find(|at| *at > now)
    }
}

//! The phone call: from the dial to the line, by the carrier's REST answers, its webhooks and its media, in any order.

use std::time::Duration;

use crate::clock::Millis;
use crate::domain::carrier::{CallEnd, CallProgress, ErrorClass, ProviderError, Verdict};
use crate::domain::media::MediaLoss;
use crate::domain::outcome::{AnsweredBy, Dial, EndedBy};
use crate::ids::CarrierCallId;

use super::{
    CONNECT, CarrierNews, Effect, Ending, Failure, Line, RECONNECT_SILENT, REST_PATIENCE, RING_SLACK, Session, State,
    Timer, VERDICT, Why,
};

/// Waits before each search for a dial whose answer was lost. The last one ends after the carrier's list has caught up.
const SEARCHES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(10),
];

/// The dial, and its answer, or its loss.
impl Session {
    pub(super) fn dial(&mut self, now: Millis) {
        self.calls.dialed(now);
        self.deadlines.set(Timer::Settle, now + REST_PATIENCE);
        self.effects.push_back(Effect::Dial);
    }

    pub(super) fn dialed(&mut self, result: Result<CarrierCallId, ProviderError>, now: Millis) {
        self.calls.dial_answered();
        match result {
            Ok(call) if self.calls.knows(&call) => {}
            Ok(call) => self.placed(call, now),
            Err(error) => self.not_placed(error, now),
        }
    }

    /// The carrier has named a call that it had not named before.
    fn placed(&mut self, call: CarrierCallId, now: Millis) {
        self.calls.named(call.clone());
        match self.state {
            State::Dialing { .. } => {
                self.deadlines.stop(Timer::Settle);
                self.deadlines.set(Timer::Ring, now + self.limits.ring + RING_SLACK);
                self.state = State::Ringing { call };
            }
            State::Ending(Ending::Unplaced { .. }) => self.hang_up(call, now),
            // Given up before it had a name, it rings after all.
            State::Messaging { hanging: None } => self.hang_up_late(call, now),
            // Another one than the session's: nobody would talk in it.
            State::Ringing { .. }
            | State::Answered { .. }
            | State::Talking { .. }
            | State::Messaging { .. }
            | State::Ending(_)
            | State::Ended => self.effects.push_back(Effect::HangUp { call }),
        }
    }

    fn not_placed(&mut self, error: ProviderError, now: Millis) {
        let unplaced = matches!(self.state, State::Dialing { .. } | State::Ending(Ending::Unplaced { .. }));
        match error.class {
            _ if !unplaced => {}
            ErrorClass::Unknown => {
                if let State::Dialing { lost, .. } = &mut self.state {
                    *lost = Some(error);
                }
                self.deadlines.hasten(Timer::Settle, now + SEARCHES[0]);
            }
            ErrorClass::Refused | ErrorClass::Busy => self.was_refused(error, now),
        }
    }

    pub(super) fn look_for_the_call(&mut self, now: Millis) {
        if let (State::Messaging { hanging: None }, true) = (&self.state, self.calls.is_in_the_air()) {
            return self.look_for_a_lost_dial(now);
        }
        let (State::Dialing { looked, .. } | State::Ending(Ending::Unplaced { looked })) = &mut self.state else {
            return;
        };
        *looked += 1;
        if *looked > SEARCHES.len() {
            return self.never_placed(now);
        }
        self.deadlines.set(Timer::Settle, now + REST_PATIENCE);
        self.effects.push_back(Effect::FindCall { since: self.calls.dialed_at() });
    }

    pub(super) fn found(&mut self, found: Result<Option<(CarrierCallId, CallProgress)>, ProviderError>, now: Millis) {
        if let (State::Messaging { hanging: None }, true) = (&self.state, self.calls.is_in_the_air()) {
            return match found {
                Ok(Some((call, _))) if !self.calls.knows(&call) => self.placed(call, now),
                // The next look is due already.
                Ok(_) | Err(_) => {}
            };
        }
        let (State::Dialing { looked, .. } | State::Ending(Ending::Unplaced { looked })) = self.state else { return };
        match found {
            Ok(Some((call, progress))) if !self.calls.knows(&call) => self.carrier(&call, progress.into(), now),
            Ok(_) if looked >= SEARCHES.len() => self.was_refused(self.no_such_call(), now),
            Ok(_) | Err(_) => {
                let wait = SEARCHES.get(looked).copied().unwrap_or_default();
                self.deadlines.hasten(Timer::Settle, now + wait);
            }
        }
    }

    /// Nothing reached the person, and nothing will.
    fn was_refused(&mut self, error: ProviderError, now: Millis) {
        if let State::Ending(Ending::Unplaced { .. }) = self.state {
            return self.ended(now);
        }
        self.outcome.dial = Dial::Failed;
        self.finish(&Why::Refused(error), now);
    }

    /// What went wrong, in the carrier's own words where it had some.
    fn no_such_call(&self) -> ProviderError {
        let (code, message) = match &self.state {
            State::Dialing { lost: Some(ProviderError { code: Some(code), message, .. }), .. } => {
                (Some(code.clone()), message.clone())
            }
            _ => (None, "the carrier did not answer the dial and has no such call".to_owned()),
        };
        ProviderError { class: ErrorClass::Refused, code, message }
    }

    /// The carrier never told whether it rang: not to be repeated, and not to be called an answer.
    fn never_placed(&mut self, now: Millis) {
        if let State::Ending(Ending::Unplaced { .. }) = self.state {
            return self.ended(now);
        }
        self.outcome.dial = Dial::Failed;
        self.outcome.ended_by = Some(EndedBy::Carrier);
        self.finish(&Why::Unreached, now);
    }
}

impl From<CallProgress> for CarrierNews {
    fn from(progress: CallProgress) -> Self {
        match progress {
            CallProgress::Queued => CarrierNews::Queued,
            CallProgress::Ringing => CarrierNews::Ringing,
            CallProgress::Answered => CarrierNews::Answered,
            CallProgress::Over(end) => CarrierNews::Over(end),
        }
    }
}

/// Webhooks.
impl Session {
    pub(super) fn carrier(&mut self, call: &CarrierCallId, news: CarrierNews, now: Millis) {
        match (&self.state, news) {
            // What is still to be said of an earlier call.
            _ if self.known_call() != Some(call) && self.calls.knows(call) => return,
            // Ended before it had a name, and over before we could hang up.
            (State::Ending(Ending::Unplaced { .. }), CarrierNews::Over(_)) => return self.ended(now),
            (State::Messaging { hanging: None }, CarrierNews::Over(_)) => self.calls.named(call.clone()),
            (
                State::Dialing { .. } | State::Messaging { hanging: None } | State::Ending(Ending::Unplaced { .. }),
                _,
            ) => {
                self.placed(call.clone(), now);
            }
            _ => {}
        }
        if self.known_call() != Some(call) {
            return;
        }
        match news {
            CarrierNews::Over(end) => self.over(end, now),
            // A call that is being hung up while the session writes has only its end to tell.
            _ if self.is_writing() => {}
            CarrierNews::Queued => {}
            CarrierNews::Ringing => self.rings(now),
            CarrierNews::Answered => self.picked_up(now),
            CarrierNews::Machine(verdict) => {
                self.picked_up(now);
                self.judged(verdict, now);
            }
        }
    }

    fn rings(&mut self, now: Millis) {
        if let State::Ringing { .. } = self.state {
            self.deadlines.set(Timer::Ring, now + self.limits.ring + RING_SLACK);
        }
    }

    fn picked_up(&mut self, now: Millis) {
        let State::Ringing { call } = &self.state else { return };
        self.state = State::Answered { call: call.clone() };
        self.calls.answered(now);
        self.outcome.dial = Dial::Answered;
        self.outcome.answered_by = AnsweredBy::Unknown;
        self.deadlines.stop(Timer::Ring);
        self.deadlines.set(Timer::Connect, now + CONNECT);
        self.deadlines.set(Timer::Verdict, now + VERDICT);
        self.deadlines.set(Timer::Longest, now + self.limits.longest);
    }

    /// A verdict that comes after its time is recorded and changes nothing else: the conversation goes on.
    fn judged(&mut self, verdict: Verdict, now: Millis) {
        let in_time = self.deadlines.is_set(Timer::Verdict);
        self.deadlines.stop(Timer::Verdict);
        self.outcome.answered_by = match verdict {
            Verdict::Human => AnsweredBy::Human,
            Verdict::Machine => AnsweredBy::Machine,
            Verdict::Unknown => self.outcome.answered_by,
        };
        if verdict == Verdict::Machine && in_time {
            self.turns.discard_words();
            self.outcome.dial = Dial::Voicemail;
            // A machine that has hung up is not the person who did.
            if let State::Ending(_) = self.state {
                self.outcome.ended_by = None;
                if !self.may_write() {
                    self.fail_asking(&Failure::NoAnswer);
                }
                self.last_words_done(now);
            } else {
                self.finish(&Why::Unreached, now);
            }
        } else {
            self.verdict_settled(now);
        }
    }

    pub(super) fn verdict_settled(&mut self, now: Millis) {
        self.record_words();
        match self.state {
            State::Ending(Ending::LastWords { .. }) if self.deadlines.is_set(Timer::LastWords) => {}
            State::Ending(Ending::LastWords { .. }) => self.last_words_done(now),
            _ => self.reply_if_complete(now),
        }
    }

    fn over(&mut self, end: CallEnd, now: Millis) {
        match &self.state {
            State::Ringing { .. } => self.unanswered(end, now),
            State::Answered { .. } | State::Talking { .. } if end == CallEnd::Failed => {
                self.call_is_over(&Why::Lost, now);
            }
            State::Answered { .. } | State::Talking { .. } => self.hung_up(now),
            State::Ending(Ending::LastWords { call, .. }) => {
                self.state = State::Ending(Ending::LastWords { call: call.clone(), over: true });
                self.calls.over(now);
            }
            // Somebody who speaks into the goodbye and hangs up has still said something.
            State::Ending(Ending::Goodbye { .. }) => self.call_is_over(&Why::HungUp, now),
            State::Messaging { .. } | State::Ending(Ending::Parting { .. }) => self.hung_up_at_last(now),
            State::Ending(_) => self.ended(now),
            State::Dialing { .. } | State::Ended => {}
        }
    }

    fn unanswered(&mut self, end: CallEnd, now: Millis) {
        self.outcome.dial = match end {
            CallEnd::NoAnswer => Dial::NoAnswer,
            CallEnd::Busy => Dial::Busy,
            CallEnd::Failed => Dial::Failed,
            CallEnd::Canceled => Dial::Canceled,
            // Answered and over before we learned of it: whoever it was heard nothing.
            CallEnd::Completed => {
                self.outcome.answered_by = AnsweredBy::Unknown;
                self.outcome.ended_by = Some(EndedBy::Person);
                Dial::Answered
            }
        };
        self.call_is_over(&Why::Unreached, now);
    }

    /// Hung up by the person: who heard nothing and says nothing has declined, and no words need to be awaited.
    fn hung_up(&mut self, now: Millis) {
        if self.turns.is_silent() {
            self.outcome.ended_by = Some(EndedBy::Person);
            self.call_is_over(&Why::Unreached, now);
        } else {
            self.call_is_over(&Why::HungUp, now);
        }
    }

    pub(super) fn rang_out(&mut self, now: Millis) {
        self.outcome.dial = Dial::NoAnswer;
        self.finish(&Why::Unreached, now);
    }
}

/// Media.
impl Session {
    pub(super) fn connected(&mut self, now: Millis) {
        match &self.state {
            State::Answered { call } | State::Talking { call, line: Line::Dropped { .. } } => {
                // A line that comes back says nothing: one that breaks and comes back for ever does not put silence off.
                let first = matches!(self.state, State::Answered { .. });
                self.state = State::Talking { call: call.clone(), line: Line::Up };
                self.deadlines.stop(Timer::Connect);
                self.deadlines.stop(Timer::Reconnect);
                self.turns.guard_until(now + self.limits.guard);
                if first {
                    self.stay_active(now);
                }
            }
            // A second Connected, or one that comes too late.
            State::Dialing { .. }
            | State::Ringing { .. }
            | State::Talking { .. }
            | State::Messaging { .. }
            | State::Ending(_)
            | State::Ended => {}
        }
    }

    pub(super) fn never_connected(&mut self, now: Millis) {
        self.outcome.dial = Dial::Failed;
        self.outcome.ended_by = Some(EndedBy::Carrier);
        self.finish(&Why::Unreached, now);
    }

    pub(super) fn media_gone(&mut self, loss: MediaLoss, now: Millis) {
        let by_carrier = loss == MediaLoss::Stopped;
        match &mut self.state {
            State::Talking { line: line @ Line::Up, .. } => {
                *line = Line::Dropped { stopped: by_carrier };
                let grace = match loss {
                    MediaLoss::Stopped | MediaLoss::Broken => self.limits.reconnect,
                    MediaLoss::Silent => self.limits.reconnect.max(RECONNECT_SILENT),
                };
                self.deadlines.set(Timer::Reconnect, now + grace);
            }
            // The carrier may have its word after the socket.
            State::Talking { line: Line::Dropped { stopped }, .. } => *stopped |= by_carrier,
            // Nobody hears the goodbye any more.
            State::Ending(Ending::Goodbye { .. }) => self.goodbye_done(now),
            State::Dialing { .. }
            | State::Ringing { .. }
            | State::Answered { .. }
            | State::Messaging { .. }
            | State::Ending(_)
            | State::Ended => {}
        }
    }

    pub(super) fn never_reconnected(&mut self, now: Millis) {
        match self.state {
            State::Talking { line: Line::Dropped { stopped: true }, .. } => self.finish(&Why::HungUp, now),
            _ => self.finish(&Why::Lost, now),
        }
    }
}

//! The ways out: the goodbye, the last words, the hang-up.

use std::time::Duration;

use crate::clock::Millis;
use crate::domain::carrier::{ErrorClass, ProviderError};
use crate::domain::media::MediaCommand;
use crate::domain::outcome::{Dial, EndedBy};
use crate::domain::text::AgentText;
use crate::ids::{CarrierCallId, RequestId};

use super::{Body, Effect, Ending, Failure, LAST_WORDS, LEAVING, Line, SHORT_GOODBYE, Session, State, Timer, Why};

/// Waits between tries to hang up; after the last the carrier's own time limit must do.
const HANG_UP_AGAIN: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// A hang-up that is not answered at all counts as failed after this; the adapter gives up sooner.
const HANG_UP_PATIENCE: Duration = Duration::from_secs(15);

/// Why it ends.
impl Session {
    pub(super) fn end(&mut self, request: RequestId, text: AgentText, now: Millis) {
        if self.state == State::Ended {
            let talked = self.talked_millis(now);
            return self.answer(request, Body::Ended { talked });
        }
        self.turns.leaving.push(request);
        match &self.state {
            State::Talking { call, line: Line::Up } => {
                let call = call.clone();
                self.outcome.ended_by = Some(EndedBy::Agent);
                if self.turns.is_asking() {
                    self.hush(&Failure::CallEnded);
                    self.fail_asking(&Failure::CallEnded);
                }
                self.leave_with(text, call, now);
            }
            State::Dialing { .. } | State::Ringing { .. } | State::Answered { .. } | State::Talking { .. } => {
                self.finish(Why::Agent, now);
            }
            State::Ending(_) | State::Ended => {}
        }
    }

    pub(super) fn shutdown(&mut self, now: Millis) {
        if let State::Ending(Ending::Goodbye { .. }) = self.state {
            self.deadlines.set(Timer::Goodbye, now + SHORT_GOODBYE);
        } else {
            self.say_and_leave(LEAVING, Why::Shutdown, now);
        }
    }

    pub(super) fn inactive(&mut self, now: Millis) {
        self.finish(Why::Inactivity, now);
    }

    pub(super) fn too_long(&mut self, now: Millis) {
        match &self.state {
            State::Ending(Ending::Goodbye { .. }) => self.goodbye_done(now),
            _ => self.finish(Why::Longest, now),
        }
    }

    /// Says a short goodbye of our own if somebody listens, then hangs up.
    pub(super) fn say_and_leave(&mut self, goodbye: &str, why: Why, now: Millis) {
        let State::Talking { call, line: Line::Up } = &self.state else { return self.finish(why, now) };
        let call = call.clone();
        self.outcome.ended_by = why.ended_by();
        self.hush(&Failure::CallEnded);
        self.fail_asking(&Failure::CallEnded);
        let text = AgentText::parse(goodbye).expect("our own goodbyes are short texts");
        self.leave_with(text, call, now);
        self.deadlines.set(Timer::Goodbye, now + SHORT_GOODBYE);
    }

    fn leave_with(&mut self, text: AgentText, call: CarrierCallId, now: Millis) {
        for timer in [Timer::Inactivity, Timer::Collect, Timer::Verdict] {
            self.deadlines.stop(timer);
        }
        self.record_words();
        self.say_goodbye(text, now);
        self.state = State::Ending(Ending::Goodbye { call });
    }
}

/// How it ends.
impl Session {
    /// Goes to the end for this reason, without a goodbye. A session that is ending already goes on as it was.
    pub(super) fn finish(&mut self, why: Why, now: Millis) {
        let call = match &self.state {
            State::Ending(_) | State::Ended => return,
            State::Dialing { looked } => {
                let looked = *looked;
                self.close_books(&why);
                return match why {
                    Why::Refused(_) | Why::Unreached => self.ended(now),
                    _ => self.state = State::Ending(Ending::Unplaced { looked }),
                };
            }
            State::Ringing { call } | State::Answered { call } | State::Talking { call, .. } => call.clone(),
        };
        let unheard = !self.turns.stretches.is_empty();
        match why {
            Why::HungUp | Why::Lost => self.await_last_words(&why, Some(call), now),
            Why::Agent | Why::Inactivity | Why::Longest | Why::Shutdown if unheard => {
                self.await_last_words(&why, Some(call), now);
            }
            _ => {
                self.close_books(&why);
                self.hang_up(call, now);
            }
        }
    }

    /// As [`Session::finish`], when the carrier has ended the call and there is nothing to hang up.
    pub(super) fn call_is_over(&mut self, why: Why, now: Millis) {
        if why == Why::HungUp {
            self.await_last_words(&why, None, now);
        } else {
            self.close_books(&why);
            self.ended(now);
        }
    }

    /// Answers every request that waits, except `end`, with what this end means for it.
    fn close_books(&mut self, why: &Why) {
        self.note_end(why);
        let failure = why.failure();
        self.hush(&failure);
        self.fail_asking(&failure);
    }

    fn note_end(&mut self, why: &Why) {
        if self.outcome.ended_by.is_none() {
            self.outcome.ended_by = why.ended_by();
        }
        if self.answered_at.is_none() && self.outcome.dial == Dial::NotDialed {
            self.outcome.dial = Dial::Canceled;
        }
        self.deadlines.clear();
        self.record_words();
    }

    fn await_last_words(&mut self, why: &Why, live: Option<CarrierCallId>, now: Millis) {
        self.note_end(why);
        self.hush(&why.failure());
        self.state = State::Ending(Ending::LastWords { live });
        self.effects.push_back(Effect::Media(MediaCommand::Drain));
        self.deadlines.set(Timer::LastWords, now + LAST_WORDS);
    }

    pub(super) fn last_words_done(&mut self, now: Millis) {
        let State::Ending(Ending::LastWords { live }) = &self.state else { return };
        let live = live.clone();
        self.deadlines.stop(Timer::LastWords);
        self.settle_asking(now);
        match live {
            Some(call) => self.hang_up(call, now),
            None => self.ended(now),
        }
    }

    pub(super) fn goodbye_done(&mut self, now: Millis) {
        let State::Ending(Ending::Goodbye { call }) = &self.state else { return };
        let call = call.clone();
        if self.turns.stretches.is_empty() {
            self.hush(&Failure::CallEnded);
            self.hang_up(call, now);
        } else {
            self.await_last_words(&Why::Agent, Some(call), now);
        }
    }

    pub(super) fn hang_up(&mut self, call: CarrierCallId, now: Millis) {
        self.deadlines.clear();
        self.deadlines.set(Timer::HangUp, now + HANG_UP_PATIENCE);
        self.effects.push_back(Effect::HangUp { call: call.clone() });
        self.state = State::Ending(Ending::HangingUp { call, tries: 1 });
    }

    pub(super) fn hang_up_answered(&mut self, result: Result<(), ProviderError>, now: Millis) {
        let State::Ending(Ending::HangingUp { tries, .. }) = self.state else { return };
        match result.map_err(|error| error.class) {
            Ok(()) | Err(ErrorClass::Refused) => self.ended(now),
            Err(ErrorClass::Busy | ErrorClass::Unknown) => {
                let wait = HANG_UP_AGAIN.get(tries - 1).copied().unwrap_or_default();
                self.deadlines.set(Timer::HangUp, now + wait);
            }
        }
    }

    pub(super) fn hang_up_again(&mut self, now: Millis) {
        let State::Ending(Ending::HangingUp { call, tries }) = &mut self.state else { return };
        if *tries > HANG_UP_AGAIN.len() {
            return self.ended(now);
        }
        *tries += 1;
        self.effects.push_back(Effect::HangUp { call: call.clone() });
        self.deadlines.set(Timer::HangUp, now + HANG_UP_PATIENCE);
    }

    pub(super) fn ended(&mut self, now: Millis) {
        self.ended_at = Some(now);
        self.deadlines.clear();
        self.hush(&Failure::CallEnded);
        self.settle_asking(now);
        self.state = State::Ended;
        let talked = self.talked_millis(now);
        for request in std::mem::take(&mut self.turns.leaving) {
            self.answer(request, Body::Ended { talked });
        }
        self.effects.push_back(Effect::Finished);
    }

    fn talked_millis(&self, now: Millis) -> u64 {
        u64::try_from(self.talked(now).as_millis()).unwrap_or(u64::MAX)
    }
}

impl Why {
    fn ended_by(&self) -> Option<EndedBy> {
        match self {
            // Nobody ended what never began.
            Why::Unreached => None,
            Why::HungUp => Some(EndedBy::Person),
            Why::Lost | Why::Refused(_) | Why::Speech(_) => Some(EndedBy::Carrier),
            Why::Agent => Some(EndedBy::Agent),
            Why::Inactivity => Some(EndedBy::Inactivity),
            Why::Longest => Some(EndedBy::MaxLength),
            Why::Shutdown => Some(EndedBy::Shutdown),
        }
    }

    fn failure(&self) -> Failure {
        match self {
            Why::Unreached => Failure::NoAnswer,
            Why::Refused(error) => Failure::Carrier(error.clone()),
            Why::Speech(error) => Failure::Speech(error.clone()),
            Why::HungUp | Why::Lost | Why::Agent | Why::Inactivity | Why::Longest | Why::Shutdown => Failure::CallEnded,
        }
    }
}

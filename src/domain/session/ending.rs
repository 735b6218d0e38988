//! The ways out: the goodbye, the last words, the hang-up.

use std::time::Duration;

use crate::clock::{Millis, whole_millis};
use crate::domain::carrier::{ErrorClass, ProviderError};
use crate::domain::media::MediaCommand;
use crate::domain::outcome::{Dial, EndedBy};
use crate::domain::text::AgentText;
use crate::ids::{CarrierCallId, RequestId};

use super::turns::Purpose;
use super::{
    Body, Effect, Ending, Failure, Hanging, LAST_WORDS, LAST_WORDS_AT_SHUTDOWN, LEAVING, Line, PARTING, SHORT_GOODBYE,
    Session, State, Timer,
};

/// Waits between tries to hang up; after the last the call is no session's any more, and is seen to in the background.
pub const HANG_UP_AGAIN: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// A goodbye, and what plays before it, has been heard after this and so much a character, or never will be.
const GOODBYE_FLOOR: Duration = Duration::from_secs(15);
/// See [`GOODBYE_FLOOR`]: slow speech takes 70 ms.
const GOODBYE_PER_CHAR: Duration = Duration::from_millis(120);
/// A hang-up that is not answered at all counts as failed after this; the adapter gives up sooner.
const HANG_UP_PATIENCE: Duration = Duration::from_secs(15);

/// Why a session goes to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Nobody talked to us: the message did not get through by voice.
    Unreached,
    /// The person hung up.
    HungUp,
    /// The carrier lost the call.
    Lost,
    /// The agent's `end`.
    Agent,
    /// Too long without a word.
    Inactivity,
    /// Too long a call.
    Longest,
    /// The person's word to end it.
    Quit,
    /// The server stops.
    Shutdown,
    /// The carrier refused the dial.
    Refused(ProviderError),
    /// The speech provider failed for good.
    Speech(ProviderError),
}

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
                self.leave_with(Purpose::Goodbye, text, call, now);
            }
            State::Dialing { .. } | State::Ringing { .. } | State::Answered { .. } | State::Talking { .. } => {
                self.finish(&Why::Agent, now);
            }
            // Nobody takes leave of whom nothing has reached.
            State::Messaging { .. } if self.reaches_nobody() => self.finish(&Why::Agent, now),
            State::Messaging { hanging } => {
                let hanging = hanging.clone();
                self.part(&text, hanging, now);
            }
            State::Ending(_) | State::Ended => {}
        }
    }

    /// Writes the goodbye; what else was still to be written is not.
    fn part(&mut self, text: &AgentText, hanging: Option<Hanging>, now: Millis) {
        self.outcome.ended_by = Some(EndedBy::Agent);
        self.fail_asking(&Failure::CallEnded);
        self.drop_texts(&Failure::CallEnded);
        self.state = State::Ending(Ending::Parting { hanging });
        self.deadlines.clear_but(Timer::HangUp);
        self.deadlines.set(Timer::Goodbye, now + PARTING);
        self.deliver(text.clone(), Purpose::Goodbye, now);
    }

    pub(super) fn shutdown(&mut self, now: Millis) {
        self.hurried = true;
        if let State::Ending(Ending::Goodbye { .. } | Ending::Parting { .. }) = self.state {
            self.deadlines.hasten(Timer::Goodbye, now + SHORT_GOODBYE);
        } else {
            self.say_and_leave(LEAVING, &Why::Shutdown, now);
            if let State::Ending(Ending::Goodbye { .. }) = self.state {
                self.deadlines.hasten(Timer::Goodbye, now + SHORT_GOODBYE);
            }
        }
    }

    pub(super) fn inactive(&mut self, now: Millis) {
        self.finish(&Why::Inactivity, now);
    }

    pub(super) fn too_long(&mut self, now: Millis) {
        match &self.state {
            State::Ending(Ending::Goodbye { .. }) => self.goodbye_done(now),
            _ => self.finish(&Why::Longest, now),
        }
    }

    /// Says a short goodbye of our own if somebody listens, then hangs up.
    pub(super) fn say_and_leave(&mut self, goodbye: &str, why: &Why, now: Millis) {
        let State::Talking { call, line: Line::Up } = &self.state else { return self.finish(why, now) };
        let call = call.clone();
        self.outcome.ended_by = why.ended_by();
        self.hush(&Failure::CallEnded);
        self.fail_asking(&Failure::CallEnded);
        let text = AgentText::parse(goodbye).expect("our own goodbyes are short texts");
        self.leave_with(Purpose::Farewell, text, call, now);
    }

    fn leave_with(&mut self, purpose: Purpose, text: AgentText, call: CarrierCallId, now: Millis) {
        self.state = State::Ending(Ending::Goodbye { call });
        for timer in [Timer::Inactivity, Timer::Collect, Timer::Verdict] {
            self.deadlines.stop(timer);
        }
        self.record_words();
        self.deliver(text, purpose, now);
        self.deadlines.set(Timer::Goodbye, now + GOODBYE_FLOOR + GOODBYE_PER_CHAR * self.turns.chars_to_say());
    }
}

/// How it ends.
impl Session {
    /// Goes to the end for this reason, without a goodbye. A session that is ending already goes on as it was.
    pub(super) fn finish(&mut self, why: &Why, now: Millis) {
        if self.falls_back(why) {
            let call = self.known_call().cloned();
            return self.fall_back(call, now);
        }
        let call = match &self.state {
            State::Ending(_) | State::Ended => return,
            State::Messaging { hanging } => {
                let hanging = hanging.clone();
                return self.leave_messaging(why, hanging, now);
            }
            State::Dialing { looked, .. } => {
                let looked = *looked;
                self.close_books(why, now);
                return match why {
                    Why::Refused(_) | Why::Unreached => self.ended(now),
                    _ => self.state = State::Ending(Ending::Unplaced { looked }),
                };
            }
            State::Ringing { call } | State::Answered { call } | State::Talking { call, .. } => call.clone(),
        };
        let unheard = !self.turns.stretches.is_empty();
        match why {
            Why::HungUp | Why::Lost => self.await_last_words(why, call, false, now),
            Why::Inactivity | Why::Longest if unheard => self.await_last_words(why, call, false, now),
            Why::Agent | Why::Shutdown | Why::Quit if unheard => {
                self.close_books(why, now);
                self.await_last_words(why, call, false, now);
            }
            _ => {
                self.close_books(why, now);
                self.hang_up(call, now);
            }
        }
    }

    /// As [`Session::finish`], when the carrier has ended the call and there is nothing to hang up.
    pub(super) fn call_is_over(&mut self, why: &Why, now: Millis) {
        self.calls.over(now);
        if self.falls_back(why) {
            return self.fall_back(None, now);
        }
        if let (Some(call), Why::HungUp | Why::Lost) = (self.known_call().cloned(), why) {
            return self.await_last_words(why, call, true, now);
        }
        self.close_books(why, now);
        self.ended(now);
    }

    fn leave_messaging(&mut self, why: &Why, hanging: Option<Hanging>, now: Millis) {
        self.note_end(why);
        self.record_words();
        // Nothing is kept of a session that ends here: only what reached nobody may be asked for again.
        let failure = if *why == Why::Shutdown && self.reaches_nobody() { Failure::Stopping } else { why.failure() };
        self.drop_texts(&failure);
        match why {
            Why::Agent | Why::Shutdown => self.fail_asking(&failure),
            _ => self.settle_asking(&failure, now),
        }
        match hanging {
            Some(hanging) => {
                self.deadlines.clear_but(Timer::HangUp);
                self.state = State::Ending(Ending::HangingUp(hanging));
            }
            None => self.ended(now),
        }
    }

    /// Answers every request that waits, except `end`, with what this end means for it. A search for a call that has no
    /// name yet goes on: it may ring.
    fn close_books(&mut self, why: &Why, now: Millis) {
        self.note_end(why);
        self.deadlines.clear_but(Timer::Settle);
        self.record_words();
        let failure = why.failure();
        self.hush(&failure);
        self.drop_texts(&failure);
        match why {
            // Whoever waits is cut off; what was said stays to be collected.
            Why::Agent | Why::Shutdown => self.fail_asking(&failure),
            _ => self.settle_asking(&failure, now),
        }
    }

    fn note_end(&mut self, why: &Why) {
        if self.outcome.ended_by.is_none() {
            self.outcome.ended_by = why.ended_by();
        }
        let dialed = !matches!(self.state, State::Messaging { .. });
        if dialed && !self.calls.was_answered() && self.outcome.dial == Dial::NotDialed {
            self.outcome.dial = Dial::Canceled;
        }
    }

    fn await_last_words(&mut self, why: &Why, call: CarrierCallId, over: bool, now: Millis) {
        self.note_end(why);
        self.deadlines.clear_but(Timer::Verdict);
        self.record_words();
        self.hush(&why.failure());
        self.state = State::Ending(Ending::LastWords { call, over });
        self.effects.push_back(Effect::Media(MediaCommand::Drain));
        let patience = if self.hurried { LAST_WORDS_AT_SHUTDOWN } else { LAST_WORDS };
        self.deadlines.set(Timer::LastWords, now + patience);
    }

    /// Every word is in. Those of somebody who may be a machine wait for the verdict even now: it may come after the end
    /// of the call.
    pub(super) fn last_words_done(&mut self, now: Millis) {
        let State::Ending(Ending::LastWords { call, over }) = &self.state else { return };
        let (call, over) = (call.clone(), *over);
        self.deadlines.stop(Timer::LastWords);
        if self.awaits_verdict() && self.turns.has_words() {
            return;
        }
        let failure = self.last_words_failure();
        if failure == Failure::NoAnswer && self.turns.is_asking() && !self.turns.has_answer() && self.may_write() {
            return self.fall_back((!over).then_some(call), now);
        }
        self.settle_asking(&failure, now);
        if over { self.ended(now) } else { self.hang_up(call, now) }
    }

    /// Whoever left before anything was heard has declined: the message did not get through by voice.
    fn last_words_failure(&self) -> Failure {
        match self.outcome.ended_by {
            Some(EndedBy::Person | EndedBy::Carrier) if !self.turns.reached => Failure::NoAnswer,
            // It was a machine that said goodbye.
            None => Failure::NoAnswer,
            _ => Failure::CallEnded,
        }
    }

    pub(super) fn goodbye_done(&mut self, now: Millis) {
        if let State::Ending(Ending::Parting { hanging }) = &self.state {
            return match hanging.clone() {
                Some(hanging) => self.state = State::Ending(Ending::HangingUp(hanging)),
                None => self.ended(now),
            };
        }
        let State::Ending(Ending::Goodbye { call }) = &self.state else { return };
        let call = call.clone();
        if self.turns.stretches.is_empty() {
            self.hush(&Failure::CallEnded);
            self.hang_up(call, now);
        } else {
            self.await_last_words(&Why::Agent, call, false, now);
        }
    }

    pub(super) fn hang_up(&mut self, call: CarrierCallId, now: Millis) {
        self.deadlines.clear();
        let hanging = self.hanging_up(call, now);
        self.state = State::Ending(Ending::HangingUp(hanging));
    }

    /// Asks the carrier to hang up, for the first time.
    pub(super) fn hanging_up(&mut self, call: CarrierCallId, now: Millis) -> Hanging {
        self.deadlines.set(Timer::HangUp, now + HANG_UP_PATIENCE);
        self.effects.push_back(Effect::HangUp { call: call.clone() });
        Hanging { call, tries: 1 }
    }

    fn hanging(&mut self) -> Option<&mut Hanging> {
        match &mut self.state {
            State::Ending(Ending::HangingUp(hanging)) => Some(hanging),
            State::Messaging { hanging } | State::Ending(Ending::Parting { hanging }) => hanging.as_mut(),
            _ => None,
        }
    }

    /// What is said of another call than the one that is being hung up is nothing to this session.
    pub(super) fn hang_up_answered(&mut self, call: &CarrierCallId, result: Result<(), ProviderError>, now: Millis) {
        let Some(tries) = self.hanging().filter(|hanging| hanging.call == *call).map(|hanging| hanging.tries) else {
            return;
        };
        match result.map_err(|error| error.class) {
            Ok(()) | Err(ErrorClass::Refused) => self.hung_up_at_last(now),
            Err(ErrorClass::Busy | ErrorClass::Unknown) => {
                let wait = HANG_UP_AGAIN.get(tries - 1).copied().unwrap_or_default();
                self.deadlines.hasten(Timer::HangUp, now + wait);
            }
        }
    }

    pub(super) fn hang_up_again(&mut self, now: Millis) {
        let Some(Hanging { call, tries }) = self.hanging() else { return };
        *tries += 1;
        let (call, tries) = (call.clone(), *tries);
        if tries > HANG_UP_AGAIN.len() + 1 {
            self.hung_up_at_last(now);
            // Not the session's any more, and perhaps still live.
            return self.effects.push_back(Effect::HangUp { call });
        }
        self.effects.push_back(Effect::HangUp { call });
        self.deadlines.set(Timer::HangUp, now + HANG_UP_PATIENCE);
    }

    /// The call is gone, or nothing more can be done about it.
    pub(super) fn hung_up_at_last(&mut self, now: Millis) {
        match &mut self.state {
            State::Messaging { hanging } | State::Ending(Ending::Parting { hanging }) => {
                *hanging = None;
                self.deadlines.stop(Timer::HangUp);
            }
            _ => self.ended(now),
        }
    }

    pub(super) fn ended(&mut self, now: Millis) {
        self.calls.over(now);
        self.state = State::Ended;
        self.hush(&Failure::CallEnded);
        self.drop_texts(&Failure::CallEnded);
        self.settle_asking(&Failure::CallEnded, now);
        self.tend(now);
        self.deadlines.clear();
        let talked = self.talked_millis(now);
        for request in std::mem::take(&mut self.turns.leaving) {
            self.answer(request, Body::Ended { talked });
        }
        self.effects.push_back(Effect::Finished);
    }

    fn talked_millis(&self, now: Millis) -> u64 {
        whole_millis(self.talked(now))
    }
}

impl Why {
    fn ended_by(&self) -> Option<EndedBy> {
        match self {
            // Nobody ended what never began.
            Why::Unreached => None,
            Why::HungUp | Why::Quit => Some(EndedBy::Person),
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
            Why::HungUp | Why::Lost | Why::Agent | Why::Inactivity | Why::Longest | Why::Shutdown | Why::Quit => {
                Failure::CallEnded
            }
        }
    }
}

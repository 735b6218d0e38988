//! From voice to messaging, and back: the fallback, the call that the person asks for, and what the person writes.

use crate::clock::Millis;
use crate::domain::messaging::Form;
use crate::domain::outcome::{AnsweredBy, Dial, EndedBy, MessageHeard};
use crate::domain::text::{AgentText, PersonText};
use crate::ids::CarrierCallId;

use super::{
    ASK_FOR_MESSAGE, CALL_BROKE_OFF, CALL_BROKE_OFF_HERE, COULD_NOT_CALL, Effect, Ending, Failure, Purpose, Said,
    Sense, Session, State, TRIED_TO_CALL, Timer, WINDOW_WARNING, Why,
};

/// To messaging.
impl Session {
    /// Whether the session could go on in messaging.
    pub(super) fn may_write(&self) -> bool {
        self.limits.texting.is_some() && !self.hurried
    }

    /// Whether an end of the call for this reason is not the end of the session.
    pub(super) fn falls_back(&self, why: &Why) -> bool {
        let by_voice = match self.state {
            State::Dialing { .. } | State::Ringing { .. } | State::Answered { .. } | State::Talking { .. } => true,
            State::Messaging { .. } | State::Ending(_) | State::Ended => false,
        };
        let unheard = match why {
            Why::Unreached | Why::Speech(_) => true,
            // A dial that was refused was never a call; who asked for it is told all the same.
            Why::Refused(_) => self.calls.was_asked_for(),
            Why::HungUp | Why::Lost | Why::Agent | Why::Inactivity | Why::Longest | Why::Shutdown | Why::Quit => false,
        };
        by_voice && unheard && self.may_write()
    }

    /// The message did not get through by voice: what is open goes on in writing, and `call` is hung up meanwhile.
    pub(super) fn fall_back(&mut self, call: Option<CarrierCallId>, now: Millis) {
        if self.turns.is_asking() && self.turns.has_answer() {
            self.give_reply(now);
        }
        // Whoever has heard something was reached.
        let (lead, notice) = if self.calls.was_answered() && self.turns.reached {
            (CALL_BROKE_OFF, CALL_BROKE_OFF_HERE)
        } else {
            (TRIED_TO_CALL, COULD_NOT_CALL)
        };
        let statements = self.leave_call(call, now);
        if self.turns.is_asking() {
            self.deadlines.set(Timer::Reply, now + self.limits.reply);
        }
        let question = self.turns.open_question();
        let question = question.filter(|question| !question.sent && !self.chat.still_has(question.message));
        let question = question.map(|question| (question.text.clone(), Purpose::Question));
        let unsaid: Vec<_> = question.into_iter().chain(statements).collect();
        if unsaid.is_empty() {
            self.write(notice, Purpose::Farewell, Form::Free, now);
        } else {
            self.chat.lead_with(lead);
        }
        for (text, purpose) in unsaid {
            self.write(text.as_str(), purpose, Form::Free, now);
        }
        if self.chat.window.is_some_and(|until| until > now) {
            self.write_rest(now);
        }
        self.tend(now);
    }

    /// The call is over for this session, which goes on in messaging; `call` is hung up meanwhile. Gives what the agent
    /// still had to say, the question apart.
    fn leave_call(&mut self, call: Option<CarrierCallId>, now: Millis) -> Vec<(AgentText, Purpose)> {
        self.deadlines.clear();
        if self.outcome.dial == Dial::NotDialed {
            self.outcome.dial = Dial::Canceled;
        }
        self.calls.leave(now);
        self.effects.push_back(Effect::CloseMedia);
        let hanging = call.map(|call| self.hanging_up(call, now));
        self.state = State::Messaging { hanging };
        self.outcome.ended_by = None;
        self.outcome.message_heard = MessageHeard::Written;
        let unsaid = self.turns.leave_voice();
        self.arm_window(now);
        self.arm_inspection();
        self.stay_active(now);
        let unsaid = unsaid.into_iter().filter(|utterance| matches!(utterance.purpose, Purpose::Statement(_)));
        unsaid.map(|utterance| (utterance.text, utterance.purpose)).collect()
    }

    /// A dial that was given up for lost rings after all.
    pub(super) fn hang_up_late(&mut self, call: CarrierCallId, now: Millis) {
        self.calls.named(call.clone());
        let hanging = Some(self.hanging_up(call, now));
        self.state = State::Messaging { hanging };
    }
}

/// To voice.
impl Session {
    /// The person asked to be called: rings, and repeats the open question, or asks what there is to say.
    pub(super) fn ring_back(&mut self, now: Millis) {
        if !matches!(self.state, State::Messaging { hanging: None }) || self.calls.is_in_the_air() {
            return;
        }
        self.calls.ask_for();
        self.turns.join_voice();
        self.deadlines.clear();
        self.state = State::Dialing { looked: 0, lost: None };
        self.outcome.dial = Dial::NotDialed;
        self.outcome.answered_by = AnsweredBy::Nobody;
        match self.turns.open_question().map(|question| question.text.clone()) {
            Some(text) => self.speak(text, Purpose::Question, now),
            None => {
                self.turns.taking_message = !self.turns.is_asking();
                let text = AgentText::parse(ASK_FOR_MESSAGE).expect("our own question is a short text");
                self.speak(text, Purpose::Prompt, now);
            }
        }
        self.dial(now);
        self.tend(now);
    }
}

/// What the person writes.
impl Session {
    pub(super) fn wrote(&mut self, said: Said, sense: Sense, now: Millis) {
        // What is written beside a call makes none that began in writing.
        let beside = sense == Sense::Aside && !matches!(self.state, State::Messaging { .. });
        self.chat.was_written_to(said.channel, !beside);
        match sense {
            Sense::Reply => self.answered_in_writing(said, now),
            Sense::Aside => {
                self.take_down(said, true, now);
                self.reply_if_complete(now);
            }
            Sense::CallMe { tell: true } => self.take_down(said, true, now),
            Sense::CallMe { tell: false } => {
                let Said { text: PersonText(text), at, channel } = said;
                self.effects.push_back(Effect::Said { by_person: true, text, at, channel });
                self.stay_active(now);
            }
        }
        if let Sense::CallMe { .. } = sense {
            self.ring_back(now);
        }
    }

    /// A reply that comes while the phone rings for it needs no call any more.
    fn answered_in_writing(&mut self, said: Said, now: Millis) {
        let was_open = self.turns.open_question().is_some() || self.turns.is_asking();
        self.take_down(said, false, now);
        if let State::Dialing { .. } | State::Ringing { .. } = self.state
            && was_open
            && self.turns.has_answer()
        {
            let call = self.known_call().cloned();
            for (text, purpose) in self.leave_call(call, now) {
                self.write(text.as_str(), purpose, Form::Free, now);
            }
        }
        self.reply_if_complete(now);
    }

    /// The person stopped messages. A call goes on; what it cannot settle ends with it.
    pub(super) fn stopped(&mut self, said: Said, now: Millis) {
        self.take_down(said, true, now);
        self.opted_out(now);
    }

    /// Nothing more may be written: whoever waits learns it, with what the person wrote.
    pub(super) fn opted_out(&mut self, now: Millis) {
        match &self.state {
            State::Messaging { .. } => {
                self.outcome.ended_by = Some(EndedBy::OptOut);
                self.drop_texts(&Failure::OptedOut);
                self.fail_asking(&Failure::OptedOut);
                self.finish(&Why::Agent, now);
            }
            State::Ending(Ending::Parting { .. }) => {
                self.drop_texts(&Failure::OptedOut);
                self.goodbye_done(now);
            }
            // By voice the session goes on.
            _ => {}
        }
    }
}

/// The window.
impl Session {
    pub(super) fn window(&mut self, until: Millis, now: Millis) {
        self.chat.window = Some(until);
        if let State::Messaging { .. } = self.state {
            self.arm_window(now);
            self.write_rest(now);
        }
    }

    fn arm_window(&mut self, now: Millis) {
        let warning = self.chat.window.map(|until| until - WINDOW_WARNING);
        if let Some(at) = warning.filter(|at| *at > now) {
            self.deadlines.set(Timer::Window, at);
        }
    }

    pub(super) fn window_closes(&mut self) {
        if self.turns.is_asking() {
            self.effects.push_back(Effect::WindowCloses);
        }
    }
}

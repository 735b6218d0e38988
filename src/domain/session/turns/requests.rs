//! What agents ask of a session, and how it says and answers it.

use crate::clock::Millis;
use crate::domain::media::MediaCommand;
use crate::domain::messaging::Form;
use crate::domain::outcome::{Channel, MessageHeard};
use crate::domain::text::AgentText;
use crate::ids::{RequestId, UtteranceId};

use super::{Asking, Purpose, Question, Utterance};
use crate::domain::session::{Body, Effect, Ending, Failure, Session, State, Timer};

/// Utterances that may wait behind one another; more is a runaway agent.
const MOST_QUEUED: usize = 8;

/// Requests that may wait for one reply; beyond it the oldest of those that only wait is answered without one. Clients
/// go away unseen, and one that comes again and again must not fill the memory.
const MOST_WAITING: usize = 64;

/// What the agent does.
impl Session {
    pub(in crate::domain::session) fn ask(&mut self, request: RequestId, text: AgentText, now: Millis) {
        if let Some(failure) = self.refusal_to_speak() {
            return self.fail(request, failure);
        }
        if self.turns.asking.iter().any(|asking| asking.brought) {
            return self.fail(request, Failure::Busy);
        }
        self.turns.asking.push(Asking { request, brought: true });
        self.turns.taking_message = false;
        self.forget_waits();
        if self.turns.has_answer() {
            self.drop_questions();
        }
        self.turns.question = Some(Question::new(text.clone()));
        self.deadlines.stop(Timer::OpenQuestion);
        self.deliver(text, Purpose::Question, now);
    }

    pub(in crate::domain::session) fn say(&mut self, request: RequestId, text: AgentText, now: Millis) {
        match self.refusal_to_speak() {
            Some(failure) => self.fail(request, failure),
            None => self.deliver(text, Purpose::Statement(request), now),
        }
    }

    pub(in crate::domain::session) fn wait(&mut self, request: RequestId, now: Millis) {
        self.make_room_to_wait();
        self.turns.asking.push(Asking { request, brought: false });
        self.turns.taking_message = false;
        match self.state {
            State::Ended if self.turns.heard.is_empty() => {
                self.turns.asking.pop();
                self.fail(request, Failure::NoActiveCall);
            }
            State::Ended => self.give_reply(now),
            State::Ending(_) => {}
            State::Messaging { .. } => {
                if !self.deadlines.is_set(Timer::Reply) {
                    self.deadlines.set(Timer::Reply, now + self.limits.reply);
                }
                self.reply_if_complete(now);
                self.tend(now);
            }
            State::Dialing { .. } | State::Ringing { .. } | State::Answered { .. } | State::Talking { .. } => {
                self.deadlines.stop(Timer::Collect);
                if !self.turns.is_question_playing() && !self.deadlines.is_set(Timer::Reply) {
                    self.deadlines.set(Timer::Reply, now + self.limits.reply);
                }
                self.reply_if_complete(now);
            }
        }
    }

    fn make_room_to_wait(&mut self) {
        if self.turns.asking.len() >= MOST_WAITING
            && let Some(oldest) = self.turns.asking.iter().position(|asking| !asking.brought)
        {
            let asking = self.turns.asking.remove(oldest);
            let said = self.uncollected();
            self.answer_asking(asking.request, Body::Failed { failure: Failure::NoReply, said });
        }
    }

    pub(in crate::domain::session) fn collected(&mut self, request: RequestId) {
        let Some(round) = self.turns.given.iter().find(|(given, _)| *given == request).map(|(_, round)| *round) else {
            return;
        };
        self.turns.given.retain(|(_, given)| *given != round);
        self.turns.heard.retain(|heard| heard.round != Some(round));
        if round == self.turns.rounds {
            self.deadlines.stop(Timer::Collect);
        }
    }

    fn refusal_to_speak(&self) -> Option<Failure> {
        match self.state {
            State::Ended => Some(Failure::NoActiveCall),
            State::Ending(_) => Some(Failure::CallEnded),
            _ if self.turns.utterances.len() + self.chat.queued() >= MOST_QUEUED => Some(Failure::Busy),
            State::Dialing { .. }
            | State::Ringing { .. }
            | State::Answered { .. }
            | State::Talking { .. }
            | State::Messaging { .. } => None,
        }
    }

    /// Says or writes a message of the agent's, and writes it down.
    pub(in crate::domain::session) fn deliver(&mut self, text: AgentText, purpose: Purpose, now: Millis) {
        let channel = self.channel();
        self.effects.push_back(Effect::Said { by_person: false, text: text.as_str().to_owned(), at: now, channel });
        match self.state {
            State::Messaging { .. } | State::Ending(Ending::Parting { .. }) => {
                if purpose == Purpose::Question {
                    self.deadlines.set(Timer::Reply, now + self.limits.reply);
                }
                self.stay_active(now);
                self.write(text.as_str(), purpose, Form::Free, now);
            }
            _ => {
                self.speak(text, purpose, now);
                self.tend(now);
            }
        }
    }

    /// Says this after what is being said; a goodbye is heard to its end.
    pub(in crate::domain::session) fn speak(&mut self, text: AgentText, purpose: Purpose, now: Millis) {
        self.turns.uttered += 1;
        let utterance = UtteranceId(self.turns.uttered);
        if let (Purpose::Question, Some(question)) = (purpose, self.turns.question.as_mut()) {
            question.utterance = Some(utterance);
            question.asked_at = None;
            question.interrupted = false;
            question.heard = MessageHeard::None;
        }
        if !matches!(purpose, Purpose::Farewell | Purpose::Prompt) {
            self.turns.message = Some(utterance);
            self.outcome.message_heard = MessageHeard::None;
        }
        self.turns.utterances.push(Utterance { id: utterance, text: text.clone(), purpose });
        self.deadlines.stop(Timer::Collect);
        self.stay_active(now);
        let interruptible = matches!(purpose, Purpose::Question | Purpose::Statement(_) | Purpose::Prompt);
        self.effects.push_back(Effect::Media(MediaCommand::Speak { utterance, text, interruptible }));
    }

    /// A new question makes the waiting for the last one moot; its words become earlier ones.
    pub(in crate::domain::session) fn forget_waits(&mut self) {
        self.turns.overdue = false;
        for timer in [Timer::Reply, Timer::Grace, Timer::Extension] {
            self.deadlines.stop(timer);
        }
    }

    /// Drops everything that plays or waits to be played; its requests get `failure`.
    pub(in crate::domain::session) fn hush(&mut self, failure: &Failure) {
        if self.turns.utterances.is_empty() {
            return;
        }
        self.effects.push_back(Effect::Media(MediaCommand::Hush));
        for utterance in std::mem::take(&mut self.turns.utterances) {
            if let Purpose::Statement(request) = utterance.purpose {
                self.fail(request, failure.clone());
            }
        }
    }

    /// Gives `failure` to every request that waits for a reply.
    pub(in crate::domain::session) fn fail_asking(&mut self, failure: &Failure) {
        self.forget_waits();
        let said = self.uncollected();
        for asking in std::mem::take(&mut self.turns.asking) {
            self.answer_asking(asking.request, Body::Failed { failure: failure.clone(), said: said.clone() });
        }
    }

    /// Answers somebody who waits: what was heard is what was heard of the question.
    pub(super) fn answer_asking(&mut self, request: RequestId, body: Body) {
        let heard = match &self.turns.question {
            _ if self.channel() != Channel::Voice => MessageHeard::Written,
            Some(question) => question.heard.clone(),
            None => MessageHeard::None,
        };
        self.answer_about(request, heard, body);
    }
}

//! Turns: what the agent says, what the person says, and which words answer which question.

mod replies;
mod utterances;

use crate::clock::Millis;
use crate::domain::media::MediaCommand;
use crate::domain::messaging::Form;
use crate::domain::outcome::{Channel, MessageHeard};
use crate::domain::text::{AgentText, PersonText};
use crate::ids::{RequestId, StretchId, UtteranceId};

use super::{Body, Effect, Ending, Failure, Said, Session, State, Timer};

/// Utterances that may wait behind one another; more is a runaway agent.
const MOST_QUEUED: usize = 8;

/// Requests that may wait for one reply; beyond it the oldest of those that only wait is answered without one. Clients
/// go away unseen, and one that comes again and again must not fill the memory.
const MOST_WAITING: usize = 64;

/// The turns of a session.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns {
    /// Asked of the media and not ended, in the order in which they play.
    utterances: Vec<Utterance>,
    /// How many utterances there have been; names the next.
    uttered: u64,
    /// The agent's newest message.
    message: Option<UtteranceId>,
    /// Something of what the agent said got through: heard for sure, cut by the person, or replied to.
    pub(super) reached: bool,
    /// The last question asked.
    pub(super) question: Option<Question>,
    /// Requests that wait for a reply.
    asking: Vec<Asking>,
    /// `end` requests, answered when the session has ended.
    pub(super) leaving: Vec<RequestId>,
    /// What the person said and no agent has collected, oldest first.
    heard: Vec<Heard>,
    /// Stretches of the person's speech whose words are awaited.
    pub(super) stretches: Vec<StretchId>,
    /// The reply timeout passed while somebody spoke.
    overdue: bool,
    /// Replies given so far; marks the words of each.
    rounds: u64,
    /// Which request was given which reply.
    given: Vec<(RequestId, u64)>,
    /// Speech that began before this is a "Hello?".
    guard_until: Option<Millis>,
    /// When the last words came.
    words_at: Millis,
    /// The person asked for the call, and no agent waits: what they say is taken down.
    pub(super) taking_message: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Utterance {
    id: UtteranceId,
    pub(super) text: AgentText,
    pub(super) purpose: Purpose,
}

/// What the agent says something for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It waits for the reply.
    Question,
    /// `speak`.
    Statement(RequestId),
    /// `end`.
    Goodbye,
    /// Our own goodbye or notice; no message of the agent's.
    Farewell,
    /// Our own question, in a call that the person asked for.
    Prompt,
}

#[derive(Clone, Debug)]
pub(super) struct Question {
    /// While it is asked by voice.
    pub(super) utterance: Option<UtteranceId>,
    pub(super) text: AgentText,
    /// When its first sound went out; what was said before does not answer it.
    pub(super) asked_at: Option<Millis>,
    /// Which message it is, once it is to be written.
    pub(super) message: Option<u64>,
    /// When it was first on its way in writing; what was written before does not answer it.
    pub(super) written_at: Option<Millis>,
    /// The carrier has taken it in writing.
    pub(super) sent: bool,
    interrupted: bool,
    heard: MessageHeard,
    /// No reply has been given to it.
    pub(super) open: bool,
}

impl Question {
    fn new(text: AgentText) -> Self {
        Self {
            utterance: None,
            text,
            asked_at: None,
            message: None,
            written_at: None,
            sent: false,
            interrupted: false,
            heard: MessageHeard::None,
            open: true,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Asking {
    request: RequestId,
    /// It brought the question, rather than only waiting for the reply.
    brought: bool,
}

#[derive(Clone, Debug)]
struct Heard {
    began_at: Millis,
    text: PersonText,
    channel: Channel,
    /// No answer to anything: said within the opening guard, or written while the session talked.
    aside: bool,
    /// The reply it was last given in.
    round: Option<u64>,
    /// Stands in the history.
    recorded: bool,
}

impl Turns {
    pub(super) fn is_speaking(&self) -> bool {
        !self.utterances.is_empty()
    }

    pub(super) fn is_asking(&self) -> bool {
        !self.asking.is_empty()
    }

    pub(super) fn uncollected(&self) -> Vec<Said> {
        self.heard.iter().map(Heard::said).collect()
    }

    /// Whether nothing got through either way yet.
    pub(super) fn is_silent(&self) -> bool {
        !self.reached && self.heard.is_empty() && self.stretches.is_empty()
    }

    /// Whether words of the person wait to be collected.
    pub(super) fn has_words(&self) -> bool {
        !self.heard.is_empty()
    }

    /// How much is still to be said.
    pub(super) fn chars_to_say(&self) -> u32 {
        self.utterances.iter().map(|u| u32::try_from(u.text.as_str().chars().count()).unwrap_or(u32::MAX)).sum()
    }

    /// The question that still waits for its reply.
    pub(super) fn open_question(&self) -> Option<&Question> {
        self.question.as_ref().filter(|question| question.open && !self.has_answer())
    }

    /// The question, where it is this message.
    pub(super) fn question_of(&mut self, message: u64) -> Option<&mut Question> {
        self.question.as_mut().filter(|question| question.message == Some(message))
    }

    /// The call is over and the session goes on without it: gives what was still to be said, in order.
    pub(super) fn leave_voice(&mut self) -> Vec<Utterance> {
        self.stretches.clear();
        self.overdue = false;
        self.guard_until = None;
        self.taking_message = false;
        self.reached = false;
        std::mem::take(&mut self.utterances)
    }

    /// Forgets what a machine said.
    pub(super) fn discard_words(&mut self) {
        self.heard.retain(|heard| heard.channel != Channel::Voice);
        self.stretches.clear();
    }

    pub(super) fn started(&mut self, utterance: UtteranceId, now: Millis) {
        if let Some(question) = self.question.as_mut().filter(|q| q.utterance == Some(utterance)) {
            question.asked_at.get_or_insert(now);
        }
    }

    pub(super) fn guard_until(&mut self, until: Millis) {
        self.guard_until.get_or_insert(until);
    }

    /// Whether these words answer what was asked. Without an open question, all do.
    fn answers(&self, heard: &Heard) -> bool {
        match &self.question {
            Some(question) if question.open => {
                let since = if heard.channel == Channel::Voice { question.asked_at } else { question.written_at };
                !heard.aside && since.is_some_and(|asked| heard.began_at >= asked)
            }
            Some(_) | None => true,
        }
    }

    pub(super) fn has_answer(&self) -> bool {
        self.heard.iter().any(|heard| self.answers(heard))
    }

    /// The request goes on as one that only waits.
    pub(super) fn out_of_time(&mut self, request: RequestId) {
        if let Some(asking) = self.asking.iter_mut().find(|asking| asking.request == request) {
            asking.brought = false;
        }
    }

    fn take_utterance(&mut self, id: UtteranceId) -> Option<Utterance> {
        let at = self.utterances.iter().position(|u| u.id == id)?;
        Some(self.utterances.remove(at))
    }

    /// Whether this is the utterance of the question that is being asked, not of one that has been answered or given up.
    fn is_question(&self, id: UtteranceId) -> bool {
        self.question.as_ref().is_some_and(|question| question.utterance == Some(id))
    }

    fn is_question_playing(&self) -> bool {
        self.utterances.iter().any(|u| self.is_question(u.id))
    }
}

impl Heard {
    fn said(&self) -> Said {
        Said { text: self.text.clone(), at: self.began_at, channel: self.channel }
    }
}

/// What the agent does.
impl Session {
    pub(super) fn ask(&mut self, request: RequestId, text: AgentText, now: Millis) {
        if let Some(failure) = self.refusal_to_speak() {
            return self.fail(request, failure);
        }
        if self.turns.asking.iter().any(|asking| asking.brought) {
            return self.fail(request, Failure::Busy);
        }
        self.turns.asking.push(Asking { request, brought: true });
        self.turns.taking_message = false;
        self.forget_waits();
        self.turns.question = Some(Question::new(text.clone()));
        self.deadlines.stop(Timer::OpenQuestion);
        self.deliver(text, Purpose::Question, now);
    }

    pub(super) fn say(&mut self, request: RequestId, text: AgentText, now: Millis) {
        match self.refusal_to_speak() {
            Some(failure) => self.fail(request, failure),
            None => self.deliver(text, Purpose::Statement(request), now),
        }
    }

    pub(super) fn wait(&mut self, request: RequestId, now: Millis) {
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

    pub(super) fn collected(&mut self, request: RequestId) {
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
    pub(super) fn deliver(&mut self, text: AgentText, purpose: Purpose, now: Millis) {
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
            _ => self.speak(text, purpose, now),
        }
    }

    /// Says this after what is being said; a goodbye is heard to its end.
    pub(super) fn speak(&mut self, text: AgentText, purpose: Purpose, now: Millis) {
        self.turns.uttered += 1;
        let utterance = UtteranceId(self.turns.uttered);
        if let (Purpose::Question, Some(question)) = (purpose, self.turns.question.as_mut()) {
            question.utterance = Some(utterance);
            question.asked_at = None;
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
    pub(super) fn forget_waits(&mut self) {
        self.turns.overdue = false;
        for timer in [Timer::Reply, Timer::Grace, Timer::Extension] {
            self.deadlines.stop(timer);
        }
    }

    /// Drops everything that plays or waits to be played; its requests get `failure`.
    pub(super) fn hush(&mut self, failure: &Failure) {
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
    pub(super) fn fail_asking(&mut self, failure: &Failure) {
        self.forget_waits();
        let said = self.uncollected();
        for asking in std::mem::take(&mut self.turns.asking) {
            self.answer_asking(asking.request, Body::Failed { failure: failure.clone(), said: said.clone() });
        }
    }

    /// Answers somebody who waits: what was heard is what was heard of the question.
    fn answer_asking(&mut self, request: RequestId, body: Body) {
        let heard = match &self.turns.question {
            _ if self.channel() != Channel::Voice => MessageHeard::Written,
            Some(question) => question.heard.clone(),
            None => MessageHeard::None,
        };
        self.answer_about(request, heard, body);
    }
}

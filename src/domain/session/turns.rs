//! Turns: what the agent says, what the person says, and which words answer which question.

mod kept;
mod replies;
mod requests;
mod utterances;

use crate::clock::Millis;
use crate::domain::outcome::{Channel, MessageHeard};
use crate::domain::text::{AgentText, PersonText};
use crate::ids::{RequestId, StretchId, UtteranceId};

use super::Said;

pub use kept::TurnsSnapshot;

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
pub enum Purpose {
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

/// The last question that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// While it is asked by voice.
    pub utterance: Option<UtteranceId>,
    /// The words.
    pub text: AgentText,
    /// When its first sound went out; what was said before does not answer it.
    pub asked_at: Option<Millis>,
    /// Which message it is, once it is to be written.
    pub message: Option<u64>,
    /// When it was first on its way in writing; what was written before does not answer it.
    pub written_at: Option<Millis>,
    /// The carrier has taken it in writing.
    pub sent: bool,
    /// The person cut it short.
    pub interrupted: bool,
    /// How far it was heard.
    pub heard: MessageHeard,
    /// No reply has been given to it.
    pub open: bool,
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

/// A request that waits for a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// Which.
    pub request: RequestId,
    /// It brought the question, rather than only waiting for the reply.
    pub brought: bool,
}

/// Words of the person that no agent has collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// When the person began to say them.
    pub began_at: Millis,
    /// The words.
    pub text: PersonText,
    /// How they came.
    pub channel: Channel,
    /// No answer to anything: said within the opening guard, or written while the session talked.
    pub aside: bool,
    /// The reply they were last given in.
    pub round: Option<u64>,
    /// They stand in the history.
    pub recorded: bool,
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
        !self.reached && !self.heard.iter().any(|heard| heard.channel == Channel::Voice) && self.stretches.is_empty()
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

    /// A call begins in a session that wrote before: what got through then says nothing about it.
    pub(super) fn join_voice(&mut self) {
        self.reached = false;
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

    /// Forgets what a machine said, and that it heard something: the person was not reached.
    pub(super) fn discard_words(&mut self) {
        self.reached = false;
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

    /// The request keeps others from asking again, unless one has asked.
    pub(super) fn back(&mut self, request: RequestId) {
        let others = self.asking.iter().any(|asking| asking.brought);
        // Only the newest one's question is still open.
        if let Some(asking) = self.asking.last_mut().filter(|asking| asking.request == request && !others) {
            asking.brought = true;
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

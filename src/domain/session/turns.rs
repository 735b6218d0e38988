//! Turns: what the agent says, what the person says, and which words answer which question.

use crate::clock::Millis;
use crate::domain::carrier::ProviderError;
use crate::domain::media::{MediaCommand, Progress};
use crate::domain::outcome::{Channel, MessageHeard};
use crate::domain::text::{AgentText, PersonText};
use crate::ids::{RequestId, StretchId, UtteranceId};

use super::{Body, COLLECT, EXTENSION, Effect, Failure, GRACE, Line, Reply, Said, Session, State, Timer, Why};

/// Utterances that may wait behind one another; more is a runaway agent.
const MOST_QUEUED: usize = 8;

/// The turns of a session.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns {
    /// Asked of the media and not ended, in the order in which they play.
    utterances: Vec<Utterance>,
    /// How many utterances there have been; names the next.
    uttered: u64,
    /// The last question asked.
    question: Option<Question>,
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
}

#[derive(Clone, Debug)]
struct Utterance {
    id: UtteranceId,
    text: AgentText,
    purpose: Purpose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Question,
    Statement(RequestId),
    Goodbye,
}

#[derive(Clone, Debug)]
struct Question {
    utterance: UtteranceId,
    /// When its first sound went out; older words do not answer it.
    asked_at: Option<Millis>,
    interrupted: bool,
    /// No reply has been given to it.
    open: bool,
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
    /// Began within the opening guard.
    opening: bool,
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

    /// Whether nobody has said anything yet.
    pub(super) fn is_silent(&self) -> bool {
        self.heard.is_empty() && self.stretches.is_empty() && self.rounds == 0
    }

    /// Forgets what a machine said.
    pub(super) fn discard_words(&mut self) {
        self.heard.clear();
        self.stretches.clear();
    }

    pub(super) fn started(&mut self, utterance: UtteranceId, now: Millis) {
        if let Some(question) = self.question.as_mut().filter(|q| q.utterance == utterance) {
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
                !heard.opening && question.asked_at.is_some_and(|asked| heard.began_at >= asked)
            }
            Some(_) | None => true,
        }
    }

    fn has_answer(&self) -> bool {
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

    fn is_question_playing(&self) -> bool {
        self.utterances.iter().any(|u| u.purpose == Purpose::Question)
    }
}

impl Heard {
    fn said(&self) -> Said {
        Said { text: self.text.clone(), at: self.began_at, channel: Channel::Voice }
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
        self.forget_waits();
        let utterance = self.speak(text, Purpose::Question, now);
        self.turns.question = Some(Question { utterance, asked_at: None, interrupted: false, open: true });
    }

    pub(super) fn say(&mut self, request: RequestId, text: AgentText, now: Millis) {
        match self.refusal_to_speak() {
            Some(failure) => self.fail(request, failure),
            None => {
                self.speak(text, Purpose::Statement(request), now);
            }
        }
    }

    pub(super) fn wait(&mut self, request: RequestId, now: Millis) {
        self.turns.asking.push(Asking { request, brought: false });
        match self.state {
            State::Ended if self.turns.heard.is_empty() => {
                self.turns.asking.pop();
                self.fail(request, Failure::NoActiveCall);
            }
            State::Ended => self.give_reply(now),
            State::Ending(_) => {}
            State::Dialing { .. } | State::Ringing { .. } | State::Answered { .. } | State::Talking { .. } => {
                self.deadlines.stop(Timer::Collect);
                if !self.turns.is_question_playing() && !self.deadlines.is_set(Timer::Reply) {
                    self.deadlines.set(Timer::Reply, now + self.limits.reply);
                }
                self.reply_if_complete(now);
            }
        }
    }

    /// The last thing that is said; heard to its end.
    pub(super) fn say_goodbye(&mut self, text: AgentText, now: Millis) {
        self.speak(text, Purpose::Goodbye, now);
    }

    pub(super) fn collected(&mut self, request: RequestId) {
        let Some(round) = self.turns.given.iter().find(|(given, _)| *given == request).map(|(_, round)| *round) else {
            return;
        };
        self.turns.given.retain(|(_, given)| *given != round);
        self.turns.heard.retain(|heard| heard.round != Some(round));
        self.deadlines.stop(Timer::Collect);
    }

    fn refusal_to_speak(&self) -> Option<Failure> {
        match self.state {
            State::Ended => Some(Failure::NoActiveCall),
            State::Ending(_) => Some(Failure::CallEnded),
            _ if self.turns.utterances.len() >= MOST_QUEUED => Some(Failure::Busy),
            State::Dialing { .. } | State::Ringing { .. } | State::Answered { .. } | State::Talking { .. } => None,
        }
    }

    fn speak(&mut self, text: AgentText, purpose: Purpose, now: Millis) -> UtteranceId {
        self.turns.uttered += 1;
        let utterance = UtteranceId(self.turns.uttered);
        self.turns.utterances.push(Utterance { id: utterance, text: text.clone(), purpose });
        self.deadlines.stop(Timer::Collect);
        self.stay_active(now);
        self.effects.push_back(Effect::Said { by_person: false, text: text.as_str().to_owned(), at: now });
        let interruptible = purpose != Purpose::Goodbye;
        self.effects.push_back(Effect::Media(MediaCommand::Speak { utterance, text, interruptible }));
        utterance
    }

    /// A new question makes the waiting for the last one moot; its words become earlier ones.
    fn forget_waits(&mut self) {
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
        for asking in std::mem::take(&mut self.turns.asking) {
            self.fail(asking.request, failure.clone());
        }
    }
}

/// What became of what the agent said.
impl Session {
    pub(super) fn uttered(&mut self, id: UtteranceId, heard: Progress, failed: Option<ProviderError>, now: Millis) {
        let Some(utterance) = self.turns.take_utterance(id) else { return };
        self.outcome.message_heard = MessageHeard::of(heard, utterance.text.as_str());
        if let Some(until) = self.turns.guard_until.as_mut() {
            *until = (*until).min(now);
        }
        self.stay_active(now);
        match (utterance.purpose, failed.filter(|_| heard.whole.is_zero())) {
            (Purpose::Question, Some(error)) => self.question_unsaid(error, now),
            (Purpose::Question, None) => self.listen(now),
            (Purpose::Statement(request), Some(error)) => self.fail(request, Failure::Speech(error)),
            (Purpose::Statement(request), None) => self.answer(request, Body::Spoken { interrupted: false }),
            (Purpose::Goodbye, _) => self.goodbye_done(now),
        }
    }

    pub(super) fn interrupted(&mut self, id: UtteranceId, heard: Progress, now: Millis) {
        let Some(utterance) = self.turns.take_utterance(id) else { return };
        self.outcome.message_heard = MessageHeard::of(heard, utterance.text.as_str());
        match utterance.purpose {
            Purpose::Question => {
                if let Some(question) = self.turns.question.as_mut().filter(|q| q.utterance == id) {
                    question.interrupted = true;
                }
                self.listen(now);
            }
            Purpose::Statement(request) => self.answer(request, Body::Spoken { interrupted: true }),
            Purpose::Goodbye => self.goodbye_done(now),
        }
    }

    pub(super) fn progress(&mut self, id: UtteranceId, heard: Progress) {
        if let Some(utterance) = self.turns.utterances.iter().find(|u| u.id == id) {
            self.outcome.message_heard = MessageHeard::of(heard, utterance.text.as_str());
        }
    }

    /// Not a sound of the question could be made. While it is all there is to say, the call has no point.
    fn question_unsaid(&mut self, error: ProviderError, now: Millis) {
        if self.turns.uttered == 1 {
            self.finish(Why::Speech(error), now);
        } else {
            self.fail_asking(&Failure::Speech(error));
        }
    }

    /// The question was asked: from now on the reply's time runs.
    fn listen(&mut self, now: Millis) {
        if self.turns.is_asking() {
            self.deadlines.set(Timer::Reply, now + self.limits.reply);
            self.reply_if_complete(now);
        }
    }
}

/// What the person does.
impl Session {
    pub(super) fn speech_started(&mut self, stretch: StretchId, _began_at: Millis, now: Millis) {
        if self.state == State::Ended || self.turns.stretches.contains(&stretch) {
            return;
        }
        self.turns.stretches.push(stretch);
        self.deadlines.stop(Timer::Grace);
        self.stay_active(now);
    }

    pub(super) fn words(&mut self, stretch: StretchId, began_at: Millis, text: PersonText, now: Millis) {
        self.turns.stretches.retain(|open| *open != stretch);
        let opening = self.turns.guard_until.is_none_or(|until| began_at < until);
        self.turns.heard.push(Heard { began_at, text, opening, round: None, recorded: false });
        self.turns.words_at = now;
        self.stay_active(now);
        self.record_words();
        self.await_more(now);
    }

    pub(super) fn no_words(&mut self, stretch: StretchId, now: Millis) {
        self.turns.stretches.retain(|open| *open != stretch);
        self.await_more(now);
        if self.turns.overdue && self.turns.stretches.is_empty() {
            self.reply_as_it_stands(now);
        }
    }

    /// Whether machine detection still has its time: what is heard may be a greeting.
    fn awaits_verdict(&self) -> bool {
        self.deadlines.is_set(Timer::Verdict)
    }

    /// Writes down what was said, once it is known to be a person's.
    pub(super) fn record_words(&mut self) {
        if self.awaits_verdict() {
            return;
        }
        for heard in self.turns.heard.iter_mut().filter(|heard| !heard.recorded) {
            heard.recorded = true;
            let text = heard.text.as_str().to_owned();
            self.effects.push_back(Effect::Said { by_person: true, text, at: heard.began_at });
        }
    }

    /// The person paused: if what was said is a reply, it is complete unless they go on within [`GRACE`].
    fn await_more(&mut self, now: Millis) {
        let live = matches!(self.state, State::Answered { .. } | State::Talking { .. });
        if !live || !self.turns.is_asking() || !self.turns.has_answer() {
            return;
        }
        if self.turns.stretches.is_empty() {
            self.deadlines.set(Timer::Grace, (self.turns.words_at + GRACE).max(now));
        }
        if !self.deadlines.is_set(Timer::Extension) {
            self.deadlines.set(Timer::Extension, now + EXTENSION);
        }
    }

    /// Gives the reply if there is one and nothing more is to be expected.
    pub(super) fn reply_if_complete(&mut self, now: Millis) {
        let pending = self.awaits_verdict() || self.deadlines.is_set(Timer::Grace);
        if !pending && self.turns.stretches.is_empty() && self.turns.is_asking() && self.turns.has_answer() {
            self.give_reply(now);
        }
    }

    pub(super) fn reply_overdue(&mut self, now: Millis) {
        if self.turns.has_answer() || self.turns.stretches.is_empty() {
            return self.reply_as_it_stands(now);
        }
        self.turns.overdue = true;
        if !self.deadlines.is_set(Timer::Extension) {
            self.deadlines.set(Timer::Extension, now + EXTENSION);
        }
    }

    /// Gives what there is: the words so far, or the news that nobody replied.
    pub(super) fn reply_as_it_stands(&mut self, now: Millis) {
        if self.turns.has_answer() {
            if self.awaits_verdict() {
                // The verdict's own deadline is near and delivers what stands then.
                self.deadlines.stop(Timer::Grace);
            } else {
                self.give_reply(now);
            }
        } else {
            self.fail_asking(&Failure::NoReply);
        }
    }

    /// Hands the words to everyone who waits for them. They stay until an agent has collected them.
    pub(super) fn give_reply(&mut self, now: Millis) {
        self.forget_waits();
        let turns = &mut self.turns;
        turns.rounds += 1;
        let answering: Vec<bool> = turns.heard.iter().map(|heard| turns.answers(heard)).collect();
        let (mut words, mut earlier) = (Vec::new(), Vec::new());
        for (heard, answers) in turns.heard.iter_mut().zip(answering) {
            heard.round = Some(turns.rounds);
            if answers { words.push(heard.said()) } else { earlier.push(heard.said()) }
        }
        if words.is_empty() {
            // Somebody waits on an ended session in which the question itself was never answered.
            std::mem::swap(&mut words, &mut earlier);
        }
        let interrupted = turns.question.as_ref().is_some_and(|question| question.interrupted);
        if let Some(question) = turns.question.as_mut() {
            question.open = false;
        }
        let reply = Reply { words, earlier, interrupted };
        for asking in std::mem::take(&mut self.turns.asking) {
            self.turns.given.push((asking.request, self.turns.rounds));
            self.answer(asking.request, Body::Reply(reply.clone()));
        }
        if let State::Talking { .. } = self.state {
            self.deadlines.set(Timer::Collect, now + COLLECT);
        }
    }

    /// The line is gone: whoever waits gets what was said, or learns that the call ended.
    pub(super) fn settle_asking(&mut self, now: Millis) {
        if self.turns.is_asking() && self.turns.has_answer() {
            self.give_reply(now);
        } else {
            self.fail_asking(&Failure::CallEnded);
        }
    }

    /// Every word either way keeps a live call from being ended for silence.
    pub(super) fn stay_active(&mut self, now: Millis) {
        if let State::Talking { line: Line::Up, .. } = self.state {
            self.deadlines.set(Timer::Inactivity, now + self.limits.inactivity);
        }
    }

    pub(super) fn nobody_collected(&mut self, now: Millis) {
        self.say_and_leave(super::PASS_ON, Why::Inactivity, now);
    }
}

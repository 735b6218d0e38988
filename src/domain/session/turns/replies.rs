//! What the person says and writes, and which words are the reply.

use crate::clock::Millis;
use crate::domain::outcome::{Channel, Dial};
use crate::domain::text::PersonText;
use crate::ids::StretchId;

use super::Heard;
use crate::domain::session::{
    Body, COLLECT, EXTENSION, Effect, Failure, GRACE, LEAVING, Line, MESSAGE_PAUSE, PASS_ON, Reply, Said, Session,
    State, Timer, Why,
};

/// What the person does.
impl Session {
    pub(in crate::domain::session) fn speech_started(&mut self, stretch: StretchId, now: Millis) {
        if self.state == State::Ended || self.turns.stretches.contains(&stretch) {
            return;
        }
        self.turns.stretches.push(stretch);
        self.deadlines.stop(Timer::Grace);
        if self.turns.taking_message {
            self.deadlines.stop(Timer::Collect);
        }
        self.stay_active(now);
    }

    pub(in crate::domain::session) fn words(
        &mut self,
        stretch: StretchId,
        began_at: Millis,
        text: PersonText,
        now: Millis,
    ) {
        // A machine was at the other end, and may still be heard.
        if self.outcome.dial == Dial::Voicemail {
            return;
        }
        self.turns.stretches.retain(|open| *open != stretch);
        let aside = self.turns.guard_until.is_none_or(|until| began_at < until);
        let channel = Channel::Voice;
        self.turns.heard.push(Heard { began_at, text, channel, aside, round: None, recorded: false });
        self.turns.words_at = now;
        self.stay_active(now);
        self.record_words();
        self.paused(now);
    }

    /// Notes what the person wrote; `aside` when that answers nothing.
    pub(in crate::domain::session) fn take_down(&mut self, said: Said, aside: bool, now: Millis) {
        let Said { text, at, channel } = said;
        self.turns.heard.push(Heard { began_at: at, text, channel, aside, round: None, recorded: false });
        self.record_words();
        self.stay_active(now);
    }

    /// What the person wrote before there was a session to take it, or what is no reply to anything. It keeps no session
    /// from being ended for silence.
    pub(in crate::domain::session) fn earlier(&mut self, said: Vec<Said>) {
        for Said { text, at, channel } in said {
            let older = self.turns.heard.iter().rposition(|heard| heard.began_at <= at);
            let heard = Heard { began_at: at, text, channel, aside: true, round: None, recorded: false };
            self.turns.heard.insert(older.map_or(0, |older| older + 1), heard);
        }
        self.record_words();
    }

    pub(in crate::domain::session) fn no_words(&mut self, stretch: StretchId, now: Millis) {
        self.turns.stretches.retain(|open| *open != stretch);
        self.paused(now);
    }

    fn paused(&mut self, now: Millis) {
        if self.turns.taking_message {
            return self.await_message(now);
        }
        if self.turns.overdue && self.turns.stretches.is_empty() && !self.turns.has_answer() {
            self.reply_as_it_stands(now);
        } else {
            self.await_more(now);
        }
    }

    /// The person may go on with their message, or begin with it; when they do not, the call is over.
    pub(in crate::domain::session) fn await_message(&mut self, now: Millis) {
        let listening = matches!(self.state, State::Talking { .. }) && !self.turns.is_speaking();
        if self.turns.taking_message && listening && self.turns.stretches.is_empty() {
            let since = self.calls.dialed_at();
            let is_message = |heard: &Heard| {
                heard.channel == Channel::Voice && !heard.aside && heard.round.is_none() && heard.began_at >= since
            };
            let pause = if self.turns.heard.iter().any(is_message) { MESSAGE_PAUSE } else { COLLECT };
            self.deadlines.set(Timer::Collect, now + pause);
        }
    }

    /// Whether machine detection still has its time: what is heard may be a greeting.
    pub(in crate::domain::session) fn awaits_verdict(&self) -> bool {
        self.deadlines.is_set(Timer::Verdict)
    }

    /// Writes down what was said, once it is known to be a person's.
    pub(in crate::domain::session) fn record_words(&mut self) {
        if self.awaits_verdict() {
            return;
        }
        for heard in self.turns.heard.iter_mut().filter(|heard| !heard.recorded) {
            heard.recorded = true;
            let (text, at, channel) = (heard.text.as_str().to_owned(), heard.began_at, heard.channel);
            self.effects.push_back(Effect::Said { by_person: true, text, at, channel });
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
    pub(in crate::domain::session) fn reply_if_complete(&mut self, now: Millis) {
        let pending = self.awaits_verdict() || self.deadlines.is_set(Timer::Grace);
        if !pending && self.turns.stretches.is_empty() && self.turns.is_asking() && self.turns.has_answer() {
            self.give_reply(now);
        }
    }

    pub(in crate::domain::session) fn reply_overdue(&mut self, now: Millis) {
        if self.turns.stretches.is_empty() {
            return self.reply_as_it_stands(now);
        }
        self.turns.overdue = true;
        if !self.deadlines.is_set(Timer::Extension) {
            self.deadlines.set(Timer::Extension, now + EXTENSION);
        }
    }

    /// Gives what there is: the words so far, or the news that nobody replied.
    pub(in crate::domain::session) fn reply_as_it_stands(&mut self, now: Millis) {
        if self.turns.has_answer() {
            if self.awaits_verdict() {
                // The verdict's own deadline is near and delivers what stands then.
                self.deadlines.stop(Timer::Grace);
            } else {
                self.give_reply(now);
            }
        } else {
            let failure = if self.is_queued() { Failure::Queued } else { Failure::NoReply };
            self.fail_asking(&failure);
            self.tend(now);
        }
    }

    /// Hands the words to everyone who waits for them. They stay until an agent has collected them.
    pub(in crate::domain::session) fn give_reply(&mut self, now: Millis) {
        self.forget_waits();
        let turns = &mut self.turns;
        turns.rounds += 1;
        turns.reached = true;
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
            self.answer_asking(asking.request, Body::Reply(reply.clone()));
        }
        self.drop_questions();
        match self.state {
            State::Talking { .. } => self.deadlines.set(Timer::Collect, now + COLLECT),
            State::Messaging { .. } => self.stay_active(now),
            _ => {}
        }
        self.tend(now);
    }

    /// The line is gone: whoever waits gets what was said, or learns why there will be nothing.
    pub(in crate::domain::session) fn settle_asking(&mut self, failure: &Failure, now: Millis) {
        if self.turns.is_asking() && self.turns.has_answer() {
            self.give_reply(now);
        } else {
            self.fail_asking(failure);
        }
    }

    /// Every word either way keeps a session from being ended for silence; a question that is open in messaging keeps it
    /// for longer.
    pub(in crate::domain::session) fn stay_active(&mut self, now: Millis) {
        match self.state {
            State::Talking { line: Line::Up, .. } => {
                self.deadlines.set(Timer::Inactivity, now + self.limits.inactivity);
            }
            State::Messaging { .. } if self.turns.open_question().is_some() => {
                self.deadlines.stop(Timer::Inactivity);
                if !self.deadlines.is_set(Timer::OpenQuestion) {
                    self.deadlines.set(Timer::OpenQuestion, now + self.limits.open_question);
                }
            }
            State::Messaging { .. } => {
                self.deadlines.stop(Timer::OpenQuestion);
                self.deadlines.set(Timer::Inactivity, now + self.limits.inactivity);
            }
            State::Dialing { .. }
            | State::Ringing { .. }
            | State::Answered { .. }
            | State::Talking { .. }
            | State::Ending(_)
            | State::Ended => {}
        }
    }

    pub(in crate::domain::session) fn nobody_collected(&mut self, now: Millis) {
        let goodbye = if self.turns.has_words() { PASS_ON } else { LEAVING };
        self.say_and_leave(goodbye, &Why::Inactivity, now);
    }
}

//! What became of what the agent said: played, cut, failed, and how far it was heard.

use crate::clock::Millis;
use crate::domain::carrier::ProviderError;
use crate::domain::media::Progress;
use crate::domain::outcome::MessageHeard;
use crate::ids::UtteranceId;

use super::{Purpose, Utterance};
use crate::domain::session::{Body, Failure, Session, Timer, Why};

impl Session {
    pub(in crate::domain::session) fn uttered(
        &mut self,
        id: UtteranceId,
        heard: Progress,
        failed: Option<ProviderError>,
        now: Millis,
    ) {
        let Some(utterance) = self.turns.take_utterance(id) else { return };
        let share = self.note_heard(&utterance, heard);
        if let Some(until) = self.turns.guard_until.as_mut().filter(|_| !heard.whole.is_zero()) {
            *until = (*until).min(now);
        }
        self.stay_active(now);
        match (utterance.purpose, failed.filter(|_| heard.whole.is_zero())) {
            // Answered or given up before it was over.
            (Purpose::Question, _) if !self.turns.is_question(id) => {}
            (Purpose::Question, Some(error)) => self.question_unsaid(error, now),
            (Purpose::Question, None) => self.listen(now),
            (Purpose::Statement(_), Some(error)) => self.statement_unsaid(utterance, error, now),
            (Purpose::Statement(request), None) => {
                self.answer_about(request, share, Body::Spoken { interrupted: false });
            }
            (Purpose::Goodbye | Purpose::Farewell, _) => return self.goodbye_done(now),
            (Purpose::Prompt, Some(error)) => return self.prompt_unsaid(error, now),
            (Purpose::Prompt, None) => self.listen(now),
        }
        self.await_message(now);
    }

    pub(in crate::domain::session) fn interrupted(&mut self, id: UtteranceId, heard: Progress, now: Millis) {
        let Some(utterance) = self.turns.take_utterance(id) else { return };
        let share = self.note_heard(&utterance, heard);
        self.turns.reached = true;
        self.stay_active(now);
        match utterance.purpose {
            Purpose::Question => {
                if let Some(question) = self.turns.question.as_mut().filter(|q| q.utterance == Some(id)) {
                    question.interrupted = true;
                    self.listen(now);
                }
            }
            Purpose::Statement(request) => self.answer_about(request, share, Body::Spoken { interrupted: true }),
            Purpose::Goodbye | Purpose::Farewell => self.goodbye_done(now),
            Purpose::Prompt => self.listen(now),
        }
    }

    pub(in crate::domain::session) fn progress(&mut self, id: UtteranceId, heard: Progress, now: Millis) {
        if let Some(utterance) = self.turns.utterances.iter().find(|u| u.id == id).cloned() {
            self.note_heard(&utterance, heard);
            self.stay_active(now);
        }
    }

    /// Writes down how far an utterance got.
    fn note_heard(&mut self, utterance: &Utterance, heard: Progress) -> MessageHeard {
        let share = MessageHeard::of(heard, utterance.text.as_str());
        self.turns.reached |= !heard.heard.is_zero();
        if self.turns.message == Some(utterance.id) {
            self.outcome.message_heard = share.clone();
        }
        if let Some(question) = self.turns.question.as_mut().filter(|q| q.utterance == Some(utterance.id)) {
            question.heard = share.clone();
        }
        share
    }

    /// Not a sound of the question could be made: it is written instead. Where it cannot be, and nothing else is to be
    /// said or was heard, the call has no point.
    fn question_unsaid(&mut self, error: ProviderError, now: Millis) {
        let pointless = !self.turns.reached && self.turns.utterances.is_empty();
        let why = Why::Speech(error.clone());
        if pointless || self.falls_back(&why) {
            self.finish(&why, now);
        } else {
            self.fail_asking(&Failure::Speech(error));
            // Nobody can answer it: what the person says from here on is there for whoever waits.
            self.turns.question = None;
        }
    }

    /// Not a sound of the statement could be made: it is written instead, where it can be.
    fn statement_unsaid(&mut self, statement: Utterance, error: ProviderError, now: Millis) {
        let why = Why::Speech(error.clone());
        if self.falls_back(&why) {
            self.turns.utterances.insert(0, statement);
            self.finish(&why, now);
        } else if let Purpose::Statement(request) = statement.purpose {
            self.fail(request, Failure::Speech(error));
        }
    }

    /// Nobody knows what the call is for. If nothing else is to be said, it has no point.
    fn prompt_unsaid(&mut self, error: ProviderError, now: Millis) {
        if self.turns.is_speaking() {
            self.listen(now);
        } else {
            self.finish(&Why::Speech(error), now);
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

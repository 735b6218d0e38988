//! Receipts: the carrier takes texts that it then cannot deliver, and says so later, by webhook or when asked.

use crate::clock::Millis;
use crate::domain::messaging::{Delivery, Form, MessagingClass, MessagingError};
use crate::ids::MessageId;

use super::Post;
use crate::domain::session::{Effect, INSPECT_AFTER, Purpose, Session, State, Timer};

/// Texts whose failure would still be understood.
const MOST_WATCHED: usize = 32;

/// A text that the carrier has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its name at the carrier.
    pub message: MessageId,
    /// The text.
    pub post: Post,
    /// It is on its way, or there.
    pub fine: bool,
    /// When to ask what became of it, next last.
    pub checks: Vec<Millis>,
}

impl Session {
    pub(super) fn watch(&mut self, post: Post, message: MessageId, now: Millis) {
        let checks = INSPECT_AFTER.iter().rev().map(|after| now + *after).collect();
        if self.chat.sent.len() >= MOST_WATCHED {
            self.chat.sent.remove(0);
        }
        self.chat.sent.push(Sent { message, post, fine: false, checks });
        self.arm_inspection();
    }

    pub(in crate::domain::session) fn arm_inspection(&mut self) {
        match self.chat.sent.iter().filter_map(|sent| sent.checks.last()).min() {
            Some(at) => self.deadlines.set(Timer::Receipt, *at),
            None => self.deadlines.stop(Timer::Receipt),
        }
    }

    /// Asks about every text whose time has come.
    pub(in crate::domain::session) fn inspect(&mut self, now: Millis) {
        for sent in &mut self.chat.sent {
            if sent.checks.pop_if(|at| *at <= now).is_some() {
                let channel = sent.post.form.channel();
                self.effects.push_back(Effect::Inspect { message: sent.message.clone(), channel });
            }
        }
        self.arm_inspection();
    }

    pub(in crate::domain::session) fn receipt(&mut self, message: &MessageId, delivery: Delivery, now: Millis) {
        let Some(at) = self.chat.sent.iter().position(|sent| sent.message == *message) else { return };
        match delivery {
            Delivery::Underway => {}
            Delivery::Fine => {
                self.chat.sent[at].checks.clear();
                self.chat.sent[at].fine = true;
            }
            Delivery::Failed(error) => {
                let post = self.chat.sent.remove(at).post;
                if let State::Messaging { .. } = self.state {
                    self.did_not_arrive(post, error, now);
                }
            }
        }
        self.arm_inspection();
        self.tend(now);
    }

    fn did_not_arrive(&mut self, post: Post, error: MessagingError, now: Millis) {
        if post.purpose == Purpose::Question && self.turns.open_question().is_none() {
            return;
        }
        let mut post = post.unawaited();
        match self.turns.question_of(post.message) {
            Some(question) => question.sent = false,
            // A newer question has replaced it.
            None if post.purpose == Purpose::Question => post.purpose = Purpose::Farewell,
            None => {}
        }
        let mends = error.class == MessagingClass::Window && post.form == Form::Free;
        let resorts = self.may_resort_to_sms(post.form, error.class);
        if post.form == Form::Template {
            self.chat.withdraw_rest(&post.text);
        }
        if mends || resorts || post.purpose == Purpose::Question || error.class == MessagingClass::OptedOut {
            if !mends {
                // Another text than the one that failed: by the old mark that one would be found.
                post.id = self.chat.next_id();
            }
            post.again = false;
            self.chat.outbox.insert(0, post);
            self.was_not_sent(0, error, now);
        }
    }
}

//! Whose texts went out on this line, so that quotes, receipts and plain answers find their session.

use std::collections::VecDeque;

use crate::clock::Millis;
use crate::ids::{MessageId, SessionId};

/// Names remembered at once; two a text, as a rule.
const MOST: usize = 1000;

/// The texts that went out, newest last.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    names: VecDeque<Name>,
    /// The sessions that have written, the last one last, and before them those that only tried.
    writers: Vec<SessionId>,
}

/// A name of a text.
#[derive(Clone, Debug)]
struct Name {
    message: MessageId,
    session: SessionId,
    sent_at: Millis,
}

impl Texts {
    pub(super) fn sent(&mut self, session: &SessionId, message: MessageId, now: Millis) {
        self.name(Name { message, session: session.clone(), sent_at: now });
        self.writers.retain(|writer| writer != session);
        self.writers.push(session.clone());
    }

    pub(super) fn also_named(&mut self, message: &MessageId, other: MessageId) {
        if let (Some(text), None) = (self.find(message).cloned(), self.find(&other)) {
            self.name(Name { message: other, ..text });
        }
    }

    /// This session has tried to write, and goes on although nothing was sent. Those that were more successful come first.
    pub(super) fn tried(&mut self, session: &SessionId) {
        if !self.writers.contains(session) {
            self.writers.insert(0, session.clone());
        }
    }

    fn name(&mut self, name: Name) {
        if self.names.len() >= MOST {
            self.names.pop_front();
        }
        self.names.push_back(name);
    }

    fn find(&self, message: &MessageId) -> Option<&Name> {
        self.names.iter().rev().find(|name| name.message == *message)
    }

    pub(super) fn session_of(&self, message: &MessageId) -> Option<&SessionId> {
        self.find(message).map(|name| &name.session)
    }

    /// When the carrier took this text.
    pub(super) fn sent_at(&self, message: &MessageId) -> Option<Millis> {
        self.find(message).map(|name| name.sent_at)
    }

    pub(super) fn writers(&self) -> &[SessionId] {
        &self.writers
    }

    /// The session that wrote last.
    pub(super) fn last_writer(&self) -> Option<&SessionId> {
        self.writers.last()
    }

    /// Whether a text of this session's, of those that are remembered, had gone out by then.
    pub(super) fn has_written(&self, session: &SessionId, by: Millis) -> bool {
        self.names.iter().any(|name| name.session == *session && name.sent_at <= by)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.writers.is_empty()
    }

    pub(super) fn forget(&mut self, session: &SessionId) {
        self.names.retain(|name| name.session != *session);
        self.writers.retain(|writer| writer != session);
    }
}

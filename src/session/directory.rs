//! The one place where phone numbers are, apart from the sessions, and in memory only.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::ids::{LineKey, SessionId};
use crate::phone_number::PhoneNumber;
use crate::privacy::keyed::HashKey;

/// Whom each session calls.
#[derive(Debug)]
pub struct Directory {
    /// Everybody's default: the person this server is for.
    person: PhoneNumber,
    key: LineKey,
    sessions: Mutex<HashMap<SessionId, PhoneNumber>>,
}

impl Directory {
    /// A directory for the one person, whose line goes by the hash of their number under `hash_key`.
    pub fn new(person: PhoneNumber, hash_key: &HashKey) -> Self {
        let key = hash_key.line(&person);
        Self { person, key, sessions: Mutex::default() }
    }

    /// The person's line.
    pub(super) fn line_key(&self) -> &LineKey {
        &self.key
    }

    /// The person this server is for.
    pub(super) fn person(&self) -> &PhoneNumber {
        &self.person
    }

    /// Notes whom a session calls.
    pub(super) fn enter(&self, session: &SessionId) {
        self.lock().insert(session.clone(), self.person.clone());
    }

    /// Whom a session calls, while it runs.
    pub(super) fn number_of(&self, session: &SessionId) -> Option<PhoneNumber> {
        self.lock().get(session).cloned()
    }

    /// Forgets an ended session.
    pub(super) fn leave(&self, session: &SessionId) {
        self.lock().remove(session);
    }

    /// How many sessions have an entry.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether no session has an entry.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, PhoneNumber>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

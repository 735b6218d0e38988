//! The one place where phone numbers are, apart from the sessions, and in memory only.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::ids::SessionId;
use crate::phone_number::PhoneNumber;

/// Whom each session calls.
#[derive(Debug)]
pub struct Directory {
    /// Everybody's default: the person this server is for.
    person: PhoneNumber,
    sessions: Mutex<HashMap<SessionId, PhoneNumber>>,
}

impl Directory {
    /// A directory for the one person.
    pub fn new(person: PhoneNumber) -> Self {
        Self { person, sessions: Mutex::default() }
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

//! Names for requests over a network: the same words for the same session are the same request until its answer is there.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Requests without an answer that are remembered. An agent has one or two.
const MOST: usize = 100;

/// The names of requests that have no answer yet. Clones share them.
///
/// An agent that gave up and asks the same again joins what it began, however often an answer was lost on the way.
#[derive(Clone, Debug)]
pub struct Keys {
    open: Arc<Mutex<VecDeque<Open>>>,
    fresh: fn() -> String,
}

#[derive(Debug)]
struct Open {
    path: String,
    words: String,
    key: String,
    /// The session, once it is known.
    session: Option<String>,
}

impl Keys {
    /// No names; `fresh` makes one that was never there.
    pub fn new(fresh: fn() -> String) -> Self {
        Self { open: Arc::default(), fresh }
    }

    /// The name of a request with these words.
    pub(super) fn of(&self, path: &str, words: &str) -> String {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = open.iter().find(|open| open.path == path && open.words == words) {
            return known.key.clone();
        }
        let key = (self.fresh)();
        if open.len() >= MOST {
            open.pop_front();
        }
        open.push_back(Open { path: path.to_owned(), words: words.to_owned(), key: key.clone(), session: None });
        key
    }

    /// A name that stands for one request only: its client has another way to come back to it.
    pub(super) fn fresh(&self) -> String {
        (self.fresh)()
    }

    /// The answer is still to come, in this session.
    pub(super) fn goes_on(&self, key: &str, session: &str) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = open.iter_mut().find(|open| open.key == key) {
            open.session = Some(session.to_owned());
        }
    }

    /// The answer is there: the same words are a new request from now on.
    pub(super) fn answered(&self, key: &str) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).retain(|open| open.key != key);
    }

    /// Somebody took this session's answer by another way, or ended it: what was asked there is over, and what was called
    /// off before anybody knew where it was asked.
    pub(super) fn over(&self, session: &str) {
        let elsewhere = |open: &Open| open.session.as_deref().is_some_and(|other| other != session);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).retain(elsewhere);
    }
}

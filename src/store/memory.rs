//! The store that forgets with the process. Of what it is given it keeps what is read back while the process runs: the
//! conversations.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::{Conversation, Left, Store, StoreError, StoreState, Write};
use crate::clock::Millis;
use crate::ids::SessionId;

/// Beyond this many conversations the oldest ended ones go, whatever their age.
pub(super) const MOST: usize = 10_000;

/// Conversations in memory, for `CALLME_HISTORY_TTL_HOURS` and within a bound.
#[derive(Debug)]
pub struct MemoryStore {
    conversations: Mutex<Conversations>,
}

impl MemoryStore {
    /// A store that keeps ended conversations for `keep`.
    pub fn new(keep: Duration) -> Self {
        Self { conversations: Mutex::new(Conversations::new(keep)) }
    }

    fn lock(&self) -> MutexGuard<'_, Conversations> {
        self.conversations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'static, Result<(), StoreError>> {
        let mut conversations = self.lock();
        for write in writes {
            conversations.apply(&write);
        }
        ready(Ok(())).boxed()
    }

    fn left(&self) -> BoxFuture<'_, Result<Left, StoreError>> {
        ready(Ok(Left::default())).boxed()
    }

    fn conversation<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, Result<Option<Conversation>, StoreError>> {
        ready(Ok(self.lock().get(id).cloned())).boxed()
    }

    fn history(&self, limit: usize) -> BoxFuture<'_, Result<(Vec<Conversation>, usize), StoreError>> {
        ready(Ok(self.lock().newest(limit))).boxed()
    }

    fn sweep(&self, now: Millis) -> BoxFuture<'_, Result<(), StoreError>> {
        self.lock().sweep(now);
        ready(Ok(())).boxed()
    }

    fn state(&self) -> StoreState {
        StoreState::Fine
    }

    fn is_durable(&self) -> bool {
        false
    }
}

/// The conversations, by age.
#[derive(Debug)]
pub(super) struct Conversations {
    keep: Duration,
    /// The newest are at the end.
    kept: BTreeMap<(Millis, SessionId), Conversation>,
    /// When each began: the other half of its place above.
    began: HashMap<SessionId, Millis>,
}

impl Conversations {
    pub(super) fn new(keep: Duration) -> Self {
        Self { keep, kept: BTreeMap::new(), began: HashMap::new() }
    }

    /// Takes the writes that are about conversations; the others are not.
    pub(super) fn apply(&mut self, write: &Write) {
        match write {
            Write::Conversation(conversation) => {
                let now = conversation.ended_at.unwrap_or(conversation.created_at);
                self.remove(&conversation.id);
                self.insert(Conversation::clone(conversation));
                self.drop_oldest(now);
            }
            Write::Delete(id) => self.remove(id),
            _ => {}
        }
    }

    /// Takes up what an earlier process kept, unless there is something newer.
    pub(super) fn recall(&mut self, conversation: Conversation) {
        if !self.began.contains_key(&conversation.id) {
            self.insert(conversation);
        }
    }

    pub(super) fn get(&self, id: &SessionId) -> Option<&Conversation> {
        self.kept.get(&(*self.began.get(id)?, id.clone()))
    }

    pub(super) fn newest(&self, limit: usize) -> (Vec<Conversation>, usize) {
        (self.kept.values().rev().take(limit).cloned().collect(), self.kept.len())
    }

    /// Drops what is too old.
    pub(super) fn sweep(&mut self, now: Millis) {
        let Self { keep, kept, began } = self;
        kept.retain(|(_, id), conversation| {
            let stays = !is_expired(conversation, *keep, now);
            if !stays {
                began.remove(id);
            }
            stays
        });
    }

    fn insert(&mut self, conversation: Conversation) {
        self.began.insert(conversation.id.clone(), conversation.created_at);
        self.kept.insert((conversation.created_at, conversation.id.clone()), conversation);
    }

    fn remove(&mut self, id: &SessionId) {
        if let Some(began) = self.began.remove(id) {
            self.kept.remove(&(began, id.clone()));
        }
    }

    /// Drops the oldest while it is too old, or one too many. One that runs goes only where all do.
    fn drop_oldest(&mut self, now: Millis) {
        while let Some((_, oldest)) = self.kept.first_key_value()
            && (is_expired(oldest, self.keep, now) || self.kept.len() > MOST)
        {
            let ended = self.kept.values().find(|kept| kept.ended_at.is_some());
            let id = ended.unwrap_or(oldest).id.clone();
            self.remove(&id);
        }
    }
}

fn is_expired(conversation: &Conversation, keep: Duration, now: Millis) -> bool {
    conversation.ended_at.is_some_and(|ended| now.since(ended) > keep)
}

#[cfg(test)]
mod tests;

//! The store that forgets with the process. Of what it is given it keeps what is read back while the process runs: the
//! conversations.

use std::collections::BTreeMap;
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
}

impl Conversations {
    pub(super) fn new(keep: Duration) -> Self {
        Self { keep, kept: BTreeMap::new() }
    }

    /// Takes the writes that are about conversations; the others are not.
    pub(super) fn apply(&mut self, write: &Write) {
        match write {
            Write::Conversation(conversation) => {
                let now = conversation.ended_at.unwrap_or(conversation.created_at);
                let key = (conversation.created_at, conversation.id.clone());
                self.kept.insert(key, Conversation::clone(conversation));
                self.drop_oldest(now);
            }
            Write::Delete(id) => self.kept.retain(|(_, kept), _| kept != id),
            _ => {}
        }
    }

    /// Takes up what an earlier process kept, unless there is something newer.
    pub(super) fn recall(&mut self, conversation: Conversation) {
        let key = (conversation.created_at, conversation.id.clone());
        self.kept.entry(key).or_insert(conversation);
    }

    pub(super) fn get(&self, id: &SessionId) -> Option<&Conversation> {
        self.kept.values().rev().find(|kept| kept.id == *id)
    }

    pub(super) fn newest(&self, limit: usize) -> (Vec<Conversation>, usize) {
        (self.kept.values().rev().take(limit).cloned().collect(), self.kept.len())
    }

    /// Drops what is too old.
    pub(super) fn sweep(&mut self, now: Millis) {
        let keep = self.keep;
        self.kept.retain(|_, kept| !is_expired(kept, keep, now));
    }

    /// Drops the oldest while it is too old, or one too many.
    fn drop_oldest(&mut self, now: Millis) {
        while let Some(oldest) = self.kept.first_entry()
            && (is_expired(oldest.get(), self.keep, now) || self.kept.len() > MOST)
        {
            self.kept.pop_first();
        }
    }
}

fn is_expired(conversation: &Conversation, keep: Duration, now: Millis) -> bool {
    conversation.ended_at.is_some_and(|ended| now.since(ended) > keep)
}

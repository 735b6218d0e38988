//! The store that forgets with the process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::{Conversation, Line, Store, StoreError};
use crate::clock::Millis;
use crate::domain::line::Snapshot;
use crate::ids::{LineKey, SessionId};

/// Beyond this many conversations the oldest ended ones go, whatever their age.
const MOST: usize = 10_000;

/// Conversations in memory, for `CALLME_HISTORY_TTL_HOURS` and within a bound.
#[derive(Debug)]
pub struct MemoryStore {
    keep: Duration,
    /// By age, so that the newest are at the end.
    conversations: Mutex<BTreeMap<(Millis, SessionId), Conversation>>,
    lines: Mutex<HashMap<LineKey, Snapshot>>,
}

impl MemoryStore {
    /// A store that keeps ended conversations for `keep`.
    pub fn new(keep: Duration) -> Self {
        Self { keep, conversations: Mutex::default(), lines: Mutex::default() }
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<LineKey, Snapshot>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Millis, SessionId), Conversation>> {
        self.conversations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops what is too old by the time of the newest entry, and what is too much.
    fn sweep(&self, kept: &mut BTreeMap<(Millis, SessionId), Conversation>, now: Millis) {
        while let Some(oldest) = kept.first_entry() {
            let expired = oldest.get().ended_at.is_some_and(|ended| now.since(ended) > self.keep);
            if !expired && kept.len() <= MOST {
                return;
            }
            kept.pop_first();
        }
    }
}

impl Store for MemoryStore {
    fn put(&self, conversation: Conversation) -> BoxFuture<'_, Result<(), StoreError>> {
        let mut kept = self.lock();
        let now = conversation.ended_at.unwrap_or(conversation.created_at);
        kept.insert((conversation.created_at, conversation.id.clone()), conversation);
        self.sweep(&mut kept, now);
        ready(Ok(())).boxed()
    }

    fn get<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, Result<Option<Conversation>, StoreError>> {
        let found = self.lock().values().rev().find(|kept| kept.id == *id).cloned();
        ready(Ok(found)).boxed()
    }

    fn collected<'a>(&'a self, id: &'a SessionId, lines: &'a [Line]) -> BoxFuture<'a, Result<(), StoreError>> {
        if let Some(kept) = self.lock().values_mut().rev().find(|kept| kept.id == *id) {
            kept.uncollected.retain(|line| !lines.contains(line));
        }
        ready(Ok(())).boxed()
    }

    fn put_line<'a>(&'a self, key: &'a LineKey, line: Snapshot) -> BoxFuture<'a, Result<(), StoreError>> {
        self.lines().insert(key.clone(), line);
        ready(Ok(())).boxed()
    }

    fn line<'a>(&'a self, key: &'a LineKey) -> BoxFuture<'a, Result<Option<Snapshot>, StoreError>> {
        ready(Ok(self.lines().get(key).cloned())).boxed()
    }

    fn history(&self, limit: usize) -> BoxFuture<'_, Result<(Vec<Conversation>, usize), StoreError>> {
        let kept = self.lock();
        let newest = kept.values().rev().take(limit).cloned().collect();
        ready(Ok((newest, kept.len()))).boxed()
    }
}

//! A store that one process leaves to the next, and that can end a process between two commits.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, pending, ready};

use crate::clock::Millis;
use crate::domain::line;
use crate::ids::{EntryId, LineKey, MessageId, RequestKey, SessionId};
use crate::store::{Conversation, Left, Received, RequestRecord, SessionRecord, Store, StoreError, StoreState, Write};

use super::*;

/// What is kept, as one process sees it.
pub(super) struct Shelf {
    kept: Arc<Mutex<Kept>>,
    /// How many commits there will be yet, before the process is dead.
    life: Mutex<usize>,
    /// Whoever asks for this conversation meets a fault of ours, once.
    trap: Mutex<Option<SessionId>>,
    /// How long a commit takes.
    slow: Duration,
}

#[derive(Default)]
struct Kept {
    sessions: BTreeMap<SessionId, SessionRecord>,
    conversations: HashMap<SessionId, Conversation>,
    requests: HashMap<RequestKey, RequestRecord>,
    lines: HashMap<LineKey, line::Snapshot>,
    seen: Vec<(LineKey, MessageId, Millis)>,
    received: BTreeMap<EntryId, Received>,
}

impl Shelf {
    /// An empty one, whose process ends instead of making its commit number `commits`, counted from 0.
    pub(super) fn ends_at(commits: usize) -> Self {
        Self { kept: Arc::default(), life: Mutex::new(commits), trap: Mutex::default(), slow: Duration::ZERO }
    }

    pub(super) fn new() -> Self {
        Self::ends_at(usize::MAX)
    }

    /// One that takes a second for each commit.
    pub(super) fn slow() -> Self {
        Self { slow: Duration::from_secs(1), ..Self::new() }
    }

    /// The same for the next process; this one is dead, whatever it still does.
    pub(super) fn next(&self) -> Self {
        *lock(&self.life) = 0;
        Self {
            kept: Arc::clone(&self.kept),
            life: Mutex::new(usize::MAX),
            trap: Mutex::default(),
            slow: Duration::ZERO,
        }
    }

    pub(super) fn is_dead(&self) -> bool {
        *lock(&self.life) == 0
    }

    pub(super) fn trap(&self, id: &SessionId) {
        *lock(&self.trap) = Some(id.clone());
    }

    pub(super) fn everything_left(&self) -> Left {
        let kept = lock(&self.kept);
        Left {
            sessions: kept.sessions.values().cloned().collect(),
            lines: kept.lines.clone().into_iter().collect(),
            seen: kept.seen.clone(),
            received: kept.received.values().cloned().collect(),
            requests: kept.requests.values().cloned().collect(),
            blocks: Vec::new(),
        }
    }

    pub(super) fn lines_of(&self, id: &SessionId) -> Vec<String> {
        let kept = lock(&self.kept);
        let lines = kept.conversations.get(id).map(|conversation| conversation.lines.clone());
        lines.into_iter().flatten().map(|line| line.text).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for Shelf {
    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'static, Result<(), StoreError>> {
        let mut life = lock(&self.life);
        if *life == 0 {
            return pending().boxed();
        }
        *life -= 1;
        let mut kept = lock(&self.kept);
        for write in writes {
            kept.apply(write);
        }
        let slow = self.slow;
        async move {
            if !slow.is_zero() {
                tokio::time::sleep(slow).await;
            }
            Ok(())
        }
        .boxed()
    }

    fn left(&self) -> BoxFuture<'_, Result<Left, StoreError>> {
        ready(Ok(self.everything_left())).boxed()
    }

    fn conversation<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, Result<Option<Conversation>, StoreError>> {
        let is_trapped = lock(&self.trap).take_if(|trapped| trapped == id).is_some();
        assert!(!is_trapped, "as it was told");
        ready(Ok(lock(&self.kept).conversations.get(id).cloned())).boxed()
    }

    fn history(&self, limit: usize) -> BoxFuture<'_, Result<(Vec<Conversation>, usize), StoreError>> {
        let kept = lock(&self.kept);
        let conversations = kept.conversations.values().take(limit).cloned().collect();
        ready(Ok((conversations, kept.conversations.len()))).boxed()
    }

    fn sweep(&self, _now: Millis) -> BoxFuture<'_, Result<(), StoreError>> {
        ready(Ok(())).boxed()
    }

    fn state(&self) -> StoreState {
        StoreState::Fine
    }

    fn is_durable(&self) -> bool {
        true
    }
}

impl Kept {
    fn apply(&mut self, write: Write) {
        match write {
            Write::Session(session) => _ = self.sessions.insert(session.id.clone(), *session),
            Write::Ended(id) => _ = self.sessions.remove(&id),
            Write::Conversation(talk) => _ = self.conversations.insert(talk.id.clone(), *talk),
            Write::Delete(id) => _ = self.conversations.remove(&id),
            Write::Request(request) => _ = self.requests.insert(request.key.clone(), *request),
            Write::Line(key, line) => _ = self.lines.insert(key, *line),
            Write::Seen(line, message, at) => self.seen.push((line, message, at)),
            Write::Received(received) => _ = self.received.insert(received.entry, *received),
            Write::Done(entry) => _ = self.received.remove(&entry),
            Write::Block(..) | Write::Nothing => {}
        }
    }
}

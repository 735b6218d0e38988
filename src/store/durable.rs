//! The store that outlives the process, whatever it is kept in: one thread of its own does all the work that blocks, and a
//! mirror in memory answers what is read.
//!
//! What is committed waits in memory, one value under each key, until the [`Backend`] has it; everything that waits goes
//! out as one write, so that many commits cost one flush to the disk. While the backend fails nothing else stops: commits
//! say at once that they are not durable, what they bring goes on waiting, and is written as soon as that is possible.

mod desk;
mod pending;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{Conversation, Left, Store, StoreError, StoreState, Write};
use crate::clock::Millis;
use crate::ids::SessionId;

use desk::{Desk, Phase, Ticket};

/// Where a [`DurableStore`] keeps things. It is called from one thread only, which may wait for it; a panic in it is taken
/// for an error.
pub trait Backend: Send + 'static {
    /// Gets access, or makes sure that there still is: called before anything else, and again after every failure. What is
    /// damaged beyond use it sets aside, and begins anew.
    fn open(&mut self) -> Result<(), OpenError>;
    /// Keeps these, all or none, durable on return. No two are about the same thing, so that their order does not matter.
    ///
    /// # Errors
    /// In words for the operator: what is wrong, and what to do about it.
    fn write(&mut self, writes: &[Write]) -> Result<(), StoreError>;
    /// Everything that a process that ended has left, but for its conversations.
    fn left(&mut self) -> Result<Left, StoreError>;
    /// The kept conversations, in any order; of more than `most` the newest.
    fn conversations(&mut self, most: usize) -> Result<Vec<Conversation>, StoreError>;
    /// Forgets what has had its time by now; of conversations those that ended more than `keep` ago.
    fn sweep(&mut self, now: Millis, keep: Duration) -> Result<(), StoreError>;
    /// What it does not promise although it works, as it was found when it was opened last; in words for the operator.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Why there is no access to what is kept. It is tried again until there is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// As it has to be while a new version takes over.
    #[error(
        "another process has the store open; this one takes it over when that ends. If it does not end, stop it, or give \
         each process a CALLME_DATA_DIR of its own"
    )]
    Locked,
    /// It is left as it is.
    #[error(
        "the store was written by a newer version (format {found}, this version knows {known}); run that version, or set \
         the store aside"
    )]
    Newer {
        /// The format that was found.
        found: u32,
        /// The newest format that is known here.
        known: u32,
    },
    /// What is wrong, and what to do about it.
    #[error("{0}")]
    Failed(String),
}

/// How patient a [`DurableStore`] is, and how much it holds.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// A commit that has no answer by then is not durable: a call must not wait for a disk.
    pub commit: Duration,
    /// Between two tries to reach a backend that failed.
    pub retry: Duration,
    /// What waits in memory at most, in bytes, roughly. Beyond it is dropped, in this order and the oldest first: blocks,
    /// seen messages, requests, the ends of messages, conversations. Running sessions, lines and messages that have not
    /// reached everybody are never dropped: their number is bounded elsewhere.
    pub most_bytes: usize,
    /// The same, in values.
    pub most_values: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            commit: Duration::from_secs(2),
            retry: Duration::from_secs(1),
            most_bytes: 64 * 1024 * 1024,
            most_values: 50_000,
        }
    }
}

/// A store over a [`Backend`].
#[derive(Debug)]
pub struct DurableStore {
    desk: Arc<Desk>,
    patience: Patience,
}

impl DurableStore {
    /// A store that keeps ended conversations for `keep`. It begins to open the backend at once, on a thread of this name.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn new(name: &str, backend: impl Backend, keep: Duration, patience: Patience) -> std::io::Result<Self> {
        let desk = Arc::new(Desk::new(keep, patience));
        let work = writer::Writer::new(backend, Arc::clone(&desk), keep, patience.retry);
        std::thread::Builder::new().name(name.to_owned()).spawn(|| work.run())?;
        Ok(Self { desk, patience })
    }

    /// Writes what waits, as far as that can be, and gives the backend up. Later commits are not durable.
    ///
    /// # Errors
    /// When something was not written, or it took longer than `patience`.
    pub async fn close(&self, patience: Duration) -> Result<(), StoreError> {
        let mut phase = self.desk.phase.subscribe();
        self.desk.close();
        let closed = timeout(patience, phase.wait_for(|phase| *phase == Phase::Closed)).await.is_ok();
        match self.desk.unwritten() {
            0 if closed => Ok(()),
            0 => Err(StoreError("it did not close in time".to_owned())),
            n => Err(StoreError(format!("{n} changes were not written"))),
        }
    }

    /// Returns when the thread has ended: after a close, or because it died.
    pub async fn ended(&self) {
        let mut phase = self.desk.phase.subscribe();
        // The sender lives in the desk.
        let _ = phase.wait_for(|phase| *phase == Phase::Closed).await;
    }

    /// The answer to something that the thread was asked to do.
    fn answer(&self, ticket: Ticket) -> BoxFuture<'static, Result<(), StoreError>> {
        match ticket {
            Ticket::Refused(error) => ready(Err(error)).boxed(),
            Ticket::Taken(answer) => wait(answer, Arc::clone(&self.desk), self.patience.commit).boxed(),
        }
    }
}

impl Drop for DurableStore {
    fn drop(&mut self) {
        self.desk.close();
    }
}

impl Store for DurableStore {
    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'static, Result<(), StoreError>> {
        if writes.is_empty() {
            return ready(Ok(())).boxed();
        }
        self.answer(self.desk.commit(writes))
    }

    fn left(&self) -> BoxFuture<'_, Result<Left, StoreError>> {
        async {
            let mut phase = self.desk.phase.subscribe();
            // The sender lives in the desk.
            let _ = phase.wait_for(|phase| *phase != Phase::Opening).await;
            self.desk.take_left().ok_or_else(|| StoreError("it was closed before it was open".to_owned()))
        }
        .boxed()
    }

    fn conversation<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, Result<Option<Conversation>, StoreError>> {
        ready(Ok(self.desk.conversation(id))).boxed()
    }

    fn history(&self, limit: usize) -> BoxFuture<'_, Result<(Vec<Conversation>, usize), StoreError>> {
        ready(Ok(self.desk.history(limit))).boxed()
    }

    fn sweep(&self, now: Millis) -> BoxFuture<'_, Result<(), StoreError>> {
        self.answer(self.desk.sweep(now))
    }

    fn state(&self) -> StoreState {
        self.desk.state()
    }

    fn warnings(&self) -> Vec<String> {
        self.desk.warnings()
    }

    fn is_durable(&self) -> bool {
        true
    }
}

/// Waits for the thread's answer, not for ever.
async fn wait(
    answer: oneshot::Receiver<Result<(), StoreError>>,
    desk: Arc<Desk>,
    patience: Duration,
) -> Result<(), StoreError> {
    match timeout(patience, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(StoreError("it was closed".to_owned())),
        Err(_) => Err(desk.is_slow()),
    }
}

#[cfg(test)]
mod tests;

//! The thread of a store: the one place where anything waits for a disk or a server.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::Backend;
use super::desk::{Desk, Work};
use crate::store::memory::MOST;

/// The work of the thread.
pub(super) struct Writer<B> {
    backend: B,
    desk: Arc<Desk>,
    keep: Duration,
    retry: Duration,
    /// What was left has been read.
    has_read: bool,
}

/// Tells, when it is dropped, that the thread has ended.
struct End(Arc<Desk>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.closed();
    }
}

/// The backend failed; the desk knows why.
struct Failed;

impl<B: Backend> Writer<B> {
    pub(super) fn new(backend: B, desk: Arc<Desk>, keep: Duration, retry: Duration) -> Self {
        Self { backend, desk, keep, retry, has_read: false }
    }

    /// Works until the store is closed.
    pub(super) fn run(mut self) {
        // Also where this thread dies of a fault of ours.
        let _news = End(Arc::clone(&self.desk));
        let mut last = false;
        while let Err(Failed) = self.work() {
            if last {
                break;
            }
            // Once more before the end, too.
            last = self.desk.pause(self.retry);
        }
        let Self { backend, .. } = self;
        // Before the news of it: whoever waits for that may open the same file at once.
        let _ = guarded(|| -> Result<(), String> {
            drop(backend);
            Ok(())
        });
    }

    /// Works until the backend fails, or the store is closed.
    fn work(&mut self) -> Result<(), Failed> {
        if let Err(reason) = self.open() {
            self.desk.failed(&reason, None);
            return Err(Failed);
        }
        loop {
            let work = self.desk.wait();
            let closing = work.closing;
            self.carry_out(work)?;
            if closing {
                return Ok(());
            }
        }
    }

    fn open(&mut self) -> Result<(), String> {
        let Self { backend, has_read, .. } = self;
        guarded(|| backend.open())?;
        self.desk.warned(backend.warnings());
        if !*has_read {
            let left = guarded(|| backend.left())?;
            let conversations = guarded(|| backend.conversations(MOST))?;
            self.desk.opened(left, conversations);
            *has_read = true;
        }
        Ok(())
    }

    fn carry_out(&mut self, mut work: Work) -> Result<(), Failed> {
        let (backend, keep) = (&mut self.backend, self.keep);
        if !work.writes.is_empty() {
            if let Err(reason) = guarded(|| backend.write(&work.writes)) {
                self.desk.failed(&reason, Some(work));
                return Err(Failed);
            }
            work.writes.clear();
            self.desk.written(std::mem::take(&mut work.receipts));
        }
        if let Some(now) = work.sweep
            && let Err(reason) = guarded(|| backend.sweep(now, keep))
        {
            self.desk.failed(&reason, Some(work));
            return Err(Failed);
        }
        self.desk.swept(work.sweepers);
        Ok(())
    }
}

/// Calls the backend; a panic in it is an error like others.
fn guarded<T, E: ToString>(call: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the store's own code failed; what it said of that is on standard error".to_owned()),
    }
}

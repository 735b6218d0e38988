//! A crash on purpose, between what is kept and what it leads to: for tests of what a restart makes of it. Builds without
//! debug assertions do not have this file.

use std::time::Duration;

use crate::clock::Millis;
use crate::store::durable::{Backend, OpenError};
use crate::store::{Conversation, Left, StoreError, Write};

/// After how many writes the process ends at once, counted from its start.
const AFTER: &str = "CALLME_CRASH_AFTER_COMMIT";

/// A backend that ends the process after a certain write, before anybody learns that it is done.
pub(super) struct CrashPoint<B> {
    backend: B,
    left: Option<usize>,
}

impl<B> CrashPoint<B> {
    #[expect(clippy::disallowed_methods, reason = "no setting of a server: only tests know of it")]
    pub(super) fn in_front_of(backend: B) -> Self {
        Self { backend, left: std::env::var(AFTER).ok().and_then(|after| after.parse().ok()) }
    }
}

impl<B: Backend> Backend for CrashPoint<B> {
    fn open(&mut self) -> Result<(), OpenError> {
        self.backend.open()
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        self.backend.write(writes)?;
        self.left = self.left.map(|left| left.saturating_sub(1));
        if self.left == Some(0) {
            std::process::abort();
        }
        Ok(())
    }

    fn left(&mut self) -> Result<Left, StoreError> {
        self.backend.left()
    }

    fn conversations(&mut self, most: usize) -> Result<Vec<Conversation>, StoreError> {
        self.backend.conversations(most)
    }

    fn sweep(&mut self, now: Millis, keep: Duration) -> Result<(), StoreError> {
        self.backend.sweep(now, keep)
    }

    fn warnings(&self) -> Vec<String> {
        self.backend.warnings()
    }
}

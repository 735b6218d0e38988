//! A store whose commits are timed.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::{Conversation, Left, Store, StoreError, StoreState, Write};
use crate::clock::Millis;
use crate::ids::SessionId;
use crate::metrics::Metrics;

/// Another store, and how long whoever waits for it has to wait.
#[derive(Debug)]
pub struct Metered<S> {
    inner: Arc<S>,
    metrics: Arc<Metrics>,
}

impl<S> Metered<S> {
    /// The same store, timed.
    pub fn new(inner: Arc<S>, metrics: &Arc<Metrics>) -> Self {
        Self { inner, metrics: Arc::clone(metrics) }
    }
}

impl<S: Store> Store for Metered<S> {
    /// A commit whose future is dropped is not timed: nobody waits for it.
    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'static, Result<(), StoreError>> {
        let (began, metrics) = (Instant::now(), Arc::clone(&self.metrics));
        self.inner.commit(writes).inspect(move |_| metrics.store_committed(began.elapsed())).boxed()
    }

    fn left(&self) -> BoxFuture<'_, Result<Left, StoreError>> {
        self.inner.left()
    }

    fn conversation<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, Result<Option<Conversation>, StoreError>> {
        self.inner.conversation(id)
    }

    fn history(&self, limit: usize) -> BoxFuture<'_, Result<(Vec<Conversation>, usize), StoreError>> {
        self.inner.history(limit)
    }

    fn sweep(&self, now: Millis) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.sweep(now)
    }

    fn state(&self) -> StoreState {
        self.inner.state()
    }

    fn warnings(&self) -> Vec<String> {
        self.inner.warnings()
    }

    fn is_durable(&self) -> bool {
        self.inner.is_durable()
    }
}

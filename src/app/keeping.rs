//! What the server keeps, from opening to closing: the store, and the key of the hashes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;

use super::{hash_key, mounts, random};
use crate::clock::Clock;
use crate::config::{Config, StoreConfig};
use crate::metrics::Metrics;
use crate::privacy::keyed::HashKey;
use crate::store::durable::{Backend, DurableStore, Patience};
use crate::store::embedded::Embedded;
use crate::store::memory::MemoryStore;
use crate::store::metered::Metered;
use crate::store::redis::RedisBackend;
use crate::store::{Left, Store, StoreError};

/// How often what has had its time is forgotten.
const SWEEP: Duration = Duration::from_hours(1);
/// How long the end waits for the disk; what is left of the platform's 10 s.
const FLUSH: Duration = Duration::from_millis(1_000);

/// The store of a server.
#[derive(Clone, Debug)]
pub(super) enum Keeping {
    /// Nothing outlives the process.
    Memory(Arc<MemoryStore>),
    /// What a call stands on does.
    Durable(Arc<DurableStore>),
}

impl Keeping {
    /// Begins to open the store. It works at once, whatever its disk does.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub(super) fn open(config: &Config) -> anyhow::Result<Self> {
        Ok(match &config.store {
            StoreConfig::Memory => Keeping::Memory(Arc::new(MemoryStore::new(config.history_ttl))),
            StoreConfig::Embedded(directory) => {
                if let Some(warning) = mounts::warning(&mounts::Facts::read(directory)) {
                    tracing::warn!("{warning}");
                }
                durable(Embedded::new(directory.clone()), config)?
            }
            StoreConfig::Redis(url) => {
                let mut instance = [0; 16];
                random(&mut instance);
                let backend = RedisBackend::new(url, config.history_ttl, instance).context("REDIS_URL")?;
                durable(backend, config)?
            }
        })
    }

    /// The store, timed.
    pub(super) fn store(&self, metrics: &Arc<Metrics>) -> Arc<dyn Store> {
        match self {
            Keeping::Memory(store) => Arc::new(Metered::new(Arc::clone(store), metrics)),
            Keeping::Durable(store) => Arc::new(Metered::new(Arc::clone(store), metrics)),
        }
    }

    /// What an earlier process has left.
    ///
    /// # Errors
    /// When that cannot be known.
    pub(super) async fn left(&self) -> Result<Left, StoreError> {
        match self {
            Keeping::Memory(store) => store.left().await,
            Keeping::Durable(store) => store.left().await,
        }
    }

    /// Forgets what has had its time, now and each hour, until `stop`.
    pub(super) async fn sweep(&self, clock: &dyn Clock, stop: &CancellationToken) {
        // Memory forgets as it fills.
        let Keeping::Durable(store) = self else { return };
        let mut hours = tokio::time::interval(SWEEP);
        while stop.run_until_cancelled(hours.tick()).await.is_some() {
            if let Err(error) = store.sweep(clock.now()).await {
                tracing::warn!("what is out of date stays for now: {error}");
            }
        }
    }

    /// Returns when the store has ended before it was closed.
    pub(super) async fn died(&self) {
        match self {
            Keeping::Memory(_) => std::future::pending().await,
            Keeping::Durable(store) => store.ended().await,
        }
    }

    /// Writes what is still to be written.
    pub(super) async fn close(&self) {
        let Keeping::Durable(store) = self else { return };
        if let Err(error) = store.close(FLUSH).await {
            tracing::error!("not everything was kept: {error}");
        }
    }
}

fn durable(backend: impl Backend, config: &Config) -> anyhow::Result<Keeping> {
    #[cfg(debug_assertions)]
    let backend = super::crash_point::CrashPoint::in_front_of(backend);
    let store = DurableStore::new("store", backend, config.history_ttl, Patience::default());
    Ok(Keeping::Durable(Arc::new(store.context("the store's thread")?)))
}

/// The key of the numbers' hashes: the one that is set, else the data directory's own, else a new one with each start.
pub(super) fn hash_key(config: &Config) -> HashKey {
    if let Some(key) = &config.hash_key {
        return HashKey::new(key.expose_secret().as_bytes());
    }
    if let StoreConfig::Embedded(directory) = &config.store {
        match hash_key::of(directory, random) {
            Ok(key) => return HashKey::new(&key),
            Err(error) => tracing::warn!(
                "the key in {} cannot be used ({error}): people will not be known again after a restart. Set CALLME_HASH_KEY, \
                 or let this user write there",
                directory.join(hash_key::FILE).display()
            ),
        }
    }
    let mut key = [0; 32];
    random(&mut key);
    HashKey::new(&key)
}

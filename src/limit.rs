//! How often something may happen: counted by governor for each of a bounded number of keys, on tokio's clock.

use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

mod recent;
mod tally;

#[cfg(test)]
mod tests;

use recent::Recent;
pub use tally::Tally;

/// Keys that a limit remembers: at least this many of the newest, at most twice as many. More than this within a minute
/// are no customers, and each key costs some 50 bytes.
const KEYS: usize = 10_000;

/// So many at once, and then as they come back: one in each `span / most`. Whoever asks for more can be shut out for a while.
pub struct Limit<K: Hash + Eq + Clone> {
    /// `None` is no limit.
    counter: Option<RateLimiter<K, Counts<K>, TokioClock, NoOpMiddleware<Nanos>>>,
    counts: Counts<K>,
    shut_out: Option<ShutOut<K>>,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    /// `most` in a minute for each key; `None` is no limit.
    pub fn per_minute(most: Option<NonZeroU32>) -> Self {
        Self::new(most.map(Quota::per_minute), Duration::from_mins(1))
    }

    /// `most` in an hour for each key; `None` is no limit.
    pub fn per_hour(most: Option<NonZeroU32>) -> Self {
        Self::new(most.map(Quota::per_hour), Duration::from_hours(1))
    }

    /// A key that is not used for `span` has everything back and need not be remembered.
    fn new(quota: Option<Quota>, span: Duration) -> Self {
        let counts = Counts(Arc::new(Mutex::new(Recent::new(KEYS, span))));
        let counter = quota.map(|quota| RateLimiter::new(quota, counts.clone(), TokioClock::new()));
        Self { counter, counts, shut_out: None }
    }

    /// The same limit, where a key that asks for more is refused everything for so long. What it asks for meanwhile does not
    /// make that longer. Zero changes nothing.
    #[must_use]
    pub fn shutting_out_for(self, long: Duration) -> Self {
        let shut_out = (!long.is_zero()).then(|| ShutOut { long, until: Mutex::new(Recent::new(KEYS, long)) });
        Self { shut_out, ..self }
    }

    /// Counts one.
    ///
    /// # Errors
    /// With the time until the next is allowed, when it was one too many; it does not count then.
    pub fn take(&self, key: &K) -> Result<(), Duration> {
        self.take_noting(key).map_err(|refused| refused.wait)
    }

    /// Counts one, and tells when the key is shut out by that.
    ///
    /// # Errors
    /// When it was one too many; it does not count then.
    pub fn take_noting(&self, key: &K) -> Result<(), Refused> {
        let Some(counter) = &self.counter else { return Ok(()) };
        if let Some(wait) = self.shut_out.as_ref().and_then(|shut_out| shut_out.left(key)) {
            return Err(Refused { wait, shuts_out: false });
        }
        counter.check_key(key).map_err(|not_until| {
            let wait = not_until.wait_time_from(counter.clock().now());
            let shut_out = self.shut_out.as_ref();
            Refused { wait: shut_out.map_or(wait, |shut_out| shut_out.begin(key, wait)), shuts_out: shut_out.is_some() }
        })
    }

    /// Shuts a key out for so long from now, as it was before; less than what is left of it changes nothing.
    pub fn shut_out(&self, key: &K, long: Duration) {
        if let Some(shut_out) = &self.shut_out
            && shut_out.left(key).is_none_or(|left| left < long)
        {
            let now = Instant::now();
            lock(&shut_out.until).put(key, now + long, now);
        }
    }

    /// How many keys are remembered.
    pub fn keys(&self) -> usize {
        lock(&self.counts.0).len() + self.shut_out.as_ref().map_or(0, |shut_out| lock(&shut_out.until).len())
    }
}

/// One too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The time until the next is allowed.
    pub wait: Duration,
    /// The key is shut out from now on.
    pub shuts_out: bool,
}

impl<K: Hash + Eq + Clone> fmt::Debug for Limit<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Limit({} keys)", self.keys())
    }
}

/// Governor's state of each key.
#[derive(Clone)]
struct Counts<K>(Arc<Mutex<Recent<K, Nanos>>>);

impl<K: Hash + Eq + Clone> StateStore for Counts<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (mut counts, now) = (lock(&self.0), Instant::now());
        let (decision, next) = decide(counts.find(key, now).copied())?;
        counts.put(key, next, now);
        Ok(decision)
    }
}

/// Until when a key is refused everything.
struct ShutOut<K> {
    long: Duration,
    until: Mutex<Recent<K, Instant>>,
}

impl<K: Hash + Eq + Clone> ShutOut<K> {
    /// What is left of it.
    fn left(&self, key: &K) -> Option<Duration> {
        let now = Instant::now();
        let until = *lock(&self.until).find(key, now)?;
        (now < until).then(|| until - now)
    }

    /// Shuts the key out, at least until it could ask again.
    fn begin(&self, key: &K, wait: Duration) -> Duration {
        let (now, long) = (Instant::now(), self.long.max(wait));
        lock(&self.until).put(key, now + long, now);
        long
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Governor's clock on tokio's time, so that a test that pauses time pauses the limit.
#[derive(Clone, Debug)]
struct TokioClock {
    started: Instant,
}

impl TokioClock {
    fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.started.elapsed().into()
    }
}

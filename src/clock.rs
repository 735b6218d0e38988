//! Time as the core sees it: epoch milliseconds, handed in as an argument, never going back within a process.

pub mod wall;

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment: milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Millis(pub u64);

impl Millis {
    /// How long ago `earlier` was; zero when it was not earlier.
    pub fn since(self, earlier: Millis) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Millis {
    type Output = Millis;
    fn add(self, wait: Duration) -> Millis {
        Millis(self.0.saturating_add(whole_millis(wait)))
    }
}

impl Sub<Duration> for Millis {
    type Output = Millis;
    fn sub(self, wait: Duration) -> Millis {
        Millis(self.0.saturating_sub(whole_millis(wait)))
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The whole milliseconds of a time; as many as fit.
pub fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Where the shell reads `now`. The core never holds one.
pub trait Clock: Send + Sync {
    /// The present moment; never earlier than an answer given before.
    fn now(&self) -> Millis;
}

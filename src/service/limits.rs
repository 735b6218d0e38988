//! Limits that guard money. They sit here so that no surface walks around them.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::PrincipalId;

type Limiter = RateLimiter<PrincipalId, DefaultKeyedStateStore<PrincipalId>, TokioClock, NoOpMiddleware<Nanos>>;

/// Calls an agent may place: as many at once as fit in an hour, then as they come back.
pub(super) struct CallLimit {
    calls: Option<Limiter>,
}

impl CallLimit {
    /// `per_hour` calls an hour and agent; `None` is no limit.
    pub(super) fn new(per_hour: Option<NonZeroU32>) -> Self {
        let limiter =
            |most| RateLimiter::new(Quota::per_hour(most), DefaultKeyedStateStore::default(), TokioClock::new());
        Self { calls: per_hour.map(limiter) }
    }

    /// Counts one call.
    ///
    /// # Errors
    /// With the time until the next one, when there were too many.
    pub(super) fn take(&self, who: PrincipalId) -> Result<(), Duration> {
        let Some(calls) = &self.calls else { return Ok(()) };
        calls.check_key(&who).map_err(|not_until| not_until.wait_time_from(calls.clock().now()))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_runaway_agent_is_stopped_and_told_when_it_may_go_on() {
        let limit = CallLimit::new(NonZeroU32::new(20));
        for call in 1..=20 {
            assert_eq!(limit.take(PrincipalId(1)), Ok(()), "call {call}");
        }
        let wait = limit.take(PrincipalId(1)).expect_err("the twenty-first call within an hour");
        assert_eq!(wait, Duration::from_secs(180));
        assert_eq!(limit.take(PrincipalId(2)), Ok(()), "another agent's calls are its own");
        let tick = Duration::from_millis(1);
        tokio::time::advance(wait.saturating_sub(tick)).await;
        assert!(limit.take(PrincipalId(1)).is_err(), "a tick too early");
        tokio::time::advance(tick).await;
        assert_eq!(limit.take(PrincipalId(1)), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nothing_is_counted() {
        let limit = CallLimit::new(None);
        assert!((0..1000).all(|_| limit.take(PrincipalId(1)).is_ok()));
    }
}

//! The shell's clock and alarm, on tokio's time: what a test pauses stands still here too. The core uses neither.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep};

use super::{Clock, Millis};

/// Epoch time that runs with tokio's clock from a moment read once, and so never goes back.
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    epoch: Millis,
    started: Instant,
}

impl WallClock {
    /// A clock that shows `now` at this moment.
    pub fn starting_at(now: Millis) -> Self {
        Self { epoch: now, started: Instant::now() }
    }
}

impl Clock for WallClock {
    fn now(&self) -> Millis {
        self.epoch + self.started.elapsed()
    }
}

/// One sleep for a whole table of deadlines.
#[derive(Debug)]
pub struct Alarm {
    sleep: Pin<Box<Sleep>>,
    at: Option<Millis>,
}

impl Default for Alarm {
    fn default() -> Self {
        Self { sleep: Box::pin(tokio::time::sleep_until(Instant::now())), at: None }
    }
}

impl Alarm {
    /// Rings at `at`; never, when there is no deadline.
    pub fn set(&mut self, at: Option<Millis>, clock: &dyn Clock) {
        if self.at != at {
            self.at = at;
            if let Some(at) = at {
                self.sleep.as_mut().reset(Instant::now() + at.since(clock.now()));
            }
        }
    }

    /// Waits for the ring; afterwards there is no deadline until the next [`Alarm::set`].
    pub async fn ring(&mut self) {
        std::future::poll_fn(|cx| self.poll_ring(cx)).await;
    }

    fn poll_ring(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.at.is_none() || self.sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.at = None;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn the_alarm_rings_when_the_clock_shows_the_deadline() {
        let clock = WallClock::starting_at(Millis(1_000_000));
        let mut alarm = Alarm::default();
        for wait in [0, 1, 250, 60_000] {
            let at = clock.now() + Duration::from_millis(wait);
            alarm.set(Some(at), &clock);
            alarm.ring().await;
            assert!(clock.now() >= at && clock.now().0 <= at.0 + 1, "{} for {at}", clock.now());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_without_a_deadline_never_rings() {
        let clock = WallClock::starting_at(Millis(0));
        let mut alarm = Alarm::default();
        alarm.set(Some(Millis(5)), &clock);
        alarm.set(None, &clock);
        assert!(tokio::time::timeout(Duration::from_hours(1), alarm.ring()).await.is_err());
    }
}

//! Counts what anybody can bring about, so that nobody gets to fill the log.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lines come no closer than this.
const APART: Duration = Duration::from_secs(1);

/// A count that is told in lines, at most one a second.
#[derive(Debug, Default)]
pub struct Tally(Mutex<(Option<Instant>, u64)>);

impl Tally {
    /// Counts one. How many a line is to report now, this one included, where a line is due.
    pub fn due(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, count) = &mut *state;
        *count += 1;
        let due = last.is_none_or(|last| now.duration_since(last) >= APART);
        due.then(|| {
            *last = Some(now);
            std::mem::take(count)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_happens_often_is_told_once_a_second_with_its_count() {
        let tally = Tally::default();
        let mut due = Vec::new();
        for _ in 0..25 {
            due.extend(tally.due(Instant::now()));
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert_eq!(due, [1, 10, 10], "one at once, then the ten of each second");
    }
}

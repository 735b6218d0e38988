//! A table of deadlines, each with its reason: one table, one sleep, no task per timer.

use crate::clock::Millis;

/// When a machine wants to be woken, and why. At most one deadline a reason; setting one again moves it.
#[derive(Clone, Debug)]
pub struct Deadlines<R> {
    armed: Vec<(R, Millis)>,
}

impl<R> Default for Deadlines<R> {
    fn default() -> Self {
        Self { armed: Vec::new() }
    }
}

impl<R: Copy + Eq> Deadlines<R> {
    /// Wakes for `reason` at `at`, and no longer when it was to before.
    pub fn set(&mut self, reason: R, at: Millis) {
        self.stop(reason);
        self.armed.push((reason, at));
    }

    /// Wakes for `reason` at `at`, or sooner when it was to before.
    pub fn hasten(&mut self, reason: R, at: Millis) {
        let armed = self.armed.iter().find(|(armed, _)| *armed == reason).map(|(_, at)| *at);
        self.set(reason, armed.map_or(at, |armed| armed.min(at)));
    }

    /// Does not wake for `reason`.
    pub fn stop(&mut self, reason: R) {
        self.armed.retain(|(armed, _)| *armed != reason);
    }

    /// Whether a deadline stands for `reason`.
    pub fn is_set(&self, reason: R) -> bool {
        self.armed.iter().any(|(armed, _)| *armed == reason)
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Millis> {
        self.armed.iter().map(|(_, at)| *at).min()
    }

    /// What it wakes for, and when.
    pub fn armed(&self) -> &[(R, Millis)] {
        &self.armed
    }

    /// Takes out the earliest deadline that has come, and says its reason.
    pub fn due(&mut self, now: Millis) -> Option<R> {
        let (reason, at) = *self.armed.iter().min_by_key(|(_, at)| *at)?;
        (at <= now).then(|| {
            self.stop(reason);
            reason
        })
    }

    /// Wakes for nothing any more.
    pub fn clear(&mut self) {
        self.armed.clear();
    }

    /// Wakes for nothing any more but this.
    pub fn clear_but(&mut self, reason: R) {
        self.armed.retain(|(armed, _)| *armed == reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_deadline_comes_first_and_once() {
        let mut table = Deadlines::default();
        table.set('b', Millis(20));
        table.set('a', Millis(10));
        assert_eq!(table.next(), Some(Millis(10)));
        assert_eq!(table.due(Millis(9)), None);
        assert_eq!(table.due(Millis(30)), Some('a'));
        assert_eq!(table.due(Millis(30)), Some('b'));
        assert_eq!(table.due(Millis(30)), None);
    }

    #[test]
    fn setting_a_deadline_again_moves_it() {
        let mut table = Deadlines::default();
        table.set('a', Millis(10));
        table.set('a', Millis(50));
        assert_eq!((table.due(Millis(20)), table.next()), (None, Some(Millis(50))));
        table.stop('a');
        assert!(!table.is_set('a') && table.next().is_none());
    }

    #[test]
    fn hastening_a_deadline_never_puts_it_off() {
        let mut table = Deadlines::default();
        for (at, want) in [(50, 50), (20, 20), (90, 20)] {
            table.hasten('a', Millis(at));
            assert_eq!(table.next(), Some(Millis(want)), "hastened to {at}");
        }
    }

    #[test]
    fn clearing_all_but_one_leaves_that_one_where_it_stood() {
        let mut table = Deadlines::default();
        table.set('a', Millis(10));
        table.set('b', Millis(20));
        table.clear_but('b');
        assert_eq!((table.due(Millis(30)), table.due(Millis(30))), (Some('b'), None));
        table.clear_but('b');
        assert_eq!(table.next(), None);
    }
}

//! Whether there is something new about a session to be kept.

use super::Task;
use crate::domain::outcome::Outcome;

/// What of a session is worth keeping anew when it changes.
#[derive(PartialEq)]
pub(super) struct News {
    lines: usize,
    uncollected: usize,
    outcome: Outcome,
    finished: bool,
}

impl News {
    pub(super) fn of(task: &Task) -> Self {
        Self {
            lines: task.lines.len(),
            uncollected: task.session.uncollected().len(),
            outcome: task.session.outcome().clone(),
            finished: task.finished,
        }
    }
}

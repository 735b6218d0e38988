//! The floor and its queue.

use std::collections::VecDeque;

use crate::ids::SessionId;

/// Who has the floor, and who waits for it; the first is the holder.
#[derive(Clone, Debug, Default)]
pub(super) struct Floor(VecDeque<SessionId>);

impl Floor {
    pub(super) fn holder(&self) -> Option<&SessionId> {
        self.0.front()
    }

    /// Joins the queue, once; `true` for the holder.
    pub(super) fn claim(&mut self, session: &SessionId) -> bool {
        if !self.0.contains(session) {
            self.0.push_back(session.clone());
        }
        self.holder() == Some(session)
    }

    /// Leaves the queue. Gives the new holder, where that changes.
    pub(super) fn give_back(&mut self, session: &SessionId) -> Option<SessionId> {
        let was_holder = self.holder() == Some(session);
        self.0.retain(|other| other != session);
        self.0.front().filter(|_| was_holder).cloned()
    }
}

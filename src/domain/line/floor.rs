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

    pub(super) fn queue(&self) -> Vec<SessionId> {
        self.0.iter().cloned().collect()
    }

    /// Takes up the queue of an earlier process, before those who came since.
    pub(super) fn recall(&mut self, queue: Vec<SessionId>) {
        for session in queue.into_iter().rev() {
            self.0.retain(|other| *other != session);
            self.0.push_front(session);
        }
    }

    /// Leaves the queue. Gives the new holder, where that changes.
    pub(super) fn give_back(&mut self, session: &SessionId) -> Option<SessionId> {
        let was_holder = self.holder() == Some(session);
        self.0.retain(|other| other != session);
        self.0.front().filter(|_| was_holder).cloned()
    }
}

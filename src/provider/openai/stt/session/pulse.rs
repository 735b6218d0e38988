//! Whether a live socket still answers. A provider that hears nobody has nothing to say for minutes, and looks like one whose
//! network is gone: only a ping tells them apart.

use std::time::Duration;

use tokio::time::Instant;

/// How often the provider is asked for a sign.
const EVERY: Duration = Duration::from_secs(10);

/// How long nothing at all may come after that.
const PATIENCE: Duration = Duration::from_secs(20);

/// The signs of one socket.
pub(super) struct Pulse {
    next: Instant,
    /// When a sign was first asked for since the last one.
    asked: Option<Instant>,
}

/// What is to be done about a socket.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// Nothing.
    Well,
    /// To ask it for a sign.
    Ask,
    /// To give it up.
    Lost,
}

impl Pulse {
    /// A socket that was heard just now.
    pub(super) fn new(now: Instant) -> Self {
        Self { next: now + EVERY, asked: None }
    }

    /// Something came.
    pub(super) fn felt(&mut self) {
        self.asked = None;
    }

    /// What is to be done now, when all that came was read.
    pub(super) fn beat(&mut self, now: Instant) -> Beat {
        if self.asked.is_some_and(|asked| now >= asked + PATIENCE) {
            return Beat::Lost;
        }
        if now < self.next {
            return Beat::Well;
        }
        self.next = now + EVERY;
        self.asked.get_or_insert(now);
        Beat::Ask
    }

    /// When [`Pulse::beat`] is due.
    pub(super) fn deadline(&self) -> Instant {
        self.asked.map_or(self.next, |asked| self.next.min(asked + PATIENCE))
    }
}

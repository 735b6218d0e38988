//! What a call's media tells its session, in its order: what the session has no room for waits here.

use std::collections::VecDeque;
use std::time::Duration;

use super::EventSink;
use crate::clock::Millis;
use crate::domain::media::{MediaEvent, Told};

/// Events that wait at once. A few come each second: a session that takes none of so many is stuck for good.
const MOST_WAITING: usize = 256;

/// Before what waits is told again.
const AGAIN: Duration = Duration::from_millis(20);

/// The way to the session.
pub(super) struct Reports {
    sink: EventSink,
    /// What is still to be told, oldest first.
    waiting: VecDeque<MediaEvent>,
    /// Nobody listens any more.
    gone: bool,
}

impl Reports {
    pub(super) fn new(sink: EventSink) -> Self {
        Self { sink, waiting: VecDeque::new(), gone: false }
    }

    pub(super) fn tell(&mut self, event: MediaEvent) {
        self.waiting.push_back(event);
        self.tell_on();
        self.gone |= self.waiting.len() > MOST_WAITING;
    }

    /// Tells what waits, as far as there is room for it; never waits itself, as there is sound to be carried.
    pub(super) fn tell_on(&mut self) {
        while let Some(event) = self.waiting.pop_front() {
            match (self.sink)(event) {
                Told::Taken => {}
                Told::Later(event) => return self.waiting.push_front(event),
                Told::Nobody => self.gone = true,
            }
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    /// When to tell on, where something waits.
    pub(super) fn next_deadline(&self, now: Millis) -> Option<Millis> {
        (!self.waiting.is_empty()).then(|| now + AGAIN)
    }
}

/// Tells this one as soon as there is room for it.
pub(super) async fn insist(sink: &EventSink, mut event: MediaEvent) {
    while let Told::Later(same) = sink(event) {
        tokio::time::sleep(AGAIN).await;
        event = same;
    }
}

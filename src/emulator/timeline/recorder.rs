//! Where events are written down, and waited for.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::{Event, NeverHappened, Timeline, What};

/// Where the parts of the emulator write down what happens.
#[derive(Debug)]
pub(crate) struct Recorder {
    started: Instant,
    events: Mutex<Vec<Event>>,
    /// The number of events; wakes those who wait for one.
    grown: watch::Sender<usize>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), events: Mutex::default(), grown: watch::Sender::new(0) }
    }

    /// Time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn note(&self, call: Option<usize>, what: What) {
        let event = Event { at: self.elapsed(), call, what };
        let mut events = self.events.lock().expect("no holder of the lock panics");
        events.push(event);
        self.grown.send_replace(events.len());
    }

    /// How many events there are.
    pub(crate) fn count(&self) -> usize {
        *self.grown.borrow()
    }

    pub(crate) fn snapshot(&self) -> Timeline {
        Timeline(self.events.lock().expect("no holder of the lock panics").clone())
    }

    /// The events from index `from` on, as soon as there is one.
    pub(crate) async fn after(&self, from: usize) -> Vec<Event> {
        let mut grown = self.grown.subscribe();
        grown.wait_for(|count| *count > from).await.expect("the recorder holds the sender");
        self.events.lock().expect("no holder of the lock panics")[from..].to_vec()
    }

    /// The first event that fits, of those at or after index `from`; waits for it if need be.
    pub(crate) async fn wait_for(
        &self,
        from: usize,
        within: Duration,
        fits: impl Fn(&Event) -> bool,
    ) -> Result<Event, NeverHappened> {
        let mut grown = self.grown.subscribe();
        let mut seen = from;
        let search = async {
            loop {
                {
                    let events = self.events.lock().expect("no holder of the lock panics");
                    if let Some(event) = events.iter().skip(seen).find(|e| fits(e)) {
                        return event.clone();
                    }
                    seen = seen.max(events.len());
                }
                grown.wait_for(|count| *count > seen).await.expect("the recorder holds the sender");
            }
        };
        tokio::time::timeout(within, search).await.map_err(|_| NeverHappened { within, timeline: self.snapshot() })
    }
}

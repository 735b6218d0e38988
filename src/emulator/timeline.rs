//! Everything that happened, with its time: what a test asserts on and what the demo prints.

use std::fmt;
use std::time::Duration;

mod call;
mod recorder;
mod text;
mod what;

pub use call::{CallState, Callback};
pub(crate) use recorder::Recorder;
pub use text::{RestVerb, TextForm, TextState, TextWebhook};
pub use what::{Hearing, Voicing, What};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Since the emulator started.
    pub at: Duration,
    /// Which call it belongs to, counted from 1; `None` for what belongs to none (speech requests, refused dials).
    pub call: Option<usize>,
    /// What happened.
    pub what: What,
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The person on the phone.
    Person,
    /// The server under test.
    Server,
    /// The telephone network.
    Carrier,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9.3} s  ", self.at.as_secs_f64())?;
        match self.call {
            Some(call) => write!(f, "call {call}  {}", self.what),
            None => write!(f, "        {}", self.what),
        }
    }
}

/// What had happened when it was asked for; prints one line an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline(Vec<Event>);

impl Timeline {
    /// The events, oldest first.
    pub fn events(&self) -> &[Event] {
        &self.0
    }

    /// The first event that fits.
    pub fn first(&self, fits: impl Fn(&What) -> bool) -> Option<&Event> {
        self.0.iter().find(|e| fits(&e.what))
    }

    /// How many events fit.
    pub fn count(&self, fits: impl Fn(&What) -> bool) -> usize {
        self.0.iter().filter(|e| fits(&e.what)).count()
    }

    /// What the server did wrong on the wire; empty for a good server.
    pub fn violations(&self) -> Vec<&str> {
        self.0
            .iter()
            .filter_map(|e| match &e.what {
                What::Violation(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|event| writeln!(f, "{event}"))
    }
}

/// The wait was in vain; shows what happened instead.
#[derive(thiserror::Error)]
#[error("it did not happen within {within:?}; what did:\n{timeline}")]
pub struct NeverHappened {
    /// How long was waited.
    pub within: Duration,
    /// What happened up to then.
    pub timeline: Timeline,
}

impl fmt::Debug for NeverHappened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

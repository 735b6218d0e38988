//! Texts, both ways, and the windows in which they can be written.

use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Metrics;
use super::series::{Counts, gauge};

#[derive(Debug)]
pub(super) struct Messages {
    messages: Counts<2>,
    windows_expiring: Gauge,
}

/// What became of a text of ours: of each try to send it, and of what the carrier took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// The carrier took it.
    Sent,
    /// It arrived.
    Delivered,
    /// The person has not agreed to be written to.
    OptIn,
    /// The window is closed.
    Window,
    /// The person stopped messages.
    OptedOut,
    /// Nobody can be written to at the number.
    BadNumber,
    /// Our own account or settings are wrong.
    Configuration,
    /// The carrier has had too many.
    Limited,
    /// It cannot be sent, now or later.
    Permanent,
    /// Nothing was sent, and the same may succeed later.
    Transient,
    /// Nobody knows whether it was sent.
    Unknown,
}

impl Text {
    const ALL: [Self; 11] = [
        Self::Sent,
        Self::Delivered,
        Self::OptIn,
        Self::Window,
        Self::OptedOut,
        Self::BadNumber,
        Self::Configuration,
        Self::Limited,
        Self::Permanent,
        Self::Transient,
        Self::Unknown,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Text::Sent => "sent",
            Text::Delivered => "delivered",
            Text::OptIn => "opt-in",
            Text::Window => "window",
            Text::OptedOut => "opted-out",
            Text::BadNumber => "bad-number",
            Text::Configuration => "configuration",
            Text::Limited => "limited",
            Text::Permanent => "permanent",
            Text::Transient => "transient",
            Text::Unknown => "unknown",
        }
    }
}

/// What became of a text of the person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is somebody's.
    Taken,
    /// It is not one that can be taken.
    Refused,
}

impl Received {
    const ALL: [Self; 2] = [Self::Taken, Self::Refused];

    fn as_str(self) -> &'static str {
        match self {
            Received::Taken => "taken",
            Received::Refused => "refused",
        }
    }
}

impl Messages {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let out = Text::ALL.into_iter().map(|result| ["out", result.as_str()]);
        let into = Received::ALL.into_iter().map(|result| ["in", result.as_str()]);
        Self {
            messages: Counts::new(
                registry,
                ("messages", "Texts to the person and of the person, by what became of them"),
                ["direction", "result"],
                out.chain(into),
            ),
            windows_expiring: gauge(
                registry,
                "windows_expiring",
                "Open questions in messaging whose window closes within the hour",
            ),
        }
    }
}

impl Metrics {
    /// Something became of a text of ours.
    pub fn text(&self, result: Text) {
        self.messages.messages.add(["out", result.as_str()], 1);
    }

    /// Something became of a text of the person's; counted once, however often it came.
    pub fn received(&self, result: Received) {
        self.messages.messages.add(["in", result.as_str()], 1);
    }
}

/// A session's place among those whose window closes, given up when this is dropped.
#[derive(Debug)]
pub struct Expiring {
    metrics: Arc<Metrics>,
    counts: bool,
}

impl Expiring {
    /// A session that is not among them.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, counts: false }
    }

    /// It is, or is not.
    pub fn set(&mut self, counts: bool) {
        if std::mem::replace(&mut self.counts, counts) != counts {
            self.metrics.messages.windows_expiring.inc_by(if counts { 1 } else { -1 });
        }
    }
}

impl Drop for Expiring {
    fn drop(&mut self) {
        self.set(false);
    }
}

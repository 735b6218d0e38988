//! What comes in from outside, and what is turned away.

use std::time::Duration;

use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Metrics;
use super::series::{Counts, ours};

#[derive(Debug)]
pub(super) struct Door {
    webhooks: Counts<1>,
    limits: Counts<1>,
    webhook: Histogram,
}

/// What became of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Webhook {
    /// Signed and handed over; where it is about a call, understood too.
    Taken,
    /// The signature is missing or wrong.
    Forged,
    /// The same, once too often from one address.
    ShutOut,
    /// Signed, and a message beyond one of the limits.
    Limited,
    /// Signed, and not about a call of ours.
    NotUnderstood,
    /// The body was too large or too slow.
    Unread,
    /// Signed, and not taken: too many wait already.
    TurnedAway,
}

impl Webhook {
    const ALL: [Self; 7] =
        [Self::Taken, Self::Forged, Self::ShutOut, Self::Limited, Self::NotUnderstood, Self::Unread, Self::TurnedAway];

    fn as_str(self) -> &'static str {
        match self {
            Webhook::Taken => "taken",
            Webhook::Forged => "forged",
            Webhook::ShutOut => "shut-out",
            Webhook::Limited => "limited",
            Webhook::NotUnderstood => "not-understood",
            Webhook::Unread => "unread",
            Webhook::TurnedAway => "turned-away",
        }
    }
}

/// A limit that turns away what is beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Messages a minute of one phone.
    Phone,
    /// Messages a minute in one conversation.
    Conversation,
    /// Messages a minute of everybody.
    Global,
    /// A phone that sent too many is let in no more for a while.
    Blocked,
    /// Calls an hour of one agent.
    CallsPerHour,
    /// Messages an hour of one agent.
    MessagesPerHour,
    /// Calls with the person at once.
    LiveCalls,
    /// Sessions at once.
    Sessions,
    /// Signatures of one address that failed.
    Strangers,
}

impl Bound {
    const ALL: [Self; 9] = [
        Self::Phone,
        Self::Conversation,
        Self::Global,
        Self::Blocked,
        Self::CallsPerHour,
        Self::MessagesPerHour,
        Self::LiveCalls,
        Self::Sessions,
        Self::Strangers,
    ];

    /// How labels and log lines call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Bound::Phone => "phone",
            Bound::Conversation => "conversation",
            Bound::Global => "global",
            Bound::Blocked => "blocked",
            Bound::CallsPerHour => "calls-per-hour",
            Bound::MessagesPerHour => "messages-per-hour",
            Bound::LiveCalls => "live-calls",
            Bound::Sessions => "sessions",
            Bound::Strangers => "strangers",
        }
    }
}

impl Door {
    pub(super) fn new(registry: &mut Registry) -> Self {
        Self {
            webhooks: Counts::new(
                registry,
                ("webhooks", "Webhooks of the carrier, by what became of them"),
                ["result"],
                Webhook::ALL.map(|result| [result.as_str()]),
            ),
            limits: Counts::new(
                registry,
                ("limits", "What was turned away, by the limit that it was beyond"),
                ["limit"],
                Bound::ALL.map(|limit| [limit.as_str()]),
            ),
            webhook: ours(registry, "webhook", "From the last byte of a signed webhook to its answer"),
        }
    }
}

impl Metrics {
    /// A webhook was dealt with.
    pub fn webhook(&self, result: Webhook) {
        self.door.webhooks.add([result.as_str()], 1);
    }

    /// A signed webhook was answered in this time.
    pub fn webhook_took(&self, took: Duration) {
        self.door.webhook.observe(took.as_secs_f64());
    }

    /// Something was turned away.
    pub fn limit(&self, limit: Bound) {
        self.door.limits.add([limit.as_str()], 1);
    }
}

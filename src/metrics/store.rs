//! What the server stands on: its store, and its providers' errors.

use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Metrics;
use super::series::{Counts, gauge, ours};

/// Codes of an account and of calls that say more than the class of the error: Twilio's, then Telnyx's.
const CARRIER: [&str; 26] = [
    "13224", "13227", "20003", "20005", "20403", "20404", "20429", "21201", "21205", "21210", "21211", "21212",
    "21213", "21214", "21215", "21216", "21217", "21219", "21220", "32205", "10009", "10010", "10011", "10015",
    "10016", "10027",
];

/// The same of an account and of messaging, those of Meta's that Telnyx passes on among them.
const MESSAGING: [&str; 56] = [
    "20003", "20005", "20403", "20404", "20429", "21408", "21606", "21608", "21656", "21659", "21660", "30002",
    "30032", "30034", "50377", "50408", "50409", "50412", "50414", "50526", "50527", "50528", "63001", "63002",
    "63005", "63007", "63008", "63010", "63012", "63013", "63018", "63020", "63021", "63027", "63028", "63032",
    "92006", "10009", "10010", "10011", "10015", "10027", "40008", "40010", "40011", "40013", "40305", "130429",
    "131031", "131056", "132000", "132001", "132012", "132015", "132016", "133010",
];

/// The same of speech.
const SPEECH: [&str; 9] = [
    "insufficient_quota",
    "invalid_api_key",
    "invalid_model",
    "invalid_request_error",
    "model_not_found",
    "not_found",
    "rate_limit_exceeded",
    "server_error",
    "session_expired",
];

/// A code that stands in no table.
const OTHER: &str = "other";

#[derive(Debug)]
pub(super) struct Below {
    degraded: Gauge,
    commit: Histogram,
    errors: Counts<2>,
}

/// Who may fail us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Calls.
    Carrier,
    /// Texts.
    Messaging,
    /// Text to speech.
    Tts,
    /// Speech to text.
    Stt,
}

impl Provider {
    const ALL: [Self; 4] = [Self::Carrier, Self::Messaging, Self::Tts, Self::Stt];

    fn as_str(self) -> &'static str {
        match self {
            Provider::Carrier => "carrier",
            Provider::Messaging => "messaging",
            Provider::Tts => "tts",
            Provider::Stt => "stt",
        }
    }

    /// The codes that are told apart.
    fn codes(self) -> &'static [&'static str] {
        match self {
            Provider::Carrier => &CARRIER,
            Provider::Messaging => &MESSAGING,
            Provider::Tts | Provider::Stt => &SPEECH,
        }
    }

    /// The classes of its errors.
    fn classes(self) -> &'static [&'static str] {
        match self {
            Provider::Carrier | Provider::Tts | Provider::Stt => &["refused", "busy", "unknown"],
            Provider::Messaging => &["configuration", "closed", "transient", "unknown", "permanent"],
        }
    }

    /// What an error is counted as: its code where that is told apart, `other` where it is not, its class where it has none.
    fn label(self, class: &'static str, code: Option<&str>) -> &'static str {
        let Some(code) = code else { return class };
        self.codes().iter().find(|known| **known == code).copied().unwrap_or(OTHER)
    }
}

impl Below {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let errors = Provider::ALL.into_iter().flat_map(|provider| {
            let codes = provider.classes().iter().chain(provider.codes()).copied().chain([OTHER]);
            codes.map(move |code| [provider.as_str(), code])
        });
        Self {
            degraded: gauge(registry, "store_degraded", "1 while what is committed is kept in memory only"),
            commit: ours(registry, "store_commit", "From the handing over of a change to the word that it is kept"),
            errors: Counts::new(
                registry,
                (
                    "provider_errors",
                    "What a provider did not do as it was asked, by its code or the class of the error",
                ),
                ["provider", "code"],
                errors,
            ),
        }
    }
}

impl Metrics {
    /// What is committed is kept in memory only, or is not.
    pub fn store_degraded(&self, is_degraded: bool) {
        self.store.degraded.set(i64::from(is_degraded));
    }

    /// A change was kept, or given up, in this time.
    pub fn store_committed(&self, took: Duration) {
        self.store.commit.observe(took.as_secs_f64());
    }

    /// A provider did not do what it was asked; with its own code, where it gave one.
    pub fn provider_failed(&self, provider: Provider, class: &'static str, code: Option<&str>) {
        self.store.errors.add([provider.as_str(), provider.label(class, code)], 1);
    }
}

//! What the server stands on: its store, and its providers' errors.

use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Metrics;
use super::series::{Counts, gauge, ours};

/// Codes of an account and of calls that say more than the class of the error.
const CARRIER: [&str; 13] = [
    "20003", "20005", "20403", "20404", "20429", "21210", "21211", "21214", "21215", "21216", "21217", "21219", "21220",
];

/// The same of an account and of messaging.
const MESSAGING: [&str; 19] = [
    "20003", "20005", "20403", "20404", "20429", "21408", "21606", "21608", "21656", "50377", "63001", "63002",
    "63007", "63010", "63012", "63014", "63018", "63020", "63028",
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

//! A carrier's and a speech provider's words, as the core understands them.

use std::fmt;

/// What went wrong at a provider, in its own words with numbers masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderError {
    /// What the caller may conclude.
    pub class: ErrorClass,
    /// The provider's own code (`21215`, `model_not_found`), where it gave one.
    pub code: Option<String>,
    /// The provider's own sentence, safe to show.
    pub message: String,
}

/// What an error means for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// A definite no: it did not happen and will not by itself.
    Refused,
    /// Nothing was done, and the same may succeed later (429, connection refused).
    Busy,
    /// Nobody knows whether it happened (timeout, 5xx, connection lost after sending).
    Unknown,
}

impl ErrorClass {
    /// As metrics call it.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorClass::Refused => "refused",
            ErrorClass::Busy => "busy",
            ErrorClass::Unknown => "unknown",
        }
    }
}

impl ProviderError {
    /// One in our own words; `message` is safe to show.
    pub fn ours(class: ErrorClass, message: &str) -> Self {
        Self { class, code: None, message: message.to_owned() }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{} (code {code})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for ProviderError {}

/// Where a call stands by the carrier's account of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallProgress {
    /// Accepted, not ringing yet.
    Queued,
    /// The phone rings.
    Ringing,
    /// Picked up.
    Answered,
    /// Over, and how.
    Over(CallEnd),
}

/// How the carrier says a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// It was answered and is over.
    Completed,
    /// Rang out, or was declined.
    NoAnswer,
    /// The line was busy.
    Busy,
    /// Could not be put through.
    Failed,
    /// Hung up by us before anyone answered.
    Canceled,
}

/// Who picked up, by the carrier's machine detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A person.
    Human,
    /// Voicemail or fax.
    Machine,
    /// The carrier could not tell.
    Unknown,
}

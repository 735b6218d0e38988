//! What the tools ask: the routes of the REST API, wherever they are.

use std::fmt;
use std::time::Duration;

use axum::http::{HeaderValue, Method};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

/// The REST API, in this process or far away.
pub trait Api: Send + Sync {
    /// Asks, and waits for the answer. Dropping it takes nothing back.
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Answer, Unreached>>;
}

/// A request to the API.
#[derive(Clone)]
pub struct Question {
    /// How.
    pub method: Method,
    /// The path, and the query where there is one.
    pub path: String,
    /// The body's fields; none for no body.
    pub body: Option<Map<String, Value>>,
    /// Names the request across its repeats (`Idempotency-Key`).
    pub key: Option<String>,
    /// How long an answer may wait for the person (`Prefer: wait`), in whole seconds.
    pub wait: Option<Duration>,
    /// What the client of a tool authenticated with, where it comes over HTTP.
    pub authorization: Option<HeaderValue>,
}

/// Prints neither text nor key.
impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("method", &self.method).field("wait", &self.wait).finish_non_exhaustive()
    }
}

impl Question {
    /// Asks for something that is there.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None, key: None, wait: None, authorization: None }
    }

    /// Asks for something to be done.
    pub fn post(path: impl Into<String>, body: Map<String, Value>) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(path) }
    }

    /// The same, answered within this time, which is rounded up to whole seconds.
    #[must_use]
    pub fn waiting(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self { wait: Some(Duration::from_secs(seconds)), ..self }
    }
}

/// An answer of the API.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The fields of the body; none where it had none.
    pub body: Map<String, Value>,
}

impl Answer {
    /// Whoever answers starts or stops: what it was asked is kept, and answered after that.
    pub fn is_away(&self) -> bool {
        matches!(self.text("code"), Some("starting" | "shutting_down"))
    }

    /// A field that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }
}

/// The API did not answer: a sentence for the agent, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreached(pub String);

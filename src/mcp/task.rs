//! A call as a task (the extension `io.modelcontextprotocol/tasks`): named so that any process can say how it stands.
//!
//! Nothing is kept for a task: its name holds the name of its request, whose answer the API keeps for a day, across restarts.

use std::fmt;

use jiff::Timestamp;
use rmcp::model::{Task, TaskStatus};

use super::api::Answer;
use super::arguments::Asking;
use crate::clock::Millis;

/// How long the answer to a request is kept.
const KEPT_MS: u64 = 24 * 60 * 60 * 1000;
/// How often a client should ask. In a live call nobody may stay away for a minute once the person has spoken.
const POLL_MS: u64 = 2_000;

/// What a task is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TaskId {
    pub(super) tool: Asking,
    began: Millis,
    /// The session.
    pub(super) session: String,
    /// The request, as the API names it.
    pub(super) request: String,
}

impl TaskId {
    /// The task of a request that was answered 202 with these fields; `None` where they name no request.
    pub(super) fn of(tool: Asking, answer: &Answer, now: Millis) -> Option<Self> {
        let (session, request) = (answer.text("callId")?.to_owned(), answer.text("requestId")?.to_owned());
        Some(Self { tool, began: now, session, request })
    }

    pub(super) fn parse(id: &str) -> Option<Self> {
        let mut parts = id.split('.');
        let tool = match parts.next()? {
            "call" => Asking::Call,
            "message" => Asking::Message,
            "continue" => Asking::Continue,
            _ => return None,
        };
        let began = Millis(parts.next()?.parse().ok()?);
        let mut name = || {
            let part = parts.next()?;
            let fits = (1..=64).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            fits.then(|| part.to_owned())
        };
        let (session, request) = (name()?, name()?);
        parts.next().is_none().then_some(Self { tool, began, session, request })
    }

    /// The task as it stands at `now`.
    pub(super) fn task(&self, status: TaskStatus, now: Millis) -> Task {
        Task::new(self.to_string(), status, time(self.began), time(now))
            .with_ttl_ms(KEPT_MS)
            .with_poll_interval_ms(POLL_MS)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tool = match self.tool {
            Asking::Call => "call",
            Asking::Message => "message",
            Asking::Continue => "continue",
        };
        write!(f, "{tool}.{}.{}.{}", self.began.0, self.session, self.request)
    }
}

fn time(at: Millis) -> String {
    let millis = i64::try_from(at.0).unwrap_or_default();
    Timestamp::from_millisecond(millis).unwrap_or_default().to_string()
}

//! The verbs, shared by every surface: limits that guard money, and repeats that join what already runs.

use std::time::Duration;

use crate::domain::outcome::{Channel, Outcome};
use crate::ids::SessionId;
use crate::store::Line;

/// The answer to `call`, `continue`, `wait` (and later `message`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The session.
    pub session: SessionId,
    /// The person's words.
    pub response: String,
    /// Words of the person that are older than the question.
    pub earlier: Vec<Line>,
    /// The person cut the question short.
    pub interrupted: bool,
    /// The channel the session is on.
    pub channel: Channel,
    /// What happened.
    pub outcome: Outcome,
}

/// The answer to `speak`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// The person cut it short.
    pub interrupted: bool,
    /// What happened.
    pub outcome: Outcome,
}

/// The answer to `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Talk time in all.
    pub duration: Duration,
    /// What happened.
    pub outcome: Outcome,
}

/// Why a verb has no better answer. The sentence is for the agent to read: it says what happened and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind, one per row of the error table.
    pub kind: RefusalKind,
    /// For the agent.
    pub sentence: String,
    /// The session it is about, where there is one.
    pub session: Option<SessionId>,
    /// The channel of that session.
    pub channel: Option<Channel>,
    /// What happened, where something did.
    pub outcome: Option<Outcome>,
    /// When to come back, where that helps.
    pub retry_after: Option<Duration>,
}

/// The rows of the error table that a verb can end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalKind {
    /// 404 `no_active_call`.
    NoActiveCall,
    /// 408 `no_reply`: session open.
    NoReply,
    /// 408 `no_answer`: session ended.
    NoAnswer,
    /// 409 `busy`.
    Busy,
    /// 410 `call_ended`.
    CallEnded,
    /// 422 `idempotency_mismatch`.
    IdempotencyMismatch,
    /// 424 `speech_failed`.
    SpeechFailed,
    /// 429 `rate_limited`.
    RateLimited,
    /// 502 `provider_error`: nothing reached the person.
    ProviderError,
    /// 503 `shutting_down`.
    ShuttingDown,
}

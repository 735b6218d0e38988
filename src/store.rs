//! The store port: what outlives a session. One contract, run over every implementation.

use futures_util::future::BoxFuture;

use crate::clock::Millis;
use crate::domain::line::Snapshot;
use crate::domain::outcome::{Channel, Outcome};
use crate::ids::{ConversationId, LineKey, SessionId};

pub mod memory;

/// Who said a line of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The agent (`claude` in the API).
    Agent,
    /// The person (`user` in the API).
    Person,
}

/// One line of a conversation. Text, and no phone number.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// Who said it.
    pub speaker: Speaker,
    /// What was said.
    pub text: String,
    /// When.
    pub at: Millis,
    /// On which channel.
    pub channel: Channel,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({:?} at {}, {} chars)", self.speaker, self.at, self.text.chars().count())
    }
}

/// A session as history keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// The session.
    pub id: SessionId,
    /// The channel it is on, or was on last.
    pub channel: Channel,
    /// The carrier's conversation that its texts are in, once there is one.
    pub conversation: Option<ConversationId>,
    /// What was said, oldest first.
    pub lines: Vec<Line>,
    /// When the session began.
    pub created_at: Millis,
    /// When it ended; `None` while it runs.
    pub ended_at: Option<Millis>,
    /// Talk time so far.
    pub duration_seconds: u64,
    /// What happened.
    pub outcome: Outcome,
    /// The person's lines that no agent has collected yet.
    pub uncollected: Vec<Line>,
}

/// Why a store did not do what it was asked. It never stops a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct StoreError(pub String);

/// What outlives a session.
pub trait Store: Send + Sync {
    /// Keeps a conversation, replacing what was kept under its id.
    fn put(&self, conversation: Conversation) -> BoxFuture<'_, Result<(), StoreError>>;
    /// One conversation.
    fn get<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, Result<Option<Conversation>, StoreError>>;
    /// Marks these lines of the person's in a conversation as collected; what else was said waits on.
    fn collected<'a>(&'a self, id: &'a SessionId, lines: &'a [Line]) -> BoxFuture<'a, Result<(), StoreError>>;
    /// Keeps what must be remembered of a person's line.
    fn put_line<'a>(&'a self, key: &'a LineKey, line: Snapshot) -> BoxFuture<'a, Result<(), StoreError>>;
    /// What is remembered of a person's line.
    fn line<'a>(&'a self, key: &'a LineKey) -> BoxFuture<'a, Result<Option<Snapshot>, StoreError>>;
    /// The newest conversations, newest first, at most `limit`; and how many there are in all.
    fn history(&self, limit: usize) -> BoxFuture<'_, Result<(Vec<Conversation>, usize), StoreError>>;
}

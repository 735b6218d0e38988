//! The store port: what outlives a session, and what outlives the process. One contract, run over every implementation.
//!
//! Whoever changes something hands over all that belongs together as one list of [`Write`]s; it is kept whole or not at all,
//! in the order in which lists are handed over. No write holds a phone number.

use futures_util::future::BoxFuture;

use crate::clock::Millis;
use crate::domain::line;
use crate::domain::messaging::{Contact, Inbound};
use crate::domain::outcome::{Channel, Outcome};
use crate::domain::session::Answer;
use crate::domain::session::snapshot::Snapshot;
use crate::domain::text::BadWords;
use crate::ids::{ConversationId, EntryId, LineKey, MessageId, RequestId, RequestKey, SessionId};

pub mod durable;
pub mod embedded;
pub mod memory;
pub mod metered;
pub mod record;
pub mod redis;

/// What outlives a session.
pub trait Store: Send + Sync {
    /// Keeps these, all or none. They are in line when this returns, and durable when the future is done; dropping the future
    /// changes nothing.
    ///
    /// # Errors
    /// When they are not durable, and may be lost with the process. They are kept in memory, and written as soon as that is
    /// possible again. It does not take long: a store that is known to be out of order says so at once.
    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'static, Result<(), StoreError>>;
    /// What a process that ended has left, once: waits until there is access to it. What was committed here meanwhile wins
    /// over what was left.
    fn left(&self) -> BoxFuture<'_, Result<Left, StoreError>>;
    /// One conversation.
    fn conversation<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, Result<Option<Conversation>, StoreError>>;
    /// The newest conversations, newest first, at most `limit`; and how many there are in all.
    fn history(&self, limit: usize) -> BoxFuture<'_, Result<(Vec<Conversation>, usize), StoreError>>;
    /// Forgets what has had its time by now: ended conversations, answered requests, seen messages, blocks.
    fn sweep(&self, now: Millis) -> BoxFuture<'_, Result<(), StoreError>>;
    /// How it is.
    fn state(&self) -> StoreState;
    /// What it does not promise although it works; in words for the operator.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
    /// Whether what it keeps outlives the process.
    fn is_durable(&self) -> bool;
}

/// Why a store did not do what it was asked. It never stops a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store failed: {0}")]
pub struct StoreError(pub String);

/// How a store is, for `/health` and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// It keeps what it is given.
    Fine,
    /// What it is given is in memory only, for now; why, and what to do about it.
    Degraded(String),
}

/// One change to what is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// A running session as it stands.
    Session(Box<SessionRecord>),
    /// A session has ended: of it only its conversation is left.
    Ended(SessionId),
    /// A conversation, running or ended, instead of what was kept under its name.
    Conversation(Box<Conversation>),
    /// Nobody is to read this conversation any more.
    Delete(SessionId),
    /// A request that was begun, or answered, instead of what was kept under its key.
    Request(Box<RequestRecord>),
    /// What is remembered of a person's line.
    Line(LineKey, Box<line::Snapshot>),
    /// A message of this line was taken; it may come again for 72 hours.
    Seen(LineKey, MessageId, Millis),
    /// A message came in, or its fate was decided.
    Received(Box<Received>),
    /// A message has reached everybody whom it was for.
    Done(EntryId),
    /// A phone, by its hash, is let in no more until then.
    Block(String, Millis),
    /// Nothing. It takes the time that a message takes.
    Nothing,
}

/// Everything that a process that ended has left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Left {
    /// Its running sessions.
    pub sessions: Vec<SessionRecord>,
    /// The lines.
    pub lines: Vec<(LineKey, line::Snapshot)>,
    /// The messages taken within 72 hours.
    pub seen: Vec<(LineKey, MessageId, Millis)>,
    /// Messages that came in and did not reach everybody, in the order in which they came.
    pub received: Vec<Received>,
    /// The requests that a repeat may still join.
    pub requests: Vec<RequestRecord>,
    /// The phones that are let in no more for a while.
    pub blocks: Vec<(String, Millis)>,
}

/// A running session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Which.
    pub id: SessionId,
    /// How it stood.
    pub snapshot: Snapshot,
    /// When that was.
    pub kept_at: Millis,
    /// The person began it: no agent knows its name.
    pub by_person: bool,
    /// The instance that owns it, and the number of its claim: a write with a lower one is an old owner's.
    pub owner: Owner,
}

/// Whose a session is, among several instances. There is one for now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The instance.
    pub instance: String,
    /// Grows with each new owner.
    pub fence: u64,
}

/// A request of an agent's that a repeat may join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// What makes two requests the same.
    pub key: RequestKey,
    /// Its number.
    pub request: RequestId,
    /// The session it went to.
    pub session: SessionId,
    /// What exactly was asked for, as a hash: under one key there is one of it.
    pub content: String,
    /// The client named it itself.
    pub keyed: bool,
    /// When it was begun.
    pub begun_at: Millis,
    /// Its answer.
    pub answer: Option<Given>,
    /// Whether a client has the answer.
    pub collected: bool,
    /// The answer was a reply, and has been deleted: nothing is left of it but that there was one.
    pub deleted: bool,
}

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The answer.
    pub answer: Answer,
    /// When.
    pub at: Millis,
    /// The channel the session was on.
    pub channel: Channel,
    /// The conversation and its window, when that was not voice.
    pub contact: Option<Contact>,
}

/// A message of the person's between its arrival and its effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Names it among those that wait; later ones have larger names.
    pub entry: EntryId,
    /// When it came in.
    pub at: Millis,
    /// It was written before that and read back: then.
    pub late: Option<Millis>,
    /// How it came.
    pub channel: Channel,
    /// What came in.
    pub mail: Mail,
    /// What the line made of it, once it has.
    pub decided: Option<line::Taken>,
}

impl Received {
    /// When it was written, as far as is known.
    pub fn written_at(&self) -> Millis {
        self.late.unwrap_or(self.at)
    }
}

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mail {
    /// A message.
    Message(Inbound),
    /// A message that is not to be read, for this reason.
    Refused(MessageId, BadWords),
}

impl Mail {
    /// The carrier's name for it.
    pub fn id(&self) -> &MessageId {
        match self {
            Mail::Message(message) => &message.message,
            Mail::Refused(message, _) => message,
        }
    }
}

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

#[cfg(test)]
mod tests;

//! The verbs, shared by every surface: limits that guard money, and repeats that join what already runs.

mod repeats;
mod sentence;
mod verbs;

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::domain::messaging::Contact;
use crate::domain::outcome::{Channel, Outcome};
use crate::domain::text::AgentText;
use crate::ids::{RequestKey, SessionId};
use crate::store::{Conversation, Line};

pub use verbs::{Service, ServiceConfig};

/// Whoever asks: one per API key, so that repeats of one agent are told from those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrincipalId(pub u32);

/// What an agent asks to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The words.
    pub message: AgentText,
    /// Names the request across its repeats; without it the message itself does.
    pub idempotency_key: Option<String>,
    /// Who asks.
    pub principal: PrincipalId,
    /// How long the client wants to wait, where that is shorter than anybody may.
    pub patience: Option<Duration>,
}

/// A session as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// What was said and what happened.
    pub conversation: Conversation,
    /// The state's name, as the API writes it.
    pub state: &'static str,
    /// A request waits for the person's reply.
    pub waiting: bool,
    /// Its question is not written yet: one of another session comes first.
    pub queued: bool,
    /// The conversation and its window, while the session is in messaging.
    pub contact: Option<Contact>,
}

/// The verbs as every surface sees them. Each may be repeated, and dropping an answer's future changes nothing.
pub trait Verbs: Send + Sync {
    /// Rings the person, says the message, waits for the reply.
    fn call(&self, ask: Ask) -> BoxFuture<'_, Result<Reply, Refusal>>;
    /// Writes the message without ringing and waits for the reply; with `first_contact` as a template, whatever the window.
    fn message(&self, ask: Ask, first_contact: bool) -> BoxFuture<'_, Result<Reply, Refusal>>;
    /// Says the message in a session and waits for the reply (the API's `continue`).
    fn resume(&self, session: SessionId, ask: Ask) -> BoxFuture<'_, Result<Reply, Refusal>>;
    /// Says the message in a session.
    fn speak(&self, session: SessionId, ask: Ask) -> BoxFuture<'_, Result<Spoken, Refusal>>;
    /// Says goodbye and ends a session; on an ended one gives what is stored.
    fn end(&self, session: SessionId, ask: Ask) -> BoxFuture<'_, Result<Ended, Refusal>>;
    /// Waits for a reply without saying anything.
    fn wait(&self, session: SessionId, patience: Option<Duration>) -> BoxFuture<'_, Result<Reply, Refusal>>;
    /// The answer to a call, a message or a `continue` that was begun before, by its name in [`Refusal::request`]. Begins
    /// nothing.
    fn rejoin(&self, request: RequestKey, patience: Option<Duration>) -> BoxFuture<'_, Result<Reply, Refusal>>;
    /// A session as it stands, ended ones included.
    fn look(&self, session: SessionId) -> BoxFuture<'_, Result<View, Refusal>>;
    /// The newest sessions, newest first, at most `limit`; and how many there are in all.
    fn history(&self, limit: usize) -> BoxFuture<'_, Result<(Vec<Conversation>, usize), Refusal>>;
    /// Deletes what is kept of an ended session, or of all of them. Gives how many there were.
    fn forget(&self, session: Option<SessionId>) -> BoxFuture<'_, Result<usize, Refusal>>;
}

/// The answer to `call`, `message`, `continue` and `wait`.
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
    /// The conversation and its window, while the session is in messaging.
    pub contact: Option<Contact>,
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
    /// What the request goes by, where its answer is still to come. Boxed, because every verb's result holds the room for it.
    pub request: Option<Box<RequestKey>>,
}

/// The rows of the error table that a verb can end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalKind {
    /// 403 `opted_out`.
    OptedOut,
    /// 404 `no_active_call`.
    NoActiveCall,
    /// 404 `not_found`: no request has this name.
    NoSuchRequest,
    /// 202: nobody has replied for as long as the client wanted to wait. Nothing is wrong.
    NotYet,
    /// 408 `no_reply`: session open.
    NoReply,
    /// 408 `no_answer`: session ended.
    NoAnswer,
    /// 409 `busy`.
    Busy,
    /// 410 `call_ended`.
    CallEnded,
    /// 422 `whatsapp_opt_in_required`.
    OptInRequired,
    /// 422 `template_required`.
    TemplateRequired,
    /// 422 `not_configured`.
    NotConfigured,
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

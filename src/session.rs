//! The runtime of sessions: one task and one bounded inbox each, and the manager that finds them.
//!
//! ```text
//! service ──verbs──▶ manager ──messages──▶ session task ──effects──▶ Carrier, media, Store
//! webhooks ─────────▶                     ◀──events── media
//! ```
//!
//! A session's state has no lock: its task owns it. Handlers hand over to the task and wait for its answer; a handler
//! that vanishes changes nothing.

mod burial;
mod calls;
mod directory;
mod inbound;
mod mail;
mod manager;
mod missed;
mod recall;
mod shared;
mod task;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

pub use calls::WebhookAnswer;
pub use directory::Directory;
pub use manager::{Manager, ManagerConfig, NotStarted, NotTaken};

use crate::clock::Millis;
use crate::domain::media::{MediaCommand, MediaEvent, Told};
use crate::domain::messaging::Contact;
use crate::domain::outcome::{Channel, MessageHeard};
use crate::domain::session::{Answer, Body, Failure, Phase};
use crate::ids::{CarrierCallId, RequestId, RequestKey, SessionId};
use crate::store::{Conversation, Given, RequestRecord};

/// What the runtime needs of a call's media; the media module's desk, behind a port so that neither knows the other.
pub trait MediaPort: Send + Sync {
    /// Opens a session's media; it closes when the sender is dropped. Events go to the sink.
    fn open(
        &self,
        session: &SessionId,
        events: Box<dyn Fn(MediaEvent) -> Told + Send + Sync>,
    ) -> mpsc::Sender<MediaCommand>;
    /// A single-use token with which the carrier's socket for this call may come in.
    fn mint(&self, session: &SessionId, call: &CarrierCallId) -> Option<String>;
    /// The same, and every earlier one is void: whoever is asked for a stream anew is not to come with the one before.
    fn mint_alone(&self, session: &SessionId, call: &CarrierCallId) -> Option<String>;
}

/// An answer, and when it was given.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The answer.
    pub answer: Arc<Answer>,
    /// When.
    pub at: Millis,
    /// The channel the session was on.
    pub channel: Channel,
    /// The conversation and its window, when that was not voice.
    pub contact: Option<Contact>,
}

impl Delivered {
    /// The same without anything that was said or written; of a reply it is left that the session is over.
    #[must_use]
    pub fn without_words(&self) -> Self {
        let body = match &self.answer.body {
            Body::Reply(_) => Body::Failed { failure: Failure::CallEnded, said: Vec::new() },
            Body::Failed { failure, said: _ } => Body::Failed { failure: failure.clone(), said: Vec::new() },
            told @ (Body::Spoken { .. } | Body::Ended { .. }) => told.clone(),
        };
        let mut outcome = self.answer.outcome.clone();
        if let MessageHeard::Partial(heard) = &mut outcome.message_heard {
            heard.clear();
        }
        Self { answer: Arc::new(Answer { body, outcome }), contact: None, ..self.clone() }
    }

    /// It is no answer yet: the request waits on, for a repeat that comes to the next process.
    pub fn is_put_off(&self) -> bool {
        matches!(self.answer.body, Body::Failed { failure: Failure::Stopping, .. })
    }
}

/// As it is kept.
impl From<&Delivered> for Given {
    fn from(delivered: &Delivered) -> Self {
        let Delivered { answer, at, channel, contact } = delivered;
        Self { answer: Answer::clone(answer), at: *at, channel: *channel, contact: contact.clone() }
    }
}

/// As it was kept.
impl From<Given> for Delivered {
    fn from(Given { answer, at, channel, contact }: Given) -> Self {
        Self { answer: Arc::new(answer), at, channel, contact }
    }
}

/// A request on its way: its answer comes here, once, and stays.
#[derive(Clone, Debug)]
pub struct Pending {
    /// The session it went to.
    pub session: SessionId,
    /// Its number.
    pub request: RequestId,
    answer: watch::Receiver<Option<Delivered>>,
}

/// What makes a request the same as another, for whoever repeats it: also in the next process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestName {
    /// Under this there is one request.
    pub key: RequestKey,
    /// What exactly is asked for, as a hash.
    pub content: String,
    /// The client named it itself.
    pub keyed: bool,
}

/// A request that an earlier process was asked.
#[derive(Clone, Debug)]
pub struct Recalled {
    /// What was kept of it.
    pub record: RequestRecord,
    /// Its answer, given or to come.
    pub pending: Pending,
}

/// The session's task died; nothing more comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Died;

impl Pending {
    /// Waits for the answer, for as long as it takes.
    ///
    /// # Errors
    /// When the session died of a fault of ours.
    pub async fn answer(&self) -> Result<Delivered, Died> {
        let mut answer = self.answer.clone();
        let delivered = answer.wait_for(Option::is_some).await.map_err(|_| Died)?;
        delivered.clone().ok_or(Died)
    }

    /// The answer, if it is there.
    pub fn given(&self) -> Option<Delivered> {
        self.answer.borrow().clone()
    }

    /// One that has its answer.
    pub fn answered(session: SessionId, request: RequestId, delivered: Delivered) -> Self {
        let (_, answer) = watch::channel(Some(delivered));
        Self { session, request, answer }
    }

    /// Whether no answer will come any more.
    pub fn is_dead(&self) -> bool {
        self.answer.has_changed().is_err() && self.answer.borrow().is_none()
    }
}

/// A session as it stands.
#[derive(Clone, Debug)]
pub struct Look {
    /// Everything about it.
    pub conversation: Conversation,
    /// Where it stands.
    pub phase: Phase,
    /// Whether a request waits for a reply.
    pub waiting: bool,
    /// Whether its question waits, unsent, behind another session's.
    pub queued: bool,
    /// How the person is reached, while the session is in messaging.
    pub contact: Option<Contact>,
}

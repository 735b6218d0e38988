//! The limits of inbound messages, and the proof that they were kept. Receipts, echoes and what else nobody wrote are not
//! counted.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use super::CallEvents;
use super::blocks::{Blocks, Way};
use super::signature::Verified;

use crate::http::error::{ApiError, too_many};
use crate::http::layers::Counted;
use crate::limit::{Limit, Tally};
use crate::metrics::{Bound, Metrics, Webhook as Fate};
use crate::privacy::keyed::{HashKey, KeyedHash, Kind};
use crate::provider::{MessagingWebhooks, Sender};

/// How many messages a minute are let in; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboundLimits {
    /// Of one phone.
    pub per_phone: Option<NonZeroU32>,
    /// For how long a phone that sent more is let in no more; zero is not at all.
    pub block: Duration,
    /// Of one conversation.
    pub per_conversation: Option<NonZeroU32>,
    /// In all.
    pub global: Option<NonZeroU32>,
}

/// What the layer stands on. Its clones count together.
#[derive(Clone)]
pub(in crate::http) struct Turnstile(Arc<Inner>);

struct Inner {
    /// Tells who wrote; without messaging nobody does.
    webhooks: Option<Arc<dyn MessagingWebhooks>>,
    counters: Counters,
    events: Arc<dyn CallEvents>,
    metrics: Arc<Metrics>,
    refused: Tally,
}

impl Turnstile {
    pub(in crate::http) fn new(
        webhooks: Option<Arc<dyn MessagingWebhooks>>,
        limits: InboundLimits,
        blocks: Blocks,
        hash_key: HashKey,
        events: Arc<dyn CallEvents>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let counters = Counters::new(limits, hash_key, blocks);
        Self(Arc::new(Inner { webhooks, counters, events, metrics, refused: Tally::default() }))
    }
}

/// The body of a request that was signed and kept the limits; only [`keep`] makes one.
#[derive(Clone)]
pub(in crate::http) struct Admitted {
    /// The body as it came.
    pub(in crate::http) body: Bytes,
    /// Who wrote, where somebody did.
    pub(in crate::http) sender: Option<Sender>,
}

/// The layer: turns away what is beyond a limit, and sees to it that it is read later.
pub(in crate::http) async fn keep(
    State(Turnstile(inner)): State<Turnstile>,
    mut request: Request,
    next: Next,
) -> Response {
    let body = match Verified::take(request.extensions_mut()) {
        Ok(body) => body,
        Err(fault) => return fault.into_response(),
    };
    let sender = inner.webhooks.as_ref().and_then(|webhooks| webhooks.sender_of(&body));
    if let Some(sender) = &sender
        && let Err((limit, wait)) = inner.counters.take(sender)
    {
        return inner.turn_away(sender, limit, wait);
    }
    request.extensions_mut().insert(Admitted { body, sender });
    next.run(request).await
}

impl Inner {
    fn turn_away(&self, sender: &Sender, limit: Bound, wait: Duration) -> Response {
        self.metrics.webhook(Fate::Limited);
        self.metrics.limit(limit);
        let limit = limit.as_str();
        if let Some(count) = self.refused.due(Instant::now()) {
            tracing::warn!(count, limit, "inbound messages were turned away, the last one by the limit {limit}");
        }
        self.events.turned_away(sender, wait);
        let mut response = too_many(wait);
        response.extensions_mut().insert(Counted);
        response
    }
}

/// What was let in.
struct Counters {
    phones: Blocks,
    conversations: Limit<KeyedHash>,
    all: Limit<Way>,
    hash_key: HashKey,
}

impl Counters {
    fn new(limits: InboundLimits, hash_key: HashKey, phones: Blocks) -> Self {
        Self {
            phones,
            conversations: Limit::per_minute(limits.per_conversation),
            all: Limit::per_minute(limits.global),
            hash_key,
        }
    }

    /// Counts a message. The phone comes first: who is blocked takes nothing of what all others have together.
    ///
    /// # Errors
    /// With the limit and the time until it is over, when it was one too many.
    fn take(&self, sender: &Sender) -> Result<(), (Bound, Duration)> {
        let way = if sender.conversation.is_some() { Way::Conversation } else { Way::Plain };
        if let Some(from) = &sender.from {
            let phone = self.hash_key.hash(Kind::Phone, from.reveal());
            self.phones.take(way, phone)?;
        }
        if let Some(conversation) = &sender.conversation {
            let conversation = self.hash_key.hash(Kind::Conversation, conversation.as_str());
            self.conversations.take(&conversation).map_err(|wait| (Bound::Conversation, wait))?;
        }
        self.all.take(&way).map_err(|wait| (Bound::Global, wait))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Admitted {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let admitted = parts.extensions.remove::<Self>();
        admitted.ok_or_else(|| ApiError::internal("a route of messages stands outside the limits"))
    }
}

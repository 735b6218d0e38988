//! Refusals as they go out: the one table of kinds, codes and statuses.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::json::{ErrorBody, NotYetJson, OutcomeJson};
use crate::ids::RequestKey;
use crate::service::{Refusal, RefusalKind};

/// The kinds of refusals; each is one row of the table in [`Kind::row`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    NotYet,
    InvalidRequest,
    Unauthorized,
    OptedOut,
    NotFound,
    MethodNotAllowed,
    NoActiveCall,
    NoReply,
    NoAnswer,
    Busy,
    CallEnded,
    TooLarge,
    OptInRequired,
    TemplateRequired,
    NotConfigured,
    IdempotencyMismatch,
    SpeechFailed,
    RateLimited,
    Internal,
    ProviderError,
    ShuttingDown,
    Starting,
}

/// One row of the table.
pub(super) struct Row {
    /// The response's status.
    pub(super) status: StatusCode,
    /// `code` in the body.
    pub(super) code: &'static str,
    /// When it comes, for the description of the API.
    pub(super) when: &'static str,
}

impl Kind {
    /// Every kind, in the order of statuses.
    pub(super) const ALL: [Kind; 22] = [
        Kind::NotYet,
        Kind::InvalidRequest,
        Kind::Unauthorized,
        Kind::OptedOut,
        Kind::NotFound,
        Kind::NoActiveCall,
        Kind::MethodNotAllowed,
        Kind::NoReply,
        Kind::NoAnswer,
        Kind::Busy,
        Kind::CallEnded,
        Kind::TooLarge,
        Kind::OptInRequired,
        Kind::TemplateRequired,
        Kind::NotConfigured,
        Kind::IdempotencyMismatch,
        Kind::SpeechFailed,
        Kind::RateLimited,
        Kind::Internal,
        Kind::ProviderError,
        Kind::ShuttingDown,
        Kind::Starting,
    ];

    /// The kind's row.
    pub(super) fn row(self) -> Row {
        let (status, code, when) = match self {
            Kind::NotYet => (202, "not_yet", "nobody replied for as long as `Prefer: wait=<seconds>` said"),
            Kind::InvalidRequest => (400, "invalid_request", "the body or a header is not what it should be"),
            Kind::Unauthorized => (401, "unauthorized", "no API key, or another one"),
            Kind::OptedOut => (403, "opted_out", "the person stopped messages; what they wrote is in the sentence"),
            Kind::NotFound => (404, "not_found", "there is no such route, or no such request"),
            Kind::NoActiveCall => (404, "no_active_call", "no session has this id"),
            Kind::MethodNotAllowed => (405, "method_not_allowed", "the route has another method"),
            Kind::NoReply => (408, "no_reply", "nobody replied in time; the session is open, its id is in the body"),
            Kind::NoAnswer => (408, "no_answer", "nobody picked up; the session is over"),
            Kind::Busy => (409, "busy", "another message waits on this session, or the person is in another call"),
            Kind::CallEnded => (410, "call_ended", "the call ended while the request waited"),
            Kind::TooLarge => (413, "too_large", "the body has more than 100 KB"),
            Kind::OptInRequired => {
                (422, "whatsapp_opt_in_required", "the person must join first; the sentence says how")
            }
            Kind::TemplateRequired => {
                (422, "template_required", "the window is closed, and there is no template to write with")
            }
            Kind::NotConfigured => (422, "not_configured", "messaging is not set up; the sentence names the variable"),
            Kind::IdempotencyMismatch => (422, "idempotency_mismatch", "the key was used with another message"),
            Kind::SpeechFailed => (424, "speech_failed", "the speech provider failed in a live call"),
            Kind::RateLimited => {
                (429, "rate_limited", "too many calls or messages; Retry-After says when to come back")
            }
            Kind::Internal => (500, "internal", "a fault of this server"),
            Kind::ProviderError => (502, "provider_error", "a provider refused before anything reached the person"),
            Kind::ShuttingDown => (503, "shutting_down", "the server is being stopped"),
            Kind::Starting => (503, "starting", "the server is not ready, or its configuration is bad"),
        };
        Row { status: StatusCode::from_u16(status).expect("the table holds statuses"), code, when }
    }
}

impl From<RefusalKind> for Kind {
    fn from(kind: RefusalKind) -> Self {
        match kind {
            RefusalKind::NoActiveCall => Kind::NoActiveCall,
            RefusalKind::NoSuchRequest => Kind::NotFound,
            RefusalKind::NotYet => Kind::NotYet,
            RefusalKind::NoReply => Kind::NoReply,
            RefusalKind::NoAnswer => Kind::NoAnswer,
            RefusalKind::Busy => Kind::Busy,
            RefusalKind::CallEnded => Kind::CallEnded,
            RefusalKind::OptedOut => Kind::OptedOut,
            RefusalKind::OptInRequired => Kind::OptInRequired,
            RefusalKind::TemplateRequired => Kind::TemplateRequired,
            RefusalKind::NotConfigured => Kind::NotConfigured,
            RefusalKind::IdempotencyMismatch => Kind::IdempotencyMismatch,
            RefusalKind::SpeechFailed => Kind::SpeechFailed,
            RefusalKind::RateLimited => Kind::RateLimited,
            RefusalKind::ProviderError => Kind::ProviderError,
            RefusalKind::ShuttingDown => Kind::ShuttingDown,
        }
    }
}

/// A refusal on its way out. Boxed, because it is the rare case of every handler's result.
#[derive(Debug)]
pub(super) struct ApiError(Box<Content>);

#[derive(Debug)]
struct Content {
    kind: Kind,
    body: ErrorBody,
    retry_after: Option<Duration>,
    request: Option<Box<RequestKey>>,
}

impl ApiError {
    /// A refusal that is about no session.
    pub(super) fn new(kind: Kind, sentence: impl Into<String>) -> Self {
        let body = ErrorBody {
            error: sentence.into(),
            code: kind.row().code,
            call_id: None,
            contact_mode: None,
            outcome: None,
        };
        Self(Box::new(Content { kind, body, retry_after: None, request: None }))
    }

    /// A body or header that is not what it should be.
    pub(super) fn invalid(sentence: impl Into<String>) -> Self {
        Self::new(Kind::InvalidRequest, sentence)
    }

    /// A fault of our own: the client reads a fixed sentence, the log reads `fault`.
    pub(super) fn internal(fault: &'static str) -> Self {
        tracing::error!("{fault}");
        Self::new(Kind::Internal, "callme failed internally; look at the session before you try again")
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let mut error = Self::new(refusal.kind.into(), refusal.sentence);
        error.0.retry_after = refusal.retry_after;
        error.0.request = refusal.request;
        let body = &mut error.0.body;
        body.call_id = refusal.session.map(|session| session.as_str().to_owned());
        body.contact_mode = refusal.channel.map(crate::domain::outcome::Channel::as_str);
        body.outcome = refusal.outcome.as_ref().map(OutcomeJson::from);
        error
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Content { kind, body, retry_after, request } = *self.0;
        if kind == Kind::NotYet {
            let ErrorBody { error: next, code: _, call_id, contact_mode, outcome } = body;
            let request_id = request.map(|key| key.0);
            let body = NotYetJson { status: "waiting", next, request_id, call_id, contact_mode, outcome };
            return (kind.row().status, Json(body)).into_response();
        }
        let mut response = (kind.row().status, Json(body)).into_response();
        if let Some(wait) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, whole_seconds(wait));
        }
        if kind == Kind::Unauthorized {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A carrier, or whoever poses as one, sends too much; it is told when to come back, and no more.
pub(super) fn too_many(wait: Duration) -> Response {
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, whole_seconds(wait))]).into_response()
}

/// There is no room for what was sent; whoever sent it is told when to come back, and no more.
pub(super) fn unavailable(wait: Duration) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, whole_seconds(wait))]).into_response()
}

/// Rounded up: coming back a moment too early would be refused again.
fn whole_seconds(wait: Duration) -> HeaderValue {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    HeaderValue::from(seconds.max(1))
}

//! The signature check in front of the carrier's webhooks, and the proof it leaves.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, OriginalUri, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use crate::http::App;
use crate::http::body::{self, Unread};
use crate::http::error::ApiError;
use crate::metrics::{Metrics, Webhook as Fate};
use crate::provider::{CarrierWebhooks, Webhook};

/// What the check stands on.
#[derive(Clone)]
pub(in crate::http) struct Gate {
    carrier: Arc<dyn CarrierWebhooks>,
    refused: Arc<Refused>,
    metrics: Arc<Metrics>,
    /// The largest body, in bytes.
    largest: usize,
}

/// The body of a request whose signature was checked; only [`require`] makes one.
#[derive(Clone)]
struct Verified(Bytes);

/// The layer: refuses what the carrier did not sign, before its body is read where that can be told.
pub(in crate::http) async fn require(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let Some(signature) = only_value(request.headers(), gate.carrier.signature_header()).map(str::to_owned) else {
        return gate.refuse();
    };
    let (mut parts, body) = request.into_parts();
    let body = match body::read(body, gate.largest).await {
        Ok(body) => body,
        Err(unread) => {
            gate.metrics.webhook(Fate::Unread);
            return match unread {
                Unread::TooLarge => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
                Unread::TooSlow | Unread::Broken => StatusCode::BAD_REQUEST.into_response(),
            };
        }
    };
    // Byte for byte what the carrier asked for: it signed that.
    let asked = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |OriginalUri(uri)| uri);
    let path_and_query = asked.path_and_query().map_or("/", |it| it.as_str());
    let content_type = only_value(&parts.headers, header::CONTENT_TYPE.as_str());
    if !gate.carrier.verify(path_and_query, content_type, &body, &signature) {
        return gate.refuse();
    }
    parts.extensions.insert(Verified(body));
    next.run(Request::from_parts(parts, Body::empty())).await
}

/// A header's value where there is exactly one: of two, a proxy and we could each read another.
fn only_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

impl Gate {
    pub(in crate::http) fn new(carrier: Arc<dyn CarrierWebhooks>, metrics: Arc<Metrics>) -> Self {
        Self { carrier, refused: Arc::default(), metrics, largest: body::LARGEST }
    }

    /// The same gate, which counts refusals together with this one, for bodies of at most `largest` bytes.
    pub(in crate::http) fn for_bodies_of(&self, largest: usize) -> Self {
        Self { largest, ..self.clone() }
    }

    fn refuse(&self) -> Response {
        self.metrics.webhook(Fate::Forged);
        self.refused.note(Instant::now());
        StatusCode::UNAUTHORIZED.into_response()
    }
}

/// Counts refusals and writes at most one line a second about them: forgers do not get to fill the log.
#[derive(Default)]
struct Refused(Mutex<(Option<Instant>, u64)>);

impl Refused {
    fn note(&self, now: Instant) {
        if let Some(count) = self.due(now) {
            tracing::warn!(
                count,
                "refused webhooks that the carrier did not sign; if they are its own, check CALLME_PHONE_AUTH_TOKEN \
                 and CALLME_PUBLIC_URL"
            );
        }
    }

    /// How many refusals a line is to report now, where one is due.
    fn due(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, count) = &mut *state;
        *count += 1;
        let due = last.is_none_or(|last| now.duration_since(last) >= Duration::from_secs(1));
        due.then(|| {
            *last = Some(now);
            std::mem::take(count)
        })
    }
}

/// The body of a webhook that the carrier signed, whatever it says.
pub(in crate::http) struct SignedBody(pub(in crate::http) Bytes);

impl<S: Send + Sync> FromRequestParts<S> for SignedBody {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let verified = parts.extensions.remove::<Verified>();
        verified
            .map(|Verified(body)| Self(body))
            .ok_or_else(|| ApiError::internal("a webhook's route stands outside the signature check").into_response())
    }
}

/// A webhook about a call that the carrier signed.
pub(in crate::http) struct Signed(pub(in crate::http) Webhook);

impl FromRequestParts<App> for Signed {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let SignedBody(body) = SignedBody::from_request_parts(parts, app).await?;
        // The adapter has logged what is wrong with it.
        let read = app.carrier.parse(&body);
        app.metrics.webhook(if read.is_ok() { Fate::Taken } else { Fate::NotUnderstood });
        read.map(Self).map_err(|_| StatusCode::BAD_REQUEST.into_response())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn refusals_are_reported_once_a_second_with_their_count() {
        let refused = Refused::default();
        let mut due = Vec::new();
        for _ in 0..25 {
            due.extend(refused.due(Instant::now()));
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert_eq!(due, [1, 10, 10], "one at once, then the ten of each second");
    }
}

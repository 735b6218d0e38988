//! The signature check in front of the carrier's webhooks, and the proof it leaves.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, MatchedPath, OriginalUri, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use super::room::Room;
use super::strangers::Strangers;

use crate::http::App;
use crate::http::body::{self, Bounds, Unread};
use crate::http::error::{ApiError, too_many, unavailable};
use crate::http::layers::{Counted, prove};
use crate::http::serve::Peer;
use crate::limit::Tally;
use crate::metrics::{Bound, Metrics, Webhook as Fate};
use crate::privacy::keyed::HashKey;
use crate::provider::{CarrierWebhooks, SignedRequest, Told};

/// What the check stands on. Its clones count together.
#[derive(Clone)]
pub(in crate::http) struct Gate(Arc<Inner>);

struct Inner {
    carrier: Arc<dyn CarrierWebhooks>,
    metrics: Arc<Metrics>,
    refused: Tally,
    strangers: Strangers,
    room: Room,
}

/// The body of a request whose signature was checked; only [`require`] makes one.
#[derive(Clone)]
pub(super) struct Verified(Bytes);

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    Missing,
    Empty,
    /// More than one: a proxy and we could each read another.
    Doubled,
    Wrong,
}

impl Flaw {
    fn as_str(self) -> &'static str {
        match self {
            Flaw::Missing => "missing",
            Flaw::Empty => "empty",
            Flaw::Doubled => "doubled",
            Flaw::Wrong => "wrong",
        }
    }
}

/// The layer: refuses what the carrier did not sign, before its body is read where that can be told.
pub(in crate::http) async fn require(State(Gate(gate)): State<Gate>, mut request: Request, next: Next) -> Response {
    let Some(bounds) = request.extensions_mut().remove::<Bounds>() else {
        return ApiError::internal("a webhook's route has no bound for its body").into_response();
    };
    let names = gate.carrier.signature_headers();
    // Before the body is read, so that nobody makes us read one without what at least looks like a signature of now.
    let form = signature(request.headers(), names)
        .and_then(|values| if gate.carrier.may_be_signed(&values) { Ok(()) } else { Err(Flaw::Wrong) });
    if let Err(flaw) = form {
        return gate.refuse(flaw, request.extensions());
    }
    let (mut parts, body) = request.into_parts();
    let mut share = gate.room.share();
    let body = match bounds.read_while(body, |bytes| share.take(bytes)).await {
        Ok(body) => body,
        Err(unread) => {
            let fate = if unread == Unread::Crowded { Fate::TurnedAway } else { Fate::Unread };
            gate.metrics.webhook(fate);
            return match unread {
                Unread::TooLarge => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
                Unread::TooSlow | Unread::Broken => StatusCode::BAD_REQUEST.into_response(),
                Unread::Crowded => unavailable(body::ARRIVES_WITHIN),
            };
        }
    };
    let began = Instant::now();
    // Byte for byte what the carrier asked for: it signed that.
    let asked = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |OriginalUri(uri)| uri);
    let path_and_query = asked.path_and_query().map_or("/", |it| it.as_str());
    let content_type = content_type(&parts.headers);
    let signed = signature(&parts.headers, names).is_ok_and(|signature| {
        gate.carrier.verify(&SignedRequest { path_and_query, content_type, body: &body, signature: &signature })
    });
    if !signed {
        return gate.refuse(Flaw::Wrong, &parts.extensions);
    }
    drop(share);
    prove(&parts.extensions);
    parts.extensions.insert(Verified(body));
    let answer = next.run(Request::from_parts(parts, Body::empty())).await;
    gate.metrics.webhook_took(began.elapsed());
    answer
}

/// The one signature of a request, in all its parts.
fn signature<'a>(headers: &'a HeaderMap, names: &[&str]) -> Result<Vec<&'a str>, Flaw> {
    names
        .iter()
        .map(|name| {
            let mut values = headers.get_all(*name).iter();
            match (values.next(), values.next()) {
                (None, _) => Err(Flaw::Missing),
                (Some(_), Some(_)) => Err(Flaw::Doubled),
                (Some(value), None) if value.is_empty() => Err(Flaw::Empty),
                (Some(value), None) => value.to_str().map_err(|_| Flaw::Wrong),
            }
        })
        .collect()
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

impl Gate {
    pub(in crate::http) fn new(carrier: Arc<dyn CarrierWebhooks>, metrics: Arc<Metrics>, hash_key: HashKey) -> Self {
        let strangers = Strangers::new(hash_key);
        Self(Arc::new(Inner { carrier, metrics, refused: Tally::default(), strangers, room: Room::new() }))
    }
}

impl Inner {
    /// Refuses with nothing. Who signs is never kept out, however many others fail at the same address: carriers and
    /// proxies share theirs.
    fn refuse(&self, flaw: Flaw, request: &Extensions) -> Response {
        if let Some(count) = self.refused.due(Instant::now()) {
            let route = request.get::<MatchedPath>().map_or("(none)", MatchedPath::as_str);
            let reason = flaw.as_str();
            tracing::warn!(
                count,
                route,
                reason,
                "refused webhooks that the carrier did not sign, the last one at {route}: its signature is {reason}; if \
                 they are the carrier's own, check CALLME_PUBLIC_URL and CALLME_PHONE_AUTH_TOKEN, or with Telnyx \
                 CALLME_TELNYX_PUBLIC_KEY and this machine's clock"
            );
        }
        let address = request.get::<Peer>().map(|Peer(address)| *address);
        let (fate, mut response) = match self.strangers.note(address.unwrap_or(NOWHERE)) {
            Ok(()) => (Fate::Forged, StatusCode::UNAUTHORIZED.into_response()),
            Err(wait) => {
                self.metrics.limit(Bound::Strangers);
                (Fate::ShutOut, too_many(wait))
            }
        };
        self.metrics.webhook(fate);
        response.extensions_mut().insert(Counted);
        response
    }
}

/// A request that came by no connection.
const NOWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

impl Verified {
    /// Takes the proof from a request.
    pub(super) fn take(request: &mut Extensions) -> Result<Bytes, ApiError> {
        let verified = request.remove::<Self>();
        verified
            .map(|Self(body)| body)
            .ok_or_else(|| ApiError::internal("a webhook's route stands outside the signature check"))
    }
}

/// A webhook about a call that the carrier signed.
pub(in crate::http) struct Signed(pub(in crate::http) Told);

impl FromRequestParts<App> for Signed {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let body = Verified::take(&mut parts.extensions).map_err(IntoResponse::into_response)?;
        // The adapter has logged what is wrong with it.
        let read = app.carrier.parse(&body);
        app.metrics.webhook(if read.is_ok() { Fate::Taken } else { Fate::NotUnderstood });
        read.map(Self).map_err(|_| StatusCode::BAD_REQUEST.into_response())
    }
}

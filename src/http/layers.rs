//! What a request passes, and in which order; and what is not there.
//!
//! Each function reads from the outside in. A handler can only be reached with what its layers leave in the request: one
//! that stands outside of them answers 500.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Extensions, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use tokio::time::Instant;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::auth::{self, ApiKey};
use super::body::{self, Bounds};
use super::carrier::{self, Gate, Turnstile};
use super::error::{ApiError, Kind};
use super::{App, metrics};
use crate::clock::whole_millis;
use crate::limit::Tally;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// In front of the agents' routes: the key. Then a handler's own extractor bounds the body and reads it into a type; limits
/// on what agents may have done stand in the service, so that no surface walks around them.
pub(super) fn before_agents(routes: Router<App>, key: ApiKey) -> Router<App> {
    routes.layer(middleware::from_fn_with_state(key, auth::require_key))
}

/// In front of the tools: the key, and a bound for the body in size and time.
pub(super) fn before_mcp(tools: MethodRouter, key: ApiKey) -> Router<App> {
    let routes = Router::new().route_service("/mcp", tools).layer(middleware::from_fn(body::bounded));
    routes.layer(middleware::from_fn_with_state(key, auth::require_key))
}

/// In front of the operators' routes: any of these keys.
pub(super) fn before_operators(routes: Router<App>, keys: [ApiKey; 2]) -> Router<App> {
    routes.layer(middleware::from_fn_with_state(keys, metrics::require_either))
}

/// In front of the webhooks about calls: a bound for the body in size and time, the signature. The handler's extractor reads
/// what was signed.
pub(super) fn before_calls(routes: Router<App>, gate: Gate) -> Router<App> {
    let bounds = Bounds::of(body::LARGEST);
    routes.layer(
        ServiceBuilder::new()
            .map_request(move |request| bounds.set(request))
            .layer(middleware::from_fn_with_state(gate, carrier::require)),
    )
}

/// In front of the webhooks about messages: a bound for the body in size (`largest` bytes) and time, the signature, the limits. The handler hands
/// over what was signed and answers, always the same; it is read after that.
pub(super) fn before_messages(routes: Router<App>, largest: usize, gate: Gate, turnstile: Turnstile) -> Router<App> {
    let bounds = Bounds::of(largest);
    routes.layer(
        ServiceBuilder::new()
            .map_request(move |request| bounds.set(request))
            .layer(middleware::from_fn_with_state(gate, carrier::require))
            .layer(middleware::from_fn_with_state(turnstile, carrier::keep)),
    )
}

/// Around every route: a request id, the log, a net for panics. The log stands outside the net, so that a panic has its line.
pub(super) fn around(routes: Router) -> Router {
    routes.layer(
        ServiceBuilder::new()
            .map_request(forget_client_id)
            .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
            .layer(PropagateRequestIdLayer::new(REQUEST_ID))
            .layer(middleware::from_fn_with_state(Arc::<Tally>::default(), log))
            .layer(CatchPanicLayer::custom(panicked)),
    )
}

/// A request id of the client's would stand in our log lines: it could be anything, a phone number too.
fn forget_client_id(mut request: Request) -> Request {
    request.headers_mut().remove(REQUEST_ID);
    request
}

/// Writes one line per request, where it ended. The route's template, never the path or the query. Those that prove nothing
/// have one a second together.
async fn log(State(unproven): State<Arc<Tally>>, mut request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    let method = request.method().clone();
    let id = id.unwrap_or_default().to_owned();
    let mut line = Line {
        span: span(shown(&method), &route, &id),
        method,
        route,
        id,
        began: Instant::now(),
        status: None,
        counted: false,
        proof: Proof::default(),
        unproven,
    };
    request.extensions_mut().insert(line.proof.clone());
    let response = next.run(request).instrument(line.span.clone()).await;
    line.status = Some(response.status());
    line.counted = response.extensions().get::<Counted>().is_some();
    response
}

/// A request as traces show it. Probes and what finds no route are not worth one.
fn span(method: &str, route: &str, id: &str) -> Span {
    if matches!(route, "/health" | "(none)") {
        return Span::none();
    }
    tracing::info_span!(
        target: "traced",
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        request = id,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
    )
}

/// Marks a response that is told of elsewhere, with many others in one line: anybody can bring it about, as often as they like.
#[derive(Clone, Copy)]
pub(super) struct Counted;

/// Whether a request has shown a key, or a signature of the carrier's.
#[derive(Clone, Default)]
struct Proof(Arc<AtomicBool>);

/// Marks a request as one of those who have shown who they are.
pub(super) fn prove(request: &Extensions) {
    if let Some(Proof(proof)) = request.get() {
        proof.store(true, Ordering::Relaxed);
    }
}

/// The line of a request, written when this is dropped: a client that goes away drops the handler in its middle.
struct Line {
    span: Span,
    method: Method,
    /// The route's template.
    route: String,
    id: String,
    began: Instant,
    /// `None` until there is a response.
    status: Option<StatusCode>,
    /// See [`Counted`].
    counted: bool,
    proof: Proof,
    /// Counts requests that prove nothing: anybody can send as many as they like.
    unproven: Arc<Tally>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let Self { span, method, route, id, began, status, counted, proof: Proof(proof), unproven } = self;
        let ms = whole_millis(began.elapsed());
        let method = shown(method);
        if let Some(status) = status {
            span.record("http.response.status_code", status.as_u16());
        }
        let end = status.map_or_else(|| "the client went away".to_owned(), |status| status.to_string());
        let failed = status.is_some_and(|status| status.is_server_error());
        let quiet = *counted || (route == "/health" && !failed && status.is_some());
        let status = status.map(|status| status.as_u16());
        let count = match (quiet, proof.load(Ordering::Relaxed)) {
            (true, _) => None,
            (false, true) => Some(1),
            (false, false) => unproven.due(Instant::now()),
        };
        match count {
            None => tracing::debug!(request = %id, method, route, status, ms, "{method} {route} -> {end}"),
            Some(count) => {
                let count = (count > 1).then_some(count);
                let of = count.map(|count| format!(", the last of {count} requests without a key or a signature"));
                let of = of.unwrap_or_default();
                if failed {
                    tracing::warn!(request = %id, method, route, status, ms, count, "{method} {route} -> {end}{of}");
                } else {
                    tracing::info!(request = %id, method, route, status, ms, count, "{method} {route} -> {end}{of}");
                }
            }
        }
    }
}

/// A method can be any word; those we do not serve are not repeated.
fn shown(method: &Method) -> &str {
    let known = [Method::GET, Method::POST, Method::HEAD, Method::OPTIONS, Method::PUT, Method::PATCH, Method::DELETE];
    if known.contains(method) { method.as_str() } else { "(other)" }
}

/// What a panic in a handler looks like from outside. The panic hook has logged its place.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError::internal("a handler panicked").into_response()
}

/// Lets pages of any origin ask; the key is what protects.
pub(super) async fn cors(request: Request, next: Next) -> Response {
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, DELETE, OPTIONS"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "Content-Type, Authorization, Idempotency-Key, Prefer, Mcp-Protocol-Version, Mcp-Method, Mcp-Name",
        ),
    );
    response
}

/// No such route.
pub(super) async fn not_found() -> ApiError {
    ApiError::new(Kind::NotFound, "Not found")
}

/// A route, but not with this method.
pub(super) async fn method_not_allowed() -> ApiError {
    ApiError::new(Kind::MethodNotAllowed, "Method not allowed")
}

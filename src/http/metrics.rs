//! `/metrics`, for whoever has the API key or the token that a scraper is given instead.

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::auth::{self, ApiKey};
use super::error::{ApiError, Kind};
use super::layers::prove;
use crate::metrics::Metrics;
use crate::store::StoreState;

/// What the server counts and measures, as OpenMetrics text.
#[utoipa::path(get, path = "/metrics", tag = "operators",
    responses((status = 200, description = "the metrics", content_type = "application/openmetrics-text", body = String)))]
pub(super) async fn show(State(app): State<App>) -> Response {
    app.metrics.store_degraded(app.store.state() != StoreState::Fine);
    ([(header::CONTENT_TYPE, Metrics::CONTENT_TYPE)], app.metrics.render()).into_response()
}

/// The layer: either secret opens it.
pub(super) async fn require_either(
    State(keys): State<[ApiKey; 2]>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let sent = auth::bearer(request.headers()).unwrap_or_default();
    // Both are compared, so that time does not tell which one was meant.
    let accepted = keys.map(|key| key.accepts(sent));
    if !accepted.contains(&true) {
        return Err(ApiError::new(Kind::Unauthorized, "Unauthorized"));
    }
    prove(request.extensions());
    Ok(next.run(request).await)
}

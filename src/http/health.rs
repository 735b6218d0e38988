//! Whether this server can make calls, for the platform and for agents.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::auth::Principal;
use crate::provider::SpeechOutlook;
use crate::store::{Store, StoreState};

/// How the server stands.
#[derive(Clone, Debug)]
pub(super) enum Health {
    /// It makes calls.
    Ok {
        /// Where it is reached.
        public_url: Arc<str>,
        /// What is to be warned of.
        speech: Arc<dyn SpeechOutlook>,
    },
    /// Its configuration is bad.
    Bad {
        /// Each with its remedy.
        problems: Arc<[String]>,
    },
    /// Not ready yet.
    Starting,
}

/// How the server stands, on the wire.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct HealthJson {
    /// `ok`, `error` or `starting`.
    status: &'static str,
    /// Where the carrier reaches this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<String>,
    /// Every missing or bad setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The same, one by one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
    /// What will keep it from working one day unless something is done, such as a model of the speech provider that ends, or
    /// a Redis that keeps nothing on a disk.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// Which process answers, behind the key only: made up at its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// How what outlives the process is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<StoreJson>,
}

/// How the store is, on the wire. It does not make the server unhealthy: calls go on without it.
#[derive(Debug, Serialize, ToSchema)]
struct StoreJson {
    /// `ok` or `degraded`.
    status: &'static str,
    /// Why what is committed is in memory only, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<StoreState> for StoreJson {
    fn from(state: StoreState) -> Self {
        match state {
            StoreState::Fine => Self { status: "ok", reason: None },
            StoreState::Degraded(reason) => Self { status: "degraded", reason: Some(reason) },
        }
    }
}

impl Health {
    /// Why nothing else is answered.
    pub(super) fn sentence(&self) -> String {
        match self {
            Health::Ok { .. } | Health::Starting => "callme is starting; try again in a moment".to_owned(),
            Health::Bad { problems } => format!("callme is not configured: {}", problems.join("; ")),
        }
    }

    fn answer(self, store: Option<&dyn Store>, instance: Option<String>) -> Response {
        let (mut public_url, mut error, mut problems, mut warnings) = (None, None, Vec::new(), Vec::new());
        let (code, status) = match self {
            Health::Ok { public_url: url, speech } => {
                (public_url, warnings) = (Some(url.to_string()), speech.warnings());
                warnings.extend(store.iter().flat_map(|store| store.warnings()));
                (StatusCode::OK, "ok")
            }
            Health::Bad { problems: all } => {
                (error, problems) = (Some(all.join("; ")), all.to_vec());
                (StatusCode::SERVICE_UNAVAILABLE, "error")
            }
            Health::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting"),
        };
        let store = store.map(|store| store.state().into());
        (code, Json(HealthJson { status, public_url, error, problems, warnings, instance, store })).into_response()
    }
}

/// Whether this server can make calls.
#[utoipa::path(get, path = "/health", tag = "platform", responses(
    (status = 200, description = "it can", body = HealthJson),
    (status = 503, description = "it cannot: a setting is missing or bad (named in `error`, and one by one in `problems`), or it is starting", body = HealthJson),
))]
pub(super) async fn show(State(app): State<App>) -> Response {
    app.health.answer(Some(&*app.store), None)
}

/// The same behind the key: tells an agent that its key is right, too.
#[utoipa::path(get, path = "/api/health", tag = "agents", responses(
    (status = 200, description = "it can make calls, and the key is right", body = HealthJson),
))]
pub(super) async fn show_with_key(_: Principal, State(app): State<App>) -> Response {
    app.health.answer(Some(&*app.store), Some(app.instance.to_string()))
}

/// `/health` of a server that has nothing else.
pub(super) async fn show_alone(State(health): State<Health>) -> Response {
    health.answer(None, None)
}

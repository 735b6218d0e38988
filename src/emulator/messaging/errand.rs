//! A request of the REST API on its way: read, let in or not, done, answered; each of these can go wrong.

use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

use super::super::connection::Scissors;
use super::super::faults::{Fault, RestFault};
use super::super::form::{self, Form};
use super::super::rest::{Refusal, authorise};
use super::super::timeline::{RestVerb, What};
use super::super::world::World;

/// Nothing that is asked for is longer.
const LONGEST: usize = 1 << 20;

/// What a request that was done is answered with.
pub(super) enum Done {
    Made(Value),
    Found(Value),
    Gone,
}

/// A request that was read.
pub(super) struct Errand {
    pub(super) world: Arc<World>,
    pub(super) query: Form,
    pub(super) form: Form,
    headers: HeaderMap,
    scissors: Scissors,
}

impl FromRequest<Arc<World>> for Errand {
    type Rejection = StatusCode;

    async fn from_request(request: Request, world: &Arc<World>) -> Result<Self, StatusCode> {
        let (parts, body) = request.into_parts();
        let ConnectInfo(scissors) =
            parts.extensions.get::<ConnectInfo<Scissors>>().ok_or(StatusCode::INTERNAL_SERVER_ERROR)?.clone();
        let body = axum::body::to_bytes(body, LONGEST).await.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
        let query = form::read(parts.uri.query().unwrap_or_default().as_bytes());
        Ok(Self { world: Arc::clone(world), query, form: form::read(&body), headers: parts.headers, scissors })
    }
}

impl Errand {
    /// Whether the request asks for the webhooks of what it does.
    pub(super) fn asks_for_webhooks(&self) -> bool {
        self.headers.get("X-Twilio-Webhook-Enabled").is_some_and(|value| value == "true")
    }

    /// Does the work, unless something is against it, and writes down that it was asked for.
    pub(super) async fn run(
        self,
        verb: RestVerb,
        work: impl FnOnce(&Self) -> Result<Done, Refusal> + Send,
    ) -> Response {
        let fault = fault_of(&self.world, verb);
        if let Some(RestFault::Refused { status, code, retry_after }) = fault {
            note(&self.world, verb, Some(status));
            let said: Form = self.query.iter().chain(&self.form).cloned().collect();
            return Refusal { retry_after, ..Refusal::quoting(status, code, &said) }.into_response();
        }
        let is_done = fault.is_none_or(RestFault::is_done);
        let answer = is_done.then(|| authorise(&self.world, &self.headers).and_then(|()| work(&self)));
        let answer = answer.map(|answer| match answer {
            Ok(Done::Made(resource)) => (StatusCode::CREATED, Json(resource)).into_response(),
            Ok(Done::Found(resource)) => Json(resource).into_response(),
            Ok(Done::Gone) => StatusCode::NO_CONTENT.into_response(),
            Err(refusal) => refusal.into_response(),
        });
        conclude(&self.world, &self.scissors, verb, fault, answer).await
    }
}

/// What is to go wrong with a request about texts.
pub(super) fn fault_of(world: &World, verb: RestVerb) -> Option<RestFault> {
    world.faults.strike(|fault| match fault {
        Fault::Text { verb: struck, fault } if *struck == verb => Some(*fault),
        _ => None,
    })
}

/// Writes down that something was asked for, and how that was answered.
pub(super) fn note(world: &World, verb: RestVerb, status: Option<u16>) {
    world.note(What::Rest { verb: verb.as_str(), status });
}

/// Gives the answer, unless a fault stands before it: a proxy's page, or silence.
pub(super) async fn conclude(
    world: &World,
    scissors: &Scissors,
    verb: RestVerb,
    fault: Option<RestFault>,
    answer: Option<Response>,
) -> Response {
    match (fault, answer) {
        (None, Some(response)) => {
            note(world, verb, Some(response.status().as_u16()));
            response
        }
        (Some(RestFault::Broken { status, .. }), _) => {
            note(world, verb, Some(status));
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            (status, [(header::SERVER, "a proxy")], Html("<h1>Something went wrong</h1>")).into_response()
        }
        (fault, _) => {
            note(world, verb, None);
            if matches!(fault, Some(RestFault::Closed { .. })) {
                scissors.cut();
            }
            std::future::pending().await
        }
    }
}

//! The HTTP edge: routes, layers and shapes. It asks the service and the runtime, and decides nothing itself.
//!
//! What a request passes before its handler, and in which order, stands in [`layers`].

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, any, get};
use secrecy::SecretString;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::metrics::Metrics;
use crate::privacy::keyed::HashKey;
use crate::provider::{CarrierWebhooks, MessagingWebhooks, SpeechOutlook};
use crate::service::Verbs;
use crate::store::Store;

mod api;
mod auth;
mod body;
pub mod carrier;
mod error;
mod health;
mod json;
mod layers;
mod metrics;
mod openapi;
pub mod serve;

#[cfg(test)]
mod tests;

use auth::ApiKey;
use carrier::{Blocks, CallEvents, Gate, InboundLimits, Turnstile};
use error::{ApiError, Kind};

/// What the routes stand on.
pub struct Parts {
    /// The verbs of the agents.
    pub verbs: Arc<dyn Verbs>,
    /// What outlives a session; how it is stands in `/health`.
    pub store: Arc<dyn Store>,
    /// Where the carrier's webhooks and media sockets go.
    pub events: Arc<dyn CallEvents>,
    /// How the configured carrier writes and signs.
    pub carrier: Arc<dyn CarrierWebhooks>,
    /// How the configured carrier's messages are written; without messaging they are nobody's.
    pub message_webhooks: Option<Arc<dyn MessagingWebhooks>>,
    /// How many messages are let in.
    pub inbound: InboundLimits,
    /// How many of each phone.
    pub blocks: Blocks,
    /// What keys the hashes that stand for phones and addresses.
    pub hash_key: HashKey,
    /// What agents authenticate with.
    pub api_key: SecretString,
    /// Where this server is reached, as `/health` shows it.
    pub public_url: String,
    /// Which process this is: made up at its start. Shown to who has the key, who can tell by it whether two addresses lead to one
    /// server.
    pub instance: String,
    /// What a scraper of the metrics may authenticate with instead of the key; empty for nothing.
    pub metrics_token: SecretString,
    /// What is counted and measured.
    pub metrics: Arc<Metrics>,
    /// What `/health` warns of.
    pub speech: Arc<dyn SpeechOutlook>,
    /// What stands at `/mcp`.
    pub mcp: Option<Mount>,
}

/// Makes what stands behind the key beside the API, of the API's own routes.
pub type Mount = Box<dyn FnOnce(Router) -> MethodRouter + Send>;

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

/// [`Parts`] as the handlers share them.
#[derive(Clone)]
struct App {
    verbs: Arc<dyn Verbs>,
    store: Arc<dyn Store>,
    events: Arc<dyn CallEvents>,
    carrier: Arc<dyn CarrierWebhooks>,
    health: health::Health,
    /// The description of the API, written once.
    openapi: axum::body::Bytes,
    metrics: Arc<Metrics>,
    /// Which process this is.
    instance: Arc<str>,
}

/// All routes of a server that works.
pub fn router(parts: Parts) -> Router {
    let (Groups { agents, operators, open, carrier }, openapi) = routes_and_description(&parts);
    let app = App {
        verbs: parts.verbs,
        store: parts.store,
        events: parts.events,
        carrier: parts.carrier,
        health: health::Health::Ok { public_url: parts.public_url.into(), speech: parts.speech },
        openapi: openapi.into(),
        metrics: parts.metrics,
        instance: parts.instance.into(),
    };
    let agents = agents
        // What is not there is refused like what is: without the key nobody learns which is which.
        .route("/api/", any(layers::not_found))
        .route("/api/{*rest}", any(layers::not_found))
        .method_not_allowed_fallback(layers::method_not_allowed);
    let key = ApiKey::new(&parts.api_key);
    let agents = layers::before_agents(agents, key);
    let mcp = parts.mcp.map(|mount| layers::before_mcp(mount(agents.clone().with_state(app.clone())), key));
    let agents = agents.merge(mcp.unwrap_or_default());
    let operators = operators.method_not_allowed_fallback(layers::method_not_allowed);
    let operators = layers::before_operators(operators, [&parts.api_key, &parts.metrics_token].map(ApiKey::new));
    let open = open.method_not_allowed_fallback(layers::method_not_allowed);
    let agents = agents.merge(operators).merge(open).layer(axum::middleware::from_fn(layers::cors));
    let carrier = carrier.method_not_allowed_fallback(layers::method_not_allowed);
    layers::around(agents.merge(carrier).fallback(layers::not_found).with_state(app))
}

/// A server whose configuration is bad: `/health` names the problems, and so does the refusal of everything else.
pub fn broken(problems: &[String]) -> Router {
    unready(health::Health::Bad { problems: problems.into() })
}

/// A server that is not ready yet.
pub fn starting() -> Router {
    unready(health::Health::Starting)
}

fn unready(health: health::Health) -> Router {
    let sentence = health.sentence();
    let refuse = move || {
        let refusal = ApiError::new(Kind::Starting, sentence.clone());
        async { refusal }
    };
    let routes = Router::new()
        .route("/health", get(health::show_alone))
        .with_state(health)
        .fallback(refuse)
        .method_not_allowed_fallback(layers::method_not_allowed)
        .layer(axum::middleware::from_fn(layers::cors));
    layers::around(routes)
}

/// The routes, by what stands before them.
struct Groups {
    /// Behind the key.
    agents: Router<App>,
    /// Behind the key or the metrics token.
    operators: Router<App>,
    /// Open to everyone.
    open: Router<App>,
    /// Behind the carrier's signature, or with a token of their own.
    carrier: Router<App>,
}

/// The routes, and their description as JSON.
fn routes_and_description(parts: &Parts) -> (Groups, Vec<u8>) {
    let agents = OpenApiRouter::<App>::new()
        .routes(routes!(api::call))
        .routes(routes!(api::message))
        .routes(routes!(api::resume))
        .routes(routes!(api::speak))
        .routes(routes!(api::end))
        .routes(routes!(api::wait))
        .routes(routes!(api::rejoin))
        .routes(routes!(api::look))
        .routes(routes!(api::history, api::forget_all))
        .routes(routes!(api::forget))
        .routes(routes!(health::show_with_key))
        .routes(routes!(openapi::show));
    let operators = OpenApiRouter::<App>::new().routes(routes!(metrics::show));
    let open = OpenApiRouter::<App>::new().routes(routes!(health::show));
    let calls = OpenApiRouter::<App>::new().routes(routes!(carrier::twiml));
    let messages = OpenApiRouter::<App>::new().routes(routes!(carrier::whatsapp));
    let texts = OpenApiRouter::<App>::new().routes(routes!(carrier::sms));
    let media = OpenApiRouter::<App>::new().routes(routes!(carrier::media)).routes(routes!(carrier::media_with_token));
    let groups = [agents, operators, open, calls, messages, texts, media].map(OpenApiRouter::split_for_parts);
    let openapi = openapi::describe(groups.each_ref().map(|(_, description)| description.clone()));
    let [agents, operators, open, calls, messages, texts, media] = groups.map(|(routes, _)| routes);
    let Parts { carrier, events, metrics, message_webhooks, inbound, blocks, hash_key, .. } = parts;
    let gate = Gate::new(carrier.clone(), metrics.clone(), hash_key.clone());
    let turnstile = Turnstile::new(
        message_webhooks.clone(),
        *inbound,
        blocks.clone(),
        hash_key.clone(),
        events.clone(),
        metrics.clone(),
    );
    let calls = layers::before_calls(calls, gate.clone());
    let messages = layers::before_messages(messages, body::LARGEST_MESSAGE, gate.clone(), turnstile.clone());
    let texts = layers::before_messages(texts, body::LARGEST, gate, turnstile);
    let groups = Groups { agents, operators, open, carrier: calls.merge(messages).merge(texts).merge(media) };
    (groups, openapi)
}

//! The description of the API: the handlers' own, with the error table put beside every route of the agents.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

use super::App;
use super::auth::Principal;
use super::error::Kind;
use super::json::{ErrorBody, NotYetJson};

/// The shapes that no route names by itself.
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(ErrorBody, NotYetJson)))]
struct Shapes;

/// The description of this API.
#[utoipa::path(get, path = "/api/openapi.json", tag = "agents", responses(
    (status = 200, description = "this description, OpenAPI 3.1"),
))]
pub(super) async fn show(State(app): State<App>, _: Principal) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], app.openapi)
}

/// What every route of the agents can answer.
const EVERYWHERE: &[Kind] =
    &[Kind::Unauthorized, Kind::NotFound, Kind::MethodNotAllowed, Kind::Internal, Kind::Starting];

/// What a route that says something can answer besides.
const SAYING: &[Kind] =
    &[Kind::InvalidRequest, Kind::TooLarge, Kind::IdempotencyMismatch, Kind::SpeechFailed, Kind::ShuttingDown];

/// What a route whose words may go out in writing can answer besides.
const WRITING: &[Kind] =
    &[Kind::OptedOut, Kind::OptInRequired, Kind::TemplateRequired, Kind::NotConfigured, Kind::RateLimited];

/// What a route that waits for the reply can answer besides.
const WAITING: &[Kind] = &[Kind::NotYet, Kind::NoReply, Kind::CallEnded];

/// What each route of the agents can answer besides [`EVERYWHERE`].
fn refusals(path: &str) -> Vec<Kind> {
    let groups: &[&[Kind]] = match path {
        "/api/call" => &[SAYING, WRITING, WAITING, &[Kind::NoAnswer, Kind::Busy, Kind::ProviderError]],
        "/api/message" => &[SAYING, WRITING, WAITING, &[Kind::Busy, Kind::ProviderError]],
        "/api/call/{id}/continue" => &[SAYING, WRITING, WAITING, &[Kind::NoActiveCall, Kind::Busy]],
        "/api/call/{id}/speak" => &[SAYING, WRITING, &[Kind::NoActiveCall, Kind::Busy, Kind::CallEnded]],
        "/api/call/{id}/end" => &[SAYING, &[Kind::NoActiveCall]],
        // Whoever waits is told what the question of another request came to.
        "/api/call/{id}/wait" => {
            &[WRITING, WAITING, &[Kind::NoActiveCall, Kind::NoAnswer, Kind::SpeechFailed, Kind::ShuttingDown]]
        }
        // Whatever the request could be answered with, and nothing of what refuses a new one.
        "/api/request/{requestId}" => &[
            WRITING,
            WAITING,
            &[
                Kind::NoActiveCall,
                Kind::NoAnswer,
                Kind::Busy,
                Kind::SpeechFailed,
                Kind::ProviderError,
                Kind::ShuttingDown,
            ],
        ],
        "/api/call/{id}" => &[&[Kind::NoActiveCall]],
        "/api/history/{id}" => &[&[Kind::NoActiveCall, Kind::Busy, Kind::ProviderError]],
        _ => &[],
    };
    let can = |kind: &Kind| EVERYWHERE.contains(kind) || groups.iter().any(|group| group.contains(kind));
    Kind::ALL.into_iter().filter(can).collect()
}

/// The whole description as JSON.
pub(super) fn describe(parts: [OpenApi; 7]) -> Vec<u8> {
    let mut whole = Shapes::openapi();
    for part in parts {
        whole.merge(part);
    }
    "callme".clone_into(&mut whole.info.title);
    env!("CARGO_PKG_VERSION").clone_into(&mut whole.info.version);
    whole.info.description =
        Some("Lets an AI agent phone the person it works for, and write where nobody picks up.".to_owned());
    let mut whole = serde_json::to_value(whole).expect("a description is JSON");
    let codes: Vec<_> = Kind::ALL.iter().map(|kind| kind.row().code).collect();
    whole["components"]["schemas"]["ErrorBody"]["properties"]["code"]["enum"] = json!(codes);
    whole["components"]["securitySchemes"]["key"] = json!({ "type": "http", "scheme": "bearer" });
    for (path, operations) in whole["paths"].as_object_mut().into_iter().flatten() {
        if path.starts_with("/api/") {
            for (_, operation) in operations.as_object_mut().into_iter().flatten() {
                operation["security"] = json!([{ "key": [] }]);
                add_refusals(&mut operation["responses"], &refusals(path));
            }
        }
    }
    serde_json::to_vec(&whole).expect("a value is JSON")
}

/// One response per status; kinds that share a status are told apart by `code`.
fn add_refusals(responses: &mut Value, kinds: &[Kind]) {
    for kind in kinds {
        let row = kind.row();
        let sentence = format!("`{}`: {}", row.code, row.when);
        let response = &mut responses[row.status.as_str()];
        let description = match response["description"].as_str() {
            Some(before) => format!("{before}; {sentence}"),
            None => sentence,
        };
        let shape = if *kind == Kind::NotYet { "NotYetJson" } else { "ErrorBody" };
        let schema = format!("#/components/schemas/{shape}");
        *response = json!({
            "description": description,
            "content": { "application/json": { "schema": { "$ref": schema } } },
        });
    }
}

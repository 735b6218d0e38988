//! The speech provider: words to sound (`/v1/audio/speech`), and sound to words (`/v1/realtime`).

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::config::SpeechDialect;
use super::faults::Fault;
use super::voice::Speaker;
use super::world::World;

pub(super) mod realtime;
pub(super) mod recogniser;
mod session;
mod settings;
mod speaking;
mod tts;
mod vad;

/// The provider's routes, and one of the emulator's own.
pub(super) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/v1/audio/speech", post(tts::speak))
        .route("/v1/models", get(models))
        .route("/v1/realtime", get(realtime::open))
        .route("/emulator/phrase", get(phrase))
}

/// When it is, as far as the provider's models go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Era {
    /// All of them are there.
    #[default]
    Today,
    /// After 2027-01-06: the models of the speech endpoint are gone.
    January,
    /// After 2027-02-26: the transcription models that find the ends of speech are gone, too.
    February,
}

impl Era {
    /// The day after which it is, as `shutdown_date` writes days.
    fn day(self) -> &'static str {
        match self {
            Self::Today => "2026-11-21",
            Self::January => "2027-01-06",
            Self::February => "2027-02-26",
        }
    }

    /// Whether there is such a model.
    fn offers(self, model: &str) -> bool {
        MODELS.iter().any(|(id, ends)| *id == model && (ends.is_empty() || *ends > self.day()))
    }
}

/// The models and when they end.
const MODELS: [(&str, &str); 14] = [
    ("tts-1", "2027-01-06"),
    ("tts-1-hd", "2027-01-06"),
    ("gpt-4o-mini-tts", "2027-01-06"),
    ("gpt-4o-mini-tts-2025-12-15", "2027-01-06"),
    ("gpt-realtime-2.1-mini", ""),
    ("gpt-realtime", "2027-01-20"),
    ("whisper-1", "2027-02-26"),
    ("gpt-4o-transcribe", "2027-02-26"),
    ("gpt-4o-transcribe-diarize", "2027-02-26"),
    ("gpt-4o-mini-transcribe", "2027-02-26"),
    ("gpt-4o-mini-transcribe-2025-12-15", "2027-02-26"),
    ("gpt-transcribe", ""),
    ("gpt-live-transcribe", ""),
    ("gpt-realtime-whisper", ""),
];

/// What the provider says about a model that it does not offer.
fn no_such_model(model: &str) -> String {
    format!("The model `{model}` does not exist or you do not have access to it.")
}

async fn models(State(world): State<Arc<World>>, headers: HeaderMap) -> Response {
    if world.config.speech_dialect == SpeechDialect::WavFiles {
        return (StatusCode::NOT_FOUND, axum::Json(json!({"detail": "Not Found"}))).into_response();
    }
    if let Err(refusal) = authorise(&world, &headers) {
        return refusal.into_response();
    }
    let refused = |fault: &Fault| if let Fault::ModelsRefused { status } = fault { Some(*status) } else { None };
    if let Some(status) = world.faults.strike(refused) {
        return Refused::fault(status, "not_found", &headers, b"").into_response();
    }
    let era = world.era();
    let list: Vec<Value> = MODELS
        .iter()
        .filter(|(id, _)| era.offers(id))
        .map(|(id, ends)| {
            let ends = if ends.is_empty() { Value::Null } else { json!(ends) };
            json!({"id": id, "object": "model", "created": 1_715_367_049, "owned_by": "system", "shutdown_date": ends})
        })
        .collect();
    axum::Json(json!({"object": "list", "data": list})).into_response()
}

#[derive(Deserialize)]
struct PhraseQuery {
    text: String,
}

/// The emulator's own: the µ-law of the person saying `text`, for a peer outside the process that wants to be understood.
async fn phrase(State(world): State<Arc<World>>, Query(query): Query<PhraseQuery>) -> Response {
    let sound = world.config.voice.say_ulaw(Speaker::Person, &query.text).await;
    world.phrases.lock().expect("no holder of the lock panics").learn(&query.text, &sound);
    ([(header::CONTENT_TYPE, "audio/basic")], sound.to_vec()).into_response()
}

/// A refusal as the provider writes it.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    message: String,
    param: Option<String>,
    code: Option<String>,
}

impl Refused {
    fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), param: None, code: Some(code.to_owned()) }
    }

    /// What a fault refuses with: at its worst, quoting all that it was sent, key and words.
    fn fault(status: u16, code: &str, headers: &HeaderMap, body: &[u8]) -> Self {
        let key = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self::new(
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code,
            format!("The request was refused: {key} {}", String::from_utf8_lossy(body)),
        )
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let kind = if self.status.is_server_error() { "server_error" } else { "invalid_request_error" };
        let error = json!({"message": self.message, "type": kind, "param": self.param, "code": self.code});
        (self.status, axum::Json(json!({"error": error}))).into_response()
    }
}

/// Lets only the configured key pass.
fn authorise(world: &World, headers: &HeaderMap) -> Result<(), Refused> {
    let given =
        headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer "));
    match given {
        Some(key) if key == world.config.api_key => Ok(()),
        Some(_) => Err(Refused::new(StatusCode::UNAUTHORIZED, "invalid_api_key", "Incorrect API key provided.")),
        None => {
            let message = "You didn't provide an API key.".to_owned();
            Err(Refused { status: StatusCode::UNAUTHORIZED, message, param: None, code: None })
        }
    }
}

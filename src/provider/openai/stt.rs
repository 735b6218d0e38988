//! Speech to text over a realtime transcription session: the phone's µ-law goes through as it is, and the server finds
//! the beginnings and ends of speech.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;

use crate::clock::whole_millis;
use crate::metrics::Metrics;
use crate::provider::openai::endpoint::Endpoint;
use crate::provider::openai::socket::Dialer;
use crate::provider::{ProviderError, Stt, SttSession};

mod session;
mod tape;
mod wire;

#[cfg(test)]
mod tests;

/// How sure the server must be that it hears speech (its own default).
const THRESHOLD: f32 = 0.5;

/// How much audio before the voice belongs to a stretch (the server's own default). Its `audio_start_ms` is this much
/// before the first voiced sample.
const PREFIX: Duration = Duration::from_millis(300);

/// How speech is to be heard.
#[derive(Clone, Debug)]
pub struct SttSettings {
    /// Where.
    pub endpoint: Endpoint,
    /// The bearer token.
    pub key: SecretString,
    /// A model with server VAD: `gpt-4o-transcribe` and its like.
    pub model: String,
    /// How long a pause ends a stretch.
    pub silence: Duration,
    /// ISO 639-1, where the language is known beforehand; left out, the model finds it.
    pub language: Option<String>,
}

/// The realtime endpoint as an [`Stt`]. The sessions share what connecting needs, and nothing else.
pub struct OpenAiStt {
    plan: Arc<Plan>,
}

/// What every session of one configuration does.
struct Plan {
    dialer: Dialer,
    /// The `session.update` event that configures a new socket.
    update: String,
    /// How long a pause ends a stretch.
    silence: Duration,
    metrics: Arc<Metrics>,
}

impl OpenAiStt {
    /// # Errors
    /// When the system's certificates cannot be read, or the key cannot stand in a header.
    pub fn new(settings: &SttSettings, metrics: Arc<Metrics>) -> Result<Self, ProviderError> {
        let dialer = Dialer::new(&settings.endpoint.transcription_url(), &settings.key)?;
        Ok(Self {
            plan: Arc::new(Plan { dialer, update: session_update(settings), silence: settings.silence, metrics }),
        })
    }
}

impl Stt for OpenAiStt {
    fn listen(&self) -> Box<dyn SttSession> {
        Box::new(session::Session::new(Arc::clone(&self.plan)))
    }
}

impl fmt::Debug for OpenAiStt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiStt").finish_non_exhaustive()
    }
}

/// The whole configuration, because a new session's own defaults are not dependable. `audio/pcmu` has no `rate`.
fn session_update(settings: &SttSettings) -> String {
    let mut transcription = json!({ "model": settings.model });
    if let Some(language) = &settings.language {
        transcription["language"] = json!(language);
    }
    json!({
        "type": "session.update",
        "session": {
            "type": "transcription",
            "audio": { "input": {
                "format": { "type": "audio/pcmu" },
                "transcription": transcription,
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": THRESHOLD,
                    "prefix_padding_ms": whole_millis(PREFIX),
                    "silence_duration_ms": whole_millis(settings.silence),
                },
            } },
        },
    })
    .to_string()
}

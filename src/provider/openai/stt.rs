//! Speech to text over a realtime transcription session.
//!
//! The presets are tried in order, the one set by hand first. Models of the older kind find the ends of speech themselves and
//! get all of the phone's µ-law as it is; the newer ones have their turns found and committed for them ([`hearing`]). A
//! model that the provider refuses as gone, or for turn detection, is left for the whole process, within the call that meets
//! the refusal, and what was said and not understood is heard by the next one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::audio::vad;
use crate::clock::whole_millis;
use crate::metrics::{Metrics, SpeechPart};
use crate::provider::openai::dry;
use crate::provider::openai::endpoint::Endpoint;
use crate::provider::openai::failure;
use crate::provider::openai::presets::{DryRun, Presets};
use crate::provider::openai::socket::Dialer;
use crate::provider::openai::watch::Watched;
use crate::provider::{ProviderError, Stt, SttSession};

mod hearing;
mod session;
mod tape;
mod turns;
mod wire;

#[cfg(test)]
mod tests;

pub use wire::SttAudio;

/// The models, in the order in which they are tried. The first finds the ends of speech itself, and ends on 2027-02-26 with
/// all of its kind; the other does not, and has no end.
const MODELS: [&str; 2] = ["gpt-4o-transcribe", "gpt-live-transcribe"];

/// The models that take no turn detection, or none that can be relied on (`facts`: what was seen of `gpt-transcribe` with
/// it contradicts itself, and commits are always taken).
const WITHOUT_TURNS: [&str; 3] = ["gpt-live-transcribe", "gpt-transcribe", "gpt-realtime-whisper"];

/// The models that take several languages, and words to expect.
const WITH_KEYWORDS: [&str; 2] = ["gpt-live-transcribe", "gpt-transcribe"];

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
    /// The model set by hand, which is tried before the others.
    pub model: Option<String>,
    /// Whether there are no others beside that: the host is not the provider whose models they are.
    pub alone: bool,
    /// How long a pause ends a stretch.
    pub silence: Duration,
    /// How long the person must speak to interrupt us, where we find that out ourselves.
    pub barge_in: Duration,
    /// ISO 639-1, where the languages are known beforehand; empty, the model finds them. A model that takes only one gets
    /// it if there is one.
    pub languages: Vec<String>,
    /// Words to expect, for models that take them.
    pub keywords: Vec<String>,
    /// How sound is sent; `None` for what is known to work with the model.
    pub audio: Option<SttAudio>,
}

/// The realtime endpoint as an [`Stt`]. The sessions share what connecting needs, and which model is used.
pub struct OpenAiStt(Arc<Shared>);

/// What every session of one configuration shares.
struct Shared {
    presets: Arc<Presets<Driver>>,
    silence: Duration,
    metrics: Arc<Metrics>,
}

/// How one model is used.
struct Driver {
    model: String,
    dialer: Arc<Dialer>,
    /// With the server finding the turns.
    theirs: Plan,
    /// With us finding them.
    ours: Plan,
    /// Whether the model takes no turn detection: known beforehand, or refused.
    without_turns: AtomicBool,
}

/// What a session does.
struct Plan {
    /// The `session.update` event that configures a new socket.
    update: String,
    audio: SttAudio,
    /// How turns are found; `None` where the server does that.
    turns: Option<vad::Settings>,
}

impl Driver {
    fn new(settings: &SttSettings, model: &str, dialer: Arc<Dialer>) -> Self {
        let ours = vad::Settings { silence: settings.silence, barge_in: settings.barge_in };
        Self {
            model: model.to_owned(),
            dialer,
            theirs: Plan::new(settings, model, settings.audio.unwrap_or(SttAudio::Ulaw), None),
            ours: Plan::new(settings, model, settings.audio.unwrap_or(SttAudio::Pcm24k), Some(ours)),
            without_turns: AtomicBool::new(WITHOUT_TURNS.contains(&model)),
        }
    }

    fn plan(&self) -> &Plan {
        if self.without_turns.load(Ordering::Relaxed) { &self.ours } else { &self.theirs }
    }

    /// The model was found to take no turn detection.
    fn refuse_turns(&self) {
        if !self.without_turns.swap(true, Ordering::Relaxed) {
            tracing::warn!("{} finds no ends of speech; they are found here from now on", self.model);
        }
    }
}

impl DryRun for Driver {
    fn dry_run(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        async {
            match dry::session(&self.dialer, &self.plan().update).await {
                Err(error) if failure::refuses_turns(&error) => {
                    self.refuse_turns();
                    dry::session(&self.dialer, &self.plan().update).await
                }
                done => done,
            }
        }
        .boxed()
    }
}

impl Plan {
    fn new(settings: &SttSettings, model: &str, audio: SttAudio, turns: Option<vad::Settings>) -> Self {
        Self { update: session_update(settings, model, audio, turns.is_none()), audio, turns }
    }
}

impl OpenAiStt {
    /// # Errors
    /// When the system's certificates cannot be read, or the key cannot stand in a header.
    pub fn new(settings: &SttSettings, metrics: Arc<Metrics>) -> Result<Self, ProviderError> {
        let dialer = Arc::new(Dialer::new(&settings.endpoint.transcription_url(), &settings.key)?);
        let make = |model: &str| Ok(Driver::new(settings, model, Arc::clone(&dialer)));
        let own = settings.model.as_deref();
        let models: &[&str] = if settings.alone && own.is_some() { &[] } else { &MODELS };
        let presets = Arc::new(Presets::new(SpeechPart::Stt, own, models, Arc::clone(&metrics), make)?);
        Ok(Self(Arc::new(Shared { presets, silence: settings.silence, metrics })))
    }
}

impl OpenAiStt {
    /// Its models, for the watch.
    pub fn watched(&self) -> Watched {
        Watched::new(Arc::<Presets<_>>::clone(&self.0.presets))
    }
}

impl Stt for OpenAiStt {
    fn listen(&self) -> Box<dyn SttSession> {
        Box::new(session::Session::new(Arc::clone(&self.0)))
    }
}

impl fmt::Debug for OpenAiStt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpenAiStt").field(&self.0.presets).finish()
    }
}

/// The whole configuration, because a new session's own defaults are not dependable.
fn session_update(settings: &SttSettings, model: &str, audio: SttAudio, turns: bool) -> String {
    let mut transcription = json!({ "model": model });
    if WITH_KEYWORDS.contains(&model) {
        // An empty list of languages is refused.
        if !settings.languages.is_empty() {
            transcription["languages"] = json!(settings.languages);
        }
        if !settings.keywords.is_empty() {
            transcription["keywords"] = json!(settings.keywords);
        }
    } else if let [language] = settings.languages.as_slice() {
        transcription["language"] = json!(language);
    }
    let format = match audio {
        // Without a `rate`.
        SttAudio::Ulaw => json!({ "type": audio.name() }),
        SttAudio::Pcm24k => json!({ "type": audio.name(), "rate": 24_000 }),
    };
    let detection = json!({
        "type": "server_vad",
        "threshold": THRESHOLD,
        "prefix_padding_ms": whole_millis(PREFIX),
        "silence_duration_ms": whole_millis(settings.silence),
    });
    json!({
        "type": "session.update",
        "session": {
            "type": "transcription",
            "audio": { "input": {
                "format": format,
                "transcription": transcription,
                "turn_detection": if turns { detection } else { Value::Null },
            } },
        },
    })
    .to_string()
}

//! Text to speech: which model makes it, over which of the provider's two ways, and what becomes of it when a model is gone.
//!
//! The presets are tried in order, the one set by hand first. A model that the provider refuses as gone is left for the
//! whole process, and the text is said by the next one: the refusal comes before the first sound.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use secrecy::SecretString;

use crate::metrics::Metrics;
use crate::provider::openai::endpoint::Endpoint;
use crate::provider::openai::failure;
use crate::provider::{ProviderError, Speech, Tts, TtsSession};

mod realtime;
mod speech;

#[cfg(test)]
mod tests;

use realtime::RealtimeVoice;
use speech::SpeechEndpoint;

/// The models, in the order in which they are tried. All of the speech endpoint's end on 2027-01-06; the other one is named
/// in their place.
const MODELS: [&str; 2] = ["gpt-4o-mini-tts", "gpt-realtime-2.1-mini"];

/// How speech is to be made.
#[derive(Clone, Debug)]
pub struct TtsSettings {
    /// Where.
    pub endpoint: Endpoint,
    /// The bearer token.
    pub key: SecretString,
    /// The model set by hand, which is tried before the others.
    pub model: Option<String>,
    /// One of the provider's voices (`coral`).
    pub voice: String,
    /// How to speak ("calm, phone pace"). Left out for `tts-1` and `tts-1-hd`, which refuse it.
    pub instructions: Option<String>,
}

/// The speech provider as a [`Tts`].
#[derive(Debug)]
pub struct OpenAiTts(Arc<Presets>);

/// The ways to make speech, and which one is used.
#[derive(Debug)]
struct Presets {
    list: Vec<Preset>,
    current: AtomicUsize,
}

/// A model and the driver for it.
struct Preset {
    model: String,
    tts: Box<dyn Tts>,
}

impl OpenAiTts {
    /// # Errors
    /// When the system's certificates cannot be read, or the key cannot stand in a header.
    pub fn new(settings: &TtsSettings, metrics: &Arc<Metrics>) -> Result<Self, ProviderError> {
        let own = settings.model.as_deref();
        let others = MODELS.into_iter().filter(|model| own != Some(model));
        let preset = |model: &str| {
            let tts: Box<dyn Tts> = if is_realtime(model) {
                Box::new(RealtimeVoice::new(settings, model, Arc::clone(metrics))?)
            } else {
                Box::new(SpeechEndpoint::new(settings, model)?)
            };
            Ok(Preset { model: model.to_owned(), tts })
        };
        let list = own.into_iter().chain(others).map(preset).collect::<Result<_, ProviderError>>()?;
        Ok(Self(Arc::new(Presets { list, current: AtomicUsize::new(0) })))
    }
}

impl Tts for OpenAiTts {
    fn open(&self) -> Box<dyn TtsSession> {
        Box::new(Voice(Arc::new(Mutex::new(self.0.open()))))
    }
}

/// Whether a model speaks in a realtime session, by its name. `gpt-realtime-whisper` listens in one.
fn is_realtime(model: &str) -> bool {
    model.contains("realtime") && !model.contains("whisper")
}

impl fmt::Debug for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Preset({})", self.model)
    }
}

impl Presets {
    fn open(self: &Arc<Self>) -> Open {
        let preset = self.current.load(Ordering::Relaxed);
        Open { presets: Arc::clone(self), preset, session: self.list[preset].tts.open() }
    }

    /// Leaves a preset whose model is gone. `false` when there is none to go on with: then what is said next tries all of
    /// them again, lest a gateway's bad moment lasts until the next start.
    fn leave(&self, preset: usize, code: Option<&str>) -> bool {
        let Some(next) = self.list.get(preset + 1) else {
            self.current.store(0, Ordering::Relaxed);
            return false;
        };
        // Calls that met the same refusal find it done.
        if self.current.compare_exchange(preset, preset + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            let gone = &self.list[preset].model;
            tracing::warn!(
                code,
                "the speech provider does not offer {gone} any more; {} speaks from now on",
                next.model
            );
        }
        true
    }
}

/// A call's session with the preset that was in use when it was opened.
struct Open {
    presets: Arc<Presets>,
    preset: usize,
    session: Box<dyn TtsSession>,
}

impl Open {
    /// Begins to say a text with the preset in use; gives that, too.
    fn speak(&mut self, text: String) -> (usize, Speech) {
        if self.preset != self.presets.current.load(Ordering::Relaxed) {
            *self = self.presets.open();
        }
        (self.preset, self.session.speak(text))
    }
}

/// A call's voice, shared with the speeches that may have to begin anew.
struct Voice(Arc<Mutex<Open>>);

impl TtsSession for Voice {
    fn speak(&mut self, text: String) -> Speech {
        let (preset, speech) = lock(&self.0).speak(text.clone());
        Said { open: Arc::clone(&self.0), text, preset, speech }.boxed()
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) {
        lock(&self.0).session.poll_idle(cx);
    }
}

/// Something being said, by one preset after the other if need be.
struct Said {
    open: Arc<Mutex<Open>>,
    text: String,
    preset: usize,
    speech: Speech,
}

impl Stream for Said {
    type Item = Result<Bytes, ProviderError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let item = ready!(self.speech.poll_next_unpin(cx));
            let Some(Err(error)) = &item else { return Poll::Ready(item) };
            if !failure::is_gone(error) {
                return Poll::Ready(item);
            }
            let mut open = lock(&self.open);
            if !open.presets.leave(self.preset, error.code.as_deref()) {
                drop(open);
                return Poll::Ready(item);
            }
            let (preset, speech) = open.speak(self.text.clone());
            drop(open);
            (self.preset, self.speech) = (preset, speech);
        }
    }
}

/// Nothing is left half done where a holder panics, and its call is over then.
fn lock(open: &Mutex<Open>) -> std::sync::MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

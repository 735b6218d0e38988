//! Text to speech: which model makes it, over which of the provider's two ways, and what becomes of it when a model is gone.
//!
//! The presets are tried in order, the one set by hand first. A model that the provider refuses as gone is left for the
//! whole process, and what was not heard yet is said by the next one. A text too long for a model is said in pieces that end
//! where sentences do.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt};
use secrecy::SecretString;

use crate::domain::text::parts;
use crate::metrics::{Metrics, SpeechPart};
use crate::provider::openai::endpoint::Endpoint;
use crate::provider::openai::failure;
use crate::provider::openai::presets::{DryRun, Presets};
use crate::provider::openai::watch::Watched;
use crate::provider::{ErrorClass, ProviderError, Speech, Tts, TtsSession};

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
    /// Whether there are no others beside that: the host is not the provider whose models they are.
    pub alone: bool,
    /// One of the provider's voices (`coral`).
    pub voice: String,
    /// How to speak ("calm, phone pace"). Left out for `tts-1` and `tts-1-hd`, which refuse it.
    pub instructions: Option<String>,
    /// What the speech endpoint is asked for. Sessions make µ-law.
    pub format: AudioFormat,
}

/// What the speech endpoint is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AudioFormat {
    /// Raw samples: 24 kHz, 16 bit little endian, mono, without a header.
    #[default]
    Pcm,
    /// A WAV file of any rate. It is whole before it is sent, as a rule.
    Wav,
}

/// The speech provider as a [`Tts`].
#[derive(Debug)]
pub struct OpenAiTts(Arc<Presets<Box<dyn Driver>>>);

/// A way to make speech.
trait Driver: Tts + DryRun {
    /// The longest text that it says at once, in characters.
    fn longest(&self) -> usize;
}

impl OpenAiTts {
    /// # Errors
    /// When the system's certificates cannot be read, or the key cannot stand in a header.
    pub fn new(settings: &TtsSettings, metrics: &Arc<Metrics>) -> Result<Self, ProviderError> {
        let make = |model: &str| -> Result<Box<dyn Driver>, ProviderError> {
            if is_realtime(model) {
                Ok(Box::new(RealtimeVoice::new(settings, model, Arc::clone(metrics))?))
            } else {
                Ok(Box::new(SpeechEndpoint::new(settings, model)?))
            }
        };
        let own = settings.model.as_deref();
        let models: &[&str] = if settings.alone && own.is_some() { &[] } else { &MODELS };
        Presets::new(SpeechPart::Tts, own, models, Arc::clone(metrics), make).map(|presets| Self(Arc::new(presets)))
    }

    /// Its models, for the watch.
    pub fn watched(&self) -> Watched {
        Watched::new(Arc::<Presets<_>>::clone(&self.0))
    }
}

impl DryRun for Box<dyn Driver> {
    fn dry_run(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        self.as_ref().dry_run()
    }
}

impl Tts for OpenAiTts {
    fn open(&self) -> Box<dyn TtsSession> {
        Box::new(Voice(Arc::new(Mutex::new(Open::new(Arc::clone(&self.0))))))
    }
}

/// Whether a model speaks in a realtime session, by its name. `gpt-realtime-whisper` listens in one.
fn is_realtime(model: &str) -> bool {
    model.contains("realtime") && !model.contains("whisper")
}

/// A call's session with the preset that was in use when it was opened.
struct Open {
    presets: Arc<Presets<Box<dyn Driver>>>,
    preset: usize,
    session: Box<dyn TtsSession>,
}

impl Open {
    fn new(presets: Arc<Presets<Box<dyn Driver>>>) -> Self {
        let preset = presets.current();
        let session = presets.at(preset).driver.open();
        Self { presets, preset, session }
    }

    /// Begins to say what comes first of a text's pieces, as much of it as the preset in use says at once.
    fn say(&mut self, pieces: &mut VecDeque<String>) -> Option<Saying> {
        if self.preset != self.presets.current() {
            *self = Self::new(Arc::clone(&self.presets));
        }
        let longest = self.presets.at(self.preset).driver.longest();
        for piece in parts(&pieces.pop_front()?, longest).into_iter().rev() {
            pieces.push_front(piece);
        }
        let piece = pieces.pop_front()?;
        Some(Saying { preset: self.preset, speech: self.session.speak(piece.clone()), piece, heard: false })
    }

    /// Moves on from a preset whose model is not to be had, by its error. `false` where there is no other, or no need.
    fn leave(&self, preset: usize, error: &ProviderError) -> bool {
        let why = self.presets.absence(error);
        why.is_some_and(|why| self.presets.leave(preset, why, error.code.as_deref()))
    }
}

/// A call's voice, shared with the speeches that may have to go on elsewhere.
struct Voice(Arc<Mutex<Open>>);

impl TtsSession for Voice {
    fn speak(&mut self, text: String) -> Speech {
        Said { open: Arc::clone(&self.0), pieces: VecDeque::from([text]), saying: None, heard: false, again: false }
            .boxed()
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) {
        lock(&self.0).session.poll_idle(cx);
    }
}

/// Something being said, by one preset after the other if need be. Each piece is said whole by one of them: what was heard
/// is not said again, and what was not heard is not lost.
struct Said {
    open: Arc<Mutex<Open>>,
    /// What was not begun.
    pieces: VecDeque<String>,
    saying: Option<Saying>,
    /// Whether any sound was handed out.
    heard: bool,
    /// The present piece was begun before, and failed without a sound.
    again: bool,
}

/// The piece in the making.
struct Saying {
    piece: String,
    preset: usize,
    speech: Speech,
    /// Whether any of its sound was handed out.
    heard: bool,
}

impl Stream for Said {
    type Item = Result<Bytes, ProviderError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let said = &mut *self;
        loop {
            let Some(saying) = &mut said.saying else {
                said.saying = lock(&said.open).say(&mut said.pieces);
                if said.saying.is_some() {
                    continue;
                }
                let silent = "the speech provider sent no sound for this text";
                let heard = std::mem::replace(&mut said.heard, true);
                return Poll::Ready((!heard).then(|| Err(ProviderError::ours(ErrorClass::Unknown, silent))));
            };
            match ready!(saying.speech.poll_next_unpin(cx)) {
                Some(Ok(sound)) => {
                    (saying.heard, said.heard, said.again) = (true, true, false);
                    return Poll::Ready(Some(Ok(sound)));
                }
                Some(Err(error)) => {
                    let silent = !saying.heard;
                    let moves = silent && lock(&said.open).leave(saying.preset, &error);
                    // Of a text that was heard in part the rest is worth another try; of others the caller decides.
                    let stands = error.class == ErrorClass::Refused && !failure::is_unfamiliar(&error);
                    let retries = silent && said.heard && !stands && !said.again;
                    said.again |= retries;
                    let goes_on = moves || retries;
                    let piece = said.saying.take().map(|saying| saying.piece);
                    if !goes_on {
                        (said.pieces, said.heard) = (VecDeque::new(), true);
                        return Poll::Ready(Some(Err(error)));
                    }
                    if let Some(piece) = piece {
                        said.pieces.push_front(piece);
                    }
                }
                None => said.saying = None,
            }
        }
    }
}

/// Nothing is left half done where a holder panics, and its call is over then.
fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

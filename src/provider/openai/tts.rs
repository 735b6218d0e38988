//! Text to speech: the speech endpoint as a [`Tts`].

use secrecy::SecretString;

use crate::provider::openai::endpoint::Endpoint;
use crate::provider::{ProviderError, Tts, TtsSession};

mod speech;

use speech::SpeechEndpoint;

/// How speech is to be made.
#[derive(Clone, Debug)]
pub struct TtsSettings {
    /// Where.
    pub endpoint: Endpoint,
    /// The bearer token.
    pub key: SecretString,
    /// `gpt-4o-mini-tts` and its like.
    pub model: String,
    /// One of the provider's voices (`coral`).
    pub voice: String,
    /// How to speak ("calm, phone pace"). Left out for `tts-1` and `tts-1-hd`, which refuse it.
    pub instructions: Option<String>,
}

/// The speech provider as a [`Tts`].
#[derive(Debug)]
pub struct OpenAiTts(SpeechEndpoint);

impl OpenAiTts {
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(settings: TtsSettings) -> Result<Self, ProviderError> {
        SpeechEndpoint::new(settings).map(Self)
    }
}

impl Tts for OpenAiTts {
    fn open(&self) -> Box<dyn TtsSession> {
        self.0.open()
    }
}

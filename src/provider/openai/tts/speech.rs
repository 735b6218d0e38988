//! The speech endpoint, `POST /v1/audio/speech`: raw 24 kHz PCM or a WAV file in, the phone's µ-law out, as it comes.

use std::error::Error;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, ready};
use futures_util::{FutureExt, StreamExt, stream};
use reqwest::{Client, RequestBuilder, Response};
use secrecy::ExposeSecret;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{AudioFormat, Driver, TtsSettings};
use crate::provider::openai::failure;
use crate::provider::openai::presets::DryRun;
use crate::provider::{ErrorClass, ProviderError, Speech, Tts, TtsSession};

mod body;
#[cfg(test)]
mod tests;

use body::Body;

/// How long a TCP and TLS connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Connections kept for the utterances to come. Each holds the buffers of the speech it last read, so that not every call
/// of a busy hour leaves one behind.
const MOST_IDLE: usize = 16;

/// How long the provider may be silent: from the request to the first byte of sound, and between bytes. There is no
/// limit on the whole, because a long speech that is played slowly is read slowly.
const STALL: Duration = Duration::from_secs(10);

/// The longest error body that is read.
const LONGEST_ERROR: usize = 16 * 1024;

/// The longest `input`, in characters.
const LONGEST_INPUT: usize = 4096;

/// The longest text of a file, in characters. A server that does not stream makes all of it before the first sound: of some
/// thirteen seconds of speech, a slow one makes that within [`STALL`].
const LONGEST_FILE: usize = 200;

/// The speech endpoint as a [`Tts`]. One connection per utterance, kept for the next one: over HTTP/1.1, so that an
/// utterance whose reading waits for the phone holds up nobody else's. All calls share them.
#[derive(Clone, Debug)]
pub(super) struct SpeechEndpoint(Arc<Requests>);

/// What every request needs.
#[derive(Debug)]
struct Requests {
    client: Client,
    url: Url,
    model: String,
    settings: TtsSettings,
}

/// The body of the request. The schema of the provider refuses unknown fields, so there is nothing else in it.
#[derive(Serialize)]
struct SpeechRequest<'a> {
    model: &'a str,
    input: &'a str,
    voice: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    /// `pcm` (24 kHz, 16 bit little endian, mono, without a header) or `wav`.
    response_format: &'static str,
}

/// What is left to do for an utterance.
enum Making {
    /// Nothing was sent yet.
    Ask(Box<RequestBuilder>),
    /// The sound is coming.
    Sound(Box<Sound>),
    /// The end, or an error, was handed out.
    Over,
}

struct Sound {
    response: Response,
    body: Body,
}

impl SpeechEndpoint {
    /// # Errors
    /// When the system's certificates cannot be read.
    pub(super) fn new(settings: &TtsSettings, model: &str) -> Result<Self, ProviderError> {
        let client = Client::builder()
            .http1_only()
            .connect_timeout(CONNECT)
            .pool_max_idle_per_host(MOST_IDLE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| broken(&error))?;
        let (url, model, settings) = (settings.endpoint.speech_url(), model.to_owned(), settings.clone());
        Ok(Self(Arc::new(Requests { client, url, model, settings })))
    }
}

impl Tts for SpeechEndpoint {
    fn open(&self) -> Box<dyn TtsSession> {
        Box::new(self.clone())
    }
}

impl Driver for SpeechEndpoint {
    fn longest(&self) -> usize {
        match self.0.settings.format {
            AudioFormat::Pcm => LONGEST_INPUT,
            AudioFormat::Wav => LONGEST_FILE,
        }
    }
}

impl DryRun for SpeechEndpoint {
    /// Whatever is asked of the endpoint is paid for: the list of models has to do.
    fn dry_run(&self) -> BoxFuture<'_, Result<(), ProviderError>> {
        ready(Ok(())).boxed()
    }
}

impl TtsSession for SpeechEndpoint {
    fn speak(&mut self, text: String) -> Speech {
        self.0.speak(text)
    }

    /// A dropped speech takes its connection along, and the others wait in the pool.
    fn poll_idle(&mut self, _: &mut Context<'_>) {}
}

impl Requests {
    fn speak(&self, text: String) -> Speech {
        let TtsSettings { key, voice, instructions, format, .. } = &self.settings;
        let model = self.model.as_str();
        let body = SpeechRequest {
            model,
            input: &text,
            voice,
            instructions: instructions.as_deref().filter(|_| !model.starts_with("tts-1")),
            response_format: match format {
                AudioFormat::Pcm => "pcm",
                AudioFormat::Wav => "wav",
            },
        };
        let mut request = self.client.post(self.url.clone()).json(&body);
        if !key.expose_secret().is_empty() {
            request = request.bearer_auth(key.expose_secret());
        }
        let key = key.clone();
        stream::unfold(Making::Ask(Box::new(request)), |making| async {
            match making.go_on().await {
                Ok(None) => None,
                Ok(Some((sound, making))) => Some((Ok(sound), making)),
                Err(error) => Some((Err(error), Making::Over)),
            }
        })
        .map(move |piece| {
            let hiding = |error| failure::hiding(failure::hiding(error, key.expose_secret()), &text);
            piece.map_err(hiding)
        })
        .boxed()
    }
}

impl Making {
    /// The next piece of sound, and what is left to do after it.
    async fn go_on(self) -> Result<Option<(Bytes, Self)>, ProviderError> {
        let mut stalled = Instant::now() + STALL;
        let mut sound = match self {
            Self::Ask(request) => Box::new(Sound { response: ask(*request, stalled).await?, body: Body::default() }),
            Self::Sound(sound) => sound,
            Self::Over => return Ok(None),
        };
        let mut out = Vec::new();
        loop {
            let Some(bytes) = chunk(&mut sound.response, stalled).await? else {
                sound.body.finish(&mut out)?;
                return Ok((!out.is_empty()).then(|| (out.into(), Self::Over)));
            };
            sound.body.push(&bytes, &mut out)?;
            if !out.is_empty() {
                return Ok(Some((out.into(), Self::Sound(sound))));
            }
            stalled = Instant::now() + STALL;
        }
    }
}

/// Sends the request; gives the response when it is a success.
async fn ask(request: RequestBuilder, stalled: Instant) -> Result<Response, ProviderError> {
    let response = match timeout_at(stalled, request.send()).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(broken(&error)),
        Err(_) => return Err(stall()),
    };
    if response.status().is_success() {
        return Ok(response);
    }
    let (status, mut response, mut body) = (response.status(), response, Vec::new());
    // A body that breaks off is still read as far as it came: the status alone tells the class.
    while let Ok(Some(bytes)) = chunk(&mut response, stalled).await {
        body.extend_from_slice(&bytes);
        if body.len() > LONGEST_ERROR {
            body.truncate(LONGEST_ERROR);
            break;
        }
    }
    Err(failure::of_status(status.as_u16(), &body))
}

/// The next bytes of a body; `None` at its clean end. A body that is cut off is an error, also when it is chunked.
async fn chunk(response: &mut Response, stalled: Instant) -> Result<Option<Bytes>, ProviderError> {
    match timeout_at(stalled, response.chunk()).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(broken(&error)),
        Err(_) => Err(stall()),
    }
}

fn stall() -> ProviderError {
    let message = format!("the speech provider sent nothing for {} s", STALL.as_secs());
    ProviderError::ours(ErrorClass::Unknown, &message)
}

/// What reqwest says, by its kind; the innermost cause says what happened, and none of it has the URL.
fn broken(error: &reqwest::Error) -> ProviderError {
    let (class, what) = if error.is_connect() {
        (ErrorClass::Busy, "could not connect to the speech provider")
    } else if error.is_builder() {
        (ErrorClass::Refused, "could not prepare a request to the speech provider")
    } else {
        (ErrorClass::Unknown, "the connection to the speech provider broke")
    };
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(Error::source) {
        cause = Some(deeper);
    }
    match cause {
        Some(cause) => ProviderError::ours(class, &format!("{what}: {}", failure::shown(&cause.to_string()))),
        None => ProviderError::ours(class, what),
    }
}

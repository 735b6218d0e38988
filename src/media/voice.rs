//! The speech being made for a call: one stream an utterance, read only as far as the playout wants it.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::Instant;

use crate::domain::carrier::{ErrorClass, ProviderError};
use crate::domain::playout::Playout;
use crate::domain::text::AgentText;
use crate::ids::UtteranceId;
use crate::metrics::{Metrics, Provider};
use crate::provider::{Speech, TtsSession};

/// The utterances in the making.
pub(super) struct Voice {
    tts: Box<dyn TtsSession>,
    making: Vec<Making>,
    metrics: Arc<Metrics>,
}

struct Making {
    utterance: UtteranceId,
    text: AgentText,
    speech: Speech,
    /// When it was asked for, this time.
    asked_at: Instant,
    /// Something was made: a second try would say it twice.
    began: bool,
    tried_again: bool,
}

/// What became of an utterance in the making.
pub(super) enum Made {
    /// More of it.
    Sound(UtteranceId, Bytes),
    /// All of it, or as much as there will be.
    Over(UtteranceId, Option<ProviderError>),
}

impl Voice {
    pub(super) fn new(tts: Box<dyn TtsSession>, metrics: Arc<Metrics>) -> Self {
        Self { tts, making: Vec::new(), metrics }
    }

    pub(super) fn say(&mut self, utterance: UtteranceId, text: AgentText) {
        let speech = self.tts.speak(text.as_str().to_owned());
        let asked_at = Instant::now();
        self.making.push(Making { utterance, text, speech, asked_at, began: false, tried_again: false });
    }

    /// Stops making this utterance; the provider's stream is dropped with it.
    pub(super) fn stop(&mut self, utterance: UtteranceId) {
        self.making.retain(|making| making.utterance != utterance);
    }

    pub(super) fn stop_all(&mut self) {
        self.making.clear();
    }

    pub(super) fn poll_made(&mut self, playout: &Playout, cx: &mut Context<'_>) -> Poll<Made> {
        for at in 0..self.making.len() {
            let making = &mut self.making[at];
            let utterance = making.utterance;
            if !playout.wants_audio(utterance) {
                continue;
            }
            match making.speech.poll_next_unpin(cx) {
                Poll::Pending => {}
                Poll::Ready(Some(Ok(sound))) => {
                    if !std::mem::replace(&mut making.began, true) {
                        self.metrics.tts_first_byte(making.asked_at.elapsed());
                    }
                    return Poll::Ready(Made::Sound(utterance, sound));
                }
                Poll::Ready(Some(Err(error))) if making.may_try_again(&error) => {
                    tracing::warn!(%error, "speech could not be made; trying once more");
                    self.metrics.provider_failed(Provider::Tts, error.class.as_str(), error.code.as_deref());
                    making.tried_again = true;
                    making.speech = self.tts.speak(making.text.as_str().to_owned());
                    making.asked_at = Instant::now();
                    cx.waker().wake_by_ref();
                }
                Poll::Ready(end) => {
                    self.making.remove(at);
                    let failed = end.and_then(Result::err);
                    if let Some(error) = &failed {
                        self.metrics.provider_failed(Provider::Tts, error.class.as_str(), error.code.as_deref());
                    }
                    return Poll::Ready(Made::Over(utterance, failed));
                }
            }
        }
        self.tts.poll_idle(cx);
        Poll::Pending
    }
}

impl Making {
    /// A provider that stumbles before the first sound gets one more try; a refusal stands.
    fn may_try_again(&self, error: &ProviderError) -> bool {
        !self.began && !self.tried_again && error.class != ErrorClass::Refused
    }
}

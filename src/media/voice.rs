//! The speech being made for a call: one stream an utterance, read only as far as the playout wants it.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::StreamExt;

use crate::domain::carrier::{ErrorClass, ProviderError};
use crate::domain::playout::Playout;
use crate::domain::text::AgentText;
use crate::ids::UtteranceId;
use crate::provider::{Speech, TtsSession};

/// The utterances in the making.
pub(super) struct Voice {
    tts: Box<dyn TtsSession>,
    making: Vec<Making>,
}

struct Making {
    utterance: UtteranceId,
    text: AgentText,
    speech: Speech,
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
    pub(super) fn new(tts: Box<dyn TtsSession>) -> Self {
        Self { tts, making: Vec::new() }
    }

    pub(super) fn say(&mut self, utterance: UtteranceId, text: AgentText) {
        let speech = self.tts.speak(text.as_str().to_owned());
        self.making.push(Making { utterance, text, speech, began: false, tried_again: false });
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
                    making.began = true;
                    return Poll::Ready(Made::Sound(utterance, sound));
                }
                Poll::Ready(Some(Err(error))) if making.may_try_again(&error) => {
                    tracing::warn!(%error, "speech could not be made; trying once more");
                    making.tried_again = true;
                    making.speech = self.tts.speak(making.text.as_str().to_owned());
                    cx.waker().wake_by_ref();
                }
                Poll::Ready(end) => {
                    self.making.remove(at);
                    return Poll::Ready(Made::Over(utterance, end.and_then(Result::err)));
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

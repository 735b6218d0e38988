//! What is measured in one call's media.

use std::sync::Arc;

use tokio::time::Instant;

use crate::audio::order::Faults;
use crate::ids::UtteranceId;
use crate::metrics::Metrics;

/// The moments of one call that a latency is measured from.
pub(super) struct Watch {
    metrics: Arc<Metrics>,
    connected: bool,
    /// The last utterance whose sound began to come.
    making: Option<UtteranceId>,
    /// When it did, until its first frame has gone out.
    made_at: Option<Instant>,
    /// When the recogniser said that the person speaks, within the same turn of the task.
    spoke_at: Option<Instant>,
}

impl Watch {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, connected: false, making: None, made_at: None, spoke_at: None }
    }

    /// The line is up: for the first time, or again.
    pub(super) fn connected(&mut self) {
        if std::mem::replace(&mut self.connected, true) {
            self.metrics.media_reconnected();
        }
    }

    /// Sound of an utterance came. Only where nothing else keeps it from going out does its wait count.
    pub(super) fn made(&mut self, utterance: UtteranceId, line_is_free: bool) {
        if self.making != Some(utterance) {
            self.making = Some(utterance);
            self.made_at = line_is_free.then(Instant::now);
        }
    }

    /// Sound went out.
    pub(super) fn sent(&mut self) {
        if let Some(made_at) = self.made_at.take() {
            self.metrics.tts_to_frame(made_at.elapsed());
        }
    }

    /// The recogniser says that the person speaks.
    pub(super) fn spoken_up(&mut self) {
        self.spoke_at = Some(Instant::now());
    }

    /// A clear went out.
    pub(super) fn cleared(&mut self) {
        if let Some(spoke_at) = self.spoke_at.take() {
            self.metrics.speech_to_clear(spoke_at.elapsed());
        }
    }

    /// Frames of the person's did not come as they should.
    pub(super) fn disordered(&self, faults: Faults) {
        if faults != Faults::default() {
            self.metrics.media_frames(faults.lost, faults.late);
        }
    }

    /// The carrier did not take a frame of ours.
    pub(super) fn complained(&self) {
        self.metrics.media_refused();
    }

    pub(super) fn gaps(&self, gaps: u64) {
        if gaps > 0 {
            self.metrics.gaps(gaps);
        }
    }
}

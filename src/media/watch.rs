//! What is measured in one call's media.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::audio::mulaw::bytes_in;
use crate::audio::order::Faults;
use crate::clock::Millis;
use crate::ids::{StretchId, UtteranceId};
use crate::metrics::Metrics;

/// What counts as one frame of ours: 20 ms, as the carriers cut sound.
const FRAME: Duration = Duration::from_millis(20);

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
    /// The stretch that ended last and is not understood yet, and when it did.
    silent: Option<(StretchId, Instant)>,
    /// When sound should go out next, where it waits for the time only.
    due: Option<Millis>,
    /// How much sound should have gone out by now, in bytes.
    overdue: usize,
}

impl Watch {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            connected: false,
            making: None,
            made_at: None,
            spoke_at: None,
            silent: None,
            due: None,
            overdue: 0,
        }
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

    /// The task goes on. What it sends now should have gone when it was due; a frame's length is no delay.
    pub(super) fn woke(&mut self, now: Millis) {
        let late = self.due.take().map_or(Duration::ZERO, |due| now.since(due));
        self.overdue = if late > FRAME { bytes_in(late) } else { 0 };
    }

    /// The task has sent what was to be sent, and goes on with it at `due`.
    pub(super) fn sleeps(&mut self, due: Option<Millis>, now: Millis) {
        self.due = due.filter(|due| *due > now);
    }

    /// So many bytes of sound went out.
    pub(super) fn sent(&mut self, bytes: usize) {
        if self.overdue > 0 {
            let late = bytes.min(self.overdue);
            self.overdue -= late;
            self.metrics.late_frames(late.div_ceil(bytes_in(FRAME)) as u64);
        }
        if let Some(made_at) = self.made_at.take() {
            self.metrics.tts_to_frame(made_at.elapsed());
        }
    }

    /// The recogniser says that the person speaks.
    pub(super) fn spoken_up(&mut self) {
        self.spoke_at = Some(Instant::now());
    }

    /// The recogniser says that the person fell silent.
    pub(super) fn fell_silent(&mut self, stretch: StretchId) {
        self.silent = Some((stretch, Instant::now()));
    }

    /// The recogniser says what that was.
    pub(super) fn understood(&mut self, stretch: StretchId) {
        if let Some((_, silent_at)) = self.silent.take_if(|(silent, _)| *silent == stretch) {
            self.metrics.stt_final(silent_at.elapsed());
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_is_late_by_as_much_as_the_task_slept_too_long() {
        let frame = bytes_in(FRAME);
        for (due, woke, sent, late) in [
            (Some(1_000), 1_000, [5 * frame, 0], 0),
            (Some(1_000), 1_020, [5 * frame, 0], 0),
            (Some(1_000), 1_060, [5 * frame, 0], 3),
            (Some(1_000), 1_060, [2 * frame, 0], 2),
            (Some(1_000), 1_200, [5 * frame, 5 * frame], 10),
            (Some(1_000), 1_500, [5 * frame, 5 * frame], 10),
            // Before its time, something else woke it.
            (Some(1_000), 900, [5 * frame, 0], 0),
            // It waited for the sound.
            (None, 1_500, [5 * frame, 0], 0),
            (Some(400), 1_500, [5 * frame, 0], 0),
        ] {
            let metrics = Arc::<Metrics>::default();
            let mut watch = Watch::new(Arc::clone(&metrics));
            watch.sleeps(due.map(Millis), Millis(500));
            watch.woke(Millis(woke));
            for bytes in sent {
                watch.sent(bytes);
            }
            let counted = format!("\ncallme_late_frames_total {late}\n");
            assert!(metrics.render().contains(&counted), "{due:?} {woke} {sent:?}: {late}");
            // The next time begins anew.
            watch.woke(Millis(9_000));
            watch.sent(frame);
            assert!(metrics.render().contains(&counted), "{due:?} {woke} {sent:?}: once");
        }
    }
}

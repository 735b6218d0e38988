//! The sound of calls, and those who make and understand speech.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::Metrics;
use super::series::{Counts, Gauges, counter, ours, theirs};

/// What may have become of a frame of the person's that did not come as it should.
const FATES: [&str; 2] = ["lost", "late"];

#[derive(Debug)]
pub(super) struct Sound {
    gaps: Counter,
    reconnects: Counter,
    frames: Counts<1>,
    refused_frames: Counter,
    late_frames: Counter,
    deviations: Counter,
    moves: Counts<1>,
    model_ends: Gauges,
    frame_to_stt: Histogram,
    tts_to_frame: Histogram,
    speech_to_clear: Histogram,
    stt_final: Histogram,
    tts_first_byte: Histogram,
}

/// A half of what the speech provider does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpeechPart {
    /// Text to speech.
    Tts,
    /// Speech to text.
    Stt,
}

impl SpeechPart {
    const ALL: [Self; 2] = [Self::Tts, Self::Stt];

    /// How labels and sentences call it.
    pub fn as_str(self) -> &'static str {
        match self {
            SpeechPart::Tts => "tts",
            SpeechPart::Stt => "stt",
        }
    }
}

impl Sound {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let parts = SpeechPart::ALL.map(SpeechPart::as_str);
        Self {
            gaps: counter(registry, "audio_gaps", "Gaps that the person heard inside an utterance"),
            reconnects: counter(registry, "media_reconnects", "Media sockets that came back within a call"),
            frames: Counts::new(
                registry,
                ("media_frames", "Frames of the person's sound that never came, or too late or twice"),
                ["fate"],
                FATES.map(|fate| [fate]),
            ),
            refused_frames: counter(registry, "media_frames_refused", "Frames of ours that the carrier complained of"),
            late_frames: counter(
                registry,
                "late_frames",
                "Frames of ours, 20 ms each, that left later than they were due",
            ),
            deviations: counter(
                registry,
                "speech_deviations",
                "Texts that the speech provider did not say word for word",
            ),
            moves: Counts::new(
                registry,
                ("speech_moves", "Models of the speech provider that were left because they are gone"),
                ["part"],
                parts.map(|part| [part]),
            ),
            model_ends: Gauges::new("part", parts, |family| {
                registry.register_with_unit(
                    "speech_model_end_timestamp",
                    "When the provider means to end the model in use, since the Unix epoch; 0 is not known to end",
                    Unit::Seconds,
                    family,
                );
            }),
            frame_to_stt: ours(
                registry,
                "frame_to_stt",
                "From a frame's arrival to its handing to the recogniser's socket",
            ),
            tts_to_frame: ours(
                registry,
                "tts_to_frame",
                "From the first sound of an utterance to its first frame on the line",
            ),
            speech_to_clear: ours(
                registry,
                "speech_to_clear",
                "From the recogniser's speech start to the clear on the line",
            ),
            stt_final: theirs(
                registry,
                "stt_final",
                "From the recogniser's word that the person fell silent to what they said",
            ),
            tts_first_byte: theirs(
                registry,
                "tts_first_byte",
                "From the asking for an utterance to the first of its sound",
            ),
        }
    }
}

impl Metrics {
    /// The person heard this many gaps.
    pub fn gaps(&self, gaps: u64) {
        self.speech.gaps.inc_by(gaps);
    }

    /// A media socket came back.
    pub fn media_reconnected(&self) {
        self.speech.reconnects.inc();
    }

    /// So many frames of the person's sound never came, and so many too late or twice.
    pub fn media_frames(&self, lost: u64, late: u64) {
        for (fate, count) in FATES.into_iter().zip([lost, late]) {
            self.speech.frames.add([fate], count);
        }
    }

    /// The carrier did not take a frame of ours.
    pub fn media_refused(&self) {
        self.speech.refused_frames.inc();
    }

    /// So many frames of ours left late.
    pub fn late_frames(&self, frames: u64) {
        self.speech.late_frames.inc_by(frames);
    }

    /// The speech provider said something else than it was given.
    pub fn speech_deviated(&self) {
        self.speech.deviations.inc();
    }

    /// A model that is gone was left for the next.
    pub fn speech_moved(&self, part: SpeechPart) {
        self.speech.moves.add([part.as_str()], 1);
    }

    /// The provider means to end the model in use at this second since the Unix epoch; `None`, it does not say so.
    pub fn speech_model_ends(&self, part: SpeechPart, at: Option<i64>) {
        self.speech.model_ends.set(part.as_str(), at.unwrap_or_default());
    }

    /// The oldest frame of an append waited this long for the recogniser's socket.
    pub fn frame_to_stt(&self, took: Duration) {
        self.speech.frame_to_stt.observe(took.as_secs_f64());
    }

    /// An utterance's first sound waited this long for the line, which was free.
    pub fn tts_to_frame(&self, took: Duration) {
        self.speech.tts_to_frame.observe(took.as_secs_f64());
    }

    /// A cut took this long.
    pub fn speech_to_clear(&self, took: Duration) {
        self.speech.speech_to_clear.observe(took.as_secs_f64());
    }

    /// The words of a stretch came this long after its end.
    pub fn stt_final(&self, took: Duration) {
        self.speech.stt_final.observe(took.as_secs_f64());
    }

    /// The first sound of an utterance took this long to make.
    pub fn tts_first_byte(&self, took: Duration) {
        self.speech.tts_first_byte.observe(took.as_secs_f64());
    }
}

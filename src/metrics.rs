//! What the server counts and measures, as `/metrics` shows it (OpenMetrics text).
//!
//! Every label takes its value from a fixed set; nothing here can hold a number, a text or an id.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// All of them.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    sessions: Gauge,
    store_degraded: Gauge,
    calls: Family<CallEnd, Counter>,
    webhooks: Family<WebhookResult, Counter>,
    gaps: Counter,
    reconnects: Counter,
    frames: Family<FrameFate, Counter>,
    refused_frames: Counter,
    deviations: Counter,
    moves: Family<Part, Counter>,
    model_ends: Family<Part, Gauge>,
    frame_to_stt: Histogram,
    tts_to_frame: Histogram,
    speech_to_clear: Histogram,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallEnd {
    dial: &'static str,
    ended_by: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WebhookResult {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FrameFate {
    fate: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Part {
    part: &'static str,
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
    /// How labels and sentences call it.
    pub fn as_str(self) -> &'static str {
        match self {
            SpeechPart::Tts => "tts",
            SpeechPart::Stt => "stt",
        }
    }
}

/// What became of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Webhook {
    /// Signed and handed over; where it is about a call, understood too.
    Taken,
    /// The signature is missing or wrong.
    Forged,
    /// The same, once too often from one address.
    ShutOut,
    /// Signed, and a message beyond one of the limits.
    Limited,
    /// Signed, and not about a call of ours.
    NotUnderstood,
    /// The body was too large or too slow.
    Unread,
    /// Signed, and not taken: too many wait already.
    TurnedAway,
}

impl Webhook {
    fn as_str(self) -> &'static str {
        match self {
            Webhook::Taken => "taken",
            Webhook::Forged => "forged",
            Webhook::ShutOut => "shut-out",
            Webhook::Limited => "limited",
            Webhook::NotUnderstood => "not-understood",
            Webhook::Unread => "unread",
            Webhook::TurnedAway => "turned-away",
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("callme");
        // 0.25 ms to 2 s: from our own work to what a person would notice.
        let latency = || Histogram::new(exponential_buckets(0.000_25, 2.0, 14));
        let metrics = Self {
            sessions: Gauge::default(),
            store_degraded: Gauge::default(),
            calls: Family::default(),
            webhooks: Family::default(),
            gaps: Counter::default(),
            reconnects: Counter::default(),
            frames: Family::default(),
            refused_frames: Counter::default(),
            deviations: Counter::default(),
            moves: Family::default(),
            model_ends: Family::default(),
            frame_to_stt: latency(),
            tts_to_frame: latency(),
            speech_to_clear: latency(),
            registry: Registry::default(),
        };
        registry.register("sessions", "Sessions that run", metrics.sessions.clone());
        registry.register(
            "store_degraded",
            "1 while what is committed is kept in memory only",
            metrics.store_degraded.clone(),
        );
        registry.register(
            "calls",
            "Calls that ended, by what became of the dial and who ended them",
            metrics.calls.clone(),
        );
        registry.register("webhooks", "Webhooks of the carrier, by what became of them", metrics.webhooks.clone());
        registry.register("audio_gaps", "Gaps that the person heard inside an utterance", metrics.gaps.clone());
        registry.register("media_reconnects", "Media sockets that came back within a call", metrics.reconnects.clone());
        registry.register(
            "media_frames",
            "Frames of the person's sound that never came, or too late or twice",
            metrics.frames.clone(),
        );
        registry.register(
            "media_frames_refused",
            "Frames of ours that the carrier complained of",
            metrics.refused_frames.clone(),
        );
        registry.register(
            "speech_deviations",
            "Texts that the speech provider did not say word for word",
            metrics.deviations.clone(),
        );
        registry.register(
            "speech_moves",
            "Models of the speech provider that were left because they are gone",
            metrics.moves.clone(),
        );
        registry.register_with_unit(
            "speech_model_end_timestamp",
            "When the provider means to end the model in use, since the Unix epoch; 0 is not known to end",
            Unit::Seconds,
            metrics.model_ends.clone(),
        );
        let mut histogram = |name, help, histogram: &Histogram| {
            registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        };
        histogram(
            "frame_to_stt",
            "From a frame's arrival to its handing to the recogniser's socket",
            &metrics.frame_to_stt,
        );
        histogram(
            "tts_to_frame",
            "From the first sound of an utterance to its first frame on the line",
            &metrics.tts_to_frame,
        );
        histogram(
            "speech_to_clear",
            "From the recogniser's speech start to the clear on the line",
            &metrics.speech_to_clear,
        );
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// All of them as text, in the format of [`Metrics::CONTENT_TYPE`].
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail, and what was written until then is still true.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }

    /// The text's media type.
    pub const CONTENT_TYPE: &'static str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// This many sessions run.
    pub fn sessions(&self, running: usize) {
        self.sessions.set(i64::try_from(running).unwrap_or(i64::MAX));
    }

    /// What is committed is kept in memory only, or is not.
    pub fn store_degraded(&self, is_degraded: bool) {
        self.store_degraded.set(i64::from(is_degraded));
    }

    /// A call ended; the labels as the API writes them.
    pub fn call_ended(&self, dial: &'static str, ended_by: &'static str) {
        self.calls.get_or_create(&CallEnd { dial, ended_by }).inc();
    }

    /// A webhook was dealt with.
    pub fn webhook(&self, result: Webhook) {
        self.webhooks.get_or_create(&WebhookResult { result: result.as_str() }).inc();
    }

    /// The person heard this many gaps.
    pub fn gaps(&self, gaps: u64) {
        self.gaps.inc_by(gaps);
    }

    /// A media socket came back.
    pub fn media_reconnected(&self) {
        self.reconnects.inc();
    }

    /// So many frames of the person's sound never came, and so many too late or twice.
    pub fn media_frames(&self, lost: u64, late: u64) {
        self.frames.get_or_create(&FrameFate { fate: "lost" }).inc_by(lost);
        self.frames.get_or_create(&FrameFate { fate: "late" }).inc_by(late);
    }

    /// The carrier did not take a frame of ours.
    pub fn media_refused(&self) {
        self.refused_frames.inc();
    }

    /// The speech provider said something else than it was given.
    pub fn speech_deviated(&self) {
        self.deviations.inc();
    }

    /// A model that is gone was left for the next.
    pub fn speech_moved(&self, part: SpeechPart) {
        self.moves.get_or_create(&Part { part: part.as_str() }).inc();
    }

    /// The provider means to end the model in use at this second since the Unix epoch; `None`, it does not say so.
    pub fn speech_model_ends(&self, part: SpeechPart, at: Option<i64>) {
        self.model_ends.get_or_create(&Part { part: part.as_str() }).set(at.unwrap_or_default());
    }

    /// The oldest frame of an append waited this long for the recogniser's socket.
    pub fn frame_to_stt(&self, took: Duration) {
        self.frame_to_stt.observe(took.as_secs_f64());
    }

    /// An utterance's first sound waited this long for the line, which was free.
    pub fn tts_to_frame(&self, took: Duration) {
        self.tts_to_frame.observe(took.as_secs_f64());
    }

    /// A cut took this long.
    pub fn speech_to_clear(&self, took: Duration) {
        self.speech_to_clear.observe(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_moves_when_its_moment_comes() {
        let metrics = Metrics::default();
        metrics.sessions(3);
        metrics.store_degraded(true);
        metrics.call_ended("answered", "agent");
        metrics.webhook(Webhook::Forged);
        metrics.gaps(2);
        metrics.media_reconnected();
        metrics.media_frames(3, 1);
        metrics.media_refused();
        metrics.speech_deviated();
        metrics.speech_moved(SpeechPart::Tts);
        metrics.speech_model_ends(SpeechPart::Stt, Some(1_803_600_000));
        metrics.frame_to_stt(Duration::from_millis(21));
        metrics.tts_to_frame(Duration::from_millis(2));
        metrics.speech_to_clear(Duration::from_millis(1));
        let text = metrics.render();
        for line in [
            "callme_sessions 3",
            "callme_store_degraded 1",
            "callme_calls_total{dial=\"answered\",ended_by=\"agent\"} 1",
            "callme_webhooks_total{result=\"forged\"} 1",
            "callme_audio_gaps_total 2",
            "callme_media_reconnects_total 1",
            "callme_media_frames_total{fate=\"lost\"} 3",
            "callme_media_frames_total{fate=\"late\"} 1",
            "callme_media_frames_refused_total 1",
            "callme_speech_deviations_total 1",
            "callme_speech_moves_total{part=\"tts\"} 1",
            "callme_speech_model_end_timestamp_seconds{part=\"stt\"} 1803600000",
            "callme_frame_to_stt_seconds_count 1",
            "callme_tts_to_frame_seconds_count 1",
            "callme_speech_to_clear_seconds_sum 0.001",
            "# EOF",
        ] {
            assert!(text.lines().any(|have| have == line), "{line} is missing in\n{text}");
        }
    }
}

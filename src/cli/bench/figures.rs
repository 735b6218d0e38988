//! What was measured: counts, latencies, and how they are shown.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

/// The most problems that are told in words.
const MOST_TOLD: usize = 20;

/// What is counted while calls run; all calls share it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The steady window is open: only within it are frames' latencies kept.
    pub(super) steady: AtomicBool,
    pub(super) frame_to_stt: Samples,
    pub(super) tts_to_frame: Samples,
    pub(super) speech_to_clear: Samples,
    pub(super) answer_to_audio: Samples,
    /// How late our own timer was.
    pub(super) tick_late: Samples,
    pub(super) frames_sent: Count,
    pub(super) frames_heard: Count,
    pub(super) lost: Count,
    pub(super) out_of_order: Count,
    pub(super) foreign: Count,
    pub(super) utterances: Count,
    pub(super) turns: Count,
    pub(super) interruptions: Count,
    pub(super) late_frames: Count,
    pub(super) gaps: Count,
    pub(super) gap_micros: Count,
    pub(super) provider_gaps: Count,
    /// Ticks of 20 ms of calls within the steady window, and those of them in which the person talked.
    pub(super) ticks: Count,
    pub(super) talking: Count,
    problems: Mutex<Vec<String>>,
    pub(super) problem_count: Count,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(super) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Latencies in microseconds, all of them kept.
#[derive(Debug, Default)]
pub(super) struct Samples(Mutex<Vec<u32>>);

impl Samples {
    pub(super) fn add(&self, micros: u64) {
        let micros = u32::try_from(micros).unwrap_or(u32::MAX);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(micros);
    }

    /// What they come to.
    pub(super) fn quantiles(&self) -> Quantiles {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        samples.sort_unstable();
        let at = |percent: usize| {
            let index = (samples.len() * percent / 100).min(samples.len().saturating_sub(1));
            f64::from(samples.get(index).copied().unwrap_or_default()) / 1000.0
        };
        Quantiles { count: samples.len(), p50_ms: at(50), p99_ms: at(99), max_ms: at(100) }
    }
}

impl Tally {
    /// Something that must not happen has happened.
    pub(super) fn problem(&self, what: String) {
        self.problem_count.add(1);
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        if problems.len() < MOST_TOLD {
            problems.push(what);
        }
    }

    pub(super) fn is_steady(&self) -> bool {
        self.steady.load(Ordering::Relaxed)
    }

    pub(super) fn problems(&self) -> Vec<String> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A distribution in four numbers.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Quantiles {
    count: usize,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

impl fmt::Display for Quantiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, p50_ms, p99_ms, max_ms } = self;
        write!(f, "p50 {p50_ms:.2}, p99 {p99_ms:.2}, max {max_ms:.2} ms ({count})")
    }
}

/// Everything that a run came to.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) calls: u16,
    /// The steady window.
    pub(super) seconds: f64,
    /// Server and load each had a core, as far as the machine's other work left it to them.
    pub(super) pinned: bool,
    pub(super) cpu: Cpu,
    pub(super) memory: Memory,
    pub(super) start_ms: f64,
    pub(super) latency: Latency,
    pub(super) audio: Audio,
    pub(super) load: Load,
    /// No more than the first few.
    pub(super) problems: Vec<String>,
    pub(super) problem_count: u64,
    /// All sound arrived, whole, in order, at its own call, without a gap, and nothing else went wrong.
    pub(super) good: bool,
}

/// The server's processor time in the steady window.
#[derive(Debug, Serialize)]
pub(super) struct Cpu {
    pub(super) ms_per_call_second: f64,
    pub(super) user_ms_per_call_second: f64,
    pub(super) system_ms_per_call_second: f64,
    /// Of one core.
    pub(super) percent: f64,
    /// How much of the time the server could have run and other work of the machine had its core: where this is not
    /// close to nothing, latencies and gaps say more about the machine than about the server.
    pub(super) starved_percent: f64,
}

/// The server's resident memory.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the unit stands in the name, for whoever reads the JSON")]
pub(super) struct Memory {
    pub(super) idle_kib: u64,
    /// The most that was seen in the steady window.
    pub(super) steady_kib: u64,
    pub(super) per_call_kib: f64,
}

/// DESIGN.md, section 7.
#[derive(Debug, Serialize)]
pub(super) struct Latency {
    /// Frame in → its append at the speech provider; a frame that waits for its pair is in it.
    pub(super) frame_to_stt: Quantiles,
    /// First byte of speech made → first frame out.
    pub(super) tts_to_frame: Quantiles,
    /// `speech_started` → `clear`.
    pub(super) speech_to_clear: Quantiles,
    /// TwiML asked for → first sound.
    pub(super) answer_to_audio: Quantiles,
}

/// What became of the sound.
#[derive(Debug, Serialize)]
pub(super) struct Audio {
    pub(super) frames_sent: u64,
    pub(super) frames_heard: u64,
    pub(super) lost: u64,
    pub(super) out_of_order: u64,
    /// Sound of another call, or of nobody.
    pub(super) foreign: u64,
    pub(super) utterances: u64,
    pub(super) turns: u64,
    pub(super) interruptions: u64,
    /// Frames with less sound sent before them than time had passed since the utterance's first.
    pub(super) late_frames: u64,
    /// Silences inside an utterance that the server made.
    pub(super) gaps: u64,
    pub(super) gap_ms: f64,
    /// Silences inside an utterance because the played provider was late: they say that the load was too much for us.
    pub(super) provider_gaps: u64,
    /// How much of the calls' time the person talked.
    pub(super) talking_percent: f64,
}

/// How the load generator itself did: where it was late, so are the latencies.
#[derive(Debug, Serialize)]
pub(super) struct Load {
    pub(super) tick_late: Quantiles,
    /// Of one core.
    pub(super) cpu_percent: f64,
}

impl Audio {
    /// Everything arrived, in order, where it belongs, without a gap.
    pub(super) fn is_whole(&self) -> bool {
        self.lost + self.out_of_order + self.foreign + self.gaps == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, memory, latency, audio, load, .. } = self;
        let place = if self.pinned { "each on a core" } else { "cores not assigned" };
        writeln!(f, "{} calls, steady for {:.1} s (server and load: {place})", self.calls, self.seconds)?;
        writeln!(
            f,
            "  CPU per call-second   {:.3} ms ({:.3} user, {:.3} system); {:.0} % of a core, for which it waited {:.0} %",
            cpu.ms_per_call_second,
            cpu.user_ms_per_call_second,
            cpu.system_ms_per_call_second,
            cpu.percent,
            cpu.starved_percent
        )?;
        writeln!(
            f,
            "  memory                {:.0} KiB a call; {} KiB idle, {} KiB under load",
            memory.per_call_kib, memory.idle_kib, memory.steady_kib
        )?;
        writeln!(f, "  start                 {:.1} ms", self.start_ms)?;
        writeln!(f, "  frame in → STT        {}", latency.frame_to_stt)?;
        writeln!(f, "  TTS byte → frame out  {}", latency.tts_to_frame)?;
        writeln!(f, "  speech start → clear  {}", latency.speech_to_clear)?;
        writeln!(f, "  answer → sound        {}", latency.answer_to_audio)?;
        writeln!(
            f,
            "  frames in             {} sent, {} heard; {} lost, {} out of order, {} of another call",
            audio.frames_sent, audio.frames_heard, audio.lost, audio.out_of_order, audio.foreign
        )?;
        writeln!(
            f,
            "  sound out             {} utterances, {} replies, {} interruptions; {} gaps ({:.0} ms), {} late frames; \
             {} gaps of the played provider",
            audio.utterances,
            audio.turns,
            audio.interruptions,
            audio.gaps,
            audio.gap_ms,
            audio.late_frames,
            audio.provider_gaps
        )?;
        writeln!(
            f,
            "  load generator        timer late by {}; {:.0} % of a core; persons talk {:.0} % of the time",
            load.tick_late, load.cpu_percent, audio.talking_percent
        )?;
        for problem in &self.problems {
            writeln!(f, "✗ {problem}")?;
        }
        if self.good {
            write!(f, "✓ every frame arrived in order at its own call, and no utterance had a gap")
        } else {
            write!(f, "✗ not all was well")
        }
    }
}

/// Milliseconds, with their fraction.
pub(super) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_samples() {
        let samples = Samples::default();
        assert_eq!(samples.quantiles().count, 0);
        for n in (1..=1000).rev() {
            samples.add(n * 1000);
        }
        let q = samples.quantiles();
        assert_eq!((q.count, q.p50_ms, q.p99_ms, q.max_ms), (1000, 501.0, 991.0, 1000.0));
    }
}

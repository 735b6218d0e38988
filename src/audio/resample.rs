//! 24 kHz to 8 kHz: a low-pass filter, of whose output only each third sample is ever computed.

use std::f64::consts::PI;
use std::sync::LazyLock;

use super::fir::{self, Work, as_f64};

/// How many input samples become one.
pub const FACTOR: usize = 3;

/// Length of the filter. Odd, so that it has a middle: output sample `k` sits exactly where input sample `3k` was.
const TAPS: usize = 127;

/// How many samples around it the filter looks to each side: 2.6 ms.
const DELAY: usize = TAPS / 2;

/// Input samples worked on at a time (20 ms); bounds the work area whatever the size of a chunk.
const BLOCK: usize = 480;

/// The input rate in Hz.
const RATE_IN: f64 = 24_000.0;

/// Where the filter is at one half, in Hz: with this window flat up to 3.1 kHz, and shut from 4.3 kHz, so that what
/// folds back lands above 3.7 kHz, where the phone network carries nothing.
const CUTOFF: f64 = 3_700.0;

/// The filter in Q15: windowed sinc (Blackman). It is symmetric, so reading it backwards changes nothing.
static FILTER: LazyLock<[i16; TAPS]> = LazyLock::new(design);

/// Brings 24 kHz samples to 8 kHz as they come, without shifting them in time.
///
/// The last 2.6 ms of what was given wait inside for what follows, or for [`Decimator::finish`].
#[derive(Debug)]
pub struct Decimator {
    /// The window of the next output sample begins at the first. Fewer than `TAPS` are of the past.
    work: Work<{ TAPS - 1 + BLOCK }>,
}

impl Default for Decimator {
    /// Before the sound there was silence.
    fn default() -> Self {
        Self { work: Work::after_silence(DELAY) }
    }
}

impl Decimator {
    /// Takes samples at 24 kHz; appends to `out` those at 8 kHz that are ready.
    pub fn push(&mut self, pcm: &[i16], out: &mut Vec<i16>) {
        let mut rest = pcm;
        while !rest.is_empty() {
            rest = self.work.fill(rest);
            self.filter(out);
        }
    }

    /// The sound is over: appends what waited inside. In all, `n` samples in have become `n / 3`, rounded up. The
    /// next sound starts afresh.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        self.push(&[0; DELAY], out);
        *self = Self::default();
    }

    fn filter(&mut self, out: &mut Vec<i16>) {
        let mut begin = 0;
        while let Some(window) = self.work.samples().get(begin..begin + TAPS) {
            out.push(convolve(window, &FILTER));
            begin += FACTOR;
        }
        self.work.drop_oldest(begin);
    }
}

/// One output sample. The sum cannot overflow: the filter's magnitudes sum to less than 2 (a test holds it).
fn convolve(window: &[i16], filter: &[i16; TAPS]) -> i16 {
    fir::convolve::<15>(window, filter)
}

fn design() -> [i16; TAPS] {
    let mut exact = [0.0; TAPS];
    for (i, (tap, x)) in exact.iter_mut().zip((0..TAPS).map(as_f64)).enumerate() {
        let from_middle = x - as_f64(DELAY);
        let turn = 2.0 * PI * CUTOFF / RATE_IN * from_middle;
        let sinc = if i == DELAY { 1.0 } else { turn.sin() / turn };
        // The window's ends lie one step outside, where it is zero.
        let at = (x + 1.0) / as_f64(TAPS + 1);
        let blackman = 0.42 - 0.5 * (2.0 * PI * at).cos() + 0.08 * (4.0 * PI * at).cos();
        *tap = sinc * blackman;
    }
    let sum: f64 = exact.iter().sum();
    let mut filter = exact.map(|tap| to_q15(tap / sum));
    // What rounding lost or won goes to the middle, so that a constant passes unchanged.
    let total: i32 = filter.iter().map(|&tap| i32::from(tap)).sum();
    filter[DELAY] = i16::try_from(i32::from(filter[DELAY]) + (1 << 15) - total).expect("rounding is a few units");
    filter
}

#[expect(clippy::cast_possible_truncation, reason = "a tap is below 0.4, so its Q15 fits")]
fn to_q15(tap: f64) -> i16 {
    (tap * 32_768.0).round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second of a sine at 24 kHz.
    fn sine(hertz: f64, amplitude: f64) -> Vec<i16> {
        (0..24_000).map(|n| to_i16(amplitude * (2.0 * PI * hertz * as_f64(n) / RATE_IN).sin())).collect()
    }

    #[expect(clippy::cast_possible_truncation, reason = "an `as` from float saturates, which is meant")]
    fn to_i16(value: f64) -> i16 {
        value.round() as i16
    }

    fn decimate(pcm: &[i16]) -> Vec<i16> {
        let (mut decimator, mut out) = (Decimator::default(), Vec::new());
        decimator.push(pcm, &mut out);
        decimator.finish(&mut out);
        out
    }

    /// Output over input of a sine in dB, leaving out the ends, where it is switched on and off.
    fn gain_at(hertz: f64) -> f64 {
        let amplitude = 16_000.0;
        // 125 ms: whole periods of every frequency tried, and enough to tell -60 dB.
        let sound = sine(hertz, amplitude);
        let out = decimate(&sound[..3_000.min(sound.len())]);
        let middle = &out[100..out.len() - 100];
        let power = middle.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / as_f64(middle.len());
        10.0 * (power / (amplitude.powi(2) / 2.0)).max(1e-12).log10()
    }

    #[test]
    fn speech_passes_and_what_would_fold_back_into_it_does_not() {
        for step in 2_u32..=30 {
            let hertz = f64::from(step) * 100.0;
            let gain = gain_at(hertz);
            assert!(gain.abs() <= 1.0, "{gain:.2} dB at {hertz} Hz");
        }
        for step in 46_u32..=119 {
            let hertz = f64::from(step) * 100.0 + 7.0;
            let gain = gain_at(hertz);
            assert!(gain <= -60.0, "{gain:.2} dB at {hertz} Hz");
        }
    }

    #[test]
    fn a_sound_keeps_its_length_and_its_place() {
        for length in [0, 1, 2, 3, 4, 62, 63, 64, 479, 480, 481, 24_000] {
            assert_eq!(decimate(&vec![1_000; length]).len(), length.div_ceil(FACTOR), "{length}");
        }
        let mut click = vec![0; 900];
        click[450] = 20_000;
        let out = decimate(&click);
        let loudest = (0..out.len()).max_by_key(|&at| out[at]);
        assert_eq!(loudest, Some(150));
    }

    #[test]
    fn a_constant_passes_unchanged_and_the_loudest_sound_saturates_without_wrapping() {
        for level in [i16::MIN, -1, 1, i16::MAX] {
            assert_eq!(decimate(&[level; 3_000])[500], level);
        }
        let sum: i32 = FILTER.iter().map(|&tap| i32::from(tap).abs()).sum();
        assert!(sum <= 65_535, "{sum}: i32 would overflow");
        let worst: Vec<i16> = FILTER.iter().map(|&tap| if tap < 0 { i16::MIN } else { i16::MAX }).collect();
        assert_eq!(convolve(&worst, &FILTER), i16::MAX);
    }

    #[test]
    fn the_next_sound_starts_afresh() {
        let (mut decimator, mut first, mut second) = (Decimator::default(), Vec::new(), Vec::new());
        for out in [&mut first, &mut second] {
            decimator.push(&sine(440.0, 9_000.0)[..1_000], out);
            decimator.finish(out);
        }
        assert_eq!(first, second);
    }
}

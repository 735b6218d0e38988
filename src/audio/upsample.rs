//! 8 kHz to 24 kHz: between each two samples, the two that a low-pass filter finds there.

use std::f64::consts::PI;
use std::sync::LazyLock;

use super::fir::{self, Work, as_f64};

/// How many samples one becomes.
pub const FACTOR: usize = 3;

/// How many samples around it the filter looks at for a new one: 3 ms. Even, so that the new one has as many before it as
/// behind. With this window what the line carries, up to 3.4 kHz, passes, and its images from 4.6 kHz on are at -40 dB.
const TAPS: usize = 24;

/// How many of them lie before the new sample but one: the place of the sample that is passed on as it is.
const MIDDLE: usize = TAPS / 2 - 1;

/// How many samples come behind it: how much later it comes out.
const DELAY: usize = TAPS / 2;

/// Samples worked on at a time (20 ms).
const BLOCK: usize = 160;

/// The filters of the two new samples in Q14: a sinc under a raised cosine, a third and two thirds of the way to the next
/// sample. Where the old samples are it is one or zero, which is why those pass unchanged.
static FILTERS: LazyLock<[[i16; TAPS]; FACTOR - 1]> = LazyLock::new(|| [design(1), design(2)]);

/// Brings samples at 8 kHz to 24 kHz as they come. Every third one that comes out is one that was given.
///
/// The last 1.5 ms of what was given wait inside for what follows, or for [`Interpolator::finish`].
#[derive(Debug)]
pub struct Interpolator {
    work: Work<{ TAPS - 1 + BLOCK }>,
}

impl Default for Interpolator {
    /// Before the sound there was silence.
    fn default() -> Self {
        Self { work: Work::after_silence(MIDDLE) }
    }
}

impl Interpolator {
    /// Takes samples at 8 kHz; appends to `out` those at 24 kHz that are ready.
    pub fn push(&mut self, pcm: &[i16], out: &mut Vec<i16>) {
        let mut rest = pcm;
        while !rest.is_empty() {
            rest = self.work.fill(rest);
            self.filter(out);
        }
    }

    /// The sound is over: appends what waited inside. In all, `n` samples have become `3 n`. The next sound starts afresh.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        self.push(&[0; DELAY], out);
        *self = Self::default();
    }

    fn filter(&mut self, out: &mut Vec<i16>) {
        let windows = self.work.samples().windows(TAPS);
        let done = windows.len();
        for window in windows {
            out.push(window[MIDDLE]);
            out.extend(FILTERS.iter().map(|filter| convolve(window, filter)));
        }
        self.work.drop_oldest(done);
    }
}

/// One output sample. The sum cannot overflow: the filters' magnitudes sum to less than 4 (a test holds it).
fn convolve(window: &[i16], filter: &[i16; TAPS]) -> i16 {
    fir::convolve::<14>(window, filter)
}

/// The filter of the sample so many thirds of the way from the middle one to the next.
fn design(thirds: u8) -> [i16; TAPS] {
    let mut exact = [0.0; TAPS];
    for (tap, x) in exact.iter_mut().zip((0..TAPS).map(as_f64)) {
        let away = x - as_f64(MIDDLE) - f64::from(thirds) / 3.0;
        let raised = 0.5 + 0.5 * (PI * away / as_f64(DELAY)).cos();
        *tap = (PI * away).sin() / (PI * away) * raised;
    }
    let sum: f64 = exact.iter().sum();
    let mut filter = exact.map(|tap| to_q14(tap / sum));
    // What rounding lost or won goes to the sample that is nearest, so that a constant passes unchanged.
    let total: i32 = filter.iter().map(|&tap| i32::from(tap)).sum();
    let nearest = if thirds == 1 { MIDDLE } else { MIDDLE + 1 };
    filter[nearest] += i16::try_from((1 << 14) - total).expect("rounding is a few units");
    filter
}

#[expect(clippy::cast_possible_truncation, reason = "a tap is below 0.9, so its Q14 fits")]
fn to_q14(tap: f64) -> i16 {
    (tap * 16_384.0).round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interpolate(pcm: &[i16]) -> Vec<i16> {
        let (mut interpolator, mut out) = (Interpolator::default(), Vec::new());
        interpolator.push(pcm, &mut out);
        interpolator.finish(&mut out);
        out
    }

    #[expect(clippy::cast_possible_truncation, reason = "the amplitude fits")]
    fn sine(hertz: f64, rate: f64, count: usize) -> Vec<i16> {
        (0..count).map(|n| (16_000.0 * (2.0 * PI * hertz * as_f64(n) / rate).sin()).round() as i16).collect()
    }

    /// How much of a tone is in a sound, in dB below one of the tests' sines.
    fn level_at(hertz: f64, sound: &[i16]) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, x) in sound.iter().enumerate() {
            let turn = 2.0 * PI * hertz * as_f64(n) / 24_000.0;
            re += f64::from(*x) * turn.cos();
            im += f64::from(*x) * turn.sin();
        }
        20.0 * ((re * re + im * im).sqrt() / as_f64(sound.len()) / 8_000.0).max(1e-9).log10()
    }

    #[test]
    fn what_the_line_carries_passes_and_its_image_does_not() {
        // 125 ms without the ends: whole periods of all tones.
        for step in 3_u32..=34 {
            let hertz = f64::from(step) * 100.0;
            let out = interpolate(&sine(hertz, 8_000.0, 1_160));
            let middle = &out[240..3_240];
            let (tone, image) = (level_at(hertz, middle), level_at(8_000.0 - hertz, middle));
            assert!(tone.abs() < 0.2 && image < -38.0, "{hertz} Hz: {tone:.2} dB, image {image:.1} dB");
        }
    }

    #[test]
    fn every_third_sample_is_one_that_was_given_whatever_the_pieces() {
        let sound = sine(1_234.0, 8_000.0, 1_000);
        let whole = interpolate(&sound);
        assert_eq!(whole.len(), 3_000);
        assert!(whole.iter().step_by(FACTOR).eq(&sound));
        for piece in [1, 7, 160, 161, 999] {
            let (mut interpolator, mut out) = (Interpolator::default(), Vec::new());
            for _ in 0..2 {
                out.clear();
                sound.chunks(piece).for_each(|pcm| interpolator.push(pcm, &mut out));
                interpolator.finish(&mut out);
                assert_eq!(out, whole, "in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_constant_passes_unchanged_and_the_loudest_sound_saturates_without_wrapping() {
        for level in [i16::MIN, -1, 1, i16::MAX] {
            assert!(interpolate(&[level; 200])[100..400].iter().all(|&x| x == level));
        }
        for filter in FILTERS.iter() {
            let sum: i32 = filter.iter().map(|&tap| i32::from(tap).abs()).sum();
            assert!(sum <= 65_535, "{sum}: i32 would overflow");
            let worst: Vec<i16> = filter.iter().map(|&tap| if tap < 0 { i16::MIN } else { i16::MAX }).collect();
            assert_eq!(convolve(&worst, filter), i16::MAX);
        }
    }
}

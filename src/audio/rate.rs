//! From any sample rate to the telephone's 8 kHz: a windowed sinc, looked up for every position that an output sample can
//! have between two input samples.

use std::collections::VecDeque;
use std::f64::consts::PI;
use std::ops::RangeInclusive;

use crate::audio::mulaw::RATE;

/// The rates that are taken, in Hz: from the telephone's own to that of studios.
pub const RATES: RangeInclusive<u32> = 8_000..=48_000;

/// How far the filter looks to each side, in seconds: as far as that of 24 kHz.
const REACH: f64 = 0.002_6;

/// Where the filter is at one half, in Hz (see [`crate::audio::resample`]).
const CUTOFF: f64 = 3_700.0;

/// Brings samples of one rate to 8 kHz as they come, without shifting them in time. What was given last waits inside for
/// what follows, or for [`Resampler::finish`].
#[derive(Debug)]
pub struct Resampler {
    /// For each position between two input samples, in steps of one output sample's remainder, the filter's taps.
    phases: Vec<Vec<f32>>,
    /// Input samples to each side.
    reach: usize,
    /// Each output sample is this many input samples after the one before, and ...
    step: usize,
    /// ... this many parts of `phases.len()` of one.
    part: usize,
    phase: usize,
    /// The window of the next output sample begins at the first of these, or `skip` behind the last.
    window: VecDeque<i16>,
    skip: usize,
}

impl Resampler {
    /// From `rate` Hz; `None` when it is outside of [`RATES`].
    pub fn new(rate: u32) -> Option<Self> {
        let rate = usize::try_from(rate).ok().filter(|_| RATES.contains(&rate))?;
        let common = common_divisor(rate, RATE);
        let (numerator, count) = (rate / common, RATE / common);
        let reach = whole(REACH * as_f64(rate));
        let phases = (0..count).map(|phase| taps(as_f64(phase) / as_f64(count), reach, rate)).collect();
        // Before the sound there was silence.
        let window = std::iter::repeat_n(0, reach).collect();
        Some(Self { phases, reach, step: numerator / count, part: numerator % count, phase: 0, window, skip: 0 })
    }

    /// Takes samples; appends to `out` those at 8 kHz that are ready.
    pub fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        for &sample in samples {
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            self.window.push_back(sample);
            while self.window.len() >= 2 * self.reach + 2 {
                out.push(convolve(&self.window, &self.phases[self.phase]));
                self.advance();
            }
        }
    }

    /// The sound is over: appends what waited inside. The next sound starts afresh.
    pub fn finish(&mut self, out: &mut Vec<i16>) {
        let silence = vec![0; self.reach + 1];
        self.push(&silence, out);
        self.window = std::iter::repeat_n(0, self.reach).collect();
        (self.phase, self.skip) = (0, 0);
    }

    fn advance(&mut self) {
        self.phase += self.part;
        let carried = usize::from(self.phase >= self.phases.len());
        self.phase -= carried * self.phases.len();
        let by = self.step + carried;
        self.skip = by.saturating_sub(self.window.len());
        self.window.drain(..by.min(self.window.len()));
    }
}

/// The taps for an output sample that lies this far behind the input sample in the middle.
fn taps(behind: f64, reach: usize, rate: usize) -> Vec<f32> {
    let exact: Vec<f64> = (0..2 * reach + 2)
        .map(|i| {
            let at = (as_f64(i) - as_f64(reach) - behind) / as_f64(rate);
            let turn = 2.0 * PI * CUTOFF * at;
            let sinc = if turn.abs() < 1e-9 { 1.0 } else { turn.sin() / turn };
            // Blackman, over the whole reach.
            let place = (at / REACH).clamp(-1.0, 1.0);
            sinc * (0.42 + 0.5 * (PI * place).cos() + 0.08 * (2.0 * PI * place).cos())
        })
        .collect();
    let sum: f64 = exact.iter().sum();
    exact.into_iter().map(|tap| narrow(tap / sum)).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "rounded to the range of a sample; a cast of a float saturates")]
fn convolve(window: &VecDeque<i16>, taps: &[f32]) -> i16 {
    let sum: f32 = window.iter().zip(taps).map(|(&x, &tap)| f32::from(x) * tap).sum();
    sum.round() as i16
}

#[expect(clippy::cast_possible_truncation, reason = "a tap is below one")]
fn narrow(tap: f64) -> f32 {
    tap as f32
}

#[expect(clippy::cast_precision_loss, reason = "rates and indexes of a filter are small")]
fn as_f64(number: usize) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some dozen samples")]
fn whole(samples: f64) -> usize {
    samples.ceil() as usize
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMON: [u32; 8] = [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

    #[expect(clippy::cast_possible_truncation, reason = "a sine is at most one")]
    fn sine(rate: usize, hertz: f64, count: usize) -> Vec<i16> {
        (0..count).map(|n| ((2.0 * PI * hertz * as_f64(n) / as_f64(rate)).sin() * 10_000.0).round() as i16).collect()
    }

    fn convert(rate: u32, sound: &[i16], chunk: usize) -> Vec<i16> {
        let (mut resampler, mut out) = (Resampler::new(rate).unwrap(), Vec::new());
        sound.chunks(chunk).for_each(|chunk| resampler.push(chunk, &mut out));
        resampler.finish(&mut out);
        out
    }

    #[test]
    fn a_tone_of_any_rate_is_the_same_tone_at_the_telephones() {
        for rate in COMMON {
            let count = usize::try_from(rate).unwrap();
            let (out, want) = (convert(rate, &sine(count, 1_000.0, count), 777), sine(RATE, 1_000.0, RATE));
            assert!(out.len().abs_diff(RATE) <= 1, "{rate}: a second stays a second, not {}", out.len());
            let middle = 100..RATE - 100;
            let worst = middle.map(|n| (i32::from(out[n]) - i32::from(want[n])).abs()).max().unwrap();
            assert!(worst < 60, "{rate}: off by {worst} of 10000");
        }
    }

    #[test]
    fn what_the_telephone_cannot_carry_is_not_folded_into_what_it_can() {
        for rate in COMMON.into_iter().filter(|rate| *rate >= 16_000) {
            let count = usize::try_from(rate).unwrap();
            let out = convert(rate, &sine(count, 6_000.0, count), 480);
            let loudest = out[100..RATE - 100].iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            assert!(loudest < 60, "{rate}: {loudest} of 10000 is left");
        }
    }

    #[test]
    fn how_the_sound_is_cut_does_not_matter_and_the_next_starts_afresh() {
        let sound = sine(22_050, 440.0, 5_000);
        let whole = convert(22_050, &sound, 5_000);
        assert_eq!(convert(22_050, &sound, 1), whole);
        let (mut resampler, mut out) = (Resampler::new(22_050).unwrap(), Vec::new());
        for _ in 0..2 {
            out.clear();
            resampler.push(&sound, &mut out);
            resampler.finish(&mut out);
        }
        assert_eq!(out, whole);
    }

    #[test]
    fn rates_that_no_speech_has_are_refused() {
        for rate in [0, 7_999, 48_001, u32::MAX] {
            assert!(Resampler::new(rate).is_none(), "{rate}");
        }
    }
}

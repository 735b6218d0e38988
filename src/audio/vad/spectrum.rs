//! How the spectrum of the line moves from frame to frame.

use std::f32::consts::PI;
use std::sync::LazyLock;

use microfft::real::rfft_256;

use super::as_f32;
use super::voicing::dot;

/// Samples a spectrum is made of: 32 ms.
pub(super) const WINDOW: usize = 256;

/// How many frames back a spectrum is compared: 60 ms, in which a syllable has moved on and a note has not.
pub(super) const BACK: usize = 3;

/// How many frames back its bands are: 40 ms.
const FLUX_BACK: usize = 2;

/// Spectra that are kept.
const KEPT: usize = BACK + 1;

/// The bins that are looked at, 31.25 Hz each: from 281 to 3469 Hz.
const FIRST: usize = 9;
const BINS: usize = 103;

/// The bins from which on each band begins, counted from [`FIRST`], and the end; about a third of an octave each.
const EDGES: [usize; BANDS + 1] = [0, 4, 9, 14, 20, 28, 38, 49, 63, 81, BINS];
const BANDS: usize = 10;

/// Power and amplitude that are no sound, at the scale of 16-bit samples: what keeps silence from being full of change.
const NO_POWER: f32 = 1_000.0;
const NO_AMPLITUDE: f32 = 30.0;

static HANN: LazyLock<[f32; WINDOW]> =
    LazyLock::new(|| std::array::from_fn(|n| 0.5 - 0.5 * (2.0 * PI * as_f32(n) / as_f32(WINDOW)).cos()));

/// The last spectra of the line.
#[derive(Debug)]
pub(super) struct Spectrum {
    kept: [Shape; KEPT],
    newest: usize,
}

/// One spectrum.
#[derive(Clone, Copy, Debug)]
struct Shape {
    amplitudes: [f32; BINS],
    /// The root of their squares' sum.
    length: f32,
    /// The levels of the bands in dB, less their mean.
    bands: [f32; BANDS],
    flatness: f32,
}

/// What the newest spectrum shows beside those before it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Motion {
    /// From 0, nothing in common with 60 ms ago, to 1, the same.
    pub(super) alike: f32,
    /// By how many dB a band's share differs from 40 ms ago, on average.
    pub(super) flux: f32,
    /// How far the geometric mean of the powers is from their mean, in nepers: noise -0.6, a vowel -3, a pure tone -8.
    pub(super) flatness: f32,
}

impl Default for Spectrum {
    fn default() -> Self {
        let silence = Shape { amplitudes: [0.0; BINS], length: NO_AMPLITUDE, bands: [0.0; BANDS], flatness: 0.0 };
        Self { kept: [silence; KEPT], newest: 0 }
    }
}

impl Spectrum {
    /// Takes the 32 ms that end with a frame.
    pub(super) fn take(&mut self, window: &[f32]) {
        let mut work = [0.0; WINDOW];
        for ((slot, x), hann) in work.iter_mut().zip(window).zip(&*HANN) {
            *slot = x * hann;
        }
        let mut powers = [0.0; BINS];
        for (power, bin) in powers.iter_mut().zip(&rfft_256(&mut work)[FIRST..]) {
            *power = bin.re * bin.re + bin.im * bin.im;
        }
        self.newest = (self.newest + 1) % KEPT;
        let sum = powers.iter().sum::<f32>();
        self.kept[self.newest] = Shape {
            amplitudes: powers.map(f32::sqrt),
            length: sum.sqrt() + NO_AMPLITUDE,
            bands: bands(&powers),
            flatness: mean_ln(&powers) - (sum / as_f32(BINS) + NO_POWER).ln(),
        };
    }

    /// What the last spectrum shows.
    pub(super) fn motion(&self) -> Motion {
        let (now, then) = (self.back(0), self.back(BACK));
        let alike = dot(&now.amplitudes, &then.amplitudes) / (now.length * then.length);
        let apart = now.bands.iter().zip(&self.back(FLUX_BACK).bands).map(|(a, b)| (a - b).abs());
        Motion { alike, flux: apart.sum::<f32>() / as_f32(BANDS), flatness: now.flatness }
    }

    fn back(&self, frames: usize) -> &Shape {
        &self.kept[(self.newest + KEPT - frames) % KEPT]
    }
}

fn bands(powers: &[f32; BINS]) -> [f32; BANDS] {
    let mut levels = [0.0; BANDS];
    for (level, edge) in levels.iter_mut().zip(EDGES.windows(2)) {
        let power: f32 = powers[edge[0]..edge[1]].iter().sum();
        *level = 10.0 * (power + NO_POWER).log10();
    }
    let mean = levels.iter().sum::<f32>() / as_f32(BANDS);
    levels.map(|level| level - mean)
}

/// The mean of the logarithms. Products of eight stay far below the range of f64 and save as many logarithms.
fn mean_ln(powers: &[f32; BINS]) -> f32 {
    let product = |some: &[f32]| some.iter().map(|&power| f64::from(power + NO_POWER)).product::<f64>();
    let sum: f64 = powers.chunks(8).map(|some| product(some).ln()).sum();
    narrow(sum) / as_f32(BINS)
}

#[expect(clippy::cast_possible_truncation, reason = "a sum of a hundred logarithms needs no f64")]
fn narrow(sum: f64) -> f32 {
    sum as f32
}

//! Sound at 8 kHz as numbers from -1 to 1, and what is done to it: levels, mixing, the telephone's band and codecs.

use std::f64::consts::PI;
use std::io::Write;
use std::process::{Command, Stdio};

use callme::audio::mulaw;

/// Samples a second.
pub(crate) const RATE: usize = mulaw::RATE;

/// Chance with a seed (`SplitMix64`), the same on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    pub(crate) fn unit(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).expect("32 bits")) / f64::from(u32::MAX)
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    pub(crate) fn samples(&mut self, seconds: std::ops::Range<f64>) -> usize {
        at(self.between(seconds.start, seconds.end))
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let index = self.next() % u64::try_from(of.len()).expect("a length");
        &of[usize::try_from(index).expect("an index")]
    }

    /// Of the normal distribution.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.unit().max(1e-12).ln()).sqrt();
        radius * (2.0 * PI * self.unit()).cos()
    }
}

/// The sample so many seconds from the beginning.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "scenes are some minutes long")]
pub(crate) fn at(seconds: f64) -> usize {
    (seconds * as_f64(RATE)).round() as usize
}

#[expect(clippy::cast_precision_loss, reason = "scenes are far from 2^52 samples")]
pub(crate) fn as_f64(count: usize) -> f64 {
    count as f64
}

/// The factor of so many dB.
pub(crate) fn gain(db: f64) -> f64 {
    10_f64.powf(db / 20.0)
}

/// dB below full scale of the mean power.
pub(crate) fn level(sound: &[f64]) -> f64 {
    let power = sound.iter().map(|x| x * x).sum::<f64>() / as_f64(sound.len().max(1));
    10.0 * power.max(1e-12).log10()
}

/// The level while it sounds: of the 20 ms frames within 25 dB of the loudest.
pub(crate) fn active_level(sound: &[f64]) -> f64 {
    let powers: Vec<f64> = sound.chunks(160).map(|f| f.iter().map(|x| x * x).sum::<f64>() / as_f64(f.len())).collect();
    let loudest = powers.iter().copied().fold(0.0, f64::max);
    let active: Vec<f64> = powers.into_iter().filter(|p| *p > loudest * gain(-50.0)).collect();
    10.0 * (active.iter().sum::<f64>() / as_f64(active.len().max(1))).max(1e-12).log10()
}

pub(crate) fn scale(sound: &mut [f64], factor: f64) {
    for x in sound {
        *x *= factor;
    }
}

/// Adds `what` to `into`, from sample `from` on; what reaches beyond the end is lost.
pub(crate) fn mix(into: &mut [f64], what: &[f64], from: usize) {
    for (x, y) in into.iter_mut().skip(from).zip(what) {
        *x += y;
    }
}

/// A second-order filter.
#[derive(Clone, Debug)]
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    x: [f64; 2],
    y: [f64; 2],
}

impl Biquad {
    fn new(hertz: f64, q: f64, high: bool) -> Self {
        let w = 2.0 * PI * hertz / as_f64(RATE);
        let alpha = w.sin() / (2.0 * q);
        let (c, a0) = (w.cos(), 1.0 + alpha);
        let edge = if high { 1.0 + c } else { 1.0 - c };
        let middle = if high { -edge } else { edge };
        Self {
            b: [edge / 2.0 / a0, middle / a0, edge / 2.0 / a0],
            a: [-2.0 * c / a0, (1.0 - alpha) / a0],
            x: [0.0; 2],
            y: [0.0; 2],
        }
    }

    fn step(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.b[1] * self.x[0] + self.b[2] * self.x[1]
            - self.a[0] * self.y[0]
            - self.a[1] * self.y[1];
        self.x = [x, self.x[0]];
        self.y = [y, self.y[0]];
        y
    }
}

/// The telephone's band, 300 to 3400 Hz, fourth order at each edge.
pub(crate) fn telephone_band(sound: &mut [f64]) {
    let edges = [(300.0, 0.541, true), (300.0, 1.307, true), (3400.0, 0.541, false), (3400.0, 1.307, false)];
    for (hertz, q, high) in edges {
        let mut filter = Biquad::new(hertz, q, high);
        for x in &mut *sound {
            *x = filter.step(*x);
        }
    }
}

/// What lies between the person's phone and us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// G.711 only, in its full band, as a computer's phone sends it.
    Wide,
    /// G.711 in the telephone's band.
    Fixed,
    /// GSM full rate, then G.711.
    Gsm,
    /// AMR at 12.2 kbit/s, then G.711.
    Amr,
}

pub(crate) const LINES: [Line; 4] = [Line::Wide, Line::Fixed, Line::Gsm, Line::Amr];

impl Line {
    /// The sound as it arrives.
    pub(crate) fn carry(self, mut sound: Vec<f64>) -> Vec<u8> {
        if self != Self::Wide {
            telephone_band(&mut sound);
        }
        let pcm = to_pcm(&sound);
        let pcm = match self {
            Self::Wide | Self::Fixed => pcm,
            Self::Gsm => through(&pcm, &["-t", "gsm"]),
            Self::Amr => through(&pcm, &["-C", "7", "-t", "amr-nb"]),
        };
        let mut ulaw = Vec::with_capacity(pcm.len());
        mulaw::encode(&pcm, &mut ulaw);
        ulaw
    }
}

#[expect(clippy::cast_possible_truncation, reason = "an `as` from float saturates, which is what a line does")]
pub(crate) fn to_pcm(sound: &[f64]) -> Vec<i16> {
    sound.iter().map(|x| (x * 32_767.0).round() as i16).collect()
}

/// There and back through a codec of sox.
fn through(pcm: &[i16], codec: &[&str]) -> Vec<i16> {
    const RAW: [&str; 12] = ["-t", "raw", "-r", "8000", "-c", "1", "-e", "signed", "-b", "16", "-L", "-"];
    let bytes: Vec<u8> = pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let coded = run("sox", &[&["-V1", "-D"], &RAW[..], codec, &["-"]].concat(), bytes);
    let back = run("sox", &[&["-V1", "-D"], &codec[codec.len() - 2..], &["-"], &RAW[..]].concat(), coded);
    let mut out: Vec<i16> = back.as_chunks::<2>().0.iter().map(|&pair| i16::from_le_bytes(pair)).collect();
    out.resize(pcm.len(), 0);
    out
}

/// What a program makes of its input.
///
/// # Panics
/// When it is not there (`scripts/setup` installs it) or fails.
pub(crate) fn run(program: &str, arguments: &[&str], input: Vec<u8>) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}; scripts/setup installs it"));
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("its output can be read");
    writer.join().expect("writing does not panic");
    assert!(output.status.success(), "{program} {arguments:?} failed");
    output.stdout
}

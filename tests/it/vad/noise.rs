//! Everything on a line that is not speech.

use std::f64::consts::PI;

use super::sound::{Dice, RATE, as_f64, at, gain, level, mix, scale};

/// Noise of one kind, at a level below full scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Noise {
    Silence,
    White(f64),
    Pink(f64),
    /// The mains' hum with its harmonics: frequency and level.
    Hum(f64, f64),
    /// White noise whose level jumps by up to 20 dB, as comfort noise does, up to this one.
    Steps(f64),
    Music(Style, f64),
    /// Digits on the keypad, short and long.
    Keys(f64),
    /// Ringing, busy, and the beep of an answering machine.
    Tones(f64),
    /// Knocks and the clatter of a keyboard.
    Clatter(f64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Chords with vibrato, and a drum kit.
    Band,
    /// Broken chords on something plucked.
    Piano,
    /// One voice with vibrato above soft chords.
    Melody,
    /// One voice alone.
    Solo,
}

pub(crate) fn make(noise: Noise, length: usize, dice: &mut Dice) -> Vec<f64> {
    let (mut sound, db) = match noise {
        Noise::Silence => return vec![0.0; length],
        Noise::White(db) => (white(length, dice), db),
        Noise::Pink(db) => (pink(length, dice), db),
        Noise::Hum(hertz, db) => (hum(hertz, length, dice), db),
        Noise::Steps(db) => return steps(db, length, dice),
        Noise::Music(style, db) => (music(style, length, dice), db),
        Noise::Keys(db) => return keys(db, length, dice),
        Noise::Tones(db) => return tones(db, length, dice),
        Noise::Clatter(db) => return clatter(db, length, dice),
    };
    let loudness = level(&sound);
    scale(&mut sound, gain(db - loudness));
    sound
}

fn white(length: usize, dice: &mut Dice) -> Vec<f64> {
    (0..length).map(|_| dice.normal()).collect()
}

/// -3 dB an octave: the sum of three first-order filters over white noise (Kellet's economy method).
fn pink(length: usize, dice: &mut Dice) -> Vec<f64> {
    let mut b = [0.0; 3];
    (0..length)
        .map(|_| {
            let w = dice.normal();
            b[0] = 0.99765 * b[0] + w * 0.099_046_0;
            b[1] = 0.963 * b[1] + w * 0.296_516_4;
            b[2] = 0.57 * b[2] + w * 1.052_691_3;
            b[0] + b[1] + b[2] + w * 0.1848
        })
        .collect()
}

fn sine(hertz: f64, n: usize) -> f64 {
    (2.0 * PI * hertz * as_f64(n) / as_f64(RATE)).sin()
}

fn hum(hertz: f64, length: usize, dice: &mut Dice) -> Vec<f64> {
    let parts: Vec<(f64, f64, f64)> = (1..=24)
        .map(|k| (f64::from(k) * hertz, dice.between(0.3, 1.0) / f64::from(k).powf(0.7), dice.between(0.0, 2.0 * PI)))
        .collect();
    let swell = dice.between(0.05, 0.3);
    (0..length)
        .map(|n| {
            let time = as_f64(n) / as_f64(RATE);
            let sum: f64 = parts.iter().map(|(f, a, phase)| a * (2.0 * PI * f * time + phase).sin()).sum();
            sum * (1.0 + 0.2 * (2.0 * PI * swell * time).sin())
        })
        .collect()
}

fn steps(db: f64, length: usize, dice: &mut Dice) -> Vec<f64> {
    let mut out = Vec::with_capacity(length);
    while out.len() < length {
        let factor = gain(db - dice.between(0.0, 20.0));
        let count = dice.samples(0.4..4.0);
        out.extend((0..count).map(|_| factor * dice.normal()));
    }
    out.truncate(length);
    out
}

/// A tone of some partials: adds `count` samples from `from` on.
#[derive(Clone, Copy)]
struct Tone {
    hertz: f64,
    loud: f64,
    partials: u32,
    /// Each partial's share falls with this power of its number.
    slope: f64,
    /// Depth of the vibrato, as a share of the frequency.
    vibrato: f64,
    attack: f64,
    /// Seconds in which it falls to 1/e; none for a tone that is held.
    decay: Option<f64>,
}

fn play(into: &mut [f64], tone: Tone, from: usize, count: usize) {
    let mut phase = 0.0;
    for n in 0..count {
        let Some(x) = into.get_mut(from + n) else { return };
        let time = as_f64(n) / as_f64(RATE);
        let left = as_f64(count - n) / as_f64(RATE);
        phase += 2.0 * PI * tone.hertz * (1.0 + tone.vibrato * (2.0 * PI * 5.5 * time).sin()) / as_f64(RATE);
        let mut shape = (time / tone.attack).min(1.0) * (left / 0.03).min(1.0);
        if let Some(decay) = tone.decay {
            shape *= (-time / decay).exp();
        }
        let sum: f64 = (1..=tone.partials)
            .filter(|k| tone.hertz * f64::from(*k) < 3_800.0)
            .map(|k| (phase * f64::from(k)).sin() / f64::from(k).powf(tone.slope))
            .sum();
        *x += tone.loud * shape * sum;
    }
}

/// The note so many halftones above A at 220 Hz.
fn note(halftones: f64) -> f64 {
    220.0 * (halftones / 12.0).exp2()
}

const CHORDS: [[f64; 3]; 6] =
    [[3.0, 7.0, 10.0], [0.0, 3.0, 7.0], [8.0, 12.0, 15.0], [-2.0, 2.0, 5.0], [5.0, 8.0, 12.0], [-5.0, -1.0, 2.0]];
const SCALE: [f64; 9] = [0.0, 3.0, 5.0, 7.0, 10.0, 12.0, 15.0, 17.0, 19.0];

fn music(style: Style, length: usize, dice: &mut Dice) -> Vec<f64> {
    let mut out = vec![0.0; length];
    let beat = at(dice.between(0.35, 0.7));
    let mut from = 0;
    let mut bar = 0_u32;
    while from < length {
        let chord = *dice.pick(&CHORDS);
        let held = Tone { hertz: 0.0, loud: 0.3, partials: 7, slope: 1.1, vibrato: 0.004, attack: 0.06, decay: None };
        match style {
            Style::Band | Style::Melody => {
                let loud = if style == Style::Band { 0.3 } else { 0.12 };
                for halftones in chord {
                    play(&mut out, Tone { hertz: note(halftones), loud, ..held }, from, 4 * beat);
                }
            }
            Style::Piano => {
                for n in 0..8 {
                    let hertz = note(chord[n % 3] + if n > 3 { 12.0 } else { 0.0 });
                    let tone = Tone { hertz, partials: 6, vibrato: 0.0, attack: 0.004, decay: Some(0.35), ..held };
                    play(&mut out, tone, from + n * beat / 2, 2 * beat);
                }
            }
            Style::Solo => {}
        }
        if matches!(style, Style::Melody | Style::Solo) {
            let mut place = 0;
            while place < 4 * beat {
                let long = *dice.pick(&[beat / 2, beat, 2 * beat]);
                let tone = Tone { hertz: note(12.0 + dice.pick(&SCALE)), loud: 0.6, vibrato: 0.008, ..held };
                if dice.unit() < 0.85 {
                    play(&mut out, tone, from + place, long);
                }
                place += long;
            }
        }
        if style == Style::Band {
            for n in 0..8 {
                let (loud, decay) = if n % 4 == 2 { (1.0, 0.05) } else { (0.35, 0.02) };
                mix(&mut out, &burst(loud, decay, dice), from + n * beat / 2);
                if n % 4 == 0 {
                    let kick = Tone { hertz: 70.0, loud: 1.5, partials: 2, decay: Some(0.08), attack: 0.002, ..held };
                    play(&mut out, kick, from + n * beat / 2, at(0.3));
                }
            }
        }
        from += 4 * beat;
        bar += 1;
        // A breath between two parts.
        if bar.is_multiple_of(8) {
            from += beat;
        }
    }
    out
}

fn burst(loud: f64, decay: f64, dice: &mut Dice) -> Vec<f64> {
    (0..at(decay * 6.0)).map(|n| loud * dice.normal() * 0.5 * (-as_f64(n) / as_f64(RATE) / decay).exp()).collect()
}

const ROWS: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];

fn pair(loud: f64, hertz: [f64; 2], count: usize) -> Vec<f64> {
    (0..count).map(|n| loud * (sine(hertz[0], n) + sine(hertz[1], n))).collect()
}

fn keys(db: f64, length: usize, dice: &mut Dice) -> Vec<f64> {
    let mut out = make(Noise::White(-62.0), length, dice);
    let mut from = at(0.5);
    while from < length {
        let count = if dice.unit() < 0.2 { dice.samples(0.4..2.0) } else { dice.samples(0.06..0.25) };
        let digit = pair(gain(db), [*dice.pick(&ROWS), *dice.pick(&COLUMNS)], count);
        mix(&mut out, &digit, from);
        from += count + if dice.unit() < 0.2 { dice.samples(1.0..4.0) } else { dice.samples(0.06..0.3) };
    }
    out
}

fn tones(db: f64, length: usize, dice: &mut Dice) -> Vec<f64> {
    const SIGNALS: [([f64; 2], f64, f64, u32); 6] = [
        ([440.0, 480.0], 2.0, 4.0, 2),
        ([400.0, 450.0], 0.4, 0.2, 4),
        ([425.0, 425.0], 0.5, 0.5, 5),
        ([480.0, 620.0], 0.25, 0.25, 6),
        ([1000.0, 1000.0], 0.8, 1.5, 1),
        ([950.0, 1400.0], 0.33, 0.03, 3),
    ];
    let mut out = make(Noise::White(-62.0), length, dice);
    let mut from = at(0.5);
    while from < length {
        let (hertz, on, off, times) = *dice.pick(&SIGNALS);
        for _ in 0..times {
            mix(&mut out, &pair(gain(db), hertz, at(on)), from);
            from += at(on + off);
        }
        from += dice.samples(0.5..3.0);
    }
    out
}

fn clatter(db: f64, length: usize, dice: &mut Dice) -> Vec<f64> {
    let mut out = make(Noise::Pink(-60.0), length, dice);
    let mut from = at(0.5);
    while from < length {
        if dice.unit() < 0.3 {
            // A knock: a damped low tone.
            let tone = Tone {
                hertz: dice.between(120.0, 500.0),
                loud: gain(db + 6.0),
                partials: 3,
                slope: 1.0,
                vibrato: 0.0,
                attack: 0.001,
                decay: Some(dice.between(0.015, 0.05)),
            };
            play(&mut out, tone, from, at(0.3));
            from += dice.samples(0.15..1.5);
        } else {
            let decay = dice.between(0.003, 0.012);
            mix(&mut out, &burst(gain(db + 6.0), decay, dice), from);
            from += dice.samples(0.08..0.3);
        }
    }
    out
}

//! Babble: a buzz through two resonances that move with the letters. Every text has its own.

use std::f32::consts::TAU;

use super::Speaker;

const RATE: f32 = 24_000.0;
/// 60 ms a letter: about the pace of telephone speech.
const LETTER: usize = 1440;
/// Samples over which a letter fades in and out.
const FADE: usize = 240;

/// The babble of `text`, 24 kHz.
pub(super) fn speak(speaker: Speaker, text: &str) -> Vec<i16> {
    let base_pitch = match speaker {
        Speaker::Agent => 115.0,
        Speaker::Person => 185.0,
    };
    let mut chance = seed(speaker, text);
    let mut random = move || {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        // 16 bits of it, as -1..1.
        f32::from(u16::try_from(chance >> 48).expect("16 bits fit")) / 32_768.0 - 1.0
    };
    let mut out = Vec::with_capacity((text.chars().count() + 1) * LETTER);
    let mut phase = 0.0;
    let mut throat = [Resonance::default(), Resonance::default()];
    for letter in text.chars() {
        // The random part of the pitch makes each text's sound its own from the first sample on.
        let pitch = base_pitch * (1.0 + 0.15 * random());
        if !letter.is_alphanumeric() {
            out.extend(std::iter::repeat_n(0, LETTER));
            continue;
        }
        let vowel = "aeiouyAEIOUY".contains(letter);
        let tone = u16::try_from(u32::from(letter) % 17).expect("a rest is small");
        let formants = [280.0 + 35.0 * f32::from(tone), 2300.0 - 80.0 * f32::from(tone)];
        throat.iter_mut().zip(formants).for_each(|(resonance, formant)| resonance.tune(formant));
        let loud = if vowel { 1.0 } else { 0.55 };
        for n in 0..LETTER {
            phase = (phase + pitch / RATE).fract();
            let buzz = (1.0 - 2.0 * phase) * 0.6 + random() * if vowel { 0.05 } else { 0.35 };
            let sound: f32 = throat.iter_mut().map(|r| r.pass(buzz)).sum();
            let edge = n.min(LETTER - 1 - n).min(FADE);
            let envelope = 0.35 + 0.65 * f32::from(u16::try_from(edge).expect("a fade is short")) / 240.0;
            #[expect(clippy::cast_possible_truncation, reason = "clamped to the range of a sample")]
            out.push((sound * envelope * loud * 40_000.0).clamp(-30_000.0, 30_000.0) as i16);
        }
    }
    // A letter's worth of silence ends the last one cleanly; an empty text is that silence alone.
    out.extend(std::iter::repeat_n(0, LETTER));
    out
}

/// A two-pole resonance, 120 Hz wide, as loud at its peak as what comes in.
#[derive(Default)]
struct Resonance {
    gain: f32,
    turn: f32,
    last: [f32; 2],
}

impl Resonance {
    const RADIUS: f32 = 0.984;

    /// Moves it to another frequency.
    fn tune(&mut self, frequency: f32) {
        let angle = TAU * frequency / RATE;
        let r = Self::RADIUS;
        self.gain = (1.0 - r) * (1.0 - 2.0 * r * (2.0 * angle).cos() + r * r).sqrt();
        self.turn = 2.0 * r * angle.cos();
    }

    fn pass(&mut self, input: f32) -> f32 {
        let out = input * self.gain + self.turn * self.last[0] - Self::RADIUS * Self::RADIUS * self.last[1];
        self.last = [out, self.last[0]];
        out
    }
}

/// FNV-1a; never zero, which the generator could not leave.
fn seed(speaker: Speaker, text: &str) -> u64 {
    let who = match speaker {
        Speaker::Agent => 1,
        Speaker::Person => 2,
    };
    text.bytes().fold(0xcbf2_9ce4_8422_2325 ^ who, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)) | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn babble_takes_60_ms_a_letter_repeats_itself_and_differs_by_text_and_speaker() {
        let yes = speak(Speaker::Person, "yes");
        assert_eq!(yes.len(), 4 * LETTER);
        assert_eq!(yes, speak(Speaker::Person, "yes"));
        let other = speak(Speaker::Person, "yes please");
        assert_ne!(yes[..LETTER], other[..LETTER]);
        assert_ne!(yes, speak(Speaker::Agent, "yes"));
    }

    #[test]
    fn babble_is_as_loud_as_speech_and_is_not_clipped() {
        let sound = speak(Speaker::Agent, "Your deployment is finished, shall I go on?");
        let loudest = sound.iter().map(|s| s.unsigned_abs()).max().unwrap();
        let power =
            sound.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / f64::from(u32::try_from(sound.len()).unwrap());
        assert!((8_000..30_000).contains(&loudest), "{loudest}");
        assert!((1_000.0..8_000.0).contains(&power.sqrt()), "{}", power.sqrt());
    }
}

//! One frame, looked at as closely as it deserves.

use crate::audio::mulaw::{self, FRAME};

use super::as_f32;
use super::loudness::{SILENCE, db};
use super::spectrum::{BACK, Motion, Spectrum, WINDOW};
use super::voicing::{LEAST, Voicing};

/// The past that is kept: a window for the newest frame and for those it is compared with.
const PAST: usize = WINDOW + BACK * FRAME;

/// What a frame shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// dB below full scale.
    pub(super) level: f32,
    /// By how many dB it is louder than the frame before it.
    pub(super) rise: f32,
    /// From 0, no pitch, to 1; 0 where it was not worth a look.
    pub(super) pitch: f32,
    /// Nothing where there is little pitch.
    pub(super) motion: Motion,
}

/// Turns frames into what they show.
#[derive(Debug)]
pub(super) struct Looker {
    high_pass: HighPass,
    past: [f32; PAST],
    last_level: f32,
    voicing: Voicing,
    spectrum: Spectrum,
    /// How many frames before the newest one the spectrum has not seen, up to [`BACK`].
    unseen: usize,
}

impl Default for Looker {
    fn default() -> Self {
        Self {
            high_pass: HighPass::default(),
            past: [0.0; PAST],
            last_level: SILENCE,
            voicing: Voicing::default(),
            spectrum: Spectrum::default(),
            unseen: 0,
        }
    }
}

impl Looker {
    /// Looks at a frame. Noise, which most frames are, costs little: a pitch is looked for only above the level `worth`,
    /// and the spectrum is made only where there is one. It then catches up on the frames it compares with.
    pub(super) fn look(&mut self, ulaw: &[u8; FRAME], worth: f32) -> Look {
        self.past.copy_within(FRAME.., 0);
        let frame = &mut self.past[PAST - FRAME..];
        for (slot, &code) in frame.iter_mut().zip(ulaw) {
            *slot = self.high_pass.step(f32::from(mulaw::sample(code)));
        }
        let level = db(frame.iter().map(|x| x * x).sum::<f32>() / as_f32(FRAME));
        let rise = level - self.last_level;
        self.last_level = level;
        self.voicing.take(frame);
        let pitch = if level > worth { self.voicing.strength() } else { 0.0 };
        let motion = if pitch > LEAST { self.move_on() } else { self.pass_over() };
        Look { level, rise, pitch, motion }
    }

    fn move_on(&mut self) -> Motion {
        for back in (1..=self.unseen).rev() {
            let end = PAST - back * FRAME;
            self.spectrum.take(&self.past[end - WINDOW..end]);
        }
        self.unseen = 0;
        self.spectrum.take(&self.past[PAST - WINDOW..]);
        self.spectrum.motion()
    }

    fn pass_over(&mut self) -> Motion {
        self.unseen = (self.unseen + 1).min(BACK);
        Motion::default()
    }
}

/// Takes away what the telephone does not carry, and the mains with its first harmonics: Butterworth of second order, at
/// 250 Hz.
#[derive(Debug, Default)]
struct HighPass {
    x: [f32; 2],
    y: [f32; 2],
}

impl HighPass {
    /// By the bilinear transform: the numerator is `B * (1, -2, 1)`.
    const B: f32 = 0.870_330_8;
    const A: [f32; 2] = [-1.723_776_2, 0.757_546_9];

    fn step(&mut self, x: f32) -> f32 {
        let y = Self::B * (x - 2.0 * self.x[0] + self.x[1]) - Self::A[0] * self.y[0] - Self::A[1] * self.y[1];
        self.x = [x, self.x[0]];
        self.y = [y, self.y[0]];
        y
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::PI;

    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "the amplitude fits")]
    fn sine(hertz: f32, frame: usize) -> [u8; FRAME] {
        let pcm: Vec<i16> = (0..FRAME)
            .map(|n| (8_000.0 * (2.0 * PI * hertz * as_f32(frame * FRAME + n) / 8_000.0).sin()) as i16)
            .collect();
        let mut ulaw = Vec::new();
        mulaw::encode(&pcm, &mut ulaw);
        ulaw.try_into().unwrap()
    }

    #[test]
    fn a_low_hum_is_soft_and_a_tone_of_speech_is_as_loud_as_it_is() {
        for (hertz, want, near) in [(50.0, -43.0, 1.0), (100.0, -31.0, 1.0), (1_000.0, -15.3, 0.2)] {
            let mut looker = Looker::default();
            let level = (0..20).map(|n| looker.look(&sine(hertz, n), SILENCE).level).last().unwrap();
            assert!((level - want).abs() < near, "{hertz} Hz: {level} dB");
        }
    }

    #[test]
    fn a_look_after_a_pause_shows_what_looks_at_every_frame_would_have() {
        let frames: Vec<[u8; FRAME]> = (0..60).map(|n| sine(200.0 + 17.0 * as_f32(n), n)).collect();
        for pause in 0..6 {
            let (mut all, mut some) = (Looker::default(), Looker::default());
            for (n, frame) in frames.iter().enumerate() {
                let whole = all.look(frame, SILENCE);
                let passes = n % 12 < pause;
                let part = some.look(frame, if passes { 0.0 } else { SILENCE });
                if passes {
                    assert!(part.pitch == 0.0 && part.motion.alike == 0.0);
                } else {
                    assert_eq!(format!("{whole:?}"), format!("{part:?}"), "frame {n} with pauses of {pause}");
                }
            }
        }
    }
}

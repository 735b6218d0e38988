//! What may come back of our own voice.
//!
//! Our echo is speech too; only its loudness tells it from the person's. At first all is taken for echo that is not
//! louder than the worst line would give back. While we speak and the person does not, the line shows what it does give
//! back, and when ([`alignment`]), and softer speech is believed. When something was heard over that, which may have been
//! an echo that became louder, the worst is expected again.

use super::loudness::{Loudness, SILENCE};

use alignment::Alignment;

mod alignment;

/// The level that the worst line gives back, in dB above our own: an echo at -20 dB, and 4 dB for what a room adds to
/// some sounds and takes from others.
const WORST: f32 = -16.0;
/// Above the loudest that came back.
const MARGIN: f32 = 6.0;
/// What is softer is not our echo, but the line's noise.
const LEAST: f32 = -45.0;

/// Frames in a step of memory, and steps: what we played up to 0.8 s ago may come back now.
const STEP: usize = 5;
const STEPS: usize = 8;

/// Frames in which we must be heard for a part of the lesson (0.5 s), and parts that are believed. The newest is not
/// yet: the person may have begun in it.
const PART: usize = 25;
const PARTS: usize = 3;

/// Speech that begins within so many dB of what the echo may be has begun under it.
const NEAR: f32 = 10.0;

/// We are silent to this ear below it, in dB below full scale; nothing is learned from a pause.
const PAUSE: f32 = -40.0;

/// What we play, and what comes back.
#[derive(Debug)]
pub(super) struct Echo {
    ours: Option<Loudness>,
    /// Our loudest in the last steps, newest first, in dB below full scale.
    loudest: [f32; STEPS],
    frames: usize,
    /// The most that comes back, in dB above our own.
    gain: f32,
    /// The loudest that came back in the last parts, newest first, as a gain.
    parts: [f32; PARTS + 1],
    known: usize,
    /// The part that is not complete: its frames, and its loudest.
    heard: usize,
    most: f32,
    person: bool,
    alignment: Alignment,
}

impl Default for Echo {
    fn default() -> Self {
        Self {
            ours: None,
            loudest: [SILENCE; STEPS],
            frames: 0,
            gain: WORST,
            parts: [SILENCE; PARTS + 1],
            known: 0,
            heard: 0,
            most: SILENCE,
            person: false,
            alignment: Alignment::default(),
        }
    }
}

impl Echo {
    pub(super) fn we_play(&mut self, ours: Option<Loudness>) {
        self.ours = ours;
        if let Some(ours) = ours {
            self.loudest[0] = self.loudest[0].max(ours.db());
        }
        self.alignment.we_play(ours.map_or(SILENCE, Loudness::db));
    }

    pub(super) fn is_audible(&self) -> bool {
        self.ours.is_some()
    }

    /// The level up to which a frame may be echo, in dB below full scale.
    pub(super) fn bound(&self) -> f32 {
        let loudest = max(&self.loudest);
        let rough = loudest + self.gain;
        self.alignment.bound(loudest).map_or(rough, |bound| bound.min(rough))
    }

    /// Whether it is known when how much of us comes back.
    pub(super) fn is_known(&self) -> bool {
        self.alignment.is_known()
    }

    /// Whether an echo that is known may have hidden how a sound of this level began.
    pub(super) fn hides(&self, level: f32) -> bool {
        self.is_known() && level < self.bound() + NEAR
    }

    /// Whether what passes for speech cannot be an echo with another delay than the known one.
    pub(super) fn is_other(&self) -> bool {
        self.alignment.is_other()
    }

    /// Takes a frame that passes for speech and may be an echo with another delay. Says whether there were so many that
    /// what was known must be wrong; the worst is expected then.
    pub(super) fn doubt(&mut self) -> bool {
        let forgets = self.alignment.doubt();
        if forgets {
            self.gain = WORST;
            (self.known, self.heard, self.most) = (0, 0, SILENCE);
        }
        forgets
    }

    /// Takes the level of a frame, how much it is speech (0 to 1), and whether it belongs to the person's.
    pub(super) fn take(&mut self, level: f32, speech: f32, person: bool) {
        let loudest = max(&self.loudest);
        if person {
            (self.known, self.heard, self.most) = (0, 0, SILENCE);
        } else if self.person {
            self.gain = WORST;
        } else if loudest > PAUSE {
            self.learn(level - loudest);
        }
        self.person = person;
        self.alignment.take(level, speech, person, loudest);
        self.frames += 1;
        if self.frames == STEP {
            self.frames = 0;
            self.loudest.rotate_right(1);
            self.loudest[0] = self.ours.map_or(SILENCE, Loudness::db);
        }
    }

    fn learn(&mut self, gain: f32) {
        self.most = self.most.max(gain);
        self.heard += 1;
        if self.heard < PART {
            return;
        }
        self.parts.rotate_right(1);
        self.parts[0] = self.most;
        self.known += 1;
        (self.heard, self.most) = (0, SILENCE);
        if self.known > PARTS {
            self.gain = (max(&self.parts[1..]) + MARGIN).clamp(LEAST, WORST);
        }
    }
}

fn max(levels: &[f32]) -> f32 {
    levels.iter().copied().fold(SILENCE, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many frames of us at -20 dB, of which `level` comes back.
    fn speak(echo: &mut Echo, frames: usize, level: f32) {
        for _ in 0..frames {
            echo.we_play(Some(Loudness::from_db(-20.0)));
            echo.take(level, 0.0, false);
        }
    }

    fn bound_is(echo: &Echo, want: f32) {
        assert!((echo.bound() - want).abs() < 0.01, "{} is not {want}", echo.bound());
    }

    #[test]
    fn the_worst_is_expected_until_the_line_has_shown_better() {
        let mut echo = Echo::default();
        speak(&mut echo, 99, -60.0);
        bound_is(&echo, -36.0);
        speak(&mut echo, 1, -60.0);
        bound_is(&echo, -54.0);
        speak(&mut echo, 200, -30.0);
        bound_is(&echo, -36.0);
    }

    #[test]
    fn what_the_person_says_is_no_lesson_and_ends_the_trust() {
        let mut echo = Echo::default();
        speak(&mut echo, 124, -60.0);
        speak(&mut echo, 12, -15.0);
        bound_is(&echo, -54.0);
        for _ in 0..50 {
            echo.take(-15.0, 1.0, true);
            bound_is(&echo, -54.0);
            echo.we_play(Some(Loudness::from_db(-20.0)));
        }
        speak(&mut echo, 1, -60.0);
        bound_is(&echo, -36.0);
    }

    #[test]
    fn an_echo_may_come_for_700_ms_after_we_fell_silent() {
        let mut echo = Echo::default();
        speak(&mut echo, 10, -40.0);
        echo.we_play(None);
        for _ in 0..35 {
            bound_is(&echo, -36.0);
            echo.take(-40.0, 0.0, false);
        }
        for _ in 0..5 {
            echo.take(-40.0, 0.0, false);
        }
        bound_is(&echo, SILENCE + WORST);
    }
}

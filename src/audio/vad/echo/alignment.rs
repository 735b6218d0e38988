//! How long our echo takes, and how much of us comes back.
//!
//! A line with an echo rises and falls as we do, some time later. Where both have gone alike for a while that time is
//! known, and each frame has its own bound, from what we played then. The time may change, so that louder sound is the
//! person's only where it is louder than the echo at all other times, too.

use super::super::loudness::SILENCE;
use super::{PAUSE, STEP, max};

/// The delays that are tried, in frames: 0 to 0.78 s.
const DELAYS: usize = 40;
/// The frames of ours that may sound in one of the line: one later, since what we are told is not exact to a frame, its
/// own, and two earlier, which a room and a codec prolong.
const AHEAD: usize = 1;
const BEHIND: usize = 2;

/// Frames of the line that show how much comes back (2 s); the newest are not believed, as the person may have begun in
/// them (0.5 s); and how many must show it.
const PAST: usize = 100;
const FRESH: usize = 25;
const ENOUGH: usize = 25;
/// Our frames behind those.
const OURS: usize = PAST + DELAYS + BEHIND;

/// Frames over which likeness fades (4 s), and how many are needed for it.
const MEMORY: f32 = 200.0;
const FEW: f32 = 40.0;
/// We and our echo go alike by 0.65 to 0.95 on all kinds of line, at other delays by less than 0.5.
const ALIKE: f32 = 0.6;
/// What is softer is a pause of the line's, in dB below full scale.
const LINE_PAUSE: f32 = -62.0;
/// What is softer is one of ours.
const OUR_PAUSE: f32 = -50.0;
/// A level has to move by more than about so many dB to be a course.
const STILL: f32 = 1.0;

/// Only what is within so many dB of our loudest shows how much comes back, and no echo is expected to be softer by more
/// than so many than that of our loudest: a room fills our pauses.
const SHOWS: f32 = 12.0;
const FILLS: f32 = 18.0;
/// Above the loudest that came back, in dB.
const MARGIN: f32 = 2.0;
/// ... and where the question is whether all of it has become louder.
const LOUDER: f32 = 4.0;

/// The delay may change by so many frames at once (0.24 s).
const CHANGES: usize = 12;
/// How much what is louder than the echo at some delay counts after a frame.
const FADES: f32 = 0.9;
/// So much of it, in frames that are speech without doubt, is not the echo at that delay.
const OTHER: f32 = 0.5;
/// So many frames that pass for speech and may be echo at another delay prove what we know wrong; a doubt is
/// forgotten in 0.4 s.
const DOUBTS: f32 = 4.0;
const FORGETS: f32 = 0.05;

/// What of us is in the line.
#[derive(Debug)]
pub(super) struct Alignment {
    /// What we play, newest last: that of the frame that comes.
    ours: [f32; OURS],
    /// The levels of the line, newest last; `SILENCE` where they show nothing.
    line: [f32; PAST],
    frames: usize,
    likeness: Likeness,
    found: Option<Found>,
    /// By delay, how much was speech and too loud for an echo.
    over: [f32; DELAYS],
    doubts: f32,
}

#[derive(Clone, Copy, Debug)]
struct Found {
    delay: usize,
    /// The most that came back, in dB above our own.
    gain: f32,
}

impl Default for Alignment {
    fn default() -> Self {
        Self {
            ours: [SILENCE; OURS],
            line: [SILENCE; PAST],
            frames: 0,
            likeness: Likeness::default(),
            found: None,
            over: [0.0; DELAYS],
            doubts: 0.0,
        }
    }
}

impl Alignment {
    /// How loud we are from the frame that comes on.
    pub(super) fn we_play(&mut self, level: f32) {
        self.ours[OURS - 1] = level;
    }

    /// The level up to which the frame that comes may be echo, in dB below full scale, where that is known. `loudest` is
    /// ours in the time of an echo.
    pub(super) fn bound(&self, loudest: f32) -> Option<f32> {
        self.found.map(|found| self.bound_at(found.delay, found.gain, loudest))
    }

    /// Whether delay and gain are known.
    pub(super) fn is_known(&self) -> bool {
        self.found.is_some()
    }

    /// Whether what was heard is no echo, at whatever delay; so it is where none is known.
    pub(super) fn is_other(&self) -> bool {
        self.found.is_none_or(|Found { delay, .. }| {
            let last = (delay + CHANGES).min(DELAYS - 1);
            self.over[delay.saturating_sub(CHANGES)..=last].iter().all(|&over| over >= OTHER)
        })
    }

    /// Takes a frame that passes for speech, but not for [`Self::is_other`]. Says whether the delay must have changed: all
    /// is forgotten then.
    pub(super) fn doubt(&mut self) -> bool {
        self.doubts += 1.0;
        let forgets = self.doubts >= DOUBTS;
        if forgets {
            *self = Self { ours: self.ours, ..Self::default() };
        }
        forgets
    }

    /// Takes the level of a frame, how much it is speech, and whether it belongs to the person's.
    pub(super) fn take(&mut self, level: f32, speech: f32, person: bool, loudest: f32) {
        self.weigh(level, speech, loudest);
        let shows = !person && loudest > PAUSE;
        self.line.copy_within(1.., 0);
        self.line[PAST - 1] = if shows { level } else { SILENCE };
        if shows {
            self.likeness.take(&self.ours[OURS - DELAYS..], level);
        }
        self.frames += 1;
        if self.frames == STEP {
            self.frames = 0;
            self.found = self.likeness.delay().and_then(|delay| self.gain(delay, loudest));
        }
        self.ours.copy_within(1.., 0);
    }

    fn weigh(&mut self, level: f32, speech: f32, loudest: f32) {
        self.doubts = (self.doubts - FORGETS).max(0.0);
        let Some(found) = self.found else {
            self.over = [0.0; DELAYS];
            return;
        };
        for over in &mut self.over {
            *over *= FADES;
        }
        if speech > 0.0 {
            for delay in 0..DELAYS {
                let louder = if delay == found.delay { LOUDER } else { 0.0 };
                if level > self.bound_at(delay, found.gain, loudest) + louder {
                    self.over[delay] += speech;
                }
            }
        }
    }

    fn bound_at(&self, delay: usize, gain: f32, loudest: f32) -> f32 {
        self.behind(0, delay).max(loudest - FILLS) + gain + MARGIN
    }

    /// Our loudest of what sounds in the frame so many before the one that comes.
    fn behind(&self, back: usize, delay: usize) -> f32 {
        let at = OURS - 1 - back - delay;
        max(&self.ours[at.saturating_sub(BEHIND)..=(at + AHEAD).min(OURS - 1)])
    }

    /// How much comes back at that delay.
    fn gain(&self, delay: usize, loudest: f32) -> Option<Found> {
        let (mut gain, mut known) = (SILENCE, 0);
        for back in FRESH..PAST {
            let level = self.line[PAST - 1 - back];
            let ours = self.behind(back, delay);
            if level > SILENCE && ours > loudest - SHOWS {
                gain = gain.max(level - ours);
                known += 1;
            }
        }
        (known >= ENOUGH).then_some(Found { delay, gain })
    }
}

/// How alike the line and we go, for each delay: the sums that a correlation is made of, fading.
#[derive(Debug)]
struct Likeness {
    weight: f32,
    line: f32,
    line_square: f32,
    ours: [f32; DELAYS],
    ours_square: [f32; DELAYS],
    product: [f32; DELAYS],
}

impl Default for Likeness {
    fn default() -> Self {
        let zeros = [0.0; DELAYS];
        Self { weight: 0.0, line: 0.0, line_square: 0.0, ours: zeros, ours_square: zeros, product: zeros }
    }
}

impl Likeness {
    /// Takes the level of the line, and ours up to it.
    fn take(&mut self, ours: &[f32], level: f32) {
        const KEEP: f32 = 1.0 - 1.0 / MEMORY;
        let y = level.max(LINE_PAUSE) - LINE_PAUSE;
        self.weight = self.weight * KEEP + 1.0;
        self.line = self.line * KEEP + y;
        self.line_square = self.line_square * KEEP + y * y;
        for (delay, level) in ours.iter().rev().enumerate().take(DELAYS) {
            let x = level.max(OUR_PAUSE) - OUR_PAUSE;
            self.ours[delay] = self.ours[delay] * KEEP + x;
            self.ours_square[delay] = self.ours_square[delay] * KEEP + x * x;
            self.product[delay] = self.product[delay] * KEEP + x * y;
        }
    }

    /// The delay at which they go alike.
    fn delay(&self) -> Option<usize> {
        if self.weight < FEW {
            return None;
        }
        let n = self.weight;
        let still = n * STILL;
        let line = (self.line_square - self.line * self.line / n).max(0.0) + still;
        let mut best = (0, ALIKE);
        for delay in 0..DELAYS {
            let ours = (self.ours_square[delay] - self.ours[delay] * self.ours[delay] / n).max(0.0) + still;
            let alike = (self.product[delay] - self.ours[delay] * self.line / n) / (ours * line).sqrt();
            if alike > best.1 {
                best = (delay, alike);
            }
        }
        (best.1 > ALIKE).then_some(best.0)
    }
}

#[cfg(test)]
mod tests;

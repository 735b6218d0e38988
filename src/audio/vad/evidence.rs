//! What the frames say together: the floor of the line, its taste for held tones, and the case for speech.
//!
//! All figures are those of the development scenes of `docs/SPEECH.md`; a ramp is where a property begins to count and
//! where it counts in full.

use super::look::Look;

/// Pitch: noise stays below a third, vowels in noise of the same loudness are around a half.
const PITCH: Ramp = Ramp(0.32, 0.5);
/// How much the bands have moved within 40 ms, in dB: held tones 1 to 2, syllables 4 to 9.
const FLUX: Ramp = Ramp(1.0, 3.0);
/// The share of the spectrum that is as it was 60 ms ago, which speaks against speech: notes 0.9, syllables 0.5.
const ALIKE: Ramp = Ramp(0.82, 0.95);
/// More than a tone or two (keys, dialling, a flute), in nepers.
const FLATNESS: Ramp = Ramp(-7.0, -5.5);
/// dB above the floor.
const STANDS_OUT: Ramp = Ramp(2.0, 5.0);
/// dB per frame. What only dies away, as a knock does and a plucked string, is nobody's speech.
const LASTS: Ramp = Ramp(-4.0, -1.0);

/// Speech on a phone is not softer than this, in dB below full scale; the soft ends of words are.
pub(super) const SOFTEST: f32 = -54.0;

/// A tone is held where there is this much pitch, and either this much as it was, or not much more than one tone.
const HELD_PITCH: f32 = 0.5;
const HELD_ALIKE: f32 = 0.92;
const HELD_FLATNESS: f32 = -6.3;

/// Over how many loud frames the share of held ones is taken (0.5 s), and over how many others it is forgotten (5 s).
const TONAL_FRAMES: f32 = 25.0;
const FORGET_FRAMES: f32 = 250.0;
/// What is assumed of a line of which nothing is known, so that the first held notes count at once.
const UNKNOWN: f32 = 0.06;
/// The share of held frames that takes from the case for speech: speech has less than 0.1, music more than 0.3.
const TONAL: Ramp = Ramp(UNKNOWN, 0.18);
/// The share from which a pitch does not prolong speech.
const MUSIC: f32 = 0.4;

/// What a frame takes from the case: a held one, another loud one, and one in which nothing is.
const COST_HELD: f32 = 0.4;
const COST_LOUD: f32 = 0.08;
const COST_QUIET: f32 = 0.1;
/// The case that begins a stretch, in frames that are speech without doubt; the one that interrupts us; and the most.
const BEGINS: f32 = 2.0;
const INTERRUPTS: f32 = 2.5;
const MOST: f32 = 4.0;
/// So much for speech is a frame that it belongs to a run of it.
const LIVELY: f32 = 0.3;
/// So much pitch is a frame that it prolongs speech.
pub(super) const VOICED: f32 = 0.4;

/// Where the floor begins, in dB below full scale.
const FIRST_FLOOR: f32 = -60.0;
/// The share of the way that it falls in a frame, and dB by which it rises: under noise, tones and speech.
const FALL: f32 = 0.3;
const RISE_NOISE: f32 = 0.4;
const RISE_TONE: f32 = 0.2;
const RISE_SPEECH: f32 = 0.02;

/// From nothing at the first to all at the second.
struct Ramp(f32, f32);

impl Ramp {
    fn of(&self, x: f32) -> f32 {
        ((x - self.0) / (self.1 - self.0)).clamp(0.0, 1.0)
    }
}

/// What is known of the line, frame after frame.
#[derive(Debug)]
pub(super) struct Evidence {
    /// The level of the line when nobody speaks, in dB below full scale.
    floor: f32,
    /// The share of held tones in what is loud.
    tonal: f32,
    /// The case for speech.
    case: f32,
}

/// A frame's part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighed {
    /// It stands out from the floor.
    pub(super) loud: bool,
    /// How much it is speech, by itself, from 0 to 1.
    pub(super) speech: f32,
    /// ... and so much that it begins a run of it.
    pub(super) lively: bool,
    /// It may be a part of speech that is there already.
    pub(super) voiced: bool,
}

impl Default for Evidence {
    fn default() -> Self {
        Self { floor: FIRST_FLOOR, tonal: UNKNOWN, case: 0.0 }
    }
}

impl Evidence {
    /// Frames up to this level need no look, in dB below full scale. `bound` is what our echo may reach.
    pub(super) fn worth(&self, bound: f32) -> f32 {
        bound.max(SOFTEST).max(self.floor + STANDS_OUT.0)
    }

    /// Adds a frame. Of one not worth a look only the level counts.
    pub(super) fn weigh(&mut self, look: &Look, worth: f32) -> Weighed {
        let out = if look.level > worth { STANDS_OUT.of(look.level - self.floor) } else { 0.0 };
        let loud = out > 0.2;
        let pitch = PITCH.of(look.pitch);
        let mut lively = pitch * moves(look) * out;
        if loud {
            let held = is_held(look);
            self.tonal += (if held { 1.0 } else { 0.0 } - self.tonal) / TONAL_FRAMES;
            lively *= 1.0 - TONAL.of(self.tonal);
            self.case += lively - if held { COST_HELD } else { COST_LOUD };
        } else {
            self.tonal += (UNKNOWN - self.tonal) / FORGET_FRAMES;
            self.case -= COST_QUIET;
        }
        self.case = self.case.clamp(0.0, MOST);
        let rise = match (pitch < LIVELY, lively < LIVELY) {
            (true, _) => RISE_NOISE,
            (false, true) => RISE_TONE,
            (false, false) => RISE_SPEECH,
        };
        let above = look.level - self.floor;
        self.floor += if above < 0.0 { FALL * above } else { rise.min(above) };
        let voiced = out > LIVELY && pitch > VOICED && self.tonal < MUSIC;
        Weighed { loud, speech: lively, lively: lively >= LIVELY, voiced }
    }

    /// Whether somebody speaks.
    pub(super) fn begins(&self) -> bool {
        self.case >= BEGINS
    }

    /// Whether that is as sure as it must be for us to fall silent.
    pub(super) fn interrupts(&self) -> bool {
        self.case >= INTERRUPTS
    }

    /// The case is closed.
    pub(super) fn close(&mut self) {
        self.case = 0.0;
    }
}

/// How much it moves as speech does.
fn moves(look: &Look) -> f32 {
    let motion = look.motion;
    FLUX.of(motion.flux) * (1.0 - ALIKE.of(motion.alike)) * FLATNESS.of(motion.flatness) * LASTS.of(look.rise)
}

fn is_held(look: &Look) -> bool {
    look.pitch > HELD_PITCH && (look.motion.alike > HELD_ALIKE || look.motion.flatness < HELD_FLATNESS)
}

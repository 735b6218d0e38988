//! How loud a stretch of sound is.

use crate::audio::mulaw;

use super::as_f32;

/// The mean power of a sound in dB below full scale: 0 is as loud as can be, speech is about -20, silence -96.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Loudness(f32);

impl Loudness {
    /// Of speech as the providers' voices make it, for who does not measure; on the loud side.
    pub const SPEECH: Self = Self(-12.0);

    /// Of so many dB; what is above full scale is full scale.
    pub fn from_db(db: f32) -> Self {
        Self(db.clamp(SILENCE, 0.0))
    }

    /// Of µ-law. Take 20 to 100 ms: over longer stretches the pauses count.
    pub fn of(ulaw: &[u8]) -> Self {
        let mut power = 0.0;
        for &code in ulaw {
            let sample = f32::from(mulaw::sample(code));
            power += sample * sample;
        }
        Self(db(power / as_f32(ulaw.len().max(1))))
    }

    /// In dB below full scale.
    pub fn db(self) -> f32 {
        self.0
    }
}

/// The least there is, in dB below full scale: one step of 16 bits is -90.
pub(super) const SILENCE: f32 = -96.0;

/// Mean power of 16-bit samples, in dB below full scale.
pub(super) fn db(power: f32) -> f32 {
    const FULL_SCALE: f32 = 32_768.0 * 32_768.0;
    (10.0 * (power / FULL_SCALE).log10()).clamp(SILENCE, 0.0)
}

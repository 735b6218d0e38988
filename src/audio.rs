//! Sound: G.711 µ-law as the carriers speak it, and the way there from the 24 kHz PCM of a speech provider.
//!
//! Pure, and per frame nothing is allocated but what the caller's own buffer needs to grow.

pub mod mulaw;
pub mod pcm;
pub mod resample;
pub mod vad;

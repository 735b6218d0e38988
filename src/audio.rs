//! Sound: G.711 µ-law as the carriers speak it, the ways to and from the 24 kHz PCM of a speech provider and from a WAV file
//! of any rate, and who speaks on a line.
//!
//! Pure, and per frame nothing is allocated but what the caller's own buffer needs to grow.

mod fir;
pub mod mulaw;
pub mod order;
pub mod pcm;
pub mod rate;
pub mod resample;
pub mod upsample;
pub mod vad;
pub mod wav;

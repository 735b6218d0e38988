//! Sound as the telephone carries it: µ-law, 8000 samples a second, and the way there from 24 kHz PCM.

pub mod mulaw;
pub mod pcm;

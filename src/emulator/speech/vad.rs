//! The provider's voice activity detection: loudness of 20 ms frames.

use super::recogniser::rms;
use crate::emulator::FRAME;

/// Loudness that counts as voice at the threshold 0.5.
const VOICE: f64 = 350.0;
/// Speech has begun when this many of [`WINDOW`] frames were voiced: 80 of 120 ms.
const ENOUGH: u32 = 4;
const WINDOW: u32 = 6;

/// A change, with its place in bytes of µ-law since the first one pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Where the voice began, without padding.
    Started(usize),
    /// Where the silence had lasted long enough.
    Stopped(usize),
}

/// Listens to a stream of µ-law.
#[derive(Debug)]
pub(super) struct Vad {
    loudness: f64,
    /// Frames of silence that end speech.
    patience: usize,
    /// Bytes of the frame that is not complete.
    rest: Vec<u8>,
    /// Bytes in complete frames.
    at: usize,
    /// The last frames, the newest in the lowest bit, 1 voiced.
    recent: u32,
    speaking: bool,
    silent: usize,
}

impl Vad {
    /// `threshold` from 0 to 1; `silence_ms` ends speech; `at` is where counting begins.
    pub(super) fn new(threshold: f64, silence_ms: usize, at: usize) -> Self {
        Self {
            loudness: VOICE * threshold.max(0.01) / 0.5,
            patience: silence_ms.div_ceil(20).max(1),
            rest: Vec::new(),
            at,
            recent: 0,
            speaking: false,
            silent: 0,
        }
    }

    /// Takes what came.
    pub(super) fn push(&mut self, ulaw: &[u8]) -> Vec<Change> {
        self.rest.extend_from_slice(ulaw);
        let whole = self.rest.len() / FRAME * FRAME;
        let frames: Vec<u8> = self.rest.drain(..whole).collect();
        frames.chunks_exact(FRAME).filter_map(|frame| self.frame(rms(frame) >= self.loudness)).collect()
    }

    fn frame(&mut self, voiced: bool) -> Option<Change> {
        self.at += FRAME;
        self.recent = (self.recent << 1 | u32::from(voiced)) & ((1 << WINDOW) - 1);
        self.silent = if voiced { 0 } else { self.silent + 1 };
        if !self.speaking && voiced && self.recent.count_ones() >= ENOUGH {
            self.speaking = true;
            let back = usize::try_from(u32::BITS - self.recent.leading_zeros()).expect("at most 32");
            return Some(Change::Started(self.at - back * FRAME));
        }
        if self.speaking && self.silent >= self.patience {
            self.speaking = false;
            self.recent = 0;
            return Some(Change::Stopped(self.at));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::mulaw;
    use crate::emulator::SILENCE;

    fn encode(sample: i16) -> u8 {
        let mut code = Vec::new();
        mulaw::encode(&[sample], &mut code);
        code[0]
    }

    #[test]
    fn speech_starts_after_80_ms_of_voice_and_stops_after_the_silence() {
        let loud = encode(4000);
        let mut vad = Vad::new(0.5, 500, 0);
        assert_eq!(vad.push(&[SILENCE; 10 * FRAME]), []);
        assert_eq!(vad.push(&vec![loud; 3 * FRAME]), []);
        assert_eq!(vad.push(&[loud; FRAME]), [Change::Started(10 * FRAME)]);
        assert_eq!(vad.push(&[SILENCE; 24 * FRAME]), []);
        assert_eq!(vad.push(&[SILENCE; FRAME]), [Change::Stopped(39 * FRAME)]);
    }

    #[test]
    fn a_click_is_no_speech_and_quiet_needs_a_low_threshold() {
        let mut vad = Vad::new(0.5, 500, 0);
        assert_eq!(vad.push(&[vec![encode(8000); 2 * FRAME], vec![SILENCE; 50 * FRAME]].concat()), []);
        let quiet = vec![encode(200); 10 * FRAME];
        assert_eq!(vad.push(&quiet), []);
        assert_eq!(Vad::new(0.2, 500, 0).push(&quiet), [Change::Started(0)]);
    }
}

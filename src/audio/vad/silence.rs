//! Whether a stretch that somebody took for speech holds anything at all.

use crate::audio::mulaw::FRAME;

use super::evidence::{SOFTEST, VOICED};
use super::look::Looker;

/// What stands out by so many dB from the softest fifth of a stretch is something, pitch or not: a whisper is.
const STANDS_OUT: f32 = 10.0;

/// So many frames of it: the shortest word has 60 ms.
const LEAST: usize = 3;

/// Whether nobody can have said anything in this sound: no part of it has a pitch, and none stands out from the rest. Errs
/// on the side of speech, where the detector must be sure: what it misses is not silence for that.
pub fn is_silence(ulaw: &[u8]) -> bool {
    let mut looker = Looker::default();
    let looks: Vec<_> = ulaw.as_chunks::<FRAME>().0.iter().map(|frame| looker.look(frame, SOFTEST)).collect();
    let mut levels: Vec<f32> = looks.iter().map(|look| look.level).collect();
    levels.sort_by(f32::total_cmp);
    let Some(&floor) = levels.get(levels.len() / 5) else { return true };
    let something =
        looks.iter().filter(|look| look.level > SOFTEST && (look.pitch >= VOICED || look.level > floor + STANDS_OUT));
    something.count() < LEAST
}

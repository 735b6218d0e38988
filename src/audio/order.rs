//! Puts frames in order that come in any: over a few frames what overtook waits for what is late, and what is lost becomes
//! silence of the same length, so that time goes on as it did at the other end.

use std::collections::BTreeMap;

/// Frames that wait at most for one before them: 100 ms where a frame has 20. That long a frame can be late; and no longer is the
/// person's voice ever held up.
pub const MOST_WAITING: usize = 5;
/// A gap of more frames than this, one second, is none: whoever counts has leapt. It is not filled up.
const LEAP: u64 = 50;
/// So many frames in a row that are too late, half a second: whoever counts has begun anew.
const ANEW: u32 = 25;

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A frame's sound.
    Sound(&'a [u8]),
    /// So many bytes of sound were lost.
    Silence(usize),
}

/// What became of frames that did not come as they should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Frames that never came, or not in time.
    pub lost: u64,
    /// Frames that came a second time, or too late: dropped.
    pub late: u64,
}

/// The frames of one stream, which are counted from 1.
#[derive(Debug, Default)]
pub struct InOrder {
    /// The place of the frame that comes out next; `None` before the first.
    next: Option<u64>,
    /// Frames that overtook it. Never more than [`MOST_WAITING`] between two calls.
    waiting: BTreeMap<u64, Vec<u8>>,
    /// Bytes of the last frame that came out; those that are lost are taken to have had as many.
    length: Option<usize>,
    /// Late frames in a row.
    late_in_a_row: u32,
    /// Frames that came out, and frames that silence came out for. Who counts otherwise than we think is not filled up
    /// without end.
    came: u64,
    filled: u64,
    faults: Faults,
}

impl InOrder {
    /// Takes a frame as it comes, and gives what is in order now.
    pub fn take(&mut self, place: u64, sound: &[u8], mut give: impl FnMut(Piece<'_>)) {
        let next = *self.next.get_or_insert(if place <= LEAP { place.min(1) } else { place });
        if place < next {
            self.faults.late += 1;
            self.late_in_a_row += 1;
            if self.late_in_a_row < ANEW {
                return;
            }
            self.end(&mut give);
            self.next = Some(place);
        } else if place - next > LEAP {
            self.end(&mut give);
            let next = self.next.replace(place);
            self.lose(next.map_or(0, |next| place.saturating_sub(next)));
        }
        self.late_in_a_row = 0;
        if self.next == Some(place) {
            self.come_out(place, sound, &mut give);
        } else if self.waiting.insert(place, sound.to_vec()).is_some() {
            self.faults.late += 1;
        }
        self.go_on(&mut give);
        if self.waiting.len() > MOST_WAITING {
            self.skip(&mut give);
            self.go_on(&mut give);
        }
    }

    /// Gives everything that waits: the stream is over.
    pub fn end(&mut self, mut give: impl FnMut(Piece<'_>)) {
        while !self.waiting.is_empty() {
            self.skip(&mut give);
            self.go_on(&mut give);
        }
    }

    /// What went wrong since the last time this was asked.
    pub fn take_faults(&mut self) -> Faults {
        std::mem::take(&mut self.faults)
    }

    /// Gives up what is missing before the first frame that waits.
    fn skip(&mut self, give: &mut impl FnMut(Piece<'_>)) {
        let (Some((&first, sound)), Some(next)) = (self.waiting.first_key_value(), self.next) else { return };
        let (missing, length) = (first.saturating_sub(next), self.length.unwrap_or(sound.len()));
        self.next = Some(first);
        self.lose(missing);
        let missing = missing.min((self.came + LEAP).saturating_sub(self.filled));
        self.filled += missing;
        if missing > 0 {
            // No gap is wider than a leap.
            let missing = usize::try_from(missing).unwrap_or(usize::MAX);
            give(Piece::Silence(missing.saturating_mul(length)));
        }
    }

    /// Gives the frames that waited for nothing but those before them.
    fn go_on(&mut self, give: &mut impl FnMut(Piece<'_>)) {
        while let Some(next) = self.next
            && let Some(sound) = self.waiting.remove(&next)
        {
            self.come_out(next, &sound, give);
        }
    }

    fn lose(&mut self, frames: u64) {
        self.faults.lost = self.faults.lost.saturating_add(frames);
    }

    fn come_out(&mut self, place: u64, sound: &[u8], give: &mut impl FnMut(Piece<'_>)) {
        self.length = Some(sound.len());
        self.came += 1;
        self.next = place.checked_add(1);
        give(Piece::Sound(sound));
    }
}

#[cfg(test)]
mod tests;

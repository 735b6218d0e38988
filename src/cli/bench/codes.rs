//! Sound that says where it belongs: every frame in and every 20 ms out carry the call's number and their place in it.

use bytes::{BufMut, Bytes, BytesMut};

use crate::audio::mulaw::{self, FRAME};

/// What one frame of the person's sound repeats: a sign, the call, the frame's number, another sign.
const HEADER: usize = 8;

/// 24 kHz samples of 16 bits in 20 ms, as bytes.
const WIDE_CELL: usize = 960;

/// Cells that repeat the whole address: 160 ms.
const GROUP: usize = 8;

/// The part of a cell that the resampler's filter (2.6 ms to each side) leaves untouched by its neighbours.
const CORE: std::ops::Range<usize> = 30..130;

/// The person's frame of this number.
pub(super) fn inbound(call: u16, number: u32) -> [u8; FRAME] {
    let (c, n) = (call.to_be_bytes(), number.to_be_bytes());
    let header: [u8; HEADER] = [0xA5, c[0], c[1], n[0], n[1], n[2], n[3], 0x5A];
    let mut frame = [0; FRAME];
    for part in frame.as_chunks_mut::<HEADER>().0 {
        *part = header;
    }
    frame
}

/// Whose frame this is and its number; `None` for anything that is not a whole frame of ours.
pub(super) fn read_inbound(frame: &[u8]) -> Option<(u16, u32)> {
    let (&first, _) = frame.split_first_chunk::<HEADER>()?;
    let [0xA5, c0, c1, n0, n1, n2, n3, 0x5A] = first else { return None };
    let whole = frame.len() == FRAME && frame.as_chunks::<HEADER>().0.iter().all(|part| *part == first);
    whole.then(|| (u16::from_be_bytes([c0, c1]), u32::from_be_bytes([n0, n1, n2, n3])))
}

/// The agent's sound: cells of 20 ms, each one constant level of sixteen. A level survives the way to the phone exactly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speech {
    /// Whose.
    pub(super) call: u16,
    /// Which utterance of the call.
    pub(super) turn: u16,
    /// How long.
    pub(super) cells: usize,
}

impl Speech {
    /// Its length at the phone, in bytes.
    pub(super) fn length(self) -> usize {
        self.cells * FRAME
    }

    /// Some cells as the provider sends them: 24 kHz, 16 bit, little endian.
    pub(super) fn wide(self, cells: std::ops::Range<usize>) -> Bytes {
        let mut out = BytesMut::with_capacity(cells.len() * WIDE_CELL);
        let mut level = Vec::with_capacity(1);
        for cell in cells {
            level.clear();
            mulaw::decode(&[self.code(cell)], &mut level);
            for _ in 0..WIDE_CELL / 2 {
                out.put_i16_le(level[0]);
            }
        }
        out.freeze()
    }

    /// Whether `ulaw` is what stands `at` bytes into this speech.
    pub(super) fn holds(self, at: usize, ulaw: &[u8]) -> bool {
        let (mut at, mut rest) = (at, ulaw);
        while !rest.is_empty() {
            let (cell, inside) = (at / FRAME, at % FRAME);
            let (part, later) = rest.split_at(rest.len().min(FRAME - inside));
            let from = CORE.start.saturating_sub(inside).min(part.len());
            let to = CORE.end.saturating_sub(inside).min(part.len());
            let code = self.code(cell);
            if cell >= self.cells || part[from..to].iter().any(|byte| *byte != code) {
                return false;
            }
            (at, rest) = (at + part.len(), later);
        }
        true
    }

    /// The µ-law code of a cell.
    fn code(self, cell: usize) -> u8 {
        let group = cell / GROUP;
        let (call, turn) = (usize::from(self.call), usize::from(self.turn));
        let digits = [
            call >> 8,
            call >> 4,
            call,
            turn,
            group >> 4,
            group,
            7 * (call + turn + group),
            // Where the speech of another length would go on in step.
            self.cells,
        ];
        let digit = u8::try_from(digits[cell % GROUP] & 0xF).expect("four bits fit");
        // Sixteen codes, one in the middle of each segment of G.711.
        (if digit < 8 { 0x88 } else { 0x08 }) + 0x10 * (digit % 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::pcm::PcmToUlaw;

    #[test]
    fn a_frame_names_its_call_and_its_place() {
        let frame = inbound(499, 70_000);
        assert_eq!(read_inbound(&frame), Some((499, 70_000)));
        let mut torn = frame;
        torn[159] ^= 1;
        for other in [&torn[..], &frame[..152], &[0xFF; FRAME], &[]] {
            assert_eq!(read_inbound(other), None);
        }
    }

    #[test]
    fn speech_is_known_again_at_the_phone_and_only_in_its_place() {
        let speech = Speech { call: 300, turn: 2, cells: 50 };
        let mut ulaw = Vec::new();
        let mut way = PcmToUlaw::default();
        for from in (0..50).step_by(5) {
            way.push(&speech.wide(from..from + 5), &mut ulaw);
        }
        way.finish(&mut ulaw);
        assert_eq!(ulaw.len(), speech.length());
        for (from, to) in [(0, 8_000), (0, 160), (77, 900), (7_999, 8_000)] {
            assert!(speech.holds(from, &ulaw[from..to]), "{from}..{to}");
        }
        assert!(!speech.holds(160, &ulaw[..800]), "20 ms lost");
        assert!(!speech.holds(1_280, &ulaw[..1_280]), "160 ms lost");
        assert!(!speech.holds(0, &ulaw[160..320]), "20 ms early");
        assert!(!speech.holds(7_840, &ulaw[..800]), "beyond the end");
        for other in [Speech { call: 301, ..speech }, Speech { call: 44, ..speech }, Speech { turn: 3, ..speech }] {
            assert!(!other.holds(0, &ulaw[..1_280]), "{other:?}");
        }
    }
}

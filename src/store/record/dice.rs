//! Any value there can be, from one number.

/// Gives numbers and texts, the same for the same beginning.
pub(in crate::store) struct Dice(pub(in crate::store) u64);

impl Dice {
    /// Any number; small and extreme ones more often than others.
    pub(in crate::store) fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        match z % 7 {
            0 => z % 3,
            1 => u64::MAX - z % 2,
            _ => z,
        }
    }

    /// A number below this one.
    pub(in crate::store) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).unwrap_or_default() % end
    }

    /// A text of what may be difficult.
    pub(in crate::store) fn text(&mut self) -> String {
        const PIECES: [&str; 10] = ["a", "\"", "\\", "\0", "\n", "ü", "\u{1f600}", "{}", "\u{2028}", "null"];
        (0..self.below(6)).map(|_| PIECES[self.below(PIECES.len())]).collect()
    }
}

//! From a speech provider's body to the phone: raw 24 kHz PCM in chunks cut anywhere, to µ-law at 8 kHz as it comes.

use crate::audio::mulaw;
use crate::audio::resample::Decimator;

/// Samples read from a chunk at a time; bounds the buffers below, whatever the size of a chunk.
const BLOCK: usize = 480;

/// Turns 16-bit little-endian mono PCM at 24 kHz into µ-law at 8 kHz. One per utterance.
///
/// The bytes that come out do not depend on how the input was cut into chunks.
#[derive(Debug, Default)]
pub struct PcmToUlaw {
    /// The first byte of a sample whose second has not come yet.
    half: Option<u8>,
    decimator: Decimator,
    /// Samples at 24 kHz on their way, kept for its memory.
    wide: Vec<i16>,
    /// Samples at 8 kHz on their way, kept for its memory.
    narrow: Vec<i16>,
}

impl PcmToUlaw {
    /// Takes the next bytes of the body; appends to `out` what is ready of the sound.
    pub fn push(&mut self, bytes: &[u8], out: &mut impl Extend<u8>) {
        let mut bytes = bytes;
        if let (Some(low), Some((&high, rest))) = (self.half, bytes.split_first()) {
            self.half = None;
            bytes = rest;
            self.convert(&[[low, high]], out);
        }
        let (pairs, rest) = bytes.as_chunks::<2>();
        if let [low] = rest {
            self.half = Some(*low);
        }
        for block in pairs.chunks(BLOCK) {
            self.convert(block, out);
        }
    }

    /// The body is over: appends the rest of the sound. Half a sample at the end is dropped. What follows is another
    /// sound.
    pub fn finish(&mut self, out: &mut impl Extend<u8>) {
        self.half = None;
        self.narrow.clear();
        self.decimator.finish(&mut self.narrow);
        mulaw::encode(&self.narrow, out);
    }

    fn convert(&mut self, pairs: &[[u8; 2]], out: &mut impl Extend<u8>) {
        self.wide.clear();
        self.wide.extend(pairs.iter().map(|&pair| i16::from_le_bytes(pair)));
        self.narrow.clear();
        self.decimator.push(&self.wide, &mut self.narrow);
        mulaw::encode(&self.narrow, out);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn convert<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        let (mut converter, mut out) = (PcmToUlaw::default(), Vec::new());
        for chunk in chunks {
            converter.push(chunk, &mut out);
        }
        converter.finish(&mut out);
        out
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_sound(
            body in proptest::collection::vec(any::<u8>(), 0..1_500),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
            cuts.sort_unstable();
            cuts.push(body.len());
            let mut begin = 0;
            let chunks = cuts.iter().map(|&end| &body[std::mem::replace(&mut begin, end)..end]);
            let whole = convert([body.as_slice()]);
            prop_assert_eq!(convert(chunks), whole.as_slice());
            prop_assert_eq!(whole.len(), (body.len() / 2).div_ceil(3));
        }
    }

    #[test]
    fn single_bytes_give_the_same_sound() {
        let body: Vec<u8> = (0..2_001_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        assert_eq!(convert(body.chunks(1)), convert([body.as_slice()]));
    }

    #[test]
    fn silence_stays_silence_and_half_a_sample_alone_is_nothing() {
        assert_eq!(convert([[0; 960].as_slice()]), [mulaw::SILENCE; mulaw::FRAME]);
        assert_eq!(convert([[7].as_slice()]), [0_u8; 0]);
        assert_eq!(convert([]), [0_u8; 0]);
    }

    #[test]
    fn sound_comes_out_while_the_body_still_comes_in() {
        let (mut converter, mut out) = (PcmToUlaw::default(), Vec::new());
        converter.push(&[0; 4_800], &mut out);
        let (there, whole) = (out.len(), 800);
        assert!(whole - there <= 21, "{there} of {whole} bytes: no more than 2.6 ms wait for what follows");
    }
}

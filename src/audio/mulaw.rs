//! G.711 µ-law: one byte a sample, 8,000 samples a second, the sound of every carrier's media socket.
//!
//! The codes are those of the ITU's reference software (G.191). Others agree with it in what every code means, and differ
//! in which side of a step of 4, G.711's own precision, a sample between two codes is put to; the tests hold both over
//! every sample. So -4 to -1 are `0x7F` here, minus zero, where Python and sox write `0x7E` or `0xFF`. Both zeros decode
//! to 0: silence is known by its sound, not by its byte.

use std::time::Duration;

use audio_codec_algorithms::{decode_ulaw, encode_ulaw};

/// Samples, and so bytes, a second.
pub const RATE: usize = 8_000;

/// The same a millisecond.
pub const PER_MS: usize = RATE / 1000;

/// 20 ms: the frame both carriers send and expect.
pub const FRAME: usize = 160;

/// The code of plus zero, which fills a pause.
pub const SILENCE: u8 = 0xFF;

/// One sample is one byte is 125 µs.
const MICROS_A_BYTE: u32 = 125;

/// Appends the code of each sample to `out`.
pub fn encode(pcm: &[i16], out: &mut impl Extend<u8>) {
    out.extend(pcm.iter().map(|&sample| encode_ulaw(sample)));
}

/// Appends the sample (full 16-bit scale) of each code to `out`.
pub fn decode(ulaw: &[u8], out: &mut Vec<i16>) {
    out.extend(ulaw.iter().map(|&code| decode_ulaw(code)));
}

/// The sample of one code, full 16-bit scale.
pub fn sample(code: u8) -> i16 {
    decode_ulaw(code)
}

/// How long so many bytes sound.
pub fn duration_of(bytes: usize) -> Duration {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    Duration::from_micros(bytes.saturating_mul(u64::from(MICROS_A_BYTE)))
}

/// How many whole bytes sound within `time`.
pub fn bytes_in(time: Duration) -> usize {
    usize::try_from(time.as_micros() / u128::from(MICROS_A_BYTE)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by `scripts/mulaw_table.py`: the code of each sample from -32768 up, then the sample (little-endian) of
    /// each code from 0 up, then the name of the implementation that made them.
    const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/mulaw-table.bin");
    const SAMPLES: usize = 65_536;
    const CODES: usize = 256;

    fn table() -> (Vec<u8>, Vec<i16>, String) {
        let bytes = std::fs::read(TABLE).unwrap_or_else(|error| {
            panic!("{TABLE}: {error}. Run scripts/test, or python3 scripts/mulaw_table.py alone, which writes it")
        });
        let (codes, rest) = bytes.split_at(SAMPLES);
        let (samples, name) = rest.split_at(2 * CODES);
        let samples = samples.as_chunks::<2>().0.iter().map(|&pair| i16::from_le_bytes(pair)).collect();
        (codes.to_vec(), samples, String::from_utf8(name.to_vec()).unwrap())
    }

    fn code_of(sample: i16) -> u8 {
        let mut out = Vec::new();
        encode(&[sample], &mut out);
        out[0]
    }

    #[test]
    fn every_code_means_the_sample_that_a_second_implementation_says() {
        let (_, samples, name) = table();
        let (codes, mut decoded) = ((0..=u8::MAX).collect::<Vec<_>>(), Vec::new());
        decode(&codes, &mut decoded);
        assert_eq!(decoded, samples, "{name}");
    }

    /// G.711 works in steps of 4. The second implementation takes another side of the step than the ITU's for samples
    /// inside it, by an amount that is the same over the whole range; so each sample's code is compared to that of the
    /// sample so far away, and must be it exactly.
    #[test]
    fn every_sample_gets_the_code_of_a_second_implementation_but_for_the_side_of_one_step() {
        let (codes, _, name) = table();
        let (shift_positive, shift_negative) = match name.as_str() {
            // Rounds down before it negates.
            "audioop" => (0, 4),
            // Rounds to nearest before it negates.
            "sox" => (-2, 2),
            other => panic!("{TABLE} was made by {other}"),
        };
        for sample in i16::MIN..=i16::MAX {
            let code = code_of(sample);
            if (-4..0).contains(&sample) {
                assert_eq!(code, 0x7F, "minus zero for {sample}");
                continue;
            }
            let shift = if sample < 0 { shift_negative } else { shift_positive };
            let index = i32::from(sample) + shift - i32::from(i16::MIN);
            let index = usize::try_from(index).unwrap();
            assert_eq!(code, codes[index], "{sample} by {name}");
        }
    }

    #[test]
    fn a_code_survives_the_way_there_and_back_but_for_minus_zero() {
        for code in 0..=u8::MAX {
            let mut pcm = Vec::new();
            decode(&[code], &mut pcm);
            let want = if code == 0x7F { SILENCE } else { code };
            assert_eq!(code_of(pcm[0]), want, "{code:#04x}");
        }
    }

    #[test]
    fn bytes_and_time_agree() {
        for (bytes, micros) in [(0, 0), (1, 125), (FRAME, 20_000), (RATE, 1_000_000), (RATE * 3_600, 3_600_000_000)] {
            assert_eq!(duration_of(bytes), Duration::from_micros(micros));
            assert_eq!(bytes_in(Duration::from_micros(micros)), bytes);
        }
        assert_eq!(bytes_in(Duration::from_micros(249)), 1, "only whole bytes");
        assert_eq!(bytes_in(Duration::MAX), usize::MAX);
    }
}

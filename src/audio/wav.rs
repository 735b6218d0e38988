//! WAV files as they come: the header wherever it ends, then samples of any rate into the telephone's µ-law.

use crate::audio::mulaw;
use crate::audio::rate::Resampler;
use crate::audio::resample::Decimator;

/// The longest header that is read through for the sound; some servers put names and licences before it.
const LONGEST_HEADER: usize = 64 * 1024;

/// A length that stands for "until the end": what is written before the length is known.
const UNKNOWN: u32 = 0x7FFF_0000;

/// A rate that has a filter of its own.
const WIDE: u32 = 24_000;

/// Turns a WAV file into µ-law at 8 kHz. One per file.
#[derive(Debug)]
pub struct WavToUlaw {
    /// Bytes that wait: for the header's end, or for the rest of a sample.
    waiting: Vec<u8>,
    state: State,
    /// Samples on their way, kept for their memory.
    samples: Vec<i16>,
    narrow: Vec<i16>,
}

#[derive(Debug)]
enum State {
    Header,
    Sound(Sound),
}

#[derive(Debug)]
struct Sound {
    /// Bytes of one sample of all channels.
    block: usize,
    /// Bytes that are left; `None` until the end.
    left: Option<usize>,
    rate: Rate,
}

#[derive(Debug)]
enum Rate {
    Wide(Box<Decimator>),
    Other(Box<Resampler>),
}

/// Why a body is no WAV file that can be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWav {
    /// Another kind of file, or the sound is not found in it.
    #[error("not a WAV file")]
    NotWav,
    /// Something else than 16-bit samples of one or two channels at 8 to 48 kHz.
    #[error("a WAV file with other samples than 16 bit of one or two channels at 8 to 48 kHz")]
    Samples,
}

impl Default for WavToUlaw {
    fn default() -> Self {
        Self { waiting: Vec::new(), state: State::Header, samples: Vec::new(), narrow: Vec::new() }
    }
}

impl WavToUlaw {
    /// Takes the next bytes of the file; appends to `out` what is ready of the sound.
    ///
    /// # Errors
    /// When it cannot be played; nothing more should be pushed then.
    pub fn push(&mut self, bytes: &[u8], out: &mut impl Extend<u8>) -> Result<(), BadWav> {
        self.waiting.extend_from_slice(bytes);
        if let State::Header = self.state {
            let Some((sound, at)) = header(&self.waiting)? else {
                return if self.waiting.len() > LONGEST_HEADER { Err(BadWav::NotWav) } else { Ok(()) };
            };
            self.waiting.drain(..at);
            self.state = State::Sound(sound);
        }
        let State::Sound(sound) = &mut self.state else { return Ok(()) };
        let wanted = self.waiting.len().min(sound.left.unwrap_or(usize::MAX));
        let whole = wanted - wanted % sound.block;
        sound.left = sound.left.map(|left| left - whole);
        self.samples.clear();
        self.samples.extend(self.waiting[..whole].chunks_exact(sound.block).map(mixed));
        self.narrow.clear();
        match &mut sound.rate {
            Rate::Wide(decimator) => decimator.push(&self.samples, &mut self.narrow),
            Rate::Other(resampler) => resampler.push(&self.samples, &mut self.narrow),
        }
        mulaw::encode(&self.narrow, out);
        self.waiting.drain(..whole);
        if sound.left.is_some_and(|left| left < sound.block) {
            // What stands behind the sound is not played.
            self.waiting.clear();
        }
        Ok(())
    }

    /// The file is over: appends the rest of the sound.
    ///
    /// # Errors
    /// When there was no sound in it.
    pub fn finish(&mut self, out: &mut impl Extend<u8>) -> Result<(), BadWav> {
        let State::Sound(sound) = &mut self.state else { return Err(BadWav::NotWav) };
        self.narrow.clear();
        match &mut sound.rate {
            Rate::Wide(decimator) => decimator.finish(&mut self.narrow),
            Rate::Other(resampler) => resampler.finish(&mut self.narrow),
        }
        mulaw::encode(&self.narrow, out);
        Ok(())
    }
}

/// How the sound is written, and where it begins; `None` while that has not come.
fn header(bytes: &[u8]) -> Result<Option<(Sound, usize)>, BadWav> {
    let is = |at: usize, name: &[u8]| bytes.get(at..at + 4).is_none_or(|there| there == name);
    if !is(0, b"RIFF") || !is(8, b"WAVE") {
        return Err(BadWav::NotWav);
    }
    let (mut at, mut format) = (12, None);
    while let Some(length) = number(bytes, at + 4) {
        let body = at + 8;
        match &bytes[at..at + 4] {
            b"data" => {
                let (block, rate) = format.ok_or(BadWav::NotWav)?;
                let left = (1..UNKNOWN).contains(&length).then_some(length).and_then(|n| usize::try_from(n).ok());
                let rate = match rate {
                    WIDE => Rate::Wide(Box::default()),
                    rate => Rate::Other(Box::new(Resampler::new(rate).ok_or(BadWav::Samples)?)),
                };
                return Ok(Some((Sound { block, left, rate }, body)));
            }
            b"fmt " => {
                let Some(fields) = bytes.get(body..body + 16) else { return Ok(None) };
                let short = |at: usize| u16::from_le_bytes([fields[at], fields[at + 1]]);
                // 1 is PCM; 0xFFFE says so further on.
                let (kind, channels, bits) = (short(0), short(2), short(14));
                if !matches!(kind, 1 | 0xFFFE) || !matches!(channels, 1 | 2) || bits != 16 {
                    return Err(BadWav::Samples);
                }
                format = Some((usize::from(channels) * 2, number(fields, 4).unwrap_or_default()));
            }
            _ => {}
        }
        // A part of odd length has a byte behind it that does not count.
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        at = body.saturating_add(length).saturating_add(length % 2);
    }
    Ok(None)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let there = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(there.try_into().ok()?))
}

/// One sample of what all channels have.
fn mixed(block: &[u8]) -> i16 {
    let (samples, _) = block.as_chunks::<2>();
    let sum: i32 = samples.iter().map(|&sample| i32::from(i16::from_le_bytes(sample))).sum();
    let count = i32::try_from(samples.len()).unwrap_or(1).max(1);
    i16::try_from(sum / count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::audio::pcm::PcmToUlaw;

    fn wav(channels: u16, rate: u32, length: u32, before: &[u8], samples: &[i16]) -> Vec<u8> {
        let mut file = b"RIFF\xFF\xFF\xFF\xFFWAVE".to_vec();
        file.extend_from_slice(before);
        file.extend_from_slice(b"fmt \x10\0\0\0\x01\0");
        file.extend_from_slice(&channels.to_le_bytes());
        file.extend_from_slice(&rate.to_le_bytes());
        file.extend_from_slice(&(rate * u32::from(channels) * 2).to_le_bytes());
        file.extend_from_slice(&[(channels * 2).to_le_bytes(), 16_u16.to_le_bytes()].concat());
        file.extend_from_slice(b"data");
        file.extend_from_slice(&length.to_le_bytes());
        file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        file
    }

    fn convert(file: &[u8], chunk: usize) -> Result<Vec<u8>, BadWav> {
        let (mut converter, mut out) = (WavToUlaw::default(), Vec::new());
        for chunk in file.chunks(chunk) {
            converter.push(chunk, &mut out)?;
        }
        converter.finish(&mut out)?;
        Ok(out)
    }

    fn tone(count: i32) -> Vec<i16> {
        (0..count).map(|n| i16::try_from((n * 331) % 9_000 - 4_500).unwrap()).collect()
    }

    #[test]
    fn a_file_sounds_as_its_samples_do_however_it_is_cut_and_whatever_stands_around_them() {
        let samples = tone(2_400);
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let (mut raw, mut want) = (PcmToUlaw::default(), Vec::new());
        raw.push(&bytes, &mut want);
        raw.finish(&mut want);
        let twice: Vec<i16> = samples.iter().flat_map(|sample| [*sample, *sample]).collect();
        let mut tail = wav(1, 24_000, 4_800, b"", &samples);
        tail.extend_from_slice(b"LIST\x04\0\0\0IART");
        for file in [
            wav(1, 24_000, 4_800, b"", &samples),
            wav(1, 24_000, u32::MAX, b"", &samples),
            wav(1, 24_000, 0, b"", &samples),
            wav(1, 24_000, 4_800, b"LIST\x03\0\0\0abc\0", &samples),
            wav(2, 24_000, 9_600, b"", &twice),
            tail,
        ] {
            for chunk in [1, 7, 100_000] {
                assert_eq!(convert(&file, chunk).as_ref(), Ok(&want));
            }
        }
    }

    #[test]
    fn a_second_of_any_rate_is_a_second() {
        for rate in [8_000_i32, 16_000, 22_050, 44_100, 48_000] {
            let file = wav(1, rate.unsigned_abs(), u32::MAX, b"", &tone(rate));
            let length = convert(&file, 4_096).unwrap().len();
            assert!(length.abs_diff(8_000) <= 1, "{rate}: {length}");
        }
    }

    #[test]
    fn what_cannot_be_played_is_said_to_be_so() {
        let mut eight_bits = wav(1, 24_000, 4, b"", &[0]);
        eight_bits[34] = 8;
        let mut float = wav(1, 24_000, 4, b"", &[0]);
        float[20] = 3;
        for (file, why) in [
            (b"ID3\x04 this is something else".to_vec(), BadWav::NotWav),
            (b"RIFF\0\0\0\0AVI LIST".to_vec(), BadWav::NotWav),
            (b"RIFF\0\0\0\0WAVEdata\x04\0\0\0abcd".to_vec(), BadWav::NotWav),
            (b"RIFF".to_vec(), BadWav::NotWav),
            (Vec::new(), BadWav::NotWav),
            (wav(3, 24_000, 6, b"", &[0; 3]), BadWav::Samples),
            (wav(1, 96_000, 6, b"", &[0; 3]), BadWav::Samples),
            (eight_bits, BadWav::Samples),
            (float, BadWav::Samples),
        ] {
            assert_eq!(convert(&file, 5), Err(why));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), from in 0..48_usize) {
            let mut file = wav(1, 16_000, 50, b"", &[]);
            file.truncate(from);
            file.extend_from_slice(&bytes);
            let _ = convert(&file, 13);
        }
    }
}

//! The body of an answer of the speech endpoint. Servers send WAV files also where raw samples were asked for; what is sent
//! says what it is.

use crate::audio::pcm::PcmToUlaw;
use crate::audio::wav::{BadWav, WavToUlaw};
use crate::provider::{ErrorClass, ProviderError};

/// How many bytes tell what it is.
const TELLING: usize = 4;

/// How files begin that are compressed. Played as samples they are a roar.
const COMPRESSED: [(&[u8], &str); 3] = [(b"ID3", "MP3"), (b"OggS", "Ogg"), (b"fLaC", "FLAC")];

/// A body as it comes.
#[derive(Debug)]
pub(super) enum Body {
    /// Too few bytes to tell.
    Unknown(Vec<u8>),
    /// Raw samples.
    Raw(Box<PcmToUlaw>),
    /// A WAV file.
    Wav(Box<WavToUlaw>),
}

impl Default for Body {
    fn default() -> Self {
        Self::Unknown(Vec::new())
    }
}

impl Body {
    /// Takes the next bytes; appends to `out` what is ready of the sound.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ProviderError> {
        match self {
            Self::Raw(samples) => samples.push(bytes, out),
            Self::Wav(file) => file.push(bytes, out).map_err(unplayable)?,
            Self::Unknown(begin) => {
                begin.extend_from_slice(bytes);
                if begin.len() >= TELLING {
                    let begin = std::mem::take(begin);
                    *self = Self::that_begins(&begin)?;
                    return self.push(&begin, out);
                }
            }
        }
        Ok(())
    }

    /// The body is over: appends the rest of the sound.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ProviderError> {
        match self {
            Self::Raw(samples) => samples.finish(out),
            Self::Wav(file) => file.finish(out).map_err(unplayable)?,
            Self::Unknown(begin) => {
                let mut samples = PcmToUlaw::default();
                samples.push(begin, out);
                samples.finish(out);
            }
        }
        Ok(())
    }

    fn that_begins(bytes: &[u8]) -> Result<Self, ProviderError> {
        if bytes.starts_with(b"RIFF") {
            return Ok(Self::Wav(Box::default()));
        }
        let compressed = COMPRESSED.iter().find(|(begin, _)| bytes.starts_with(begin));
        match compressed {
            Some((_, name)) => {
                let message = format!("the speech provider sent {name}; set CALLME_TTS_FORMAT to what it can make");
                Err(ProviderError::ours(ErrorClass::Refused, &message))
            }
            None => Ok(Self::Raw(Box::default())),
        }
    }
}

fn unplayable(error: BadWav) -> ProviderError {
    ProviderError::ours(ErrorClass::Refused, &format!("the speech provider sent {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(body: &[u8], chunk: usize) -> Result<Vec<u8>, ProviderError> {
        let (mut converter, mut out) = (Body::default(), Vec::new());
        for chunk in body.chunks(chunk) {
            converter.push(chunk, &mut out)?;
        }
        converter.finish(&mut out)?;
        Ok(out)
    }

    #[test]
    fn a_body_is_played_as_what_it_is() {
        let samples: Vec<u8> = (0..4_800_u16).flat_map(|n| (n.wrapping_mul(331) % 9_000).to_le_bytes()).collect();
        let mut file = b"RIFF\xFF\xFF\xFF\xFFWAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        file.extend([24_000_u32.to_le_bytes(), 48_000_u32.to_le_bytes()].concat());
        file.extend_from_slice(b"\x02\0\x10\0data\0\0\0\0");
        file.extend_from_slice(&samples);
        for chunk in [1, 3, 5_000] {
            let raw = played(&samples, chunk).unwrap();
            assert_eq!(raw.len(), 1_600);
            assert_eq!(played(&file, chunk).unwrap(), raw, "the same sound in a file");
        }
        assert_eq!((played(b"", 1).unwrap().len(), played(b"\0\0\0", 1).unwrap().len()), (0, 1));
    }

    #[test]
    fn what_would_be_a_roar_is_refused_with_a_word_of_what_to_set() {
        for (body, name) in [(b"ID3\x04\0", "MP3"), (b"OggS\0", "Ogg"), (b"fLaC\0", "FLAC")] {
            let error = played(body, 2).unwrap_err();
            assert_eq!(error.class, ErrorClass::Refused, "{name}");
            assert!(error.message.contains(name) && error.message.contains("CALLME_TTS_FORMAT"), "{error}");
        }
        assert_eq!(played(b"RIFF\0\0\0\0AVI \0\0\0\0", 4).unwrap_err().class, ErrorClass::Refused);
    }
}

//! What a transcription session reads from its socket, and what it writes all the time.

use std::task::{Context, Poll};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::audio::mulaw;
use crate::audio::upsample::{FACTOR, Interpolator};
use crate::ids::StretchId;
use crate::provider::ProviderError;
use crate::provider::openai::event::Event;
use crate::provider::openai::socket::Socket;

/// What stands around the audio of an append.
const APPEND: [&str; 2] = [r#"{"type":"input_audio_buffer.append","audio":""#, r#""}"#];

/// What a commit's event is called, before its stretch's number.
const COMMIT: &str = "commit-";

/// How sound is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SttAudio {
    /// µ-law at 8 kHz, as the phone network has it.
    Ulaw,
    /// 16-bit PCM at 24 kHz: six times as much, and the one format that every model is known to take.
    Pcm24k,
}

impl SttAudio {
    /// As the provider calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ulaw => "audio/pcmu",
            Self::Pcm24k => "audio/pcm",
        }
    }
}

/// Turns µ-law into what is sent.
pub(super) enum Encoder {
    Ulaw,
    Pcm(Box<Pcm>),
}

#[derive(Default)]
pub(super) struct Pcm {
    interpolator: Interpolator,
    slow: Vec<i16>,
    fast: Vec<i16>,
    bytes: Vec<u8>,
}

impl Encoder {
    pub(super) fn new(audio: SttAudio) -> Self {
        match audio {
            SttAudio::Ulaw => Self::Ulaw,
            SttAudio::Pcm24k => Self::Pcm(Box::default()),
        }
    }

    fn encode<'a>(&'a mut self, ulaw: &'a [u8]) -> &'a [u8] {
        let Self::Pcm(pcm) = self else { return ulaw };
        pcm.slow.clear();
        mulaw::decode(ulaw, &mut pcm.slow);
        pcm.fast.clear();
        pcm.fast.reserve(ulaw.len() * FACTOR);
        pcm.interpolator.push(&pcm.slow, &mut pcm.fast);
        pcm.as_bytes()
    }

    /// What waited for more.
    fn finish(&mut self) -> &[u8] {
        let Self::Pcm(pcm) = self else { return &[] };
        pcm.fast.clear();
        pcm.interpolator.finish(&mut pcm.fast);
        pcm.as_bytes()
    }
}

impl Pcm {
    fn as_bytes(&mut self) -> &[u8] {
        self.bytes.clear();
        self.bytes.extend(self.fast.iter().flat_map(|sample| sample.to_le_bytes()));
        &self.bytes
    }
}

/// The next event. An error means that the socket is gone.
pub(super) fn poll_event(socket: &mut Socket, cx: &mut Context<'_>) -> Poll<Result<Event, ProviderError>> {
    socket.poll_text(cx).map_ok(|text| match Event::parse(text.as_str()) {
        Event::Error { error, about } => Event::Error { error: socket.hiding_key(error), about },
        Event::Failed { item, error } => Event::Failed { item, error: socket.hiding_key(error) },
        other => other,
    })
}

/// Writes sound.
pub(super) fn send_audio(socket: &mut Socket, encoder: &mut Encoder, ulaw: &[u8]) -> Result<(), ProviderError> {
    append(socket, encoder.encode(ulaw))
}

/// Ends a turn: with what of it waited to be sent, and its commit.
pub(super) fn send_commit(socket: &mut Socket, encoder: &mut Encoder, id: StretchId) -> Result<(), ProviderError> {
    let rest = encoder.finish();
    if !rest.is_empty() {
        append(socket, rest)?;
    }
    socket.send(format!(r#"{{"type":"input_audio_buffer.commit","event_id":"{COMMIT}{}"}}"#, id.0))
}

/// The stretch whose commit an event of ours was.
pub(super) fn committed_by(event: &str) -> Option<StretchId> {
    event.strip_prefix(COMMIT)?.parse().ok().map(StretchId)
}

fn append(socket: &mut Socket, sound: &[u8]) -> Result<(), ProviderError> {
    let [before, behind] = APPEND;
    // Exactly as long as it will be: the one allocation of a message.
    let mut event = String::with_capacity(before.len() + sound.len().div_ceil(3) * 4 + behind.len());
    event.push_str(before);
    STANDARD.encode_string(sound, &mut event);
    event.push_str(behind);
    socket.send(event)
}

//! What a transcription session reads from its socket, and the one thing it writes all the time.

use std::task::{Context, Poll};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::provider::ProviderError;
use crate::provider::openai::event::Event;
use crate::provider::openai::socket::Socket;

/// What stands around the audio of an append.
const APPEND: [&str; 2] = [r#"{"type":"input_audio_buffer.append","audio":""#, r#""}"#];

/// The next event. An error means that the socket is gone.
pub(super) fn poll_event(socket: &mut Socket, cx: &mut Context<'_>) -> Poll<Result<Event, ProviderError>> {
    socket.poll_text(cx).map_ok(|text| match Event::parse(text.as_str()) {
        Event::Error(error) => Event::Error(socket.hiding_key(error)),
        Event::Failed { item, error } => Event::Failed { item, error: socket.hiding_key(error) },
        other => other,
    })
}

/// Writes audio.
pub(super) fn send_audio(socket: &mut Socket, ulaw: &[u8]) -> Result<(), ProviderError> {
    let [before, behind] = APPEND;
    // Exactly as long as it will be: the one allocation of a message.
    let mut event = String::with_capacity(before.len() + ulaw.len().div_ceil(3) * 4 + behind.len());
    event.push_str(before);
    STANDARD.encode_string(ulaw, &mut event);
    event.push_str(behind);
    socket.send(event)
}

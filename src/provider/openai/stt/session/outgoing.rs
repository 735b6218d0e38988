//! What a live session writes, and when.

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::Millis;
use crate::provider::ProviderError;
use crate::provider::openai::socket::Socket;
use crate::provider::openai::stt::hearing::Hearing;
use crate::provider::openai::stt::turns::Next;
use crate::provider::openai::stt::wire::{self, Encoder};

/// What goes into one append: two frames of 20 ms.
pub(super) const APPEND: usize = 320;

/// What a carrier sends at a time.
const FRAME: Duration = Duration::from_millis(20);

/// How long a frame waits for its second.
const FLUSH: Duration = Duration::from_millis(25);

/// Sends what is ready: whole appends, commits, and a lone frame whose time has come.
pub(super) fn send(
    socket: &mut Socket,
    hearing: &mut Hearing,
    encoder: &mut Encoder,
    flush_at: &mut Option<Instant>,
    cx: &mut Context<'_>,
    (now, local): (Instant, Millis),
) -> Result<(), ProviderError> {
    let mut buffer = [0; APPEND];
    let due = flush_at.take_if(|at| *at <= now).is_some();
    while hearing.is_due(if due { 1 } else { APPEND }) {
        match socket.poll_ready(cx) {
            Poll::Ready(ready) => ready?,
            Poll::Pending => {
                // The network says when it goes on, not the timer.
                *flush_at = None;
                return Ok(());
            }
        }
        match hearing.next_out(&mut buffer, local) {
            Some(Next::Sound(count)) => {
                wire::send_audio(socket, encoder, &buffer[..count])?;
                // When the next frame's time will have come, should it stay alone: set now, the timer is only ever moved
                // on, which costs nothing, and does not go off in vain after each pair.
                *flush_at = Some(now + FRAME + FLUSH);
            }
            Some(Next::Commit(id)) => wire::send_commit(socket, encoder, id)?,
            None => break,
        }
    }
    if hearing.is_due(1) {
        flush_at.get_or_insert(now + FLUSH);
    }
    match socket.poll_flush(cx) {
        Poll::Ready(flushed) => flushed,
        Poll::Pending => Ok(()),
    }
}

//! axum's WebSocket as the media runtime takes it: text frames in, text frames out, and an end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use futures_util::{Sink, Stream};

use crate::media::SocketGone;

/// A carrier's socket.
pub(super) struct Frames(pub(super) WebSocket);

impl Stream for Frames {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            match ready!(Pin::new(&mut self.0).poll_next(cx)) {
                Some(Ok(Message::Text(text))) => return Poll::Ready(Some(text.into())),
                // Pings are answered below us; binary frames are nobody's.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Poll::Ready(None),
            }
        }
    }
}

impl Sink<String> for Frames {
    type Error = SocketGone;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SocketGone>> {
        Pin::new(&mut self.0).poll_ready(cx).map_err(|_| SocketGone)
    }

    fn start_send(mut self: Pin<&mut Self>, text: String) -> Result<(), SocketGone> {
        Pin::new(&mut self.0).start_send(Message::Text(text.into())).map_err(|_| SocketGone)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SocketGone>> {
        Pin::new(&mut self.0).poll_flush(cx).map_err(|_| SocketGone)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SocketGone>> {
        Pin::new(&mut self.0).poll_close(cx).map_err(|_| SocketGone)
    }
}

//! The media of live calls: the carrier's socket on one side, speech on the other, the playout machine between them.
//!
//! Every call has one media task, from the dial on, so that speech is being made while it rings. A socket that has
//! proved which call it belongs to is handed to that task; if it breaks, the next one is handed to the same task.
//!
//! ```text
//! session ──commands──▶ call task ◀──sockets── desk ◀── upgraded socket
//!         ◀──events───  │      └──▶ TtsSession, SttSession
//! ```

mod call;
mod desk;
mod ears;
mod reports;
mod voice;
mod watch;

use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Sink, Stream};

pub use desk::{Admission, Desk, DeskConfig};

use crate::domain::media::{MediaEvent, Told};

/// A carrier's media WebSocket, reduced to its text frames. The stream ends when the socket does.
pub trait MediaSocket: Stream<Item = Bytes> + Sink<String, Error = SocketGone> + Send {}

impl<T: Stream<Item = Bytes> + Sink<String, Error = SocketGone> + Send> MediaSocket for T {}

/// A socket of any make.
pub type BoxSocket = Pin<Box<dyn MediaSocket>>;

/// The socket is closed or broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the media socket is gone")]
pub struct SocketGone;

/// Where a call's media reports to: its session.
pub type EventSink = Box<dyn Fn(MediaEvent) -> Told + Send + Sync>;

#[cfg(test)]
mod tests;

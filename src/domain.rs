//! The pure core: what a session, a line and the playout do, as values without clock, socket or task.
//!
//! Each machine takes an input and the time, changes itself and queues effects; a deadline table says when it wants to be
//! woken. The runtime carries the effects out.

pub mod carrier;
pub mod deadlines;
pub mod keywords;
pub mod line;
pub mod media;
pub mod messaging;
pub mod outcome;
pub mod playout;
pub mod session;
pub mod text;

#[cfg(test)]
pub(crate) mod sweep;

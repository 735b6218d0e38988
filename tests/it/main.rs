//! Tests of the whole: of the source tree here, of the running server beside it.

#![expect(clippy::unchecked_time_subtraction, reason = "an order that is not kept fails the test")]

mod api;
mod bench;
mod binary;
mod calls;
mod carrier;
mod conversation;
mod leaks;
mod media_socket;
mod metrics;
mod peers;
mod rows;
mod speech;
mod steered;
mod webhook;
mod world;

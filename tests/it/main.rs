//! Tests of the whole: of the source tree here, of the running server beside it.

mod bench;
mod calls;
mod carrier;
mod conversation;
mod media_socket;
mod metrics;
mod peers;
mod rows;
mod speech;
mod webhook;
mod world;

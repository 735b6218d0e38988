//! Tests of the whole: of the source tree here, of the running server beside it.

mod calls;
mod conversation;
mod metrics;
mod peers;
mod rows;
mod speech;
mod world;

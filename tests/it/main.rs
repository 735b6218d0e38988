//! Tests of the whole: of the source tree here, of the running server beside it.

mod calls;
mod carrier;
mod media_socket;
mod rows;
mod webhook;
mod world;

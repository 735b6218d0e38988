//! Tests of the whole: of the source tree here, of the running server beside it.

mod api;
mod calls;
mod leaks;
mod peers;
mod rows;
mod world;

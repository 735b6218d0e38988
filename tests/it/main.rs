//! Tests of the whole: of the source tree here, of the running server beside it.

mod api;
mod bench;
mod binary;
mod calls;
mod carrier;
mod conversation;
mod crash;
mod docs;
mod doctor;
mod front_door;
mod leaks;
mod logging;
mod mcp;
mod media_socket;
mod metrics;
mod peers;
mod rows;
mod security;
mod speech;
mod steered;
mod telnyx;
#[cfg(feature = "otel")]
mod traces;
mod vad;
mod webhook;
mod world;
mod writing;

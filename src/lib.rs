//! callme: lets an AI agent phone the person it works for and talk with them.
//!
//! The modules stand in rows; a module names only its own children and lower rows. `docs/ARCHITECTURE.md` tells
//! why, `tests/it/rows.rs` holds it.

// Row 0, ground: plain values.
pub mod clock;
pub mod ids;
pub mod limit;
pub mod metrics;
pub mod phone_number;
pub mod privacy;
#[cfg(test)]
mod written;

// Row 1, ports and core: pure; time and chance are arguments. The children of the ports are their adapters, row 2.
pub mod audio;
pub mod domain;
pub mod provider;
pub mod store;

// Row 3, runtime: tasks, channels, timers.
pub mod media;
pub mod session;

// Row 4, service: the verbs.
pub mod service;

// Row 5, edge: HTTP shapes, and the tools over MCP. They meet in the shell.
pub mod http;
pub mod mcp;

// Row 6, shell: environment, files, signals; names the concrete adapters. The emulator stands outside the server: it
// knows rows 0 and 1, and speaks to the rest over sockets.
pub mod app;
pub mod cli;
pub mod config;
pub mod emulator;
pub mod telemetry;

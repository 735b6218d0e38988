//! The session machine, scenario by scenario.

mod answering;
mod dialing;
mod endings;
mod fallback;
mod floor;
mod random;
mod replies;
mod requests;
mod scenario;
mod speech;
mod writing;

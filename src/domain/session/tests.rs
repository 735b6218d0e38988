//! The session machine, scenario by scenario.

mod answering;
mod dialing;
mod endings;
mod fallback;
mod floor;
mod long_texts;
mod random;
mod receipts;
mod replies;
mod requests;
mod retries;
mod scenario;
mod speech;
mod writing;

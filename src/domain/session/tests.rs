//! The session machine, scenario by scenario.

mod answering;
mod by_sms;
mod call_me;
mod dialing;
mod endings;
mod fallback;
mod floor;
mod long_texts;
mod lost_media;
mod many;
mod messages_taken;
mod moments;
mod opt_out;
mod random;
mod receipts;
mod replies;
mod requests;
mod restart;
mod retries;
mod scenario;
mod speech;
mod writing;

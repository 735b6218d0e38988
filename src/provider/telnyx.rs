//! Telnyx Call Control: the REST calls and commands, the signed events, and the media wire; and WhatsApp and
//! SMS by Telnyx.
//!
//! One webhook, `POST {PUBLIC}/twiml?s=<session>`, takes every event of a call; [`signature`] proves it, [`event`] reads it. What
//! is to be done with a call is told by a command ([`rest`]), never in the answer; and only a command ends a call: closing its
//! media socket does not.

mod api;
pub mod event;
pub mod media;
mod message;
pub mod message_webhooks;
mod messages;
pub mod messaging;
pub mod rest;
pub mod signature;
pub mod sms;
pub mod webhooks;

pub use media::MediaStreams;
pub use message_webhooks::TelnyxMessageWebhooks;
pub use messaging::{TelnyxMessaging, TelnyxMessagingConfig, Template};
pub use rest::{Telnyx, TelnyxConfig};
pub use signature::{NotAPublicKey, PublicKey};
pub use sms::{TelnyxSms, TelnyxSmsConfig};
pub use webhooks::TelnyxWebhooks;

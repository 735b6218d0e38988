//! Twilio Voice: the REST calls, the signed webhooks, the TwiML that answers them, and the Media Streams wire; and WhatsApp
//! by Twilio Conversations, and SMS.
//!
//! One webhook, `POST {PUBLIC}/twiml?s=<session>`, serves every callback of a call; [`signature`] proves it, [`callback`]
//! reads it, [`twiml`] answers it. Others, `POST {PUBLIC}/whatsapp` and `POST {PUBLIC}/sms`, bring all news of messages;
//! [`message_webhooks`] reads them.

mod answer;
mod api;
pub mod callback;
pub mod conversations;
mod cuts;
mod date;
pub mod media;
pub mod message_webhooks;
pub mod rest;
mod sid;
pub mod signature;
pub mod sms;
pub mod twiml;
pub mod webhooks;

pub use conversations::{ConversationsConfig, SenderMode, TwilioConversations};
pub use media::MediaStreams;
pub use message_webhooks::TwilioMessageWebhooks;
pub use rest::{Twilio, TwilioConfig};
pub use sms::{TwilioSms, TwilioSmsConfig};
pub use webhooks::TwilioWebhooks;

pub use crate::provider::public_url::PublicUrl;
pub use crate::provider::rest::{BadSettings, client};
use crate::provider::{CallEnd, CallProgress};

/// Reads a call's status as REST (`status`) and the webhooks (`CallStatus`) write it; `initiated` is only in the latter.
///
/// `sip` is the final SIP answer, where it is known: 480 (temporarily unavailable) behind a `failed` is a phone nobody
/// answers, not a call that could not be put through.
fn progress(status: &str, sip: Option<u16>) -> Option<CallProgress> {
    Some(match status {
        "queued" | "initiated" => CallProgress::Queued,
        "ringing" => CallProgress::Ringing,
        "in-progress" => CallProgress::Answered,
        "completed" => CallProgress::Over(CallEnd::Completed),
        "no-answer" => CallProgress::Over(CallEnd::NoAnswer),
        "busy" => CallProgress::Over(CallEnd::Busy),
        "failed" if sip == Some(480) => CallProgress::Over(CallEnd::NoAnswer),
        "failed" => CallProgress::Over(CallEnd::Failed),
        "canceled" => CallProgress::Over(CallEnd::Canceled),
        _ => return None,
    })
}

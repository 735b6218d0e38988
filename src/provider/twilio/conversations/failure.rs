//! What Twilio's codes mean for the next message. One table for both ways by which they come: as the answer to a request,
//! and later as a receipt.

use crate::domain::outcome::Channel;
use crate::provider::rest::Failure;
use crate::provider::{Delivery, MessagingClass, MessagingError};

/// The conversation is closed, which is for ever.
const CLOSED: &str = "50377";
/// There is no such resource; on a conversation, it is gone.
const NOT_FOUND: &str = "20404";

/// By <https://www.twilio.com/docs/api/errors> and Twilio's table of WhatsApp's own codes. A code that is not here says
/// that the message cannot be sent.
const CLASSES: [(MessagingClass, &[&str]); 7] = [
    // The sandbox's user has not joined, or three days ago.
    (MessagingClass::OptIn, &["63015"]),
    (MessagingClass::Window, &["63016"]),
    // Stopped by word; blocked in the app.
    (MessagingClass::OptedOut, &["21610", "63014"]),
    // No WhatsApp at the number, no valid recipient, no number, no mobile, no valid address; by SMS: unknown, a landline.
    (MessagingClass::BadNumber, &["63003", "63024", "21211", "21217", "21614", "50407", "30005", "30006"]),
    (
        MessagingClass::Configuration,
        &[
            // Account: authentication, not active, suspended, trial's recipients, the recipient's region.
            "20003", "20005", "20403", "21608", "21408", "30002",
            // Sender: not ours, no channel, not set up, Meta's business account.
            "21606", "63007", "63001", "63002", "63008", "63020", "50408", "50409", "50412", "50414",
            // Sender of SMS: not an account's number, another account's, not verified (toll-free), not registered.
            "21659", "21660", "30032", "30034",
            // Template: its variables, its SID, gone at Meta, as many variables as it has.
            "21656", "92006", "63027", "63028", "50526", "50527", "50528",
        ],
    ),
    (MessagingClass::Closed, &[CLOSED, NOT_FOUND]),
    // Too many requests, here or at Meta; a fault at Twilio or at Meta after which nothing was sent.
    (MessagingClass::Transient, &["20429", "63018", "63010", "63012"]),
];

fn class_of(code: &str) -> Option<MessagingClass> {
    CLASSES.iter().find(|(_, codes)| codes.contains(&code)).map(|(class, _)| *class)
}

impl From<Failure> for MessagingError {
    /// What a failed request on a conversation means.
    fn from(failure: Failure) -> Self {
        failure.about_message(class_of)
    }
}

/// What it means that a conversation could not be found or made. Nothing was sent, so it can be tried again; and what was
/// not found is no conversation, but the API itself.
pub(super) fn opening(failure: Failure) -> MessagingError {
    let error = MessagingError::from(failure);
    let class = match error.class {
        MessagingClass::Unknown => MessagingClass::Transient,
        MessagingClass::Closed => MessagingClass::Configuration,
        class => class,
    };
    MessagingError { class, ..error }
}

/// What a failed request about an SMS means. There is no conversation that could be gone: what was not found is the API itself.
pub(in super::super) fn about_sms(failure: Failure) -> MessagingError {
    let error = MessagingError::from(failure);
    let class = if error.class == MessagingClass::Closed { MessagingClass::Configuration } else { error.class };
    MessagingError { class, ..error }
}

/// A code as Twilio writes them, which have five digits. More of them could be somebody's number.
fn is_code(text: &str) -> bool {
    (2..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a receipt's status says, as REST (`status`) and the webhooks (`Status`, `MessageStatus`) write it; `None` where
/// that is not known yet. `code` is its error's, empty or `0` where it has none.
pub(in super::super) fn delivery(status: &str, code: Option<&str>, channel: Channel) -> Option<Delivery> {
    match status {
        // Sent to the channel, which may refuse it yet.
        "sent" => Some(Delivery::Underway),
        "delivered" | "read" => Some(Delivery::Fine),
        "failed" | "undelivered" => {
            let code = code.filter(|code| is_code(code));
            let class = code.and_then(class_of).unwrap_or(MessagingClass::Permanent);
            let error = MessagingError::ours(class, undelivered(channel));
            Some(Delivery::Failed(MessagingError { code: code.map(str::to_owned), ..error }))
        }
        // `queued`, `accepted`, `sending`, and what may come to be.
        _ => None,
    }
}

fn undelivered(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "the SMS was not delivered",
        Channel::WhatsApp | Channel::Voice => "WhatsApp did not deliver the message",
    }
}

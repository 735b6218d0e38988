//! A message as Telnyx describes it, in an answer or in an event; and what its codes mean for the next one.
//!
//! WhatsApp's messages have other shapes than those of other channels in the same places, and not all of them are documented:
//! whatever is missing is taken for not told.

use serde_json::Value;

use crate::ids::{ConversationId, MessageId};
use crate::phone_number::PhoneNumber;
use crate::privacy::keyed::{HashKey, Kind};
use crate::provider::{Delivery, MessagingClass, MessagingError, Receipt};

/// By <https://developers.telnyx.com/api/errors>, and Meta's own codes, which are passed on. A code that is not here says that
/// the message cannot be sent.
const CLASSES: [(MessagingClass, &[&str]); 5] = [
    // Outside of the 24 hours: by Telnyx's code and by Meta's.
    (MessagingClass::Window, &["40008", "131047"]),
    // Stopped by word; stopped in the app.
    (MessagingClass::OptedOut, &["40300", "131050"]),
    // Not a number; not a number to write to; not on WhatsApp; ourselves.
    (MessagingClass::BadNumber, &["10016", "40310", "131026", "131021"]),
    (
        MessagingClass::Configuration,
        &[
            // Account: authentication, authorisation, locked.
            "10009", "10010", "131031", // Sender: not ours; not registered.
            "40305", "133010",
            // Template: as many variables as it has, not there, their form, paused, switched off.
            "132000", "132001", "132012", "132015", "132016",
        ],
    ),
    // Too many requests: at Telnyx, at Meta, to this person.
    (MessagingClass::Transient, &["10011", "130429", "131056"]),
];

/// What a code means, where that is known.
pub(super) fn class_of(code: &str) -> Option<MessagingClass> {
    CLASSES.iter().find(|(_, codes)| codes.contains(&code)).map(|(class, _)| *class)
}

/// The same for SMS, where some codes mean something else.
pub(super) fn class_by_sms(code: &str) -> Option<MessagingClass> {
    match code {
        // A landline, or no route to it; no valid destination.
        "40001" | "40012" => Some(MessagingClass::BadNumber),
        // The sender: not registered where it must be, not valid.
        "40010" | "40013" => Some(MessagingClass::Configuration),
        "40011" => Some(MessagingClass::Transient),
        // On WhatsApp it is the window; here it says undeliverable.
        "40008" => Some(MessagingClass::Permanent),
        code => class_of(code),
    }
}

/// Whether a message went, or came, from number to number.
pub(super) fn is_sms(message: &Value) -> bool {
    message["type"].as_str().is_some_and(|kind| matches!(kind, "SMS" | "MMS"))
}

/// A name that Telnyx gave a message; theirs are UUIDs.
pub(super) fn name(value: &Value) -> Option<MessageId> {
    let name = value.as_str().filter(|name| (1..=128).contains(&name.len()))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'=' | b'+' | b'/');
    name.bytes().all(plain).then(|| MessageId(name.to_owned()))
}

/// A number, which stands alone or as a member of who has it.
pub(super) fn number(value: &Value) -> Option<PhoneNumber> {
    let text = value.as_str().or_else(|| value["phone_number"].as_str())?;
    // Meta writes numbers without the plus.
    let is_bare = text.bytes().all(|byte| byte.is_ascii_digit());
    PhoneNumber::parse(&if is_bare { format!("+{text}") } else { text.to_owned() }).ok()
}

/// What stands in for a conversation, which Telnyx does not have: the same for the same two numbers, and no way back to them.
pub(super) fn conversation(key: &HashKey, us: &PhoneNumber, person: &PhoneNumber) -> ConversationId {
    let pair = format!("telnyx whatsapp {} {}", us.reveal(), person.reveal());
    ConversationId(format!("TX{}", key.hash(Kind::Conversation, &pair).to_hex()))
}

/// What became of a message of ours, as it stands; `event` is the kind of event that tells of it, where one does.
pub(super) fn receipt(message: &Value, event: &str) -> Option<Receipt> {
    let delivery = delivery(message, event)?;
    let channel_message = [&message["body"]["foreign_id"], &message["foreign_id"]].into_iter().find_map(name);
    Some(Receipt { message: name(&message["id"])?, channel_message, delivery })
}

fn delivery(message: &Value, event: &str) -> Option<Delivery> {
    let to = message["to"].as_array().and_then(|to| to.first());
    let status = to.and_then(|to| to["status"].as_str()).or_else(|| message["status"].as_str()).unwrap_or_default();
    let failed = |status: &str| matches!(status, "expired" | "sending_failed" | "delivery_failed" | "failed");
    let by_sms = is_sms(message);
    let error = message["errors"].as_array().and_then(|errors| errors.first());
    match (status, event) {
        (status, _) if failed(status) => Some(Delivery::Failed(failure(error, by_sms))),
        ("delivered" | "read", _) | (_, "message.read") => Some(Delivery::Fine),
        ("", "message.finalized") if error.is_some() => Some(Delivery::Failed(failure(error, by_sms))),
        ("", "message.finalized") => Some(Delivery::Fine),
        // `delivery_unconfirmed`: nobody will ever know more.
        ("sent" | "delivery_unconfirmed", _) | (_, "message.sent") => Some(Delivery::Underway),
        // `queued`, `sending`, and what may come to be.
        _ => None,
    }
}

/// Why it did not arrive. Telnyx's sentence may quote the message; ours says as much.
fn failure(error: Option<&Value>, by_sms: bool) -> MessagingError {
    let code = error.and_then(|error| match &error["code"] {
        Value::String(code) => Some(code.clone()),
        Value::Number(code) => Some(code.to_string()),
        _ => None,
    });
    // More digits could be somebody's number.
    let code = code.filter(|code| (2..=6).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit()));
    let class_of = if by_sms { class_by_sms } else { class_of };
    let class = code.as_deref().and_then(class_of).unwrap_or(MessagingClass::Permanent);
    let message = if by_sms { "the SMS was not delivered" } else { "WhatsApp did not deliver the message" };
    MessagingError { class, code, message: message.to_owned(), retry_after: None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_state_of_a_message_is_what_it_says() {
        let listed = |status: &str| json!({"id": "m-1", "to": [{"phone_number": "+393331234567", "status": status}]});
        let bare = |more: Value| {
            let mut message = json!({"id": "m-1", "to": "+393331234567"});
            message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            message
        };
        let failed = |class, code: Option<&str>| {
            Some(Delivery::Failed(MessagingError { class, code: code.map(str::to_owned), ..failure(None, false) }))
        };
        let permanent = || failed(MessagingClass::Permanent, None);
        for (message, event, want) in [
            (listed("queued"), "", None),
            (listed("sending"), "", None),
            (listed("sent"), "message.sent", Some(Delivery::Underway)),
            (listed("queued"), "message.sent", Some(Delivery::Underway)),
            (listed("delivered"), "message.finalized", Some(Delivery::Fine)),
            (listed("delivery_unconfirmed"), "message.finalized", Some(Delivery::Underway)),
            (listed("read"), "message.read", Some(Delivery::Fine)),
            (listed("delivery_failed"), "message.finalized", permanent()),
            (listed("sending_failed"), "", permanent()),
            (listed("expired"), "", permanent()),
            (listed("of the future"), "", None),
            (bare(json!({})), "message.sent", Some(Delivery::Underway)),
            (bare(json!({})), "message.finalized", Some(Delivery::Fine)),
            (bare(json!({})), "message.read", Some(Delivery::Fine)),
            (bare(json!({"status": "delivered"})), "", Some(Delivery::Fine)),
            (
                bare(json!({"errors": [{"code": "131047"}]})),
                "message.finalized",
                failed(MessagingClass::Window, Some("131047")),
            ),
            (
                bare(json!({"errors": [{"code": 40300}]})),
                "message.finalized",
                failed(MessagingClass::OptedOut, Some("40300")),
            ),
            (bare(json!({"errors": [{"code": "393331234567"}]})), "message.finalized", permanent()),
        ] {
            let got = receipt(&message, event).map(|receipt| receipt.delivery);
            assert_eq!(got, want, "{event} {message}");
        }
    }

    #[test]
    fn what_has_no_name_is_no_receipt() {
        for name in [json!(null), json!(""), json!("a b"), json!("é"), json!("x".repeat(129)), json!(7)] {
            assert_eq!(receipt(&json!({"id": name, "status": "delivered"}), ""), None, "{name}");
        }
    }

    #[test]
    fn a_conversation_goes_by_a_hash_of_both_numbers() {
        let number = |text: &str| PhoneNumber::parse(text).unwrap();
        let (key, us, them) = (HashKey::new(b"a key"), number("+390612345678"), number("+393331234567"));
        let ours = conversation(&key, &us, &them);
        assert_eq!(ours, conversation(&key, &us, &them));
        for other in [
            conversation(&key, &them, &us),
            conversation(&key, &us, &number("+393331234568")),
            conversation(&HashKey::new(b"another"), &us, &them),
        ] {
            assert_ne!(ours, other);
        }
        assert!(ours.as_str().len() == 34 && !ours.as_str().contains("3331234567"), "{ours:?}");
    }
}

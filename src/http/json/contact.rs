//! The messaging fields of an answer: the conversation, and the window as it stands.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::messaging::{Contact, Window};
use crate::ids::ConversationId;

/// How the person is reached by text. What is not known is left out, and all of it while the session is on the phone.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContactJson {
    /// The carrier's conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_sid: Option<String>,
    /// When WhatsApp's window closes, or closed, in epoch milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    whatsapp_session_expiry: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    whatsapp_session_window: Option<WindowJson>,
}

/// WhatsApp's window: while it is open, texts arrive as they are.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WindowJson {
    /// When it closes, or closed, in epoch milliseconds.
    expires_at: u64,
    /// The whole minutes that are left of it.
    minutes_remaining: u64,
    /// `active`, `expiring_soon` (less than 60 minutes are left) or `expired`.
    status: &'static str,
}

impl From<Option<Contact>> for ContactJson {
    fn from(contact: Option<Contact>) -> Self {
        let Some(Contact { conversation, window }) = contact else { return Self::default() };
        Self {
            conversation_sid: sid(conversation.as_ref()),
            whatsapp_session_expiry: window.map(|window| window.until.0),
            whatsapp_session_window: window.map(WindowJson::from),
        }
    }
}

impl From<Window> for WindowJson {
    fn from(Window { until, left }: Window) -> Self {
        /// Less than this, and the next send may need a template.
        const SOON: Duration = Duration::from_mins(60);
        let status = if left.is_zero() {
            "expired"
        } else if left < SOON {
            "expiring_soon"
        } else {
            "active"
        };
        Self { expires_at: until.0, minutes_remaining: left.as_secs() / 60, status }
    }
}

/// A conversation as the API names it.
pub(super) fn sid(conversation: Option<&ConversationId>) -> Option<String> {
    conversation.map(|conversation| conversation.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;
    use crate::clock::Millis;

    #[test]
    fn a_window_is_about_to_expire_when_less_than_an_hour_is_left() {
        const MINUTE: u64 = 60_000;
        for (left_ms, minutes, status) in [
            (24 * 60 * MINUTE, 1_440, "active"),
            (61 * MINUTE, 61, "active"),
            (60 * MINUTE + 1, 60, "active"),
            (60 * MINUTE, 60, "active"),
            (60 * MINUTE - 1, 59, "expiring_soon"),
            (59 * MINUTE, 59, "expiring_soon"),
            (MINUTE - 1, 0, "expiring_soon"),
            (1, 0, "expiring_soon"),
            (0, 0, "expired"),
        ] {
            let window = Window { until: Millis(1_795_248_000_000), left: Duration::from_millis(left_ms) };
            let want = json!({ "expiresAt": 1_795_248_000_000_u64, "minutesRemaining": minutes, "status": status });
            assert_eq!(to_value(WindowJson::from(window)).expect("JSON"), want, "{left_ms} ms");
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let conversation = || Some(ConversationId("CH0123456789abcdef0123456789abcdef".to_owned()));
        let window = Some(Window { until: Millis(7), left: Duration::ZERO });
        let sid = json!("CH0123456789abcdef0123456789abcdef");
        let expired = json!({ "expiresAt": 7, "minutesRemaining": 0, "status": "expired" });
        for (contact, want) in [
            (None, json!({})),
            (Some(Contact { conversation: None, window: None }), json!({})),
            (Some(Contact { conversation: conversation(), window: None }), json!({ "conversationSid": sid })),
            (
                Some(Contact { conversation: conversation(), window }),
                json!({ "conversationSid": sid, "whatsappSessionExpiry": 7, "whatsappSessionWindow": expired }),
            ),
            (
                Some(Contact { conversation: None, window }),
                json!({ "whatsappSessionExpiry": 7, "whatsappSessionWindow": expired }),
            ),
        ] {
            assert_eq!(to_value(ContactJson::from(contact)).expect("JSON"), want);
        }
    }
}

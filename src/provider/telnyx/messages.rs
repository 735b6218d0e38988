//! What WhatsApp and SMS by Telnyx have in common: messages are sent, and asked about by their names.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use super::api::Api;
use super::message;
use super::rest::{TELNYX, Wrapped};
use crate::ids::MessageId;
use crate::provider::rest::{Failure, Kind};
use crate::provider::{MessagingClass, MessagingError, Receipt};

impl Api {
    /// Sends a message; its name.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<MessageId, Failure> {
        let sent: Wrapped<Value> = TELNYX.json(request).await?;
        // From here on the message may arrive: an answer without a usable name is no refusal.
        message::name(&sent.data["id"]).ok_or_else(|| TELNYX.unreadable())
    }

    /// What became of a message of ours.
    pub(super) async fn receipt(&self, message: &MessageId) -> Result<Option<Receipt>, Failure> {
        let found = TELNYX.json(self.request(Method::GET, &["messages", message.as_str()])).await;
        let found: Wrapped<Value> = match found {
            // Kept for ten days; and whether WhatsApp's are found at all is not documented.
            Err(Failure { kind: Kind::Status(StatusCode::NOT_FOUND), .. }) => return Ok(None),
            found => found?,
        };
        Ok(message::receipt(&found.data, "").filter(|receipt| receipt.message == *message))
    }
}

/// What was written cannot be read back.
pub(super) fn no_list() -> MessagingError {
    MessagingError::ours(MessagingClass::Permanent, "Telnyx has no list of messages to read")
}

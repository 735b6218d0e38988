//! What WhatsApp and SMS by Telnyx have in common: messages are sent, and asked about by their names.

use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use super::message;
use super::rest::{TELNYX, Wrapped};
use crate::ids::MessageId;
use crate::provider::rest::{self, BadSettings, Failure, Kind, REQUEST_TIMEOUT};
use crate::provider::{MessagingClass, MessagingError, Receipt};

/// Telnyx's API, as one account uses it for messages.
#[derive(Clone, Debug)]
pub(super) struct Api {
    key: SecretString,
    /// `{api}/v2`.
    root: Url,
    client: reqwest::Client,
}

impl Api {
    /// The API at `base`.
    pub(super) fn new(api_key: SecretString, base: &str) -> Result<Self, BadSettings> {
        Ok(Self { key: api_key, root: rest::root(base, &["v2"])?, client: rest::client()? })
    }

    /// A request to a resource; `path` is escaped segment by segment.
    pub(super) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.root.clone();
        url.path_segments_mut().expect("an http URL has a path").extend(path);
        let request = self.client.request(method, url).timeout(REQUEST_TIMEOUT);
        request.bearer_auth(self.key.expose_secret())
    }

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
    ours(MessagingClass::Permanent, "Telnyx has no list of messages to read")
}

/// An error of our own making, before anything was sent.
pub(super) fn ours(class: MessagingClass, message: &str) -> MessagingError {
    MessagingError { class, code: None, message: message.to_owned(), retry_after: None }
}

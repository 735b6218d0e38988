//! WhatsApp by Telnyx (`/v2/messages/whatsapp`). Telnyx keeps no conversation and has no list of messages: one stands for each
//! pair of numbers, by a keyed hash, and what was sent can be asked about by its name only. Nothing here repeats a request.

use futures_util::future::{BoxFuture, FutureExt as _, ready};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::json;

use super::api::Api;
use super::message;
use super::messages::no_list;
use crate::ids::{ConversationId, MessageId};
use crate::phone_number::PhoneNumber;
use crate::privacy::keyed::HashKey;
use crate::provider::public_url::PublicUrl;
use crate::provider::rest::{BadSettings, Failure};
use crate::provider::{Abilities, Messaging, MessagingError, Opened, PastMessage, Receipt, SendOrder};

/// `text.body`'s documented limit, in characters.
const LONGEST: usize = 4_096;
/// What a template is written in where its setting does not say.
const LANGUAGE: &str = "en";

/// What the adapter needs to know.
#[derive(Clone, Debug)]
pub struct TelnyxMessagingConfig {
    /// The account's API key (`KEY…`).
    pub api_key: SecretString,
    /// The WhatsApp sender.
    pub from: PhoneNumber,
    /// The approved template whose one variable is the text.
    pub template: Option<Template>,
    /// Keys the names of conversations.
    pub hash_key: HashKey,
    /// Where Telnyx's webhooks reach us.
    pub public_url: PublicUrl,
    /// Base of the API, [`API_URL`](super::rest::API_URL) by default.
    pub api_url: String,
}

/// A template of the WhatsApp business account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    name: String,
    language: String,
}

impl Template {
    /// Reads `name` or `name:language`, as in `agent_question:it`; `None` where it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, language) = text.split_once(':').unwrap_or((text, LANGUAGE));
        let is_name = |text: &str, most| {
            (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let fits = is_name(name, 512) && is_name(language, 15);
        fits.then(|| Self { name: name.to_owned(), language: language.to_owned() })
    }
}

/// WhatsApp by Telnyx.
#[derive(Clone, Debug)]
pub struct TelnyxMessaging {
    config: TelnyxMessagingConfig,
    abilities: Abilities,
    api: Api,
}

impl TelnyxMessaging {
    /// Makes the adapter with a client of its own.
    ///
    /// # Errors
    /// When the API's URL or the client's TLS set-up is unusable.
    pub fn new(config: TelnyxMessagingConfig) -> Result<Self, BadSettings> {
        let api = Api::new(config.api_key.clone(), &config.api_url)?;
        let abilities = Abilities {
            longest: LONGEST,
            template: config.template.is_some(),
            reads_back: false,
            opt_in:
                "Ask the person to write to this server's WhatsApp number first: nobody may be written to who has not \
                     agreed to it."
                    .to_owned(),
        };
        Ok(Self { config, abilities, api })
    }

    async fn send(&self, order: SendOrder) -> Result<MessageId, MessagingError> {
        let says = match (order.template, &self.config.template) {
            (false, _) => json!({"type": "text", "text": {"body": order.text, "preview_url": false}}),
            (true, Some(Template { name, language })) => {
                let text = json!({"type": "text", "text": order.text});
                json!({"type": "template", "template": {
                    "name": name,
                    "language": {"code": language, "policy": "deterministic"},
                    "components": [{"type": "body", "parameters": [text]}],
                }})
            }
            (true, None) => return Err(MessagingError::no_template()),
        };
        let body = json!({
            "from": self.config.from.reveal(),
            "to": order.to.reveal(),
            "type": "WHATSAPP",
            "whatsapp_message": says,
            "webhook_url": self.config.public_url.texts(),
        });
        let request = self.api.request(Method::POST, &["messages", "whatsapp"]).json(&body);
        self.api.send(request).await.map_err(meaning)
    }
}

impl Messaging for TelnyxMessaging {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    fn open<'a>(&'a self, to: &'a PhoneNumber) -> BoxFuture<'a, Result<Opened, MessagingError>> {
        let conversation = message::conversation(&self.config.hash_key, &self.config.from, to);
        ready(Ok(Opened { conversation, found: false })).boxed()
    }

    fn send(&self, order: SendOrder) -> BoxFuture<'_, Result<MessageId, MessagingError>> {
        Box::pin(self.send(order))
    }

    fn latest<'a>(
        &'a self,
        _conversation: &'a ConversationId,
        _with: &'a PhoneNumber,
    ) -> BoxFuture<'a, Result<Vec<PastMessage>, MessagingError>> {
        ready(Err(no_list())).boxed()
    }

    fn receipt<'a>(
        &'a self,
        _conversation: &'a ConversationId,
        message: &'a MessageId,
    ) -> BoxFuture<'a, Result<Option<Receipt>, MessagingError>> {
        self.api.receipt(message).map(|receipt| receipt.map_err(meaning)).boxed()
    }
}

/// What a failed request means for its message.
fn meaning(failure: Failure) -> MessagingError {
    failure.about_message(message::class_of)
}

#[cfg(test)]
mod tests;

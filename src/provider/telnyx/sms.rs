//! SMS by Telnyx (`/v2/messages`). What was sent can be asked about by its name only, and what came in not at all. Nothing here
//! repeats a request.

use futures_util::future::{BoxFuture, FutureExt as _, ready};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::api::Api;
use super::message;
use super::messages::no_list;
use crate::ids::MessageId;
use crate::phone_number::PhoneNumber;
use crate::provider::public_url::PublicUrl;
use crate::provider::rest::{BadSettings, Failure};
use crate::provider::{CarrierWords, MessagingError, PastMessage, Receipt, Sms, SmsAbilities, SmsOrder};

/// What Telnyx minds unless a messaging profile has words of its own. For help it has no answer until one is set up.
const WORDS: CarrierWords = CarrierWords {
    stop: &["stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit"],
    start: &["start", "unstop"],
    help: &[],
};
const ABILITIES: SmsAbilities = SmsAbilities { reads_back: false, words: WORDS };

/// What the adapter needs to know.
#[derive(Clone, Debug)]
pub struct TelnyxSmsConfig {
    /// The account's API key (`KEY…`).
    pub api_key: SecretString,
    /// The number that the texts come from.
    pub from: PhoneNumber,
    /// The messaging profile that it belongs to, where we were told.
    pub profile: Option<String>,
    /// Where Telnyx's webhooks reach us.
    pub public_url: PublicUrl,
    /// Base of the API, [`API_URL`](super::rest::API_URL) by default.
    pub api_url: String,
}

/// SMS by Telnyx.
#[derive(Clone, Debug)]
pub struct TelnyxSms {
    from: PhoneNumber,
    profile: Option<String>,
    public_url: PublicUrl,
    api: Api,
}

impl TelnyxSms {
    /// Makes the adapter with a client of its own.
    ///
    /// # Errors
    /// When the API's URL or the client's TLS set-up is unusable.
    pub fn new(config: TelnyxSmsConfig) -> Result<Self, BadSettings> {
        let TelnyxSmsConfig { api_key, from, profile, public_url, api_url } = config;
        Ok(Self { from, profile, public_url, api: Api::new(api_key, &api_url)? })
    }

    async fn send(&self, order: SmsOrder) -> Result<MessageId, MessagingError> {
        let mut body = json!({
            "from": self.from.reveal(),
            "to": order.to.reveal(),
            "text": order.text,
            "type": "SMS",
            "webhook_url": self.public_url.sms(),
        });
        if let Some(profile) = &self.profile {
            body["messaging_profile_id"] = Value::from(profile.as_str());
        }
        self.api.send(self.api.request(Method::POST, &["messages"]).json(&body)).await.map_err(meaning)
    }
}

impl Sms for TelnyxSms {
    fn abilities(&self) -> &SmsAbilities {
        &ABILITIES
    }

    fn send(&self, order: SmsOrder) -> BoxFuture<'_, Result<MessageId, MessagingError>> {
        Box::pin(self.send(order))
    }

    fn latest<'a>(&'a self, _with: &'a PhoneNumber) -> BoxFuture<'a, Result<Vec<PastMessage>, MessagingError>> {
        ready(Err(no_list())).boxed()
    }

    fn receipt<'a>(&'a self, message: &'a MessageId) -> BoxFuture<'a, Result<Option<Receipt>, MessagingError>> {
        self.api.receipt(message).map(|receipt| receipt.map_err(meaning)).boxed()
    }
}

/// What a failed request means for its text.
fn meaning(failure: Failure) -> MessagingError {
    failure.about_message(message::class_by_sms)
}

#[cfg(test)]
mod tests;

//! SMS by Twilio's plain Messaging (`/2010-04-01/Accounts/{AC}/Messages`). Nothing here repeats a request: a second one is a
//! second text.

use futures_util::future::BoxFuture;
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::PublicUrl;
use super::answer::TWILIO;
use super::api::Api;
use super::conversations::{self, about_sms};
use super::{date, sid};
use crate::domain::outcome::Channel;
use crate::domain::text::LONGEST_WRITTEN_BY_SMS;
use crate::ids::MessageId;
use crate::phone_number::PhoneNumber;
use crate::provider::rest::{self, BadSettings, Failure, Kind};
use crate::provider::words;
use crate::provider::{Author, CarrierWords, MessagingError, PastMessage, Receipt, Sms, SmsAbilities, SmsOrder};

/// What Twilio minds on a number of its own: <https://help.twilio.com/articles/223134027>.
const WORDS: CarrierWords = CarrierWords {
    stop: &["stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"],
    start: &["start", "yes", "unstop"],
    help: &["help", "info"],
};
const ABILITIES: SmsAbilities = SmsAbilities { reads_back: true, words: WORDS };
/// Enough for what the person wrote since we last looked.
const LATEST: &str = "50";

/// What the adapter needs to know.
#[derive(Clone, Debug)]
pub struct TwilioSmsConfig {
    /// `AC…`: whose messages these are, and the user name of every request.
    pub account_sid: String,
    /// The account's primary auth token.
    pub auth_token: SecretString,
    /// The number that the texts come from.
    pub from: PhoneNumber,
    /// Where Twilio's webhooks reach us.
    pub public_url: PublicUrl,
    /// Base of the API, [`API_URL`](super::rest::API_URL) by default.
    pub api_url: String,
}

/// SMS by Twilio.
#[derive(Clone, Debug)]
pub struct TwilioSms {
    from: PhoneNumber,
    public_url: PublicUrl,
    /// `{api}/2010-04-01/Accounts/{AC}`.
    api: Api,
}

/// A message as REST describes it; the fields that are read.
#[derive(Deserialize)]
struct MessageRecord {
    sid: String,
    #[serde(default)]
    status: String,
    /// A number; null when nothing failed.
    #[serde(default)]
    error_code: Value,
    direction: Option<String>,
    from: Option<String>,
    to: Option<String>,
    body: Option<String>,
    /// Digits.
    num_media: Option<String>,
    /// RFC 2822.
    date_created: Option<String>,
}

#[derive(Deserialize)]
struct MessagePage {
    messages: Vec<MessageRecord>,
}

impl TwilioSms {
    /// Makes the adapter with a client of its own.
    ///
    /// # Errors
    /// When the API's URL or the client's TLS set-up is unusable.
    pub fn new(config: TwilioSmsConfig) -> Result<Self, BadSettings> {
        let TwilioSmsConfig { account_sid, auth_token, from, public_url, api_url } = config;
        let path = ["2010-04-01", "Accounts", &account_sid];
        let api = Api::new(account_sid.clone(), auth_token, &api_url, &path, rest::client()?)?;
        Ok(Self { from, public_url, api })
    }

    async fn send(&self, order: SmsOrder) -> Result<MessageId, MessagingError> {
        let callback = self.public_url.sms();
        let form = [
            ("To", order.to.reveal()),
            ("From", self.from.reveal()),
            ("Body", &order.text),
            ("StatusCallback", &callback),
        ];
        let request = self.api.request(Method::POST, &["Messages.json"]).form(&form);
        let sent: MessageRecord = TWILIO.json(request).await.map_err(about_sms)?;
        // From here on the message may arrive: an answer without a usable name is no refusal.
        name(&sent.sid).ok_or_else(|| about_sms(TWILIO.unreadable()))
    }

    /// What the person wrote; our own texts bear no mark by which they could be known, and are left out.
    async fn latest(&self, with: &PhoneNumber) -> Result<Vec<PastMessage>, MessagingError> {
        let list = self.api.request(Method::GET, &["Messages.json"]);
        let query = [("To", self.from.reveal()), ("From", with.reveal()), ("PageSize", LATEST)];
        let page: MessagePage = TWILIO.json(list.query(&query)).await.map_err(about_sms)?;
        let messages = page.messages.iter().filter_map(|message| message.past(with, &self.from).transpose());
        messages.collect::<Result<_, _>>().map_err(about_sms)
    }

    async fn receipt(&self, message: &MessageId) -> Result<Option<Receipt>, MessagingError> {
        let file = format!("{}.json", message.as_str());
        let found = TWILIO.json(self.api.request(Method::GET, &["Messages", &file])).await;
        let found: MessageRecord = match found {
            Err(Failure { kind: Kind::Status(StatusCode::NOT_FOUND), .. }) => return Ok(None),
            found => found.map_err(about_sms)?,
        };
        let code = conversations::code(found.error_code);
        let delivery = conversations::delivery(&found.status, code.as_deref(), Channel::Sms);
        Ok(delivery.map(|delivery| Receipt { message: message.clone(), channel_message: None, delivery }))
    }
}

impl MessageRecord {
    /// The message, if the person wrote it to us and it says something.
    ///
    /// # Errors
    /// When its date or name cannot be read.
    fn past(&self, person: &PhoneNumber, us: &PhoneNumber) -> Result<Option<PastMessage>, Failure> {
        let is_theirs = self.direction.as_deref() == Some("inbound")
            && self.from.as_deref() == Some(person.reveal())
            && self.to.as_deref() == Some(us.reveal());
        // What they are is told on another page.
        let files = self.num_media.as_deref().and_then(|count| count.parse().ok()).unwrap_or(0);
        let files = std::iter::repeat_with(|| words::file("")).take(files);
        let text = words::words(self.body.as_deref().unwrap_or_default(), LONGEST_WRITTEN_BY_SMS, files);
        let Some(text) = text.ok().filter(|_| is_theirs) else { return Ok(None) };
        let message = name(&self.sid).ok_or_else(|| TWILIO.unreadable())?;
        let at = self.date_created.as_deref().and_then(date::rfc2822).ok_or_else(|| TWILIO.unreadable())?;
        Ok(Some(PastMessage { message, author: Author::Person(text), at }))
    }
}

impl Sms for TwilioSms {
    fn abilities(&self) -> &SmsAbilities {
        &ABILITIES
    }

    fn send(&self, order: SmsOrder) -> BoxFuture<'_, Result<MessageId, MessagingError>> {
        Box::pin(self.send(order))
    }

    fn latest<'a>(&'a self, with: &'a PhoneNumber) -> BoxFuture<'a, Result<Vec<PastMessage>, MessagingError>> {
        Box::pin(self.latest(with))
    }

    fn receipt<'a>(&'a self, message: &'a MessageId) -> BoxFuture<'a, Result<Option<Receipt>, MessagingError>> {
        Box::pin(self.receipt(message))
    }
}

/// `SM…`, and `MM…` for what was not text alone.
fn name(text: &str) -> Option<MessageId> {
    sid::read(text, &["SM", "MM"]).map(MessageId)
}

#[cfg(test)]
mod tests;

//! WhatsApp by Twilio Conversations (`/v1/Conversations`): one conversation per person, found or created, in which both
//! sides' messages are kept. Nothing here repeats a request.
//!
//! Requests go without `X-Twilio-Webhook-Enabled`: with it our own messages would come back as webhooks. What became of
//! them is read with [`Messaging::receipt`].

use futures_util::future::BoxFuture;
use reqwest::{Method, StatusCode};
use secrecy::SecretString;

use super::answer::TWILIO;
use super::api::Api;
use super::sid;
use crate::ids::{ConversationId, MessageId};
use crate::phone_number::PhoneNumber;
use crate::provider::rest::{self, BadSettings, Failure, Kind};
use crate::provider::{Abilities, Messaging, MessagingError, Opened, PastMessage, Receipt, SendOrder};

mod failure;
mod record;

pub(super) use failure::{about_sms, delivery};
pub(super) use record::{channel_message, code, is_ours};

/// Where the API is, unless a gateway or a test stands in.
pub const API_URL: &str = "https://conversations.twilio.com";

/// The number that all sandboxes share, as it is written for people. It is Twilio's, and public.
const SANDBOX_NUMBER: (&str, &str) = ("+14155238886", "+1 415 523 8886");
/// How our messages are signed in the conversation; the person does not see it.
const AUTHOR: &str = "callme";
/// How our conversations are called in the console.
const FRIENDLY_NAME: &str = "callme";
/// `Body`'s documented limit for WhatsApp, in characters.
const LONGEST: usize = 1_600;
/// The most that the list of somebody's conversations gives at once.
const PAGE_SIZE: &str = "50";
/// Somebody can be in a thousand conversations; a list that goes on beyond that is not to be believed.
const MOST_PAGES: usize = 20;
/// Enough to find a message that was just sent, and what the person wrote since we last looked.
const LATEST: &str = "50";
/// Person and sender are in another conversation already, which the sentence names.
const BINDING_EXISTS: &str = "50416";

/// What the adapter needs to know.
#[derive(Clone, Debug)]
pub struct ConversationsConfig {
    /// `AC…`: whose conversations these are, and the user name of every request.
    pub account_sid: String,
    /// The account's primary auth token.
    pub auth_token: SecretString,
    /// The WhatsApp sender.
    pub from: PhoneNumber,
    /// What kind of sender it is.
    pub mode: SenderMode,
    /// `HX…`: the approved template whose variable 1 is the text.
    pub template: Option<String>,
    /// Base of the API, [`API_URL`] by default.
    pub conversations_url: String,
}

/// What kind of WhatsApp sender the messages go out by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderMode {
    /// Twilio's sandbox: the person joins it by a code, which it forgets after three days.
    Sandbox {
        /// The words after `join`.
        code: Option<String>,
    },
    /// A sender of one's own.
    Production,
}

/// WhatsApp by Twilio Conversations.
#[derive(Clone, Debug)]
pub struct TwilioConversations {
    from: PhoneNumber,
    template: Option<String>,
    abilities: Abilities,
    /// `{api}/v1`.
    api: Api,
}

impl TwilioConversations {
    /// Makes the adapter with a client of its own.
    ///
    /// # Errors
    /// When the API's URL or the client's TLS set-up is unusable.
    pub fn new(config: ConversationsConfig) -> Result<Self, BadSettings> {
        Self::with_client(config, rest::client()?)
    }

    /// Makes the adapter with a client that neither follows redirects nor retries, such as [`rest::client`] makes.
    ///
    /// # Errors
    /// When the API's URL is unusable.
    pub fn with_client(config: ConversationsConfig, client: reqwest::Client) -> Result<Self, BadSettings> {
        let abilities = Abilities {
            longest: LONGEST,
            template: config.template.is_some(),
            reads_back: true,
            opt_in: opt_in(&config.mode, &config.from),
        };
        let ConversationsConfig { account_sid, auth_token, from, template, conversations_url, mode: _ } = config;
        let api = Api::new(account_sid, auth_token, &conversations_url, &["v1"], client)?;
        Ok(Self { from, template, abilities, api })
    }

    async fn open(&self, to: &PhoneNumber) -> Result<Opened, MessagingError> {
        let (address, proxy) = (address(to), address(&self.from));
        let found = self.find(&address, &proxy).await.map_err(failure::opening)?;
        if let Some(conversation) = found {
            return Ok(Opened { conversation, found: true });
        }
        let created = self.create().await.map_err(failure::opening)?;
        match self.add_participant(&created, &address, &proxy).await {
            Ok(()) => Ok(Opened { conversation: created, found: false }),
            Err(failure) => match bound_elsewhere(&failure) {
                // Something between us and Twilio sent the request twice.
                Some(conversation) if conversation == created => Ok(Opened { conversation, found: false }),
                elsewhere => {
                    self.discard(&created).await;
                    let conversation = elsewhere.ok_or_else(|| failure::opening(failure))?;
                    Ok(Opened { conversation, found: true })
                }
            },
        }
    }

    /// The active conversation between these two, where the list has it.
    async fn find(&self, address: &str, proxy: &str) -> Result<Option<ConversationId>, Failure> {
        let list = self.api.request(Method::GET, &["ParticipantConversations"]);
        let mut request = list.query(&[("Address", address), ("PageSize", PAGE_SIZE)]);
        for _ in 0..MOST_PAGES {
            let page: record::MembershipPage = TWILIO.json(request).await?;
            let found = page.conversations.iter().find_map(|member| member.active_between(address, proxy));
            let next = page.meta.next_page_url.and_then(|url| self.api.next_page(&url));
            request = match (found, next) {
                (None, Some(next)) => next,
                (found, _) => return Ok(found),
            };
        }
        Ok(None)
    }

    async fn create(&self) -> Result<ConversationId, Failure> {
        let request = self.api.request(Method::POST, &["Conversations"]);
        let created: record::Created = TWILIO.json(request.form(&[("FriendlyName", FRIENDLY_NAME)])).await?;
        sid::read(&created.sid, &["CH"]).map(ConversationId).ok_or_else(|| TWILIO.unreadable())
    }

    async fn add_participant(&self, conversation: &ConversationId, address: &str, proxy: &str) -> Result<(), Failure> {
        let request = self.api.request(Method::POST, &["Conversations", conversation.as_str(), "Participants"]);
        let form = [("MessagingBinding.Address", address), ("MessagingBinding.ProxyAddress", proxy)];
        TWILIO.accepted(request.form(&form)).await
    }

    /// Deletes a conversation that stayed empty. Should that fail, an empty one remains, which does no harm.
    async fn discard(&self, conversation: &ConversationId) {
        let request = self.api.request(Method::DELETE, &["Conversations", conversation.as_str()]);
        if let Err(Failure { message, .. }) = TWILIO.accepted(request).await {
            tracing::warn!(conversation = conversation.as_str(), "an empty conversation was left behind: {message}");
        }
    }

    async fn send(&self, order: SendOrder) -> Result<MessageId, MessagingError> {
        let attributes = record::attributes(&order.mark);
        let mut form = vec![("Author", AUTHOR), ("Attributes", &attributes)];
        let variables = serde_json::json!({ "1": order.text }).to_string();
        match (order.template, self.template.as_deref()) {
            (false, _) => form.push(("Body", &order.text)),
            (true, Some(template)) => {
                form.extend([("ContentSid", template), ("ContentVariables", &variables)]);
            }
            (true, None) => return Err(MessagingError::no_template()),
        }
        let request = self.api.request(Method::POST, &["Conversations", order.conversation.as_str(), "Messages"]);
        let sent: record::Created = TWILIO.json(request.form(&form)).await?;
        // From here on the message may arrive: an answer without a usable name is no refusal.
        Ok(sid::read(&sent.sid, &["IM"]).map(MessageId).ok_or_else(|| TWILIO.unreadable())?)
    }

    async fn latest(
        &self,
        conversation: &ConversationId,
        with: &PhoneNumber,
    ) -> Result<Vec<PastMessage>, MessagingError> {
        let list = self.api.request(Method::GET, &["Conversations", conversation.as_str(), "Messages"]);
        let page: record::MessagePage = TWILIO.json(list.query(&[("Order", "desc"), ("PageSize", LATEST)])).await?;
        let (address, proxy) = (address(with), address(&self.from));
        let messages = page.messages.iter().filter_map(|message| message.past(&address, &proxy).transpose());
        Ok(messages.collect::<Result<_, _>>()?)
    }

    async fn receipt(
        &self,
        conversation: &ConversationId,
        message: &MessageId,
    ) -> Result<Option<Receipt>, MessagingError> {
        let path = ["Conversations", conversation.as_str(), "Messages", message.as_str(), "Receipts"];
        let page: record::ReceiptPage = TWILIO.json(self.api.request(Method::GET, &path)).await?;
        Ok(page.receipt(message))
    }
}

impl Messaging for TwilioConversations {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    fn open<'a>(&'a self, to: &'a PhoneNumber) -> BoxFuture<'a, Result<Opened, MessagingError>> {
        Box::pin(self.open(to))
    }

    fn send(&self, order: SendOrder) -> BoxFuture<'_, Result<MessageId, MessagingError>> {
        Box::pin(self.send(order))
    }

    fn latest<'a>(
        &'a self,
        conversation: &'a ConversationId,
        with: &'a PhoneNumber,
    ) -> BoxFuture<'a, Result<Vec<PastMessage>, MessagingError>> {
        Box::pin(self.latest(conversation, with))
    }

    fn receipt<'a>(
        &'a self,
        conversation: &'a ConversationId,
        message: &'a MessageId,
    ) -> BoxFuture<'a, Result<Option<Receipt>, MessagingError>> {
        Box::pin(self.receipt(conversation, message))
    }
}

/// A number as the channel's addresses are written.
pub(super) fn address(number: &PhoneNumber) -> String {
    format!("whatsapp:{}", number.reveal())
}

/// The conversation that a refused participant is in already.
fn bound_elsewhere(failure: &Failure) -> Option<ConversationId> {
    let refused = failure.kind == Kind::Status(StatusCode::CONFLICT) || failure.code.as_deref() == Some(BINDING_EXISTS);
    let mut words = failure.message.split(|c: char| !c.is_ascii_alphanumeric());
    words.find_map(|word| sid::read(word, &["CH"])).filter(|_| refused).map(ConversationId)
}

/// What the person must do before anything arrives. Names no number but the sandbox's own.
fn opt_in(mode: &SenderMode, from: &PhoneNumber) -> String {
    let (sandbox, written) = SANDBOX_NUMBER;
    let number = if from.reveal() == sandbox { written } else { "this server's WhatsApp number" };
    match mode {
        SenderMode::Sandbox { code: Some(code) } => format!(
            "Ask the person to send 'join {code}' to {number} on WhatsApp; the sandbox wants it again after three days."
        ),
        SenderMode::Sandbox { code: None } => format!(
            "Ask the person to send 'join <code>' to {number} on WhatsApp, with the code that the Twilio console shows for \
             the sandbox; the sandbox wants it again after three days."
        ),
        SenderMode::Production => format!(
            "Ask the person to write to {number} on WhatsApp first: nobody may be written to who has not agreed to it."
        ),
    }
}

#[cfg(test)]
mod tests;

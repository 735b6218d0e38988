//! The JSON of the Conversations API: of each resource the fields that are read.

use serde::Deserialize;
use serde_json::Value;

use super::super::answer::TWILIO;
use super::super::{date, sid};
use super::{AUTHOR, delivery};
use crate::domain::outcome::Channel;
use crate::domain::text::LONGEST_WRITTEN;
use crate::ids::{ConversationId, Mark, MessageId};
use crate::provider::rest::Failure;
use crate::provider::words;
use crate::provider::{Author, Delivery, PastMessage, Receipt};

/// The member of a message's attributes that has our mark.
const MARK: &str = "callme";

/// What was just created.
#[derive(Deserialize)]
pub(super) struct Created {
    pub(super) sid: String,
}

/// A page of the conversations that somebody is in.
#[derive(Deserialize)]
pub(super) struct MembershipPage {
    pub(super) conversations: Vec<Membership>,
    #[serde(default)]
    pub(super) meta: Meta,
}

#[derive(Default, Deserialize)]
pub(super) struct Meta {
    pub(super) next_page_url: Option<String>,
}

/// A conversation as one of its participants sees it.
#[derive(Deserialize)]
pub(super) struct Membership {
    conversation_sid: String,
    conversation_state: String,
    /// Missing for those who are in it by chat.
    participant_messaging_binding: Option<Binding>,
}

#[derive(Deserialize)]
struct Binding {
    address: Option<String>,
    proxy_address: Option<String>,
}

impl Membership {
    /// The conversation, if it is the one in which messages pass between these two.
    pub(super) fn active_between(&self, address: &str, proxy: &str) -> Option<ConversationId> {
        let binding = self.participant_messaging_binding.as_ref()?;
        let these = binding.address.as_deref() == Some(address) && binding.proxy_address.as_deref() == Some(proxy);
        let name = sid::read(&self.conversation_sid, &["CH"])?;
        (these && self.conversation_state == "active").then_some(ConversationId(name))
    }
}

/// A page of messages.
#[derive(Deserialize)]
pub(super) struct MessagePage {
    pub(super) messages: Vec<Message>,
}

#[derive(Deserialize)]
pub(super) struct Message {
    sid: String,
    author: Option<String>,
    body: Option<String>,
    /// `[{"content_type":"image/jpeg",…}]`
    #[serde(default)]
    media: Value,
    /// JSON as a text.
    attributes: Option<String>,
    date_created: String,
}

impl Message {
    /// The message, if it is the person's (who writes from `address`) or ours, and says something.
    ///
    /// # Errors
    /// When its date or name cannot be read.
    pub(super) fn past(&self, address: &str, proxy: &str) -> Result<Option<PastMessage>, Failure> {
        let author = match self.author.as_deref() {
            Some(author) if author == address => {
                let body = self.body.as_deref().unwrap_or_default();
                let files = self.media.as_array().into_iter().flatten();
                let kinds = files.map(|file| words::file(file["content_type"].as_str().unwrap_or_default()));
                words::words(body, LONGEST_WRITTEN, kinds).ok().map(Author::Person)
            }
            Some(author) if is_ours(author, proxy) => Some(Author::Us(self.mark())),
            // Somebody else was brought in, from the console or by another program.
            _ => None,
        };
        let Some(author) = author else { return Ok(None) };
        let name = sid::read(&self.sid, &["IM"]).ok_or_else(|| TWILIO.unreadable())?;
        let at = date::iso8601(&self.date_created).ok_or_else(|| TWILIO.unreadable())?;
        Ok(Some(PastMessage { message: MessageId(name), author, at }))
    }

    fn mark(&self) -> Option<Mark> {
        let attributes: Value = serde_json::from_str(self.attributes.as_deref()?).ok()?;
        attributes[MARK].as_str().map(Mark::read)
    }
}

/// A message's attributes, so that [`Message::past`] finds its mark.
pub(super) fn attributes(mark: &Mark) -> String {
    serde_json::json!({ MARK: mark.as_str() }).to_string()
}

/// Whether a message's author is this server: by its own name, by Twilio's when none is given, or as who receives from the
/// person.
pub(in super::super) fn is_ours(author: &str, proxy: &str) -> bool {
    author == AUTHOR || author == "system" || author == proxy
}

/// A page of receipts: one for each who receives the message.
#[derive(Deserialize)]
pub(super) struct ReceiptPage {
    delivery_receipts: Vec<ReceiptRecord>,
}

#[derive(Deserialize)]
struct ReceiptRecord {
    status: String,
    /// A number; 0 or null when nothing failed.
    #[serde(default)]
    error_code: Value,
    channel_message_sid: Option<String>,
}

impl ReceiptPage {
    /// What became of the message: the first failure, or else the first that is known.
    pub(super) fn receipt(self, message: &MessageId) -> Option<Receipt> {
        let mut known: Option<Receipt> = None;
        for record in self.delivery_receipts {
            let code = code(record.error_code);
            let Some(delivery) = delivery(&record.status, code.as_deref(), Channel::WhatsApp) else { continue };
            let (failed, underway) = (matches!(delivery, Delivery::Failed(_)), delivery == Delivery::Underway);
            let receipt = Receipt {
                message: message.clone(),
                channel_message: record.channel_message_sid.as_deref().and_then(channel_message),
                delivery,
            };
            if failed {
                return Some(receipt);
            }
            if !underway || known.is_none() {
                known = Some(receipt);
            }
        }
        known
    }
}

/// An error's code, which is a number; some of Twilio's resources have it as a text.
pub(in super::super) fn code(told: Value) -> Option<String> {
    match told {
        Value::Number(code) => Some(code.to_string()),
        Value::String(code) => Some(code),
        _ => None,
    }
}

/// The channel's name for a message, which quotes use.
pub(in super::super) fn channel_message(text: &str) -> Option<MessageId> {
    sid::read(text, &["SM", "MM", "WA"]).map(MessageId)
}

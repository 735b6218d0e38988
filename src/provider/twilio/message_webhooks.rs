//! Reads the form of `POST /whatsapp`: what the person wrote, and what became of what we wrote.
//!
//! It comes in two dialects. Conversations names an `EventType`, a conversation and an author; plain Messaging, which the
//! sandbox and a sender outside of any conversation speak, has `From` and `Body`, and `MessageStatus` in its receipts. One
//! message of the person may come in both, under names that have nothing in common.

use std::hash::{BuildHasher as _, RandomState};

use serde_json::Value;

use super::{conversations, sid, signature, words};
use crate::domain::text::BadWords;
use crate::ids::{ConversationId, MessageId};
use crate::phone_number::PhoneNumber;
use crate::provider::{Inbound, MessageNews, MessagingWebhooks, Receipt};

/// The kinds of name that a message can have.
const MESSAGE: [&str; 3] = ["IM", "SM", "MM"];

/// As many files of a message are looked at; WhatsApp sends one.
const MOST_FILES: usize = 10;

/// The messaging webhooks of one Twilio account.
#[derive(Clone, Debug)]
pub struct TwilioMessageWebhooks {
    account: String,
    sender: PhoneNumber,
    /// Keys the names of messages that come without one; new in each process, so that nobody reads a text back out of it.
    names: RandomState,
}

impl TwilioMessageWebhooks {
    /// The webhooks of `account`, whose WhatsApp messages go out by `sender`.
    pub fn new(account: String, sender: PhoneNumber) -> Self {
        Self { account, sender, names: RandomState::new() }
    }

    /// `onMessageAdded`, or what has no event but the fields of one.
    fn added(&self, form: &Form) -> Result<MessageNews, &'static str> {
        if form.has("Source").is_some_and(|source| source.eq_ignore_ascii_case("API")) {
            return Ok(MessageNews::Nothing);
        }
        let author = form.has("Author");
        if author.is_some_and(|author| self.is_ours(author)) {
            return Ok(MessageNews::Nothing);
        }
        let conversation = form.need("ConversationSid", "a message without a conversation")?;
        let author = author.ok_or("a message without an author")?;
        let media: Value = form.has("Media").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let files = media.as_array().into_iter().flatten().take(MOST_FILES);
        let files: Vec<_> = files.map(|file| words::file(file["ContentType"].as_str().unwrap_or_default())).collect();
        let body = form.body(&files)?;

        let conversation = sid::read(conversation, &["CH"]).ok_or("a conversation's name of the wrong form")?;
        let message = match form.has("MessageSid") {
            Some(_) => form.message()?,
            // Named by what it says: its repeats have the same name, and another message most likely another.
            None => {
                let says = self.names.hash_one(["Index", "DateCreated", "Body", "Media"].map(|name| form.has(name)));
                MessageId(format!("{conversation}.{says:016x}"))
            }
        };
        inbound(author, body, files, message, Some(ConversationId(conversation)), form)
    }

    /// A message of plain Messaging.
    fn received(&self, form: &Form) -> Result<MessageNews, &'static str> {
        let author = form.need("From", "a message without an author")?;
        if self.is_ours(author) {
            return Ok(MessageNews::Nothing);
        }
        let count = form.has("NumMedia").and_then(|count| count.parse().ok()).unwrap_or(0_usize).min(MOST_FILES);
        let kinds = (0..count).map(|n| form.has(&format!("MediaContentType{n}")).unwrap_or_default());
        let beside: Vec<_> = kinds.map(words::file).chain(form.place()).collect();
        let body = form.body(&beside)?;
        inbound(author, body, beside, form.message()?, None, form)
    }

    fn is_ours(&self, author: &str) -> bool {
        conversations::is_ours(author, &conversations::address(&self.sender)) || author == self.sender.reveal()
    }
}

impl MessagingWebhooks for TwilioMessageWebhooks {
    fn parse(&self, body: &[u8]) -> MessageNews {
        let form = Form(signature::fields(body));
        let news = match (form.has("AccountSid"), form.has("EventType")) {
            (None, _) => Err("no account"),
            (Some(account), _) if account != self.account => Ok(MessageNews::Nothing),
            (_, Some("onMessageAdded")) => self.added(&form),
            (_, Some("onDeliveryUpdated")) => form.receipt("Status"),
            // Also `onMessageAdd`, which asks before the message is there.
            (_, Some(_)) => Ok(MessageNews::Nothing),
            (_, None) if form.has("ConversationSid").is_some() => self.added(&form),
            (_, None) => match form.outbound_status() {
                Some(field) => form.receipt(field),
                None => self.received(&form),
            },
        };
        news.unwrap_or_else(MessageNews::Bad)
    }
}

/// The last steps, which both dialects share: formats, length, words.
fn inbound(
    author: &str,
    body: &str,
    beside: Vec<String>,
    message: MessageId,
    conversation: Option<ConversationId>,
    form: &Form,
) -> Result<MessageNews, &'static str> {
    let number = author.strip_prefix("whatsapp:").and_then(|number| PhoneNumber::parse(number).ok());
    let from = number.ok_or("an author who is no WhatsApp number")?;
    let text = words::words(body, beside).map_err(|why| match why {
        BadWords::Empty => "a message without words",
        BadWords::TooLong { .. } => "a message that is too long",
    })?;
    let quotes = form.has("OriginalRepliedMessageSid").and_then(|text| sid::read(text, &MESSAGE)).map(MessageId);
    Ok(MessageNews::Inbound { from, message: Inbound { message, conversation, quotes, text } })
}

/// A decoded form; of repeated fields the first counts.
struct Form(signature::Fields);

impl Form {
    fn field(&self, wanted: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }

    /// A field that is not empty: Twilio sends some that it has no value for.
    fn has(&self, wanted: &str) -> Option<&str> {
        self.field(wanted).filter(|value| !value.is_empty())
    }

    fn need(&self, wanted: &str, reason: &'static str) -> Result<&str, &'static str> {
        self.has(wanted).ok_or(reason)
    }

    /// The text; of a tapped button what is written on it. It may be missing where other things are `beside` it.
    fn body(&self, beside: &[String]) -> Result<&str, &'static str> {
        let text = self.has("Body").or_else(|| self.has("ButtonText")).or_else(|| self.field("Body"));
        text.or_else(|| (!beside.is_empty()).then_some("")).ok_or("a message without a body")
    }

    fn message(&self) -> Result<MessageId, &'static str> {
        let name = self.need("MessageSid", "a message without a name")?;
        sid::read(name, &MESSAGE).map(MessageId).ok_or("a message's name of the wrong form")
    }

    /// The place that was sent instead of a text.
    fn place(&self) -> Option<String> {
        let degrees = |name| self.has(name).filter(|text| text.parse::<f64>().is_ok());
        let mut place = format!("place {}, {}", degrees("Latitude")?, degrees("Longitude")?);
        for name in ["Label", "Address"] {
            if let Some(text) = self.has(name) {
                place.push_str(", ");
                place.push_str(text);
            }
        }
        Some(place)
    }

    /// The field that says what became of a message of ours; a message of the person is `received`.
    fn outbound_status(&self) -> Option<&'static str> {
        let ours = |field: &&str| self.has(field).is_some_and(|status| !matches!(status, "received" | "receiving"));
        ["MessageStatus", "SmsStatus"].into_iter().find(ours)
    }

    fn receipt(&self, status: &str) -> Result<MessageNews, &'static str> {
        let message = self.message()?;
        let status = self.need(status, "a receipt without a status")?;
        let Some(delivery) = conversations::delivery(status, self.has("ErrorCode")) else {
            return Ok(MessageNews::Nothing);
        };
        let channel_message = self.has("ChannelMessageSid").and_then(conversations::channel_message);
        Ok(MessageNews::Receipt(Receipt { message, channel_message, delivery }))
    }
}

#[cfg(test)]
mod tests;

//! Reads the form of `POST /whatsapp` and `POST /sms`: what the person wrote, and what became of what we wrote.
//!
//! It comes in two dialects. Conversations names an `EventType`, a conversation and an author; plain Messaging, which SMS,
//! the sandbox and a sender outside of any conversation speak, has `From` and `Body`, and `MessageStatus` in its receipts. One
//! message of the person on WhatsApp may come in both, under names that have nothing in common. What is SMS has numbers without
//! the `whatsapp:` before them; the route says nothing.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, RandomState};

use serde_json::Value;

use super::{conversations, sid};
use crate::domain::outcome::Channel;
use crate::domain::text::{LONGEST_WRITTEN, LONGEST_WRITTEN_BY_SMS};
use crate::ids::{ConversationId, MessageId};
use crate::phone_number::PhoneNumber;
use crate::provider::words;
use crate::provider::{Inbound, MessageNews, MessagingWebhooks, Receipt, Sender};

/// The kinds of name that a message can have.
const MESSAGE: [&str; 3] = ["IM", "SM", "MM"];

/// As many files of a message are looked at; WhatsApp sends one.
const MOST_FILES: usize = 10;

/// Characters of a place's name or address that are told.
const LONGEST_PLACE: usize = 200;

/// The messaging webhooks of one Twilio account.
#[derive(Clone, Debug)]
pub struct TwilioMessageWebhooks {
    account: String,
    sender: PhoneNumber,
    /// Our number for SMS, where that is allowed.
    sms: Option<PhoneNumber>,
    /// Keys the names of messages that come without one; new in each process, so that nobody reads a text back out of it.
    names: RandomState,
}

impl TwilioMessageWebhooks {
    /// The webhooks of `account`, whose WhatsApp messages go out by `sender`, and its SMS, where that is allowed, by `sms`.
    pub fn new(account: String, sender: PhoneNumber, sms: Option<PhoneNumber>) -> Self {
        Self { account, sender, sms, names: RandomState::new() }
    }

    /// What the webhook is about; nothing of it is checked yet.
    fn kind(&self, form: &Form<'_>) -> Kind {
        match (form.has("AccountSid"), form.has("EventType")) {
            (None, _) => Kind::Nobodys,
            (Some(account), _) if account != self.account => Kind::Nothing,
            (_, Some("onMessageAdded")) => self.added(form),
            (_, Some("onDeliveryUpdated")) => Kind::Receipt("Status"),
            // Also `onMessageAdd`, which asks before the message is there.
            (_, Some(_)) => Kind::Nothing,
            (_, None) if form.has("ConversationSid").is_some() => self.added(form),
            (_, None) => match form.outbound_status() {
                Some(field) => Kind::Receipt(field),
                None if form.is_sms() => self.received_by_sms(form),
                None if form.has("From").is_some_and(|author| self.is_ours(author)) => Kind::Nothing,
                None => Kind::Received(Channel::WhatsApp),
            },
        }
    }

    /// Without SMS, or at another number of the account's, it is not for us.
    fn received_by_sms(&self, form: &Form<'_>) -> Kind {
        let number = |name| form.has(name).and_then(|text| PhoneNumber::parse(text).ok());
        let is_to_us = self.sms.is_some() && number("To") == self.sms;
        if is_to_us && number("From") != self.sms { Kind::Received(Channel::Sms) } else { Kind::Nothing }
    }

    fn added(&self, form: &Form<'_>) -> Kind {
        let by_us = form.has("Source").is_some_and(|source| source.eq_ignore_ascii_case("API"))
            || form.has("Author").is_some_and(|author| self.is_ours(author));
        if by_us { Kind::Nothing } else { Kind::Added }
    }

    fn is_ours(&self, author: &str) -> bool {
        conversations::is_ours(author, &conversations::address(&self.sender)) || author == self.sender.reveal()
    }

    fn read_added(&self, form: &Form<'_>) -> Result<MessageNews, &'static str> {
        let conversation = form.need("ConversationSid", "a message without a conversation")?;
        let author = form.need("Author", "a message without an author")?;
        let media: Value = form.has("Media").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let files = media.as_array().into_iter().flatten().take(MOST_FILES);
        let files: Vec<_> = files.map(|file| words::file(file["ContentType"].as_str().unwrap_or_default())).collect();
        let envelope = || {
            let conversation = conversation_of(conversation).ok_or("a conversation's name of the wrong form")?;
            let message = match form.has("MessageSid") {
                Some(_) => form.message()?,
                None => self.name(&conversation, form),
            };
            Ok(Envelope { from: from(author, Channel::WhatsApp)?, message, conversation: Some(conversation) })
        };
        open(envelope(), Channel::WhatsApp, form, files)
    }

    fn read_received(form: &Form<'_>, channel: Channel) -> Result<MessageNews, &'static str> {
        let author = form.need("From", "a message without an author")?;
        let count = form.has("NumMedia").and_then(|count| count.parse().ok()).unwrap_or(0_usize).min(MOST_FILES);
        let kinds = (0..count).map(|n| form.has(&format!("MediaContentType{n}")).unwrap_or_default());
        let beside: Vec<_> = kinds.map(words::file).chain(form.place()).collect();
        let envelope = || Ok(Envelope { message: form.message()?, from: from(author, channel)?, conversation: None });
        open(envelope(), channel, form, beside)
    }

    /// A name for a message that came without one: its repeats have the same, and another message most likely another.
    fn name(&self, conversation: &ConversationId, form: &Form<'_>) -> MessageId {
        let says = self.names.hash_one(["Index", "DateCreated", "Body", "Media"].map(|name| form.has(name)));
        MessageId(format!("{}.{says:016x}", conversation.as_str()))
    }
}

impl MessagingWebhooks for TwilioMessageWebhooks {
    fn sender_of(&self, body: &[u8]) -> Option<Sender> {
        let form = Form::decode(body);
        let (author, channel) = match self.kind(&form) {
            Kind::Nothing | Kind::Receipt(_) => return None,
            Kind::Nobodys => return Some(Sender::default()),
            Kind::Added => (form.has("Author"), Channel::WhatsApp),
            Kind::Received(channel) => (form.has("From"), channel),
        };
        let conversation = form.has("ConversationSid").and_then(conversation_of);
        Some(Sender { from: author.and_then(|author| from(author, channel).ok()), conversation })
    }

    fn parse(&self, body: &[u8]) -> MessageNews {
        let form = Form::decode(body);
        let news = match self.kind(&form) {
            Kind::Nobodys => Err("no account"),
            Kind::Nothing => Ok(MessageNews::Nothing),
            Kind::Receipt(field) => form.receipt(field),
            Kind::Added => self.read_added(&form),
            Kind::Received(channel) => Self::read_received(&form, channel),
        };
        news.unwrap_or_else(MessageNews::Bad)
    }
}

/// What a webhook is about.
enum Kind {
    /// It names no account.
    Nobodys,
    /// Not for us.
    Nothing,
    /// A message of ours, whose status is in this field.
    Receipt(&'static str),
    /// `onMessageAdded`, or what has no event but the fields of one.
    Added,
    /// A message of plain Messaging, on this channel.
    Received(Channel),
}

/// What is right of a message before its text is looked at.
struct Envelope {
    from: PhoneNumber,
    message: MessageId,
    conversation: Option<ConversationId>,
}

/// The last steps, which both dialects share: what is missing comes before what has the wrong form, and the text comes last.
fn open(
    envelope: Result<Envelope, &'static str>,
    channel: Channel,
    form: &Form<'_>,
    beside: Vec<String>,
) -> Result<MessageNews, &'static str> {
    let body = form.body();
    let envelope = match envelope {
        Err(_) if body.is_none() && beside.is_empty() => return Err("a message without a body"),
        envelope => envelope?,
    };
    let Envelope { from, message, conversation } = envelope;
    let longest = if channel == Channel::Sms { LONGEST_WRITTEN_BY_SMS } else { LONGEST_WRITTEN };
    Ok(match words::words(body.unwrap_or_default(), longest, beside) {
        Ok(text) => {
            let quotes = form.has("OriginalRepliedMessageSid").and_then(|text| sid::read(text, &MESSAGE));
            let message = Inbound { message, conversation, quotes: quotes.map(MessageId), text };
            MessageNews::Inbound { from, channel, message }
        }
        Err(why) => MessageNews::Refused { from, channel, message, why },
    })
}

fn from(author: &str, channel: Channel) -> Result<PhoneNumber, &'static str> {
    let (number, no_number) = match channel {
        Channel::Sms => (Some(author), "an author who is no number"),
        Channel::WhatsApp | Channel::Voice => (author.strip_prefix("whatsapp:"), "an author who is no WhatsApp number"),
    };
    number.and_then(|number| PhoneNumber::parse(number).ok()).ok_or(no_number)
}

fn conversation_of(name: &str) -> Option<ConversationId> {
    sid::read(name, &["CH"]).map(ConversationId)
}

/// A decoded form; of repeated fields the first counts.
struct Form<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Form<'a> {
    fn decode(body: &'a [u8]) -> Self {
        Self(form_urlencoded::parse(body).collect())
    }

    fn field(&self, wanted: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == wanted).map(|(_, value)| &**value)
    }

    /// A field that is not empty: Twilio sends some that it has no value for.
    fn has(&self, wanted: &str) -> Option<&str> {
        self.field(wanted).filter(|value| !value.is_empty())
    }

    fn need(&self, wanted: &str, reason: &'static str) -> Result<&str, &'static str> {
        self.has(wanted).ok_or(reason)
    }

    /// Whether it is about a message between phone numbers rather than addresses of another channel.
    fn is_sms(&self) -> bool {
        self.has("To").is_some_and(|to| to.starts_with('+'))
    }

    /// The text; of a tapped button what is written on it.
    fn body(&self) -> Option<&str> {
        self.has("Body").or_else(|| self.has("ButtonText")).or_else(|| self.field("Body"))
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
                place.extend(text.chars().take(LONGEST_PLACE));
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
        let channel = if self.is_sms() { Channel::Sms } else { Channel::WhatsApp };
        let Some(delivery) = conversations::delivery(status, self.has("ErrorCode"), channel) else {
            return Ok(MessageNews::Nothing);
        };
        let channel_message = self.has("ChannelMessageSid").and_then(conversations::channel_message);
        Ok(MessageNews::Receipt(Receipt { message, channel_message, delivery }))
    }
}

#[cfg(test)]
mod tests;

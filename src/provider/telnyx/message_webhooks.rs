//! Reads the JSON of `POST /whatsapp` and `POST /sms`: what the person wrote, and what became of what we wrote.

use std::fmt;

use serde_json::Value;

use super::message;
use crate::domain::outcome::Channel;
use crate::domain::text::{LONGEST_WRITTEN, LONGEST_WRITTEN_BY_SMS};
use crate::ids::{ConversationId, MessageId};
use crate::phone_number::PhoneNumber;
use crate::privacy::keyed::HashKey;
use crate::provider::words;
use crate::provider::{Inbound, MessageNews, MessagingWebhooks, Sender};

/// Characters of a place's name or address that are told.
const LONGEST_PLACE: usize = 200;

/// The messaging webhooks of one sender at Telnyx.
pub struct TelnyxMessageWebhooks {
    sender: PhoneNumber,
    /// Our number for SMS, where that is allowed.
    sms: Option<PhoneNumber>,
    profile: Option<String>,
    hash_key: HashKey,
}

impl TelnyxMessageWebhooks {
    /// The webhooks about messages to and from `sender` on WhatsApp, and `sms` where SMS is allowed, of this messaging profile where
    /// it is known. `hash_key` keys the names of conversations.
    pub fn new(sender: PhoneNumber, sms: Option<PhoneNumber>, profile: Option<String>, hash_key: HashKey) -> Self {
        Self { sender, sms, profile, hash_key }
    }

    /// The message that an event brings to us.
    fn received<'a>(&self, event: &'a Value) -> Option<&'a Value> {
        let message = &event["payload"];
        let inbound = message["direction"].as_str().is_none_or(|direction| direction == "inbound");
        let us = if message::is_sms(message) { self.sms.as_ref()? } else { &self.sender };
        let by_us = message::number(&message["from"]).as_ref() == Some(us);
        let ours = self.is_ours(message) && is_among(us, &message["to"]);
        (event["event_type"] == "message.received" && inbound && ours && !by_us).then_some(message)
    }

    fn is_ours(&self, message: &Value) -> bool {
        match (&self.profile, message["messaging_profile_id"].as_str()) {
            (Some(ours), Some(named)) => ours == named,
            _ => true,
        }
    }

    /// Where it came in; SMS has no such place.
    fn conversation(&self, channel: Channel, with: &PhoneNumber) -> Option<ConversationId> {
        (channel != Channel::Sms).then(|| message::conversation(&self.hash_key, &self.sender, with))
    }

    fn read(&self, received: &Value) -> Result<MessageNews, &'static str> {
        let (body, channel) = (&received["body"], channel_of(received));
        let longest = if channel == Channel::Sms { LONGEST_WRITTEN_BY_SMS } else { LONGEST_WRITTEN };
        let (text, beside) = if body.is_null() { plain(received) } else { on_whatsapp(body) };
        if text.is_none() && beside.is_empty() {
            return Err("a message without a body");
        }
        let from = message::number(&received["from"]).ok_or("an author who is no number")?;
        let message = message::name(&received["id"]).ok_or("a message without a name")?;
        Ok(match words::words(text.unwrap_or_default(), longest, beside) {
            Ok(text) => {
                let (quotes, conversation) = (quoted(body), self.conversation(channel, &from));
                MessageNews::Inbound { from, channel, message: Inbound { message, conversation, quotes, text } }
            }
            Err(why) => MessageNews::Refused { from, channel, message, why },
        })
    }
}

impl fmt::Debug for TelnyxMessageWebhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TelnyxMessageWebhooks")
    }
}

impl MessagingWebhooks for TelnyxMessageWebhooks {
    fn sender_of(&self, body: &[u8]) -> Option<Sender> {
        let Some(event) = event(body) else { return Some(Sender::default()) };
        let received = self.received(&event)?;
        let (from, channel) = (message::number(&received["from"]), channel_of(received));
        Some(Sender { conversation: from.as_ref().and_then(|from| self.conversation(channel, from)), from })
    }

    fn parse(&self, body: &[u8]) -> MessageNews {
        let Some(event) = event(body) else { return MessageNews::Bad("no event") };
        if let Some(received) = self.received(&event) {
            return self.read(received).unwrap_or_else(MessageNews::Bad);
        }
        let (kind, payload) = (event["event_type"].as_str().unwrap_or_default(), &event["payload"]);
        if !matches!(kind, "message.sent" | "message.finalized" | "message.read") || !self.is_ours(payload) {
            return MessageNews::Nothing;
        }
        if message::name(&payload["id"]).is_none() {
            return MessageNews::Bad("a receipt without a name");
        }
        message::receipt(payload, kind).map_or(MessageNews::Nothing, MessageNews::Receipt)
    }
}

/// The channel that a message came by.
fn channel_of(message: &Value) -> Channel {
    if message::is_sms(message) { Channel::Sms } else { Channel::WhatsApp }
}

/// `to` is a number on WhatsApp, and a list elsewhere.
fn is_among(us: &PhoneNumber, to: &Value) -> bool {
    let is_us = |to: &Value| message::number(to).as_ref() == Some(us);
    to.as_array().map_or_else(|| is_us(to), |list| list.iter().any(is_us))
}

/// The event in a body; `None` where there is none.
fn event(body: &[u8]) -> Option<Value> {
    let mut body: Value = serde_json::from_slice(body).ok()?;
    let event = body.get_mut("data")?.take();
    event["event_type"].is_string().then_some(event)
}

/// The words of a message of WhatsApp's, and what came beside them. The shapes are Meta's.
fn on_whatsapp(body: &Value) -> (Option<&str>, Vec<String>) {
    let kind = body["type"].as_str().unwrap_or_default();
    let thing = &body[kind];
    let file = |name: &str| (thing["caption"].as_str(), vec![name.to_owned()]);
    match kind {
        "text" => (thing["body"].as_str(), Vec::new()),
        "button" => (thing["text"].as_str(), Vec::new()),
        "interactive" => {
            let tapped = ["button_reply", "list_reply"].into_iter().find_map(|kind| thing[kind]["title"].as_str());
            (tapped, Vec::new())
        }
        "image" => file("photo"),
        "audio" | "voice" => file("voice message"),
        "video" => file("video"),
        "sticker" => file("sticker"),
        "document" => file("file"),
        "contacts" => file("contact"),
        "location" => (None, place(thing).into_iter().collect()),
        // A thumb is no word; and what is not known says nothing.
        _ => (None, Vec::new()),
    }
}

/// The same of another channel's message.
fn plain(message: &Value) -> (Option<&str>, Vec<String>) {
    let files = message["media"].as_array().into_iter().flatten();
    let files = files.map(|file| words::file(file["content_type"].as_str().unwrap_or_default()));
    (message["text"].as_str(), files.collect())
}

/// The place that was sent instead of a text.
fn place(location: &Value) -> Option<String> {
    let degrees = |name: &str| location[name].as_f64().map(|degrees| degrees.to_string());
    let mut place = format!("place {}, {}", degrees("latitude")?, degrees("longitude")?);
    for text in ["name", "address"].into_iter().filter_map(|name| location[name].as_str()) {
        place.push_str(", ");
        place.extend(text.chars().take(LONGEST_PLACE));
    }
    Some(place)
}

/// The message that this one quotes, by its name on the channel.
fn quoted(body: &Value) -> Option<MessageId> {
    message::name(&body["context"]["id"])
}

#[cfg(test)]
mod tests;

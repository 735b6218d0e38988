//! Who takes part in a conversation: the pair of a phone's address and ours, one open conversation each.

use axum::extract::Path;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::form::{Form, field};
use super::super::rest::Refusal;
use super::super::timeline::RestVerb;
use super::super::world::{World, iso8601};
use super::conversations::{Conversation, attributes};
use super::errand::{Done, Errand};
use super::page::page;
use crate::phone_number::PhoneNumber;

/// The longest pages of `Participants` and `ParticipantConversations`.
const LONGEST: (usize, usize) = (100, 50);

/// Somebody in a conversation.
pub(super) struct Participant {
    /// `MB…`.
    pub(super) sid: String,
    /// The name of one who is in by an SDK.
    pub(super) identity: Option<String>,
    /// Their address and ours, of one who is in by a phone.
    pub(super) pair: Option<Pair>,
    attributes: String,
    created: Timestamp,
}

/// Both ends of a channel, such as `whatsapp:+…`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) address: String,
    pub(super) proxy: String,
}

impl Participant {
    /// The phone's number, of one who is in by WhatsApp.
    pub(super) fn number(&self) -> Option<&str> {
        self.pair.as_ref()?.address.strip_prefix("whatsapp:")
    }

    pub(super) fn binding(&self) -> Value {
        self.pair.as_ref().map_or(
            Value::Null,
            |Pair { address, proxy }| json!({"type": kind(address), "address": address, "proxy_address": proxy}),
        )
    }

    fn resource(&self, conversation: &str, world: &World) -> Value {
        json!({
            "sid": self.sid, "account_sid": world.config.account_sid, "conversation_sid": conversation,
            "identity": self.identity, "messaging_binding": self.binding(), "attributes": self.attributes,
            "role_sid": null, "last_read_message_index": null, "last_read_timestamp": null,
            "date_created": iso8601(self.created), "date_updated": iso8601(self.created),
            "url": format!("{}/v1/Conversations/{conversation}/Participants/{}", world.url, self.sid),
        })
    }
}

/// `POST …/Participants`.
pub(super) async fn add(Path(key): Path<String>, errand: Errand) -> Response {
    errand
        .run(RestVerb::AddParticipant, |errand| {
            let (world, form) = (&errand.world, &errand.form);
            let mut exchange = world.exchange();
            let here = exchange.find(&key)?;
            here.must_be_open()?;
            let (sid, identity, pair) = (here.sid.clone(), field(form, "Identity"), read_pair(form, world)?);
            let in_it =
                |c: &Conversation| c.participants.iter().any(|p| p.identity.as_deref() == identity && p.pair == pair);
            if in_it(here) {
                return Err(Refusal::new(409, 50433, "Participant already exists"));
            }
            let elsewhere = exchange.conversations.iter().find(|c| pair.is_some() && c.is_open() && in_it(c));
            if let Some(Conversation { sid, .. }) = elsewhere {
                let taken = "A binding for this participant and proxy address already exists in Conversation";
                return Err(Refusal::new(409, 50416, format!("{taken} {sid}")));
            }
            let participant = Participant {
                sid: world.sid("MB"),
                identity: identity.map(str::to_owned),
                pair,
                attributes: attributes(form)?,
                created: world.now(),
            };
            let resource = participant.resource(&sid, world);
            exchange.find_mut(&sid)?.participants.push(participant);
            Ok(Done::Made(resource))
        })
        .await
}

/// The addresses a form gives; `None` where it names somebody by `Identity`.
fn read_pair(form: &Form, world: &World) -> Result<Option<Pair>, Refusal> {
    let (address, proxy) = (field(form, "MessagingBinding.Address"), field(form, "MessagingBinding.ProxyAddress"));
    if field(form, "Identity").is_some() && address.is_none() {
        return Ok(None);
    }
    let bad = |code, message: &'static str| Refusal::new(400, code, message);
    let address = address.filter(|text| is_address(text));
    let address = address.ok_or_else(|| bad(50407, "Invalid messaging binding address"))?;
    let proxy = proxy.ok_or_else(|| bad(50412, "Participant proxy address is empty"))?;
    if address == proxy {
        return Err(bad(50409, "Participant address equals proxy address"));
    }
    if is_address(proxy) && kind(address) != kind(proxy) {
        return Err(bad(50414, "Participant address type does not match proxy address type"));
    }
    if proxy != world.proxy() {
        return Err(bad(50408, "Invalid participant proxy address"));
    }
    Ok(Some(Pair { address: address.to_owned(), proxy: proxy.to_owned() }))
}

/// An address of WhatsApp or SMS.
fn is_address(text: &str) -> bool {
    PhoneNumber::parse(text.strip_prefix("whatsapp:").unwrap_or(text)).is_ok()
}

fn kind(address: &str) -> &'static str {
    if address.starts_with("whatsapp:") { "whatsapp" } else { "sms" }
}

/// `GET …/Participants`.
pub(super) async fn list(Path(key): Path<String>, errand: Errand) -> Response {
    errand
        .run(RestVerb::ListParticipants, |errand| {
            let world = &errand.world;
            let exchange = world.exchange();
            let conversation = exchange.find(&key)?;
            let path = format!("/v1/Conversations/{}/Participants", conversation.sid);
            let all = conversation.participants.iter().map(|p| p.resource(&conversation.sid, world)).collect();
            Ok(Done::Found(page(world, &path, &errand.query, "participants", LONGEST.0, all)))
        })
        .await
}

/// `GET ParticipantConversations?Address=…`, the closed ones too, oldest first.
pub(super) async fn find(errand: Errand) -> Response {
    errand
        .run(RestVerb::FindConversations, |errand| {
            let (world, query) = (&errand.world, &errand.query);
            let (address, identity) = (field(query, "Address"), field(query, "Identity"));
            if address.is_none() && identity.is_none() {
                return Err(Refusal::new(400, 20001, "Address or Identity is required."));
            }
            let fits = |p: &&Participant| {
                address.is_none_or(|a| p.pair.as_ref().is_some_and(|pair| pair.address == a))
                    && identity.is_none_or(|i| p.identity.as_deref() == Some(i))
            };
            let exchange = world.exchange();
            let seen = exchange.conversations.iter().filter_map(|c| Some((c, c.participants.iter().find(fits)?)));
            let all = seen.map(|(conversation, participant)| conversation.seen_by(participant, world)).collect();
            Ok(Done::Found(page(world, "/v1/ParticipantConversations", query, "conversations", LONGEST.1, all)))
        })
        .await
}

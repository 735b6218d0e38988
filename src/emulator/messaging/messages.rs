//! The messages of a conversation: the list, and sending.

use std::sync::Arc;

use axum::extract::Path;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::chat::Shown;
use super::super::form::field;
use super::super::rest::Refusal;
use super::super::timeline::{RestVerb, Side, TextState, TextWebhook, What};
use super::super::world::{World, iso8601};
use super::content::Content;
use super::conversations::{Conversation, attributes};
use super::delivery::{Fate, Journey, Parcel, summary};
use super::errand::{Done, Errand};
use super::page::page;
use super::webhook::{self, Letter};

/// The longest pages.
const LONGEST: usize = 100;

/// One message. Its index is its place in the list.
pub(super) struct Message {
    /// `IM…`.
    pub(super) sid: String,
    pub(super) author: String,
    pub(super) body: Option<String>,
    /// JSON text.
    pub(super) attributes: String,
    /// Who wrote it, of those who take part.
    pub(super) participant: Option<String>,
    pub(super) content: Option<String>,
    /// A list of attachments.
    pub(super) media: Option<Value>,
    pub(super) created: Timestamp,
    /// To whom it is brought.
    pub(super) parcels: Vec<Parcel>,
}

impl Message {
    fn resource(&self, conversation: &str, index: usize, delivery: Value, world: &World) -> Value {
        let url = format!("{}/v1/Conversations/{conversation}/Messages/{}", world.url, self.sid);
        json!({
            "sid": self.sid, "account_sid": world.config.account_sid, "conversation_sid": conversation,
            "chat_service_sid": world.service(), "index": index, "author": self.author, "body": self.body,
            "media": self.media, "attributes": self.attributes, "participant_sid": self.participant,
            "content_sid": self.content, "delivery": delivery, "date_created": iso8601(self.created),
            "date_updated": iso8601(self.created), "url": url,
            "links": {"delivery_receipts": format!("{url}/Receipts")},
        })
    }
}

impl Conversation {
    pub(super) fn message(&self, sid: &str) -> Result<(usize, &Message), Refusal> {
        self.messages.iter().enumerate().find(|(_, message)| message.sid == sid).ok_or_else(Refusal::not_found)
    }
}

/// `POST …/Messages`.
pub(super) async fn send(Path(key): Path<String>, errand: Errand) -> Response {
    errand
        .run(RestVerb::SendMessage, |errand| {
            let content = Content::read(&errand.form, &errand.world.config)?;
            let (form, words) = (content.form, content.words.clone());
            let sent = take(errand, &key, content)?;
            let first = sent.journeys.first().map(|journey| journey.parcel.text);
            for journey in sent.journeys {
                errand.world.note(What::TextSent { text: journey.parcel.text, form, words: words.clone() });
                journey.begin(&errand.world);
            }
            if let Some(echo) = sent.echo {
                drop(webhook::deliver(
                    &errand.world,
                    first,
                    TextWebhook::Added,
                    Letter::Form { form: echo, url: None },
                    1,
                ));
            }
            Ok(Done::Made(sent.resource))
        })
        .await
}

/// A message that was taken.
struct Taken {
    resource: Value,
    journeys: Vec<Journey>,
    echo: Option<webhook::Form>,
}

/// Puts a message of the server's into the list, unless the carrier knows already that it will not arrive.
fn take(errand: &Errand, key: &str, content: Content) -> Result<Taken, Refusal> {
    let world: &Arc<World> = &errand.world;
    let mut exchange = world.exchange();
    let conversation = exchange.find(key)?;
    conversation.must_be_open()?;
    let here = conversation.sid.clone();
    let phones: Vec<(String, String)> =
        conversation.participants.iter().filter_map(|p| Some((p.sid.clone(), p.number()?.to_owned()))).collect();
    let attributes = attributes(&errand.form)?;
    let fates: Vec<Fate> = phones
        .iter()
        .map(|(_, number)| Fate::of(world, &mut exchange, number, content.form))
        .collect::<Result<_, _>>()?;
    let (sid, created) = (world.sid("IM"), world.now());
    let mut journeys = Vec::new();
    for ((participant, number), fate) in phones.into_iter().zip(fates) {
        let channel = world.sid("SM");
        let shown = Shown {
            number: 0,
            from: Side::Server,
            form: content.form,
            words: content.words.clone(),
            sid: sid.clone(),
            channel_sid: channel.clone(),
            at: world.recorder.elapsed(),
            arrived: None,
            state: TextState::Accepted,
        };
        let text = exchange.keep(&number, created, shown);
        let parcel = Parcel { receipt: world.sid("DY"), channel, participant, text };
        let (conversation, message) = (here.clone(), sid.clone());
        journeys.push(Journey {
            parcel,
            conversation,
            message,
            fate,
            asked: errand.asks_for_webhooks(),
            told_at: None,
        });
    }
    let message = Message {
        sid,
        author: field(&errand.form, "Author").unwrap_or("system").to_owned(),
        body: content.sid.is_none().then_some(content.words),
        attributes,
        participant: None,
        content: content.sid,
        media: None,
        created,
        parcels: journeys.iter().map(|journey| journey.parcel.clone()).collect(),
    };
    let is_echoed = exchange.rules.echoes || errand.asks_for_webhooks();
    let conversation = exchange.find_mut(&here)?;
    let index = conversation.add(message);
    let message = &conversation.messages[index];
    let echo = is_echoed.then(|| webhook::added(world, &here, index, message, "API"));
    Ok(Taken { resource: message.resource(&here, index, Value::Null, world), journeys, echo })
}

/// `GET …/Messages/{IM}`.
pub(super) async fn read(Path((key, sid)): Path<(String, String)>, errand: Errand) -> Response {
    errand
        .run(RestVerb::ReadMessage, |errand| {
            let exchange = errand.world.exchange();
            let conversation = exchange.find(&key)?;
            let (index, message) = conversation.message(&sid)?;
            let delivery = summary(&exchange, message);
            Ok(Done::Found(message.resource(&conversation.sid, index, delivery, &errand.world)))
        })
        .await
}

/// `GET …/Messages`, the oldest first unless asked otherwise.
pub(super) async fn list(Path(key): Path<String>, errand: Errand) -> Response {
    errand
        .run(RestVerb::ListMessages, |errand| {
            let (world, query) = (&errand.world, &errand.query);
            let exchange = world.exchange();
            let Conversation { sid, messages, .. } = exchange.find(&key)?;
            let resource =
                |(index, message): (usize, &Message)| message.resource(sid, index, summary(&exchange, message), world);
            let mut all: Vec<Value> = messages.iter().enumerate().map(resource).collect();
            match field(query, "Order") {
                None | Some("asc") => {}
                Some("desc") => all.reverse(),
                Some(_) => return Err(Refusal::new(400, 20001, "Invalid 'Order' value.")),
            }
            let path = format!("/v1/Conversations/{sid}/Messages");
            Ok(Done::Found(page(world, &path, query, "messages", LONGEST, all)))
        })
        .await
}

//! A text's way to the phone: sent, delivered, read on WhatsApp, or not arriving; and the receipts that tell of it.

use std::sync::Arc;

use axum::extract::Path;
use axum::response::Response;
use serde_json::{Value, json};

use super::super::chat;
use super::super::config::Telephony;
use super::super::faults::Fault;
use super::super::rest::Refusal;
use super::super::timeline::{RestVerb, TextForm, TextState, TextWebhook, What};
use super::super::world::{World, iso8601};
use super::errand::{Done, Errand};
use super::messages::Message;
use super::page::page;
use super::webhook::Letter;
use super::{Exchange, Failing, ReceiptWebhooks, sms, telnyx, webhook};

/// The longest pages of receipts.
const LONGEST: usize = 100;

/// What becomes of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Arrives,
    /// For the reason with this code.
    Fails(u32),
}

impl Fate {
    /// What will become of a text to a phone; refused where the carrier says so at once.
    pub(super) fn of(world: &World, exchange: &mut Exchange, number: &str, form: TextForm) -> Result<Self, Refusal> {
        let rules = exchange.rules.clone();
        let handset = exchange.handset(number);
        if handset.opted_out {
            return Err(Refusal::new(400, 21610, "Attempt to send to unsubscribed recipient"));
        }
        let is_open = form == TextForm::Template || handset.is_open(rules.window, world.recorder.elapsed());
        let (code, message) = match (handset.joined, handset.blocked, is_open) {
            (false, ..) => {
                (63015, "Channel Sandbox can only send messages to phone numbers that have joined the Sandbox")
            }
            (_, true, _) => {
                (63014, "This message failed to be delivered to the user because it was blocked by a user action")
            }
            (.., false) => (63016, "Failed to send freeform message because you are outside the allowed window"),
            (true, false, true) => {
                let fault =
                    world.faults.strike(|f| if let Fault::ReceiptFails { code } = f { Some(*code) } else { None });
                return Ok(fault.map_or(Self::Arrives, Self::Fails));
            }
        };
        match rules.failing {
            Failing::AtOnce => Err(Refusal::new(400, code, message)),
            Failing::ByReceipt => Ok(Self::Fails(code)),
        }
    }
}

impl Fate {
    /// The same for an SMS.
    pub(super) fn of_sms(world: &World, exchange: &Exchange, number: &str) -> Result<Self, Refusal> {
        if exchange.stopped.contains(number) {
            return Err(Refusal::new(400, 21610, "Attempt to send to unsubscribed recipient"));
        }
        let fault = world.faults.strike(|f| if let Fault::SmsFails { code } = f { Some(*code) } else { None });
        Ok(fault.map_or(Self::Arrives, Self::Fails))
    }
}

/// A message on its way to one who takes part.
#[derive(Clone)]
pub(super) struct Parcel {
    /// `DY…`.
    pub(super) receipt: String,
    /// The channel's name for the text, `SM…`.
    pub(super) channel: String,
    /// `MB…`.
    pub(super) participant: String,
    /// The text's number.
    pub(super) text: usize,
}

/// The way of one parcel.
pub(super) struct Journey {
    pub(super) parcel: Parcel,
    /// `CH…`; SMS and Telnyx have none.
    pub(super) conversation: String,
    /// `IM…`, for SMS `SM…`; at Telnyx a UUID.
    pub(super) message: String,
    pub(super) fate: Fate,
    /// The sending asked for webhooks.
    pub(super) asked: bool,
    /// Where it asked for them; those of Conversations go where the console says.
    pub(super) told_at: Option<String>,
}

impl Journey {
    pub(super) fn begin(self, world: &Arc<World>) {
        let outer = Arc::clone(world);
        world.spawn(async move { Arc::new(self).go(&outer).await });
    }

    async fn go(self: Arc<Self>, world: &Arc<World>) {
        let rules = world.exchange().rules.clone();
        if let Fate::Fails(code) = self.fate {
            tokio::time::sleep(rules.delivered_after).await;
            return self.arrive_at(world, TextState::Failed(code));
        }
        tokio::time::sleep(rules.sent_after).await;
        self.arrive_at(world, TextState::Sent);
        tokio::time::sleep(rules.delivered_after).await;
        self.arrive_at(world, TextState::Delivered);
        let text = self.parcel.text;
        chat::notice(world, text);
        let read_after = rules.read_after.filter(|_| !world.exchange().is_sms(text));
        if let Some(after) = read_after {
            tokio::time::sleep(after).await;
            read(world, |journey| journey.parcel.text == text);
        }
    }

    /// Writes a new state down everywhere, and tells the server.
    fn arrive_at(self: &Arc<Self>, world: &Arc<World>, state: TextState) {
        let text = self.parcel.text;
        let (words, letter, name) = {
            let mut exchange = world.exchange();
            exchange.advance(text, state, world.recorder.elapsed(), world.now());
            let by_sms = exchange.is_sms(text);
            if state == TextState::Delivered && !by_sms {
                exchange.unread.push(Arc::clone(self));
            }
            let is_told = match exchange.rules.receipts {
                ReceiptWebhooks::Always => true,
                ReceiptWebhooks::IfAsked => self.asked,
                ReceiptWebhooks::Never => false,
            };
            let words = exchange.texts[text - 1].shown.words.clone();
            let name = if by_sms { TextWebhook::SmsDelivery } else { TextWebhook::Delivery };
            (words, is_told.then(|| self.letter(world, &exchange, state)).flatten(), name)
        };
        match state {
            TextState::Delivered => world.note(What::TextArrived { text, words }),
            TextState::Read => world.note(What::TextRead { text }),
            TextState::Failed(code) => world.note(What::TextFailed { text, code }),
            TextState::Accepted | TextState::Sent => {}
        }
        if let Some(letter) = letter {
            drop(webhook::deliver(world, Some(text), name, letter, 1));
        }
    }

    /// What the server is told of its present state; Twilio tells of an SMS only who asked.
    fn letter(&self, world: &World, exchange: &Exchange, state: TextState) -> Option<Letter> {
        let text = &exchange.texts[self.parcel.text - 1];
        let url = self.told_at.clone();
        match world.config.telephony {
            Telephony::Twilio if text.is_sms() => {
                Some(Letter::Form { form: sms::status(world, text), url: Some(url?) })
            }
            Telephony::Twilio => Some(Letter::Form { form: webhook::delivery(world, exchange, self), url }),
            Telephony::Telnyx => Some(Letter::Event { event: telnyx::delivery(world, text, state), url }),
        }
    }
}

/// Somebody reads all that has arrived on their phone.
pub(in crate::emulator) fn read_all(world: &Arc<World>, number: &str) {
    let texts: Vec<usize> = world.exchange().chat(number, false).into_iter().map(|shown| shown.number).collect();
    read(world, |journey| texts.contains(&journey.parcel.text));
}

fn read(world: &Arc<World>, which: impl Fn(&Journey) -> bool) {
    let read: Vec<Arc<Journey>> = world.exchange().unread.extract_if(.., |journey| which(journey)).collect();
    for journey in read {
        journey.arrive_at(world, TextState::Read);
    }
}

/// The state of a parcel, and the code where it failed.
pub(super) fn state(exchange: &Exchange, parcel: &Parcel) -> (TextState, Option<u32>) {
    let state = exchange.texts[parcel.text - 1].shown.state;
    (state, if let TextState::Failed(code) = state { Some(code) } else { None })
}

/// A message's `delivery`; null while there is no receipt.
pub(super) fn summary(exchange: &Exchange, message: &Message) -> Value {
    let states: Vec<TextState> = message.parcels.iter().map(|parcel| state(exchange, parcel).0).collect();
    if states.iter().all(|state| state.as_str().is_none()) {
        return Value::Null;
    }
    let share = |fits: &dyn Fn(&TextState) -> bool| match states.iter().filter(|state| fits(state)).count() {
        0 => "none",
        count if count == states.len() => "all",
        _ => "some",
    };
    json!({
        "total": states.len(),
        "sent": share(&|state| *state == TextState::Sent || state.has_arrived()),
        "delivered": share(&|state| state.has_arrived()),
        "read": share(&|state| *state == TextState::Read),
        "failed": share(&|state| state.as_str() == Some("failed")),
        "undelivered": share(&|state| state.as_str() == Some("undelivered")),
    })
}

/// `GET …/Messages/{IM}/Receipts`.
pub(super) async fn receipts(Path((key, sid)): Path<(String, String)>, errand: Errand) -> Response {
    errand
        .run(RestVerb::ReadReceipts, |errand| {
            let world = &errand.world;
            let exchange = world.exchange();
            let conversation = exchange.find(&key)?;
            let (_, message) = conversation.message(&sid)?;
            let path = format!("/v1/Conversations/{}/Messages/{sid}/Receipts", conversation.sid);
            let receipt = |parcel: &Parcel| {
                let (state, code) = state(&exchange, parcel);
                Some(json!({
                    "sid": parcel.receipt, "account_sid": world.config.account_sid,
                    "conversation_sid": conversation.sid, "message_sid": sid,
                    "channel_message_sid": parcel.channel, "participant_sid": parcel.participant,
                    "status": state.as_str()?, "error_code": code.unwrap_or(0),
                    "date_created": iso8601(message.created),
                    "date_updated": iso8601(exchange.texts[parcel.text - 1].updated),
                    "url": format!("{}{path}/{}", world.url, parcel.receipt),
                }))
            };
            let all = message.parcels.iter().filter_map(receipt).collect();
            Ok(Done::Found(page(world, &path, &errand.query, "delivery_receipts", LONGEST, all)))
        })
        .await
}

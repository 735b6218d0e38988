//! SMS as Telnyx has it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::super::super::carrier::telnyx::refusal::Refusal;
use super::super::super::chat::{Guise, Shown};
use super::super::super::connection::Scissors;
use super::super::super::post::uuid;
use super::super::super::timeline::{RestVerb, Side, TextForm, TextState, What};
use super::super::super::world::World;
use super::super::Text;
use super::super::delivery::Fate;
use super::super::inbound::Writing;
use super::super::sms::{journey, one};
use super::{code_of, event, run};
use crate::phone_number::PhoneNumber;

/// The longest text, in characters: ten pieces of 153.
const LONGEST: usize = 1_530;

/// `POST /v2/messages`.
pub(super) async fn send(
    State(world): State<Arc<World>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    run(&world, &scissors, &headers, RestVerb::SendSms, &body, || take(&world, &body)).await
}

/// Takes a text of the server's, unless something is against it.
fn take(world: &Arc<World>, body: &[u8]) -> Result<Value, Refusal> {
    let body: Value = serde_json::from_slice(body).map_err(|_| Refusal::new(400, 10_015, "The body is not JSON."))?;
    if body["from"] != world.config.number {
        return Err(Refusal::new(400, 40_305, "The 'from' address is not a number of this account."));
    }
    let to = body["to"].as_str().filter(|to| PhoneNumber::parse(to).is_ok());
    let to = to.ok_or_else(|| Refusal::new(400, 40_310, "The 'to' address should be in E.164 format."))?;
    if !matches!(body["type"].as_str(), None | Some("SMS")) {
        return Err(Refusal::invalid("The 'type' should be SMS."));
    }
    if body["messaging_profile_id"].as_str().is_some_and(|profile| profile != world.config.telnyx_profile) {
        return Err(Refusal::new(400, 40_312, "The messaging profile is not one of this account."));
    }
    let words = body["text"].as_str().unwrap_or_default();
    match words.chars().count() {
        0 => return Err(Refusal::invalid("The 'text' should not be empty.")),
        1..=LONGEST => {}
        _ => return Err(Refusal::new(400, 40_302, "The message is too large.")),
    }
    let (resource, journey) = {
        let mut exchange = world.exchange();
        let fate = Fate::of_sms(world, &exchange, to)
            .map_err(|refusal| Refusal::new(refusal.status, code_of(refusal.code), refusal.message))?;
        let shown = one(world, Side::Server, words, uuid(&world.sid("")));
        let message = shown.sid.clone();
        let text = exchange.keep(to, world.now(), Shown { arrived: None, state: TextState::Accepted, ..shown });
        let told_at = body["webhook_url"].as_str().map(str::to_owned).or_else(|| world.sms_webhook());
        let resource = super::resource(world, &exchange.texts[text - 1], TextState::Accepted);
        (resource, journey(text, message, fate, told_at))
    };
    world.note(What::TextSent { text: journey.parcel.text, form: TextForm::Sms, words: words.to_owned() });
    journey.begin(world);
    Ok(resource)
}

/// A text of the server's as REST and events show it.
pub(super) fn resource(world: &World, text: &Text, to: &Value, errors: &Value) -> Value {
    json!({
        "record_type": "message", "direction": "outbound", "id": text.shown.sid, "type": "SMS",
        "messaging_profile_id": world.config.telnyx_profile,
        "from": {"phone_number": world.config.number, "carrier": "Telnyx", "line_type": "Wireless"}, "to": to,
        "text": text.shown.words, "media": [], "encoding": "GSM-7", "parts": 1, "errors": errors,
    })
}

/// Something that somebody wrote; gives it its name.
pub(in super::super) fn received(world: &World, writing: &Writing<'_>, shown: &mut Shown) -> Value {
    shown.sid = uuid(&world.sid(""));
    shown.channel_sid.clone_from(&shown.sid);
    let (mut from, mut profile) = (writing.number.to_owned(), world.config.telnyx_profile.clone());
    match &writing.guise {
        Some(Guise::Author(author)) => from.clone_from(author),
        Some(Guise::Account(account)) => profile.clone_from(account),
        None => {}
    }
    let payload = json!({
        "record_type": "message", "direction": "inbound", "id": shown.sid, "type": "SMS", "messaging_profile_id": profile,
        "from": {"phone_number": from, "carrier": "", "line_type": "Wireless"},
        "to": [{"phone_number": world.config.number, "carrier": "Telnyx", "line_type": "Wireless", "status": "webhook_delivered"}],
        "text": writing.words, "media": [], "encoding": "GSM-7", "parts": 1, "autoresponse_type": null,
        "received_at": world.now().to_string(), "errors": [],
    });
    event(world, "message.received", &payload)
}

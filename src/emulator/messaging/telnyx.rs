//! WhatsApp and SMS as Telnyx has them: messages without a conversation, sent and read one by one; and signed events about them.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::super::carrier::telnyx::refusal::{Refusal, authorise};
use super::super::chat::{Guise, Shown};
use super::super::connection::Scissors;
use super::super::faults::RestFault;
use super::super::post::uuid;
use super::super::timeline::{RestVerb, Side, TextForm, TextState, What};
use super::super::world::World;
use super::Text;
use super::content::fill;
use super::delivery::{Fate, Journey, Parcel};
use super::errand::{conclude, fault_of, note};
use super::inbound::Writing;
use crate::phone_number::PhoneNumber;

pub(super) mod sms;

/// The longest text, in characters.
const LONGEST: usize = 4096;

/// The routes of the REST API.
pub(super) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/v2/messages", post(sms::send))
        .route("/v2/messages/whatsapp", post(send))
        .route("/v2/messages/{message}", get(read))
}

/// `POST /v2/messages/whatsapp`.
async fn send(
    State(world): State<Arc<World>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    run(&world, &scissors, &headers, RestVerb::SendMessage, &body, || take(&world, &body)).await
}

/// `GET /v2/messages/{message}`.
async fn read(
    State(world): State<Arc<World>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let find = || {
        let exchange = world.exchange();
        let text = exchange.texts.iter().find(|text| text.shown.sid == name).ok_or_else(Refusal::not_found)?;
        Ok(resource(&world, text, text.shown.state))
    };
    let is_sms = world.exchange().texts.iter().any(|text| text.shown.sid == name && text.is_sms());
    let verb = if is_sms { RestVerb::ReadSms } else { RestVerb::ReadReceipts };
    run(&world, &scissors, &headers, verb, &[], find).await
}

/// Does the work, unless something is against it, and writes down that it was asked for.
async fn run(
    world: &World,
    scissors: &Scissors,
    headers: &HeaderMap,
    verb: RestVerb,
    said: &[u8],
    work: impl FnOnce() -> Result<Value, Refusal> + Send,
) -> Response {
    let fault = fault_of(world, verb);
    if let Some(RestFault::Refused { status, code, retry_after }) = fault {
        note(world, verb, Some(status));
        // A refusal at its worst: some sentences quote what was sent.
        let quoted = format!("The request was refused. {}", String::from_utf8_lossy(said));
        let mut response = Refusal::new(status, code_of(code), quoted).into_response();
        if let Some(after) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, after.as_secs().into());
        }
        return response;
    }
    let is_done = fault.is_none_or(RestFault::is_done);
    let answer = is_done.then(|| authorise(world, headers).and_then(|()| work()));
    let answer = answer.map(|answer| match answer {
        Ok(data) => Json(json!({ "data": data })).into_response(),
        Err(refusal) => refusal.into_response(),
    });
    conclude(world, scissors, verb, fault, answer).await
}

/// Takes a message of the server's, unless it is known already that it will not arrive.
fn take(world: &Arc<World>, body: &[u8]) -> Result<Value, Refusal> {
    let body: Value = serde_json::from_slice(body).map_err(|_| Refusal::new(400, 10_015, "The body is not JSON."))?;
    if body["from"] != world.config.whatsapp_number {
        return Err(Refusal::new(400, 40_305, "The 'from' address is not a WhatsApp sender of this account."));
    }
    let to = body["to"].as_str().filter(|to| PhoneNumber::parse(to).is_ok());
    let to = to.ok_or_else(|| Refusal::new(400, 40_310, "The 'to' address should be in E.164 format."))?;
    if body["type"] != "WHATSAPP" {
        return Err(Refusal::invalid("The 'type' should be WHATSAPP."));
    }
    let (form, words) = content(world, &body["whatsapp_message"])?;
    let (resource, journey) = {
        let mut exchange = world.exchange();
        let fate = Fate::of(world, &mut exchange, to, form)
            .map_err(|refusal| Refusal::new(refusal.status, code_of(refusal.code), refusal.message))?;
        let shown = Shown {
            number: 0,
            from: Side::Server,
            form,
            words: words.clone(),
            sid: uuid(&world.sid("")),
            channel_sid: wamid(world),
            at: world.recorder.elapsed(),
            arrived: None,
            state: TextState::Accepted,
        };
        let (message, channel) = (shown.sid.clone(), shown.channel_sid.clone());
        let text = exchange.keep(to, world.now(), shown);
        let told_at = body["webhook_url"].as_str().map(str::to_owned);
        let parcel = Parcel { receipt: String::new(), channel, participant: String::new(), text };
        let asked = told_at.is_some();
        let journey = Journey { parcel, conversation: String::new(), message, fate, asked, told_at };
        (resource(world, &exchange.texts[text - 1], TextState::Accepted), journey)
    };
    world.note(What::TextSent { text: journey.parcel.text, form, words });
    journey.begin(world);
    Ok(resource)
}

/// What a message is to say: a text, or the template with its variable.
fn content(world: &World, message: &Value) -> Result<(TextForm, String), Refusal> {
    match message["type"].as_str() {
        Some("text") => {
            let body = message["text"]["body"].as_str().unwrap_or_default();
            if body.is_empty() || body.chars().count() > LONGEST {
                return Err(Refusal::invalid("The 'body' should have 1 to 4096 characters."));
            }
            Ok((TextForm::Free, body.to_owned()))
        }
        Some("template") => {
            let template = &message["template"];
            let named =
                [&template["name"], &template["language"]["code"]].map(|text| text.as_str().unwrap_or_default());
            if named.join(":") != world.config.telnyx_template {
                return Err(Refusal::new(400, 132_001, "The template does not exist in that language."));
            }
            let bodies = template["components"].as_array().into_iter().flatten().filter(|part| part["type"] == "body");
            let parameters = bodies.flat_map(|body| body["parameters"].as_array().into_iter().flatten());
            let variables: Map<String, Value> =
                parameters.enumerate().map(|(n, parameter)| ((n + 1).to_string(), parameter["text"].clone())).collect();
            let words = fill(&world.config.template_text, &variables);
            let words = words.ok_or_else(|| Refusal::new(400, 132_000, "The template's parameters do not fit it."))?;
            Ok((TextForm::Template, words))
        }
        _ => Err(Refusal::invalid("The message's 'type' is not known.")),
    }
}

/// A message of the server's as REST and events show it.
fn resource(world: &World, text: &Text, state: TextState) -> Value {
    let status = match state {
        TextState::Accepted => "queued",
        TextState::Sent => "sent",
        TextState::Delivered => "delivered",
        TextState::Read => "read",
        TextState::Failed(_) => "delivery_failed",
    };
    let errors = match state {
        TextState::Failed(code) => json!([{"code": code_of(code).to_string(), "title": "Not delivered",
            "detail": format!("{} could not be reached", text.number)}]),
        _ => json!([]),
    };
    let to = json!([{"phone_number": text.number, "status": status}]);
    if text.is_sms() {
        return sms::resource(world, text, &to, &errors);
    }
    json!({
        "record_type": "message", "direction": "outbound", "id": text.shown.sid, "type": "WHATSAPP",
        "messaging_profile_id": world.config.telnyx_profile, "from": {"phone_number": world.config.whatsapp_number},
        "to": to, "errors": errors,
        "body": {"foreign_id": text.shown.channel_sid},
    })
}

/// What became of a message of the server's.
pub(super) fn delivery(world: &World, text: &Text, state: TextState) -> Value {
    let kind = match state {
        TextState::Accepted | TextState::Sent => "message.sent",
        TextState::Delivered | TextState::Failed(_) => "message.finalized",
        TextState::Read => "message.read",
    };
    event(world, kind, &resource(world, text, state))
}

/// Something that somebody wrote; gives it its names.
pub(super) fn received(world: &World, writing: &Writing<'_>, shown: &mut Shown) -> Value {
    (shown.sid, shown.channel_sid) = (uuid(&world.sid("")), wamid(world));
    let (mut from, mut profile) = (writing.number.to_owned(), world.config.telnyx_profile.clone());
    match &writing.guise {
        Some(Guise::Author(author)) => author.trim_start_matches("whatsapp:").clone_into(&mut from),
        Some(Guise::Account(account)) => profile.clone_from(account),
        None => {}
    }
    let says = match writing.form {
        TextForm::Free | TextForm::Template | TextForm::Sms => json!({"type": "text", "text": {"body": writing.words}}),
        TextForm::Button => json!({"type": "button", "button": {"text": writing.words, "payload": writing.words}}),
        TextForm::Picture if writing.words.is_empty() => json!({"type": "image", "image": {"mime_type": "image/jpeg"}}),
        TextForm::Picture => {
            json!({"type": "image", "image": {"mime_type": "image/jpeg", "caption": writing.words}})
        }
    };
    let mut body = json!({"id": shown.sid, "foreign_id": shown.channel_sid, "from": from.trim_start_matches('+'),
        "timestamp": world.now().as_second().to_string()});
    let quotes = writing.quotes.map(|quoted| json!({"context": {"id": quoted.channel_sid}}));
    for (name, value) in std::iter::once(says).chain(quotes).filter_map(|more| more.as_object().cloned()).flatten() {
        body[name] = value;
    }
    let payload = json!({
        "record_type": "message", "direction": "inbound", "id": shown.sid, "type": "WHATSAPP",
        "messaging_profile_id": profile, "from": {"phone_number": from}, "to": world.config.whatsapp_number,
        "body": body, "received_at": world.now().to_string(), "errors": [],
    });
    event(world, "message.received", &payload)
}

fn event(world: &World, kind: &str, payload: &Value) -> Value {
    let data = json!({"record_type": "event", "event_type": kind, "id": uuid(&world.sid("")),
        "occurred_at": world.now().to_string(), "payload": payload});
    json!({"data": data, "meta": {"attempt": 1}})
}

/// The channel's name for a message.
fn wamid(world: &World) -> String {
    format!("wamid.{}", world.sid(""))
}

/// Telnyx's code for a reason that has this one at Twilio; any other code is its own.
fn code_of(code: u32) -> u32 {
    match code {
        63_016 => 131_047,
        21_610 | 63_014 => 40_300,
        63_003 | 63_024 | 63_015 | 21_211 => 131_026,
        30_005 | 30_006 => 40_001,
        20_003 => 10_009,
        20_429 | 63_018 => 10_011,
        63_007 => 40_305,
        21_656 => 132_000,
        other => other,
    }
}

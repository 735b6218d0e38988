//! SMS: Twilio's plain Messaging, its REST API and its webhooks; and at either carrier what comes in.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::super::chat::{Guise, Shown};
use super::super::config::Telephony;
use super::super::form::{self, Form, field};
use super::super::rest::Refusal;
use super::super::timeline::{RestVerb, Side, TextForm, TextState, TextWebhook, What};
use super::super::world::{World, rfc2822};
use super::delivery::{Fate, Journey, Parcel};
use super::errand::{Done, Errand};
use super::inbound::{Webhooks, Writing};
use super::webhook::Letter;
use super::{Text, telnyx};
use crate::phone_number::PhoneNumber;

mod minded;

/// The longest text, in characters.
const LONGEST: usize = 1_600;
/// Pages are this long unless asked otherwise, and never longer than a thousand.
const PAGE: usize = 50;

/// The routes of Twilio's REST API.
pub(super) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/2010-04-01/Accounts/{account}/Messages.json", post(send).get(list))
        .route("/2010-04-01/Accounts/{account}/Messages/{message}", get(read))
}

/// `POST Messages.json`.
async fn send(Path(account): Path<String>, errand: Errand) -> Response {
    errand
        .run(RestVerb::SendSms, |errand| {
            must_own(&errand.world, &account)?;
            let (resource, journey) = take(&errand.world, &errand.form)?;
            let words = resource["body"].as_str().unwrap_or_default().to_owned();
            errand.world.note(What::TextSent { text: journey.parcel.text, form: TextForm::Sms, words });
            journey.begin(&errand.world);
            Ok(Done::Made(resource))
        })
        .await
}

/// `GET Messages/{SM}.json`.
async fn read(Path((account, file)): Path<(String, String)>, errand: Errand) -> Response {
    errand
        .run(RestVerb::ReadSms, |errand| {
            must_own(&errand.world, &account)?;
            let sid = file.strip_suffix(".json").unwrap_or(&file);
            let exchange = errand.world.exchange();
            let text = exchange.texts.iter().find(|text| text.is_sms() && text.shown.sid == sid);
            Ok(Done::Found(resource(&errand.world, text.ok_or_else(Refusal::not_found)?)))
        })
        .await
}

/// `GET Messages.json`: by both numbers, the newest first.
async fn list(Path(account): Path<String>, errand: Errand) -> Response {
    errand
        .run(RestVerb::ListSms, |errand| {
            let (world, query) = (&errand.world, &errand.query);
            must_own(world, &account)?;
            let size = field(query, "PageSize").and_then(|n| n.parse().ok()).unwrap_or(PAGE).clamp(1, 1_000);
            let number: usize = field(query, "Page").and_then(|n| n.parse().ok()).unwrap_or(0);
            let exchange = world.exchange();
            let is_asked = |message: &Value| {
                ["To", "From"]
                    .iter()
                    .all(|name| field(query, name).is_none_or(|number| message[name.to_lowercase()] == number))
            };
            let all: Vec<Value> = exchange
                .texts
                .iter()
                .rev()
                .filter(|text| text.is_sms() && text.shown.from != Side::Carrier)
                .map(|text| resource(world, text))
                .filter(is_asked)
                .collect();
            let uri = |page: usize| {
                let kept = query.iter().filter(|(name, _)| !matches!(name.as_str(), "Page" | "PageSize" | "PageToken"));
                let mut out = form_urlencoded::Serializer::new(String::new());
                out.extend_pairs(kept)
                    .append_pair("PageSize", &size.to_string())
                    .append_pair("Page", &page.to_string());
                format!("/2010-04-01/Accounts/{account}/Messages.json?{}", out.finish())
            };
            let start = number.saturating_mul(size);
            let next = (all.len() > start.saturating_add(size)).then(|| uri(number + 1));
            let shown: Vec<Value> = all.into_iter().skip(start).take(size).collect();
            Ok(Done::Found(json!({
                "messages": shown, "page": number, "page_size": size, "start": start, "uri": uri(number),
                "first_page_uri": uri(0), "next_page_uri": next, "previous_page_uri": number.checked_sub(1).map(uri),
            })))
        })
        .await
}

fn must_own(world: &World, account: &str) -> Result<(), Refusal> {
    if account == world.config.account_sid { Ok(()) } else { Err(Refusal::new(401, 20003, "Authenticate")) }
}

/// Takes a text of the server's, unless something is against it.
fn take(world: &World, form: &Form) -> Result<(Value, Journey), Refusal> {
    let refuse = |code, why: &'static str| Err(Refusal::new(400, code, why));
    let Some(to) = field(form, "To") else { return refuse(21604, "A 'To' phone number is required.") };
    let Some(from) = field(form, "From") else { return refuse(21603, "A 'From' phone number is required.") };
    let Some(body) = field(form, "Body") else { return refuse(21602, "Message body is required.") };
    let told_at = field(form, "StatusCallback").map(str::to_owned);
    if PhoneNumber::parse(to).is_err() {
        return refuse(21211, "Invalid 'To' Phone Number");
    }
    let (has_number, sends) = {
        let console = world.console();
        (console.has_number, console.sms)
    };
    if from != world.config.number || !has_number {
        return refuse(21659, "'From' is not a Twilio phone number or Short Code country mismatch");
    }
    if !sends {
        return refuse(21606, "The 'From' phone number provided is not a valid message-capable Twilio phone number");
    }
    if to == from {
        return refuse(21266, "'To' and 'From' number cannot be the same");
    }
    if body.chars().count() > LONGEST {
        return refuse(21617, "The concatenated message body exceeds the 1600 character limit");
    }
    if told_at.as_deref().is_some_and(|url| !url.starts_with("http")) {
        return refuse(21609, "The 'StatusCallback' URL is not a valid URL.");
    }
    let mut exchange = world.exchange();
    let fate = Fate::of_sms(world, &exchange, to)?;
    let shown = one(world, Side::Server, body, world.sid("SM"));
    let message = shown.sid.clone();
    let text = exchange.keep(to, world.now(), Shown { arrived: None, state: TextState::Accepted, ..shown });
    Ok((resource(world, &exchange.texts[text - 1]), journey(text, message, fate, told_at)))
}

/// The way of an SMS.
pub(super) fn journey(text: usize, message: String, fate: Fate, told_at: Option<String>) -> Journey {
    let parcel = Parcel { receipt: String::new(), channel: String::new(), participant: String::new(), text };
    Journey { parcel, conversation: String::new(), message, fate, asked: told_at.is_some(), told_at }
}

/// An SMS that is there at once.
pub(super) fn one(world: &World, from: Side, words: &str, sid: String) -> Shown {
    let at = world.recorder.elapsed();
    Shown {
        number: 0,
        from,
        form: TextForm::Sms,
        words: words.to_owned(),
        channel_sid: sid.clone(),
        sid,
        at,
        arrived: Some(at),
        state: TextState::Delivered,
    }
}

/// The wire's word for the state of a text, and the code of its failure.
fn status_of(text: &Text) -> (&'static str, Option<u32>) {
    let state = text.shown.state;
    let word = if text.shown.from == Side::Person { "received" } else { state.as_str().unwrap_or("queued") };
    (word, if let TextState::Failed(code) = state { Some(code) } else { None })
}

/// An SMS as JSON: dates as RFC 2822, counts as texts.
fn resource(world: &World, text: &Text) -> Value {
    let (status, code) = status_of(text);
    let (us, them) = (&world.config.number, &text.number);
    let by_us = text.shown.from == Side::Server;
    let (from, to, direction) = if by_us { (us, them, "outbound-api") } else { (them, us, "inbound") };
    let account = &world.config.account_sid;
    let created = rfc2822(world.moment(text.shown.at));
    json!({
        "sid": text.shown.sid, "account_sid": account, "messaging_service_sid": null, "from": from, "to": to,
        "body": text.shown.words, "status": status, "direction": direction, "num_segments": "1", "num_media": "0",
        "error_code": code, "error_message": null, "price": null, "price_unit": "USD", "api_version": "2010-04-01",
        "date_created": created, "date_sent": created, "date_updated": rfc2822(text.updated),
        "uri": format!("/2010-04-01/Accounts/{account}/Messages/{}.json", text.shown.sid), "subresource_uris": {},
    })
}

/// The status callback about a text of the server's.
pub(super) fn status(world: &World, text: &Text) -> Form {
    let (status, code) = status_of(text);
    let mut form = form::of([
        ("SmsSid", text.shown.sid.clone()),
        ("SmsStatus", status.to_owned()),
        ("MessageStatus", status.to_owned()),
        ("To", text.number.clone()),
        ("MessageSid", text.shown.sid.clone()),
        ("AccountSid", world.config.account_sid.clone()),
        ("From", world.config.number.clone()),
        ("ApiVersion", "2010-04-01".to_owned()),
    ]);
    form.extend(form::of(code.map(|code| ("ErrorCode", code.to_string()))));
    form
}

/// Takes in what somebody writes by SMS. The carrier minds some words itself, and tells the server of them all the same.
pub(super) fn take_in(world: &World, writing: &Writing<'_>) -> (Shown, Webhooks) {
    let mut shown = one(world, Side::Person, writing.words, world.sid("SM"));
    let letter = match world.config.telephony {
        Telephony::Twilio => Letter::Form { form: inbound(world, writing, &shown.sid), url: world.sms_webhook() },
        Telephony::Telnyx => {
            Letter::Event { event: telnyx::sms::received(world, writing, &mut shown), url: world.sms_webhook() }
        }
    };
    let mut exchange = world.exchange();
    shown.number = exchange.keep(writing.phone(), world.now(), shown.clone());
    if writing.guise.is_none()
        && let Some(answer) = minded::mind(world.config.telephony, &mut exchange.stopped, writing.number, writing.words)
    {
        exchange.keep(writing.number, world.now(), one(world, Side::Carrier, answer, world.sid("SM")));
    }
    (shown, vec![(TextWebhook::Sms, letter)])
}

/// Twilio's webhook about it.
fn inbound(world: &World, writing: &Writing<'_>, sid: &str) -> Form {
    let (mut from, mut account) = (writing.number.to_owned(), world.config.account_sid.clone());
    match &writing.guise {
        Some(Guise::Author(author)) => from.clone_from(author),
        Some(Guise::Account(other)) => account.clone_from(other),
        None => {}
    }
    form::of([
        ("ToCountry", "US".to_owned()),
        ("SmsMessageSid", sid.to_owned()),
        ("NumMedia", "0".to_owned()),
        ("SmsSid", sid.to_owned()),
        ("SmsStatus", "received".to_owned()),
        ("Body", writing.words.to_owned()),
        ("FromCountry", "IT".to_owned()),
        ("To", world.config.number.clone()),
        ("NumSegments", "1".to_owned()),
        ("MessageSid", sid.to_owned()),
        ("AccountSid", account),
        ("From", from),
        ("ApiVersion", "2010-04-01".to_owned()),
    ])
}

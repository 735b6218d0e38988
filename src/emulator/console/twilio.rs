//! Twilio's resources of the account, as its published API files of 2026 have them.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::super::form::{self, field};
use super::super::rest::{Refusal, authorise};
use super::super::world::World;

type Told = Result<Json<Value>, Refusal>;

/// `GET {account}.json`.
pub(super) async fn account(State(world): State<Arc<World>>, Path(file): Path<String>, headers: HeaderMap) -> Told {
    let account = file.strip_suffix(".json").unwrap_or(&file);
    let console = open(&world, account, &headers)?;
    let status = if console.is_active { "active" } else { "suspended" };
    let kind = if console.is_trial { "Trial" } else { "Full" };
    Ok(Json(json!({"sid": account, "status": status, "type": kind, "friendly_name": "emulated"})))
}

/// `GET IncomingPhoneNumbers.json`.
pub(super) async fn numbers(
    State(world): State<Arc<World>>,
    Path(account): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Told {
    let console = open(&world, &account, &headers)?;
    let query = form::read(query.unwrap_or_default().as_bytes());
    let wanted = field(&query, "PhoneNumber").is_none_or(|number| number == world.config.number);
    let found: Vec<Value> = (console.has_number && wanted).then(|| resource(&world, &console)).into_iter().collect();
    Ok(Json(json!({"incoming_phone_numbers": found, "page": 0, "page_size": 50, "next_page_uri": null})))
}

/// `GET IncomingPhoneNumbers/{number}.json`.
pub(super) async fn number(
    State(world): State<Arc<World>>,
    Path((account, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Told {
    let console = open(&world, &account, &headers)?;
    if !console.has_number || file.strip_suffix(".json") != Some(&number_sid(&world)) {
        return Err(Refusal::not_found());
    }
    Ok(Json(resource(&world, &console)))
}

/// `POST IncomingPhoneNumbers/{number}.json`.
pub(super) async fn set_number(
    State(world): State<Arc<World>>,
    Path((account, file)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Told {
    let mut console = open(&world, &account, &headers)?;
    if !console.has_number || file.strip_suffix(".json") != Some(&number_sid(&world)) {
        return Err(Refusal::not_found());
    }
    let form = form::read(&body);
    // An empty value takes away what was there.
    let set = |name: &str, place: &mut String| {
        if let Some((_, value)) = form.iter().find(|(other, _)| other == name) {
            value.clone_into(place);
        }
    };
    set("VoiceUrl", &mut console.voice_url);
    set("VoiceMethod", &mut console.voice_method);
    set("VoiceApplicationSid", &mut console.voice_application);
    set("TrunkSid", &mut console.trunk);
    set("SmsUrl", &mut console.sms_url);
    Ok(Json(resource(&world, &console)))
}

/// `GET OutgoingCallerIds.json`: numbers of others that were verified; there are none.
pub(super) async fn caller_ids(
    State(world): State<Arc<World>>,
    Path(account): Path<String>,
    headers: HeaderMap,
) -> Told {
    drop(open(&world, &account, &headers)?);
    Ok(Json(json!({"outgoing_caller_ids": [], "page": 0, "page_size": 50, "next_page_uri": null})))
}

/// `GET DialingPermissions/Countries/{country}`.
pub(super) async fn country(State(world): State<Arc<World>>, Path(country): Path<String>, headers: HeaderMap) -> Told {
    authorise(&world, &headers)?;
    let is_on = world.console().countries.contains(&country);
    Ok(Json(json!({
        "iso_code": country, "name": country, "low_risk_numbers_enabled": is_on,
        "high_risk_special_numbers_enabled": false, "high_risk_tollfraud_numbers_enabled": false,
    })))
}

/// `GET Content/{content}/ApprovalRequests`.
pub(super) async fn approval(State(world): State<Arc<World>>, Path(content): Path<String>, headers: HeaderMap) -> Told {
    authorise(&world, &headers)?;
    if content != world.config.template_sid {
        return Err(Refusal::not_found());
    }
    let status = world.console().template.clone();
    let whatsapp = json!({"status": status, "name": "callme_question", "category": "UTILITY", "rejection_reason": ""});
    Ok(Json(json!({"sid": content, "account_sid": world.config.account_sid, "whatsapp": whatsapp})))
}

/// `GET Channels/Senders`.
pub(super) async fn senders(State(world): State<Arc<World>>, headers: HeaderMap) -> Told {
    authorise(&world, &headers)?;
    let sender = sender_resource(&world);
    Ok(Json(
        json!({"senders": [sender], "meta": {"page": 0, "page_size": 50, "next_page_url": null, "key": "senders"}}),
    ))
}

/// `GET Channels/Senders/{sender}`.
pub(super) async fn sender(State(world): State<Arc<World>>, Path(sid): Path<String>, headers: HeaderMap) -> Told {
    authorise(&world, &headers)?;
    if sid == sender_sid(&world) { Ok(Json(sender_resource(&world))) } else { Err(Refusal::not_found()) }
}

/// `POST Channels/Senders/{sender}`: JSON, unlike everything else.
pub(super) async fn set_sender(
    State(world): State<Arc<World>>,
    Path(sid): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Told {
    authorise(&world, &headers)?;
    if sid != sender_sid(&world) {
        return Err(Refusal::not_found());
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    {
        let (mut console, webhook) = (world.console(), &body["webhook"]);
        if let Some(url) = webhook["callback_url"].as_str() {
            url.clone_into(&mut console.sender_url);
        }
        if let Some(method) = webhook["callback_method"].as_str() {
            method.clone_into(&mut console.sender_method);
        }
    }
    Ok(Json(sender_resource(&world)))
}

/// `GET Configuration/Webhooks`.
pub(super) async fn webhooks(State(world): State<Arc<World>>, headers: HeaderMap) -> Told {
    authorise(&world, &headers)?;
    Ok(Json(webhooks_resource(&world)))
}

/// `POST Configuration/Webhooks`.
pub(super) async fn set_webhooks(State(world): State<Arc<World>>, headers: HeaderMap, body: Bytes) -> Told {
    authorise(&world, &headers)?;
    let form = form::read(&body);
    {
        let mut console = world.console();
        if let Some(url) = field(&form, "PostWebhookUrl") {
            url.clone_into(&mut console.conversations_url);
        }
        let filters: Vec<String> =
            form.iter().filter(|(name, _)| name == "Filters").map(|(_, value)| value.clone()).collect();
        if !filters.is_empty() {
            console.conversations_filters = filters;
        }
    }
    Ok(Json(webhooks_resource(&world)))
}

/// The console, for who has the account's token.
fn open<'a>(
    world: &'a World,
    account: &str,
    headers: &HeaderMap,
) -> Result<std::sync::MutexGuard<'a, super::Console>, Refusal> {
    authorise(world, headers)?;
    if account == world.config.account_sid {
        Ok(world.console())
    } else {
        Err(Refusal::new(401, 20003, "Authenticate"))
    }
}

fn number_sid(world: &World) -> String {
    world.config.account_sid.replacen("AC", "PN", 1)
}

fn sender_sid(world: &World) -> String {
    world.config.account_sid.replacen("AC", "XE", 1)
}

fn resource(world: &World, console: &super::Console) -> Value {
    let or_null = |sid: &str| Some(sid.to_owned()).filter(|sid| !sid.is_empty());
    json!({
        "sid": number_sid(world), "account_sid": world.config.account_sid, "phone_number": world.config.number,
        "capabilities": {"voice": console.voice, "sms": console.sms, "mms": false, "fax": false},
        "voice_url": console.voice_url, "voice_method": console.voice_method,
        "voice_application_sid": or_null(&console.voice_application), "trunk_sid": or_null(&console.trunk),
        "sms_url": console.sms_url, "sms_method": "POST", "sms_application_sid": "",
        "status": "in-use",
    })
}

fn sender_resource(world: &World) -> Value {
    let console = world.console();
    json!({
        "sid": sender_sid(world), "sender_id": format!("whatsapp:{}", world.config.whatsapp_number),
        "status": console.sender, "webhook": {"callback_url": console.sender_url, "callback_method": console.sender_method},
    })
}

fn webhooks_resource(world: &World) -> Value {
    let console = world.console();
    let url = Some(&console.conversations_url).filter(|url| !url.is_empty());
    json!({
        "account_sid": world.config.account_sid, "method": "POST", "target": "webhook", "pre_webhook_url": null,
        "post_webhook_url": url, "filters": console.conversations_filters,
    })
}

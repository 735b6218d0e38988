//! Telnyx's resources of the account, as its published API files of 2026 have them.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::super::carrier::telnyx::{Refusal, authorise};
use super::super::form::{self, field};
use super::super::world::World;

type Told = Result<Json<Value>, Refusal>;

/// The one outbound voice profile.
const PROFILE: &str = "1293384261075731499";

/// `GET phone_numbers`.
pub(super) async fn numbers(State(world): State<Arc<World>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Told {
    authorise(&world, &headers)?;
    let console = world.console();
    let query = form::read(query.unwrap_or_default().as_bytes());
    let wanted = field(&query, "filter[phone_number]").is_none_or(|number| number == world.config.number);
    let connection = if console.number_is_connected { &*world.config.connection_id } else { "1" };
    let number = json!({
        "id": "1", "record_type": "phone_number", "phone_number": world.config.number, "status": "active",
        "connection_id": connection,
    });
    let found: Vec<Value> = (console.has_number && wanted).then_some(number).into_iter().collect();
    Ok(Json(json!({"data": found, "meta": {"page_number": 1, "total_pages": 1}})))
}

/// `GET call_control_applications/{application}`.
pub(super) async fn application(State(world): State<Arc<World>>, Path(id): Path<String>, headers: HeaderMap) -> Told {
    authorise(&world, &headers)?;
    if id == world.config.connection_id { Ok(Json(resource(&world))) } else { Err(Refusal::not_found()) }
}

/// `PATCH call_control_applications/{application}`.
pub(super) async fn set_application(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Told {
    authorise(&world, &headers)?;
    if id != world.config.connection_id {
        return Err(Refusal::not_found());
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (Some(_), Some(url)) = (body["application_name"].as_str(), body["webhook_event_url"].as_str()) else {
        return Err(Refusal::invalid("application_name and webhook_event_url are required."));
    };
    {
        let mut console = world.console();
        url.clone_into(&mut console.voice_url);
        if let Some(version) = body["webhook_api_version"].as_str() {
            version.clone_into(&mut console.event_version);
        }
    }
    Ok(Json(resource(&world)))
}

/// `GET outbound_voice_profiles/{profile}`.
pub(super) async fn voice_profile(State(world): State<Arc<World>>, Path(id): Path<String>, headers: HeaderMap) -> Told {
    authorise(&world, &headers)?;
    let console = world.console();
    if id != PROFILE || !console.has_voice_profile {
        return Err(Refusal::not_found());
    }
    Ok(Json(json!({"data": {
        "id": PROFILE, "record_type": "outbound_voice_profile", "name": "emulated", "enabled": true,
        "whitelisted_destinations": console.countries,
    }})))
}

/// `GET phone_numbers/{number}/messaging`.
pub(super) async fn number_messaging(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Told {
    authorise(&world, &headers)?;
    let console = world.console();
    if id != "1" || !console.has_number {
        return Err(Refusal::not_found());
    }
    Ok(Json(json!({"data": {
        "id": "1", "record_type": "messaging_settings", "phone_number": world.config.number,
        "messaging_profile_id": console.has_messaging_profile.then_some(&world.config.telnyx_profile),
    }})))
}

/// `GET messaging_profiles/{profile}`.
pub(super) async fn messaging_profile(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Told {
    authorise(&world, &headers)?;
    if id == world.config.telnyx_profile { Ok(Json(profile(&world))) } else { Err(Refusal::not_found()) }
}

/// `PATCH messaging_profiles/{profile}`.
pub(super) async fn set_messaging_profile(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Told {
    authorise(&world, &headers)?;
    if id != world.config.telnyx_profile {
        return Err(Refusal::not_found());
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if let Some(url) = body["webhook_url"].as_str() {
        url.clone_into(&mut world.console().sms_url);
    }
    Ok(Json(profile(&world)))
}

fn profile(world: &World) -> Value {
    let console = world.console();
    json!({"data": {
        "id": world.config.telnyx_profile, "record_type": "messaging_profile", "name": "emulated", "enabled": console.sms,
        "webhook_url": console.sms_url, "webhook_api_version": "2", "whitelisted_destinations": console.countries,
    }})
}

fn resource(world: &World) -> Value {
    let console = world.console();
    json!({"data": {
        "id": world.config.connection_id, "record_type": "call_control_application", "application_name": "emulated",
        "active": console.is_active, "webhook_event_url": console.voice_url, "webhook_api_version": console.event_version,
        "outbound": {"outbound_voice_profile_id": console.has_voice_profile.then_some(PROFILE)},
    }})
}

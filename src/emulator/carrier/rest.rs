//! Twilio's REST API for calls: dial, read, list, hang up, redirect.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::super::connection::Scissors;
use super::super::faults::{DialFault, Fault};
use super::super::form::{self, field};
use super::super::rest::{self, Refusal};
use super::super::timeline::{CallState, Side, What};
use super::super::world::{World, rfc2822};
use super::dial::Dial;
use super::webhook::verdict;
use super::{Call, Control, place};

/// Pages are this long unless asked otherwise, and never longer than a thousand.
const PAGE: usize = 50;

/// `POST Calls.json`.
pub(super) async fn dial(
    State(world): State<Arc<World>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer =
        |call: Option<usize>, status: Option<u16>| world.recorder.note(call, What::Rest { verb: "dial", status });
    let fault = world.faults.strike(|f| if let Fault::Dial(fault) = f { Some(*fault) } else { None });
    if let Some(DialFault::Refused { status, code }) = fault {
        answer(None, Some(status));
        return Refusal::quoting(status, code, &form::read(&body)).into_response();
    }
    let checked =
        authorise(&world, &account, &headers).and_then(|()| Dial::read(&form::read(&body), &world.config.number));
    let dial = match checked {
        Ok(dial) => dial,
        Err(refusal) => {
            answer(None, Some(refusal.status));
            return refusal.into_response();
        }
    };
    let placed = !matches!(fault, Some(DialFault::Hangs { placed: false } | DialFault::Closed { placed: false }));
    let call = placed.then(|| place(&world, dial, world.sid("CA")));
    let number = call.as_ref().map(|call| call.number);
    match (fault, call) {
        (None, Some(call)) => {
            answer(number, Some(201));
            (StatusCode::CREATED, Json(resource(&world, &call))).into_response()
        }
        (Some(DialFault::Closed { .. }), _) => {
            answer(number, None);
            scissors.cut();
            std::future::pending().await
        }
        (_, _) => {
            answer(number, None);
            std::future::pending().await
        }
    }
}

/// `GET Calls/{sid}.json`.
pub(super) async fn read(
    State(world): State<Arc<World>>,
    Path((account, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let found = authorise(&world, &account, &headers).and_then(|()| find(&world, &file));
    let status = found.as_ref().map_or_else(|refusal| refusal.status, |_| 200);
    let number = found.as_ref().ok().map(|call| call.number);
    world.recorder.note(number, What::Rest { verb: "read call", status: Some(status) });
    found.map_or_else(Refusal::into_response, |call| Json(resource(&world, &call)).into_response())
}

/// `POST Calls/{sid}.json`: `Status=completed`, `Status=canceled`, or `Url=…`.
pub(super) async fn change(
    State(world): State<Arc<World>>,
    Path((account, file)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = form::read(&body);
    let field = |name: &str| field(&form, name);
    let verb = if field("Status").is_some() { "hang up" } else { "redirect" };
    let found = authorise(&world, &account, &headers).and_then(|()| find(&world, &file));
    let number = found.as_ref().ok().map(|call| call.number);
    let changed = found.and_then(|call| {
        match (field("Status"), field("Url")) {
            (Some(status), _) => hang_up(&world, &call, status)?,
            (None, Some(url)) if call.progress().state == CallState::InProgress => {
                let _ = call.control.send(Control::Redirect(url.to_owned()));
            }
            (None, Some(_)) => return Err(Refusal::new(400, 21220, "Call is not in-progress. Cannot redirect.")),
            (None, None) => return Err(Refusal::new(400, 21205, "Url parameter is required.")),
        }
        Ok(call)
    });
    let status = changed.as_ref().map_or_else(|refusal| refusal.status, |_| 200);
    world.recorder.note(number, What::Rest { verb, status: Some(status) });
    changed.map_or_else(Refusal::into_response, |call| Json(resource(&world, &call)).into_response())
}

fn hang_up(world: &World, call: &Call, status: &str) -> Result<(), Refusal> {
    let refused = |f: &Fault| if let Fault::HangUpRefused { status, code } = f { Some((*status, *code)) } else { None };
    if let Some((status, code)) = world.faults.strike(refused) {
        return Err(Refusal::new(status, code, "The request was refused."));
    }
    let state = call.progress().state;
    let next = match (status, state) {
        ("completed" | "canceled", state) if state.is_over() => {
            return Err(Refusal::new(400, 21220, "Call is not in-progress. Cannot redirect."));
        }
        ("completed", CallState::InProgress) => CallState::Completed,
        ("completed" | "canceled", CallState::Queued | CallState::Ringing) => CallState::Canceled,
        // An answered call goes on.
        ("canceled", _) => return Ok(()),
        _ => return Err(Refusal::new(400, 20001, "Invalid 'Status' value.")),
    };
    call.enter(world, next, Some(Side::Server));
    let _ = call.control.send(Control::HangUp);
    Ok(())
}

/// `GET Calls.json`: filters and pages, newest first.
pub(super) async fn list(
    State(world): State<Arc<World>>,
    Path(account): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let page = authorise(&world, &account, &headers).and_then(|()| pages(&world, &query.unwrap_or_default()));
    let status = page.as_ref().map_or_else(|refusal| refusal.status, |_| 200);
    world.note(What::Rest { verb: "list calls", status: Some(status) });
    page.map_or_else(Refusal::into_response, |page| Json(page).into_response())
}

fn pages(world: &World, query: &str) -> Result<Value, Refusal> {
    let query = form::read(query.as_bytes());
    let field = |name: &str| field(&query, name);
    let size = field("PageSize").and_then(|n| n.parse().ok()).unwrap_or(PAGE).clamp(1, 1000);
    let number: usize = field("Page").and_then(|n| n.parse().ok()).unwrap_or(0);
    let mut filters: Vec<(&str, Timestamp)> = Vec::new();
    for name in ["StartTime", "StartTime>", "StartTime<"] {
        if let Some(text) = field(name) {
            filters.push((name, moment(text).ok_or_else(|| Refusal::new(400, 20001, "Invalid 'StartTime' value."))?));
        }
    }
    let fits = |call: &Arc<Call>| {
        let state = call.progress().state;
        // A call without a start yet counts from its making: it is what a client that lost an answer looks for.
        let began = call.progress().answered.unwrap_or(call.created);
        field("To").is_none_or(|to| to == call.dial.to.reveal())
            && field("From").is_none_or(|from| from == call.dial.from.reveal())
            && field("Status").is_none_or(|status| status == state.as_str())
            && filters.iter().all(|(name, time)| match *name {
                "StartTime>" => began.as_second() >= time.as_second(),
                "StartTime<" => began.as_second() <= time.as_second(),
                _ => began.as_second() / 86_400 == time.as_second() / 86_400,
            })
    };
    let all: Vec<Arc<Call>> = world.calls.lock().expect("no holder of the lock panics").iter().rev().cloned().collect();
    let fitting: Vec<Arc<Call>> = all.into_iter().filter(|call| fits(call)).collect();
    let start = number * size;
    let shown: Vec<Value> = fitting.iter().skip(start).take(size).map(|call| resource(world, call)).collect();
    let base = format!("/2010-04-01/Accounts/{}/Calls.json", world.config.account_sid);
    let uri = |page: usize| {
        let kept = query.iter().filter(|(name, _)| !matches!(name.as_str(), "Page" | "PageSize" | "PageToken"));
        let mut out = form_urlencoded::Serializer::new(String::new());
        out.extend_pairs(kept.map(|(name, value)| (name, value)));
        let paging = [("PageSize", size.to_string()), ("Page", page.to_string())];
        format!("{base}?{}", out.extend_pairs(paging).finish())
    };
    let next = if fitting.len() > start + size { json!(uri(number + 1)) } else { Value::Null };
    let previous = number.checked_sub(1).map_or(Value::Null, |page| json!(uri(page)));
    Ok(
        json!({"calls": shown, "page": number, "page_size": size, "start": start, "end": (start + shown.len()).saturating_sub(1),
        "uri": uri(number), "first_page_uri": uri(0), "next_page_uri": next, "previous_page_uri": previous}),
    )
}

/// A date or a moment, as the list's filters take them.
fn moment(text: &str) -> Option<Timestamp> {
    let date = |text: &str| text.parse::<Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    text.parse().ok().or_else(|| date(text).map(|zoned| zoned.timestamp()))
}

/// A call as JSON: numbers as strings, dates as RFC 2822.
fn resource(world: &World, call: &Call) -> Value {
    let talked = call.talked(world.now());
    let progress = call.progress();
    let message_end = call.dial.detection.as_ref().is_some_and(|d| d.message_end);
    let over = progress.state.is_over();
    let uri = format!("/2010-04-01/Accounts/{}/Calls/{}", world.config.account_sid, call.sid);
    json!({
        "sid": call.sid, "account_sid": world.config.account_sid, "to": call.dial.to.reveal(), "from": call.dial.from.reveal(),
        "to_formatted": call.dial.to.reveal(), "from_formatted": call.dial.from.reveal(),
        "status": progress.state.as_str(), "direction": "outbound-api", "api_version": "2010-04-01",
        "start_time": progress.answered.or(progress.ended).map(rfc2822), "end_time": progress.ended.map(rfc2822),
        "duration": over.then(|| talked.unwrap_or_default().as_secs().to_string()),
        "answered_by": progress.answered_by.map(|by| verdict(by, message_end)),
        "date_created": rfc2822(call.created), "date_updated": rfc2822(world.now()),
        "price": null, "price_unit": "USD", "queue_time": "0", "parent_call_sid": null, "phone_number_sid": null, "group_sid": null,
        "forwarded_from": null, "caller_name": null, "annotation": null, "trunk_sid": null, "uri": format!("{uri}.json"),
        "subresource_uris": {"notifications": format!("{uri}/Notifications.json"), "recordings": format!("{uri}/Recordings.json")},
    })
}

fn find(world: &World, file: &str) -> Result<Arc<Call>, Refusal> {
    let sid = file.strip_suffix(".json").unwrap_or(file);
    let calls = world.calls.lock().expect("no holder of the lock panics");
    calls.iter().find(|call| call.sid == sid).cloned().ok_or_else(Refusal::not_found)
}

fn authorise(world: &World, account: &str, headers: &HeaderMap) -> Result<(), Refusal> {
    rest::authorise(world, headers)?;
    if account == world.config.account_sid { Ok(()) } else { Err(Refusal::new(401, 20003, "Authenticate")) }
}

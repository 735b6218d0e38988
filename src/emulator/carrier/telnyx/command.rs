//! Commands to a call: hang up, connect its media, turn it away.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::{Call, Control};
use super::refusal::{Refusal, authorise};
use super::rest::{find, is_live};
use crate::emulator::connection::Scissors;
use crate::emulator::faults::{Fault, RestFault};
use crate::emulator::timeline::{CallState, Side, What};
use crate::emulator::world::World;

/// `POST /v2/calls/{call}/actions/{action}`.
pub(super) async fn act(
    State(world): State<Arc<World>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    Path((name, action)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let verb = match &*action {
        "hangup" => "hang up",
        "streaming_start" => "connect",
        "reject" => "reject",
        "answer" => "answer",
        _ => "unknown command",
    };
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let found = authorise(&world, &headers).and_then(|()| find(&world, &name));
    let number = found.as_ref().ok().map(|call| call.number);
    let fault = world.faults.strike(|f| match f {
        Fault::Connect(fault) if action == "streaming_start" => Some(*fault),
        _ => None,
    });
    let answer = |status| world.recorder.note(number, What::Rest { verb, status });
    if let Some(RestFault::Refused { status, code, .. }) = fault {
        answer(Some(status));
        return Refusal::new(status, code, "The request was refused.").into_response();
    }
    if let (Some(fault), Ok(call)) = (fault, &found)
        && fault.is_done()
    {
        // Whatever it comes to, nobody is told.
        let _ = carry_out(&world, call, &action, &body);
    }
    match fault {
        Some(RestFault::Broken { status, .. }) => {
            answer(Some(status));
            return (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY), "<html>").into_response();
        }
        Some(RestFault::Hangs { .. }) => {
            answer(None);
            return std::future::pending().await;
        }
        Some(RestFault::Closed { .. }) => {
            answer(None);
            scissors.cut();
            return std::future::pending().await;
        }
        Some(RestFault::Refused { .. }) | None => {}
    }
    let done = found.and_then(|call| carry_out(&world, &call, &action, &body));
    let status = done.as_ref().map_or_else(|refusal| refusal.status, |()| 200);
    answer(Some(status));
    done.map_or_else(Refusal::into_response, |()| Json(json!({"data": {"result": "ok"}})).into_response())
}

fn carry_out(world: &World, call: &Call, action: &str, body: &Value) -> Result<(), Refusal> {
    if !body.is_object() {
        return Err(Refusal::new(400, 10_015, "The body is not a JSON object."));
    }
    if !is_live(call) {
        return Err(Refusal::over());
    }
    if let Some(id) = body["command_id"].as_str()
        && !call.progress().commands.insert(id.to_owned())
    {
        // The same once more: ignored.
        return Ok(());
    }
    match action {
        "hangup" => hang_up(world, call),
        "streaming_start" => connect(call, body),
        "reject" => reject(world, call, body),
        // An emulated person does not ring to be answered.
        "answer" => Err(Refusal::invalid("The call can't be answered.")),
        _ => Err(Refusal::not_found()),
    }
}

fn hang_up(world: &World, call: &Call) -> Result<(), Refusal> {
    let refused = |f: &Fault| if let Fault::HangUpRefused { status, code } = f { Some((*status, *code)) } else { None };
    if let Some((status, code)) = world.faults.strike(refused) {
        return Err(Refusal::new(status, code, "The request was refused."));
    }
    let next = if call.progress().state == CallState::InProgress { CallState::Completed } else { CallState::Canceled };
    call.enter(world, next, Some(Side::Server));
    let _ = call.control.send(Control::HangUp);
    Ok(())
}

fn connect(call: &Call, body: &Value) -> Result<(), Refusal> {
    if call.progress().state != CallState::InProgress {
        return Err(Refusal::invalid("The call has not been answered."));
    }
    let url = body["stream_url"].as_str().filter(|url| url.starts_with("ws"));
    let url = url.ok_or_else(|| Refusal::invalid("The stream_url is missing or no WebSocket address."))?;
    // What the emulated line can do; Telnyx itself can do more.
    for (name, value) in [
        ("stream_track", "inbound_track"),
        ("stream_bidirectional_mode", "rtp"),
        ("stream_bidirectional_codec", "PCMU"),
    ] {
        if body[name] != value {
            return Err(Refusal::invalid("The emulator streams one track, both ways, as PCMU over RTP."));
        }
    }
    let _ = call.control.send(Control::Stream(url.to_owned()));
    Ok(())
}

fn reject(world: &World, call: &Call, body: &Value) -> Result<(), Refusal> {
    if !call.dial.events().is_some_and(|events| events.inbound) {
        return Err(Refusal::invalid("Only an inbound call can be rejected."));
    }
    if !matches!(body["cause"].as_str(), Some("CALL_REJECTED" | "USER_BUSY" | "NOT_FOUND" | "TEMPORARILY_UNAVAILABLE"))
    {
        return Err(Refusal::invalid("The cause is not a known one."));
    }
    call.enter(world, CallState::Canceled, Some(Side::Server));
    Ok(())
}

//! Telnyx's REST API for calls: dial, read, list the live ones.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::dial::{Dial, Events};
use super::super::{Call, place};
use super::refusal::{Refusal, authorise};
use crate::emulator::connection::Scissors;
use crate::emulator::faults::{DialFault, Fault};
use crate::emulator::timeline::What;
use crate::emulator::world::World;

/// For how long a dial with the same `command_id` is the same dial.
const SAME: Duration = Duration::from_mins(1);

/// `POST /v2/calls`.
pub(super) async fn dial(
    State(world): State<Arc<World>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer =
        |call: Option<usize>, status: Option<u16>| world.recorder.note(call, What::Rest { verb: "dial", status });
    let fault = world.faults.strike(|f| if let Fault::Dial(fault) = f { Some(*fault) } else { None });
    if let Some(DialFault::Refused { status, code }) = fault {
        answer(None, Some(status));
        // A refusal at its worst: some sentences quote what was sent.
        let quoted = format!("The request was refused. {}", String::from_utf8_lossy(&body));
        return Refusal::new(status, code, quoted).into_response();
    }
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let dial = match authorise(&world, &headers).and_then(|()| super::dial::read(&world, &body)) {
        Ok(dial) => dial,
        Err(refusal) => {
            answer(None, Some(refusal.status));
            return refusal.into_response();
        }
    };
    let placed = !matches!(fault, Some(DialFault::Hangs { placed: false } | DialFault::Closed { placed: false }));
    let call = placed.then(|| same(&world, &dial).unwrap_or_else(|| place(&world, dial, name(&world))));
    let number = call.as_ref().map(|call| call.number);
    match (fault, call) {
        (None, Some(call)) => {
            answer(number, Some(200));
            Json(json!({"data": resource(&call, false)})).into_response()
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

/// A call's `call_control_id`; it has a colon.
pub(super) fn name(world: &World) -> String {
    format!("v3:{}", world.sid(""))
}

/// The call of an earlier dial with the same `command_id`.
fn same(world: &World, dial: &Dial) -> Option<Arc<Call>> {
    let id = dial.events()?.command_id.as_ref()?;
    let calls = world.calls.lock().expect("no holder of the lock panics");
    let same = |call: &&Arc<Call>| call.dial.events().and_then(|events| events.command_id.as_ref()) == Some(id);
    let recent = |call: &&Arc<Call>| world.now().duration_since(call.created).unsigned_abs() < SAME;
    calls.iter().filter(same).find(recent).cloned()
}

/// `GET /v2/calls/{call}`.
pub(super) async fn read(State(world): State<Arc<World>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let found = authorise(&world, &headers).and_then(|()| find(&world, &name));
    let status = found.as_ref().map_or_else(|refusal| refusal.status, |_| 200);
    let number = found.as_ref().ok().map(|call| call.number);
    world.recorder.note(number, What::Rest { verb: "read call", status: Some(status) });
    let shown = |call: Arc<Call>| Json(json!({"data": resource(&call, is_live(&call))})).into_response();
    found.map_or_else(Refusal::into_response, shown)
}

/// `GET /v2/connections/{connection}/active_calls`: the live ones.
pub(super) async fn active(
    State(world): State<Arc<World>>,
    Path(connection): Path<String>,
    headers: HeaderMap,
) -> Response {
    let refused = authorise(&world, &headers).err();
    let refused = refused.or_else(|| (connection != world.config.connection_id).then(Refusal::not_found));
    let status = refused.as_ref().map_or(200, |refusal| refusal.status);
    world.note(What::Rest { verb: "list calls", status: Some(status) });
    if let Some(refusal) = refused {
        return refusal.into_response();
    }
    let calls = world.calls.lock().expect("no holder of the lock panics").clone();
    let live: Vec<Value> = calls.iter().filter(|call| is_live(call)).map(|call| active_call(&world, call)).collect();
    let meta = json!({"page_number": 1, "page_size": 250, "total_pages": 1, "total_results": live.len()});
    Json(json!({"data": live, "meta": meta})).into_response()
}

pub(super) fn find(world: &World, name: &str) -> Result<Arc<Call>, Refusal> {
    let calls = world.calls.lock().expect("no holder of the lock panics");
    calls.iter().find(|call| call.sid == name).cloned().ok_or_else(Refusal::not_found)
}

pub(super) fn is_live(call: &Call) -> bool {
    !call.progress().state.is_over()
}

/// A call as JSON; to a dial it says that it is not alive yet.
fn resource(call: &Call, is_alive: bool) -> Value {
    let Events { client_state, .. } = call.dial.events().cloned().unwrap_or_default();
    let progress = call.progress();
    let mut data = json!({"record_type": "call", "call_control_id": call.sid, "call_leg_id": format!("leg-{}", call.number),
        "call_session_id": format!("session-{}", call.number), "is_alive": is_alive, "client_state": client_state});
    if let Some(ended) = progress.ended {
        data["end_time"] = json!(ended.to_string());
    }
    data
}

fn active_call(world: &World, call: &Call) -> Value {
    let mut data = resource(call, true);
    data["call_duration"] = json!(call.talked(world.now()).unwrap_or_default().as_secs());
    data.as_object_mut().and_then(|data| data.remove("is_alive"));
    data
}

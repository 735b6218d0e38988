//! What Telnyx tells the server about a call: each event by itself, in no certain order.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::Call;
use super::super::dial::Events;
use super::super::webhook::Letter;
use crate::emulator::person::AnsweredBy;
use crate::emulator::timeline::{CallState, Callback, Side};
use crate::emulator::world::World;

impl Call {
    /// Tells of the call's progress; the end with the final SIP code. Telnyx has no event for ringing.
    pub(in crate::emulator::carrier) fn tell(self: &Arc<Self>, world: &Arc<World>, name: Callback, sip: Option<&str>) {
        let more = match name {
            Callback::Initiated if self.dial.events().is_some_and(|events| events.inbound) => {
                ("call.initiated", json!({"state": "parked"}))
            }
            Callback::Initiated => ("call.initiated", json!({"state": "bridging"})),
            Callback::Answered => ("call.answered", json!({"state": "answered"})),
            Callback::Completed => ("call.hangup", self.end(sip.unwrap_or_default())),
            Callback::Ringing | Callback::Verdict | Callback::Stream => return,
        };
        let letter = Letter::Event(self.event(world, more.0, more.1));
        self.deliver(world, name, self.dial.url.clone(), letter);
    }

    /// Tells that the stream to this URL could not be opened, or ended.
    pub(in crate::emulator::carrier) fn tell_of_stream(self: &Arc<Self>, world: &Arc<World>, kind: &str, url: &str) {
        let mut more = json!({ "stream_url": url });
        if kind == "streaming.failed" {
            more = json!({"failure_reason": "connection_failed", "stream_id": world.sid("stream-"),
                "stream_params": {"stream_url": url, "track": "inbound_track"}, "stream_type": "websocket"});
        }
        let letter = Letter::Event(self.event(world, kind, more));
        self.deliver(world, Callback::Stream, self.dial.url.clone(), letter);
    }

    /// Tells the verdict at its time, whatever has become of the call by then.
    pub(in crate::emulator::carrier) fn tell_verdict(
        self: &Arc<Self>,
        world: &Arc<World>,
        by: AnsweredBy,
        after: Duration,
    ) {
        let Some(premium) = self.dial.events().and_then(|events| events.premium) else { return };
        let (kind, result) = match (premium, by) {
            (true, AnsweredBy::Human) => ("call.machine.premium.detection.ended", "human_residence"),
            (true, AnsweredBy::Machine) => ("call.machine.premium.detection.ended", "machine"),
            (true, AnsweredBy::Fax) => ("call.machine.premium.detection.ended", "fax_detected"),
            (true, AnsweredBy::Unknown) => ("call.machine.premium.detection.ended", "not_sure"),
            (false, AnsweredBy::Human) => ("call.machine.detection.ended", "human"),
            (false, AnsweredBy::Machine | AnsweredBy::Fax) => ("call.machine.detection.ended", "machine"),
            (false, AnsweredBy::Unknown) => ("call.machine.detection.ended", "not_sure"),
        };
        let (call, outer) = (Arc::clone(self), Arc::clone(world));
        world.spawn(async move {
            tokio::time::sleep(after).await;
            call.progress().answered_by = Some(by);
            let letter = Letter::Event(call.event(&outer, kind, json!({ "result": result })));
            call.deliver(&outer, Callback::Verdict, call.dial.url.clone(), letter);
        });
    }

    /// An event with the fields that every event about this call has.
    fn event(&self, world: &World, kind: &str, more: Value) -> Value {
        let Events { client_state, inbound, .. } = self.dial.events().cloned().unwrap_or_default();
        let direction = if inbound { "incoming" } else { "outgoing" };
        let mut payload = json!({"call_control_id": self.sid, "call_leg_id": format!("leg-{}", self.number),
            "call_session_id": format!("session-{}", self.number), "connection_id": world.config.connection_id,
            "client_state": client_state, "from": self.dial.from.reveal(), "to": self.dial.to.reveal(),
            "direction": direction, "start_time": self.created.to_string()});
        if let (Some(payload), Value::Object(more)) = (payload.as_object_mut(), more) {
            payload.extend(more);
        }
        let data = json!({"record_type": "event", "event_type": kind, "id": world.sid("event-"),
            "occurred_at": world.now().to_string(), "payload": payload});
        json!({"data": data, "meta": {"attempt": 1, "delivered_to": self.dial.url}})
    }

    /// How it ended.
    fn end(&self, sip: &str) -> Value {
        let (state, by) = {
            let progress = self.progress();
            (progress.state, progress.ended_by)
        };
        let other_routes = self.dial.events().is_some_and(|events| events.other_routes);
        let cause = match (state, by) {
            (CallState::NoAnswer, Some(Side::Person)) => "call_rejected",
            (CallState::NoAnswer, _) if other_routes => "timeout",
            (CallState::NoAnswer, _) => "no_answer",
            (CallState::Busy, _) => "user_busy",
            (CallState::Failed, _) => "not_found",
            (CallState::Canceled, _) => "originator_cancel",
            (CallState::Completed, Some(Side::Carrier)) => "time_limit",
            (CallState::Completed, _) => "normal_clearing",
            (CallState::Queued | CallState::Ringing | CallState::InProgress, _) => "unspecified",
        };
        let source = match by {
            Some(Side::Person) => "callee",
            Some(Side::Server) => "caller",
            Some(Side::Carrier) | None => "unknown",
        };
        json!({"state": "hangup", "hangup_cause": cause, "hangup_source": source, "sip_hangup_cause": sip})
    }
}

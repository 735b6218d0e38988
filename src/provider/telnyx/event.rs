//! Reads the JSON of `POST /twiml`: a Call Control event.

use serde::Deserialize;
use serde_json::Value;

use crate::domain::carrier::{CallEnd, CallProgress, Verdict};
use crate::ids::CarrierCallId;
use crate::provider::Webhook;

/// Why a body is no event of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEvent {
    /// It is not JSON of the shape that events have.
    #[error("the webhook is not an event")]
    Shape,
    /// `connection_id` names another connection.
    #[error("the webhook belongs to another connection")]
    ForeignConnection,
    /// It is about a call and does not name it.
    #[error("the webhook names no call")]
    NoCall,
}

#[derive(Deserialize)]
struct Body {
    data: Event,
}

#[derive(Deserialize)]
struct Event {
    event_type: String,
    #[serde(default)]
    payload: Payload,
}

/// The fields that are read of an event, all of them absent in one or another.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    call_control_id: Text,
    connection_id: Text,
    direction: Text,
    hangup_cause: Text,
    sip_hangup_cause: Text,
    result: Text,
}

/// Text or a number; other kinds of events have other shapes in the same place.
#[derive(Default, Deserialize)]
#[serde(from = "Value")]
struct Text(Option<String>);

impl From<Value> for Text {
    fn from(value: Value) -> Self {
        Self(match value {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    }
}

impl Text {
    fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// Reads an event; kinds and fields that are not known are ignored. Events repeat and overtake each other.
///
/// # Errors
/// When it is not from `connection`, or names no call.
pub fn parse(body: &[u8], connection: &str) -> Result<Webhook, BadEvent> {
    let Body { data: Event { event_type, payload } } = serde_json::from_slice(body).map_err(|_| BadEvent::Shape)?;
    if payload.connection_id.get().is_some_and(|named| named != connection) {
        return Err(BadEvent::ForeignConnection);
    }
    let call = || {
        let name = payload.call_control_id.get().filter(|name| is_name(name));
        name.map(|name| CarrierCallId(name.to_owned())).ok_or(BadEvent::NoCall)
    };
    let inbound = payload.direction.get().is_some_and(|direction| matches(direction, "incoming"));
    Ok(match &*event_type {
        "call.initiated" if inbound => Webhook::Waits { call: call()?, inbound },
        "call.initiated" => Webhook::Status { call: call()?, progress: CallProgress::Queued },
        // Not among the SDK's types; some of Telnyx's own guides have it.
        "call.ringing" => Webhook::Status { call: call()?, progress: CallProgress::Ringing },
        "call.answered" => Webhook::Waits { call: call()?, inbound },
        "call.hangup" => {
            let cause = payload.hangup_cause.get().unwrap_or_default();
            let end = end(cause, payload.sip_hangup_cause.get());
            Webhook::Status { call: call()?, progress: CallProgress::Over(end) }
        }
        "call.machine.detection.ended" | "call.machine.premium.detection.ended" => {
            Webhook::Machine { call: call()?, verdict: verdict(payload.result.get().unwrap_or_default()) }
        }
        "streaming.failed" => Webhook::NotConnected { call: call()? },
        _ => Webhook::Other,
    })
}

/// A name that goes into a URL's path and stands for a call; theirs have some 60 characters.
fn is_name(name: &str) -> bool {
    (1..=256).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Guides and SDK differ in case.
fn matches(text: &str, word: &str) -> bool {
    text.eq_ignore_ascii_case(word)
}

/// `hangup_cause`; where that says nothing, the final SIP answer does.
fn end(cause: &str, sip: Option<&str>) -> CallEnd {
    match cause.to_ascii_lowercase().as_str() {
        "normal_clearing" | "time_limit" => CallEnd::Completed,
        // A call that is declined has not been answered, whoever did that.
        "timeout" | "no_answer" | "call_rejected" => CallEnd::NoAnswer,
        "user_busy" => CallEnd::Busy,
        "originator_cancel" => CallEnd::Canceled,
        "not_found" => CallEnd::Failed,
        _ => match sip.and_then(|code| code.parse().ok()) {
            // Busy; busy everywhere.
            Some(486 | 600) => CallEnd::Busy,
            // Timed out; temporarily unavailable: a phone nobody answers; declined.
            Some(408_u16 | 480 | 603) => CallEnd::NoAnswer,
            _ => CallEnd::Failed,
        },
    }
}

/// `result` of either machine detection.
fn verdict(result: &str) -> Verdict {
    match result.to_ascii_lowercase().as_str() {
        "human" | "human_residence" | "human_business" => Verdict::Human,
        "machine" | "fax_detected" => Verdict::Machine,
        // `not_sure`, and `silence`: a person may wait for us to speak.
        _ => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OURS: &str = "1234567890";

    fn event(kind: &str, more: &[(&str, &str)]) -> Vec<u8> {
        let mut payload = json!({"call_control_id": "v3:1", "connection_id": OURS, "call_leg_id": "l", "client_state": "azN5",
            "from": "+390000000001", "to": "+390000000002", "start_time": null});
        for (name, value) in more {
            payload[*name] = json!(value);
        }
        let data = json!({"record_type": "event", "event_type": kind, "id": "0ccc7b54", "payload": payload,
            "occurred_at": "2026-08-21T09:30:00.000000Z"});
        json!({"data": data, "meta": {"attempt": 1, "delivered_to": "https://ex.org/twiml"}}).to_string().into_bytes()
    }

    fn call() -> CarrierCallId {
        CarrierCallId("v3:1".to_owned())
    }

    #[test]
    fn every_event_of_a_call_is_what_it_says() {
        let status = |progress| Webhook::Status { call: call(), progress };
        for (kind, more, want) in [
            ("call.initiated", &[("direction", "outgoing")][..], status(CallProgress::Queued)),
            ("call.initiated", &[("direction", "incoming")], Webhook::Waits { call: call(), inbound: true }),
            ("call.ringing", &[], status(CallProgress::Ringing)),
            ("call.answered", &[("state", "answered")], Webhook::Waits { call: call(), inbound: false }),
            ("streaming.started", &[], Webhook::Other),
            ("streaming.stopped", &[], Webhook::Other),
            ("streaming.failed", &[("failure_reason", "x")], Webhook::NotConnected { call: call() }),
            ("call.machine.greeting.ended", &[("result", "beep_detected")], Webhook::Other),
            ("call.machine.premium.greeting.ended", &[("result", "beep_detected")], Webhook::Other),
            ("call.of.the.future", &[], Webhook::Other),
        ] {
            assert_eq!(parse(&event(kind, more), OURS), Ok(want), "{kind} {more:?}");
        }
    }

    #[test]
    fn each_cause_ends_a_call_in_its_way() {
        use CallEnd::{Busy, Canceled, Completed, Failed, NoAnswer};
        for (cause, sip, want) in [
            ("normal_clearing", "200", Completed),
            ("NORMAL_CLEARING", "200", Completed),
            ("time_limit", "200", Completed),
            ("timeout", "487", NoAnswer),
            ("no_answer", "480", NoAnswer),
            ("NO_ANSWER", "", NoAnswer),
            ("call_rejected", "603", NoAnswer),
            ("user_busy", "486", Busy),
            ("originator_cancel", "487", Canceled),
            ("not_found", "404", Failed),
            ("unspecified", "503", Failed),
            ("unspecified", "486", Busy),
            ("unspecified", "480", NoAnswer),
            ("", "603", NoAnswer),
            ("something_new", "", Failed),
        ] {
            let body = event("call.hangup", &[("hangup_cause", cause), ("sip_hangup_cause", sip)]);
            let over = Webhook::Status { call: call(), progress: CallProgress::Over(want) };
            assert_eq!(parse(&body, OURS), Ok(over), "{cause} {sip}");
        }
    }

    #[test]
    fn each_result_of_either_detection_is_a_verdict() {
        use Verdict::{Human, Machine, Unknown};
        for (result, want) in [
            ("human", Human),
            ("human_residence", Human),
            ("human_business", Human),
            ("HUMAN", Human),
            ("machine", Machine),
            ("fax_detected", Machine),
            ("silence", Unknown),
            ("not_sure", Unknown),
            ("", Unknown),
        ] {
            for kind in ["call.machine.detection.ended", "call.machine.premium.detection.ended"] {
                let got = parse(&event(kind, &[("result", result)]), OURS);
                assert_eq!(got, Ok(Webhook::Machine { call: call(), verdict: want }), "{kind} {result}");
            }
        }
    }

    #[test]
    fn what_is_not_about_a_call_of_ours_is_refused() {
        let bare = json!({"data": {"event_type": "call.answered"}}).to_string().into_bytes();
        let foreign = event("call.answered", &[("connection_id", "1234567891")]);
        let long = event("call.answered", &[("call_control_id", &"v".repeat(257))]);
        for (body, want) in [
            (b"".to_vec(), BadEvent::Shape),
            (b"[]".to_vec(), BadEvent::Shape),
            (b"CallSid=CA1".to_vec(), BadEvent::Shape),
            (json!({"data": {"payload": {}}}).to_string().into_bytes(), BadEvent::Shape),
            (foreign, BadEvent::ForeignConnection),
            (bare, BadEvent::NoCall),
            (event("call.answered", &[("call_control_id", "")]), BadEvent::NoCall),
            (event("call.hangup", &[("call_control_id", "a b")]), BadEvent::NoCall),
            (long, BadEvent::NoCall),
        ] {
            assert_eq!(parse(&body, OURS), Err(want), "{}", String::from_utf8_lossy(&body));
        }
    }
}

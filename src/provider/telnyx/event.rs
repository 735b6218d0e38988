//! Reads the JSON of `POST /twiml`: a Call Control event.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::carrier::{CallEnd, CallProgress, Verdict};
use crate::domain::media::MediaLoss;
use crate::ids::{CarrierCallId, EventId, SessionId};
use crate::provider::{Told, Webhook, Whose};

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
    #[serde(rename = "event_type")]
    kind: String,
    #[serde(default)]
    id: Text,
    #[serde(default)]
    payload: Payload,
}

/// The fields that are read of an event, all of them absent in one or another.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    call_control_id: Text,
    connection_id: Text,
    /// What was given with the dial; it stands in every event of its call.
    client_state: Text,
    direction: Text,
    hangup_cause: Text,
    sip_hangup_cause: Text,
    result: Text,
    stream_params: StreamParams,
    /// Of a stream that has ended.
    stream_url: Text,
}

impl Payload {
    /// The last part of the URL of the stream that it is about.
    fn token(&self) -> Option<String> {
        let url = self.stream_params.stream_url.get().or(self.stream_url.get())?;
        url.rsplit('/').next().filter(|token| !token.is_empty()).map(str::to_owned)
    }
}

/// What a stream was asked for with.
#[derive(Default, Deserialize)]
#[serde(from = "Value")]
struct StreamParams {
    stream_url: Text,
}

impl From<Value> for StreamParams {
    fn from(mut value: Value) -> Self {
        Self { stream_url: value.get_mut("stream_url").map(Value::take).unwrap_or_default().into() }
    }
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
/// Telnyx signs the body and not the URL, so it is the body that says which session an event is for.
///
/// # Errors
/// When it is not from `connection`, or names no call.
pub fn parse(body: &[u8], connection: &str) -> Result<Told, BadEvent> {
    let Body { data: Event { kind, id, payload } } = serde_json::from_slice(body).map_err(|_| BadEvent::Shape)?;
    if payload.connection_id.get().is_some_and(|named| named != connection) {
        return Err(BadEvent::ForeignConnection);
    }
    let call = || {
        let name = payload.call_control_id.get().filter(|name| is_name(name));
        name.map(|name| CarrierCallId(name.to_owned())).ok_or(BadEvent::NoCall)
    };
    let inbound = payload.direction.get().is_some_and(|direction| matches(direction, "incoming"));
    let webhook = match &*kind {
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
        "streaming.failed" | "call.streaming.failed" => {
            Webhook::NotConnected { call: call()?, token: payload.token(), loss: MediaLoss::Broken }
        }
        // One that does not say which stream says nothing: each of ours ends once, and the next is mostly there by then.
        "streaming.stopped" | "call.streaming.stopped" => match payload.token() {
            Some(token) => Webhook::NotConnected { call: call()?, token: Some(token), loss: MediaLoss::Stopped },
            None => Webhook::Other,
        },
        _ => Webhook::Other,
    };
    let event = id.0.filter(|id| is_name(id)).map(EventId);
    Ok(Told { webhook, whose: Whose::Of(payload.client_state.get().and_then(session)), event })
}

/// The session that a call carries with it; in other calls of the account stands what others write.
fn session(client_state: &str) -> Option<SessionId> {
    let id = STANDARD.decode(client_state).ok()?;
    SessionId::parse(std::str::from_utf8(&id).ok()?)
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
mod tests;

//! The events of a realtime transcription session, as far as we act on them (`facts`: GA dialect).

use serde::Deserialize;
use serde_json::{Number, Value};

use crate::provider::ProviderError;
use crate::provider::openai::failure;

/// One event from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The session is there, with settings of the server's choice.
    Created {
        /// When the server will end it, in seconds since 1970.
        ends: Option<u64>,
    },
    /// Our settings are in force.
    Updated {
        /// The audio format that the server says it takes.
        format: Option<String>,
    },
    /// Speech began.
    SpeechStarted {
        /// The server's name for the stretch, the same in all its events.
        item: String,
        /// Milliseconds of audio sent on this socket before it, prefix padding included.
        at_ms: Option<u64>,
    },
    /// Speech ended, the silence that ends it included.
    SpeechStopped {
        /// Which stretch.
        item: String,
        /// Milliseconds of audio sent on this socket.
        at_ms: Option<u64>,
    },
    /// The stretch is on its way to be transcribed.
    Committed {
        /// Which stretch.
        item: String,
    },
    /// The words of a stretch; blank for noise.
    Completed {
        /// Which stretch.
        item: String,
        /// As the server wrote them.
        transcript: String,
    },
    /// A stretch could not be transcribed.
    Failed {
        /// Which stretch.
        item: String,
        /// Why, where it said so.
        error: ProviderError,
    },
    /// Something we sent was refused, or the session is in trouble. Most leave the session open.
    Error {
        /// What the server says.
        error: ProviderError,
        /// Our name for the event that is refused.
        about: Option<String>,
    },
    /// Nothing that this version needs.
    Other,
}

/// The union of what we read. Everything optional: a missing field makes the event useless, not the session.
#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "type")]
    kind: String,
    item_id: Option<String>,
    audio_start_ms: Option<Number>,
    audio_end_ms: Option<Number>,
    transcript: Option<String>,
    error: Option<Value>,
    session: Option<Value>,
}

impl Event {
    /// Reads a text frame. What is not JSON, or not of a shape we know, is [`Event::Other`].
    pub(super) fn parse(text: &str) -> Self {
        serde_json::from_str::<Wire>(text).ok().and_then(Self::from_wire).unwrap_or(Self::Other)
    }

    fn from_wire(wire: Wire) -> Option<Self> {
        let milliseconds = |number: Option<Number>| number.and_then(|number| number.as_u64());
        let error = || failure::of_event(wire.error.as_ref().unwrap_or(&Value::Null));
        Some(match wire.kind.as_str() {
            "session.created" => {
                Self::Created { ends: wire.session.and_then(|session| session["expires_at"].as_u64()) }
            }
            "session.updated" => {
                let session = wire.session.unwrap_or_default();
                let format = session["audio"]["input"]["format"]["type"].as_str().map(str::to_owned);
                Self::Updated { format }
            }
            "input_audio_buffer.speech_started" => {
                Self::SpeechStarted { item: wire.item_id?, at_ms: milliseconds(wire.audio_start_ms) }
            }
            "input_audio_buffer.speech_stopped" => {
                Self::SpeechStopped { item: wire.item_id?, at_ms: milliseconds(wire.audio_end_ms) }
            }
            "input_audio_buffer.committed" => Self::Committed { item: wire.item_id? },
            "error" => {
                let error = error();
                let about = wire.error.as_ref().and_then(|error| error["event_id"].as_str()).map(str::to_owned);
                Self::Error { error, about }
            }
            // Compatible servers put their own prefix before these.
            kind if kind.ends_with("input_audio_transcription.completed") => {
                Self::Completed { item: wire.item_id?, transcript: wire.transcript.unwrap_or_default() }
            }
            kind if kind.ends_with("input_audio_transcription.failed") => {
                Self::Failed { error: error(), item: wire.item_id? }
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::ErrorClass;

    #[test]
    fn the_events_we_need_are_read_and_all_others_ignored() {
        let item = || "item_A".to_owned();
        let error = |class, code: &str, message: &str| ProviderError {
            class,
            code: Some(code.to_owned()),
            message: message.to_owned(),
        };
        let cases = [
            (
                r#"{"type":"session.created","event_id":"e","session":{"type":"transcription"}}"#,
                Event::Created { ends: None },
            ),
            (
                r#"{"type":"session.created","session":{"expires_at":1795248000}}"#,
                Event::Created { ends: Some(1_795_248_000) },
            ),
            (
                r#"{"type":"session.updated","session":{"audio":{"input":{"format":{"type":"audio/pcmu"}}}}}"#,
                Event::Updated { format: Some("audio/pcmu".to_owned()) },
            ),
            (r#"{"type":"session.updated"}"#, Event::Updated { format: None }),
            (
                r#"{"type":"input_audio_buffer.speech_started","audio_start_ms":1012,"item_id":"item_A","new":[1]}"#,
                Event::SpeechStarted { item: item(), at_ms: Some(1012) },
            ),
            (
                r#"{"type":"input_audio_buffer.speech_started","audio_start_ms":-3.5,"item_id":"item_A"}"#,
                Event::SpeechStarted { item: item(), at_ms: None },
            ),
            (
                r#"{"type":"input_audio_buffer.speech_stopped","audio_end_ms":2080,"item_id":"item_A"}"#,
                Event::SpeechStopped { item: item(), at_ms: Some(2080) },
            ),
            (
                r#"{"type":"input_audio_buffer.committed","previous_item_id":null,"item_id":"item_A"}"#,
                Event::Committed { item: item() },
            ),
            (
                r#"{"type":"conversation.item.input_audio_transcription.completed","item_id":"item_A","transcript":"Hey",
                    "usage":{"type":"duration","seconds":3.2},"logprobs":[]}"#,
                Event::Completed { item: item(), transcript: "Hey".to_owned() },
            ),
            (
                r#"{"type":"conversation.item.input_audio_transcription.failed","item_id":"item_A",
                    "error":{"type":"server_error","code":null,"message":"No."}}"#,
                Event::Failed { item: item(), error: error(ErrorClass::Unknown, "server_error", "No.") },
            ),
            (
                r#"{"type":"error","error":{"type":"invalid_request_error","code":"invalid_model","message":"No.","param":null}}"#,
                Event::Error { error: error(ErrorClass::Refused, "invalid_model", "No."), about: None },
            ),
            (
                r#"{"type":"error","error":{"type":"tokens","code":"rate_limit_exceeded","message":"Wait."}}"#,
                Event::Error { error: error(ErrorClass::Busy, "rate_limit_exceeded", "Wait."), about: None },
            ),
            (
                r#"{"type":"error","error":{"code":"c","message":"No.","event_id":"commit-17"}}"#,
                Event::Error { error: error(ErrorClass::Refused, "c", "No."), about: Some("commit-17".to_owned()) },
            ),
            (r#"{"type":"input_audio_buffer.committed"}"#, Event::Other),
            (r#"{"type":"conversation.item.added","item":{"id":"item_A"}}"#, Event::Other),
            (r#"{"type":"rate_limits.updated"}"#, Event::Other),
            (r#"{"item_id":"item_A"}"#, Event::Other),
            ("[]", Event::Other),
            ("not json", Event::Other),
            ("", Event::Other),
        ];
        for (text, want) in cases {
            assert_eq!(Event::parse(text), want, "{text}");
        }
    }
}

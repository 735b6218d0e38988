//! The events of a realtime session that speaks, as far as we act on them (`facts`: GA dialect).

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use crate::provider::openai::failure;
use crate::provider::{ErrorClass, ProviderError};

/// One event from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event<'a> {
    /// The session is there, with settings of the server's choice.
    Created,
    /// Our settings are in force.
    Updated {
        /// The audio format that the server says it makes.
        format: Option<String>,
    },
    /// A response was begun.
    Begun {
        /// The server's name for it, the same in all its events.
        response: String,
        /// Our name for it, where the server gives that back.
        tag: Option<String>,
    },
    /// Sound of a response; never empty.
    Sound {
        /// Whose.
        response: Cow<'a, str>,
        /// The event's own id, by which a repeated one is known.
        event: Option<Cow<'a, str>>,
        /// G.711 µ-law.
        ulaw: Bytes,
    },
    /// No more sound comes for this part of a response, which as a rule is the only one.
    Sounded {
        /// Whose.
        response: Cow<'a, str>,
    },
    /// The words of a response's sound, by the server's own account.
    Transcript {
        /// Whose.
        response: Cow<'a, str>,
        /// All of them.
        text: Cow<'a, str>,
    },
    /// A response is over.
    Done {
        /// Which.
        response: Option<String>,
        /// Our name for it, where the server gives that back.
        tag: Option<String>,
        /// Whether it came to its end.
        end: Result<(), ProviderError>,
    },
    /// Something we sent was refused, or the session is in trouble. Most leave the session open.
    Error {
        /// Which event of ours it is about, where the server says so.
        about: Option<String>,
        /// What it says.
        error: ProviderError,
    },
    /// Nothing that this version needs.
    Other,
}

/// The union of what we read. Everything optional: a missing field makes the event useless, not the session.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    event_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    response_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    delta: Option<Cow<'a, str>>,
    #[serde(borrow)]
    transcript: Option<Cow<'a, str>>,
    response: Option<Value>,
    session: Option<Value>,
    error: Option<Value>,
}

impl<'a> Event<'a> {
    /// Reads a text frame. What is not JSON, or not of a shape we know, is [`Event::Other`].
    pub(super) fn parse(text: &'a str) -> Self {
        serde_json::from_str::<Wire<'_>>(text).ok().and_then(Self::from_wire).unwrap_or(Self::Other)
    }

    fn from_wire(wire: Wire<'a>) -> Option<Self> {
        let named = |value: &Value| value.as_str().map(str::to_owned);
        Some(match &*wire.kind {
            "session.created" => Self::Created,
            "session.updated" => {
                Self::Updated { format: named(&wire.session.unwrap_or_default()["audio"]["output"]["format"]["type"]) }
            }
            "response.created" => {
                let response = wire.response?;
                Self::Begun { response: named(&response["id"])?, tag: named(&response["metadata"][TAG]) }
            }
            "response.output_audio.delta" => {
                let ulaw = STANDARD.decode(wire.delta?.as_bytes()).ok().filter(|ulaw| !ulaw.is_empty())?;
                Self::Sound { response: wire.response_id?, event: wire.event_id, ulaw: ulaw.into() }
            }
            "response.output_audio.done" => Self::Sounded { response: wire.response_id? },
            "response.output_audio_transcript.done" => {
                Self::Transcript { response: wire.response_id?, text: wire.transcript? }
            }
            "response.done" => {
                let response = wire.response?;
                Self::Done {
                    response: named(&response["id"]),
                    tag: named(&response["metadata"][TAG]),
                    end: end(&response),
                }
            }
            "error" => {
                let error = wire.error.unwrap_or_default();
                Self::Error { about: named(&error["event_id"]), error: failure::of_event(&error) }
            }
            _ => return None,
        })
    }
}

/// Where our name for a response stands in its metadata.
pub(super) const TAG: &str = "utterance";

/// How a response ended. One without a status has ended well: compatible servers leave it out.
fn end(response: &Value) -> Result<(), ProviderError> {
    let details = &response["status_details"];
    match response["status"].as_str() {
        None | Some("completed") => Ok(()),
        Some("failed") => Err(failure::of_event(&details["error"])),
        Some(status) => {
            let code = details["reason"].as_str().unwrap_or(status);
            let message = "the speech provider stopped before the end".to_owned();
            Err(ProviderError { class: ErrorClass::Unknown, code: Some(failure::shown(code)), message })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_we_need_are_read_and_all_others_ignored() {
        let error = |class, code: &str, message: &str| ProviderError {
            class,
            code: Some(code.to_owned()),
            message: message.to_owned(),
        };
        let done = |end| Event::Done { response: Some("r".to_owned()), tag: Some("7".to_owned()), end };
        let cases = [
            (r#"{"type":"session.created","event_id":"e","session":{"type":"realtime"}}"#, Event::Created),
            (
                r#"{"type":"session.updated","session":{"audio":{"output":{"format":{"type":"audio/pcmu"}}}}}"#,
                Event::Updated { format: Some("audio/pcmu".to_owned()) },
            ),
            (r#"{"type":"session.updated"}"#, Event::Updated { format: None }),
            (
                r#"{"type":"response.created","response":{"id":"r","metadata":{"utterance":"7"},"output":[]}}"#,
                Event::Begun { response: "r".to_owned(), tag: Some("7".to_owned()) },
            ),
            (
                r#"{"type":"response.created","response":{"id":"r","metadata":null}}"#,
                Event::Begun { response: "r".to_owned(), tag: None },
            ),
            (
                r#"{"type":"response.output_audio.delta","event_id":"e1","response_id":"r","item_id":"i","output_index":0,
                    "content_index":0,"delta":"AQI=","obfuscation":"x"}"#,
                Event::Sound { response: "r".into(), event: Some("e1".into()), ulaw: Bytes::from_static(&[1, 2]) },
            ),
            (r#"{"type":"response.output_audio.delta","response_id":"r","delta":"AQI"}"#, Event::Other),
            (r#"{"type":"response.output_audio.delta","response_id":"r","delta":""}"#, Event::Other),
            (r#"{"type":"response.output_audio.delta","response_id":7,"delta":"AQI="}"#, Event::Other),
            (r#"{"type":"response.output_audio.done","response_id":"r"}"#, Event::Sounded { response: "r".into() }),
            (
                r#"{"type":"response.output_audio_transcript.done","response_id":"r","transcript":"It\u0027s \"booked\"."}"#,
                Event::Transcript { response: "r".into(), text: "It's \"booked\".".into() },
            ),
            (
                r#"{"type":"response.done","response":{"id":"r","status":"completed","metadata":{"utterance":"7"}}}"#,
                done(Ok(())),
            ),
            (
                r#"{"type":"response.done","response":{"id":"r","metadata":{"utterance":"7"},"status":"incomplete",
                    "status_details":{"type":"incomplete","reason":"max_output_tokens"}}}"#,
                done(Err(error(
                    ErrorClass::Unknown,
                    "max_output_tokens",
                    "the speech provider stopped before the end",
                ))),
            ),
            (
                r#"{"type":"response.done","response":{"id":"r","metadata":{"utterance":"7"},"status":"cancelled"}}"#,
                done(Err(error(ErrorClass::Unknown, "cancelled", "the speech provider stopped before the end"))),
            ),
            (
                r#"{"type":"response.done","response":{"id":"r","metadata":{"utterance":"7"},"status":"failed",
                    "status_details":{"type":"failed","error":{"type":"invalid_request_error","code":"model_not_found",
                    "message":"No."}}}}"#,
                done(Err(error(ErrorClass::Refused, "model_not_found", "No."))),
            ),
            (
                r#"{"type":"error","error":{"type":"invalid_request_error","code":"invalid_value","message":"No.",
                    "param":null,"event_id":"say-7"}}"#,
                Event::Error {
                    about: Some("say-7".to_owned()),
                    error: error(ErrorClass::Refused, "invalid_value", "No."),
                },
            ),
            (r#"{"type":"response.output_item.added","response_id":"r","item":{}}"#, Event::Other),
            (r#"{"type":"response.created","response":{}}"#, Event::Other),
            (r#"{"type":"rate_limits.updated"}"#, Event::Other),
            ("[]", Event::Other),
            ("not json", Event::Other),
            ("", Event::Other),
        ];
        for (text, want) in cases {
            assert_eq!(Event::parse(text), want, "{text}");
        }
    }
}

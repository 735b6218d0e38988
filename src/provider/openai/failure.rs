//! What the provider says when it does not do it, read leniently: compatible servers each have their own shape.

use serde_json::Value;

use crate::privacy::mask;
use crate::provider::{ErrorClass, ProviderError};

/// The longest sentence of the provider that is passed on, in characters.
const LONGEST: usize = 300;

/// The code of an account without credit: comes as 429 (too many requests), but no waiting helps.
const NO_CREDIT: &str = "insufficient_quota";

/// The codes of a model that is not offered, or not in the way we ask for it: a speech endpoint and a realtime session word
/// it differently.
const GONE: [&str; 5] =
    ["model_not_found", INVALID_MODEL, "model_not_supported", "unsupported_model", "model_deprecated"];

/// A session's word for it.
const INVALID_MODEL: &str = "invalid_model";

/// What we call an HTTP status 404 or 410 that says no more: the address itself is not there.
const NOT_FOUND: &str = "not_found";

/// What the provider calls everything that it refuses, where it has no code for it.
const ANYTHING: &str = "invalid_request_error";

/// What the provider is known to refuse, beside models that are gone: our key, our credit, or what we asked for. The same
/// will be refused again.
const REFUSALS: [&str; 13] = [
    ANYTHING,
    NO_CREDIT,
    TURNS_REFUSED,
    "invalid_api_key",
    "invalid_value",
    "invalid_parameter",
    "invalid_event",
    "unknown_parameter",
    "missing_model",
    "beta_api_shape_disabled",
    "input_audio_buffer_commit_empty",
    "not_supported",
    "not_implemented",
];

/// The session has lasted as long as the provider lets one last: a new one will do.
const EXPIRED: &str = "session_expired";

/// The session makes another response already; the next moment it does not.
const OCCUPIED: &str = "conversation_already_has_active_response";

/// Whether the provider says that the model is not to be had, now or later.
pub(super) fn is_gone(error: &ProviderError) -> bool {
    refused_as(error, &GONE)
}

/// Whether an address is not there, without a word about the model. It may be the model's own, or a gateway's bad moment.
pub(super) fn is_missing(error: &ProviderError) -> bool {
    refused_as(error, &[NOT_FOUND])
}

/// Whether the provider ends the session, which was as long as it may be.
pub(super) fn is_expired(error: &ProviderError) -> bool {
    error.code.as_deref() == Some(EXPIRED)
}

/// Whether something was refused for a reason that we do not know: it may lie in the moment, and not in what was asked for.
pub(super) fn is_unfamiliar(error: &ProviderError) -> bool {
    let known = is_gone(error) || refused_as(error, &REFUSALS);
    error.class == ErrorClass::Refused && error.code.is_some() && !known
}

fn refused_as(error: &ProviderError, codes: &[&str]) -> bool {
    error.class == ErrorClass::Refused && error.code.as_deref().is_some_and(|code| codes.contains(&code))
}

/// The provider answered a request with an HTTP status that is no success.
pub(super) fn of_status(status: u16, body: &[u8]) -> ProviderError {
    let (code, message) = read(body);
    let class = match status {
        429 if code.as_deref() == Some(NO_CREDIT) => ErrorClass::Refused,
        408 | 429 => ErrorClass::Busy,
        300..=499 => ErrorClass::Refused,
        _ => ErrorClass::Unknown,
    };
    let unsaid = code.as_deref().is_none_or(|code| code == ANYTHING);
    let code = if unsaid && matches!(status, 404 | 410) { Some(NOT_FOUND.to_owned()) } else { code };
    let message = message.unwrap_or_else(|| format!("the speech provider answered with HTTP status {status}"));
    ProviderError { class, code, message }
}

/// The setting that a model refuses which finds no ends of speech, ...
const TURNS: &str = "session.audio.input.turn_detection";

/// ... the sentence in which it does, with or without that setting's name and under one code or the other, ...
const NO_TURNS: &str = "turn detection is not supported";

/// ... and what we call it.
const TURNS_REFUSED: &str = "turn_detection_refused";

/// Whether an error says that the model finds no ends of speech, and we asked it to.
pub(super) fn refuses_turns(error: &ProviderError) -> bool {
    error.code.as_deref() == Some(TURNS_REFUSED)
}

/// Whether a value was refused, and it was the model's name: a list of allowed ones may come to lack it.
fn names_the_model(error: &Value, code: Option<&str>) -> bool {
    let setting = error["param"].as_str().unwrap_or_default();
    code == Some("invalid_value") && setting.rsplit('.').next() == Some("model")
}

/// The `error` object of a realtime event.
pub(super) fn of_event(error: &Value) -> ProviderError {
    let (code, message) = from_object(error);
    let says_so = |message: &String| message.to_ascii_lowercase().starts_with(NO_TURNS);
    let turns = error["param"] == TURNS || message.as_ref().is_some_and(says_so);
    let code = if turns {
        Some(TURNS_REFUSED.to_owned())
    } else if names_the_model(error, code.as_deref()) {
        Some(INVALID_MODEL.to_owned())
    } else {
        code
    };
    let says = |word: &str| code.as_deref() == Some(word) || error["type"] == word;
    let class = if says("rate_limit_exceeded") || says(OCCUPIED) {
        ErrorClass::Busy
    } else if says("server_error") || says(EXPIRED) {
        ErrorClass::Unknown
    } else {
        ErrorClass::Refused
    };
    let message = message.unwrap_or_else(|| "the speech provider sent an error without a message".to_owned());
    ProviderError { class, code, message }
}

/// How much of a secret in a row gives it away. Less is found in any sentence.
const TELLING: usize = 12;

/// The same error, with another sentence where the provider's own quotes `secret`: a key, or words for the person.
pub(super) fn hiding(mut error: ProviderError, secret: &str) -> ProviderError {
    if quotes(&error.message, secret) {
        "the speech provider refused, and quoted what it was sent".clone_into(&mut error.message);
    }
    error.code = error.code.filter(|code| !quotes(code, secret));
    error
}

/// Whether a text has a telling part of a secret, or the whole of a short one.
fn quotes(text: &str, secret: &str) -> bool {
    let chars: Vec<char> = secret.chars().collect();
    // One or two letters are found anywhere, and say nothing.
    chars.len() > 3
        && chars.windows(TELLING.min(chars.len())).any(|part| text.contains(&part.iter().collect::<String>()))
}

/// The text without what must not be shown, cut to a length that can be.
pub(super) fn shown(text: &str) -> String {
    let masked = mask(text.trim());
    match masked.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &masked[..end]),
        None => masked,
    }
}

/// Code and message of a body: OpenAI's `{"error":{…}}`, FastAPI's `{"detail":…}`, or plain text.
fn read(body: &[u8]) -> (Option<String>, Option<String>) {
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        let text = String::from_utf8_lossy(body);
        // A proxy's page says nothing that the status does not.
        let text = if text.trim_start().starts_with('<') { "" } else { text.trim() };
        return (None, (!text.is_empty()).then(|| shown(text)));
    };
    match (&json["error"], &json["detail"]) {
        (Value::Null, Value::Null) => from_object(&json),
        (Value::Null, detail) => from_object(detail.get(0).unwrap_or(detail)),
        (error, _) => from_object(error),
    }
}

/// Code and message of an error, which is a text or an object.
fn from_object(error: &Value) -> (Option<String>, Option<String>) {
    let text = |value: &Value| match value {
        Value::String(text) if !text.trim().is_empty() => Some(shown(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let first = |keys: &[&str]| keys.iter().find_map(|key| text(&error[*key]));
    match error {
        Value::String(_) => (None, text(error)),
        error if text(&error["type"]).as_deref() == Some(NO_CREDIT) => {
            (Some(NO_CREDIT.to_owned()), first(&["message", "msg", "error"]))
        }
        _ => (first(&["code", "type"]), first(&["message", "msg", "error"])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_an_error_gives_its_class_code_and_sentence() {
        use ErrorClass::{Busy, Refused, Unknown};
        let cases: [(u16, &str, ErrorClass, Option<&str>, &str); 12] = [
            (
                400,
                r#"{"error":{"message":"No such voice.","type":"invalid_request_error","param":"voice","code":null}}"#,
                Refused,
                Some("invalid_request_error"),
                "No such voice.",
            ),
            (
                404,
                r#"{"error":{"message":"Gone.","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
                Refused,
                Some("model_not_found"),
                "Gone.",
            ),
            (
                429,
                r#"{"error":{"message":"Slow down.","type":"requests","code":"rate_limit_exceeded"}}"#,
                Busy,
                Some("rate_limit_exceeded"),
                "Slow down.",
            ),
            (
                429,
                r#"{"error":{"message":"Pay.","type":"insufficient_quota","code":"other"}}"#,
                Refused,
                Some("insufficient_quota"),
                "Pay.",
            ),
            (
                422,
                r#"{"detail":{"error":"validation","message":"Bad voice","type":"value_error"}}"#,
                Refused,
                Some("value_error"),
                "Bad voice",
            ),
            (
                422,
                r#"{"detail":[{"loc":["body","voice"],"msg":"field required","type":"missing"}]}"#,
                Refused,
                Some("missing"),
                "field required",
            ),
            (401, r#"{"detail":"no key"}"#, Refused, None, "no key"),
            (401, r#"{"error":"no key"}"#, Refused, None, "no key"),
            (500, "oh dear", Unknown, None, "oh dear"),
            (502, "<html>Bad gateway</html>", Unknown, None, "the speech provider answered with HTTP status 502"),
            (503, "", Unknown, None, "the speech provider answered with HTTP status 503"),
            (400, "[1]", Refused, None, "the speech provider answered with HTTP status 400"),
        ];
        for (status, body, class, code, message) in cases {
            let want = ProviderError { class, code: code.map(str::to_owned), message: message.to_owned() };
            assert_eq!(of_status(status, body.as_bytes()), want, "{status} {body}");
        }
    }

    #[test]
    fn a_model_that_takes_no_turn_detection_is_told_from_other_refusals() {
        for (text, refuses) in [
            (r#"{"code":null,"message":"Turn detection is not supported for this transcription model"}"#, true),
            (r#"{"code":"invalid_value","message":"No.","param":"session.audio.input.turn_detection"}"#, true),
            (r#"{"code":"invalid_value","message":"No.","param":"session.audio.input.format"}"#, false),
            (r#"{"code":"model_not_found","message":"The model `x` does not exist."}"#, false),
        ] {
            let error = of_event(&serde_json::from_str(text).unwrap());
            assert_eq!((refuses_turns(&error), error.class), (refuses, ErrorClass::Refused), "{text}");
        }
    }

    #[test]
    fn a_refusal_for_a_reason_that_nobody_knows_is_told_from_those_that_will_stand() {
        use ErrorClass::{Busy, Refused, Unknown};
        for (error, class, unfamiliar) in [
            // With the type that real refusals have.
            (r#"{"type":"invalid_request_error","code":"session_expired"}"#, Unknown, false),
            (r#"{"type":"server_error","code":null}"#, Unknown, false),
            (r#"{"type":"tokens","code":"rate_limit_exceeded"}"#, Busy, false),
            (r#"{"type":"invalid_request_error","code":"unknown_parameter"}"#, Refused, false),
            (r#"{"type":"invalid_request_error","code":"missing_model"}"#, Refused, false),
            (r#"{"type":"invalid_request_error","code":"model_not_found"}"#, Refused, false),
            (r#"{"type":"invalid_request_error","code":null}"#, Refused, false),
            (r#"{"type":"insufficient_quota","code":"billing"}"#, Refused, false),
            (r#"{"type":"invalid_request_error","code":"of_tomorrow"}"#, Refused, true),
            (r#"{"type":"error_of_tomorrow","code":null}"#, Refused, true),
            ("{}", Refused, false),
        ] {
            let error = of_event(&serde_json::from_str(error).unwrap());
            assert_eq!((error.class, is_unfamiliar(&error)), (class, unfamiliar), "{error:?}");
        }
        assert!(is_unfamiliar(&of_status(404, b"")), "a gateway that is being replaced");
        assert!(!is_unfamiliar(&of_status(401, b"")) && !is_unfamiliar(&of_status(503, b"")));
    }

    #[test]
    fn a_value_that_is_refused_is_a_model_that_is_gone_only_where_it_is_the_model() {
        for (param, gone) in [
            ("session.audio.input.transcription.model", true),
            ("model", true),
            ("session.audio.output.voice", false),
            ("session.remodel", false),
        ] {
            let error = serde_json::json!({ "code": "invalid_value", "param": param, "message": "No." });
            assert_eq!(is_gone(&of_event(&error)), gone, "{param}");
        }
    }

    #[test]
    fn a_model_that_is_gone_is_told_from_an_address_that_is_not_there_and_from_other_refusals() {
        let coded = |code: &str| format!(r#"{{"error":{{"message":"No.","code":"{code}"}}}}"#);
        let uncoded = r#"{"error":{"message":"Invalid URL","type":"invalid_request_error","code":null}}"#.to_owned();
        let (gone, missing, neither) = ((true, false), (false, true), (false, false));
        for (status, body, want) in [
            (404, coded("model_not_found"), gone),
            (400, coded("invalid_model"), gone),
            (404, String::new(), missing),
            (410, "<html>Gone</html>".to_owned(), missing),
            (404, uncoded.clone(), missing),
            (400, uncoded, neither),
            (404, coded("voice_not_found"), neither),
            (400, coded("invalid_value"), neither),
            (401, coded("invalid_api_key"), neither),
            (503, coded("model_not_found"), neither),
            (429, coded("insufficient_quota"), neither),
        ] {
            let error = of_status(status, body.as_bytes());
            assert_eq!((is_gone(&error), is_missing(&error)), want, "{status} {body}");
        }
    }

    #[test]
    fn what_the_provider_quotes_is_masked_and_short() {
        let body =
            r#"{"error":{"message":"Incorrect API key provided: sk-abc123def456. Call +15551234567.","code":"x"}}"#;
        let error = of_status(401, body.as_bytes());
        for secret in ["abc123", "5551234"] {
            assert!(!error.message.contains(secret), "{error}");
        }
        let own = "the speech provider refused, and quoted what it was sent";
        for (message, secret, hidden) in [
            ("Bad input: 'Shall I deploy the rele…'", "Shall I deploy the release to production?", true),
            ("Incorrect key my-own-server-key.", "my-own-server-key", true),
            ("Bad input: 'Stop!'", "Stop!", true),
            ("This model does not exist.", "is", false),
            ("No such voice.", "Shall I deploy the release to production?", false),
        ] {
            let error = hiding(ProviderError::ours(ErrorClass::Refused, message), secret);
            assert_eq!(error.message, if hidden { own } else { message });
        }
        assert_eq!(shown(&"é".repeat(400)).chars().count(), LONGEST + 1);
    }
}

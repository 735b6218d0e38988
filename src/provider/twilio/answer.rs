//! How Twilio answers.

use serde::Deserialize;
use serde_json::Value;

use crate::provider::rest::{Manner, Said};

/// How Twilio answers, in all of its APIs.
pub(super) const TWILIO: Manner = Manner { name: "Twilio", refusal };

/// The shape of Twilio's errors.
#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(default)]
    code: Value,
    #[serde(default)]
    message: Value,
}

fn refusal(body: &[u8]) -> Said {
    let said: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
    let code = match said.code {
        Value::Number(code) => Some(code.to_string()),
        Value::String(code) => Some(code),
        _ => None,
    };
    let message = if let Value::String(message) = said.message { Some(message) } else { None };
    Said { code, message }
}

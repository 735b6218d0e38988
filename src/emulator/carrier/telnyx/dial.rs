//! What a dial asks for, checked as Telnyx checks it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::Url;

use super::super::dial::{Dial, Events, Wants};
use super::refusal::Refusal;
use crate::emulator::world::World;
use crate::phone_number::PhoneNumber;

/// Reads a dial.
pub(super) fn read(world: &World, body: &Value) -> Result<Dial, Refusal> {
    let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty());
    if text("connection_id") != Some(&*world.config.connection_id) {
        return Err(Refusal::invalid("The connection_id is not one of yours."));
    }
    // The number itself is left out of the sentence, as everywhere.
    let number = |name: &str| text(name).and_then(|number| PhoneNumber::parse(number).ok());
    let to = number("to").ok_or_else(|| Refusal::new(422, 10_016, "The 'to' number must be in +E.164 format."))?;
    let from =
        number("from").ok_or_else(|| Refusal::new(422, 10_016, "The 'from' number must be in +E.164 format."))?;
    if from.reveal() != world.config.number {
        return Err(Refusal::new(403, 10_010, "The 'from' number is not one of your connection's."));
    }
    let url = text("webhook_url").filter(|url| Url::parse(url).is_ok_and(|url| url.has_host()));
    let url = url.ok_or_else(|| Refusal::invalid("The webhook_url is missing or not a URL."))?;
    let seconds = |name: &str, range: std::ops::RangeInclusive<u64>, default| match &body[name] {
        Value::Null => Ok(Duration::from_secs(default)),
        value => {
            let seconds = value.as_u64().filter(|seconds| range.contains(seconds));
            seconds.map(Duration::from_secs).ok_or_else(|| Refusal::invalid("A number of seconds is out of bounds."))
        }
    };
    let client_state = text("client_state").map(str::to_owned);
    if client_state.as_ref().is_some_and(|state| STANDARD.decode(state).is_err()) {
        return Err(Refusal::invalid("The client_state is not valid base64."));
    }
    let premium = match text("answering_machine_detection") {
        None | Some("disabled") => None,
        Some("premium") => Some(true),
        Some("detect" | "detect_beep" | "detect_words" | "greeting_end") => Some(false),
        Some(_) => return Err(Refusal::invalid("The answering_machine_detection is not a known one.")),
    };
    Ok(Dial {
        to,
        from,
        url: url.to_owned(),
        timeout: seconds("timeout_secs", 5..=600, 30)?,
        time_limit: Some(seconds("time_limit_secs", 1..=14_400, 14_400)?),
        detection: None,
        wants: Wants::Events(Events {
            client_state,
            command_id: text("command_id").map(str::to_owned),
            premium,
            other_routes: body["retry_on_timeout"].as_bool().unwrap_or(true),
            inbound: false,
        }),
    })
}

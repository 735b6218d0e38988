//! `POST /v1/audio/speech`: words to 24 kHz PCM, streamed faster than real time in pieces of odd sizes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::time::Instant;

use super::{Era, Refused, authorise, no_such_model};
use crate::emulator::config::SpeechDialect;
use crate::emulator::faults::Fault;
use crate::emulator::timeline::What;
use crate::emulator::voice::{self, Speaker};
use crate::emulator::world::World;

mod files;

/// About 100 ms, and odd, so that samples are cut in two.
const PIECE: usize = 4801;
/// Bytes in a second of 24 kHz s16.
const SECOND: f64 = 48_000.0;
const FIELDS: [&str; 7] = ["model", "input", "voice", "instructions", "response_format", "speed", "stream_format"];
const VOICES: [&str; 13] =
    ["alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse", "marin", "cedar"];

/// Answers a request for speech.
pub(super) async fn speak(State(world): State<Arc<World>>, headers: HeaderMap, body: Bytes) -> Response {
    let request = world.counts.speech.fetch_add(1, Ordering::Relaxed) + 1;
    if world.config.speech_dialect == SpeechDialect::WavFiles {
        return files::speak(&world, request, &headers, &body).await;
    }
    let refused = |refusal: Refused| {
        world.note(What::SpeechAsked { request, text: String::new(), status: refusal.status.as_u16() });
        refusal.into_response()
    };
    if let Err(refusal) = authorise(&world, &headers) {
        return refused(refusal);
    }
    let fault = world
        .faults
        .strike(|f| if let Fault::SpeechRefused { status, code } = f { Some((*status, *code)) } else { None });
    if let Some((status, code)) = fault {
        return refused(Refused::fault(status, code, &headers, &body));
    }
    let text = match check(&body, world.era()) {
        Ok(text) => text,
        Err(refusal) => return refused(refusal),
    };
    let sound = world.config.voice.say(Speaker::Agent, &text).await;
    world.phrases.lock().expect("no holder of the lock panics").learn(&text, &voice::ulaw(&sound));
    world.note(What::SpeechAsked { request, text, status: 200 });
    let flow = Flow {
        cut: world.faults.strike(|f| if let Fault::SpeechCut { after } = f { Some(*after) } else { None }),
        stall: world.faults.strike(|f| if let Fault::SpeechStalled { after } = f { Some(*after) } else { None }),
        endless: world.faults.strikes(&Fault::SpeechEndless),
        pcm: sound.iter().flat_map(|s| s.to_le_bytes()).collect(),
        began: Instant::now() + world.config.speech_delay,
        world,
        request,
        sent: 0,
        whole: false,
    };
    let body = Body::from_stream(futures_util::stream::unfold(flow, Flow::next));
    ([(header::CONTENT_TYPE, "audio/pcm")], body).into_response()
}

/// A response being streamed.
struct Flow {
    world: Arc<World>,
    request: usize,
    pcm: Vec<u8>,
    /// When the first byte goes out.
    began: Instant,
    sent: usize,
    whole: bool,
    cut: Option<usize>,
    stall: Option<usize>,
    endless: bool,
}

impl Flow {
    async fn next(mut self) -> Option<(Result<Bytes, std::io::Error>, Self)> {
        // The piece may go when, at the configured rate, it would have been made.
        let made = Duration::from_secs_f64(f64::from(u32::try_from(self.sent).unwrap_or(u32::MAX)) / SECOND);
        tokio::time::sleep_until(self.began + made.div_f64(self.world.config.speech_rate)).await;
        let limit = [self.cut, self.stall].into_iter().flatten().min().unwrap_or(usize::MAX);
        if self.sent >= limit {
            if self.cut.is_some_and(|cut| self.sent >= cut) {
                return Some((Err(std::io::ErrorKind::UnexpectedEof.into()), self));
            }
            std::future::pending::<()>().await;
        }
        let at = self.sent % self.pcm.len();
        if at == 0 && self.sent > 0 && !self.endless {
            self.whole = true;
            return None;
        }
        let piece = Bytes::copy_from_slice(&self.pcm[at..self.pcm.len().min(at + PIECE.min(limit - self.sent))]);
        if self.sent == 0 {
            self.world.note(What::SpeechBegan { request: self.request });
        }
        self.sent += piece.len();
        Some((Ok(piece), self))
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.world.note(What::SpeechEnded { request: self.request, bytes: self.sent, whole: self.whole });
    }
}

/// The text of a request that the provider's schema allows.
fn check(body: &[u8], era: Era) -> Result<String, Refused> {
    let wrong = |param: &str, code: &str, message: &str| Refused {
        param: Some(param.to_owned()),
        ..Refused::new(StatusCode::BAD_REQUEST, code, message)
    };
    let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(body) else {
        let message = "We could not parse the JSON body of your request.";
        return Err(Refused::new(StatusCode::BAD_REQUEST, "invalid_json", message));
    };
    if let Some(key) = fields.keys().find(|key| !FIELDS.contains(&key.as_str())) {
        return Err(wrong(key, "unknown_parameter", &format!("Unknown parameter: '{key}'.")));
    }
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    for name in ["model", "input", "voice"] {
        if fields.get(name).is_none_or(Value::is_null) {
            return Err(wrong(name, "missing_required_parameter", &format!("Missing required parameter: '{name}'.")));
        }
    }
    let model = text("model").unwrap_or_default();
    if !era.offers(model) || !model.contains("tts") {
        return Err(Refused::new(StatusCode::NOT_FOUND, "model_not_found", no_such_model(model)));
    }
    let plain = model.starts_with("tts-1");
    let Some(input) = text("input").filter(|input| !input.is_empty()) else {
        return Err(wrong("input", "invalid_value", "Invalid 'input': expected a string with at least one character."));
    };
    for name in ["input", "instructions"] {
        if text(name).is_some_and(|t| t.chars().count() > 4096) {
            return Err(wrong(
                name,
                "string_above_max_length",
                &format!("Invalid '{name}': string too long. Expected a string with maximum length 4096."),
            ));
        }
    }
    if plain && fields.contains_key("instructions") {
        return Err(wrong("instructions", "unsupported_parameter", "'instructions' is not supported by this model."));
    }
    let custom = fields["voice"]["id"].is_string();
    if !custom && !text("voice").is_some_and(|v| VOICES.contains(&v)) {
        return Err(wrong("voice", "invalid_value", "Invalid value for 'voice'."));
    }
    if text("response_format") != Some("pcm") {
        return Err(wrong(
            "response_format",
            "invalid_value",
            "The emulator makes 'pcm' only, and the default is 'mp3'.",
        ));
    }
    let speed = fields.get("speed").map_or(Some(1.0), Value::as_f64);
    if !speed.is_some_and(|s| (0.25..=4.0).contains(&s)) {
        return Err(wrong("speed", "invalid_value", "Invalid 'speed': expected a number from 0.25 to 4.0."));
    }
    if !matches!(fields.get("stream_format").map(|f| f.as_str()), None | Some(Some("audio"))) {
        return Err(wrong("stream_format", "invalid_value", "The emulator streams 'audio' only."));
    }
    Ok(input.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_the_schema_allows_is_spoken() {
        let good = json!({"model": "gpt-4o-mini-tts", "input": "Hello.", "voice": "coral", "response_format": "pcm", "instructions": "calm"});
        assert_eq!(check(good.to_string().as_bytes(), Era::Today).unwrap(), "Hello.");
        let gone = check(good.to_string().as_bytes(), Era::January).expect_err("the model has ended");
        assert_eq!((gone.status.as_u16(), gone.code.as_deref()), (404, Some("model_not_found")));
        let cases = [
            ("sample_rate", json!(8000), 400),
            ("model", json!("gpt-5-tts"), 404),
            ("model", json!("tts-1"), 400),
            ("model", Value::Null, 400),
            ("input", json!(""), 400),
            ("input", json!("x".repeat(4097)), 400),
            ("voice", json!("bob"), 400),
            ("response_format", json!("mp3"), 400),
            ("speed", json!(5), 400),
        ];
        for (field, value, status) in cases {
            let mut body = good.clone();
            body[field] = value.clone();
            let refusal = check(body.to_string().as_bytes(), Era::Today).expect_err(field);
            assert_eq!(refusal.status.as_u16(), status, "{field} {value}");
        }
    }
}

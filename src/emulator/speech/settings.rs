//! A transcription session's configuration: what `session.update` may say, and the literal refusals of the rest.

use serde_json::{Map, Value, json};

use super::{Era, no_such_model};

/// A refusal: `error.code`, `error.message`, `error.param`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) param: Option<String>,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>, param: &str) -> Self {
        let param = (!param.is_empty()).then(|| param.to_owned());
        Self { code, message: message.into(), param }
    }
}

/// How sound arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// 24 kHz s16le.
    Pcm,
    /// 8 kHz µ-law.
    Pcmu,
    /// 8 kHz A-law.
    Pcma,
}

/// Turn taking by the server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Turns {
    pub(super) threshold: f64,
    pub(super) prefix_ms: usize,
    pub(super) silence_ms: usize,
}

/// The configuration in effect.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// `session.audio.input` as it is echoed.
    input: Map<String, Value>,
    include: Value,
    pub(super) format: Format,
    pub(super) model: Option<String>,
    /// `None`: the client commits.
    pub(super) turns: Option<Turns>,
}

/// Models without turn detection.
const LIVE: [&str; 2] = ["gpt-live-transcribe", "gpt-realtime-whisper"];
const MODELS: [&str; 8] = [
    "whisper-1",
    "gpt-transcribe",
    "gpt-live-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-transcribe-2025-12-15",
    "gpt-4o-transcribe",
    "gpt-4o-transcribe-diarize",
    "gpt-realtime-whisper",
];
const INPUT: &str = "session.audio.input";

impl Default for Settings {
    fn default() -> Self {
        let input = json!({"format": {"type": "audio/pcm", "rate": 24000}, "transcription": null, "noise_reduction": null,
            "turn_detection": {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}});
        let Value::Object(input) = input else { unreachable!("an object was written") };
        let turns = Some(Turns { threshold: 0.5, prefix_ms: 300, silence_ms: 200 });
        Self { input, include: Value::Null, format: Format::Pcm, model: None, turns }
    }
}

/// Whether this model refuses turn detection.
pub(super) fn is_live(model: &str) -> bool {
    LIVE.contains(&model)
}

/// Whether this is the name of a transcription model.
pub(super) fn is_transcription_model(model: &str) -> bool {
    MODELS.contains(&model)
}

impl Settings {
    /// `session` as it is written in events.
    pub(super) fn as_json(&self, id: &str, expires_at: i64) -> Value {
        json!({"type": "transcription", "object": "realtime.transcription_session", "id": id, "expires_at": expires_at,
            "audio": {"input": self.input}, "include": self.include})
    }

    /// Merges the `session` of an update; on refusal nothing has changed.
    pub(super) fn update(&mut self, session: &Value, era: Era) -> Result<(), Refusal> {
        let session = object(session, "session")?;
        match session.get("type").and_then(Value::as_str) {
            Some("transcription") => {}
            Some("realtime") => {
                let message = "Passing a realtime session update event to a transcription session is not allowed.";
                return Err(Refusal::new("invalid_parameter", message, "session.type"));
            }
            Some(_) => return Err(invalid("session.type", "expected 'realtime' or 'transcription'")),
            None => {
                let message = "Missing required parameter: 'session.type'.";
                return Err(Refusal::new("missing_required_parameter", message, "session.type"));
            }
        }
        known(session, &["type", "audio", "include"], "session")?;
        let mut next = self.clone();
        if let Some(include) = session.get("include") {
            next.include = include.clone();
        }
        if let Some(audio) = session.get("audio") {
            let audio = object(audio, "session.audio")?;
            known(audio, &["input"], "session.audio")?;
            if let Some(input) = audio.get("input") {
                next.merge(object(input, INPUT)?, era)?;
            }
        }
        *self = next;
        Ok(())
    }

    fn merge(&mut self, input: &Map<String, Value>, era: Era) -> Result<(), Refusal> {
        known(input, &["format", "noise_reduction", "transcription", "turn_detection"], INPUT)?;
        if let Some(format) = input.get("format") {
            self.format = read_format(format)?;
        }
        if let Some(noise) = input.get("noise_reduction").filter(|n| !n.is_null()) {
            let at = "session.audio.input.noise_reduction";
            let kind = object(noise, at)?.get("type").and_then(Value::as_str);
            if !matches!(kind, Some("near_field" | "far_field")) {
                return Err(invalid(&format!("{at}.type"), "expected 'near_field' or 'far_field'"));
            }
        }
        if let Some(transcription) = input.get("transcription") {
            self.model = read_transcription(transcription, era)?;
        }
        let live = self.model.as_deref().is_some_and(is_live);
        match input.get("turn_detection") {
            Some(Value::Null) => self.turns = None,
            Some(_) if live => {
                let message = "Turn detection is not supported for this transcription model";
                return Err(Refusal::new("invalid_value", message, "session.audio.input.turn_detection"));
            }
            Some(turns) => self.turns = Some(read_turns(turns)?),
            None if live => self.turns = None,
            None => {}
        }
        for (key, value) in input {
            self.input.insert(key.clone(), value.clone());
        }
        if self.turns.is_none() {
            self.input.insert("turn_detection".to_owned(), Value::Null);
        }
        Ok(())
    }
}

fn read_format(format: &Value) -> Result<Format, Refusal> {
    let at = "session.audio.input.format";
    let format = object(format, at)?;
    let found = match format.get("type").and_then(Value::as_str) {
        Some("audio/pcm") => {
            known(format, &["type", "rate"], at)?;
            if format.get("rate").is_some_and(|r| r.as_u64() != Some(24_000)) {
                let message = format!(
                    "Invalid '{at}.rate': integer below minimum value. Expected a value >= 24000, but got {} instead.",
                    format["rate"]
                );
                return Err(Refusal::new("integer_below_min_value", message, &format!("{at}.rate")));
            }
            Format::Pcm
        }
        Some("audio/pcmu") => Format::Pcmu,
        Some("audio/pcma") => Format::Pcma,
        _ => return Err(invalid(&format!("{at}.type"), "expected 'audio/pcm', 'audio/pcmu' or 'audio/pcma'")),
    };
    if found != Format::Pcm {
        known(format, &["type"], at)?;
    }
    Ok(found)
}

fn read_transcription(transcription: &Value, era: Era) -> Result<Option<String>, Refusal> {
    if transcription.is_null() {
        return Ok(None);
    }
    let at = "session.audio.input.transcription";
    let fields = object(transcription, at)?;
    known(fields, &["model", "language", "languages", "keywords", "prompt", "delay"], at)?;
    let Some(model) = fields.get("model").and_then(Value::as_str) else {
        let message = format!("Missing required parameter: '{at}.model'.");
        return Err(Refusal::new("missing_required_parameter", message, &format!("{at}.model")));
    };
    if !is_transcription_model(model) || !era.offers(model) {
        return Err(Refusal::new("model_not_found", no_such_model(model), &format!("{at}.model")));
    }
    // `languages` and `keywords` came with the new models; the old ones know one `language` only.
    let new = matches!(model, "gpt-transcribe" | "gpt-live-transcribe");
    for name in ["languages", "keywords"] {
        let Some(value) = fields.get(name) else { continue };
        let param = format!("{at}.{name}");
        if !new {
            return Err(Refusal::new(
                "unsupported_parameter",
                format!("'{param}' is not supported for this model."),
                &param,
            ));
        }
        if name == "languages" && value.as_array().is_none_or(Vec::is_empty) {
            return Err(invalid(&param, "expected an array of at least one language"));
        }
    }
    if model == "gpt-realtime-whisper" && fields.contains_key("prompt") {
        let param = format!("{at}.prompt");
        return Err(Refusal::new(
            "unsupported_parameter",
            format!("'{param}' is not supported for this model."),
            &param,
        ));
    }
    Ok(Some(model.to_owned()))
}

fn read_turns(turns: &Value) -> Result<Turns, Refusal> {
    let at = "session.audio.input.turn_detection";
    let fields = object(turns, at)?;
    let number = |name: &str, default: usize| match fields.get(name) {
        None => Ok(default),
        Some(value) => value
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .ok_or_else(|| invalid(&format!("{at}.{name}"), "expected a non-negative integer")),
    };
    match fields.get("type").and_then(Value::as_str) {
        Some("server_vad") => {
            let keys = ["type", "threshold", "prefix_padding_ms", "silence_duration_ms", "idle_timeout_ms"];
            known(fields, &[&keys[..], &["create_response", "interrupt_response"]].concat(), at)?;
            let threshold = fields.get("threshold").map_or(Some(0.5), Value::as_f64);
            let Some(threshold) = threshold.filter(|t| (0.0..=1.0).contains(t)) else {
                return Err(invalid(&format!("{at}.threshold"), "expected a number from 0 to 1"));
            };
            let (prefix_ms, silence_ms) = (number("prefix_padding_ms", 300)?, number("silence_duration_ms", 500)?);
            Ok(Turns { threshold, prefix_ms, silence_ms })
        }
        Some("semantic_vad") => {
            known(fields, &["type", "eagerness", "create_response", "interrupt_response"], at)?;
            let silence_ms = match fields.get("eagerness").and_then(Value::as_str) {
                Some("low") => 1500,
                Some("high") => 400,
                None | Some("medium" | "auto") => 800,
                Some(_) => return Err(invalid(&format!("{at}.eagerness"), "expected low, medium, high or auto")),
            };
            Ok(Turns { threshold: 0.5, prefix_ms: 300, silence_ms })
        }
        _ => Err(invalid(&format!("{at}.type"), "expected 'server_vad' or 'semantic_vad'")),
    }
}

pub(super) fn object<'a>(value: &'a Value, at: &str) -> Result<&'a Map<String, Value>, Refusal> {
    value
        .as_object()
        .ok_or_else(|| Refusal::new("invalid_type", format!("Invalid type for '{at}': expected an object."), at))
}

pub(super) fn known(fields: &Map<String, Value>, names: &[&str], at: &str) -> Result<(), Refusal> {
    match fields.keys().find(|key| !names.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let param = format!("{at}.{key}");
            Err(Refusal::new("unknown_parameter", format!("Unknown parameter: '{param}'."), &param))
        }
    }
}

pub(super) fn invalid(at: &str, why: &str) -> Refusal {
    Refusal::new("invalid_value", format!("Invalid value for '{at}': {why}."), at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(input: &Value) -> Value {
        json!({"type": "transcription", "audio": {"input": input}})
    }

    #[test]
    fn an_update_merges_and_is_echoed_whole() {
        let mut settings = Settings::default();
        let first = json!({"format": {"type": "audio/pcmu"}, "transcription": {"model": "gpt-4o-transcribe", "language": "en"},
            "turn_detection": {"type": "server_vad", "silence_duration_ms": 800}});
        settings.update(&input(&first), Era::Today).unwrap();
        settings.update(&input(&json!({"noise_reduction": {"type": "near_field"}})), Era::Today).unwrap();
        assert_eq!(settings.format, Format::Pcmu);
        assert_eq!(settings.turns, Some(Turns { threshold: 0.5, prefix_ms: 300, silence_ms: 800 }));
        let echoed = settings.as_json("sess_1", 7);
        assert_eq!(echoed["audio"]["input"]["format"], json!({"type": "audio/pcmu"}));
        assert_eq!(echoed["audio"]["input"]["noise_reduction"]["type"], "near_field");
        settings.update(&input(&json!({"turn_detection": null})), Era::Today).unwrap();
        assert_eq!(settings.turns, None);
    }

    #[test]
    fn what_the_service_refuses_is_refused_in_its_words() {
        let live = json!({"transcription": {"model": "gpt-live-transcribe"}, "turn_detection": {"type": "server_vad"}});
        let cases = [
            (
                json!({"type": "transcription", "input_audio_format": "g711_ulaw"}),
                "unknown_parameter",
                "Unknown parameter: 'session.input_audio_format'.",
            ),
            (json!({"audio": {}}), "missing_required_parameter", "Missing required parameter: 'session.type'."),
            (
                input(&json!({"format": {"type": "audio/pcmu", "rate": 8000}})),
                "unknown_parameter",
                "Unknown parameter: 'session.audio.input.format.rate'.",
            ),
            (
                input(&json!({"format": {"type": "audio/pcm", "rate": 16000}})),
                "integer_below_min_value",
                "Invalid 'session.audio.input.format.rate': integer below minimum value. Expected a value >= 24000, but got 16000 instead.",
            ),
            (
                input(&json!({"transcription": {"model": "gpt-9"}})),
                "model_not_found",
                "The model `gpt-9` does not exist or you do not have access to it.",
            ),
            (input(&live), "invalid_value", "Turn detection is not supported for this transcription model"),
            (
                input(&json!({"transcription": {"model": "gpt-4o-transcribe", "keywords": []}})),
                "unsupported_parameter",
                "'session.audio.input.transcription.keywords' is not supported for this model.",
            ),
        ];
        for (session, code, message) in cases {
            let mut settings = Settings::default();
            let refusal = settings.update(&session, Era::Today).expect_err(message);
            assert_eq!((refusal.code, refusal.message.as_str()), (code, message));
            assert_eq!(settings.format, Format::Pcm, "a refusal changes nothing");
        }
    }

    #[test]
    fn a_model_that_has_ended_is_refused_and_its_successor_is_not() {
        for (model, era, taken) in [
            ("gpt-4o-transcribe", Era::January, true),
            ("gpt-4o-transcribe", Era::February, false),
            ("gpt-live-transcribe", Era::February, true),
        ] {
            let session = input(&json!({"transcription": {"model": model}}));
            assert_eq!(Settings::default().update(&session, era).is_ok(), taken, "{model} {era:?}");
        }
    }

    #[test]
    fn a_live_model_needs_no_word_about_turns() {
        let mut settings = Settings::default();
        settings
            .update(
                &input(&json!({"transcription": {"model": "gpt-live-transcribe", "languages": ["en"]}})),
                Era::Today,
            )
            .unwrap();
        assert_eq!(settings.turns, None);
    }
}

//! What a client may ask of a session that speaks, and the literal refusals of the rest.

use serde_json::{Value, json};

use crate::emulator::speech::settings::{Refusal, invalid, known, object};

/// The voices of realtime sessions: without fable, onyx and nova of the speech endpoint.
const VOICES: [&str; 10] = ["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"];
const SESSION: [&str; 11] = [
    "type",
    "model",
    "output_modalities",
    "instructions",
    "audio",
    "tools",
    "tool_choice",
    "max_output_tokens",
    "tracing",
    "truncation",
    "prompt",
];
const RESPONSE: [&str; 10] = [
    "conversation",
    "output_modalities",
    "metadata",
    "instructions",
    "input",
    "audio",
    "tools",
    "tool_choice",
    "max_output_tokens",
    "prompt",
];

/// The configuration in effect.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) model: String,
    pub(super) voice: String,
    /// Whether the sound is 8 kHz µ-law; else 24 kHz PCM.
    pub(super) ulaw: bool,
    instructions: String,
}

impl Settings {
    pub(super) fn new(model: String) -> Self {
        Self { model, voice: "alloy".to_owned(), ulaw: false, instructions: String::new() }
    }

    /// `session` as it is written in events.
    pub(super) fn as_json(&self, id: &str, expires_at: i64) -> Value {
        json!({"type": "realtime", "object": "realtime.session", "id": id, "expires_at": expires_at, "model": self.model,
            "output_modalities": ["audio"], "instructions": self.instructions, "audio": self.output()})
    }

    /// `audio` as it is written in events.
    pub(super) fn output(&self) -> Value {
        let format =
            if self.ulaw { json!({"type": "audio/pcmu"}) } else { json!({"type": "audio/pcm", "rate": 24000}) };
        json!({"output": {"format": format, "voice": self.voice, "speed": 1.0}})
    }

    /// Merges the `session` of an update; on refusal nothing has changed.
    pub(super) fn update(&mut self, session: &Value) -> Result<(), Refusal> {
        let fields = object(session, "session")?;
        match session["type"].as_str() {
            Some("realtime") => {}
            Some("transcription") => {
                let message = "Passing a transcription session update event to a realtime session is not allowed.";
                return Err(Refusal::new("invalid_parameter", message, "session.type"));
            }
            Some(_) => return Err(invalid("session.type", "expected 'realtime' or 'transcription'")),
            None => {
                let message = "Missing required parameter: 'session.type'.";
                return Err(Refusal::new("missing_required_parameter", message, "session.type"));
            }
        }
        known(fields, &SESSION, "session")?;
        only_audio(&session["output_modalities"], "session.output_modalities")?;
        let (mut voice, mut ulaw) = (self.voice.clone(), self.ulaw);
        if let Some(audio) = fields.get("audio") {
            known(object(audio, "session.audio")?, &["input", "output"], "session.audio")?;
            if let Some(output) = audio.get("output") {
                let at = "session.audio.output";
                known(object(output, at)?, &["format", "voice", "speed"], at)?;
                if let Some(name) = output.get("voice") {
                    let name = name.as_str().filter(|name| VOICES.contains(name));
                    let name = name.ok_or_else(|| invalid("session.audio.output.voice", "no such voice"))?;
                    name.clone_into(&mut voice);
                }
                let speed = output.get("speed").map_or(Some(1.0), Value::as_f64);
                if !speed.is_some_and(|speed| (0.25..=1.5).contains(&speed)) {
                    return Err(invalid("session.audio.output.speed", "expected a number from 0.25 to 1.5"));
                }
                if let Some(format) = output.get("format") {
                    ulaw = is_ulaw(format)?;
                }
            }
        }
        (self.voice, self.ulaw) = (voice, ulaw);
        if let Some(text) = session["instructions"].as_str() {
            text.clone_into(&mut self.instructions);
        }
        Ok(())
    }
}

fn is_ulaw(format: &Value) -> Result<bool, Refusal> {
    let at = "session.audio.output.format";
    let fields = object(format, at)?;
    match format["type"].as_str() {
        Some("audio/pcmu") => known(fields, &["type"], at).map(|()| true),
        Some("audio/pcm") => known(fields, &["type", "rate"], at).map(|()| false),
        _ => Err(invalid(&format!("{at}.type"), "the emulator makes 'audio/pcm' and 'audio/pcmu'")),
    }
}

fn only_audio(modalities: &Value, at: &str) -> Result<(), Refusal> {
    if modalities.is_null() || *modalities == json!(["audio"]) {
        return Ok(());
    }
    Err(invalid(at, "the emulator makes 'audio' only"))
}

/// A response that is asked for.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) text: String,
    pub(super) metadata: Value,
    /// It belongs to the session's conversation, which has one at a time.
    pub(super) in_conversation: bool,
    /// It was told to read, not to answer.
    reads: bool,
}

impl Ask {
    /// Reads the `response` of a `response.create`.
    pub(super) fn read(response: &Value, settings: &Settings, items: &[String]) -> Result<Self, Refusal> {
        let default = json!({});
        let response = if response.is_null() { &default } else { response };
        known(object(response, "response")?, &RESPONSE, "response")?;
        only_audio(&response["output_modalities"], "response.output_modalities")?;
        let in_conversation = match response["conversation"].as_str() {
            None | Some("auto") => true,
            Some("none") => false,
            Some(_) => return Err(invalid("response.conversation", "expected 'auto' or 'none'")),
        };
        let metadata = &response["metadata"];
        let short = |value: &Value| value.as_str().is_some_and(|value| value.len() <= 512);
        if !metadata.is_null() && !object(metadata, "response.metadata")?.values().all(short) {
            return Err(invalid("response.metadata", "expected strings of at most 512 characters"));
        }
        let text = match response["input"].as_array() {
            Some(input) => text_of(input.last().unwrap_or(&Value::Null))?,
            None => items.last().cloned().unwrap_or_default(),
        };
        // Those of the response stand in the place of the session's.
        let instructions = response["instructions"].as_str().unwrap_or(&settings.instructions);
        let reads = ["word for word", "verbatim"].iter().any(|words| instructions.contains(words));
        Ok(Self { text, metadata: metadata.clone(), in_conversation, reads })
    }

    /// What the model says.
    pub(super) fn spoken(&self) -> String {
        if self.reads { self.text.clone() } else { "I am an assistant. How can I help you?".to_owned() }
    }
}

/// The text of a user's message.
pub(super) fn text_of(item: &Value) -> Result<String, Refusal> {
    let content = &item["content"][0];
    match (item["type"].as_str(), item["role"].as_str(), content["type"].as_str(), content["text"].as_str()) {
        (Some("message"), Some("user"), Some("input_text"), Some(text)) => Ok(text.to_owned()),
        _ => Err(invalid("item", "the emulator takes a user's message with one 'input_text'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(output: &Value) -> Value {
        json!({"type": "realtime", "instructions": "Read it word for word.", "audio": {"output": output}})
    }

    #[test]
    fn a_configuration_is_merged_and_echoed() {
        let mut settings = Settings::new("gpt-realtime-2.1-mini".to_owned());
        settings.update(&session(&json!({"format": {"type": "audio/pcmu"}}))).unwrap();
        settings.update(&session(&json!({"voice": "cedar"}))).unwrap();
        let echoed = settings.as_json("sess_1", 7);
        assert_eq!(
            echoed["audio"]["output"],
            json!({"format": {"type": "audio/pcmu"}, "voice": "cedar", "speed": 1.0})
        );
        assert_eq!(echoed["instructions"], "Read it word for word.");
    }

    #[test]
    fn what_the_service_refuses_is_refused() {
        let cases = [
            (json!({"type": "transcription"}), "invalid_parameter"),
            (json!({"audio": {}}), "missing_required_parameter"),
            (json!({"type": "realtime", "voice": "marin"}), "unknown_parameter"),
            (session(&json!({"voice": "nova"})), "invalid_value"),
            (session(&json!({"speed": 2})), "invalid_value"),
            (session(&json!({"format": {"type": "audio/pcmu", "rate": 8000}})), "unknown_parameter"),
            (session(&json!({"format": "g711_ulaw"})), "invalid_type"),
        ];
        for (session, code) in cases {
            let mut settings = Settings::new(String::new());
            assert_eq!(settings.update(&session).expect_err(code).code, code, "{session}");
            assert!(!settings.ulaw && settings.voice == "alloy", "a refusal changes nothing");
        }
    }

    #[test]
    fn a_model_that_is_not_told_to_read_answers() {
        let mut settings = Settings::new(String::new());
        let input = json!([{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello?"}]}]);
        let ask = |settings: &Settings, more: Value| {
            let mut response = json!({"conversation": "none", "input": input});
            response.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Ask::read(&response, settings, &[]).unwrap().spoken()
        };
        assert_ne!(ask(&settings, json!({})), "Hello?");
        settings.update(&session(&json!({}))).unwrap();
        assert_eq!(ask(&settings, json!({})), "Hello?");
        assert_ne!(ask(&settings, json!({"instructions": "Be kind."})), "Hello?", "they replace the session's");
        let from_conversation = Ask::read(&Value::Null, &settings, &["Hello?".to_owned()]).unwrap();
        assert!(from_conversation.in_conversation && from_conversation.spoken() == "Hello?");
    }
}

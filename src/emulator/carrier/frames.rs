//! A media socket's dialect: what both carriers' frames have in common, and Twilio's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::world::World;
use super::Call;

/// One stream's frames, in one carrier's dialect.
pub(super) trait Frames: Send + Sync {
    /// `connected` and `start`.
    fn greeting(&mut self, call: &Call) -> [String; 2];
    /// The person's sound, `at` milliseconds since the beginning: the frames that arrive now.
    fn media(&mut self, sound: &[u8], at: u64) -> Vec<String>;
    /// A mark that comes back.
    fn mark(&mut self, name: &str) -> String;
    /// A key that was pressed.
    fn key(&mut self, key: char) -> String;
    /// The end.
    fn stop(&mut self) -> String;
    /// What is wrong with a message of the server's that is not wrong by itself; begins with the error's code.
    fn objection(&self, message: &Value) -> Option<&'static str>;
    /// What a message with so many bytes of sound is answered with, when it has too few or too many.
    fn complaint(&self, length: usize) -> Option<String>;
}

/// Media Streams.
pub(super) struct Twilio {
    sid: String,
    account: String,
    call: String,
    parameters: Vec<(String, String)>,
    /// The next `sequenceNumber`.
    sequence: u64,
    /// The last `media.chunk`.
    chunk: u64,
}

impl Twilio {
    pub(super) fn new(world: &World, call: &Call, sid: String, parameters: Vec<(String, String)>) -> Self {
        let account = world.config.account_sid.clone();
        Self { sid, account, call: call.sid.clone(), parameters, sequence: 1, chunk: 0 }
    }

    fn numbered(&mut self, mut event: Value) -> String {
        event["sequenceNumber"] = json!(self.sequence.to_string());
        event["streamSid"] = json!(self.sid);
        self.sequence += 1;
        event.to_string()
    }
}

impl Frames for Twilio {
    fn greeting(&mut self, _: &Call) -> [String; 2] {
        let custom: serde_json::Map<String, Value> =
            self.parameters.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let start = json!({"event": "start", "start": {"accountSid": self.account, "streamSid": self.sid, "callSid": self.call,
            "tracks": ["inbound"], "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": custom}});
        let connected = json!({"event": "connected", "protocol": "Call", "version": "1.0.0"}).to_string();
        [connected, self.numbered(start)]
    }

    fn media(&mut self, sound: &[u8], at: u64) -> Vec<String> {
        self.chunk += 1;
        // Written by hand: this is fifty messages a second for each call, and most of what an emulated hour costs.
        let message = format!(
            r#"{{"event":"media","sequenceNumber":"{}","media":{{"track":"inbound","chunk":"{}","timestamp":"{at}","payload":"{}"}},"streamSid":"{}"}}"#,
            self.sequence,
            self.chunk,
            STANDARD.encode(sound),
            self.sid
        );
        self.sequence += 1;
        vec![message]
    }

    fn mark(&mut self, name: &str) -> String {
        self.numbered(json!({"event": "mark", "mark": {"name": name}}))
    }

    fn key(&mut self, key: char) -> String {
        self.numbered(json!({"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": key.to_string()}}))
    }

    fn stop(&mut self) -> String {
        self.numbered(json!({"event": "stop", "stop": {"accountSid": self.account, "callSid": self.call}}))
    }

    fn objection(&self, message: &Value) -> Option<&'static str> {
        (message["streamSid"].as_str() != Some(self.sid.as_str())).then_some("31950 a message for another stream")
    }

    /// Twilio takes any length.
    fn complaint(&self, _: usize) -> Option<String> {
        None
    }
}

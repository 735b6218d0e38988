//! The frames of Telnyx's media socket.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::Call;
use super::super::frames::Frames;
use super::scatter::Scatter;
use crate::emulator::FRAME;
use crate::emulator::faults::Fault;
use crate::emulator::world::World;

/// What one message of the server's may hold: 20 ms to 30 s.
const TAKEN: std::ops::RangeInclusive<usize> = FRAME..=30 * 8_000;

/// Whose account it is, by a name that appears nowhere else.
const USER: &str = "3e6f995f-85f7-4705-9741-53b116d28237";

/// A stream in Telnyx's dialect.
pub(in crate::emulator::carrier) struct Telnyx {
    /// `stream_id`.
    id: String,
    call: String,
    /// The next `sequence_number`.
    sequence: u64,
    /// The last `chunk`.
    chunk: u64,
    scatter: Scatter,
}

impl Telnyx {
    pub(in crate::emulator::carrier) fn new(world: &World, call: &Call) -> Self {
        let scattered = world.faults.strike(|fault| match fault {
            Fault::FramesScattered { late, lost, twice } => Some((*late, *lost, *twice)),
            _ => None,
        });
        Self {
            id: world.sid("stream-"),
            call: call.sid.clone(),
            sequence: 1,
            chunk: 0,
            scatter: Scatter::new(scattered.unwrap_or_default()),
        }
    }

    fn numbered(&mut self, mut event: Value) -> String {
        event["sequence_number"] = json!(self.sequence.to_string());
        event["stream_id"] = json!(self.id);
        self.sequence += 1;
        event.to_string()
    }
}

impl Frames for Telnyx {
    fn greeting(&mut self, call: &Call) -> [String; 2] {
        let client_state = call.dial.events().and_then(|events| events.client_state.clone());
        let start = json!({"user_id": USER, "call_control_id": self.call,
            "call_session_id": format!("session-{}", call.number), "from": call.dial.from.reveal(), "to": call.dial.to.reveal(),
            "tags": [], "client_state": client_state,
            "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1}});
        let connected = json!({"event": "connected", "version": "1.0.0"}).to_string();
        [connected, self.numbered(json!({"event": "start", "start": start}))]
    }

    fn media(&mut self, sound: &[u8], at: u64) -> Vec<String> {
        self.chunk += 1;
        // Written by hand, as at Twilio's.
        let message = format!(
            r#"{{"event":"media","sequence_number":"{}","media":{{"track":"inbound","chunk":"{}","timestamp":"{at}","payload":"{}"}},"stream_id":"{}"}}"#,
            self.sequence,
            self.chunk,
            STANDARD.encode(sound),
            self.id
        );
        self.sequence += 1;
        self.scatter.send(message)
    }

    fn mark(&mut self, name: &str) -> String {
        self.numbered(json!({"event": "mark", "mark": {"name": name}}))
    }

    fn key(&mut self, key: char) -> String {
        self.numbered(json!({"event": "dtmf", "dtmf": {"digit": key.to_string()}}))
    }

    fn stop(&mut self) -> String {
        self.numbered(json!({"event": "stop", "stop": {"user_id": USER, "call_control_id": self.call}}))
    }

    /// No message needs to name its stream.
    fn objection(&self, _: &Value) -> Option<&'static str> {
        None
    }

    fn complaint(&self, length: usize) -> Option<String> {
        if TAKEN.contains(&length) {
            return None;
        }
        let payload = json!({"code": 100_004, "title": "invalid_media", "detail": format!("{length} bytes")});
        Some(json!({"event": "error", "payload": payload, "stream_id": self.id}).to_string())
    }
}

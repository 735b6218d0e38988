//! A response in the making: its sound faster than real time, its words, its end.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::audio::mulaw::{self, PER_MS};
use crate::emulator::faults::Fault;
use crate::emulator::timeline::What;
use crate::emulator::world::World;

/// About 100 ms of µ-law.
const PIECE: usize = 801;
/// Bytes of 24 kHz PCM for each of µ-law: what faults and the timeline count in.
const PCM: usize = 6;
/// The most tokens that a response may have; sound takes 20 a second, text about one for four letters.
const MOST_TOKENS: usize = 4096;
const TOKEN: usize = 50 * PER_MS;

/// What is said.
pub(super) struct Said {
    pub(super) spoken: String,
    pub(super) sound: Arc<[u8]>,
    /// Sent as µ-law; else as 24 kHz PCM.
    pub(super) ulaw: bool,
}

/// A response in the making.
pub(super) struct Response<'a> {
    world: &'a World,
    /// Counted with those of the speech endpoint.
    pub(super) request: usize,
    pub(super) in_conversation: bool,
    /// The `response` object of its events.
    head: Value,
    said: Said,
    began: Instant,
    sent: usize,
    /// Where it ends without an end of the sound, and as what.
    ends: Option<(usize, &'static str, &'static str)>,
    cut: Option<usize>,
    stall: Option<usize>,
    endless: bool,
    over: bool,
}

impl<'a> Response<'a> {
    pub(super) fn new(world: &'a World, request: usize, head: Value, said: Said, in_conversation: bool) -> Self {
        let faults = &world.faults;
        let tokens = MOST_TOKENS.saturating_sub(said.spoken.chars().count() / 4);
        Self {
            cut: faults.strike(|f| if let Fault::SpeechCut { after } = f { Some(*after / PCM) } else { None }),
            stall: faults.strike(|f| if let Fault::SpeechStalled { after } = f { Some(*after / PCM) } else { None }),
            endless: faults.strikes(&Fault::SpeechEndless),
            ends: Some((tokens * TOKEN, "incomplete", "max_output_tokens")),
            began: Instant::now() + world.config.speech_delay,
            world,
            request,
            in_conversation,
            head,
            said,
            sent: 0,
            over: false,
        }
    }

    pub(super) fn id(&self) -> &str {
        self.head["id"].as_str().unwrap_or_default()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    pub(super) fn is_cancelled(&self) -> bool {
        matches!(self.ends, Some((_, "cancelled", _)))
    }

    /// It is not wanted any more; goes on for so many bytes of PCM.
    pub(super) fn cancel(&mut self, late: usize) {
        self.ends = Some((self.sent + late / PCM, "cancelled", "client_cancelled"));
    }

    /// When it goes on; `None` for one that has stalled.
    pub(super) fn wake(&self) -> Option<Instant> {
        if self.stall.is_some_and(|stall| self.sent >= stall) && !self.is_cancelled() {
            return None;
        }
        let made = Duration::from_millis(u64::try_from(self.sent / PER_MS).unwrap_or(u64::MAX));
        Some(self.began + made.div_f64(self.world.config.speech_rate))
    }

    /// Whether the socket breaks here.
    pub(super) fn breaks(&self) -> bool {
        self.cut.is_some_and(|cut| self.sent >= cut)
    }

    /// The next events.
    pub(super) fn go_on(&mut self) -> Vec<(&'static str, Value)> {
        let at = self.sent % self.said.sound.len();
        if let Some((_, status, reason)) = self.ends.filter(|(end, ..)| self.sent >= *end) {
            return self.end(status, json!({"type": status, "reason": reason}));
        }
        if at == 0 && self.sent > 0 && !self.endless {
            return self.end("completed", Value::Null);
        }
        let mut events = Vec::new();
        if self.sent == 0 {
            self.world.note(What::SpeechBegan { request: self.request });
            let place = self.place();
            events.push((
                "response.output_item.added",
                json!({"response_id": self.id(), "output_index": 0,
                "item": {"id": place["item_id"], "type": "message", "status": "in_progress", "role": "assistant"}}),
            ));
            events.push(("response.content_part.added", place.clone()));
            let mut words = place;
            words["delta"] = json!(self.said.spoken);
            events.push(("response.output_audio_transcript.delta", words));
        }
        let limits = [self.cut, self.stall, self.ends.map(|(end, ..)| end)];
        let limit = limits.into_iter().flatten().min().unwrap_or(usize::MAX);
        let piece = &self.said.sound[at..self.said.sound.len().min(at + PIECE.min(limit - self.sent))];
        let mut delta = self.place();
        delta["delta"] = json!(STANDARD.encode(if self.said.ulaw { piece.to_vec() } else { pcm(piece) }));
        self.sent += piece.len();
        events.push(("response.output_audio.delta", delta));
        events
    }

    fn end(&mut self, status: &str, details: Value) -> Vec<(&'static str, Value)> {
        self.over = true;
        let (place, mut words) = (self.place(), self.place());
        words["transcript"] = json!(self.said.spoken);
        self.head["status"] = json!(status);
        self.head["status_details"] = details;
        vec![
            ("response.output_audio.done", place.clone()),
            ("response.output_audio_transcript.done", words),
            ("response.content_part.done", place),
            ("response.output_item.done", json!({"response_id": self.id(), "output_index": 0})),
            ("response.done", json!({"response": self.head})),
        ]
    }

    /// Where the sound belongs.
    fn place(&self) -> Value {
        json!({"response_id": self.id(), "item_id": format!("item_{}", self.id()), "output_index": 0, "content_index": 0})
    }
}

impl Drop for Response<'_> {
    fn drop(&mut self) {
        let whole = self.head["status"] == "completed";
        self.world.note(What::SpeechEnded { request: self.request, bytes: self.sent * PCM, whole });
    }
}

/// µ-law as 24 kHz PCM, each sample three times: good enough for a client that asks for it by mistake to hear so.
fn pcm(ulaw: &[u8]) -> Vec<u8> {
    let mut samples = Vec::new();
    mulaw::decode(ulaw, &mut samples);
    samples.iter().flat_map(|sample| [sample.to_le_bytes(); 3].concat()).collect()
}

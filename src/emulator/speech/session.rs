//! One transcription session as a value: client events in, server events out, each with its delay.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Era;
use super::settings::{Format, Refusal, Settings, is_live};
use super::vad::{Change, Vad};
use crate::audio::mulaw::{self, PER_MS};
use crate::emulator::faults::{Fault, Faults};
use crate::emulator::timeline::Hearing;

/// Kept before speech beyond the prefix padding: what it takes to notice that it began.
const LOOK_BACK_MS: usize = 500;
/// A live model looks for new words each time this much has come.
const LIVE_STEP: usize = 400 * PER_MS;

/// An event to send.
#[derive(Debug)]
pub(super) struct Out {
    /// How long after now.
    pub(super) after: Duration,
    pub(super) event: Value,
    /// What it means, for the timeline.
    pub(super) note: Option<Hearing>,
}

/// What a session needs from outside.
pub(super) struct Ears<'a> {
    /// Words for µ-law.
    pub(super) recognise: &'a (dyn Fn(&[u8]) -> String + Sync),
    pub(super) faults: &'a Faults,
    /// Which models there are.
    pub(super) era: Era,
    /// How long a transcript takes.
    pub(super) delay: Duration,
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    id: String,
    expires_at: i64,
    settings: Settings,
    /// What came since the last commit, as µ-law. Three versions when it came as 24 kHz PCM: every third sample, from each offset,
    /// because an interpolated signal holds the original samples at one of them.
    audio: [Vec<u8>; 3],
    /// PCM bytes and samples so far, to carry halves and to deal samples out.
    half: Option<u8>,
    samples: usize,
    /// Where `audio[0]` begins, in bytes since the session began.
    base: usize,
    vad: Option<Vad>,
    /// The stretch being spoken: its item, and where it began.
    speaking: Option<(String, usize)>,
    last_item: Option<String>,
    items: usize,
    events: usize,
    /// A live model's item to come: its name and the words sent so far, and how much sound had been looked at.
    live: Option<(String, String)>,
    looked: usize,
}

impl Session {
    /// `id` also names the items, so that they differ between sessions.
    pub(super) fn new(id: String, expires_at: i64) -> Self {
        let settings = Settings::default();
        let vad = vad(&settings, 0);
        Self {
            id,
            expires_at,
            settings,
            audio: Default::default(),
            half: None,
            samples: 0,
            base: 0,
            vad,
            speaking: None,
            last_item: None,
            items: 0,
            events: 0,
            live: None,
            looked: 0,
        }
    }

    /// The first event.
    pub(super) fn created(&mut self) -> Out {
        let session = self.settings.as_json(&self.id, self.expires_at);
        self.out("session.created", json!({"session": session}), None)
    }

    /// Takes one text frame of the client.
    pub(super) fn receive(&mut self, text: &str, ears: &Ears<'_>) -> Vec<Out> {
        let event: Value = match serde_json::from_str(text) {
            Ok(event) => event,
            Err(_) => {
                return vec![
                    self.error(&Refusal::new("invalid_json", "The event is not valid JSON.", ""), &Value::Null),
                ];
            }
        };
        let answer = match event["type"].as_str() {
            Some("session.update") => self.update(&event["session"], ears),
            Some("input_audio_buffer.append") => self.append(&event["audio"], ears),
            Some("input_audio_buffer.commit") => self.commit(ears),
            Some("input_audio_buffer.clear") => {
                self.empty();
                Ok(vec![self.out("input_audio_buffer.cleared", json!({}), None)])
            }
            Some(other) => {
                let message = format!(
                    "Invalid value: '{other}'. Supported values are: 'session.update', \
                    'input_audio_buffer.append', 'input_audio_buffer.commit', 'input_audio_buffer.clear'."
                );
                Err(Refusal::new("invalid_value", message, "type"))
            }
            None => Err(Refusal::new("invalid_event", "The 'type' field is missing.", "")),
        };
        answer.unwrap_or_else(|refusal| vec![self.error(&refusal, &event["event_id"])])
    }

    /// An `error` event.
    pub(super) fn error(&mut self, refusal: &Refusal, cause: &Value) -> Out {
        let error = json!({"type": "invalid_request_error", "code": refusal.code, "message": refusal.message,
            "param": refusal.param, "event_id": cause});
        self.out("error", json!({"error": error}), Some(Hearing::Refused(refusal.code.to_owned())))
    }

    fn update(&mut self, session: &Value, ears: &Ears<'_>) -> Result<Vec<Out>, Refusal> {
        if let Some(code) =
            ears.faults.strike(|f| if let Fault::HearingError { code } = f { Some(*code) } else { None })
        {
            return Err(Refusal::new(code, "The session could not be configured.", "session"));
        }
        let format = self.settings.format;
        self.settings.update(session, ears.era)?;
        if self.settings.format != format {
            self.empty();
        }
        self.vad = vad(&self.settings, self.end());
        self.speaking = None;
        let session = self.settings.as_json(&self.id, self.expires_at);
        let model = self.settings.model.clone().unwrap_or_default();
        Ok(vec![self.out("session.updated", json!({"session": session}), Some(Hearing::Configured(model)))])
    }

    fn append(&mut self, audio: &Value, ears: &Ears<'_>) -> Result<Vec<Out>, Refusal> {
        let bytes = audio.as_str().and_then(|text| STANDARD.decode(text).ok()).ok_or_else(|| {
            Refusal::new("invalid_value", "Invalid 'audio'. Expected base64-encoded audio bytes.", "audio")
        })?;
        let from = self.audio[0].len();
        self.take(&bytes);
        let changes = match &mut self.vad {
            Some(vad) => vad.push(&self.audio[0][from..]),
            None => return Ok(self.listen_live(ears)),
        };
        let mut outs = Vec::new();
        for change in changes {
            match change {
                Change::Started(at) => {
                    let prefix = self.settings.turns.map_or(0, |turns| turns.prefix_ms * PER_MS);
                    let began = at.saturating_sub(prefix).max(self.base);
                    let item = self.next_item();
                    let start = json!({"audio_start_ms": began / PER_MS, "item_id": item});
                    outs.push(self.out("input_audio_buffer.speech_started", start, Some(Hearing::SpeechStarted)));
                    self.speaking = Some((item, began));
                }
                Change::Stopped(at) => {
                    let Some((item, began)) = self.speaking.take() else { continue };
                    let stop = json!({"audio_end_ms": at / PER_MS, "item_id": item});
                    outs.push(self.out("input_audio_buffer.speech_stopped", stop, Some(Hearing::SpeechStopped)));
                    let text = self.words(began, at, ears);
                    self.forget(at);
                    outs.extend(self.item(&item, text, ears));
                }
            }
        }
        if self.speaking.is_none() {
            let keep = (self.settings.turns.map_or(0, |t| t.prefix_ms) + LOOK_BACK_MS) * PER_MS;
            self.forget(self.end().saturating_sub(keep));
        }
        Ok(outs)
    }

    /// A live model sends words while they are spoken, for the item that the next commit makes.
    fn listen_live(&mut self, ears: &Ears<'_>) -> Vec<Out> {
        let live = self.settings.model.as_deref().is_some_and(is_live);
        if !live || self.audio[0].len() < self.looked + LIVE_STEP {
            return Vec::new();
        }
        self.looked = self.audio[0].len();
        let text = self.words(self.base, self.end(), ears);
        let (item, sent) = self.live.take().unwrap_or_else(|| (self.next_item(), String::new()));
        let new = text.strip_prefix(sent.as_str()).filter(|new| !new.is_empty()).map(str::to_owned);
        let outs = new.iter().map(|new| self.delta(&item, new)).collect();
        self.live = Some((item, if new.is_some() { text } else { sent }));
        outs
    }

    fn commit(&mut self, ears: &Ears<'_>) -> Result<Vec<Out>, Refusal> {
        let bytes = self.audio[0].len();
        if bytes < 100 * PER_MS {
            let had = format!("{}.{:02}", bytes / PER_MS, bytes % PER_MS * 100 / PER_MS);
            let message = format!(
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, but buffer only has {had}ms of audio."
            );
            return Err(Refusal::new("input_audio_buffer_commit_empty", message, ""));
        }
        let item = self.speaking.take().map(|(item, _)| item).or_else(|| self.live.take().map(|(item, _)| item));
        let item = item.unwrap_or_else(|| self.next_item());
        let text = self.words(self.base, self.end(), ears);
        self.empty();
        Ok(self.item(&item, text, ears))
    }

    /// What follows a commit.
    fn item(&mut self, item: &str, text: String, ears: &Ears<'_>) -> Vec<Out> {
        let before = self.last_item.replace(item.to_owned());
        let content = json!({"id": item, "type": "message", "role": "user", "status": "completed",
            "content": [{"type": "input_audio", "transcript": null}]});
        let link = json!({"previous_item_id": before, "item_id": item});
        let added = json!({"previous_item_id": before, "item": content});
        let mut outs = vec![
            self.out("input_audio_buffer.committed", link, Some(Hearing::Committed)),
            self.out("conversation.item.added", added.clone(), None),
            self.out("conversation.item.done", added, None),
        ];
        let late = ears.faults.strike(|f| if let Fault::FinalDelayed(by) = f { Some(*by) } else { None });
        let after = ears.delay + late.unwrap_or_default();
        let text = if ears.faults.strikes(&Fault::FinalEmpty) { String::new() } else { text };
        if ears.faults.strikes(&Fault::FinalFailed) {
            let message = format!("Input transcription failed for item '{item}'.");
            let error = json!({"type": "server_error", "code": null, "message": message, "param": null});
            let body = json!({"item_id": item, "content_index": 0, "error": error});
            let kind = "conversation.item.input_audio_transcription.failed";
            outs.push(Out { after, ..self.out(kind, body, Some(Hearing::Failed)) });
            return outs;
        }
        if !text.is_empty() && !self.settings.model.as_deref().is_some_and(is_live) {
            outs.push(Out { after, ..self.delta(item, &text) });
        }
        let words = text.split_whitespace().count();
        let body = json!({"item_id": item, "content_index": 0, "transcript": text,
            "usage": {"type": "tokens", "total_tokens": words + 10, "input_tokens": 10,
                "input_token_details": {"text_tokens": 0, "audio_tokens": 10}, "output_tokens": words}});
        let kind = "conversation.item.input_audio_transcription.completed";
        outs.push(Out { after, ..self.out(kind, body, Some(Hearing::Transcript(text))) });
        outs
    }

    fn delta(&mut self, item: &str, text: &str) -> Out {
        let body = json!({"item_id": item, "content_index": 0, "delta": text, "obfuscation": "aLxx0j"});
        self.out("conversation.item.input_audio_transcription.delta", body, None)
    }

    fn out(&mut self, kind: &str, mut body: Value, note: Option<Hearing>) -> Out {
        self.events += 1;
        body["type"] = json!(kind);
        body["event_id"] = json!(format!("event_{}", self.events));
        Out { after: Duration::ZERO, event: body, note }
    }

    fn next_item(&mut self) -> String {
        self.items += 1;
        format!("item_{}_{}", self.id, self.items)
    }

    /// Adds sound in the session's format.
    fn take(&mut self, bytes: &[u8]) {
        match self.settings.format {
            Format::Pcmu => self.audio[0].extend_from_slice(bytes),
            Format::Pcma => {
                self.audio[0].extend(bytes.iter().map(|b| audio_codec_algorithms::convert_alaw_to_ulaw(*b)));
            }
            Format::Pcm => {
                for byte in bytes {
                    match self.half.take() {
                        None => self.half = Some(*byte),
                        Some(low) => {
                            mulaw::encode(&[i16::from_le_bytes([low, *byte])], &mut self.audio[self.samples % 3]);
                            self.samples += 1;
                        }
                    }
                }
            }
        }
    }

    /// The words between two places.
    fn words(&self, from: usize, to: usize, ears: &Ears<'_>) -> String {
        let part = |audio: &Vec<u8>| {
            let (from, to) = (from - self.base, (to - self.base).min(audio.len()));
            (ears.recognise)(&audio[from.min(to)..to])
        };
        self.audio.iter().filter(|audio| !audio.is_empty()).map(part).max_by_key(String::len).unwrap_or_default()
    }

    /// Where the sound that came so far ends.
    fn end(&self) -> usize {
        self.base + self.audio[0].len()
    }

    /// Drops the sound before a place.
    fn forget(&mut self, before: usize) {
        let count = before.saturating_sub(self.base).min(self.audio[0].len());
        for audio in &mut self.audio {
            audio.drain(..count.min(audio.len()));
        }
        self.base += count;
    }

    /// Drops all sound, and begins to listen anew.
    fn empty(&mut self) {
        self.forget(self.end());
        self.audio.iter_mut().for_each(Vec::clear);
        (self.half, self.samples) = (None, 0);
        self.vad = vad(&self.settings, self.base);
        (self.speaking, self.live, self.looked) = (None, None, 0);
    }
}

fn vad(settings: &Settings, at: usize) -> Option<Vad> {
    settings.turns.map(|turns| Vad::new(turns.threshold, turns.silence_ms, at))
}

#[cfg(test)]
mod tests;

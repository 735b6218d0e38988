//! `GET /v1/realtime?model=…`: a session that answers by voice. The emulator's model reads what it is given when it is told to,
//! word for word, and otherwise answers as a model does.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use axum::extract::ws::{Message, WebSocket};
use axum::http::{HeaderMap, header};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::realtime::{LIFETIME, close};
use super::settings::Refusal;
use crate::emulator::faults::Fault;
use crate::emulator::timeline::{Voicing, What};
use crate::emulator::voice::{self, Speaker};
use crate::emulator::world::World;

mod request;
mod response;

use request::{Ask, Settings};
use response::{Response, Said};

/// Serves one socket.
pub(super) async fn run(world: &World, socket: WebSocket, model: String, headers: &HeaderMap) {
    let number = world.counts.voicing.fetch_add(1, Ordering::Relaxed) + 1;
    let key = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut speaking = Speaking {
        world,
        socket,
        number,
        key: key.to_owned(),
        id: format!("sess_voice_{number}"),
        settings: Settings::new(model),
        items: Vec::new(),
        responses: Vec::new(),
        due: VecDeque::new(),
        events: 0,
    };
    speaking.note(Voicing::Opened);
    if world.faults.strikes(&Fault::VoiceDeaf) {
        while let Some(Ok(_)) = speaking.socket.recv().await {}
    } else {
        speaking.serve().await;
    }
    speaking.responses.clear();
    speaking.note(Voicing::Closed);
}

struct Speaking<'a> {
    world: &'a World,
    socket: WebSocket,
    number: usize,
    /// What a fault quotes at its worst.
    key: String,
    id: String,
    settings: Settings,
    /// The user's messages in the conversation.
    items: Vec<String>,
    /// Those in the making.
    responses: Vec<Response<'a>>,
    /// Events to send before anything else.
    due: VecDeque<Value>,
    events: usize,
}

/// The socket is gone, or is to be.
struct Gone;

impl Speaking<'_> {
    async fn serve(&mut self) {
        let ends = Instant::now() + LIFETIME;
        let session = self.settings.as_json(&self.id, (self.world.now() + LIFETIME).as_second());
        self.send("session.created", json!({"session": session}));
        while self.flush().await.is_ok() {
            let wake = self.responses.iter().filter_map(Response::wake).min().map_or(ends, |at| at.min(ends));
            let text = tokio::select! {
                biased;
                message = self.socket.recv() => match message {
                    Some(Ok(Message::Text(text))) => text,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => continue,
                },
                () = tokio::time::sleep_until(wake) => {
                    if Instant::now() >= ends {
                        return self.expire().await;
                    }
                    if self.go_on().is_err() {
                        return;
                    }
                    continue;
                }
            };
            let event: Value = serde_json::from_str(&text).unwrap_or_default();
            match self.receive(&event).await {
                Ok(Ok(())) => {}
                Ok(Err(refusal)) => self.error(&refusal, "invalid_request_error", &event["event_id"]),
                Err(Gone) => return,
            }
        }
    }

    async fn receive(&mut self, event: &Value) -> Result<Result<(), Refusal>, Gone> {
        Ok(match event["type"].as_str() {
            Some("session.update") => self.update(&event["session"]),
            Some("conversation.item.create") => request::text_of(&event["item"]).map(|text| self.add(text)),
            Some("response.create") => return self.respond(event).await,
            Some("response.cancel") => self.cancel(&event["response_id"]),
            Some(other) => Err(Refusal::new("invalid_value", format!("Invalid value: '{other}'."), "type")),
            None => Err(Refusal::new("invalid_event", "The 'type' field is missing.", "")),
        })
    }

    fn update(&mut self, session: &Value) -> Result<(), Refusal> {
        let fault = |fault: &Fault| if let Fault::VoiceError { code } = fault { Some(*code) } else { None };
        if let Some(code) = self.world.faults.strike(fault) {
            return Err(Refusal::new(code, "The session could not be configured.", "session"));
        }
        self.settings.update(session)?;
        let session = self.settings.as_json(&self.id, (self.world.now() + LIFETIME).as_second());
        self.note(Voicing::Configured(self.settings.voice.clone()));
        self.send("session.updated", json!({"session": session}));
        Ok(())
    }

    fn add(&mut self, text: String) {
        self.items.push(text.clone());
        let item = json!({"id": format!("item_{}_{}", self.id, self.items.len()), "type": "message", "role": "user",
            "status": "completed", "content": [{"type": "input_text", "text": text}]});
        for kind in ["conversation.item.added", "conversation.item.done"] {
            self.send(kind, json!({"previous_item_id": null, "item": item}));
        }
    }

    async fn respond(&mut self, event: &Value) -> Result<Result<(), Refusal>, Gone> {
        let world = self.world;
        if world.faults.strikes(&Fault::VoiceDropped) {
            return Err(Gone);
        }
        let request = world.counts.speech.fetch_add(1, Ordering::Relaxed) + 1;
        let refused = |status| world.note(What::SpeechAsked { request, text: String::new(), status });
        let fault =
            |f: &Fault| if let Fault::SpeechRefused { status, code } = f { Some((*status, *code)) } else { None };
        let fault = world.faults.strike(fault);
        if let Some((status, code)) = fault.filter(|(status, _)| *status != 404) {
            refused(status);
            let message = format!("The request was refused: {} {event}", self.key);
            let kind = if status >= 500 { "server_error" } else { "invalid_request_error" };
            self.error(&Refusal::new(code, message, ""), kind, &event["event_id"]);
            return Ok(Ok(()));
        }
        let ask = match Ask::read(&event["response"], &self.settings, &self.items) {
            Ok(ask) => ask,
            Err(refusal) => {
                refused(400);
                return Ok(Err(refusal));
            }
        };
        if ask.in_conversation && self.responses.iter().any(|response| response.in_conversation) {
            refused(400);
            let message = "Conversation already has an active response in progress.";
            return Ok(Err(Refusal::new("conversation_already_has_active_response", message, "")));
        }
        let id = format!("resp_{}_{request}", self.id);
        let mut head = json!({"object": "realtime.response", "id": id, "status": "in_progress", "status_details": null,
            "output": [], "conversation_id": null, "output_modalities": ["audio"], "max_output_tokens": "inf",
            "audio": self.settings.output(), "usage": null, "metadata": ask.metadata});
        self.send("response.created", json!({"response": head}));
        // A model that is gone is told where it was to speak, not where the session was opened.
        let gone =
            fault.map(|(_, code)| code).or((!world.era().offers(&self.settings.model)).then_some("model_not_found"));
        if let Some(code) = gone {
            refused(404);
            head["status"] = json!("failed");
            head["status_details"] = json!({"type": "failed", "error": {"type": "invalid_request_error", "code": code,
                "message": super::no_such_model(&self.settings.model)}});
            self.send("response.done", json!({"response": head}));
            return Ok(Ok(()));
        }
        let reworded = |f: &Fault| if let Fault::SpeechReworded(words) = f { Some(*words) } else { None };
        let spoken = world.faults.strike(reworded).map_or_else(|| ask.spoken(), str::to_owned);
        let sound = voice::ulaw(&world.config.voice.say(Speaker::Agent, &spoken).await);
        world.phrases.lock().expect("no holder of the lock panics").learn(&spoken, &sound);
        world.note(What::SpeechAsked { request, text: ask.text, status: 200 });
        let said = Said { spoken, sound, ulaw: self.settings.ulaw };
        self.responses.push(Response::new(world, request, head, said, ask.in_conversation));
        Ok(Ok(()))
    }

    fn cancel(&mut self, id: &Value) -> Result<(), Refusal> {
        let at = self.responses.iter().position(|response| match id.as_str() {
            Some(id) => response.id() == id,
            None => response.in_conversation,
        });
        let Some(response) = at.and_then(|at| self.responses.get_mut(at)).filter(|response| !response.is_cancelled())
        else {
            let message = "Cancellation failed: no active response found";
            return Err(Refusal::new("response_cancel_not_active", message, ""));
        };
        let late = |f: &Fault| if let Fault::SpeechStopsLate { by } = f { Some(*by) } else { None };
        response.cancel(self.world.faults.strike(late).unwrap_or_default());
        let request = response.request;
        self.note(Voicing::Cancelled(request));
        Ok(())
    }

    /// Sends what is due of the responses.
    fn go_on(&mut self) -> Result<(), Gone> {
        let now = Instant::now();
        let mut sent = Vec::new();
        for response in self.responses.iter_mut().filter(|response| response.wake().is_some_and(|at| at <= now)) {
            if response.breaks() {
                return Err(Gone);
            }
            sent.extend(response.go_on());
        }
        self.responses.retain(|response| !response.is_over());
        for (kind, body) in sent {
            self.send(kind, body);
        }
        Ok(())
    }

    async fn expire(&mut self) {
        let reason = "Your session hit the maximum duration of 60 minutes.";
        self.error(&Refusal::new("session_expired", reason, ""), "invalid_request_error", &Value::Null);
        let _ = self.flush().await;
        close(&mut self.socket, 1001, reason).await;
    }

    fn error(&mut self, refusal: &Refusal, kind: &str, cause: &Value) {
        let error = json!({"type": kind, "code": refusal.code, "message": refusal.message, "param": refusal.param,
            "event_id": cause});
        self.note(Voicing::Refused(refusal.code.to_owned()));
        self.send("error", json!({"error": error}));
    }

    fn send(&mut self, kind: &str, mut body: Value) {
        self.events += 1;
        body["type"] = json!(kind);
        body["event_id"] = json!(format!("event_{}", self.events));
        self.due.push_back(body);
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        while let Some(event) = self.due.pop_front() {
            self.socket.send(Message::text(event.to_string())).await.map_err(|_| Gone)?;
        }
        Ok(())
    }

    fn note(&self, what: Voicing) {
        self.world.note(What::Voicing { socket: self.number, what });
    }
}

//! `GET /v1/realtime`: the socket around a [`Session`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::time::Instant;

use super::session::{Ears, Out, Session};
use super::settings::{Refusal, is_transcription_model};
use super::{Refused, authorise, speaking};
use crate::emulator::faults::Fault;
use crate::emulator::timeline::{Hearing, What};
use crate::emulator::world::World;

/// The longest a session may last.
pub(super) const LIFETIME: Duration = Duration::from_hours(1);

/// What kind of socket the URL and the headers ask for.
enum Kind {
    Transcription,
    /// With this model.
    Conversation(String),
    /// Refused after the upgrade, with this close code.
    Refused(Refusal, u16),
}

/// Upgrades to a session, or refuses to.
pub(super) async fn open(
    State(world): State<Arc<World>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if let Err(refusal) = authorise(&world, &headers) {
        return refusal.into_response();
    }
    let kind = kind(query.as_deref().unwrap_or(""), &headers);
    let refused = world.faults.strike(|fault| match (fault, &kind) {
        (Fault::HearingRefused { status }, Kind::Transcription | Kind::Refused(..)) => {
            Some((*status, "invalid_api_key"))
        }
        (Fault::VoiceRefused { status, code }, Kind::Conversation(_)) => Some((*status, *code)),
        _ => None,
    });
    if let Some((status, code)) = refused {
        return Refused::fault(status, code, &headers, b"").into_response();
    }
    upgrade.on_upgrade(move |socket| async move {
        let stop = world.stop.clone();
        let served = async {
            match kind {
                Kind::Conversation(model) => speaking::run(&world, socket, model, &headers).await,
                kind => run(world, socket, kind).await,
            }
        };
        stop.run_until_cancelled_owned(served).await;
    })
}

fn kind(query: &str, headers: &HeaderMap) -> Kind {
    let value =
        |name: &str| form_urlencoded::parse(query.as_bytes()).find(|(n, _)| n == name).map(|(_, v)| v.into_owned());
    let refused = |code, message: &str, param, close| Kind::Refused(Refusal::new(code, message, param), close);
    if headers.contains_key("openai-beta") {
        let message = "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API.";
        return refused("beta_api_shape_disabled", message, "", 4000);
    }
    match (value("intent").as_deref(), value("model")) {
        (Some("transcription"), Some(_)) => {
            let message = "You must not provide a model parameter for transcription sessions.";
            refused("invalid_model", message, "model", 4000)
        }
        (Some("transcription"), None) => Kind::Transcription,
        (_, None) => refused("missing_model", "You must provide a model parameter.", "model", 4000),
        (_, Some(model)) if is_transcription_model(&model) => {
            let message =
                format!("Model \"{model}\" is a transcription model and cannot be used as the realtime session model.");
            refused("invalid_model", &message, "model", 4000)
        }
        (_, Some(model)) => Kind::Conversation(model),
    }
}

async fn run(world: Arc<World>, mut socket: WebSocket, kind: Kind) {
    let number = world.counts.hearing.fetch_add(1, Ordering::Relaxed) + 1;
    let note = |what| world.note(What::Hearing { socket: number, what });
    note(Hearing::Opened);
    let deaf = world.faults.strikes(&Fault::HearingDeaf);
    let expires_at = world.now().as_second() + LIFETIME.as_secs().cast_signed();
    let mut session = Session::new(format!("sess_{number}"), expires_at);
    match kind {
        Kind::Transcription => {
            let drop_after =
                world.faults.strike(|f| if let Fault::HearingDropped { after } = f { Some(*after) } else { None });
            let mute = world.faults.strikes(&Fault::HearingMute);
            let socket = Socket { wire: socket, due: BTreeMap::new(), sent: 0, deaf, mute };
            transcribe(&world, socket, &mut session, drop_after, note).await;
        }
        // Served elsewhere.
        Kind::Conversation(_) => {}
        Kind::Refused(refusal, code) => {
            let error = session.error(&refusal, &Value::Null);
            note(Hearing::Refused(refusal.code.to_owned()));
            let _ = socket.send(Message::text(error.event.to_string())).await;
            close(&mut socket, code, &refusal.message).await;
        }
    }
    note(Hearing::Closed);
}

/// A socket with events that wait for their time.
struct Socket {
    wire: WebSocket,
    due: BTreeMap<(Instant, usize), Out>,
    sent: usize,
    deaf: bool,
    /// Deaf once it is configured.
    mute: bool,
}

impl Socket {
    /// Sends what is due now and keeps the rest. `false` when the socket is gone.
    async fn send(&mut self, outs: Vec<Out>, note: &impl Fn(Hearing)) -> bool {
        let now = Instant::now();
        for out in outs {
            self.sent += 1;
            self.due.insert((now + out.after, self.sent), out);
        }
        while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= now) {
            let out = entry.remove();
            if self.deaf {
                continue;
            }
            self.deaf = self.mute && matches!(out.note, Some(Hearing::Configured(_)));
            out.note.into_iter().for_each(note);
            if self.wire.send(Message::text(out.event.to_string())).await.is_err() {
                return false;
            }
        }
        true
    }
}

async fn transcribe(
    world: &World,
    mut socket: Socket,
    session: &mut Session,
    drop_after: Option<usize>,
    note: impl Fn(Hearing),
) {
    let recognise = |ulaw: &[u8]| world.phrases.lock().expect("no holder of the lock panics").recognise(ulaw);
    let ears =
        Ears { recognise: &recognise, faults: &world.faults, delay: world.config.transcript_delay, era: world.era() };
    let ends = Instant::now() + LIFETIME;
    let mut appends = 0;
    let mut open = socket.send(vec![session.created()], &note).await;
    while open {
        let wake = socket.due.keys().next().map_or(ends, |(at, _)| ends.min(*at));
        let text = tokio::select! {
            biased;
            message = socket.wire.recv() => match message {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Binary(_))) => {
                    world.note(What::Violation("a binary frame in a transcription session".to_owned()));
                    continue;
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
            () = tokio::time::sleep_until(wake) => {
                if Instant::now() >= ends {
                    let reason = "Your session hit the maximum duration of 60 minutes.";
                    let expired = session.error(&Refusal::new("session_expired", reason, ""), &Value::Null);
                    socket.send(vec![expired], &note).await;
                    return close(&mut socket.wire, 1001, reason).await;
                }
                open = socket.send(Vec::new(), &note).await;
                continue;
            }
        };
        let outs = session.receive(&text, &ears);
        if text.contains("input_audio_buffer.append") {
            appends += 1;
            if drop_after.is_some_and(|after| appends >= after) {
                return;
            }
        }
        open = socket.send(outs, &note).await;
    }
}

/// Closes a socket with a reason.
pub(super) async fn close(socket: &mut WebSocket, code: u16, reason: &str) {
    let _ = socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
    // The other side's close frame, so that ours is not lost with the connection.
    let drained = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = tokio::time::timeout(Duration::from_secs(2), drained).await;
}

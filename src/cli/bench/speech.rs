//! The speech provider, as lean as it can be: makes the coded sound four times faster than it plays, and hears.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::World;
use super::agent;
use super::call::{Call, PIECE_CELLS};
use super::codes::{self, Speech};
use crate::audio::mulaw::FRAME;

/// From a request for speech to its first byte.
const DELAY: Duration = Duration::from_millis(200);

/// Between pieces of 100 ms.
const PACE: Duration = Duration::from_millis(25);

/// The part of a request for speech that is read.
#[derive(Deserialize)]
struct SpeechRequest {
    input: String,
}

/// A client event of a transcription session.
#[derive(Deserialize)]
struct ClientEvent<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    audio: Option<&'a str>,
}

/// The provider's routes.
pub(super) fn router() -> Router<Arc<World>> {
    Router::new().route("/v1/audio/speech", axum::routing::post(speak)).route("/v1/realtime", axum::routing::get(open))
}

async fn speak(State(world): State<Arc<World>>, Json(request): Json<SpeechRequest>) -> Response {
    let said = agent::parse(&request.input);
    let Some((call, turn)) = said.and_then(|(call, turn)| Some((world.calls.get(usize::from(call))?, turn))) else {
        world.tally.problem("speech was asked for that no agent said".to_owned());
        return StatusCode::BAD_REQUEST.into_response();
    };
    let speech = Speech { call: call.number, turn, cells: world.cells(turn) };
    call.speech_asked(speech, world.interrupts(call.number, turn));
    let making = (world.clone(), Arc::clone(call), speech, 0, Instant::now() + DELAY);
    let pieces = futures_util::stream::unfold(making, |(world, call, speech, cell, due)| async move {
        if cell >= speech.cells {
            return None;
        }
        tokio::time::sleep_until(due).await;
        let next = (cell + PIECE_CELLS).min(speech.cells);
        let piece = speech.wide(cell..next);
        call.piece_made(world.now());
        Some((Ok::<Bytes, std::io::Error>(piece), (world, call, speech, next, due + PACE)))
    });
    ([(header::CONTENT_TYPE, "audio/pcm")], Body::from_stream(pieces)).into_response()
}

async fn open(State(world): State<Arc<World>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.read_buffer_size(8 * 1024).write_buffer_size(0).on_upgrade(|socket| async move {
        if let Err(error) = listen(&world, socket).await {
            world.tally.problem(format!("a transcription socket: {error:#}"));
        }
    })
}

/// One transcription session. Whose it is, its first frame tells.
async fn listen(world: &World, mut socket: WebSocket) -> anyhow::Result<()> {
    socket.send(Message::text(r#"{"type":"session.created","session":{"type":"transcription"}}"#)).await?;
    let (events, mut due) = mpsc::unbounded_channel::<String>();
    let mut call: Option<&Arc<Call>> = None;
    let mut ulaw = Vec::new();
    loop {
        tokio::select! {
            biased;
            event = due.recv() => {
                let event = event.expect("this task holds a sender");
                socket.send(Message::text(event)).await?;
            }
            message = socket.recv() => {
                let text = match message {
                    Some(Ok(Message::Text(text))) => text,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => {
                        anyhow::ensure!(world.is_ending(), "the server closed it");
                        return Ok(());
                    }
                    Some(Ok(_)) => continue,
                };
                let event: ClientEvent<'_> = serde_json::from_str(&text)?;
                match (event.kind, event.audio) {
                    ("input_audio_buffer.append", Some(audio)) => {
                        ulaw.clear();
                        STANDARD.decode_vec(audio, &mut ulaw)?;
                        if call.is_none() {
                            let first = ulaw.get(..FRAME).and_then(codes::read_inbound);
                            call = first.and_then(|(number, _)| world.calls.get(usize::from(number)));
                            if let Some(call) = call {
                                call.listen(events.clone());
                            }
                        }
                        match call {
                            Some(call) => call.hear(&ulaw, world.now()),
                            None => world.tally.foreign.add(1),
                        }
                    }
                    ("session.update", None) => {
                        let updated = r#"{"type":"session.updated","session":{"type":"transcription","audio":{"input":{"format":{"type":"audio/pcmu"}}}}}"#;
                        socket.send(Message::text(updated)).await?;
                    }
                    (kind, _) => anyhow::bail!("a client event of kind {kind}"),
                }
            }
        }
    }
}

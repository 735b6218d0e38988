//! The speech endpoint of a server that makes WAV files: nothing comes before all of it is made.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::SECOND;
use crate::emulator::timeline::What;
use crate::emulator::voice::{self, Speaker};
use crate::emulator::world::World;

pub(super) async fn speak(world: &World, request: usize, headers: &HeaderMap, body: &Bytes) -> Response {
    if headers
        .get(header::AUTHORIZATION)
        .is_some_and(|key| key.to_str().unwrap_or_default().contains(&world.config.api_key))
    {
        world.note(What::Violation("the speech provider's key was sent to another host".to_owned()));
    }
    let fields: Value = serde_json::from_slice(body).unwrap_or_default();
    let (text, format) = (fields["input"].as_str().unwrap_or_default(), &fields["response_format"]);
    if text.is_empty() || *format != "wav" {
        world.note(What::SpeechAsked { request, text: String::new(), status: 400 });
        let detail = json!({"error": "validation_error", "message": format!("Unsupported format: {format}"),
            "type": "invalid_request_error"});
        return (StatusCode::BAD_REQUEST, axum::Json(json!({"detail": detail}))).into_response();
    }
    let sound = world.config.voice.say(Speaker::Agent, text).await;
    world.phrases.lock().expect("no holder of the lock panics").learn(text, &voice::ulaw(&sound));
    world.note(What::SpeechAsked { request, text: text.to_owned(), status: 200 });
    let pcm: Vec<u8> = sound.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let length = u32::try_from(pcm.len()).unwrap_or(u32::MAX);
    let making = Duration::from_secs_f64(f64::from(length) / SECOND).div_f64(world.config.speech_rate);
    tokio::time::sleep(world.config.speech_delay + making).await;
    world.note(What::SpeechBegan { request });
    world.note(What::SpeechEnded { request, bytes: pcm.len(), whole: true });
    let mut file = b"RIFF\xFF\xFF\xFF\xFFWAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    file.extend([24_000_u32.to_le_bytes(), 48_000_u32.to_le_bytes()].concat());
    file.extend_from_slice(b"\x02\0\x10\0data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(&pcm);
    ([(header::CONTENT_TYPE, "audio/wav")], file).into_response()
}

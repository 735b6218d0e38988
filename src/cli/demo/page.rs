//! The page: whoever looks at it is the agent on the left and the person on the phone on the right.
//!
//! One port serves the server's own routes and, for this machine's browsers only, the page and its controls.

mod assets;
pub(super) mod browser;
mod guard;
mod phone;
mod telling;

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{PUBLIC, configuration};
use crate::app::{self, App};
use crate::cli::output;
use crate::cli::serve::{no_port, stop_on_signals, wall_clock};
use crate::config;
use crate::domain::keywords::Keywords;
use crate::emulator::voice::Speaker;
use crate::emulator::{Chat, Emulator, EmulatorConfig, Phone, Script, Telephony, TextRules, Voice};

/// The port that is tried first, and how many after it.
const PORT: u16 = 3333;
const PORTS: u16 = 20;
/// The longest text that is made into sound for the page: as long as an agent's message may be.
const LONGEST: usize = 4096;

/// What the page's routes stand on.
struct Demo {
    phone: Phone,
    chat: Chat,
    voice: Voice,
    /// What the page authenticates with as the agent. It opens nothing but this demo.
    key: String,
    /// What the server takes for a word to it rather than to the agent.
    keywords: Keywords,
}

/// Serves the page until the process is told to stop. Prints where it is, and opens it where `open` says so.
///
/// # Errors
/// When there is no port, or the server cannot be put together.
pub(super) async fn show(port: Option<u16>, open: bool, telephony: Telephony) -> anyhow::Result<ExitCode> {
    let stop = stop_on_signals()?;
    let listener = match listen(port).await {
        Ok(listener) => listener,
        Err(why) => {
            output::note(why);
            return Ok(ExitCode::FAILURE);
        }
    };
    let port = listener.local_addr()?.port();
    let address = format!("http://127.0.0.1:{port}");

    let voice = Voice::best();
    // A text is read when somebody looks at it, and not after so many seconds.
    let text_rules = TextRules { read_after: None, ..TextRules::default() };
    let config = EmulatorConfig { telephony, voice: voice.clone(), text_rules, ..EmulatorConfig::default() };
    let emulator = Emulator::start(config).await?;
    emulator.person().set(Script::steered());
    emulator.route(PUBLIC, &address);
    let key = key();
    let app = App::new(&configuration(&emulator, &key)?, wall_clock())?;
    let opened = open && browser::open(&address);
    output::line(greeting(&address, &key, opened))?;
    let keywords = config::keywords();
    let demo = Arc::new(Demo { phone: emulator.phone(), chat: emulator.chat(), voice, key, keywords });
    app.beside(routes(demo, port)).serve(listener, stop).await?;
    Ok(ExitCode::SUCCESS)
}

/// What stands in the terminal: where the page is, and what one can do from here.
fn greeting(address: &str, key: &str, opened: bool) -> String {
    let how = if opened { "It opens in your browser; if not, open it there." } else { "Open this page in a browser." };
    format!(
        "callme demo: {address}\n{how} Ctrl-C ends the demo. Nothing leaves this machine.\n\
         The API key for curl and other clients is {key}"
    )
}

/// The wanted port; or the usual one, or the next one that is free.
async fn listen(port: Option<u16>) -> Result<TcpListener, String> {
    let ports = port.map_or(PORT..=PORT + PORTS, |port| port..=port);
    let (first, last) = (*ports.start(), *ports.end());
    for port in ports {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && port < last => {}
            Ok(listener) => return Ok(listener),
            Err(error) => return Err(no_port(port, &error, "give another one with --port, or 0 for any")),
        }
    }
    Err(format!("callme: no port from {first} to {last} is free; give one with --port, or 0 for any"))
}

/// A key that nobody can guess.
fn key() -> String {
    let mut bytes = [0; 16];
    app::random(&mut bytes);
    format!("demo-{}", HEXLOWER.encode(&bytes))
}

fn routes(demo: Arc<Demo>, port: u16) -> Router {
    Router::new()
        .route("/demo/world", get(world))
        .route("/demo/voice", get(voice))
        .route("/demo/phone", get(phone::socket))
        .with_state(demo)
        .merge(assets::routes())
        .layer(middleware::from_fn_with_state(port, guard::this_machine))
}

/// What the page must know.
async fn world(State(demo): State<Arc<Demo>>) -> Response {
    let world: Value = json!({ "key": demo.key, "voice": demo.voice.name() });
    ([(header::CACHE_CONTROL, "no-store")], Json(world)).into_response()
}

#[derive(Deserialize)]
struct Words {
    text: String,
}

/// The agent's voice as it was made, to compare what is heard with: 24 kHz, 16 bits, little endian.
async fn voice(State(demo): State<Arc<Demo>>, Query(words): Query<Words>) -> Response {
    if words.text.chars().count() > LONGEST {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let sound = demo.voice.say(Speaker::Agent, &words.text).await;
    let bytes: Vec<u8> = sound.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    ([(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "no-store")], bytes).into_response()
}

#[cfg(test)]
mod tests;

//! The page's files, as they stand beside this one. They are in the binary; nothing comes from anywhere else.

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// Path, kind and content of each file.
const FILES: [(&str, &str, &str); 19] = [
    ("/", "text/html; charset=utf-8", include_str!("index.html")),
    ("/demo/style.css", "text/css; charset=utf-8", include_str!("style.css")),
    ("/demo/chat.css", "text/css; charset=utf-8", include_str!("chat.css")),
    ("/demo/icon.svg", "image/svg+xml", include_str!("icon.svg")),
    ("/demo/main.js", SCRIPT, include_str!("main.js")),
    ("/demo/agent.js", SCRIPT, include_str!("agent.js")),
    ("/demo/sessions.js", SCRIPT, include_str!("sessions.js")),
    ("/demo/elsewhere.js", SCRIPT, include_str!("elsewhere.js")),
    ("/demo/terminal.js", SCRIPT, include_str!("terminal.js")),
    ("/demo/phone.js", SCRIPT, include_str!("phone.js")),
    ("/demo/sound.js", SCRIPT, include_str!("sound.js")),
    ("/demo/microphone.js", SCRIPT, include_str!("microphone.js")),
    ("/demo/timeline.js", SCRIPT, include_str!("timeline.js")),
    ("/demo/words.js", SCRIPT, include_str!("words.js")),
    ("/demo/drawing.js", SCRIPT, include_str!("drawing.js")),
    ("/demo/exchange.js", SCRIPT, include_str!("exchange.js")),
    ("/demo/chat.js", SCRIPT, include_str!("chat.js")),
    ("/demo/guide.js", SCRIPT, include_str!("guide.js")),
    ("/demo/element.js", SCRIPT, include_str!("element.js")),
];

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The page may use its own files and talk to its own server; a socket to it counts as its own only where it is named.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self' ws://127.0.0.1:* ws://localhost:*; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn routes() -> Router {
    FILES.into_iter().fold(Router::new(), |routes, (path, kind, content)| {
        routes.route(path, get(async move || answer(kind, content)))
    })
}

fn answer(kind: &'static str, content: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // Another demo may answer on this port tomorrow.
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, content).into_response()
}

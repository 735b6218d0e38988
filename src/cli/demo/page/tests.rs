//! What the page's routes promise to this machine's browsers, and refuse to others.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use tower::ServiceExt;

use super::*;
use crate::emulator::{Event, TextForm, What};

/// The page's routes as they stand on port 3333, and an emulator with the least that they need.
async fn page() -> (Emulator, Router) {
    let (emulator, demo) = demo().await;
    (emulator, routes(Arc::new(demo), 3333))
}

async fn demo() -> (Emulator, Demo) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let emulator = Emulator::start(EmulatorConfig::default()).await.expect("a free port");
    let demo = Demo {
        phone: emulator.phone(),
        chat: emulator.chat(),
        voice: Voice::babble(),
        key: "demo-key".to_owned(),
        keywords: config::keywords(),
    };
    (emulator, demo)
}

async fn get(routes: &Router, path: &str, headers: &[(&str, &str)]) -> (StatusCode, axum::http::HeaderMap, String) {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    let request = request.body(Body::empty()).expect("a request");
    let response = routes.clone().oneshot(request).await.expect("routes do not fail");
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
}

const HERE: (&str, &str) = ("host", "127.0.0.1:3333");

#[tokio::test]
async fn only_pages_of_this_port_get_the_key() {
    let (_emulator, routes) = page().await;
    for (headers, want) in [
        (&[HERE][..], StatusCode::OK),
        (&[("host", "localhost:3333"), ("origin", "http://localhost:3333")], StatusCode::OK),
        (&[("host", "rebound.example:3333")], StatusCode::FORBIDDEN),
        (&[HERE, ("origin", "https://elsewhere.example")], StatusCode::FORBIDDEN),
        (&[HERE, ("origin", "http://127.0.0.1:4444")], StatusCode::FORBIDDEN),
        (&[HERE, ("origin", "null")], StatusCode::FORBIDDEN),
        (&[], StatusCode::FORBIDDEN),
    ] {
        for path in ["/", "/demo/world", "/demo/phone", "/demo/voice?text=yes"] {
            let (status, _, body) = get(&routes, path, headers).await;
            // The socket's route misses the upgrade, once the guard has let the request through.
            let want = if path == "/demo/phone" && want == StatusCode::OK { StatusCode::BAD_REQUEST } else { want };
            assert_eq!(status, want, "{path} with {headers:?}");
            assert!(status == StatusCode::OK || !body.contains("demo-key"), "{path} with {headers:?}: {body}");
        }
    }
}

#[tokio::test]
async fn the_page_needs_nothing_that_is_not_in_the_binary() {
    let (_emulator, routes) = page().await;
    let (_, headers, html) = get(&routes, "/", &[HERE]).await;
    let policy = headers["content-security-policy"].to_str().expect("text");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let mut seen = vec!["/".to_owned()];
    let mut texts = vec![html];
    while let Some(text) = texts.pop() {
        let linked = text.split(['"', '\'']).filter(|part| {
            part.rsplit_once('.').is_some_and(|(path, kind)| path.contains('/') && ["js", "css", "svg"].contains(&kind))
        });
        for path in linked.map(|part| part.replace("./", "/demo/")) {
            if !seen.contains(&path) {
                let (status, _, text) = get(&routes, &path, &[HERE]).await;
                assert_eq!(status, StatusCode::OK, "{path}");
                seen.push(path);
                texts.push(text);
            }
        }
        for foreign in ["https://", "url(", "@import", " style=\"", " onclick"] {
            assert!(!text.contains(foreign), "a page without foreign or inline assets has no {foreign:?}: {text}");
        }
    }
    assert_eq!(seen.len(), 19, "every file is used: {seen:?}");
}

#[tokio::test]
async fn the_voice_for_comparison_is_the_agents_own() {
    let (_emulator, routes) = page().await;
    let request = Request::get("/demo/voice?text=yes%20please").header("host", "localhost:3333").body(Body::empty());
    let response = routes.oneshot(request.expect("a request")).await.expect("routes do not fail");
    let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    let want = Voice::babble().say(Speaker::Agent, "yes please").await;
    let heard: Vec<i16> = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    assert_eq!(heard[..], want[..]);
}

#[tokio::test]
async fn what_is_typed_on_the_page_is_a_text_of_the_persons_word_for_word() {
    let (emulator, demo) = demo().await;
    let longest = "x".repeat(LONGEST);
    for (typed, want) in [
        ("Yes", Ok(())),
        ("  <b>no</b>\nnot yet ", Ok(())),
        (" \n ", Ok(())),
        (&longest, Ok(())),
        (&format!("{longest}x"), Err("this is too long to be written".to_owned())),
    ] {
        let order = json!({ "do": "write", "text": typed }).to_string();
        assert_eq!(phone::obey(&demo, &order).await, want, "{typed:?}");
    }
    let shown: Vec<String> = emulator.chat().shown().into_iter().map(|text| text.words).collect();
    assert_eq!(shown, ["Yes", "<b>no</b>\nnot yet", &longest]);
}

#[tokio::test]
async fn the_page_is_told_which_texts_stop_texts_and_let_them_come_again() {
    let (_emulator, demo) = demo().await;
    for (words, want) in [
        ("Stop!", json!("stop")),
        ("start", json!("start")),
        ("Yes", json!("yes")),
        ("Stop the deployment", Value::Null),
        ("call me", Value::Null),
    ] {
        let what = What::PersonWrites { text: 1, form: TextForm::Free, words: words.to_owned() };
        let event = Event { at: Duration::ZERO, call: None, what };
        assert_eq!(telling::tell(&event, &demo.keywords)["means"], want, "{words:?}");
    }
}

#[test]
fn the_terminal_says_where_the_page_is_how_to_end_it_and_with_which_key_to_ask() {
    for opened in [true, false] {
        let said = greeting("http://127.0.0.1:3333", "demo-key", opened);
        for part in ["callme demo: http://127.0.0.1:3333\n", "Ctrl-C ends", "Nothing leaves this machine", "demo-key"] {
            assert!(said.contains(part), "{part:?} in {said}");
        }
        assert_eq!(said.contains("Open this page in a browser"), !opened, "{said}");
        assert_eq!(said.contains("opens in your browser"), opened, "{said}");
    }
}

#[test]
fn what_the_server_says_by_itself_is_no_request_to_the_page() {
    let (spoken, page) = (include_str!("../../../domain/session/limits.rs"), include_str!("elsewhere.js"));
    for name in ["PASS_ON", "LEAVING", "ASK_FOR_MESSAGE"] {
        let sentence = spoken.split_once(&format!("{name}: &str = \"")).and_then(|(_, rest)| rest.split('"').next());
        assert!(sentence.is_some_and(|sentence| page.contains(sentence)), "{name}: {sentence:?}");
    }
}

//! Connections that are slow, silent or garbage, and a server that has nothing to serve.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::raw::{self, Raw};
use super::refused;
use crate::world::{KEY, World};

#[tokio::test(start_paused = true)]
async fn garbage_silence_and_slowness_hold_up_nobody_else() {
    let world = World::new().await;
    let mut idle = Vec::new();
    for n in 0..1000 {
        let mut raw = Raw::open(&world).await;
        // Some say nothing, some begin as each version of HTTP does.
        raw.send(["", "P", "PRI * HTTP/2.0\r\n\r", "GET", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"][n % 5]).await;
        idle.push(raw);
    }
    for garbage in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"\x16\x03\x01\x02\0\x01\0",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    ] {
        let mut raw = Raw::open(&world).await;
        raw.send_bytes(garbage).await;
        let answer = String::from_utf8_lossy(&raw.rest().await).into_owned();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer:?}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(1 << 20));
    let mut raw = Raw::open(&world).await;
    raw.try_send(long.as_bytes()).await;
    assert!(raw.rest().await.starts_with(b"HTTP/1.1 4"));
    let began = Instant::now();
    assert_eq!(world.get("/health").await.status, 200);
    assert!(began.elapsed() < Duration::from_secs(1));
    for (n, mut raw) in idle.into_iter().enumerate() {
        let closed = tokio::time::timeout(Duration::from_secs(30), raw.rest()).await;
        assert!(closed.is_ok(), "connection {n} stays open for ever");
    }
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_head_or_a_body_that_drips_is_given_up() {
    let world = World::new().await;
    let head =
        format!("POST /api/call HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 60\r\n\r\n");
    for (at_once, drips, want) in [("", head.as_str(), 10), (head.as_str(), &" ".repeat(60), 5)] {
        let mut raw = Raw::open(&world).await;
        raw.send(at_once).await;
        let began = Instant::now();
        for byte in drips.as_bytes() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if raw.is_answered().await || !raw.try_send(&[*byte]).await {
                break;
            }
            assert_eq!(world.get("/health").await.status, 200, "others are answered");
        }
        assert!((want..=want + 2).contains(&began.elapsed().as_secs()), "{want}: {:?}", began.elapsed());
        if want == 5 {
            refused(&raw.answer().await, 400, "invalid_request");
        }
    }
    assert!(world.emulator.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_configured_says_so_and_nothing_else() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let loaded = callme::config::Config::from_source(&|_| None);
    let problems: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
    let stop = tokio_util::sync::CancellationToken::new();
    let mut server = tokio::task::JoinSet::new();
    let stopped = stop.clone();
    server.spawn(async move { callme::app::serve_broken(listener, &problems, stopped).await });
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let health = raw::answer(client.get(format!("{url}/health"))).await;
    assert_eq!((health.status, health.at("/status")), (503, json!("error")));
    for name in crate::binary::NEEDED {
        assert!(health.error().contains(&format!("{name} is not set")), "{name}: {health:?}");
    }
    for path in ["/api/call", "/api/history", "/api/health", "/twiml", "/media-stream/x", "/anything"] {
        for key in ["", KEY] {
            let answer = raw::answer(client.post(format!("{url}{path}")).bearer_auth(key).body("{}")).await;
            refused(&answer, 503, "starting");
            assert!(answer.error().contains("CALLME_API_KEY"), "{answer:?}");
        }
    }
    stop.cancel();
    while server.join_next().await.is_some() {}
}

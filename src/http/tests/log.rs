//! The line that each request leaves.

use axum::body::Body;
use axum::http::Request;

use super::*;
use crate::written::Written;

/// Collects what is logged on this thread until the guard goes.
fn listen() -> (Written, tracing::subscriber::DefaultGuard) {
    let lines = Written::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    (lines, tracing::subscriber::set_default(subscriber))
}

#[tokio::test]
async fn a_request_leaves_one_line_with_its_route_and_nothing_of_what_was_sent() {
    let (lines, _guard) = listen();
    let edge = Edge::new();
    for (method, path, want) in [
        ("POST", "/api/call/call-7-393331234567/continue?x=%2B393331234567", "POST /api/call/{id}/continue -> 200 OK"),
        ("GET", "/api/history?limit=393331234567", "GET /api/history -> 200 OK"),
        ("GET", "/media-stream/393331234567", "GET /media-stream/{token} -> 400 Bad Request"),
        ("GET", "/393331234567", "GET (none) -> 404 Not Found"),
        ("GET", "/api/393331234567", "GET /api/{*rest} -> 404 Not Found"),
        ("CALL393331234567", "/api/call", "(other) /api/call -> 405 Method Not Allowed"),
        ("OPTIONS", "/api/call?a=393331234567", "OPTIONS /api/call -> 204 No Content"),
    ] {
        edge.ask(method, path, r#"{"message":"call me at 393331234567"}"#).await;
        let line = lines.take();
        assert!(line.contains(want), "{want}: {line}");
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert!(!line.contains("4567") && !line.contains(KEY), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_prove_nothing_leave_one_line_a_second_and_those_with_the_key_one_each() {
    let (lines, _guard) = listen();
    let edge = Edge::new();
    let infos =
        |written: &str| written.lines().filter(|line| line.contains("INFO")).map(str::to_owned).collect::<Vec<_>>();
    let strangers =
        [("GET", "/x"), ("GET", "/media-stream/x"), ("OPTIONS", "/api/call"), ("PUT", "/twiml"), ("POST", "/api/call")];
    for n in 0..25 {
        let (method, path) = strangers[n % strangers.len()];
        let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a request");
        edge.send(request).await;
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    let told = infos(&lines.take());
    let ends = ["GET (none) -> 404 Not Found", "the last of 10 requests", "the last of 10 requests"];
    assert_eq!(told.len(), ends.len(), "{told:#?}");
    assert!(told.iter().zip(ends).all(|(line, end)| line.contains(end)), "{told:#?}");
    for _ in 0..10 {
        edge.ask("GET", "/api/history", "").await;
    }
    assert_eq!(infos(&lines.take()).len(), 10);
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_a_line_too() {
    let (lines, _guard) = listen();
    let edge = Edge::new();
    let request = Request::post("/api/call")
        .header("authorization", format!("Bearer {KEY}"))
        .body(Body::from_stream(futures_util::stream::pending::<Result<&str, std::io::Error>>()));
    let answer = edge.send(request.expect("a request"));
    assert!(answer.now_or_never().is_none(), "the body never comes");
    let line = lines.take();
    assert!(line.contains("POST /api/call -> the client went away"), "{line}");
}

#[tokio::test]
async fn a_panic_has_its_line() {
    let (lines, _guard) = listen();
    Edge::over(FakeService { panics: true, ..FakeService::default() })
        .ask("POST", "/api/call", r#"{"message":"Hi"}"#)
        .await;
    let line = lines.take();
    assert!(line.contains("POST /api/call -> 500 Internal Server Error"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_forged_webhook_leaves_one_warning_with_its_route_and_reason_and_a_flood_one_a_second() {
    let (lines, _guard) = listen();
    let warnings = |lines: &Written| {
        let written = lines.take();
        assert!(!written.contains("INFO") && !written.contains("331234567"), "{written}");
        written.lines().filter(|line| line.contains("WARN")).map(str::to_owned).collect::<Vec<_>>()
    };
    let good = "good /twiml form";
    for (path, signatures, reason) in [
        ("/twiml?s=393331234567", &[][..], "missing"),
        ("/twiml", &[""], "empty"),
        ("/whatsapp", &[good, good], "doubled"),
        ("/whatsapp?x=393331234567", &[good], "wrong"),
        ("/sms", &[good], "wrong"),
    ] {
        let edge = Edge::new();
        edge.send(super::webhooks::webhook(path, signatures, "Body=393331234567")).await;
        let [line] = &warnings(&lines)[..] else { panic!("{path}: not one line") };
        let route = path.split('?').next().expect("a path");
        for part in [format!("route=\"{route}\""), format!("reason=\"{reason}\""), "count=1 ".to_owned()] {
            assert!(line.contains(&part), "{part} is not in {line}");
        }
    }
    let edge = Edge::new();
    for _ in 0..25 {
        edge.send(super::webhooks::webhook("/whatsapp", &["393331234567"], "x")).await;
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    let counts: Vec<bool> =
        warnings(&lines).iter().zip(["count=1 ", "count=10 ", "count=10 "]).map(|(line, n)| line.contains(n)).collect();
    assert_eq!(counts, [true; 3]);
}

#[tokio::test(start_paused = true)]
async fn messages_beyond_a_limit_leave_one_warning_a_second() {
    let (lines, _guard) = listen();
    let inbound = InboundLimits { per_phone: std::num::NonZeroU32::new(1), ..InboundLimits::default() };
    let edge = Edge::limited(FakeService::default(), FakeEvents::default(), inbound);
    for _ in 0..10 {
        edge.send(super::webhooks::webhook("/whatsapp", &["good /whatsapp form"], "by +393331234567")).await;
    }
    let written = lines.take();
    assert_eq!(written.matches("WARN").count(), 1, "{written}");
    assert!(written.contains("limit=\"phone\"") && !written.contains("331234567"), "{written}");
}

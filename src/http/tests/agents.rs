//! The agents' routes: who may ask, what is asked of the service, what goes out.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::json;
use tower::ServiceExt;

use super::*;
use crate::http::{broken, starting};

#[tokio::test]
async fn each_route_asks_its_verb_and_answers_in_its_shape() {
    let outcome = json!({ "dial": "answered", "answeredBy": "human", "messageHeard": "partial", "heardText": "Shall I",
        "replyChannel": "voice", "endedBy": null });
    let reply = json!({ "response": "Earlier: One moment / please\nYes.", "interrupted": true, "contactMode": "voice",
        "earlier": [{ "text": "One\nmoment", "at": 3, "channel": "voice" }, { "text": "please", "at": 4, "channel": "voice" }],
        "outcome": outcome });
    let mut with_id = reply.clone();
    with_id["callId"] = json!(ID);
    let ended = json!({ "dial": "answered", "answeredBy": "human", "messageHeard": "full", "replyChannel": "voice", "endedBy": "agent" });
    let nothing = json!({ "dial": "not-dialed", "answeredBy": "nobody", "messageHeard": "none", "replyChannel": "none", "endedBy": null });
    let mut over = outcome.clone();
    over["endedBy"] = json!("person");
    let session = format!("/api/call/{ID}");
    for (method, path, want, asked) in [
        ("POST", "/api/call".to_owned(), with_id, "call None \"Hi\" None 0".to_owned()),
        ("POST", format!("{session}/continue"), reply.clone(), format!("resume Some({ID:?}) \"Hi\" None 0")),
        (
            "POST",
            format!("{session}/speak"),
            json!({ "interrupted": false, "outcome": nothing }),
            format!("speak Some({ID:?}) \"Hi\" None 0"),
        ),
        (
            "POST",
            format!("{session}/end"),
            json!({ "durationSeconds": 8, "outcome": ended }),
            format!("end Some({ID:?}) \"Hi\" None 0"),
        ),
        ("POST", format!("{session}/wait"), reply, format!("wait {ID} None")),
        (
            "GET",
            session,
            json!({ "callId": ID, "state": "listening", "contactMode": "voice", "createdAt": 4, "endedAt": 12,
            "durationSeconds": 8, "waiting": true, "outcome": over,
            "replies": [{ "text": "Wait!", "at": 10, "channel": "voice" }] }),
            format!("look {ID}"),
        ),
        (
            "GET",
            "/api/history?limit=3".to_owned(),
            json!({ "count": 1, "total": 31, "conversations": [{ "id": ID,
            "contactMode": "voice", "messageCount": 2, "createdAt": 4, "metadata": { "durationSeconds": 8 },
            "messages": [{ "speaker": "claude", "message": "Shall I?", "timestamp": 5 },
                { "speaker": "user", "message": "Yes.", "timestamp": 9 }] }] }),
            "history 3".to_owned(),
        ),
        ("DELETE", format!("/api/history/{ID}"), json!({ "deleted": 3 }), format!("forget Some({ID:?})")),
        ("DELETE", "/api/history".to_owned(), json!({ "deleted": 3 }), "forget None".to_owned()),
    ] {
        let edge = Edge::new();
        let got = edge.ask(method, &path, r#"{"message":" Hi ","more":1}"#).await;
        assert_eq!(got, (StatusCode::OK, want), "{path}");
        assert_eq!(edge.asked(), [asked], "{path}");
    }
}

#[tokio::test]
async fn without_the_key_nothing_under_api_is_answered() {
    let edge = Edge::new();
    let good = format!("Bearer {KEY}");
    let wrong: &[&[&str]] = &[
        &[],
        &[""],
        &["Bearer"],
        &["Bearer "],
        &["Bearer agent-ke"],
        &["Bearer agent-keyx"],
        &[KEY],
        &["Basic agent-key"],
        &[&good, &good],
    ];
    for path in ["/api/call", "/api/health", "/api/openapi.json", "/api/", "/api/nothing", "/api/call/x/y/z"] {
        for headers in wrong {
            let mut request = Request::builder().method("POST").uri(path);
            for value in *headers {
                request = request.header("authorization", *value);
            }
            let response = edge.send(request.body(Body::from("{")).expect("a request")).await;
            assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
            let want = json!({ "error": "Unauthorized", "code": "unauthorized" });
            assert_eq!(read(response).await, (StatusCode::UNAUTHORIZED, want), "{path} {headers:?}");
        }
    }
    assert_eq!(edge.asked(), [""; 0]);
}

#[tokio::test]
async fn the_scheme_may_be_written_in_any_case() {
    let request = Request::get("/api/health").header("authorization", "bEARER agent-key").body(Body::empty());
    let want = json!({ "status": "ok", "publicUrl": "https://callme.example.com", "warnings": [WARNING], "instance": "this-process",
        "store": { "status": "ok" } });
    assert_eq!(read(Edge::new().send(request.expect("a request")).await).await, (StatusCode::OK, want));
}

#[tokio::test]
async fn an_empty_key_lets_nobody_in() {
    let parts = Parts {
        verbs: Arc::new(FakeService::default()),
        store: Arc::new(MemoryStore::new(Duration::from_hours(1))),
        events: Arc::new(FakeEvents::default()),
        carrier: Arc::new(FakeCarrier),
        message_webhooks: None,
        inbound: InboundLimits::default(),
        blocks: blocks(InboundLimits::default()),
        hash_key: HashKey::new(b"a key"),
        api_key: String::new().into(),
        public_url: String::new(),
        instance: "another-process".to_owned(),
        metrics_token: METRICS_TOKEN.to_owned().into(),
        metrics: Arc::default(),
        speech: Arc::new(FakeSpeech),
        mcp: None,
    };
    let request = Request::get("/api/health").header("authorization", "Bearer ").body(Body::empty());
    let response = router(parts).oneshot(request.expect("a request")).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn each_refusal_has_its_status_and_code() {
    for (kind, status, code) in [
        (RefusalKind::NoActiveCall, 404, "no_active_call"),
        (RefusalKind::NoReply, 408, "no_reply"),
        (RefusalKind::NoAnswer, 408, "no_answer"),
        (RefusalKind::Busy, 409, "busy"),
        (RefusalKind::CallEnded, 410, "call_ended"),
        (RefusalKind::IdempotencyMismatch, 422, "idempotency_mismatch"),
        (RefusalKind::SpeechFailed, 424, "speech_failed"),
        (RefusalKind::RateLimited, 429, "rate_limited"),
        (RefusalKind::ProviderError, 502, "provider_error"),
        (RefusalKind::ShuttingDown, 503, "shutting_down"),
    ] {
        let (got, body) = Edge::refusing(refusal(kind)).ask("POST", "/api/call", r#"{"message":"Hi"}"#).await;
        assert_eq!((got.as_u16(), body), (status, json!({ "error": format!("{kind:?}"), "code": code })));
    }
}

#[tokio::test]
async fn a_refusal_carries_its_session_and_when_to_come_back() {
    let edge = Edge::refusing(Refusal {
        session: Some(session()),
        channel: Some(Channel::Voice),
        outcome: Some(Outcome::default()),
        retry_after: Some(Duration::from_millis(2_001)),
        ..refusal(RefusalKind::NoReply)
    });
    let request = Request::post("/api/call").header("authorization", format!("Bearer {KEY}"));
    let response = edge.send(request.body(Body::from(r#"{"message":"Hi"}"#)).expect("a request")).await;
    assert_eq!(response.headers()[header::RETRY_AFTER], "3");
    let (_, body) = read(response).await;
    assert_eq!(
        (&body["callId"], &body["contactMode"], &body["outcome"]["dial"]),
        (&ID.into(), &"voice".into(), &"not-dialed".into())
    );
}

#[tokio::test]
async fn what_cannot_be_a_session_is_not_found_and_echoed_with_care() {
    for (id, echoed) in [
        ("abc", "abc".to_owned()),
        ("+393331234567", "+…67".to_owned()),
        ("39333%0112345", "+…45".to_owned()),
        ("call-1-7%0Ax", "call-1-7x".to_owned()),
        ("%ff", String::new()),
        (&*"x".repeat(500), "x".repeat(64)),
    ] {
        for (method, rest) in
            [("POST", "/continue"), ("POST", "/speak"), ("POST", "/end"), ("POST", "/wait"), ("GET", "")]
        {
            let edge = Edge::new();
            let got = edge.ask(method, &format!("/api/call/{id}{rest}"), r#"{"message":"Hi"}"#).await;
            let want = json!({ "error": format!("No active call: {echoed}"), "code": "no_active_call" });
            assert_eq!(got, (StatusCode::NOT_FOUND, want), "{method} {id}{rest}");
            assert_eq!(edge.asked(), [""; 0]);
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_in_json() {
    let edge = Edge::new();
    for (method, path, status, code) in [
        ("GET", "/", 404, "not_found"),
        ("GET", "/api", 404, "not_found"),
        ("GET", "/api/", 404, "not_found"),
        ("POST", "/api/nothing", 404, "not_found"),
        ("GET", "/api/call", 405, "method_not_allowed"),
        ("POST", "/health", 405, "method_not_allowed"),
        ("DELETE", "/media-stream", 405, "method_not_allowed"),
        ("GET", "/media-stream", 400, "invalid_request"),
        ("GET", "/media-stream/abc", 400, "invalid_request"),
    ] {
        let (got, body) = edge.ask(method, path, "").await;
        assert_eq!((got.as_u16(), body["code"].as_str()), (status, Some(code)), "{method} {path} {body}");
    }
}

#[tokio::test]
async fn a_page_of_any_origin_may_ask_first() {
    let edge = Edge::new();
    for path in ["/api/call", "/api/nothing", "/health"] {
        let response = edge.send(Request::options(path).body(Body::empty()).expect("a request")).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT, "{path}");
        let headers = response.headers();
        assert_eq!(headers["access-control-allow-origin"], "*");
        assert_eq!(headers["access-control-allow-methods"], "GET, POST, DELETE, OPTIONS");
        assert_eq!(
            headers["access-control-allow-headers"],
            "Content-Type, Authorization, Idempotency-Key, Prefer, Mcp-Protocol-Version, Mcp-Method, Mcp-Name"
        );
    }
    let refused = edge.send(Request::get("/api/health").body(Body::empty()).expect("a request")).await;
    assert_eq!(refused.headers()["access-control-allow-origin"], "*", "a page must be able to read the refusal");
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_keeps_its_words() {
    let edge = Edge::over(FakeService { panics: true, ..FakeService::default() });
    let (status, body) = edge.ask("POST", "/api/call", r#"{"message":"Hi"}"#).await;
    assert_eq!((status.as_u16(), &body["code"]), (500, &"internal".into()));
    assert!(!body.to_string().contains("told to"), "{body}");
}

#[tokio::test]
async fn a_request_gets_an_id_of_ours_and_never_its_own() {
    let request = Request::get("/health").header("x-request-id", "+393331234567").body(Body::empty());
    let response = Edge::new().send(request.expect("a request")).await;
    assert_eq!(response.headers()["x-request-id"].len(), 36);
    assert_ne!(response.headers()["x-request-id"], "+393331234567");
}

#[tokio::test]
async fn a_route_outside_its_layer_fails_closed() {
    use crate::http::auth::Principal;
    use axum::routing::get;
    let bare: Router = Router::new().route("/", get(|_: Principal| async { "open" }));
    let response = bare.oneshot(Request::get("/").body(Body::empty()).expect("a request")).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_server_that_cannot_make_calls_says_why() {
    let problems = ["CALLME_API_KEY is not set".to_owned(), "CALLME_PHONE_NUMBER is not set".to_owned()];
    let both = "CALLME_API_KEY is not set; CALLME_PHONE_NUMBER is not set";
    for (router, health, sentence) in [
        (
            broken(&problems),
            json!({ "status": "error", "error": both, "problems": problems }),
            format!("callme is not configured: {both}"),
        ),
        (starting(), json!({ "status": "starting" }), "callme is starting; try again in a moment".to_owned()),
    ] {
        let ask = async |method: &str, path: &str| {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a request");
            read(router.clone().oneshot(request).await.expect("an answer")).await
        };
        assert_eq!(ask("GET", "/health").await, (StatusCode::SERVICE_UNAVAILABLE, health));
        for (method, path) in [
            ("POST", "/api/call"),
            ("GET", "/api/health"),
            ("POST", "/twiml"),
            ("POST", "/whatsapp"),
            ("POST", "/sms"),
            ("GET", "/nothing"),
        ] {
            let want = json!({ "error": sentence, "code": "starting" });
            assert_eq!(ask(method, path).await, (StatusCode::SERVICE_UNAVAILABLE, want), "{path}");
        }
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_one() {
    for (path, want) in [
        ("/api/call", "POST"),
        ("/api/history", "GET,HEAD,DELETE"),
        ("/twiml", "POST"),
        ("/whatsapp", "POST"),
        ("/sms", "POST"),
    ] {
        let request = Request::put(path).header("authorization", format!("Bearer {KEY}")).body(Body::empty());
        let response = Edge::new().send(request.expect("a request")).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(response.headers()[header::ALLOW], want, "{path}");
    }
}

//! Bodies and headers that are not what they should be.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use futures_util::stream;
use serde_json::json;

use super::*;

#[tokio::test]
async fn each_wrong_body_has_its_own_sentence() {
    let long = format!(r#"{{"message":"{}"}}"#, "é".repeat(4097));
    for (body, want) in [
        (&b""[..], "the body is not JSON (line 1, column 0); send {\"message\":\"…\"}"),
        (b"{", "the body is not JSON (line 1, column 1); send {\"message\":\"…\"}"),
        (b"message=Hi", "the body is not JSON (line 1, column 1); send {\"message\":\"…\"}"),
        (b"{\"message\":\"Hi\"}x", "the body is not JSON (line 1, column 17); send {\"message\":\"…\"}"),
        (b"{\"message\":\"\xff\"}", "the body is not UTF-8 text"),
        (b"[\"Hi\"]", "the body is not a JSON object; send {\"message\":\"…\"}"),
        (b"\"Hi\"", "the body is not a JSON object; send {\"message\":\"…\"}"),
        (b"null", "the body is not a JSON object; send {\"message\":\"…\"}"),
        (b"{}", "message is required"),
        (b"{\"Message\":\"Hi\"}", "message is required"),
        (b"{\"message\":null}", "message is required"),
        (b"{\"message\":\"\"}", "message is required: it has no text"),
        (b"{\"message\":\" \\n \"}", "message is required: it has no text"),
        (b"{\"message\":7}", "message must be a string"),
        (b"{\"message\":[\"Hi\"]}", "message must be a string"),
        (b"{\"message\":{\"text\":\"Hi\"}}", "message must be a string"),
        (long.as_bytes(), "message has 4097 characters; at most 4096 are allowed"),
        ("[".repeat(10_000).as_bytes(), "the body is not JSON (line 1, column 128); send {\"message\":\"…\"}"),
    ] {
        for path in ["/api/call".to_owned(), "/api/message".to_owned(), format!("/api/call/{ID}/end")] {
            let edge = Edge::new();
            let (status, answer) = edge.ask("POST", &path, body.to_vec()).await;
            assert_eq!((status, answer["error"].as_str()), (StatusCode::BAD_REQUEST, Some(want)), "{path}");
            assert_eq!(answer["code"], "invalid_request");
            assert_eq!(edge.asked(), [""; 0]);
        }
    }
}

#[tokio::test]
async fn the_longest_message_is_taken() {
    let edge = Edge::new();
    let (status, _) = edge.ask("POST", "/api/call", format!(r#"{{"message":"{}"}}"#, "é".repeat(4096))).await;
    assert_eq!(status, StatusCode::OK);
}

/// A body in pieces of `size` bytes, one each `every`; its length is not announced.
fn dripping(pieces: usize, size: usize, every: Duration) -> Body {
    Body::from_stream(stream::unfold(0, move |sent| async move {
        tokio::time::sleep(every).await;
        (sent < pieces).then(|| (Ok::<_, Infallible>(Bytes::from(vec![b' '; size])), sent + 1))
    }))
}

#[tokio::test(start_paused = true)]
async fn a_body_is_bounded_in_size_and_time() {
    let edge = Edge::new();
    for (body, status, code) in [
        (Body::from(vec![b' '; 200 * 1024]), 413, "too_large"),
        (dripping(200, 1024, Duration::ZERO), 413, "too_large"),
        (dripping(100, 1024, Duration::ZERO), 400, "invalid_request"),
        (dripping(usize::MAX, 1, Duration::from_secs(1)), 400, "invalid_request"),
    ] {
        let began = tokio::time::Instant::now();
        let (got, answer) = edge.ask("POST", "/api/call", body).await;
        assert_eq!((got.as_u16(), answer["code"].as_str()), (status, Some(code)), "{answer}");
        assert!(began.elapsed() <= Duration::from_millis(5_010), "{answer} after {:?}", began.elapsed());
    }
    let (_, answer) = edge.ask("POST", "/api/call", dripping(usize::MAX, 1, Duration::from_secs(1))).await;
    assert_eq!(answer["error"], "the body did not arrive within 5 seconds");
}

#[tokio::test]
async fn an_idempotency_key_is_one_visible_word() {
    let longest = "k".repeat(255);
    let too_long = "k".repeat(256);
    for (keys, want) in [
        (vec![], Some("None")),
        (vec!["a-1"], Some("Some(\"a-1\")")),
        (vec![longest.as_str()], Some(&*format!("Some({longest:?})"))),
        (vec![""], None),
        (vec!["a b"], None),
        (vec!["é"], None),
        (vec![too_long.as_str()], None),
        (vec!["a", "a"], None),
    ] {
        let edge = Edge::new();
        let mut request = Request::post("/api/call").header("authorization", format!("Bearer {KEY}"));
        for key in &keys {
            request = request.header("idempotency-key", key.as_bytes());
        }
        let response = edge.send(request.body(Body::from(r#"{"message":"Hi"}"#)).expect("a request")).await;
        let asked = want.map(|key| format!("call None \"Hi\" {key} 0"));
        assert_eq!(edge.asked(), Vec::from_iter(asked), "{keys:?}");
        assert_eq!(response.status() == StatusCode::BAD_REQUEST, want.is_none(), "{keys:?}");
    }
}

#[tokio::test]
async fn a_client_says_how_long_it_wants_to_wait() {
    for (headers, want) in [
        (vec![], Some("")),
        (vec!["wait=10"], Some(" within 10s")),
        (vec!["respond-async, wait=\"7\"", "wait=8"], Some(" within 7s")),
        (vec!["respond-async; Wait = 5"], Some(" within 5s")),
        (vec!["handling=lenient"], Some("")),
        (vec!["wait=soon"], None),
        (vec!["wait=-1"], None),
    ] {
        let edge = Edge::new();
        let mut request = Request::post("/api/call").header("authorization", format!("Bearer {KEY}"));
        for header in &headers {
            request = request.header("prefer", *header);
        }
        let response = edge.send(request.body(Body::from(r#"{"message":"Hi"}"#)).expect("a request")).await;
        let asked = want.map(|wait| format!("call None \"Hi\" None 0{wait}"));
        assert_eq!(edge.asked(), Vec::from_iter(asked), "{headers:?}");
        assert_eq!(response.status() == StatusCode::BAD_REQUEST, want.is_none(), "{headers:?}");
    }
}

#[tokio::test]
async fn who_waited_as_long_as_they_wanted_is_told_where_to_go_on() {
    let mut refusal = refusal(RefusalKind::NotYet);
    refusal.session = Some(session());
    refusal.channel = Some(Channel::Voice);
    refusal.outcome = Some(Outcome::default());
    let (status, body) = Edge::refusing(refusal).ask("POST", "/api/call", r#"{"message":"Hi"}"#).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(
        (&body["status"], &body["callId"], &body["contactMode"]),
        (&json!("waiting"), &json!(ID), &json!("voice"))
    );
    assert_eq!((&body["next"], body.get("error")), (&json!("NotYet"), None));
}

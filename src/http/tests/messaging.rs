//! Sessions that have gone on in writing, as their answers show it.

use serde_json::{Value, json};

use super::*;

const SID: &str = "CH0123456789abcdef0123456789abcdef";
const UNTIL: u64 = 1_795_248_000_000;

fn writing() -> Edge {
    Edge::over(FakeService { writes: true, ..FakeService::default() })
}

fn outcome() -> Value {
    json!({ "dial": "no-answer", "answeredBy": "nobody", "messageHeard": null, "replyChannel": "whatsapp", "endedBy": null })
}

/// What every answer with a reply says.
fn reply() -> Value {
    json!({ "response": "Yes.", "interrupted": false, "contactMode": "whatsapp", "conversationSid": SID,
        "whatsappSessionExpiry": UNTIL,
        "whatsappSessionWindow": { "expiresAt": UNTIL, "minutesRemaining": 59, "status": "expiring_soon" },
        "earlier": [], "outcome": outcome() })
}

#[tokio::test]
async fn an_answer_in_writing_tells_the_conversation_and_its_window() {
    let session = format!("/api/call/{ID}");
    for (path, more) in [
        ("/api/call".to_owned(), json!({ "callId": ID })),
        ("/api/message".to_owned(), json!({ "callId": ID, "messageId": ID })),
        (format!("{session}/continue"), json!({})),
        (format!("{session}/wait"), json!({})),
    ] {
        let mut want = reply();
        want.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let got = writing().ask("POST", &path, r#"{"message":"Hi"}"#).await;
        assert_eq!(got, (StatusCode::OK, want), "{path}");
    }
}

#[tokio::test]
async fn a_message_asks_for_the_template_only_where_it_is_told_to() {
    for (body, first) in [
        (r#"{"message":" Hi "}"#, false),
        (r#"{"message":"Hi","firstContact":null,"more":1}"#, false),
        (r#"{"message":"Hi","firstContact":false}"#, false),
        (r#"{"firstContact":true,"message":"Hi"}"#, true),
    ] {
        let edge = writing();
        let request = Request::post("/api/message").header("authorization", format!("Bearer {KEY}"));
        let response = edge.send(request.header("idempotency-key", "k-1").body(Body::from(body)).expect("a request"));
        assert_eq!(response.await.status(), StatusCode::OK, "{body}");
        assert_eq!(edge.asked(), [format!("message None \"Hi\" Some(\"k-1\") 0 {first}")], "{body}");
    }
}

#[tokio::test]
async fn a_first_contact_that_is_neither_true_nor_false_is_refused() {
    for value in ["1", "0", "\"true\"", "\"\"", "[]", "[true]", "{}"] {
        let edge = writing();
        let body = format!(r#"{{"message":"Hi","firstContact":{value}}}"#);
        let want = json!({ "error": "firstContact must be true or false", "code": "invalid_request" });
        assert_eq!(edge.ask("POST", "/api/message", body).await, (StatusCode::BAD_REQUEST, want), "{value}");
        assert_eq!(edge.asked(), [""; 0]);
    }
    // The other routes have no such field, and ignore it as any other.
    let (status, _) = Edge::new().ask("POST", "/api/call", r#"{"message":"Hi","firstContact":1}"#).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn each_refusal_in_writing_has_its_status_and_code() {
    for (kind, status, code) in [
        (RefusalKind::OptedOut, 403, "opted_out"),
        (RefusalKind::OptInRequired, 422, "whatsapp_opt_in_required"),
        (RefusalKind::TemplateRequired, 422, "template_required"),
        (RefusalKind::NotConfigured, 422, "not_configured"),
    ] {
        let about = Refusal {
            session: Some(session()),
            channel: Some(Channel::WhatsApp),
            outcome: Some(written().outcome),
            ..refusal(kind)
        };
        let (got, body) = Edge::refusing(about).ask("POST", "/api/message", r#"{"message":"Hi"}"#).await;
        let want = json!({ "error": format!("{kind:?}"), "code": code, "callId": ID, "contactMode": "whatsapp",
            "outcome": outcome() });
        assert_eq!((got.as_u16(), body), (status, want));
    }
}

#[tokio::test]
async fn a_session_and_its_history_name_the_conversation_where_there_is_one() {
    for (edge, sid) in [(writing(), json!(SID)), (Edge::new(), Value::Null)] {
        let (_, view) = edge.ask("GET", &format!("/api/call/{ID}"), "").await;
        let (_, history) = edge.ask("GET", "/api/history", "").await;
        let metadata = &history["conversations"][0]["metadata"];
        assert_eq!((&view["conversationSid"], &metadata["conversationSid"]), (&sid, &sid));
        let left_out = |object: &Value| object.get("conversationSid").is_none();
        assert_eq!((left_out(&view), left_out(metadata)), (sid.is_null(), sid.is_null()), "left out, rather than null");
    }
}

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

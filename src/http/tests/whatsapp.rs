//! The messaging webhooks: whatever they say, their answers say the same.

use rstest::rstest;

use super::webhooks::webhook;
use super::*;

/// The whole answer but for the request's id, which is another each time.
async fn answer(edge: &Edge, path: &str, body: impl Into<Body>) -> (StatusCode, Vec<String>, Bytes) {
    let mut response = edge.send(webhook(path, &[&format!("good {path} form")], body)).await;
    assert_eq!(response.headers_mut().remove("x-request-id").map(|id| id.len()), Some(36));
    let headers = response.headers().iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
    (response.status(), headers, to_bytes(response.into_body(), usize::MAX).await.expect("a body"))
}

/// An answer that says its status and no more.
fn empty(status: StatusCode) -> (StatusCode, Vec<String>, Bytes) {
    (status, vec![r#"content-length: "0""#.to_owned()], Bytes::new())
}

/// What a route says to all that it takes; by SMS a document that says nothing.
fn taken(path: &str) -> (StatusCode, Vec<String>, Bytes) {
    match path {
        "/sms" => {
            let headers = [r#"content-type: "text/xml""#, r#"content-length: "7""#].map(str::to_owned).to_vec();
            (StatusCode::OK, headers, Bytes::from_static(b"nothing"))
        }
        _ => empty(StatusCode::OK),
    }
}

/// Bodies of every kind: understood, foreign, wrong, none at all.
fn bodies() -> Vec<Vec<u8>> {
    let inbound = "EventType=onMessageAdded&AccountSid=AC0123456789abcdef0123456789abcdef\
                   &ConversationSid=CH0123456789abcdef0123456789abcdef&MessageSid=IM0123456789abcdef0123456789abcdef\
                   &Body=Yes&Author=whatsapp%3A%2B393331234567&Source=WHATSAPP";
    vec![
        inbound.into(),
        inbound.replace("393331234567", "393337654321").into(),
        inbound.replace("AC0", "AC1").into(),
        inbound.replace("Yes", "stop").into(),
        inbound.replace("Body=Yes&", "").into(),
        "EventType=onDeliveryUpdated&Status=undelivered&ErrorCode=63016".into(),
        "From=whatsapp%3A%2B393331234567&Body=Yes&MessageSid=SM0123456789abcdef0123456789abcdef".into(),
        "fetch".into(),
        "EventType".into(),
        "&&&===%%%".into(),
        r#"{"data":{"event_type":"message.received"}}"#.into(),
        b"\xff\xfe\0".to_vec(),
        Vec::new(),
        vec![b'x'; 100 * 1024],
    ]
}

#[rstest]
#[tokio::test]
async fn every_signed_body_is_answered_alike_and_handed_over_as_it_came(#[values("/whatsapp", "/sms")] path: &str) {
    let edge = Edge::new();
    let mut sent = Vec::new();
    // Twice: what is repeated is answered as it was the first time.
    for body in bodies().into_iter().chain(bodies()) {
        let got = answer(&edge, path, body.clone()).await;
        assert_eq!(got, taken(path), "{}", String::from_utf8_lossy(&body));
        sent.push(Bytes::from(body));
    }
    let metrics = edge.metrics.render();
    assert!(metrics.contains(&format!("callme_webhooks_total{{result=\"taken\"}} {}", sent.len())), "{metrics}");
    assert_eq!(*edge.events.messages.lock().expect("no panic holds it"), sent);
}

#[rstest]
#[tokio::test]
async fn while_too_many_wait_everybody_is_sent_away_alike(#[values("/whatsapp", "/sms")] path: &str) {
    let edge = Edge::built(FakeService::default(), FakeEvents { full: true, ..FakeEvents::default() });
    for body in bodies() {
        let got = answer(&edge, path, body.clone()).await;
        assert_eq!(got, empty(StatusCode::SERVICE_UNAVAILABLE), "{}", String::from_utf8_lossy(&body));
    }
    let metrics = edge.metrics.render();
    let away = format!("callme_webhooks_total{{result=\"turned-away\"}} {}", bodies().len());
    assert!(metrics.contains(&away), "{metrics}");
}

#[tokio::test]
async fn each_route_takes_as_much_as_its_messages_can_have() {
    for (path, most) in [("/whatsapp", 256 * 1024), ("/sms", 100 * 1024)] {
        let edge = Edge::new();
        assert_eq!(answer(&edge, path, vec![b'x'; most]).await, taken(path));
        assert_eq!(answer(&edge, path, vec![b'x'; most + 1]).await.0, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
}

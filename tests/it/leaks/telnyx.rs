//! Somebody at Telnyx's doors who is not Telnyx, or who writes in its name what it would not.

use callme::emulator::EmulatorConfig;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::stranger::FORGED;
use crate::telnyx::{SIGNATURE, TIMESTAMP, sign};
use crate::world::{PERSON, World};

/// Tries all there is at the doors of this server, whose newest call is live.
pub(super) async fn tries_everything(world: &World) {
    let EmulatorConfig { telnyx_seed: seed, connection_id, .. } = EmulatorConfig::default();
    let call = world.last_call().sid;
    let stamp = world.emulator.clock().as_second().to_string();
    let event = |kind: &str, call: &str, connection: &str| {
        let payload = json!({"call_control_id": call, "connection_id": connection, "client_state": PERSON,
            "to": PERSON, "from": PERSON, "hangup_cause": PERSON, "stream_params": {"stream_url": PERSON}});
        json!({"data": {"id": PERSON, "event_type": kind, "payload": payload}}).to_string()
    };
    let post = async |body: &str, signature: Option<&str>| {
        let headers = signature.map(|signature| [(SIGNATURE, signature), (TIMESTAMP, stamp.as_str())]);
        world
            .event_to("/twiml?s=call-393331234567-1", body, headers.as_ref().map_or(&[], |headers| &headers[..]))
            .await
            .0
    };
    let good = event("call.hangup", &call, &connection_id);
    for signature in [Some(FORGED), Some(PERSON), None] {
        assert_eq!(post(&good, signature).await, 401);
    }
    for bad in [
        PERSON.to_owned(),
        "[]".to_owned(),
        json!({"data": {"payload": PERSON}}).to_string(),
        event("call.hangup", &call, PERSON),
        event("call.hangup", &format!("{PERSON} {PERSON}"), &connection_id),
    ] {
        assert_eq!(post(&bad, Some(&sign(seed, &stamp, &bad))).await, 400, "{bad}");
    }
    for kind in ["call.of.the.future", "streaming.failed", PERSON] {
        let body = event(kind, "v3:nobodys", &connection_id);
        assert_eq!(post(&body, Some(&sign(seed, &stamp, &body))).await, 204, "{kind}");
    }
    let start = |call: &str| {
        let start =
            json!({"user_id": PERSON, "call_control_id": call, "from": PERSON, "to": PERSON, "client_state": PERSON});
        json!({"event": "start", "sequence_number": "1", "start": start, "stream_id": PERSON}).to_string()
    };
    for path in ["/media-stream", "/media-stream/+393331234567", &format!("/media-stream/{}", "0".repeat(64))] {
        for frames in [vec![PERSON.to_owned(), "{".to_owned()], vec![start(&call)], vec![start(PERSON)]] {
            let url = format!("{}{path}", world.url).replacen("http", "ws", 1);
            let (mut socket, _) = tokio_tungstenite::connect_async(url).await.expect("the socket is upgraded");
            for frame in frames {
                // It may be closed before it has said all.
                let _ = socket.send(Message::text(frame)).await;
            }
            let rest = async { while let Some(Ok(_)) = socket.next().await {} };
            let _ = tokio::time::timeout(std::time::Duration::from_secs(2), rest).await;
        }
    }
}

//! Events that Telnyx signed: for whom they are, and how often they count.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use callme::emulator::{EmulatorConfig, Script};
use serde_json::{Value, json};

use super::{REPLY, SIGNATURE, TIMESTAMP, sign};
use crate::world::World;

/// A call in which the question was answered, and its session.
async fn in_a_call() -> (World, String) {
    let world = World::telnyx().await;
    world.person(Script::converses([REPLY]));
    let answer = world.call("Shall I deploy?").await;
    assert_eq!(answer.status, 200, "{answer:?}\n{}", world.emulator.timeline());
    let id = answer.call_id();
    (world, id)
}

impl World {
    /// Posts an event about the newest call, signed; the status.
    async fn tells(&self, path: &str, id: &str, kind: &str, session: Option<&str>) -> u16 {
        let EmulatorConfig { telnyx_seed: seed, connection_id, .. } = EmulatorConfig::default();
        let state = session.map(|session| STANDARD.encode(session));
        let payload = json!({"call_control_id": self.last_call().sid, "connection_id": connection_id,
            "client_state": state, "hangup_cause": "normal_clearing"});
        let body = json!({"data": {"id": id, "event_type": kind, "payload": payload}}).to_string();
        let stamp = self.emulator.clock().as_second().to_string();
        let signature = sign(seed, &stamp, &body);
        self.event_to(path, &body, &[(SIGNATURE, &signature), (TIMESTAMP, &stamp)]).await.0
    }

    async fn state(&self, id: &str) -> Value {
        self.look(id).await.at("/state")
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_for_the_session_it_is_signed_for_and_not_for_that_of_its_address() {
    let (world, id) = in_a_call().await;
    let other = "call-77-1790000000000";
    for (n, (addressed, signed)) in [(&*id, other), (other, &*id)].into_iter().enumerate() {
        let path = format!("/twiml?s={addressed}");
        assert_eq!(world.tells(&path, &format!("e{n}"), "call.hangup", Some(signed)).await, 400, "{path}");
    }
    assert_eq!(world.state(&id).await, "connected", "nothing has happened");
    assert_eq!(world.tells("/twiml", "e9", "call.hangup", Some(&id)).await, 204, "the address need not name it");
    world.sessions_end().await;
    assert_eq!(world.state(&id).await, "ended");
}

#[tokio::test(start_paused = true)]
async fn an_event_is_heard_once_by_its_name() {
    let (world, id) = in_a_call().await;
    let path = format!("/twiml?s={id}");
    assert_eq!(world.tells(&path, "e1", "call.ringing", Some(&id)).await, 204);
    assert_eq!(world.tells(&path, "e1", "call.hangup", Some(&id)).await, 204, "it is not sent again for that");
    assert_eq!(world.state(&id).await, "connected", "it was told before");
    assert_eq!(world.tells(&path, "e2", "call.hangup", Some(&id)).await, 204);
    world.sessions_end().await;
    assert_eq!(world.state(&id).await, "ended");
}

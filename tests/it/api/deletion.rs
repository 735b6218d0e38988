//! What is deleted, and what repeats of its requests are told from then on.

use callme::emulator::{Script, What};
use serde_json::json;

use super::refused;
use crate::world::{Answer, KEY, World};

const REPLY: &str = "Yes, the blue one.";

async fn delete(world: &World, path: &str) -> Answer {
    let response = world.client().delete(format!("{}{path}", world.url)).bearer_auth(KEY).send().await;
    let response = response.expect("the server answers");
    let status = response.status().as_u16();
    Answer { status, body: response.json().await.expect("JSON") }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_was_deleted_is_given_to_no_repeat_and_nobody_is_rung_again() {
    for all in [false, true] {
        let world = World::new().await;
        world.person(Script::converses([REPLY]));
        let ask = |wait| {
            let headers = [("Idempotency-Key", "one-call"), ("Prefer", wait)];
            let world = &world;
            async move { world.post_with("/api/call", json!({ "message": "Which one?" }), &headers).await }
        };
        let hurried = ask("wait=1").await;
        let request = hurried.body["requestId"].as_str().expect("it is told by what name").to_owned();
        let answer = ask("wait=200").await;
        assert_eq!(answer.body["response"], REPLY, "{answer:?}");
        let id = answer.call_id();
        world.say("end", &id, "Bye.").await;
        world.settled().await;
        let name = format!("/api/request/{request}");
        let rejoin = || world.get(&name);
        assert_eq!(rejoin().await.body["response"], REPLY);
        let path = if all { "/api/history".to_owned() } else { format!("/api/history/{id}") };
        let deleted = delete(&world, &path).await;
        assert_eq!((deleted.status, &deleted.body["deleted"]), (200, &json!(1)), "{deleted:?}");
        for told in [ask("wait=200").await, rejoin().await] {
            refused(&told, 410, "call_ended");
            assert!(told.error().contains("was deleted") && !told.body.to_string().contains(REPLY), "{told:?}");
        }
        let dials = world.emulator.timeline().count(|what| matches!(what, What::Rest { verb: "dial", .. }));
        assert_eq!(dials, 1, "all: {all}");
    }
}

//! The same request again: one ring, one answer.

use std::time::Duration;

use callme::emulator::Script;
use callme::emulator::Telephony::{self, Telnyx, Twilio};
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::json;
use tokio::time::timeout;

use crate::world::{Answer, World};

const REPLY: &str = "Yes, deploy it now please.";

async fn ask(world: &World, message: &str, key: Option<&str>) -> Answer {
    let header = key.map(|key| ("idempotency-key", key));
    world.post_with("/api/call", json!({ "message": message }), header.as_slice()).await
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn twenty_clients_with_one_question_ring_once_and_hear_the_same(#[values(Twilio, Telnyx)] on: Telephony) {
    for key in [None, Some("k1")] {
        let world = World::on(on).await;
        world.person(Script::converses([REPLY]));
        let answers = join_all((0..20).map(|_| ask(&world, "Shall I deploy?", key))).await;
        let id = answers[0].call_id();
        assert_eq!((answers[0].status, &answers[0].body["response"]), (200, &json!(REPLY)), "{:?}", answers[0]);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{key:?}: {answers:?}");
        assert_eq!(world.asked_for("dial"), 1, "{key:?}");
        assert_eq!(world.say("end", &id, "Goodbye.").await.status, 200);
        world.settled().await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_key_stands_for_one_message_and_its_answer(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::converses([REPLY]));
    let answer = ask(&world, "Shall I deploy?", Some("k1")).await;
    let other = ask(&world, "Shall I not deploy?", Some("k1")).await;
    assert_eq!((other.status, &other.body["code"]), (422, &json!("idempotency_mismatch")), "{other:?}");
    let id = answer.call_id();
    assert_eq!(world.say("end", &id, "Goodbye.").await.status, 200);
    world.settled().await;
    for hours in [0, 23] {
        tokio::time::sleep(Duration::from_hours(hours)).await;
        assert_eq!(
            ask(&world, "Shall I deploy?", Some("k1")).await,
            answer,
            "{hours} h later, with the call long over"
        );
    }
    assert_eq!(world.asked_for("dial"), 1);
    tokio::time::sleep(Duration::from_hours(2)).await;
    let anew = ask(&world, "Shall I not deploy?", Some("k1")).await;
    assert_eq!((anew.status, world.asked_for("dial")), (200, 2), "after a day the key is free: {anew:?}");
    assert_eq!(world.say("end", &anew.call_id(), "Goodbye.").await.status, 200);
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_client_that_was_gone_gets_the_answer_by_asking_again(#[values(Twilio, Telnyx)] on: Telephony) {
    for (key, gone_for) in [(None, 2), (None, 30), (Some("k1"), 2), (Some("k1"), 30)] {
        let world = World::on(on).await;
        world.person(Script::converses([REPLY]));
        let patience = Duration::from_secs(1);
        assert!(timeout(patience, ask(&world, "Shall I deploy?", key)).await.is_err(), "the client goes away");
        tokio::time::sleep(Duration::from_secs(gone_for)).await;
        let answer = ask(&world, "Shall I deploy?", key).await;
        let timeline = world.emulator.timeline();
        assert_eq!((answer.status, &answer.body["response"]), (200, &json!(REPLY)), "{answer:?}\n{timeline}");
        assert_eq!(world.asked_for("dial"), 1, "{key:?} after {gone_for} s\n{timeline}");
        // Collected: the call goes on and is not ended for want of somebody who listens.
        tokio::time::sleep(Duration::from_secs(70)).await;
        let id = answer.call_id();
        assert_eq!(world.look(&id).await.at("/state"), "connected", "{}", world.emulator.timeline());
        assert_eq!(world.look(&id).await.at("/replies"), json!([]));
        assert_eq!(world.say("end", &id, "Goodbye.").await.status, 200);
        world.settled().await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_question_that_nobody_took_the_answer_of_can_still_be_asked_for_it(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::converses([REPLY]));
    assert!(timeout(Duration::from_secs(1), world.call("Shall I deploy?")).await.is_err(), "the client goes away");
    world.settled().await;
    let heard = world.emulator.calls()[0].heard_text();
    assert_eq!(heard, "Shall I deploy? I will pass that on. Goodbye.", "{}", world.emulator.timeline());
    let id = world.newest().await;
    assert_eq!(world.look(&id).await.at("/outcome/endedBy"), "inactivity");
    let late = world.wait(&id).await;
    assert_eq!((late.status, &late.body["response"]), (200, &json!(REPLY)), "{late:?}");
    assert_eq!(world.wait(&id).await.status, 404, "it was collected");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn the_same_words_are_a_new_call_once_they_were_answered(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::converses([REPLY]));
    let mut ids = Vec::new();
    for _ in 0..2 {
        let answer = world.call("Shall I deploy?").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        ids.push(answer.call_id());
        assert_eq!(world.say("end", &ids[ids.len() - 1], "Goodbye.").await.status, 200);
    }
    assert_ne!(ids[0], ids[1]);
    assert_eq!(world.asked_for("dial"), 2);
    world.settled().await;
}

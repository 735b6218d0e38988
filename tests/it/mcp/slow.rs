//! People who take their time, and clients that do not.

use std::time::Duration;

use callme::emulator::{PickUp, Script};
use serde_json::json;
use tokio::time::Instant;

use super::{LABEL, QUESTION, REPLY, call, said};
use crate::world::World;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Somebody who does not pick up, and writes later.
fn written_question(world: &World) {
    world.person(Script::unanswered(PickUp::Busy));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hears_no_progress_is_told_before_it_gives_up_that_nobody_has_answered_yet() {
    let world = World::writing().await;
    written_question(&world);
    let began = Instant::now();
    let waited = world.tool("initiate_call", json!({ "message": QUESTION })).await;
    assert!((44..=46).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    waited.is_good();
    let id = waited.call_id();
    assert!(waited.text().starts_with("No answer yet.") && waited.text().contains("wait_for_reply"), "{waited:?}");
    assert!(waited.text().contains(id) && !waited.text().contains(LABEL), "{waited:?}");
    assert_eq!(waited.fields()["status"], json!("waiting"), "{waited:?}");

    // Nobody waits while it comes.
    world.emulator.chat().write(REPLY).await;
    tokio::time::sleep(secs(600)).await;
    let looked = world.tool("get_call", json!({ "call_id": id })).await;
    assert!(looked.text().ends_with(&format!("{LABEL}{REPLY}")), "{looked:?}");
    let collected = world.tool("wait_for_reply", json!({ "call_id": id })).await;
    collected.is_good();
    assert!(collected.text().ends_with(&format!("{LABEL}{REPLY}")), "{collected:?}");
    assert_eq!(world.emulator.calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hears_progress_waits_up_to_its_own_ceiling_and_hears_something_every_ten_seconds() {
    let world = World::writing_under(&[("CALLME_MCP_WAIT_WITH_PROGRESS_SECONDS", "65")]).await;
    written_question(&world);
    let began = Instant::now();
    let waited = world.told_tool("initiate_call", json!({ "message": QUESTION })).await;
    assert!((63..=66).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    waited.is_good();
    assert!(waited.text().starts_with("No answer yet."), "{waited:?}");
    assert!(waited.news.len() >= 7, "one in ten seconds: {:?}", waited.told());
    assert!(waited.news.iter().all(|news| news["params"]["progressToken"] == json!("p1")), "{waited:?}");
    assert!(waited.told().contains(&"waiting for a WhatsApp reply, 1 min left"), "{:?}", waited.told());
}

#[tokio::test(start_paused = true)]
async fn the_ceiling_is_what_the_operator_or_the_client_says() {
    let world = World::writing_under(&[("CALLME_MCP_WAIT_SECONDS", "20")]).await;
    written_question(&world);
    let began = Instant::now();
    world.tool("initiate_call", json!({ "message": QUESTION })).await.is_good();
    assert!((19..=21).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    let id = world.call_id().await;
    let began = Instant::now();
    let wait = call("wait_for_reply", &json!({ "call_id": id }), None);
    said(world.rpc(&wait).header("prefer", "wait=90")).await.is_good();
    assert!((88..=91).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_gives_up_stops_the_waiting_and_not_the_call() {
    let world = World::new().await;
    world.person(Script::converses([REPLY]));
    let request = world.rpc(&call("initiate_call", &json!({ "message": QUESTION }), Some("p"))).timeout(secs(2));
    assert!(request.send().await.expect("an answer begins").text().await.is_err(), "it gave up");
    let id = world.call_id().await;
    let collected = world.tool("wait_for_reply", json!({ "call_id": id })).await;
    collected.is_good();
    assert!(collected.text().ends_with(&format!("{LABEL}{REPLY}")), "{collected:?}");
    assert_eq!(world.emulator.calls().len(), 1);
    world.tool("end_call", json!({ "call_id": id, "message": "Bye." })).await.is_good();
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn the_same_question_again_joins_what_it_began() {
    let world = World::writing().await;
    written_question(&world);
    for _ in 0..2 {
        let waited = world.tool("initiate_call", json!({ "message": QUESTION })).await;
        assert!(waited.text().starts_with("No answer yet."), "{waited:?}");
    }
    let person = async {
        tokio::time::sleep(secs(5)).await;
        world.emulator.chat().write(REPLY).await
    };
    let (called, _) = tokio::join!(world.tool("initiate_call", json!({ "message": QUESTION })), person);
    assert!(called.text().ends_with(&format!("{LABEL}{REPLY}")), "{called:?}");
    assert_eq!(world.emulator.calls().len(), 1, "nobody is rung twice");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_carrier_refuses_while_the_tool_waits_is_asked_for_once() {
    use callme::emulator::{DialFault, Fault, Times};
    let world = World::new().await;
    let fault = DialFault::Refused { status: 400, code: 21_215 };
    world.emulator.faults().add(Fault::Dial(fault), Times::Always);
    let refused = world.told_tool("initiate_call", json!({ "message": QUESTION })).await;
    assert_eq!(refused.result()["isError"], json!(true), "{refused:?}");
    assert!(refused.text().contains("21215"), "{refused:?}");
    let dials =
        world.emulator.timeline().count(|what| matches!(what, callme::emulator::What::Rest { verb: "dial", .. }));
    assert_eq!(dials, 1);
}

#[tokio::test(start_paused = true)]
async fn the_same_question_after_its_answer_was_collected_and_its_session_ended_is_a_new_one() {
    let world = World::new().await;
    world.person(Script::converses([REPLY]));
    let request = world.rpc(&call("initiate_call", &json!({ "message": QUESTION }), Some("p"))).timeout(secs(2));
    assert!(request.send().await.expect("an answer begins").text().await.is_err(), "it gave up");
    let id = world.call_id().await;
    world.tool("wait_for_reply", json!({ "call_id": id })).await.is_good();
    world.tool("end_call", json!({ "call_id": id, "message": "Bye." })).await.is_good();
    world.sessions_end().await;
    world.person(Script::converses(["Not any more."]));
    let again = world.tool("initiate_call", json!({ "message": QUESTION })).await;
    assert!(again.text().ends_with(&format!("{LABEL}Not any more.")), "{again:?}");
    assert_eq!(world.emulator.calls().len(), 2);
}

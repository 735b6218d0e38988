//! The same request again: one text, one answer.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{PickUp, Script};
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::message::with_template;
use super::{QUESTION, REPLY, secs};
use crate::world::{Answer, World};

async fn keyed(world: &World, message: &str, key: &str) -> Answer {
    world.post_with("/api/message", json!({ "message": message }), &[("Idempotency-Key", key)]).await
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_client_that_was_gone_joins_its_own_question_and_nothing_is_sent_twice(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    for (path, gone_for) in [("/api/message", 20), ("/api/message", 70), ("/api/call", 20), ("continue", 20)] {
        let world = World::writing_on(on).await;
        world.person(Script::unanswered(PickUp::Busy));
        let path = match path {
            "continue" => format!("/api/call/{}/continue", world.in_writing().await),
            other => other.to_owned(),
        };
        let ask = || world.post(&path, json!({ "message": "And the docs?" }));
        assert!(timeout(secs(5), ask()).await.is_err(), "the client goes away");
        let (sent, dials) = (world.words().len(), world.used("dial"));
        let person = async {
            sleep(secs(gone_for)).await;
            world.replies("And the docs?", "Yes.").await
        };
        let again = async {
            sleep(secs(gone_for - 10)).await;
            ask().await
        };
        let (answer, _) = tokio::join!(again, person);
        world.wrote(&answer, "Yes.");
        assert_eq!((world.words().len(), world.used("dial")), (sent, dials), "{path}\n{}", world.emulator.timeline());
        world.settled().await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_reply_that_came_while_the_client_was_gone_is_its_repeats(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    assert!(timeout(secs(5), world.message(QUESTION)).await.is_err(), "the client goes away");
    world.replies(QUESTION, REPLY).await;
    sleep(secs(50)).await;
    let answer = world.message(QUESTION).await;
    world.wrote(&answer, REPLY);
    assert_eq!(world.words(), [QUESTION]);
    assert_eq!(world.look(&answer.call_id()).await.at("/replies"), json!([]), "it is collected");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn twenty_clients_with_one_question_write_once_and_read_the_same(#[values(Twilio, Telnyx)] on: Telephony) {
    for key in [None, Some("k1")] {
        let world = World::writing_on(on).await;
        let header = key.map(|key| ("Idempotency-Key", key));
        let ask = || world.post_with("/api/message", json!({ "message": QUESTION }), header.as_slice());
        let (answers, _) = tokio::join!(join_all((0..20).map(|_| ask())), world.replies(QUESTION, REPLY));
        world.wrote(&answers[0], REPLY);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{key:?}: {answers:?}");
        assert_eq!(world.words(), [QUESTION], "{key:?}");
        world.settled().await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_client_whose_time_is_up_leaves_the_question_to_the_one_that_still_waits(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = World::writing_on(on).await;
    let path = format!("/api/call/{}/continue", world.in_writing().await);
    let ask = |message: &str| world.post_with(&path, json!({ "message": message }), &[("prefer", "wait=5")]);
    let patient = world.post(&path, json!({ "message": "And the docs?" }));
    let others = async {
        sleep(secs(1)).await;
        assert_eq!(ask("And the docs?").await.status, 202);
        world.refused(&ask("Or not?").await, 409, "busy");
        world.replies("And the docs?", "Yes.").await
    };
    let (answer, _) = tokio::join!(patient, others);
    world.wrote(&answer, "Yes.");
    // Once nobody waits, the next message may take its place.
    assert_eq!(ask("And the tests?").await.status, 202);
    assert_eq!(ask("Or those?").await.status, 202);
    world.say("end", path.split('/').nth(3).expect("an id"), "Goodbye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_key_stands_for_one_message_and_its_answer_for_a_day(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = with_template(on).await;
    let (answer, _) = tokio::join!(keyed(&world, QUESTION, "k1"), world.replies(QUESTION, REPLY));
    world.wrote(&answer, REPLY);
    let other = keyed(&world, "Another one?", "k1").await;
    world.refused(&other, 422, "idempotency_mismatch");
    world.settled().await;
    for hours in [0, 23] {
        sleep(secs(hours * 3600)).await;
        assert_eq!(keyed(&world, QUESTION, "k1").await, answer, "{hours} h later, with the session long over");
    }
    assert_eq!(world.words(), [QUESTION]);
    sleep(secs(2 * 3600)).await;
    let (anew, _) = tokio::join!(keyed(&world, "Another one?", "k1"), world.replies("Another one?", REPLY));
    world.wrote(&anew, REPLY);
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_key_stands_for_the_wish_for_a_template_too(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = with_template(on).await;
    let first = |first: bool| {
        let body = json!({ "message": QUESTION, "firstContact": first });
        world.post_with("/api/message", body, &[("Idempotency-Key", "k1")])
    };
    let other = async {
        sleep(secs(1)).await;
        world.refused(&first(true).await, 422, "idempotency_mismatch");
        world.replies(QUESTION, REPLY).await
    };
    let (answer, _) = tokio::join!(first(false), other);
    world.wrote(&answer, REPLY);
    assert_eq!(world.words(), [QUESTION]);
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn only_a_definite_refusal_before_anything_was_sent_frees_a_key(#[values(Twilio, Telnyx)] on: Telephony) {
    use callme::emulator::{Fault, RestFault, RestVerb, Times};
    let world = World::writing_on(on).await;
    let fault = RestFault::Refused { status: 400, code: 63013, retry_after: None };
    world.emulator.faults().add(Fault::Text { verb: RestVerb::SendMessage, fault }, Times::Once);
    let refused = keyed(&world, QUESTION, "k1").await;
    world.refused(&refused, 502, "provider_error");
    let (answer, _) = tokio::join!(keyed(&world, QUESTION, "k1"), world.replies(QUESTION, REPLY));
    world.wrote(&answer, REPLY);
    // Taken by the carrier, and not delivered: the key stands.
    world.emulator.faults().add(Fault::ReceiptFails { code: 63013 }, Times::Once);
    let failed = keyed(&world, "And the docs?", "k2").await;
    world.refused(&failed, 408, "no_reply");
    assert_eq!(keyed(&world, "And the docs?", "k2").await, failed);
    assert_eq!(world.words(), [QUESTION, "And the docs?"]);
    world.settled().await;
}

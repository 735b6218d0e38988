//! Nobody writes for a while; and what comes after everybody has gone.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{PickUp, Script};
use rstest::rstest;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::{QUESTION, REPLY, secs};
use crate::world::{Answer, World};

/// A question that nobody answered in time; its refusal.
async fn unanswered(world: &World) -> Answer {
    world.person(Script::unanswered(PickUp::Busy));
    let answer = world.call(QUESTION).await;
    world.refused(&answer, 408, "no_reply");
    answer
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn silence_ends_in_a_408_that_says_how_to_go_on_and_leaves_the_session_open(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = World::writing_on(on).await;
    let began = Instant::now();
    let answer = unanswered(&world).await;
    let took = began.elapsed();
    assert!(took >= secs(180) && took < secs(182), "{took:?}");
    let id = answer.call_id();
    assert_eq!(answer.at("/contactMode"), "whatsapp");
    let outcome = json!({ "dial": "busy", "answeredBy": "nobody", "messageHeard": null, "replyChannel": "none", "endedBy": null });
    assert_eq!(answer.body["outcome"], outcome);
    for hint in ["WhatsApp", "wait_for_reply", "continue_call", &id] {
        assert!(answer.error().contains(hint), "{hint}: {answer:?}");
    }
    let look = world.look(&id).await;
    assert_eq!((look.at("/state"), look.at("/waiting")), (json!("messaging"), json!(false)), "{look:?}");
    // Not a word to the person about it, and nothing is sent again.
    sleep(secs(600)).await;
    assert_eq!(world.words().len(), 1, "{}", world.emulator.timeline());
    world.say("end", &id, "Goodbye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn no_request_in_writing_waits_longer_than_a_client_does(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on_with(on, &[("CALLME_TRANSCRIPT_TIMEOUT_MS", "600000")]).await;
    world.person(Script::unanswered(PickUp::Busy));
    let began = Instant::now();
    let answer = world.call(QUESTION).await;
    assert_eq!(began.elapsed().as_secs(), 285);
    world.refused(&answer, 408, "no_reply");
    assert_eq!(answer.at("/contactMode"), "whatsapp");
    assert!(answer.error().contains("WhatsApp") && answer.error().contains("wait_for_reply"), "{answer:?}");
    // Another message does not have to wait for the first one's time to be up.
    let id = answer.call_id();
    let (next, _) = tokio::join!(world.say("continue", &id, "And the docs?"), world.replies("And the docs?", "Yes."));
    world.wrote(&next, "Yes.");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_late_reply_is_shown_and_collected_by_wait_once(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let id = unanswered(&world).await.call_id();
    sleep(secs(3600)).await;
    world.emulator.chat().write(REPLY).await;
    sleep(secs(1)).await;
    let look = world.look(&id).await;
    assert_eq!(
        (look.at("/replies/0/text"), look.at("/replies/0/channel")),
        (json!(REPLY), json!("whatsapp")),
        "{look:?}"
    );
    assert_eq!(world.look(&id).await.at("/replies"), look.at("/replies"), "looking collects nothing");
    let reply = world.wait(&id).await;
    world.wrote(&reply, REPLY);
    assert_eq!(reply.at("/earlier"), json!([]), "it answers the question: {reply:?}");
    assert_eq!(world.look(&id).await.at("/replies"), json!([]));
    assert_eq!(world.words().len(), 1, "the person is told nothing");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_late_reply_comes_with_the_next_question_as_earlier_words(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let id = unanswered(&world).await.call_id();
    world.emulator.chat().write(REPLY).await;
    sleep(secs(1)).await;
    let (next, _) = tokio::join!(world.say("continue", &id, "And the docs?"), world.replies("And the docs?", "Later."));
    world.wrote(&next, &format!("Earlier: {REPLY}\nLater."));
    assert_eq!((next.at("/earlier/0/text"), next.at("/earlier/0/channel")), (json!(REPLY), json!("whatsapp")));
    assert_eq!(world.look(&id).await.at("/replies"), json!([]));
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_late_reply_gets_it_when_it_comes(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let id = unanswered(&world).await.call_id();
    let person = async {
        sleep(secs(100)).await;
        world.emulator.chat().write(REPLY).await
    };
    let (first, second, _) = tokio::join!(world.wait(&id), world.wait(&id), person);
    world.wrote(&first, REPLY);
    assert_eq!(first, second, "all get it");
    let nothing = world.wait(&id).await;
    world.refused(&nothing, 408, "no_reply");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_reply_that_nobody_collected_is_there_when_the_session_has_ended(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    world.person(Script::unanswered(PickUp::Busy));
    assert!(timeout(secs(60), world.call(QUESTION)).await.is_err(), "the client goes away");
    world.emulator.chat().write(REPLY).await;
    world.settled().await;
    let id = world.newest().await;
    let look = world.look(&id).await;
    assert_eq!((look.at("/state"), look.at("/replies/0/text")), (json!("ended"), json!(REPLY)), "{look:?}");
    let reply = world.wait(&id).await;
    assert_eq!((reply.status, reply.at("/response")), (200, json!(REPLY)), "{reply:?}");
    assert_eq!(
        (reply.at("/contactMode"), reply.at("/outcome/replyChannel")),
        (json!("whatsapp"), json!("whatsapp")),
        "{reply:?}"
    );
    world.refused(&world.wait(&id).await, 404, "no_active_call");
}

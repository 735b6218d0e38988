//! What comes at the worst moment: between a session's end and its leaving, or long after.

use callme::domain::carrier::CallEnd;
use callme::domain::session::{Body, CarrierNews, Input};
use callme::domain::text::AgentText;
use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Fault, PickUp, Script, Times, What};
use callme::ids::{CarrierCallId, SessionId};
use rstest::rstest;
use serde_json::json;
use tokio::time::sleep;

use super::{QUESTION, ms};
use crate::world::World;

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_request_that_comes_while_its_call_ends_is_answered_for_what_it_is(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::unanswered(PickUp::Never));
    let ending = async {
        let id = SessionId::parse(&world.call_id().await).expect("the server's own id");
        sleep(ms(3000)).await;
        let call = CarrierCallId(world.last_call().sid);
        // Both lie in the inbox before the session looks into it.
        world.sessions.news(Some(id.clone()), call.clone(), CarrierNews::Over(CallEnd::NoAnswer));
        let text = AgentText::parse("Never mind.").expect("a short text");
        let end = world.sessions.request(&id, None, |request| Input::End { request, text }).expect("it runs still");
        let wait = world.sessions.request(&id, None, |request| Input::Wait { request }).expect("it runs still");
        (end.answer().await, wait.answer().await)
    };
    let (answer, (end, wait)) = tokio::join!(world.call(QUESTION), ending);
    assert_eq!((answer.status, &answer.body["code"]), (408, &json!("no_answer")), "{answer:?}");
    let end = end.expect("a session that ended did not die");
    assert!(matches!(end.answer.body, Body::Ended { talked: 0 }), "{end:?}");
    let wait = wait.expect("a session that ended did not die");
    assert!(matches!(wait.answer.body, Body::Failed { .. }), "{wait:?}");
    world.emulator.phone().hang_up().ok();
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_repeat_takes_its_own_reply_and_no_later_words(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::converses(["Yes, do it."]).wait(ms(5000)).say("And use the blue one.").hang_up());
    let ask = || world.post_with("/api/call", json!({ "message": QUESTION }), &[("Idempotency-Key", "one-call")]);
    let first = ask().await;
    assert_eq!((first.status, first.at("/response")), (200, json!("Yes, do it.")), "{first:?}");
    let id = first.call_id();
    world.settled().await;
    let words = json!(["And use the blue one."]);
    let left = || async {
        world
            .look(&id)
            .await
            .at("/replies")
            .as_array()
            .map(|all| all.iter().map(|one| one["text"].clone()).collect::<Vec<_>>())
    };
    assert_eq!(json!(left().await), words);
    let again = ask().await;
    assert_eq!((again.status, again.at("/response")), (200, json!("Yes, do it.")), "{again:?}");
    assert_eq!(json!(left().await), words, "a repeat collects what it was given, and nothing else");
    let late = world.wait(&id).await;
    assert_eq!((late.status, late.at("/response")), (200, json!("And use the blue one.")), "{late:?}");
    assert_eq!(json!(left().await), json!([]));
    let dials = world.emulator.timeline().count(|what| matches!(what, What::Rest { verb: "dial", .. }));
    assert_eq!(dials, 1);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn who_calls_again_while_the_last_call_is_being_hung_up_is_not_sent_into_it(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = World::on(on).await;
    world.person(Script::voicemail());
    world.emulator.faults().add(Fault::HangUpRefused { status: 500, code: 20500 }, Times::Once);
    let unreached = world.call(QUESTION).await;
    assert_eq!((unreached.status, unreached.at("/outcome/dial")), (408, json!("voicemail")), "{unreached:?}");
    let refused = world.call("Is the coffee ready?").await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!("busy")), "{refused:?}");
    assert_eq!(refused.call_id(), unreached.call_id());
    assert!(!refused.error().contains("continue_call"), "there is nothing to continue: {refused:?}");
    assert!(refused.error().ends_with("Try again in a few seconds."), "{refused:?}");
    sleep(ms(5000)).await;
    world.person(Script::converses(["Yes."]));
    let next = world.call("Is the coffee ready?").await;
    assert_eq!(next.status, 200, "{next:?}");
    world.say("end", &next.call_id(), "Goodbye.").await;
    world.settled().await;
}

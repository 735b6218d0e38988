//! "Call me": from writing to voice and back, in the same session.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{CallState, DialFault, Fault, PickUp, Script, Times, What};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{QUESTION, REPLY, TRIED, secs};
use crate::world::{Answer, World};

const COULD_NOT: &str = "I tried to call you, but did not reach you. You can answer here.";

/// The first call is missed; the next ones go as the script says.
fn missed_then(world: &World, script: Script) {
    world.person(Script::unanswered(PickUp::Busy));
    world.emulator.person().then(script);
}

/// Asks by phone, and the person, who missed it, writes this instead.
async fn asked(world: &World, question: &str, words: &str) -> Answer {
    tokio::join!(world.call(question), world.replies(question, words)).0
}

/// What was spoken in the last call.
fn heard(world: &World) -> String {
    world.last_call().heard_text()
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn call_me_rings_in_the_same_session_and_the_waiting_request_gets_the_spoken_answer(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    for (words, earlier) in [
        ("Call me", None),
        ("could you please call me?", None),
        ("Call me at nine", Some("Call me at nine")),
        ("Llámame", None),
    ] {
        let world = World::writing_on(on).await;
        missed_then(&world, Script::converses(["Yes, do it.", "The first one."]));
        let answer = asked(&world, QUESTION, words).await;
        let timeline = world.emulator.timeline();
        let response = earlier.map_or("Yes, do it.".to_owned(), |earlier| format!("Earlier: {earlier}\nYes, do it."));
        assert_eq!((answer.status, answer.at("/response")), (200, json!(response)), "{words}: {answer:?}\n{timeline}");
        assert_eq!(answer.at("/earlier/0/text"), earlier.map_or(Value::Null, Value::from));
        assert_eq!(answer.at("/contactMode"), "voice");
        let outcome = json!({ "dial": "answered", "answeredBy": "human", "messageHeard": "full", "replyChannel": "voice", "endedBy": null });
        assert_eq!(answer.body["outcome"], outcome, "{words}");
        assert_eq!((world.used("dial"), heard(&world)), (2, QUESTION.to_owned()), "{words}: asked again by voice");
        assert_eq!(world.words(), [format!("{TRIED}{QUESTION}")]);

        let id = answer.call_id();
        let next = world.say("continue", &id, "Which server first?").await;
        assert_eq!((next.at("/response"), next.at("/contactMode")), (json!("The first one."), json!("voice")));
        let end = world.say("end", &id, "Thank you. Goodbye.").await;
        assert_eq!((end.status, end.at("/outcome/endedBy")), (200, json!("agent")), "{end:?}");
        world.settled().await;
        assert!(heard(&world).ends_with("Thank you. Goodbye."));
        assert_eq!(world.get("/api/history").await.at("/total"), 1, "it was one session");
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_call_that_was_asked_for_and_fails_too_is_told_and_the_session_stays_in_writing(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let unanswered = Script::unanswered;
    for (script, dial) in [
        (unanswered(PickUp::Never), "no-answer"),
        (unanswered(PickUp::Busy), "busy"),
        (unanswered(PickUp::Failed), "failed"),
        (unanswered(PickUp::Declines(secs(3))), "no-answer"),
        (Script::voicemail(), "voicemail"),
        (Script::answers().hang_up(), "answered"),
    ] {
        let world = World::writing_on(on).await;
        missed_then(&world, script);
        let person = async {
            world.replies(QUESTION, "Call me").await;
            world.replies(COULD_NOT, "Then by text: yes.").await
        };
        let (answer, _) = tokio::join!(world.call(QUESTION), person);
        world.wrote(&answer, "Then by text: yes.");
        assert_eq!((answer.at("/outcome/dial"), world.used("dial")), (json!(dial), 2), "{answer:?}");
        assert_eq!(world.words(), [format!("{TRIED}{QUESTION}").as_str(), COULD_NOT], "the question is there already");
        assert_eq!(world.look(&answer.call_id()).await.at("/state"), "messaging");
        world.settled().await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_call_that_was_asked_for_and_that_the_carrier_refuses_is_told_too(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    missed_then(&world, Script::converses(["Never heard."]));
    let person = async {
        world.emulator.chat().receives(QUESTION).await.expect("the question arrives");
        world.emulator.faults().add(Fault::Dial(DialFault::Refused { status: 403, code: 21215 }), Times::Once);
        world.emulator.chat().write("Call me").await;
        world.replies(COULD_NOT, REPLY).await
    };
    let (answer, _) = tokio::join!(world.call(QUESTION), person);
    world.wrote(&answer, REPLY);
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_reply_typed_while_the_phone_rings_for_it_stops_the_ringing(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    missed_then(&world, Script::unanswered(PickUp::Never));
    let person = async {
        world.replies(QUESTION, "Call me").await;
        world.event(|what| *what == What::State(CallState::Ringing)).await;
        sleep(secs(5)).await;
        world.emulator.chat().write("No need: yes.").await
    };
    let (answer, _) = tokio::join!(world.call(QUESTION), person);
    world.wrote(&answer, "No need: yes.");
    sleep(secs(5)).await;
    assert_eq!(world.last_call().state, CallState::Canceled, "{}", world.emulator.timeline());
    assert_eq!(world.words().len(), 1, "{}", world.emulator.timeline());
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn call_me_without_an_open_question_takes_a_message_which_wait_collects(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let id = world.in_writing().await;
    world.person(Script::converses(["Please stop the build at once."]));
    world.emulator.chat().write("Call me").await;
    let late = world.wait(&id).await;
    let timeline = world.emulator.timeline();
    assert_eq!(
        (late.status, late.at("/response")),
        (200, json!("Please stop the build at once.")),
        "{late:?}\n{timeline}"
    );
    assert_eq!(late.at("/outcome/replyChannel"), "voice");
    assert!(heard(&world).starts_with("You asked me to call. What shall I pass on?"), "{timeline}");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn the_phone_rings_three_times_in_ten_minutes_for_the_asking_and_then_a_text_says_why_not(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = World::writing_on(on).await;
    let id = world.in_writing().await;
    let chat = world.emulator.chat();
    for round in 2..=4 {
        chat.write("Call me").await;
        sleep(secs(30)).await;
        assert_eq!(world.used("dial"), round, "{}", world.emulator.timeline());
    }
    chat.write("Call me").await;
    chat.receives("I have called you several times already.").await.expect("it says why");
    assert_eq!(world.used("dial"), 4);
    sleep(secs(9 * 60)).await;
    chat.write("Call me").await;
    sleep(secs(30)).await;
    assert_eq!(world.used("dial"), 5, "ten minutes after the first it rings again");
    world.say("end", &id, "Goodbye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn call_me_in_a_live_call_is_answered_by_a_text(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    world.person(Script::answers().wait(secs(20)).say("Yes, do it."));
    let person = async {
        world.event(|what| *what == What::AgentQuiet).await;
        world.emulator.chat().write("Call me").await;
        world.emulator.chat().receives("We are on the phone already.").await.expect("it says why")
    };
    let (answer, _) = tokio::join!(world.call(QUESTION), person);
    assert_eq!((answer.status, answer.at("/contactMode")), (200, json!("voice")), "{answer:?}");
    assert_eq!(world.used("dial"), 1);
    world.say("end", &answer.call_id(), "Goodbye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn call_me_without_any_session_takes_a_message_and_the_next_session_gets_it_as_earlier(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = World::writing_on(on).await;
    world.person(Script::converses(["Please stop the build at once."]));
    let chat = world.emulator.chat();
    chat.write("Please call me").await;
    world.event(|what| matches!(what, What::HungUp(_))).await;
    world.settled().await;
    let timeline = world.emulator.timeline();
    assert_eq!(world.used("dial"), 1, "{timeline}");
    let said = heard(&world);
    assert!(said.starts_with("You asked me to call. What shall I pass on?"), "{said}");
    assert!(said.ends_with("Goodbye."), "{said}");
    assert_eq!(world.words(), Vec::<String>::new(), "nobody is told anything in writing\n{timeline}");

    let (next, _) = tokio::join!(world.message("Shall I go on?"), world.replies("Shall I go on?", "Not yet."));
    assert_eq!(next.at("/response"), "Earlier: Please stop the build at once.\nNot yet.", "{next:?}");
    assert_eq!(
        (next.at("/earlier/0/text"), next.at("/earlier/0/channel")),
        (json!("Please stop the build at once."), json!("voice"))
    );
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_call_without_any_session_that_nobody_answers_is_told_in_writing(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    world.person(Script::unanswered(PickUp::Busy));
    let chat = world.emulator.chat();
    chat.write("Call me").await;
    chat.receives(COULD_NOT).await.expect("it is told");
    chat.write("Stop the build.").await;
    world.settled().await;
    let (next, _) = tokio::join!(world.message("Shall I go on?"), world.replies("Shall I go on?", "Not yet."));
    assert_eq!(next.at("/response"), "Earlier: Stop the build.\nNot yet.", "{next:?}\n{}", world.emulator.timeline());
    world.settled().await;
}

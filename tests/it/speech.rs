//! Calls in which the speech provider fails, in every way it can.

mod after;
mod hearing;
mod line;
mod moving;
mod voicing;

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{CallState, Fault, Script, Side, Times, What};
use rstest::rstest;
use serde_json::json;
use tokio::time::sleep;

use crate::conversation::{QUESTION, ms, texts};
use crate::world::World;

/// Bytes of the provider's PCM in a second.
const SECOND: usize = 48_000;

async fn end(world: &World, id: &str) {
    let end = world.say("end", id, "Bye.").await;
    assert_eq!(end.status, 200, "{end:?}\n{}", world.emulator.timeline());
    world.settled().await;
}

/// What was claimed to have been heard was heard, and no more; both end with a word.
#[track_caller]
fn assert_claimed(world: &World, claimed: &serde_json::Value) {
    let claimed = claimed.as_str().unwrap_or_else(|| panic!("nothing is claimed:\n{}", world.emulator.timeline()));
    let rest = QUESTION.strip_prefix(claimed).unwrap_or_else(|| panic!("{claimed:?} is not how it begins"));
    assert!(!claimed.is_empty() && rest.starts_with(' '), "{claimed:?}");
    let heard = world.last_call().segments[0].text.clone();
    assert!(heard.starts_with(claimed), "{claimed:?} was claimed, {heard:?} heard");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_voice_that_is_refused_while_it_rings_stops_the_ringing(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.emulator.faults().add(Fault::SpeechRefused { status: 400, code: "invalid_value" }, Times::Always);
    let answer = world.call(QUESTION).await;
    assert_eq!((answer.status, &answer.body["code"]), (424, &json!("speech_failed")), "{answer:?}");
    assert!(answer.error().contains("invalid_value"), "{answer:?}");
    assert_eq!(answer.at("/outcome/messageHeard"), "none");
    world.settled().await;
    let call = world.last_call();
    assert_eq!((call.state, call.ended_by), (CallState::Canceled, Some(Side::Server)), "{}", world.emulator.timeline());
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_voice_that_is_refused_later_fails_the_question_and_not_the_call(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(
        Script::converses(["Yes."]).wait(ms(8000)).say("Are you still there?").when_silent(ms(400)).say("Good."),
    );
    let id = world.call(QUESTION).await.call_id();
    world.emulator.faults().add(Fault::SpeechRefused { status: 400, code: "invalid_value" }, Times::Once);
    let failed = world.say("continue", &id, "It is done. Anything else?").await;
    assert_eq!((failed.status, &failed.body["code"]), (424, &json!("speech_failed")), "{failed:?}");
    assert_eq!(failed.at("/outcome/endedBy"), json!(null));
    let words = world.wait(&id).await;
    assert_eq!(words.body["response"], "Are you still there?", "{words:?}\n{}", world.emulator.timeline());
    let next = world.say("continue", &id, "Yes, and it is done.").await;
    assert_eq!(next.body["response"], "Good.", "{next:?}\n{}", world.emulator.timeline());
    world.emulator.faults().add(Fault::SpeechRefused { status: 401, code: "invalid_api_key" }, Times::Once);
    let spoken = world.say("speak", &id, "One more thing.").await;
    assert_eq!((spoken.status, &spoken.body["code"]), (424, &json!("speech_failed")), "{spoken:?}");
    end(&world, &id).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_voice_that_stumbles_once_is_asked_again(#[values(Twilio, Telnyx)] on: Telephony) {
    for (status, code) in [(500, "server_error"), (429, "rate_limit_exceeded")] {
        let world = World::on(on).await;
        world.person(Script::converses(["Yes."]));
        world.emulator.faults().add(Fault::SpeechRefused { status, code }, Times::Once);
        let answer = world.call(QUESTION).await;
        assert_eq!((answer.status, &answer.body["response"]), (200, &json!("Yes.")), "{status} {answer:?}");
        assert_eq!(texts(&world.last_call().segments), [QUESTION], "{status}: said once");
        end(&world, &answer.call_id()).await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn speech_that_breaks_off_is_heard_as_far_as_it_came(#[values(Twilio, Telnyx)] on: Telephony) {
    for fault in [Fault::SpeechCut { after: 2 * SECOND }, Fault::SpeechStalled { after: 2 * SECOND }] {
        let world = World::on(on).await;
        world.emulator.faults().add(fault.clone(), Times::Once);
        world.person(Script::answers().when_silent(ms(15_000)).say("What did you say?"));
        let answer = world.call(QUESTION).await;
        assert_eq!(answer.status, 200, "{fault:?} {answer:?}\n{}", world.emulator.timeline());
        assert_eq!(answer.body["response"], "What did you say?", "{fault:?}");
        assert_eq!((answer.at("/interrupted"), answer.at("/outcome/messageHeard")), (json!(false), json!("partial")));
        assert_claimed(&world, &answer.at("/outcome/heardText"));
        let heard = world.last_call().segments[0].length();
        assert!(heard.abs_diff(ms(2000)) < ms(60), "{fault:?}: all of it is heard: {heard:?}");
        end(&world, &answer.call_id()).await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn who_answers_while_the_speech_has_stalled_is_heard(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.emulator.faults().add(Fault::SpeechStalled { after: 3 * SECOND }, Times::Once);
    world.person(Script::converses(["Yes, I get it."]));
    let answer = world.call(QUESTION).await;
    assert_eq!(answer.body["response"], "Yes, I get it.", "{answer:?}\n{}", world.emulator.timeline());
    assert_eq!(answer.at("/outcome/messageHeard"), "partial");
    assert_claimed(&world, &answer.at("/outcome/heardText"));
    end(&world, &answer.call_id()).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_voice_that_never_comes_ends_the_call(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.emulator.faults().add(Fault::SpeechStalled { after: 0 }, Times::Always);
    world.person(Script::answers());
    let answer = world.call(QUESTION).await;
    assert_eq!((answer.status, &answer.body["code"]), (424, &json!("speech_failed")), "{answer:?}");
    assert_eq!((answer.at("/outcome/messageHeard"), answer.at("/outcome/endedBy")), (json!("none"), json!("carrier")));
    world.settled().await;
    assert!(world.last_call().talked.is_some_and(|talked| talked < ms(25_000)), "{}", world.emulator.timeline());
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn speech_without_an_end_is_ended(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.emulator.faults().add(Fault::SpeechEndless, Times::Once);
    world.person(Script::converses(["That was long."]));
    let answer = world.call("Shall I?").await;
    assert_eq!((answer.status, &answer.body["response"]), (200, &json!("That was long.")), "{answer:?}");
    let heard = world.last_call().segments[0].length();
    assert!(heard < ms(20_000), "{heard:?}");
    end(&world, &answer.call_id()).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_goodbye_that_cannot_be_said_still_hangs_up(#[values(Twilio, Telnyx)] on: Telephony) {
    for fault in [Fault::SpeechRefused { status: 400, code: "invalid_value" }, Fault::SpeechStalled { after: 0 }] {
        let world = World::on(on).await;
        world.person(Script::converses(["Yes."]));
        let id = world.call(QUESTION).await.call_id();
        world.emulator.faults().add(fault, Times::Always);
        end(&world, &id).await;
        assert_eq!(world.last_call().ended_by, Some(Side::Server));
        sleep(ms(1000)).await;
        let dials = world.emulator.timeline().count(|what| matches!(what, What::Rest { verb: "hang up", .. }));
        assert_eq!(dials, 1, "{}", world.emulator.timeline());
    }
}

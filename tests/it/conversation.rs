//! What is said in a call, by both sides, and who hears what of it.

mod endings;
mod long;
mod moments;
mod waiting;

use std::time::Duration;

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Hearing, Script, Segment, Sent, What};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::world::World;

/// Four to five seconds of speech.
pub(crate) const QUESTION: &str = "The tests are green. Shall I deploy the new version to production now?";

pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// The texts of what was heard.
pub(crate) fn texts(segments: &[Segment]) -> Vec<&str> {
    segments.iter().map(|segment| segment.text.as_str()).collect()
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_hello_while_picking_up_neither_cuts_the_question_nor_answers_it(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::answers().say("Hello?").when_silent(ms(400)).say("Yes, do it."));
    let answer = world.call(QUESTION).await;
    assert_eq!(answer.status, 200, "{answer:?}\n{}", world.emulator.timeline());
    assert_eq!(answer.body["response"], "Earlier: Hello?\nYes, do it.");
    assert_eq!(answer.at("/earlier/0/text"), "Hello?");
    assert_eq!(answer.at("/earlier/0/channel"), "voice");
    assert_eq!(answer.body["interrupted"], false);
    assert_eq!(answer.at("/outcome/messageHeard"), "full");
    let heard = world.last_call().segments;
    assert_eq!((texts(&heard), heard[0].cut), (vec![QUESTION], false));
    world.say("end", &answer.call_id(), "Bye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_reply_spoken_into_the_question_cuts_it_at_once(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::answers().when_heard(ms(2500)).say("Stop, do not deploy it."));
    let answer = world.call(QUESTION).await;
    let timeline = world.emulator.timeline();
    assert_eq!(answer.status, 200, "{answer:?}\n{timeline}");
    assert_eq!(answer.body["response"], "Stop, do not deploy it.");
    assert_eq!(answer.body["interrupted"], true);
    assert_eq!(answer.at("/outcome/messageHeard"), "partial");
    let claimed = answer.at("/outcome/heardText");
    let claimed = claimed.as_str().expect("what was heard of it");
    let rest = QUESTION.strip_prefix(claimed).unwrap_or_else(|| panic!("{claimed:?} is not how it begins"));
    assert!(!claimed.is_empty() && rest.starts_with(' '), "{claimed:?}");

    let call = world.last_call();
    assert!(call.segments[0].cut, "{timeline}");
    assert!(call.segments[0].text.starts_with(claimed), "{claimed:?} was claimed, {:?} heard", call.segments[0].text);
    let spoke = |what: &What| matches!(what, What::Hearing { what: Hearing::SpeechStarted, .. });
    let noticed = timeline.events().iter().position(|event| spoke(&event.what)).expect("the person was noticed");
    let after: Vec<_> = call.frames.iter().filter(|frame| frame.events > noticed).collect();
    assert_eq!(after.first().map(|frame| &frame.what), Some(&Sent::Clear), "{after:?}");
    assert_eq!(after[0].at, timeline.events()[noticed].at, "no time passes before the cut");
    assert_eq!(after.len(), 1, "nothing of the cut question follows: {after:?}");
    world.say("end", &answer.call_id(), "Bye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_pause_shorter_than_a_thought_does_not_end_the_reply(#[values(Twilio, Telnyx)] on: Telephony) {
    for pause in [500, 1000, 1500] {
        let world = World::on(on).await;
        world.person(Script::converses(["I think so"]).wait(ms(pause)).say("but only on Monday."));
        let answer = world.call(QUESTION).await;
        assert_eq!(answer.status, 200, "{answer:?}\n{}", world.emulator.timeline());
        assert_eq!(answer.body["response"], "I think so but only on Monday.", "{pause} ms");
        assert_eq!(answer.body["earlier"], json!([]));
        world.say("end", &answer.call_id(), "Bye.").await;
        world.settled().await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn words_between_two_turns_come_with_the_next_reply_as_earlier_ones(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(
        Script::converses(["Yes."]).wait(ms(5000)).say("And then call Anna.").when_silent(ms(400)).say("Done."),
    );
    let answer = world.call(QUESTION).await;
    assert_eq!(answer.body["response"], "Yes.", "{answer:?}\n{}", world.emulator.timeline());
    let id = answer.call_id();
    sleep(ms(10_000)).await;
    let waiting = world.look(&id).await;
    assert_eq!(waiting.at("/replies/0/text"), "And then call Anna.", "{waiting:?}");
    let next = world.say("continue", &id, "It is deployed. What else is there to do?").await;
    assert_eq!(next.status, 200, "{next:?}\n{}", world.emulator.timeline());
    assert_eq!(next.body["response"], "Earlier: And then call Anna.\nDone.");
    assert_eq!(world.look(&id).await.at("/replies"), json!([]), "what was collected is not there any more");
    world.say("end", &id, "Bye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_is_spoken_and_asked_at_once_is_heard_in_order(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    let (said, asked) = ("I found a bug in the parser and mended it.", "Shall I release it?");
    world.person(Script::converses(["Go on."]).when_silent(ms(1500)).say("Yes, release it."));
    let id = world.call(QUESTION).await.call_id();
    let (spoken, answer) = tokio::join!(world.say("speak", &id, said), world.say("continue", &id, asked));
    assert_eq!(spoken.status, 200, "{spoken:?}");
    assert_eq!(spoken.body["interrupted"], false);
    assert_eq!(spoken.at("/outcome/messageHeard"), "full");
    assert_eq!(answer.body["response"], "Yes, release it.", "{answer:?}\n{}", world.emulator.timeline());
    let heard = world.last_call().heard_text();
    assert_eq!(heard, format!("{QUESTION} {said} {asked}"), "{}", world.emulator.timeline());
    world.say("end", &id, "Bye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn who_talks_into_a_statement_cuts_it_and_the_words_are_kept(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::converses(["Go on."]).when_heard(ms(1500)).say("I know that."));
    let id = world.call(QUESTION).await.call_id();
    let spoken = world.say("speak", &id, "I found a bug in the parser and mended it at last.").await;
    assert_eq!((spoken.status, &spoken.body["interrupted"]), (200, &Value::Bool(true)), "{spoken:?}");
    assert_eq!(spoken.at("/outcome/messageHeard"), "partial");
    let reply = world.wait(&id).await;
    assert_eq!(reply.body["response"], "I know that.", "{reply:?}\n{}", world.emulator.timeline());
    world.say("end", &id, "Bye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_goodbye_is_heard_to_its_end_before_the_hang_up_also_when_the_person_talks_into_it(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let goodbye = "Thank you, I will deploy it now and send you the report. Goodbye.";
    let quiet = Script::converses(["Yes."]);
    let talking = quiet.clone().when_heard(ms(1500)).say("Wait, one more thing, please.");
    for script in [quiet, talking] {
        let talks = script.steps.len() > 2;
        let world = World::on(on).await;
        world.person(script);
        let id = world.call(QUESTION).await.call_id();
        let end = world.say("end", &id, goodbye).await;
        assert_eq!(end.status, 200, "{end:?}\n{}", world.emulator.timeline());
        assert_eq!(end.at("/outcome/endedBy"), "agent");
        assert!(end.body["durationSeconds"].as_u64().is_some_and(|seconds| seconds >= 9), "{end:?}");
        world.settled().await;
        let call = world.last_call();
        let last = call.segments.last().expect("the goodbye was heard");
        assert_eq!((last.text.as_str(), last.cut), (goodbye, false), "{}", world.emulator.timeline());
        let state = world.look(&id).await;
        let said = if talks { json!("Wait, one more thing, please.") } else { Value::Null };
        assert_eq!(
            state.at("/replies/0/text"),
            said,
            "nothing of it is lost: {state:?}\n{}",
            world.emulator.timeline()
        );
        let again = world.say("end", &id, goodbye).await;
        assert_eq!(again.body["durationSeconds"], end.body["durationSeconds"], "{again:?}");
    }
}

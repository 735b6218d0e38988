//! Calls in which the person cannot be heard, or is heard late, twice or in the wrong order.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Fault, Hearing, Script, Side, Times, What};
use rstest::rstest;
use serde_json::json;

use super::end;
use crate::conversation::{QUESTION, ms};
use crate::world::World;

/// A fault that strikes once is for the call, not for a dry session before it.
pub(super) const UNPROBED: (&str, &str) = ("CALLME_SPEECH_PROBE_HOURS", "0");

#[rstest]
#[tokio::test(start_paused = true)]
async fn ears_that_are_refused_end_the_call_and_say_so(#[values(Twilio, Telnyx)] on: Telephony) {
    for fault in [Fault::HearingRefused { status: 401 }, Fault::HearingError { code: "invalid_model" }] {
        let world = World::on_with(on, &[UNPROBED]).await;
        world.emulator.faults().add(fault.clone(), Times::Always);
        let answer = world.call(QUESTION).await;
        assert_eq!((answer.status, &answer.body["code"]), (424, &json!("speech_failed")), "{fault:?} {answer:?}");
        assert_eq!(answer.at("/outcome/endedBy"), "carrier", "{fault:?}");
        world.settled().await;
        assert_eq!(world.last_call().ended_by, Some(Side::Server), "{fault:?}");
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn ears_that_stumble_are_asked_again_and_nothing_is_lost(#[values(Twilio, Telnyx)] on: Telephony) {
    let faults = [Fault::HearingRefused { status: 500 }, Fault::HearingRefused { status: 429 }, Fault::HearingDeaf];
    for fault in faults {
        let world = World::on_with(on, &[UNPROBED]).await;
        world.emulator.faults().add(fault.clone(), Times::Once);
        world.person(Script::converses(["Yes, do it."]));
        let answer = world.call(QUESTION).await;
        assert_eq!(answer.body["response"], "Yes, do it.", "{fault:?} {answer:?}\n{}", world.emulator.timeline());
        end(&world, &answer.call_id()).await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn ears_that_never_open_end_the_call_and_say_so(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on_with(on, &[UNPROBED]).await;
    world.emulator.faults().add(Fault::HearingDeaf, Times::Always);
    world.person(Script::converses(["Yes, do it."]));
    let answer = world.call(QUESTION).await;
    assert_eq!((answer.status, &answer.body["code"]), (424, &json!("speech_failed")), "{answer:?}");
    assert_eq!(answer.at("/outcome/messageHeard"), "full");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn ears_that_say_nothing_are_a_person_who_says_nothing(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on_with(on, &[UNPROBED, ("CALLME_TRANSCRIPT_TIMEOUT_MS", "30000")]).await;
    world.emulator.faults().add(Fault::HearingMute, Times::Always);
    world.person(Script::converses(["Yes, do it."]));
    let answer = world.call(QUESTION).await;
    assert_eq!((answer.status, &answer.body["code"]), (408, &json!("no_reply")), "{answer:?}");
    end(&world, &answer.call_id()).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn words_come_once_wherever_the_hearing_breaks(#[values(Twilio, Telnyx)] on: Telephony) {
    let reply = "Yes, please deploy it to production right now.";
    // An append is 40 ms; the reply is spoken from about the 120th to the 190th, its words come at about the 217th.
    for after in [1, 30, 118, 121, 150, 189, 205, 211, 215, 217, 219, 222] {
        let world = World::on_with(on, &[UNPROBED]).await;
        world.emulator.faults().add(Fault::HearingDropped { after }, Times::Once);
        world.person(Script::converses([reply]));
        let answer = world.call(QUESTION).await;
        assert_eq!(answer.body["response"], reply, "{after}: {answer:?}\n{}", world.emulator.timeline());
        assert_eq!(answer.body["earlier"], json!([]), "{after}");
        tokio::time::sleep(ms(15_000)).await;
        assert_eq!(world.look(&answer.call_id()).await.at("/replies"), json!([]), "{after}: they do not come again");
        end(&world, &answer.call_id()).await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn transcripts_that_come_late_or_out_of_order_are_put_in_order(#[values(Twilio, Telnyx)] on: Telephony) {
    // The second stretch is transcribed at once.
    for late in [1000, 3000, 6000] {
        let world = World::on_with(on, &[UNPROBED]).await;
        world.emulator.faults().add(Fault::FinalDelayed(ms(late)), Times::Once);
        world.person(Script::converses(["First I look at it"]).wait(ms(1500)).say("and then you deploy."));
        let answer = world.call(QUESTION).await;
        let reply = "First I look at it and then you deploy.";
        assert_eq!(answer.body["response"], reply, "{late}: {answer:?}\n{}", world.emulator.timeline());
        end(&world, &answer.call_id()).await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_transcript_that_was_given_up_is_not_lost_when_it_comes(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on_with(on, &[UNPROBED]).await;
    world.emulator.faults().add(Fault::FinalDelayed(ms(20_000)), Times::Once);
    world.person(Script::converses(["Yes, do it."]));
    let answer = world.call(QUESTION).await;
    assert_eq!((answer.status, &answer.body["response"]), (200, &json!("Yes, do it.")), "{answer:?}");
    end(&world, &answer.call_id()).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_stretch_without_words_does_not_end_the_turn(#[values(Twilio, Telnyx)] on: Telephony) {
    for fault in [Fault::FinalFailed, Fault::FinalEmpty] {
        let world = World::on_with(on, &[UNPROBED]).await;
        world.emulator.faults().add(fault.clone(), Times::Once);
        world.person(Script::converses(["Mumble."]).wait(ms(6000)).say("I said yes."));
        let answer = world.call(QUESTION).await;
        assert_eq!(answer.body["response"], "I said yes.", "{fault:?} {answer:?}\n{}", world.emulator.timeline());
        let failed = |what: &What| matches!(what, What::Hearing { what: Hearing::Failed, .. });
        assert_eq!(world.emulator.timeline().count(failed), usize::from(fault == Fault::FinalFailed));
        end(&world, &answer.call_id()).await;
    }
}

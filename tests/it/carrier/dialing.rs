//! Dials that the carrier refuses, loses or answers too late. Whatever happens, the person is rung once.

use std::time::Duration;

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Callback, DialFault, Fault, PickUp, Script, Times};
use rstest::rstest;
use serde_json::json;

use crate::world::World;

const REPLY: &str = "Yes, deploy it now please.";

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_dial_that_reached_nobody_is_a_502_with_the_carriers_code_and_its_key_dials_again(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let refused = |status, code| DialFault::Refused { status, code };
    for (fault, words) in [
        (refused(400, 21215), "21215"),
        (refused(401, 20003), "20003"),
        (refused(429, 20429), "20429"),
        (refused(500, 20500), "20500"),
        (DialFault::Closed { placed: false }, "did not place the call"),
        (DialFault::Hangs { placed: false }, "did not place the call"),
    ] {
        let world = World::on(on).await;
        world.person(Script::converses([REPLY]));
        world.emulator.faults().add(Fault::Dial(fault), Times::Once);
        let ask = || world.post_with("/api/call", json!({"message": "Shall I deploy?"}), &[("idempotency-key", "k1")]);
        let answer = ask().await;
        let timeline = world.emulator.timeline();
        assert_eq!((answer.status, &answer.body["code"]), (502, &json!("provider_error")), "{fault:?}: {answer:?}");
        assert!(answer.error().contains(words), "{fault:?}: {answer:?}");
        assert!(answer.error().contains("Nobody was rung"), "{fault:?}: {answer:?}");
        assert_eq!((world.asked_for("dial"), world.emulator.calls().len()), (1, 0), "{fault:?}\n{timeline}");
        let again = ask().await;
        assert_eq!((again.status, &again.body["response"]), (200, &json!(REPLY)), "{fault:?}: {again:?}");
        assert_eq!((world.asked_for("dial"), world.emulator.calls().len()), (2, 1), "{fault:?}");
        assert_eq!(world.say("end", &again.call_id(), "Goodbye.").await.status, 200);
        world.settled().await;
    }
}

/// Callbacks that never come, or not in time to be of use.
fn silence(world: &World, silent: &[Callback]) {
    for name in silent {
        // Nothing else at Telnyx tells that somebody has picked up.
        if *name == Callback::Answered && world.telephony == Telnyx {
            continue;
        }
        let by = Duration::from_hours(1);
        world.emulator.faults().add(Fault::CallbackDelayed { name: *name, by }, Times::Always);
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_the_dial_is_settled_by_webhook_or_list_and_never_by_a_second_dial(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    use Callback::{Answered, Completed, Initiated, Ringing};
    for fault in [DialFault::Closed { placed: true }, DialFault::Hangs { placed: true }] {
        for (silent, searches) in [(&[][..], false), (&[Initiated, Ringing, Answered, Completed][..], true)] {
            let world = World::on(on).await;
            world.person(Script::converses([REPLY]).picking_up(PickUp::After(Duration::from_secs(20))));
            world.emulator.faults().add(Fault::Dial(fault), Times::Once);
            silence(&world, silent);
            let answer = world.call("Shall I deploy?").await;
            let timeline = world.emulator.timeline();
            assert_eq!((answer.status, &answer.body["response"]), (200, &json!(REPLY)), "{answer:?}\n{timeline}");
            assert_eq!(world.asked_for("list calls") > 0, searches, "{fault:?}\n{timeline}");
            assert_eq!(world.say("end", &answer.call_id(), "Goodbye.").await.status, 200);
            world.settled().await;
            assert_eq!((world.asked_for("dial"), world.emulator.calls().len()), (1, 1), "{fault:?}\n{timeline}");
        }
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_lost_dial_is_not_taken_for_the_call_before_it(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::unanswered(PickUp::Busy));
    assert_eq!(world.call("Shall I deploy?").await.at("/outcome/dial"), "busy");
    world.emulator.faults().add(Fault::Dial(DialFault::Closed { placed: false }), Times::Once);
    let answer = world.call("Shall I deploy now?").await;
    assert_eq!(answer.status, 502, "the first call is not the second one's: {answer:?}");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_lost_dial_that_rang_out_unheard_of_is_a_missed_call(#[values(Twilio, Telnyx)] on: Telephony) {
    use Callback::{Completed, Initiated, Ringing};
    let world = World::on(on).await;
    world.person(Script::unanswered(PickUp::Never));
    world.emulator.faults().add(Fault::Dial(DialFault::Hangs { placed: true }), Times::Once);
    silence(&world, &[Initiated, Ringing, Completed]);
    let answer = world.call("Shall I deploy?").await;
    let timeline = world.emulator.timeline();
    assert_eq!((answer.status, answer.at("/outcome/dial")), (408, json!("no-answer")), "{answer:?}\n{timeline}");
    world.settled().await;
    assert_eq!(world.asked_for("dial"), 1);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_call_that_was_ended_before_it_had_a_name_is_hung_up_when_it_has_one(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    for fault in [DialFault::Closed { placed: true }, DialFault::Hangs { placed: true }] {
        let world = World::on(on).await;
        world.person(Script::unanswered(PickUp::Never));
        world.emulator.faults().add(Fault::Dial(fault), Times::Once);
        silence(&world, &[Callback::Initiated, Callback::Ringing]);
        let ending = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let id = world.newest().await;
            world.say("end", &id, "Never mind.").await
        };
        let (asked, ended) = tokio::join!(world.call("Shall I deploy?"), ending);
        assert_eq!((asked.status, ended.status), (410, 200), "{asked:?} {ended:?}");
        world.settled().await;
        let call = &world.emulator.calls()[0];
        assert_eq!(call.state, callme::emulator::CallState::Canceled, "{}", world.emulator.timeline());
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_hang_up_that_fails_is_repeated_until_no_call_is_live(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::converses([REPLY]));
    world.emulator.faults().add(Fault::HangUpRefused { status: 500, code: 20500 }, Times::Count(2));
    let id = world.call("Shall I deploy?").await.call_id();
    let ended = world.say("end", &id, "Goodbye.").await;
    assert_eq!(ended.status, 200, "{ended:?}");
    world.settled().await;
    assert_eq!(world.asked_for("hang up"), 3, "{}", world.emulator.timeline());
}

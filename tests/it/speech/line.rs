//! Calls whose marks get lost, and whose media socket breaks.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Fault, Script, Sent, Side, Times, What};
use rstest::rstest;
use serde_json::json;
use tokio::time::Instant;

use super::end;
use crate::conversation::{QUESTION, ms, texts};
use crate::world::World;

#[rstest]
#[tokio::test(start_paused = true)]
async fn without_marks_a_turn_goes_on_by_the_clock(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.emulator.faults().add(Fault::MarkLost, Times::Always);
    world.person(Script::answers().when_silent(ms(2000)).say("Yes.").when_silent(ms(2000)).say("Fine."));
    let answer = world.call(QUESTION).await;
    assert_eq!((answer.status, &answer.body["response"]), (200, &json!("Yes.")), "{answer:?}");
    let id = answer.call_id();
    let next = world.say("continue", &id, "It is deployed.").await;
    assert_eq!((next.at("/response"), next.at("/outcome/messageHeard")), (json!("Fine."), json!("full")), "{next:?}");
    end(&world, &id).await;
    let call = world.last_call();
    assert_eq!(texts(&call.segments), [QUESTION, "It is deployed.", "Bye."]);
    assert!(call.segments.iter().all(|segment| !segment.cut), "{}", world.emulator.timeline());
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn without_marks_nobody_waits_for_ever_for_silence(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on_with(on, &[("CALLME_TRANSCRIPT_TIMEOUT_MS", "20000")]).await;
    world.emulator.faults().add(Fault::MarkLost, Times::Always);
    let answer = world.call(QUESTION).await;
    assert_eq!((answer.status, &answer.body["code"]), (408, &json!("no_reply")), "{answer:?}");
    assert_eq!(answer.at("/outcome/messageHeard"), "full");
    end(&world, &answer.call_id()).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn marks_that_a_cut_brings_back_say_nothing_about_the_next_question(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::answers().when_heard(ms(2500)).say("Wait.").when_heard(ms(2500)).say("No, wait."));
    let first = world.call(QUESTION).await;
    assert_eq!(first.body["interrupted"], true, "{first:?}");
    let id = first.call_id();
    let second = world.say("continue", &id, QUESTION).await;
    assert_eq!((second.at("/response"), second.at("/interrupted")), (json!("No, wait."), json!(true)), "{second:?}");
    assert_eq!(first.at("/outcome/heardText"), second.at("/outcome/heardText"));
    let returned = world.emulator.timeline().count(|what| matches!(what, What::MarkReturned { played: false, .. }));
    assert!(returned >= 2, "{}", world.emulator.timeline());
    end(&world, &id).await;
    assert_eq!(world.last_call().frames.iter().filter(|frame| frame.what == Sent::Clear).count(), 2);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_question_goes_on_where_a_broken_line_left_it(#[values(Twilio, Telnyx)] on: Telephony) {
    for heard in [500, 1500, 2500, 4000] {
        let world = World::on(on).await;
        world.person(Script::answers().when_heard(ms(heard)).drop_socket().when_silent(ms(2500)).say("Yes."));
        let answer = world.call(QUESTION).await;
        let timeline = world.emulator.timeline();
        assert_eq!((answer.status, &answer.body["response"]), (200, &json!("Yes.")), "{answer:?}\n{timeline}");
        assert_eq!((answer.at("/interrupted"), answer.at("/outcome/messageHeard")), (json!(false), json!("full")));
        let call = world.last_call();
        let down = timeline.first(|what| matches!(what, What::MediaDown(_))).expect("it broke").at;
        let up = timeline.events().iter().rfind(|event| event.what == What::MediaUp).expect("it came back").at;
        assert!(call.streams == 2 && up.saturating_sub(down) < ms(2000), "{timeline}");
        let [before, after] = call.segments.as_slice() else { panic!("{heard}: two parts\n{timeline}") };
        assert!(before.cut && !after.cut);
        let all = before.length() + after.length();
        let whole = ms(70 * 60);
        assert!(all >= whole && all < whole + ms(1200), "{heard}: from the last mark on: {all:?}\n{timeline}");
        end(&world, &answer.call_id()).await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_reply_is_whole_though_the_line_broke_in_it(#[values(Twilio, Telnyx)] on: Telephony) {
    for pause in [0, 300] {
        let world = World::on(on).await;
        let script = Script::converses(["I would say that"]).wait(ms(pause)).drop_socket().wait(ms(pause));
        world.person(script.say("you should do it."));
        let answer = world.call(QUESTION).await;
        let reply = "I would say that you should do it.";
        assert_eq!(answer.body["response"], reply, "{answer:?}\n{}", world.emulator.timeline());
        assert_eq!(world.last_call().streams, 2);
        end(&world, &answer.call_id()).await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_line_that_does_not_come_back_ends_the_call_honestly(#[values(Twilio, Telnyx)] on: Telephony) {
    let cases = [
        ("mid-question", Script::answers().when_heard(ms(2500)).drop_socket(), 410, json!(null), "partial"),
        ("listening", Script::answers().when_silent(ms(3000)).drop_socket(), 410, json!(null), "full"),
        ("mid-reply", Script::converses(["Yes, do it."]).drop_socket(), 200, json!("Yes, do it."), "full"),
    ];
    for (when, script, status, reply, heard) in cases {
        let world = World::on(on).await;
        world.emulator.faults().add(Fault::StreamLost, Times::Always);
        world.person(script);
        let answer = world.call(QUESTION).await;
        assert_eq!((answer.status, answer.at("/response")), (status, reply), "{when} {answer:?}");
        assert_eq!(answer.at("/outcome/messageHeard"), heard, "{when}");
        world.settled().await;
        let timeline = world.emulator.timeline();
        let state = world.look(&answer.call_id()).await;
        assert_eq!((state.at("/state"), state.at("/outcome/endedBy")), (json!("ended"), json!("carrier")), "{when}");
        let down = timeline.first(|what| matches!(what, What::MediaDown(_))).expect("it broke").at;
        let over = timeline.first(|what| matches!(what, What::HungUp(Side::Server))).expect("it was hung up").at;
        assert!(over.saturating_sub(down) < ms(6000), "{when}\n{timeline}");
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_line_of_which_nothing_comes_any_more_is_given_up_and_comes_back(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.emulator.faults().add(Fault::StreamStalled, Times::Once);
    world.person(Script::answers().when_heard(ms(1500)).drop_socket().when_silent(ms(4000)).say("Yes."));
    let began = Instant::now();
    let answer = world.call(QUESTION).await;
    let timeline = world.emulator.timeline();
    assert_eq!((answer.status, &answer.body["response"]), (200, &json!("Yes.")), "{answer:?}\n{timeline}");
    assert!(began.elapsed() < ms(60_000) && world.last_call().streams == 2, "{:?}\n{timeline}", began.elapsed());
    end(&world, &answer.call_id()).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_line_of_which_no_frame_comes_is_kept_while_it_answers(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.emulator.faults().add(Fault::StreamSilent, Times::Once);
    world.person(Script::answers().when_heard(ms(1500)).drop_socket());
    let asking = world.call(QUESTION);
    let looking = async {
        tokio::time::sleep(ms(30_000)).await;
        let timeline = world.emulator.timeline();
        assert_eq!(timeline.count(|what| matches!(what, What::MediaDown(_))), 0, "{timeline}");
        let id = world.newest().await;
        world.say("end", &id, "Bye.").await
    };
    let (_, ended) = tokio::join!(asking, looking);
    assert_eq!(ended.status, 200, "{ended:?}");
    world.settled().await;
    assert_eq!(world.last_call().segments.iter().filter(|segment| segment.cut).count(), 0, "it heard all");
}

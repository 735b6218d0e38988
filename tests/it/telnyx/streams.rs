//! Streams that Telnyx is told to open: what fails, hangs, is refused, ended or told of twice.

use std::time::Duration;

use callme::emulator::Telephony::Telnyx;
use callme::emulator::{Callback, Fault, RestFault, Script, Times, What};
use serde_json::json;

use super::REPLY;
use crate::world::World;

/// A call whose question is answered, under these faults; what is to hold after it.
async fn holds_a_conversation(faults: &[(Fault, Times)], script: Script) -> World {
    let world = World::on(Telnyx).await;
    for (fault, times) in faults {
        world.emulator.faults().add(fault.clone(), *times);
    }
    world.person(script);
    let answer = world.call("Shall I deploy? I would do it now, unless you object.").await;
    let timeline = world.emulator.timeline();
    assert_eq!((answer.status, &answer.body["response"]), (200, &json!(REPLY)), "{faults:?} {answer:?}\n{timeline}");
    assert_eq!(world.say("end", &answer.call_id(), "Goodbye.").await.status, 200, "{faults:?}");
    world.settled().await;
    world
}

/// How often a stream was asked for, and how many there were.
fn streams(world: &World) -> (usize, usize) {
    let connects = world.emulator.timeline().count(|what| matches!(what, What::Rest { verb: "connect", .. }));
    (connects, world.last_call().streams)
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_failed_is_asked_for_once_more_however_often_and_late_that_is_told() {
    let ms = Duration::from_millis;
    for again in [None, Some(ms(0)), Some(ms(300)), Some(ms(505)), Some(ms(5000))] {
        let faults = [(Fault::StreamFails { again }, Times::Once)];
        let world = holds_a_conversation(&faults, Script::converses([REPLY])).await;
        assert_eq!(streams(&world), (2, 1), "{again:?}\n{}", world.emulator.timeline());
    }
    let repeated = Fault::CallbackTripled(Callback::Stream);
    for late in [ms(0), ms(700)] {
        let delayed = Fault::CallbackDelayed { name: Callback::Stream, by: late };
        let faults = [
            (Fault::StreamFails { again: None }, Times::Once),
            (repeated.clone(), Times::Once),
            (delayed, Times::Once),
        ];
        let world = holds_a_conversation(&faults, Script::converses([REPLY])).await;
        assert_eq!(streams(&world), (2, 1), "{late:?}\n{}", world.emulator.timeline());
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_to_stream_that_is_not_answered_costs_two_seconds_and_not_the_call() {
    for done in [false, true] {
        let hangs = Fault::Connect(RestFault::Hangs { done });
        let world = holds_a_conversation(&[(hangs.clone(), Times::Once)], Script::converses([REPLY])).await;
        assert_eq!(world.last_call().streams, 1, "{}", world.emulator.timeline());
        // The same when a stream broke, and has to be asked for again.
        let script = Script::answers().when_heard(Duration::from_millis(400)).drop_socket();
        let script = script.when_silent(Duration::from_millis(400)).say(REPLY);
        let fine = (Fault::Connect(RestFault::Hangs { done: true }), Times::Once);
        let world = holds_a_conversation(&[fine, (hangs, Times::Once)], script).await;
        assert_eq!(world.last_call().streams, 2, "{}", world.emulator.timeline());
    }
}

#[tokio::test(start_paused = true)]
async fn a_command_to_stream_that_failed_or_was_refused_is_repeated() {
    let refused = RestFault::Refused { status: 422, code: 10_027, retry_after: None };
    for (fault, times, connects) in [
        (RestFault::Broken { status: 502, done: false }, Times::Once, 2),
        // It was done, and the stream is there before the command is repeated.
        (RestFault::Closed { done: true }, Times::Once, 1),
        (RestFault::Broken { status: 502, done: false }, Times::Count(3), 4),
        (refused, Times::Once, 2),
        (refused, Times::Count(3), 4),
    ] {
        let world = holds_a_conversation(&[(Fault::Connect(fault), times)], Script::converses([REPLY])).await;
        assert_eq!(streams(&world), (connects, 1), "{fault:?}\n{}", world.emulator.timeline());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_broke_is_asked_for_again_however_often_that_is_refused() {
    let refused = RestFault::Refused { status: 422, code: 10_027, retry_after: None };
    let script = Script::answers().when_heard(Duration::from_millis(400)).drop_socket();
    let script = script.when_silent(Duration::from_secs(4)).say(REPLY);
    let world = World::on(Telnyx).await;
    world.person(script);
    let asking = world.call("Shall I deploy? I would do it now, unless you object.");
    let refusing = async {
        world.event(|what| *what == What::MediaUp).await;
        world.emulator.faults().add(Fault::Connect(refused), Times::Count(5));
    };
    let (answer, ()) = tokio::join!(asking, refusing);
    let timeline = world.emulator.timeline();
    assert_eq!((answer.status, &answer.body["response"]), (200, &json!(REPLY)), "{answer:?}\n{timeline}");
    assert_eq!(world.say("end", &answer.call_id(), "Goodbye.").await.status, 200);
    world.settled().await;
    assert_eq!(streams(&world), (7, 2), "{timeline}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_telnyx_says_is_gone_is_asked_for_again_though_its_socket_is_open() {
    for stopped in [false, true] {
        let script = Script::answers().when_heard(Duration::from_millis(400)).drop_socket();
        let script = script.when_silent(Duration::from_secs(2)).say(REPLY);
        let world = holds_a_conversation(&[(Fault::StreamDies { stopped }, Times::Once)], script).await;
        let timeline = world.emulator.timeline();
        assert_eq!(streams(&world), (2, 2), "{stopped}\n{timeline}");
        let told = timeline
            .first(|what| matches!(what, What::Callback { name: Callback::Stream, .. }))
            .expect("it is told")
            .at;
        let up = timeline.events().iter().rfind(|event| event.what == What::MediaUp).expect("it came back").at;
        assert!(up.saturating_sub(told) < Duration::from_secs(1), "before anybody would have asked it\n{timeline}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_telnyx_ended_in_a_call_that_goes_on_is_asked_for_again() {
    let script = Script::answers().when_heard(Duration::from_millis(400)).drop_socket();
    let script = script.when_silent(Duration::from_secs(2)).say(REPLY);
    let world = holds_a_conversation(&[(Fault::StreamStopped, Times::Once)], script).await;
    assert_eq!(streams(&world), (2, 2), "{}", world.emulator.timeline());
}

#[tokio::test(start_paused = true)]
async fn whoever_hangs_up_is_not_called_back_to_the_line() {
    let world = World::on(Telnyx).await;
    let late = Fault::CallbackDelayed { name: Callback::Completed, by: Duration::from_millis(150) };
    world.emulator.faults().add(late, Times::Always);
    world.person(Script::converses([REPLY]).hang_up());
    let answer = world.call("Shall I deploy?").await;
    assert_eq!((answer.status, answer.at("/outcome/endedBy")), (200, json!("person")), "{answer:?}");
    world.settled().await;
    assert_eq!(streams(&world), (1, 1), "{}", world.emulator.timeline());
}

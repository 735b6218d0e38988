//! SIGTERM at every moment of a call: the person hears a goodbye, the agent an answer, and nothing is left behind.

use std::time::Duration;

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Emulator, Fault, PickUp, Script, Segment, Times};
use rstest::rstest;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::world::{Answer, KEY, World};

/// The whole of a shutdown: the platform kills after 10 s.
const PATIENCE: Duration = Duration::from_secs(8);
const GOODBYE: &str = "I have to go now. Goodbye.";

/// Asks from a task of its own: the world is given up meanwhile.
fn ask(world: &World, message: &'static str) -> JoinSet<Answer> {
    let request = world.client().post(format!("{}/api/call", world.url)).bearer_auth(KEY);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let response = request.json(&json!({ "message": message })).send().await.expect("the server answers");
        let status = response.status().as_u16();
        Answer { status, body: response.json().await.expect("it is JSON") }
    });
    tasks
}

async fn answer(mut tasks: JoinSet<Answer>) -> Answer {
    let answer = tokio::time::timeout(PATIENCE, tasks.join_next()).await.expect("whoever waits is answered");
    answer.expect("one was asked").expect("it does not panic")
}

fn nothing_is_live(emulator: &Emulator) {
    let timeline = emulator.timeline();
    let live: Vec<_> = emulator.calls().into_iter().filter(|call| !call.state.is_over()).collect();
    assert!(live.is_empty(), "{live:?}\n{timeline}");
    assert!(timeline.violations().is_empty(), "{timeline}");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_stop_in_a_call_says_goodbye_and_answers_whoever_waits(#[values(Twilio, Telnyx)] on: Telephony) {
    let question = "Here is a long story about the deployment of today, which went well. Shall I go on?";
    for (moment, seconds) in [("before a word", 2), ("while it speaks", 4), ("while it listens", 20)] {
        let world = World::on(on).await;
        world.person(Script::answers());
        let asked = ask(&world, question);
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let began = Instant::now();
        let emulator = world.shut_down().await;
        let took = began.elapsed();
        assert!(took <= PATIENCE, "{moment}: took {took:?}\n{}", emulator.timeline());
        let answer = answer(asked).await;
        assert_eq!((answer.status, answer.at("/outcome/endedBy")), (410, json!("shutdown")), "{moment}: {answer:?}");
        let call = &emulator.calls()[0];
        assert!(call.heard_text().ends_with(GOODBYE), "{moment}: {:?}\n{}", call.heard_text(), emulator.timeline());
        assert!(call.segments.last().map(Segment::length).unwrap_or_default() <= Duration::from_secs(4), "{moment}");
        nothing_is_live(&emulator);
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_stop_while_it_rings_stops_the_ringing(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::unanswered(PickUp::Never));
    let asked = ask(&world, "Shall I deploy?");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let began = Instant::now();
    let emulator = world.shut_down().await;
    assert!(began.elapsed() <= PATIENCE, "{:?}", began.elapsed());
    let answer = answer(asked).await;
    assert_eq!((answer.status, answer.at("/outcome/endedBy")), (410, json!("shutdown")), "{answer:?}");
    assert_eq!(answer.at("/outcome/dial"), "canceled", "{answer:?}");
    nothing_is_live(&emulator);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_stop_is_in_time_whatever_the_person_and_the_providers_do(#[values(Twilio, Telnyx)] on: Telephony) {
    let monologue = "And another thing that I have always wanted to say is this. ".repeat(12);
    let talker = Script::answers().wait(Duration::from_secs(6)).say(&monologue);
    for (what, script, fault) in [
        ("the person talks on", talker, None),
        ("no speech comes", Script::answers(), Some(Fault::SpeechStalled { after: 0 })),
        ("hang-ups fail", Script::answers(), Some(Fault::HangUpRefused { status: 500, code: 20500 })),
        ("transcripts are late", Script::converses(["Yes."]), Some(Fault::FinalDelayed(Duration::from_secs(20)))),
    ] {
        let world = World::on(on).await;
        world.person(script);
        let asked = ask(&world, "Shall I deploy?");
        tokio::time::sleep(Duration::from_secs(10)).await;
        if let Some(fault) = fault {
            world.emulator.faults().add(fault, Times::Count(2));
        }
        let began = Instant::now();
        let emulator = world.shut_down().await;
        assert!(began.elapsed() <= PATIENCE, "{what}: {:?}\n{}", began.elapsed(), emulator.timeline());
        let answer = answer(asked).await;
        assert!(matches!(answer.status, 200 | 410), "{what}: {answer:?}");
        nothing_is_live(&emulator);
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_stop_in_a_long_goodbye_is_in_time_though_the_last_words_are_late(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    let monologue = "And another thing that I have always wanted to say is this. ".repeat(12);
    world.person(Script::converses(["Yes."]).when_heard(Duration::from_secs(2)).say(&monologue));
    let id = world.call("Shall I deploy?").await.call_id();
    let goodbye = "Thank you, I will see to it and tell you when it is done. ".repeat(6);
    let mut ending = Box::pin(world.say("end", &id, &goodbye));
    tokio::select! {
        ended = &mut ending => panic!("the goodbye is longer: {ended:?}"),
        () = tokio::time::sleep(Duration::from_secs(8)) => {}
    }
    world.emulator.faults().add(Fault::FinalDelayed(Duration::from_secs(20)), Times::Always);
    world.stop.cancel();
    let began = Instant::now();
    let ended = (&mut ending).await;
    drop(ending);
    assert_eq!((ended.status, ended.at("/outcome/endedBy")), (200, json!("agent")), "{ended:?}");
    // Sooner than the server gives up on its sessions: with nobody waiting for an answer it would be gone.
    assert!(began.elapsed() < Duration::from_millis(6500), "{:?}\n{}", began.elapsed(), world.emulator.timeline());
    nothing_is_live(&world.shut_down().await);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn nothing_new_begins_while_the_server_stops(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::answers());
    let asked = ask(&world, "Shall I deploy?");
    tokio::time::sleep(Duration::from_secs(20)).await;
    world.stop.cancel();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let refused = world.call("And now?").await;
    assert_eq!((refused.status, &refused.body["code"]), (503, &json!("shutting_down")), "{refused:?}");
    let emulator = world.shut_down().await;
    assert_eq!(answer(asked).await.status, 410);
    assert_eq!(emulator.calls().len(), 1);
    nothing_is_live(&emulator);
}

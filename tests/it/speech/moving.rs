//! Calls in which the provider's models end: before the server starts, between two calls, and inside of one.

use callme::clock::Millis;
use callme::emulator::{Era, Hearing, Script, Segment, What};
use serde_json::json;
use tokio::time::sleep;

use super::end;
use super::voicing::{LONG, sentences, sockets};
use crate::conversation::{QUESTION, ms, texts};
use crate::world::{KEY, World};

/// The eras in which both halves of speech have a model that is used without a setting.
const ERAS: [Era; 2] = [Era::Today, Era::January];

/// With the watch over the models, as it is by default, and without.
const PROBES: [&str; 2] = ["6", "0"];

const LAST: &str = "So I leave it. Anything else?";

async fn world(probe: &str) -> World {
    World::with(&[("CALLME_SPEECH_PROBE_HOURS", probe)]).await
}

/// A question, an interruption, a second turn and the end; the era comes before this turn of the four.
async fn converse(world: &World, era: Era, before: usize) {
    let comes = |turn: usize| {
        if turn == before {
            world.emulator.set_era(era);
        }
    };
    let told = format!("{era:?} before turn {before}");
    let script = Script::converses(["Yes, deploy it."]).when_heard(ms(2500)).say("Stop, that is enough.");
    world.person(script.when_heard(ms(500)).when_silent(ms(400)).say("Fine."));
    comes(0);
    let first = world.call(QUESTION).await;
    let timeline = world.emulator.timeline();
    assert_eq!((first.status, first.at("/response")), (200, json!("Yes, deploy it.")), "{told}: {first:?}\n{timeline}");
    assert_eq!(first.at("/outcome/messageHeard"), "full", "{told}");
    let id = first.call_id();
    comes(1);
    let second = world.say("continue", &id, LONG).await;
    let cut = (json!("Stop, that is enough."), json!(true));
    assert_eq!((second.at("/response"), second.at("/interrupted")), cut, "{told}: {second:?}");
    comes(2);
    let third = world.say("continue", &id, LAST).await;
    assert_eq!(third.at("/response"), "Fine.", "{told}: {third:?}\n{}", world.emulator.timeline());
    comes(3);
    end(world, &id).await;
    assert_said_once(&world.last_call().segments, &told);
}

#[track_caller]
fn assert_said_once(segments: &[Segment], told: &str) {
    let heard = texts(segments);
    assert_eq!(heard.len(), 4, "{told}: {heard:?}");
    assert_eq!((heard[0], heard[2], heard[3]), (QUESTION, LAST, "Bye."), "{told}");
    assert!(LONG.starts_with(heard[1]) && heard[1].len() < LONG.len(), "{told}: {heard:?}");
}

#[tokio::test(start_paused = true)]
async fn with_no_setting_changed_a_whole_conversation_is_held_in_every_era() {
    for era in ERAS {
        for probe in PROBES {
            converse(&world(probe).await, era, 0).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_era_that_comes_inside_of_a_call_or_between_two_costs_no_word() {
    for before in 1..4 {
        let world = world("0").await;
        converse(&world, Era::January, before).await;
        converse(&world, Era::January, 0).await;
        let timeline = world.emulator.timeline();
        let refused = timeline.count(|what| matches!(what, What::SpeechAsked { status: 404, .. }));
        assert_eq!(refused, 1, "{before}: it is noticed once\n{timeline}");
        let opened = |what: &What| matches!(what, What::Hearing { what: Hearing::Opened, .. });
        assert_eq!(timeline.count(opened), 2, "{before}: one for each call");
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_ends_within_a_message_leaves_the_rest_to_the_next() {
    let world = World::with(&[("CALLME_TTS_MODEL", "gpt-realtime")]).await;
    world.person(Script::converses(["Yes."]));
    let message = sentences(24);
    let ending = async {
        world.event(|what| matches!(what, What::Hearing { what: Hearing::Configured(_), .. })).await;
        // Neither the model set by hand nor that of the speech endpoint outlives it.
        world.emulator.set_era(Era::February);
    };
    let (answer, ()) = tokio::join!(world.call(&message), ending);
    let timeline = world.emulator.timeline();
    assert_eq!((answer.status, answer.at("/response")), (200, json!("Yes.")), "{answer:?}\n{timeline}");
    assert_eq!(
        texts(&world.last_call().segments),
        [message.as_str()],
        "each sentence once, without a seam\n{timeline}"
    );
    assert_eq!((timeline.count(|what| matches!(what, What::SpeechAsked { status: 404, .. })), sockets(&world)), (2, 2));
    end(&world, &answer.call_id()).await;
}

#[tokio::test(start_paused = true)]
async fn a_model_set_by_hand_that_is_gone_keeps_nobody_from_calling() {
    for probe in PROBES {
        let world = World::with(&[("CALLME_TTS_MODEL", "tts-1-hd"), ("CALLME_SPEECH_PROBE_HOURS", probe)]).await;
        converse(&world, Era::January, 0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_model_is_announced_sixty_days_before_and_no_longer_once_it_was_left() {
    // 2026-11-21.
    let world = World::at(Millis(1_795_219_200_000), &[("CALLME_SPEECH_PROBE_HOURS", "6")]).await;
    let health = || async { world.get("/health").await.at("/warnings") };
    let metrics = || async {
        let answer = world.client().get(format!("{}/metrics", world.url)).bearer_auth(KEY).send().await;
        answer.expect("an answer").text().await.expect("text")
    };
    sleep(ms(1000)).await;
    let warning =
        "gpt-4o-mini-tts, which is used for tts, ends on 2027-01-06: gpt-realtime-2.1-mini is used from then on";
    assert_eq!(health().await, json!([warning]));
    let line = "callme_speech_model_end_timestamp_seconds{part=\"tts\"} 1799193600";
    assert!(metrics().await.lines().any(|have| have == line));
    world.emulator.set_era(Era::January);
    sleep(ms(6 * 3_600_000)).await;
    assert_eq!(health().await, json!(null));
    let text = metrics().await;
    for line in
        ["callme_speech_model_end_timestamp_seconds{part=\"tts\"} 0", "callme_speech_moves_total{part=\"tts\"} 1"]
    {
        assert!(text.lines().any(|have| have == line), "{line} is missing in\n{text}");
    }
}

//! Calls that are spoken in a realtime session, and calls in which the speech endpoint's models end.

use callme::emulator::{EmulatorConfig, Era, Fault, Script, Times, Voicing, What};
use serde_json::json;

use super::end;
use crate::conversation::{QUESTION, ms, texts};
use crate::world::{KEY, World};

const REALTIME: (&str, &str) = ("CALLME_TTS_MODEL", "gpt-realtime-2.1-mini");
const LONG: &str =
    "I looked at every test, found the one that fails, mended what it found, and ran all of them once more.";

fn sockets(world: &World) -> usize {
    world.emulator.timeline().count(|what| matches!(what, What::Voicing { what: Voicing::Opened, .. }))
}

#[tokio::test(start_paused = true)]
async fn a_whole_conversation_is_spoken_in_one_session() {
    // Slow enough that the second text is still made when it is cut.
    let emulator = EmulatorConfig { speech_rate: 1.3, ..EmulatorConfig::default() };
    let world = World::built(emulator, &[REALTIME]).await;
    world.person(
        Script::converses(["Yes, deploy it."])
            .when_heard(ms(2500))
            .say("Stop, that is enough.")
            .when_heard(ms(500))
            .when_silent(ms(400))
            .say("Fine."),
    );
    let first = world.call(QUESTION).await;
    assert_eq!((first.status, &first.body["response"]), (200, &json!("Yes, deploy it.")), "{first:?}");
    assert_eq!(first.at("/outcome/messageHeard"), "full");
    let id = first.call_id();
    let second = world.say("continue", &id, LONG).await;
    let timeline = world.emulator.timeline();
    assert_eq!(
        (second.at("/response"), second.at("/interrupted")),
        (json!("Stop, that is enough."), json!(true)),
        "{second:?}\n{timeline}"
    );
    let cancelled = |what: &What| matches!(what, What::Voicing { what: Voicing::Cancelled(_), .. });
    assert_eq!(timeline.count(cancelled), 1, "{timeline}");
    let third = world.say("continue", &id, "So I leave it. Anything else?").await;
    assert_eq!(third.at("/response"), "Fine.", "{third:?}\n{}", world.emulator.timeline());
    end(&world, &id).await;
    let segments = world.last_call().segments;
    let heard = texts(&segments);
    assert_eq!((heard[0], heard[2], heard[3]), (QUESTION, "So I leave it. Anything else?", "Bye."), "{heard:?}");
    assert!(LONG.starts_with(heard[1]) && heard[1].len() < LONG.len(), "{heard:?}");
    assert_eq!(sockets(&world), 1, "{}", world.emulator.timeline());
    let endpoint =
        world.emulator.timeline().count(|what| matches!(what, What::Voicing { what: Voicing::Refused(_), .. }));
    assert_eq!(endpoint, 0);
}

#[tokio::test(start_paused = true)]
async fn a_long_text_is_spoken_without_a_seam() {
    let sentence = |n: usize| format!("This is part {n:03} of what I want to tell you, and it goes on.");
    let message = (0..25).map(sentence).collect::<Vec<_>>().join(" ");
    let world = World::with(&[REALTIME]).await;
    world.person(Script::converses(["Yes."]));
    let answer = world.call(&message).await;
    assert_eq!((answer.status, answer.at("/response")), (200, json!("Yes.")), "{answer:?}");
    assert_eq!(answer.at("/outcome/messageHeard"), "full");
    let call = world.last_call();
    assert_eq!(texts(&call.segments), [message.as_str()], "one stretch of sound");
    let asked = world.emulator.timeline().count(|what| matches!(what, What::SpeechAsked { .. }));
    assert!(asked > 1, "it was made in {asked} pieces");
    let metrics = world.client().get(format!("{}/metrics", world.url)).bearer_auth(KEY).send().await;
    let metrics = metrics.expect("an answer").text().await.expect("text");
    assert!(metrics.contains("\ncallme_audio_gaps_total 0\n"), "{metrics}");
    end(&world, &answer.call_id()).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_stumbles_is_asked_again_and_the_question_is_heard_once() {
    for fault in [
        Fault::VoiceDropped,
        Fault::VoiceRefused { status: 500, code: "server_error" },
        Fault::VoiceDeaf,
        Fault::SpeechRefused { status: 429, code: "rate_limit_exceeded" },
    ] {
        let world = World::with(&[REALTIME]).await;
        world.emulator.faults().add(fault.clone(), Times::Once);
        world.person(Script::converses(["Yes."]));
        let answer = world.call(QUESTION).await;
        assert_eq!((answer.status, &answer.body["response"]), (200, &json!("Yes.")), "{fault:?} {answer:?}");
        assert_eq!(texts(&world.last_call().segments), [QUESTION], "{fault:?}");
        end(&world, &answer.call_id()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_that_ends_within_a_call_is_replaced_and_nothing_is_said_twice() {
    let world = World::new().await;
    world.person(Script::converses(["Yes.", "Good."]));
    let first = world.call(QUESTION).await;
    assert_eq!((first.status, sockets(&world)), (200, 0), "{first:?}");
    world.emulator.set_era(Era::January);
    let id = first.call_id();
    let second = world.say("continue", &id, LONG).await;
    assert_eq!(
        (second.status, second.at("/response")),
        (200, json!("Good.")),
        "{second:?}\n{}",
        world.emulator.timeline()
    );
    end(&world, &id).await;
    assert_eq!(texts(&world.last_call().segments), [QUESTION, LONG, "Bye."]);
    world.person(Script::converses(["Yes."]));
    let next = world.call(QUESTION).await;
    assert_eq!(next.body["response"], "Yes.", "{next:?}");
    end(&world, &next.call_id()).await;
    let timeline = world.emulator.timeline();
    let refused = timeline.count(|what| matches!(what, What::SpeechAsked { status: 404, .. }));
    assert_eq!((refused, sockets(&world)), (1, 2), "{timeline}");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_ended_before_the_first_call_keeps_nobody_from_calling() {
    for own in [None, Some(("CALLME_TTS_MODEL", "tts-1-hd"))] {
        let world = World::with(own.as_slice()).await;
        world.emulator.set_era(Era::January);
        world.person(Script::converses(["Yes."]));
        let answer = world.call(QUESTION).await;
        assert_eq!((answer.status, &answer.body["response"]), (200, &json!("Yes.")), "{own:?} {answer:?}");
        assert_eq!(texts(&world.last_call().segments), [QUESTION], "{own:?}");
        end(&world, &answer.call_id()).await;
    }
}

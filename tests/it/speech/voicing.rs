//! Calls that are spoken in every way there is.

use callme::emulator::{Emulator, EmulatorConfig, Fault, Script, SpeechDialect, Times, Voicing, What};
use serde_json::json;

use super::end;
use crate::conversation::{QUESTION, ms, texts};
use crate::world::{KEY, World};

pub(super) const REALTIME: (&str, &str) = ("CALLME_TTS_MODEL", "gpt-realtime-2.1-mini");
pub(super) const LONG: &str =
    "I looked at every test, found the one that fails, mended what it found, and ran all of them once more.";

pub(super) fn sockets(world: &World) -> usize {
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

/// So many sentences, four seconds each and all different.
pub(super) fn sentences(count: usize) -> String {
    let sentence = |n: usize| format!("This is part {n:03} of what I want to tell you, and it goes on.");
    (0..count).map(sentence).collect::<Vec<_>>().join(" ")
}

#[tokio::test(start_paused = true)]
async fn three_minutes_are_spoken_without_a_seam_whichever_way_they_are_made() {
    let message = sentences(52);
    let files = EmulatorConfig { speech_dialect: SpeechDialect::WavFiles, ..EmulatorConfig::default() };
    let wav = [("CALLME_TTS_FORMAT", "wav"), ("CALLME_TTS_MODEL", "kokoro"), ("CALLME_TTS_VOICE", "af_heart")];
    let slow = EmulatorConfig { speech_rate: 1.2, ..EmulatorConfig::default() };
    let ways: [(EmulatorConfig, &[_], _); 3] =
        [(EmulatorConfig::default(), &[], 1..=1), (slow, &[REALTIME], 6..=9), (files, &wav, 16..=40)];
    for (emulator, settings, pieces) in ways {
        let emulator = Emulator::start(emulator).await.expect("a free port on loopback");
        let host = emulator.url();
        // A host of its own gets no key.
        let own = [("CALLME_TTS_BASE_URL", host.as_str())];
        let settings: Vec<_> = settings.iter().chain(own.iter().filter(|_| settings.len() > 1)).copied().collect();
        let world = World::over(emulator, &settings).await;
        world.person(Script::converses(["Yes."]));
        let answer = world.call(&message).await;
        assert_eq!((answer.status, answer.at("/response")), (200, json!("Yes.")), "{settings:?} {answer:?}");
        assert_eq!(answer.at("/outcome/messageHeard"), "full", "{settings:?}");
        let (call, timeline) = (world.last_call(), world.emulator.timeline());
        assert_eq!(texts(&call.segments), [message.as_str()], "{settings:?}: in order, in one stretch of sound");
        let heard = &call.segments[0];
        assert!(heard.length() > ms(180_000), "{settings:?}: {:?}", heard.length());
        let (mut asked, mut made, mut marks) = (0, 0, Vec::new());
        for event in timeline.events() {
            match &event.what {
                What::SpeechAsked { status: 200, .. } => asked += 1,
                What::SpeechEnded { bytes, .. } => made += bytes.div_ceil(6),
                What::MarkReturned { name, played: true } => marks.push(name.clone()),
                _ => {}
            }
        }
        assert!(pieces.contains(&asked), "{settings:?}: made in {asked} pieces");
        // Not a moment is lost, nor put between the pieces.
        assert!(heard.audio.len().abs_diff(made) <= 160, "{settings:?}: {} of {made} bytes", heard.audio.len());
        let order: Vec<String> = (1..=marks.len()).map(|number| format!("0-{number}")).collect();
        assert!(marks == order && marks.len() > 180, "{settings:?}: a mark each second, in order: {marks:?}");
        let metrics = world.client().get(format!("{}/metrics", world.url)).bearer_auth(KEY).send().await;
        let metrics = metrics.expect("an answer").text().await.expect("text");
        assert!(metrics.contains("\ncallme_audio_gaps_total 0\n"), "{settings:?} {metrics}");
        end(&world, &answer.call_id()).await;
    }
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

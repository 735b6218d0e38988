//! Calls in which the models that find the ends of speech are gone: before, between and within them.

use callme::emulator::{EmulatorConfig, Era, Fault, Hearing, Script, Times, Voice, What};
use serde_json::json;

use super::end;
use super::hearing::UNPROBED;
use crate::conversation::{QUESTION, ms};
use crate::world::World;

const LIVE: &str = "gpt-live-transcribe";
const LONG: &str =
    "I looked at every test, found the one that fails, mended what it found, and ran all of them once more.";

/// The models that were configured, in their order.
fn models(world: &World) -> Vec<String> {
    let timeline = world.emulator.timeline();
    let model = |what: &What| match what {
        What::Hearing { what: Hearing::Configured(model), .. } => Some(model.clone()),
        _ => None,
    };
    timeline.events().iter().filter_map(|event| model(&event.what)).collect()
}

/// Speech from a synthesiser: local detection is for voices, not for the emulator's babble alone.
fn spoken() -> EmulatorConfig {
    EmulatorConfig { voice: Voice::espeak(), ..EmulatorConfig::default() }
}

#[tokio::test(start_paused = true)]
async fn a_whole_conversation_is_heard_with_no_setting_changed() {
    let world = World::built(spoken(), &[]).await;
    world.emulator.set_era(Era::February);
    world.person(
        Script::converses(["Yes, please deploy it now."])
            .when_heard(ms(2500))
            .say("Stop, that is enough.")
            .wait(ms(4000))
            .when_silent(ms(400))
            .say("Fine, thank you."),
    );
    let first = world.call(QUESTION).await;
    let timeline = || world.emulator.timeline();
    assert_eq!(first.body["response"], "Yes, please deploy it now.", "{first:?}\n{}", timeline());
    assert_eq!((first.at("/interrupted"), first.at("/outcome/messageHeard")), (json!(false), json!("full")));
    let id = first.call_id();
    let second = world.say("continue", &id, LONG).await;
    assert_eq!(second.at("/response"), "Stop, that is enough.", "{second:?}\n{}", timeline());
    assert_eq!(second.at("/interrupted"), true, "{second:?}\n{}", timeline());
    let third = world.say("continue", &id, "So I leave it. Anything else?").await;
    assert_eq!(third.at("/response"), "Fine, thank you.", "{third:?}\n{}", timeline());
    assert_eq!(third.at("/interrupted"), false, "{third:?}");
    end(&world, &id).await;
    assert!(models(&world).iter().all(|model| model == LIVE), "{}", timeline());
}

#[tokio::test(start_paused = true)]
async fn a_model_that_ends_between_two_calls_is_not_asked_for_in_the_third() {
    let world = World::built(spoken(), &[UNPROBED]).await;
    for (era, model) in [(Era::Today, "gpt-4o-transcribe"), (Era::February, LIVE), (Era::February, LIVE)] {
        world.emulator.set_era(era);
        world.person(Script::converses(["Yes, do it."]));
        let answer = world.call(QUESTION).await;
        assert_eq!(answer.body["response"], "Yes, do it.", "{era:?} {answer:?}\n{}", world.emulator.timeline());
        end(&world, &answer.call_id()).await;
        assert_eq!(models(&world).last().map(String::as_str), Some(model));
    }
    let refused = |what: &What| matches!(what, What::Hearing { what: Hearing::Refused(_), .. });
    assert!(world.emulator.timeline().count(refused) <= 1, "{}", world.emulator.timeline());
}

#[tokio::test(start_paused = true)]
async fn a_model_that_ends_within_a_call_takes_no_words_with_it() {
    let reply = "Yes, please deploy it to production right now.";
    // An append is 40 ms; the reply is spoken from about the 123rd to the 197th, its words come at about the 217th.
    for after in [30, 118, 126, 150, 190, 205] {
        let world = World::built(spoken(), &[UNPROBED]).await;
        world.emulator.faults().add(Fault::HearingDropped { after }, Times::Once);
        world.person(Script::converses([reply]));
        let call = world.call(QUESTION);
        let change = async {
            tokio::time::sleep(ms(1600)).await;
            world.emulator.set_era(Era::February);
        };
        let (answer, ()) = tokio::join!(call, change);
        assert_eq!(answer.body["response"], reply, "{after}: {answer:?}\n{}", world.emulator.timeline());
        assert_eq!(models(&world), ["gpt-4o-transcribe", LIVE], "{after}\n{}", world.emulator.timeline());
        tokio::time::sleep(ms(15_000)).await;
        assert_eq!(world.look(&answer.call_id()).await.at("/replies"), json!([]), "{after}: they do not come again");
        end(&world, &answer.call_id()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_set_by_hand_is_used_as_it_must_be() {
    for model in [LIVE, "gpt-transcribe", "gpt-realtime-whisper", "gpt-4o-mini-transcribe"] {
        let settings = [
            UNPROBED,
            ("CALLME_STT_MODEL", model),
            ("CALLME_STT_LANGUAGES", "en"),
            ("CALLME_STT_KEYWORDS", "Acme, IBAN"),
        ];
        let world = World::built(spoken(), &settings).await;
        world.person(Script::converses(["Yes, do it."]));
        let answer = world.call(QUESTION).await;
        assert_eq!(answer.body["response"], "Yes, do it.", "{model} {answer:?}\n{}", world.emulator.timeline());
        end(&world, &answer.call_id()).await;
        assert_eq!(models(&world), [model]);
    }
}

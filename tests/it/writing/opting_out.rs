//! "Stop": remembered, confirmed once, and undone by "start".

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{PickUp, Script, TextForm};
use rstest::rstest;
use serde_json::json;
use tokio::time::sleep;

use super::message::with_template;
use super::{QUESTION, REPLY, TRIED, secs};
use crate::world::World;

const STOPPED: &str = "You will get no more messages. Write \"start\" to get them again.";
const RESUMED: &str = "You will get messages again. Write \"stop\" to end them.";

/// The person stops messages while nothing is asked.
async fn stops(world: &World) {
    world.emulator.chat().write("Stop").await;
    world.emulator.chat().receives(STOPPED).await.expect("it is confirmed");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn stop_gives_the_waiting_request_a_403_with_what_was_written_and_is_confirmed_once(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    for words in ["stop", "STOP!", "Unsubscribe", "opt-out", "revoke", "stop all"] {
        let world = World::writing_on(on).await;
        world.person(Script::unanswered(PickUp::Busy));
        let (answer, _) = tokio::join!(world.call(QUESTION), world.replies(QUESTION, words));
        world.refused(&answer, 403, "opted_out");
        assert!(answer.error().contains(&format!("\"{words}\"")), "{answer:?}");
        assert!(answer.error().contains("start") && answer.error().contains("initiate_call"), "{answer:?}");
        assert_eq!(answer.at("/outcome/endedBy"), "opt-out", "{answer:?}");
        assert_eq!(answer.at("/contactMode"), "whatsapp");
        world.settled().await;
        world.emulator.chat().write("stop").await;
        sleep(secs(60)).await;
        assert_eq!(world.words(), [format!("{TRIED}{QUESTION}").as_str(), STOPPED], "{}", world.emulator.timeline());
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn every_request_that_waits_in_writing_is_told_of_the_stop(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let first = world.in_writing().await;
    let person = async {
        world.emulator.chat().receives("And the docs?").await.expect("the question arrives");
        sleep(secs(1)).await;
        world.emulator.chat().write("Stop").await
    };
    let (asked, queued, waiting, _) = tokio::join!(
        world.say("continue", &first, "And the docs?"),
        async {
            sleep(secs(1)).await;
            world.message("Another agent asks?").await
        },
        world.wait(&first),
        person
    );
    for answer in [&asked, &queued, &waiting] {
        world.refused(answer, 403, "opted_out");
        assert!(answer.error().contains("\"Stop\""), "{answer:?}");
    }
    world.settled().await;
    assert!(!world.words().iter().any(|words| words.contains("Another agent")), "it was not sent any more");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn after_a_stop_nothing_more_is_sent_by_any_way_until_start(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = with_template(on).await;
    let id = world.in_writing().await;
    stops(&world).await;
    let sent = world.words().len();
    let posted = world.used("send message");
    for verb in ["continue", "speak"] {
        let answer = world.say(verb, &id, "Are you there?").await;
        assert!(matches!(answer.status, 403 | 404), "{verb}: {answer:?}");
    }
    let message = world.message("Are you there?").await;
    world.refused(&message, 403, "opted_out");
    let first = world.post("/api/message", json!({ "message": "A template?", "firstContact": true })).await;
    world.refused(&first, 403, "opted_out");
    assert_eq!(world.say("end", &id, "Goodbye.").await.status, 200);
    for words in ["help", "What?", "call me later"] {
        world.emulator.chat().write(words).await;
        sleep(secs(60)).await;
    }
    assert_eq!((world.words().len(), world.used("send message")), (sent, posted), "{}", world.emulator.timeline());
    assert!(world.emulator.conversations().len() <= 1);

    for (words, confirms) in [("Start", true), ("start", false)] {
        let before = world.words().len();
        world.emulator.chat().write(words).await;
        sleep(secs(10)).await;
        let new = world.words().split_off(before);
        let want: &[&str] = if confirms {
            &[RESUMED]
        } else {
            &["No agent is waiting right now. I keep your message for the next one."]
        };
        assert!(new == want || new.is_empty() && !confirms, "{words}: {new:?}");
    }
    let (answer, _) = tokio::join!(world.message("And now?"), world.replies("And now?", REPLY));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.at("/response").as_str().is_some_and(|words| words.ends_with(REPLY)), "{answer:?}");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn calls_still_ring_after_a_stop_and_an_unanswered_one_ends_with_opted_out(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = World::writing_on(on).await;
    stops(&world).await;
    world.person(Script::converses(["Yes, do it."]));
    let spoken = world.call(QUESTION).await;
    assert_eq!((spoken.status, spoken.at("/response")), (200, json!("Yes, do it.")), "{spoken:?}");
    world.say("end", &spoken.call_id(), "Goodbye.").await;
    world.settled().await;
    for (script, dial, why) in [
        (Script::unanswered(PickUp::Busy), "busy", "The line was busy."),
        (Script::unanswered(PickUp::Never), "no-answer", "Nobody picked up."),
        (Script::voicemail(), "voicemail", "Voicemail picked up"),
    ] {
        world.person(script);
        let answer = world.call(QUESTION).await;
        world.refused(&answer, 403, "opted_out");
        assert_eq!((answer.at("/outcome/dial"), answer.at("/outcome/endedBy")), (json!(dial), json!("opt-out")));
        assert!(answer.error().starts_with(why) && answer.error().contains(&answer.call_id()), "{answer:?}");
        world.settled().await;
        assert_eq!(world.look(&answer.call_id()).await.at("/state"), "ended");
    }
    assert_eq!(world.words(), [STOPPED]);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_stop_in_a_live_call_leaves_the_call_alone(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    world.person(Script::answers().wait(secs(20)).say("Yes, do it."));
    let person = async {
        sleep(secs(8)).await;
        stops(&world).await;
    };
    let (answer, ()) = tokio::join!(world.call(QUESTION), person);
    assert_eq!((answer.status, answer.at("/contactMode")), (200, json!("voice")), "{answer:?}");
    assert_eq!(answer.at("/response"), "Earlier: Stop\nYes, do it.", "{}", world.emulator.timeline());
    world.say("end", &answer.call_id(), "Goodbye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn yes_opts_in_only_while_stopped_and_is_a_reply_otherwise(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let (answer, _) = tokio::join!(world.message(QUESTION), world.replies(QUESTION, "Yes"));
    world.wrote(&answer, "Yes");
    world.say("end", &answer.call_id(), "Goodbye.").await;
    stops(&world).await;
    world.emulator.chat().write("Yes").await;
    world.emulator.chat().receives(RESUMED).await.expect("it opts in");
    let (answer, _) = tokio::join!(world.message("And now?"), world.replies("And now?", "Yes"));
    world.wrote(&answer, "Yes");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_is_written_while_stopped_is_kept_for_the_next_session(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    stops(&world).await;
    world.emulator.chat().write("The key is under the mat.").await;
    sleep(secs(60)).await;
    assert_eq!(world.words(), [STOPPED], "nobody is told anything");
    world.person(Script::converses(["Yes, do it."]));
    let spoken = world.call(QUESTION).await;
    assert_eq!(spoken.at("/response"), "Earlier: The key is under the mat.\nYes, do it.", "{spoken:?}");
    world.say("end", &spoken.call_id(), "Goodbye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn whoever_is_on_the_carriers_own_list_is_opted_out_too(#[values(Twilio, Telnyx)] on: Telephony) {
    for blocked in [false, true] {
        let world = World::writing_on_with(on, &[]).await;
        let chat = world.emulator.chat();
        if blocked {
            chat.blocks(true);
        } else {
            chat.opts_out(true);
        }
        world.person(Script::unanswered(PickUp::Busy));
        let answer = world.call(QUESTION).await;
        world.refused(&answer, 403, "opted_out");
        assert_eq!(answer.at("/outcome/endedBy"), "opt-out");
        assert!(answer.error().starts_with("The line was busy. "), "{answer:?}");
        world.settled().await;
        assert!(world.texts().iter().all(|text| text.form == TextForm::Free && !text.state.has_arrived()));
    }
}

//! Calls that reach nobody.

use std::time::Duration;

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Callback, Fault, PickUp, Script, Times};
use rstest::rstest;
use serde_json::json;
use tokio::time::Instant;

use crate::world::World;

#[rstest]
#[tokio::test(start_paused = true)]
async fn whoever_is_not_reached_is_reported_at_once_and_truthfully(#[values(Twilio, Telnyx)] on: Telephony) {
    let unanswered = Script::unanswered;
    let secs = Duration::from_secs;
    for (script, dial, by, ended_by, words, within) in [
        (unanswered(PickUp::Never), "no-answer", "nobody", json!(null), "Nobody picked up.", secs(26)),
        (unanswered(PickUp::Busy), "busy", "nobody", json!(null), "The line was busy.", secs(1)),
        (unanswered(PickUp::Failed), "failed", "nobody", json!(null), "could not be put through", secs(1)),
        (unanswered(PickUp::Declines(secs(3))), "no-answer", "nobody", json!(null), "Nobody picked up.", secs(4)),
        (Script::voicemail(), "voicemail", "machine", json!(null), "Voicemail picked up", secs(17)),
        (Script::answers().hang_up(), "answered", "unknown", json!("person"), "hung up before", secs(2)),
    ] {
        let world = World::on(on).await;
        world.person(script);
        let began = Instant::now();
        let answer = world.call("Shall I deploy?").await;
        let (took, timeline) = (began.elapsed(), world.emulator.timeline());
        assert_eq!((answer.status, &answer.body["code"]), (408, &json!("no_answer")), "{dial}: {answer:?}\n{timeline}");
        let told = [answer.at("/outcome/dial"), answer.at("/outcome/answeredBy"), answer.at("/outcome/endedBy")];
        assert_eq!(told, [json!(dial), json!(by), ended_by], "{answer:?}\n{timeline}");
        assert_eq!(answer.at("/outcome/replyChannel"), "none");
        let id = answer.call_id();
        assert!(answer.error().contains(words) && answer.error().contains(&id), "{answer:?}");
        assert!(took <= within, "{dial} took {took:?}\n{timeline}");
        world.settled().await;
        assert_eq!(world.look(&id).await.at("/state"), "ended", "{dial}");
        assert_eq!(world.asked_for("dial"), 1, "{dial}");
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_phone_is_not_left_ringing_when_the_carrier_stays_silent(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    // Rings for longer than it was asked to, as some routes do, and nobody says how it ended.
    world.person(Script::unanswered(PickUp::Never));
    world
        .emulator
        .faults()
        .add(Fault::CallbackDelayed { name: Callback::Completed, by: Duration::from_hours(2) }, Times::Always);
    let began = Instant::now();
    let answer = world.call("Shall I deploy?").await;
    assert_eq!((answer.status, answer.at("/outcome/dial")), (408, json!("no-answer")), "{answer:?}");
    assert!(began.elapsed() <= Duration::from_secs(40), "{:?}", began.elapsed());
    world.settled().await;
    assert_eq!(world.asked_for("hang up"), 1, "{}", world.emulator.timeline());
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn an_agent_that_ends_a_ringing_call_stops_the_ringing(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::unanswered(PickUp::Never));
    let ending = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let id = world.newest().await;
        (world.say("end", &id, "Never mind.").await, id)
    };
    let (asked, (ended, id)) = tokio::join!(world.call("Shall I deploy?"), ending);
    assert_eq!((asked.status, asked.at("/outcome/endedBy")), (410, json!("agent")), "{asked:?}");
    assert_eq!((ended.status, &ended.body["durationSeconds"]), (200, &json!(0)), "{ended:?}");
    assert_eq!(ended.at("/outcome/dial"), "canceled", "{ended:?}");
    world.settled().await;
    let again = world.say("end", &id, "Never mind.").await;
    assert_eq!((again.status, &again.body["durationSeconds"]), (200, &json!(0)), "{again:?}");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_greeting_is_never_taken_for_words_of_the_person(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::voicemail());
    // The machine is still heard while the hang-up fails.
    world.emulator.faults().add(Fault::HangUpRefused { status: 500, code: 20500 }, Times::Count(3));
    let answer = world.call("Shall I deploy?").await;
    let id = answer.call_id();
    assert_eq!((answer.status, answer.at("/outcome/dial")), (408, json!("voicemail")), "{answer:?}");
    assert!(!answer.error().contains("They said"), "{answer:?}");
    world.settled().await;
    let look = world.look(&id).await;
    assert_eq!(look.at("/replies"), json!([]), "{look:?}\n{}", world.emulator.timeline());
    let history = world.get("/api/history").await;
    assert_eq!(history.at("/conversations/0/messageCount"), 1, "{history:?}");
    assert_eq!(world.wait(&id).await.status, 404);
}

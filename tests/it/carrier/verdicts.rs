//! Machine detection, early, late and never.

use std::time::Duration;

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{AnsweredBy, CallState, Script, What};
use rstest::rstest;
use serde_json::json;
use tokio::time::Instant;

use crate::world::World;

const WORDS: &str = "Leave a message please.";

/// Somebody or something that speaks 1.2 s after picking up; the words are there after some 4 s.
fn speaks() -> Script {
    Script::answers().unjudged().wait(Duration::from_millis(1200)).say(WORDS)
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn words_are_held_until_the_verdict_or_six_seconds(#[values(Twilio, Telnyx)] on: Telephony) {
    use AnsweredBy::{Fax, Human, Machine, Unknown};
    for (verdict, status, by, after_ms) in [
        (Some((Machine, 200)), 408, "machine", 200..1_000),
        (Some((Machine, 4_000)), 408, "machine", 4_000..5_000),
        (Some((Machine, 5_800)), 408, "machine", 5_800..6_500),
        (Some((Fax, 5_800)), 408, "machine", 5_800..6_500),
        (Some((Human, 5_800)), 200, "human", 5_800..6_500),
        (Some((Unknown, 5_800)), 200, "unknown", 5_800..6_500),
        (Some((Human, 300)), 200, "human", 2_500..5_500),
        (Some((Machine, 20_000)), 200, "unknown", 6_000..6_500),
        (None, 200, "unknown", 6_000..6_500),
    ] {
        let world = World::on(on).await;
        let script = speaks();
        let began = Instant::now();
        world.person(match verdict {
            Some((by, after)) => script.judged(by, Duration::from_millis(after)),
            None => script,
        });
        let answer = world.call("Shall I deploy? I would do it now, unless you object.").await;
        let at = began.elapsed();
        let timeline = world.emulator.timeline();
        assert_eq!(answer.status, status, "{verdict:?}: {answer:?}\n{timeline}");
        assert_eq!(answer.at("/outcome/answeredBy"), by, "{verdict:?}: {answer:?}");
        let answered = timeline.first(|what| *what == What::State(CallState::InProgress)).expect("it was answered").at;
        let after = at.abs_diff(answered).as_millis();
        assert!(after_ms.contains(&after), "{verdict:?} was answered {after} ms after the pick-up\n{timeline}");
        let id = answer.call_id();
        if status == 200 {
            assert_eq!(answer.body["response"], WORDS, "{verdict:?}: {answer:?}");
            tokio::time::sleep(Duration::from_secs(20)).await;
            let look = world.look(&id).await;
            // A verdict that comes late is noted, and ends nothing.
            let noted = if verdict == Some((Machine, 20_000)) { "machine" } else { by };
            assert_eq!(
                (look.at("/state"), look.at("/outcome/answeredBy")),
                (json!("connected"), json!(noted)),
                "{look:?}"
            );
            assert_eq!(world.say("end", &id, "Goodbye.").await.status, 200);
        } else {
            assert_eq!(answer.at("/outcome/dial"), "voicemail", "{answer:?}");
            assert!(!answer.error().contains(WORDS), "{answer:?}");
        }
        world.settled().await;
        let history = world.get("/api/history").await;
        assert_eq!(history.body.to_string().contains(WORDS), status == 200, "{verdict:?}: {history:?}");
        assert_eq!(world.look(&id).await.at("/replies"), json!([]), "{verdict:?}");
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_verdict_after_the_hang_up_still_tells_a_greeting_from_a_reply(#[values(Twilio, Telnyx)] on: Telephony) {
    for (by, status, dial) in [(AnsweredBy::Machine, 408, "voicemail"), (AnsweredBy::Human, 200, "answered")] {
        let world = World::on(on).await;
        world.person(speaks().hang_up().judged(by, Duration::from_millis(4_500)));
        let answer = world.call("Shall I deploy? I would do it now, unless you object.").await;
        let timeline = world.emulator.timeline();
        assert_eq!(answer.status, status, "{by:?}: {answer:?}\n{timeline}");
        assert_eq!(answer.at("/outcome/dial"), dial, "{by:?}: {answer:?}\n{timeline}");
        let text = answer.body.to_string();
        assert_eq!(text.contains(WORDS), status == 200, "{by:?}: {answer:?}");
        world.settled().await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_verdict_long_after_the_end_changes_nothing(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::answers().hang_up().judged(AnsweredBy::Machine, Duration::from_mins(1)));
    let answer = world.call("Shall I deploy?").await;
    assert_eq!(answer.status, 408, "{answer:?}");
    tokio::time::sleep(Duration::from_mins(2)).await;
    let look = world.look(&answer.call_id()).await;
    assert_eq!((look.at("/state"), look.at("/outcome")), (json!("ended"), answer.at("/outcome")), "{look:?}");
    world.settled().await;
}

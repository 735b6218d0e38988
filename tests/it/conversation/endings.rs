//! How calls end: by the person, at every moment, and by the server's limits.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{CallState, PickUp, Script, Side, What};
use rstest::rstest;
use serde_json::json;
use tokio::time::sleep;

use super::{QUESTION, ms};
use crate::world::World;

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_takes_is_no_answer_and_says_why(#[values(Twilio, Telnyx)] on: Telephony) {
    for (pick_up, dial, words) in [
        (PickUp::Never, "no-answer", "Nobody picked up."),
        (PickUp::Declines(ms(3000)), "no-answer", "Nobody picked up."),
        (PickUp::Busy, "busy", "The line was busy."),
        (PickUp::Failed, "failed", "The call could not be put through."),
    ] {
        let world = World::on(on).await;
        world.person(Script::unanswered(pick_up));
        let answer = world.call(QUESTION).await;
        assert_eq!((answer.status, &answer.body["code"]), (408, &json!("no_answer")), "{pick_up:?} {answer:?}");
        assert!(answer.error().starts_with(words), "{pick_up:?} {answer:?}");
        let outcome = json!({ "dial": dial, "answeredBy": "nobody", "messageHeard": "none", "replyChannel": "none", "endedBy": null });
        assert_eq!(answer.body["outcome"], outcome, "{pick_up:?}");
        assert_eq!(world.look(&answer.call_id()).await.body["state"], "ended");
        world.settled().await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn who_hangs_up_before_anything_was_heard_has_declined(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::answers().wait(ms(200)).hang_up());
    let answer = world.call(QUESTION).await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (408, &json!("no_answer")),
        "{answer:?}\n{}",
        world.emulator.timeline()
    );
    assert_eq!(answer.at("/outcome/messageHeard"), "none");
    assert_eq!(answer.at("/outcome/endedBy"), "person");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn who_hangs_up_without_a_word_has_hung_up(#[values(Twilio, Telnyx)] on: Telephony) {
    let cases = [
        ("mid-question", Script::answers().when_heard(ms(2500)).hang_up(), "partial"),
        ("while listening", Script::answers().when_silent(ms(3000)).hang_up(), "full"),
    ];
    for (when, script, heard) in cases {
        let world = World::on(on).await;
        world.person(script);
        let answer = world.call(QUESTION).await;
        assert_eq!((answer.status, &answer.body["code"]), (410, &json!("call_ended")), "{when} {answer:?}");
        assert!(answer.error().starts_with("Call was hung up by user"), "{when} {answer:?}");
        assert_eq!(answer.at("/outcome/messageHeard"), heard, "{when}");
        assert_eq!(answer.at("/outcome/endedBy"), "person", "{when}");
        world.settled().await;
        let late = world.say("continue", &answer.call_id(), "Are you there?").await;
        assert_eq!((late.status, &late.body["code"]), (404, &json!("no_active_call")), "{when} {late:?}");
        assert!(late.error().starts_with("No active call: "), "{late:?}");
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn the_words_before_a_hang_up_still_come(#[values(Twilio, Telnyx)] on: Telephony) {
    let cases = [
        ("after the last word", Script::converses(["Yes, do it."]).hang_up(), "full"),
        ("into the question", Script::answers().when_heard(ms(2500)).say("Yes, do it.").hang_up(), "partial"),
    ];
    for (when, script, heard) in cases {
        let world = World::on(on).await;
        world.person(script);
        let answer = world.call(QUESTION).await;
        assert_eq!(answer.status, 200, "{when} {answer:?}\n{}", world.emulator.timeline());
        assert_eq!(answer.body["response"], "Yes, do it.", "{when}");
        assert_eq!(answer.at("/outcome/endedBy"), "person", "{when}");
        assert_eq!(answer.at("/outcome/messageHeard"), heard, "{when}");
        world.settled().await;
        assert_eq!(world.look(&answer.call_id()).await.at("/replies"), json!([]), "{when}");
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_call_without_a_word_ends_by_itself(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on_with(on, &[("CALLME_INACTIVITY_TIMEOUT_MS", "90000")]).await;
    world.person(Script::converses(["Yes."]));
    let id = world.call(QUESTION).await.call_id();
    assert_eq!(world.look(&id).await.body["state"], "connected");
    world.settled().await;
    let ended = world.look(&id).await;
    assert_eq!((ended.at("/state"), ended.at("/outcome/endedBy")), (json!("ended"), json!("inactivity")), "{ended:?}");
    let said = world.event(|what| matches!(what, What::PersonSaid(_))).await.at;
    let over = world.event(|what| matches!(what, What::HungUp(Side::Server))).await.at;
    let quiet = over.saturating_sub(said);
    assert!(quiet.abs_diff(ms(90_000)) < ms(2500), "{quiet:?}");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn no_call_is_longer_than_it_may_be(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on_with(on, &[("CALLME_MAX_CALL_MINUTES", "2")]).await;
    world.person(Script::answers());
    let answer = world.call(QUESTION).await;
    assert_eq!((answer.status, &answer.body["code"]), (410, &json!("call_ended")), "{answer:?}");
    assert_eq!(answer.at("/outcome/endedBy"), "max-length");
    world.settled().await;
    let call = world.last_call();
    assert_eq!((call.state, call.ended_by), (CallState::Completed, Some(Side::Server)));
    // And what may still be in the recogniser is awaited.
    let over = call.talked.expect("it was answered").abs_diff(ms(120_000));
    assert!(over < ms(4000), "{over:?}");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_call_shows_where_it_stands_from_the_dial_to_the_end(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::converses(["Yes."]));
    let watching = async {
        let id = world.call_id().await;
        let mut seen: Vec<String> = Vec::new();
        while seen.last().is_none_or(|last| last != "ended") {
            let state = world.look(&id).await;
            assert_eq!((state.status, &state.body["callId"]), (200, &json!(id)), "{state:?}");
            let name = state.body["state"].as_str().expect("a state").to_owned();
            assert_eq!(
                state.body["waiting"],
                json!(!["connected", "ending", "ended"].contains(&name.as_str())),
                "{state:?}"
            );
            assert_eq!(state.body.get("endedAt").is_some(), name == "ended", "{state:?}");
            // Picked up and not connected lasts no time here: seen or not.
            if seen.last() != Some(&name) && name != "answered" {
                seen.push(name);
            }
            sleep(ms(20)).await;
        }
        seen
    };
    let talking = async {
        let id = world.call(QUESTION).await.call_id();
        sleep(ms(2000)).await;
        world.say("end", &id, "Bye.").await
    };
    let (seen, _) = tokio::join!(watching, talking);
    assert_eq!(seen, ["ringing", "speaking", "listening", "connected", "ending", "ended"]);
    assert_eq!(world.look("call-9-9").await.status, 404);
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn the_history_shows_running_and_finished_calls_newest_first(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::converses(["Yes.", "Fine."]));
    let first = world.call(QUESTION).await.call_id();
    let running = world.get("/api/history").await;
    assert_eq!(running.at("/conversations/0/id"), json!(first));
    assert_eq!(running.at("/conversations/0/messageCount"), 2, "{running:?}");
    world.say("end", &first, "Bye.").await;
    world.settled().await;
    let second = world.call("And now, shall I tell the others?").await.call_id();
    let history = world.get("/api/history").await;
    assert_eq!(history.at("/count"), 2);
    assert_eq!((history.at("/conversations/0/id"), history.at("/conversations/1/id")), (json!(second), json!(first)));
    let lines: Vec<_> = history
        .at("/conversations/1/messages")
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| {
            format!(
                "{}: {}",
                line["speaker"].as_str().unwrap_or_default(),
                line["message"].as_str().unwrap_or_default()
            )
        })
        .collect();
    assert_eq!(lines, [format!("claude: {QUESTION}"), "user: Yes.".to_owned(), "claude: Bye.".to_owned()]);
    assert!(
        history.at("/conversations/1/metadata/durationSeconds").as_u64().is_some_and(|seconds| seconds > 5),
        "{history:?}"
    );
    assert_eq!(world.get("/api/history?limit=1").await.at("/count"), 1);
    world.say("end", &second, "Bye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn an_agent_that_ends_while_it_rings_stops_the_ringing(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::unanswered(PickUp::Never));
    let ending = async {
        let id = world.call_id().await;
        sleep(ms(3000)).await;
        world.say("end", &id, "Never mind.").await
    };
    let (answer, end) = tokio::join!(world.call(QUESTION), ending);
    assert_eq!((end.status, end.at("/durationSeconds"), end.at("/outcome/dial")), (200, json!(0), json!("canceled")));
    assert_eq!((answer.status, answer.at("/outcome/endedBy")), (410, json!("agent")), "{answer:?}");
    world.settled().await;
    assert_eq!(world.last_call().state, CallState::Canceled);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn who_hangs_up_on_a_statement_ends_it(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::converses(["Yes."]).when_heard(ms(1500)).hang_up());
    let id = world.call(QUESTION).await.call_id();
    let spoken = world.say("speak", &id, "I found a bug in the parser and mended it at last.").await;
    assert_eq!((spoken.status, spoken.at("/code")), (410, json!("call_ended")), "{spoken:?}");
    assert_eq!(
        (spoken.at("/outcome/endedBy"), spoken.at("/outcome/messageHeard")),
        (json!("person"), json!("partial"))
    );
    world.settled().await;
}

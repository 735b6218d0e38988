//! What agents may spend: each limit tells when to come back.

use callme::emulator::{PickUp, Script};
use serde_json::json;

use super::QUESTION;
use crate::world::{Answer, KEY, World};

/// Asks, and gives the answer with its `Retry-After`.
async fn ask(world: &World, path: &str, message: &str) -> (Answer, Option<u64>) {
    let request = world.client().post(format!("{}{path}", world.url)).bearer_auth(KEY);
    let response = request.json(&json!({ "message": message })).send().await.expect("the server answers");
    let again = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let status = response.status().as_u16();
    (Answer { status, body: response.json().await.expect("JSON") }, again)
}

fn limited(answer: &Answer) -> bool {
    (answer.status, answer.body["code"].as_str()) == (429, Some("rate_limited"))
}

#[tokio::test(start_paused = true)]
async fn continue_and_speak_are_messages_while_the_session_is_on_whatsapp() {
    let world = World::writing_under(&[("CALLME_MAX_MESSAGES_PER_HOUR", "3")]).await;
    let id = world.answered_in_writing().await;
    let chat = world.emulator.chat();
    let (resume, speak, end) =
        (format!("/api/call/{id}/continue"), format!("/api/call/{id}/speak"), format!("/api/call/{id}/end"));
    // The question that the call was placed with is none of the three.
    for n in 1..=2 {
        assert_eq!(ask(&world, &speak, &format!("Step {n}.")).await.0.status, 200);
    }
    let (answer, _) = tokio::join!(ask(&world, &resume, "And now?"), async {
        chat.receives("And now?").await.expect("it arrives");
        chat.write("Go on.").await
    });
    assert_eq!(answer.0.at("/response"), json!("Go on."));
    let texts = world.written().len();
    for (path, about) in [(&resume, Some(&id)), (&speak, Some(&id)), (&"/api/message".to_owned(), None)] {
        let (refused, again) = ask(&world, path, "Once more?").await;
        assert!(limited(&refused), "{path}: {refused:?}");
        assert!(again.is_some_and(|seconds| (1..=1200).contains(&seconds)), "{path}: {again:?}");
        assert_eq!(refused.body["callId"].as_str(), about.map(String::as_str), "{path}");
    }
    assert_eq!(world.written().len(), texts, "nothing was written");
    // What runs or ran already is joined, and costs nothing.
    assert_eq!(ask(&world, &end, "Goodbye.").await.0.status, 200, "an end is always taken");
    assert_eq!(world.written().len(), texts + 1);
    world.sessions_end().await;
    tokio::time::sleep(std::time::Duration::from_mins(20)).await;
    let (again, _) = tokio::join!(ask(&world, "/api/message", "Are you there?"), async {
        chat.receives("Are you there?").await.expect("it arrives");
        chat.write("Yes.").await
    });
    assert_eq!(again.0.status, 200, "a third of an hour later one is allowed");
}

#[tokio::test(start_paused = true)]
async fn what_is_spoken_in_a_call_is_no_message() {
    let world = World::writing_under(&[("CALLME_MAX_MESSAGES_PER_HOUR", "1")]).await;
    world.person(Script::converses(["Yes.", "Go on.", "Fine."]));
    let id = world.call(QUESTION).await.call_id();
    for n in 1..=2 {
        let (answer, _) = ask(&world, &format!("/api/call/{id}/continue"), &format!("And step {n}?")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(ask(&world, &format!("/api/call/{id}/speak"), &format!("Step {n}.")).await.0.status, 200);
    }
    assert_eq!(world.say("end", &id, "Goodbye.").await.status, 200);
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn calls_sessions_and_the_one_line_are_limited_and_say_when_to_come_back() {
    let settings = [("CALLME_MAX_CALLS_PER_HOUR", "2"), ("CALLME_MAX_SESSIONS", "1")];
    let world = World::with(&settings).await;
    for n in 1..=2 {
        world.person(Script::unanswered(PickUp::Busy));
        assert_eq!(ask(&world, "/api/call", &format!("Are you there, {n}?")).await.0.status, 408);
        world.sessions_end().await;
    }
    let (refused, again) = ask(&world, "/api/call", "Are you there?").await;
    assert!(limited(&refused), "{refused:?}");
    assert!(again.is_some_and(|seconds| (1700..=1800).contains(&seconds)), "{again:?}");
    tokio::time::sleep(std::time::Duration::from_hours(1)).await;
    world.person(Script::converses(["Yes."]));
    let id = world.call(QUESTION).await.call_id();
    let (full, again) = ask(&world, "/api/call", "And another?").await;
    assert!(limited(&full) && again == Some(60), "{full:?} {again:?}");
    assert_eq!(world.say("end", &id, "Goodbye.").await.status, 200);
    world.settled().await;
}

//! Several calls: one person is rung once at a time, and where more are allowed, they do not mix.

use std::time::Duration;

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Script, What};
use futures_util::future::join_all;
use rstest::rstest;
use serde_json::json;

use crate::world::{Answer, KEY, World};

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_person_in_a_call_is_not_called_again(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::converses(["Yes, deploy it now please."]));
    let other = async {
        let mut refusals = Vec::new();
        for seconds in [1, 4] {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            refusals.push(world.call("Is the coffee ready?").await);
        }
        refusals
    };
    let (answer, refusals) = tokio::join!(world.call("Shall I deploy?"), other);
    let id = answer.call_id();
    for refusal in refusals {
        assert_eq!((refusal.status, &refusal.body["code"]), (409, &json!("busy")), "{refusal:?}");
        assert_eq!(refusal.call_id(), id);
        assert!(refusal.error().contains(&id), "{refusal:?}");
    }
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(world.say("end", &id, "Goodbye.").await.status, 200);
    // Nothing is left in the way of the next call, not even for a moment.
    let next = world.call("Is the coffee ready?").await;
    assert_eq!(next.status, 200, "{next:?}");
    assert_eq!(world.say("end", &next.call_id(), "Goodbye.").await.status, 200);
    world.settled().await;
    assert_eq!(world.asked_for("dial"), 2);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn ten_sessions_at_once_hear_each_their_own(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on_with(on, &[("CALLME_MAX_LIVE_CALLS", "10")]).await;
    let numbers = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    for number in numbers {
        world.emulator.person().then(Script::converses([&*format!("My reply is number {number}.")]));
    }
    let questions: Vec<String> = numbers.iter().map(|number| format!("This is question {number}. And?")).collect();
    let answers = join_all(questions.iter().map(|question| world.call(question))).await;
    let timeline = world.emulator.timeline();
    let calls = world.emulator.calls();
    let mut replies = Vec::new();
    for (question, answer) in questions.iter().zip(&answers) {
        assert_eq!(answer.status, 200, "{answer:?}\n{timeline}");
        let call = calls.iter().find(|call| call.heard_text() == *question);
        let call = call.unwrap_or_else(|| panic!("nobody heard {question:?}\n{timeline}"));
        let said = timeline.events().iter().find_map(|event| match &event.what {
            What::PersonSays(text) if event.call == Some(call.number) => Some(text.clone()),
            _ => None,
        });
        assert_eq!(answer.body["response"].as_str(), said.as_deref(), "{question}\n{timeline}");
        replies.extend(said);
    }
    replies.sort();
    replies.dedup();
    assert_eq!(replies.len(), 10, "each said something else: {replies:?}");
    let eleventh = world.call("And one more?").await;
    assert_eq!(eleventh.status, 409, "{eleventh:?}");
    let ids: Vec<String> = answers.iter().map(Answer::call_id).collect();
    let ends = join_all(ids.iter().map(|id| world.say("end", id, "Goodbye."))).await;
    assert!(ends.iter().all(|end| end.status == 200), "{ends:?}");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn more_sessions_than_allowed_are_told_when_to_come_back(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on_with(on, &[("CALLME_MAX_LIVE_CALLS", "10"), ("CALLME_MAX_SESSIONS", "2")]).await;
    world.person(Script::converses(["Yes, deploy it now please."]));
    let third = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let request = world.client().post(format!("{}/api/call", world.url)).bearer_auth(KEY);
        let response = request.json(&json!({"message": "Third?"})).send().await.expect("the server answers");
        let wait = response.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let status = response.status().as_u16();
        (status, wait, response.json::<serde_json::Value>().await.expect("it is JSON"))
    };
    let (first, second, (status, wait, body)) = tokio::join!(world.call("First?"), world.call("Second?"), third);
    assert_eq!((first.status, second.status), (200, 200), "{first:?} {second:?}");
    assert_eq!((status, &body["code"]), (429, &json!("rate_limited")), "{body}");
    assert_eq!(wait.and_then(|wait| wait.parse::<u64>().ok()), Some(60));
    for id in [first.call_id(), second.call_id()] {
        assert_eq!(world.say("end", &id, "Goodbye.").await.status, 200);
    }
    world.settled().await;
    assert_eq!(world.asked_for("dial"), 2);
}

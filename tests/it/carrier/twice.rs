//! Every call that can be made, with each of its webhooks delivered once, and twice.

use std::time::Duration;

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{AnsweredBy, Fault, PickUp, Script, Times};
use rstest::rstest;
use serde_json::Value;

use crate::conversation::ms;
use crate::world::World;

const QUESTION: &str = "Shall I deploy? I would do it now, unless you object.";

/// What there is to see of a call and its session after it: the answers, the outcome, what was heard, dials and streams.
type Seen = (Vec<(u16, Value)>, Value, String, usize, usize);

/// The calls that can be made, by name.
fn scenarios() -> Vec<(&'static str, Script)> {
    let talks = || Script::converses(["Yes, do it.", "Fine."]);
    vec![
        ("a conversation", talks()),
        ("without a verdict", talks().unjudged()),
        ("a late verdict", talks().judged(AnsweredBy::Human, Duration::from_secs(8))),
        ("not sure", talks().judged(AnsweredBy::Unknown, Duration::from_secs(2))),
        ("an interruption", Script::answers().when_heard(ms(2500)).say("Wait.").when_silent(ms(2000)).say("Fine.")),
        ("nobody picks up", Script::unanswered(PickUp::Never)),
        ("busy", Script::unanswered(PickUp::Busy)),
        ("no such number", Script::unanswered(PickUp::Failed)),
        ("declined", Script::unanswered(PickUp::Declines(ms(3000)))),
        ("voicemail", Script::voicemail()),
        ("a fax", talks().judged(AnsweredBy::Fax, Duration::from_secs(2))),
        ("hung up at once", Script::answers().hang_up()),
        ("hung up in the question", Script::answers().when_heard(ms(2500)).hang_up()),
        ("hung up after the reply", Script::converses(["Yes, do it."]).hang_up()),
        (
            "a broken line",
            Script::answers().when_heard(ms(1500)).drop_socket().when_silent(ms(2500)).say("Yes, do it."),
        ),
        ("silence", Script::answers()),
    ]
}

async fn seen(on: Telephony, script: Script, twice: bool) -> Seen {
    let world = World::on_with(on, &[("CALLME_TRANSCRIPT_TIMEOUT_MS", "6000")]).await;
    if twice {
        world.emulator.faults().add(Fault::CallbacksTwice, Times::Always);
    }
    world.person(script);
    let first = world.call(QUESTION).await;
    let id = world.newest().await;
    let mut answers = vec![first];
    answers.push(world.say("continue", &id, "It is deployed.").await);
    answers.push(world.say("end", &id, "Goodbye.").await);
    world.settled().await;
    let outcome = world.look(&id).await.at("/outcome");
    let call = world.last_call();
    // Names and times are each session's own.
    let answers = answers.into_iter().map(|answer| {
        let mut body = answer.body;
        body["error"] = body["error"].as_str().map(|error| error.replace(&id, "ID")).into();
        body["callId"] = Value::Null;
        (answer.status, body)
    });
    (answers.collect(), outcome, call.heard_text(), world.asked_for("dial"), call.streams)
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn every_call_comes_to_the_same_when_each_of_its_webhooks_comes_twice(#[values(Twilio, Telnyx)] on: Telephony) {
    for (name, script) in scenarios() {
        let (once, twice) = (seen(on, script.clone(), false).await, seen(on, script, true).await);
        assert_eq!(once, twice, "{name}");
    }
}

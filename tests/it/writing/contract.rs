//! Answers about what is written, as they are described; and those of a server that is being stopped.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{PickUp, Script, What};
use rstest::rstest;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::message::with_template;
use super::{QUESTION, REPLY, secs};
use crate::api::description::Description;
use crate::world::{Answer, World};

#[tokio::test(start_paused = true)]
async fn every_answer_in_writing_is_as_it_is_described() {
    let world = with_template(Twilio).await;
    let description = Description::new(world.get("/api/openapi.json").await.body);
    let holds = |path: &str, status: u16, answer: &Answer| {
        let method = if matches!(path, "/api/history" | "/api/call/{id}") { "get" } else { "post" };
        let wrong = description.differences(method, path, answer);
        assert!(wrong.is_empty() && answer.status == status, "{method} {path}: {wrong:?}\n{answer:?}");
    };
    let (message, _) = tokio::join!(world.message(QUESTION), world.replies(QUESTION, REPLY));
    holds("/api/message", 200, &message);
    let id = message.call_id();
    holds("/api/call/{id}/speak", 200, &world.say("speak", &id, "Thank you.").await);
    world.emulator.chat().write("One more thing.").await;
    sleep(secs(1)).await;
    holds("/api/call/{id}", 200, &world.look(&id).await);
    holds("/api/call/{id}/wait", 200, &world.wait(&id).await);
    holds("/api/call/{id}/continue", 408, &world.say("continue", &id, "And the docs?").await);
    world.emulator.chat().leaves();
    holds("/api/call/{id}/continue", 422, &world.say("continue", &id, "Still there?").await);
    holds("/api/message", 422, &world.message("Somebody there?").await);
    world.emulator.chat().joins();
    world.person(Script::unanswered(PickUp::Busy));
    let (call, _) = tokio::join!(world.call("By phone?"), world.replies("By phone?", REPLY));
    holds("/api/call", 200, &call);
    let id_of_call = call.call_id();
    let (asked, _) = tokio::join!(world.say("continue", &id_of_call, "Tell me?"), world.replies("Tell me?", "End"));
    holds("/api/call/{id}/continue", 410, &asked);
    let (stopped, _) = tokio::join!(world.message("Are you sure?"), world.replies("Are you sure?", "Stop"));
    holds("/api/message", 403, &stopped);
    holds("/api/call/{id}/end", 200, &world.say("end", &id, "Goodbye.").await);
    // The word that ended it is one of the person's, too.
    holds("/api/call/{id}/wait", 200, &world.wait(&id).await);
    holds("/api/call/{id}/wait", 404, &world.wait(&id).await);
    holds("/api/call/{id}", 200, &world.look(&id).await);
    holds("/api/message", 400, &world.post("/api/message", json!({ "firstContact": true })).await);
    holds("/api/history", 200, &world.get("/api/history").await);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_server_that_is_stopped_answers_whoever_waits_in_writing_and_writes_nothing_to_the_person(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = World::writing_on(on).await;
    let id = world.in_writing().await;
    let stops = async {
        world.emulator.chat().receives("And the docs?").await.expect("the question arrives");
        let began = Instant::now();
        world.stop.cancel();
        sleep(secs(1)).await;
        began
    };
    let (asked, waiting, queued, began) = tokio::join!(
        world.say("continue", &id, "And the docs?"),
        world.wait(&id),
        async {
            world.event(|what| matches!(what, What::TextSent { words, .. } if words == "And the docs?")).await;
            world.message("Another agent asks?").await
        },
        stops
    );
    // Nothing is kept here: what the person has seen is over, and what they have not may be asked again.
    for answer in [&asked, &waiting] {
        world.refused(answer, 410, "call_ended");
        assert!(answer.error().contains("the server was stopped"), "{answer:?}");
    }
    world.refused(&queued, 503, "shutting_down");
    assert!(queued.error().contains("Repeat the request in a minute"), "{queued:?}");
    let emulator = world.shut_down().await;
    assert!(began.elapsed() < secs(8), "{:?}", began.elapsed());
    let words: Vec<_> = emulator.chat().shown().into_iter().map(|shown| shown.words).collect();
    assert_eq!(words[2..], ["And the docs?"], "{words:?}");
}

//! What the person wrote and nobody may read: the agent is told of it, and nothing else comes of it.

use std::time::Duration;

use callme::emulator::{PickUp, Script};
use serde_json::json;

use super::{QUESTION, STRANGER, earlier, in_conversation, plain};
use crate::world::{PERSON, World};

const TOO_LONG: &str = "[A message was refused: it is longer than 65536 characters]";
const EMPTY: &str = "[A message was refused: there is nothing in it that can be read]";

#[tokio::test(start_paused = true)]
async fn a_refused_message_of_the_person_is_shown_to_the_agent_beside_the_reply() {
    let world = World::writing().await;
    world.person(Script::unanswered(PickUp::Never));
    let chat = world.emulator.chat();
    let (answer, ()) = tokio::join!(world.call(QUESTION), async {
        chat.receives(QUESTION).await.expect("the question arrives");
        let conversation = world.conversation();
        let long = in_conversation(&conversation, 7, PERSON, &"x".repeat(65_537));
        // Twice, and by the other way, too: it is one message all the same.
        for form in [&long, &long, &plain(8, PERSON, &"x".repeat(65_537))] {
            assert_eq!(world.knock(form).await, 200);
        }
        assert_eq!(world.knock(&in_conversation(&conversation, 9, STRANGER, &"x".repeat(65_537))).await, 200);
        tokio::time::sleep(Duration::from_secs(15)).await;
        assert_eq!(world.knock(&in_conversation(&conversation, 10, PERSON, "\u{202e}\u{1b}[0m")).await, 200);
        let id = world.newest().await;
        assert_eq!(world.look(&id).await.at("/waiting"), json!(true), "it is no reply");
        chat.write("Yes.\u{202e}\0").await;
    });
    assert!(answer.at("/response").as_str().is_some_and(|words| words.ends_with("\nYes.")), "{answer:?}");
    assert_eq!(earlier(&answer), [TOO_LONG, EMPTY], "{answer:?}");
    assert_eq!(world.written().len(), 1, "and the person is told nothing");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_refused_while_nobody_waits_is_told_to_the_next_session() {
    let world = World::writing().await;
    let id = world.answered_in_writing().await;
    world.say("end", &id, "Goodbye.").await;
    world.sessions_end().await;
    let written = world.written();
    let conversation = world.conversation();
    assert_eq!(world.knock(&in_conversation(&conversation, 7, PERSON, &"x".repeat(65_537))).await, 200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.written(), written, "nobody is told that no agent waits");
    let chat = world.emulator.chat();
    let (answer, ()) = tokio::join!(world.ask_in_writing("Are you there?"), async {
        chat.receives("Are you there?").await.expect("it arrives");
        chat.write("Here I am.").await;
    });
    assert_eq!(earlier(&answer), [TOO_LONG], "{answer:?}");
}

//! What a message can bring about costs money, and none of it comes without end.

use std::time::Duration;

use callme::emulator::{PickUp, Script};

use super::{STRANGER, account};
use crate::webhook::fetch_form;
use crate::world::World;

/// How many of the server's texts since then begin like this.
fn texts(world: &World, beginning: &str) -> usize {
    world.written().iter().filter(|words| words.starts_with(beginning)).count()
}

/// No limit of inbound messages: what is behind them has its own.
const OPEN: [(&str, &str); 1] = [("CALLME_RATE_LIMIT_PER_PHONE", "0")];

#[tokio::test(start_paused = true)]
async fn fixed_answers_come_only_so_often_in_their_time() {
    let world = World::writing_under(&OPEN).await;
    let id = world.answered_in_writing().await;
    let chat = world.emulator.chat();
    let help = "An AI agent that works for you writes here";
    for _ in 0..20 {
        chat.write("help").await;
        chat.write("Info!").await;
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    assert_eq!(texts(&world, help), 3);
    tokio::time::sleep(Duration::from_mins(7)).await;
    chat.write("help").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(texts(&world, help), 4, "ten minutes later it may be asked again");
    for _ in 0..5 {
        chat.write("stop").await;
        chat.write("help").await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    assert_eq!(texts(&world, "You will get no more messages."), 1, "one confirmation per opt-out");
    chat.write("start").await;
    chat.write("start").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(texts(&world, "You will get messages again."), 1);
    let _ = world.say("end", &id, "Goodbye.").await;
}

#[tokio::test(start_paused = true)]
async fn changing_ones_mind_is_confirmed_only_so_often_and_obeyed_all_the_same() {
    let world = World::writing_under(&OPEN).await;
    world.answered_in_writing().await;
    let chat = world.emulator.chat();
    let before = world.written().len();
    for _ in 0..30 {
        chat.write("stop").await;
        chat.write("start").await;
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    assert_eq!(world.written().len() - before, 20, "{:#?}", world.written());
    chat.write("stop").await;
    let refused = world.ask_in_writing("Are you there?").await;
    assert_eq!((refused.status, refused.body["code"].as_str()), (403, Some("opted_out")), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn three_rings_by_message_in_ten_minutes_and_one_text_that_says_so() {
    let world = World::writing_under(&OPEN).await;
    world.answered_in_writing().await;
    let chat = world.emulator.chat();
    world.person(Script::unanswered(PickUp::Busy));
    let calls = world.emulator.calls().len();
    for _ in 0..9 {
        chat.write("call me").await;
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    assert_eq!(world.emulator.calls().len() - calls, 3);
    assert_eq!(texts(&world, "I have called you several times already."), 1);
    tokio::time::sleep(Duration::from_mins(7)).await;
    chat.write("call me").await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(world.emulator.calls().len() - calls, 4, "later it rings again");
}

#[tokio::test(start_paused = true)]
async fn strangers_get_neither_answers_nor_calls() {
    let world = World::writing_under(&OPEN).await;
    let id = world.answered_in_writing().await;
    let stranger = world.emulator.chat_of(STRANGER);
    let (before, calls) = (world.look(&id).await, world.emulator.calls().len());
    for words in ["Hello?", "help", "stop", "start", "call me", "end", "join quiet-otter", ""] {
        stranger.write(words).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(stranger.shown().iter().all(|text| text.from == callme::emulator::Side::Person));
    assert_eq!((world.look(&id).await, world.emulator.calls().len()), (before, calls));
    let call = format!("CA{}", "7".repeat(32));
    let inbound = [("Direction", "inbound"), ("CallStatus", "ringing"), ("From", STRANGER)];
    for _ in 0..3 {
        let (status, document) = world.signed("/twiml", &fetch_form(&account(), &call, &inbound)).await;
        assert_eq!(status, 200);
        assert!(document.contains("<Reject"), "unanswered, it costs nothing: {document}");
    }
}

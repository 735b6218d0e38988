//! What the person writes while nobody asks: kept for whoever comes next, and never taken for a reply.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Script, What};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{QUESTION, REPLY, secs};
use crate::world::World;

const NOBODY: &str = "No agent is waiting right now. I keep your message for the next one.";
const HELP: &str = "An AI agent that works for you writes here when you do not answer its call.";
const ENDED: &str = "This conversation is ended.";

#[rstest]
#[tokio::test(start_paused = true)]
async fn who_writes_while_no_agent_is_there_is_told_so_once_an_hour(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let chat = world.emulator.chat();
    let mut told = Vec::new();
    for minute in 0..130 {
        if minute % 10 == 0 {
            chat.write(&format!("Message of minute {minute}.")).await;
        }
        sleep(secs(1)).await;
        if minute % 10 == 0 {
            told.push((minute, world.words().len()));
        }
        sleep(secs(59)).await;
    }
    let want: Vec<_> = (0..13).map(|n| (n * 10, 1 + usize::try_from(n).expect("small") / 6)).collect();
    assert_eq!(told, want, "at once, and again each hour");
    assert!(world.words().iter().all(|words| words == NOBODY), "{:?}", world.words());
    assert_eq!(world.sessions.running(), 0);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_was_written_before_opens_the_next_session_as_earlier_words_of_one_line(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    for by_phone in [false, true] {
        let world = World::writing_on(on).await;
        world.person(Script::converses(["Yes, do it."]));
        let chat = world.emulator.chat();
        chat.write("The key is\nunder the mat.").await;
        chat.receives(NOBODY).await.expect("it is told");
        chat.write("And feed the cat.").await;
        sleep(secs(60)).await;
        let answer = if by_phone {
            world.call(QUESTION).await
        } else {
            tokio::join!(world.message(QUESTION), world.replies(QUESTION, "Yes, do it.")).0
        };
        let want = "Earlier: The key is under the mat. / And feed the cat.\nYes, do it.";
        assert_eq!((answer.status, answer.at("/response")), (200, json!(want)), "{answer:?}");
        assert_eq!(answer.at("/earlier/0/text"), "The key is\nunder the mat.");
        assert_eq!(answer.at("/earlier/1/text"), "And feed the cat.");
        let (first, second) = (answer.at("/earlier/0/at"), answer.at("/earlier/1/at"));
        assert!(first.as_u64() < second.as_u64(), "{answer:?}");
        assert_eq!((answer.at("/earlier/0/channel"), answer.at("/earlier/2")), (json!("whatsapp"), Value::Null));
        // Once: the session after it begins anew.
        world.say("end", &answer.call_id(), "Goodbye.").await;
        let (next, _) = tokio::join!(world.message("And now?"), world.replies("And now?", REPLY));
        world.wrote(&next, REPLY);
        world.settled().await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_nobody_came_for_within_a_day_is_dropped(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let chat = world.emulator.chat();
    chat.write("Too old.").await;
    sleep(secs(2 * 3600)).await;
    chat.write("Just in time.").await;
    sleep(secs(23 * 3600)).await;
    let (answer, _) = tokio::join!(world.message(QUESTION), world.replies(QUESTION, REPLY));
    world.wrote(&answer, &format!("Earlier: Just in time.\n{REPLY}"));
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_is_written_during_a_live_call_is_no_answer_to_what_is_spoken(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    world.person(Script::answers().wait(secs(20)).say("Yes, do it."));
    let person = async {
        world.event(|what| *what == What::AgentQuiet).await;
        world.emulator.chat().write("The key is under the mat.").await;
    };
    let (answer, ()) = tokio::join!(world.call(QUESTION), person);
    let want = "Earlier: The key is under the mat.\nYes, do it.";
    assert_eq!((answer.status, answer.at("/response")), (200, json!(want)), "{answer:?}");
    assert_eq!((answer.at("/contactMode"), answer.at("/earlier/0/channel")), (json!("voice"), json!("whatsapp")));
    assert_eq!(world.words(), Vec::<String>::new(), "the person talks with us: no notice");
    let id = answer.call_id();
    world.emulator.chat().write("And the cat?").await;
    sleep(secs(1)).await;
    assert_eq!(world.look(&id).await.at("/replies/0/text"), "And the cat?");
    let reply = world.wait(&id).await;
    assert_eq!(reply.at("/response"), "And the cat?", "{reply:?}");
    world.say("end", &id, "Goodbye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn words_that_are_older_than_the_question_come_before_its_reply(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let id = world.in_writing().await;
    world.emulator.chat().write("One more thing: the cat.").await;
    sleep(secs(60)).await;
    assert_eq!(world.look(&id).await.at("/replies/0/text"), "One more thing: the cat.");
    let (next, _) = tokio::join!(world.say("continue", &id, "And the docs?"), world.replies("And the docs?", "Yes."));
    world.wrote(&next, "Earlier: One more thing: the cat.\nYes.");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn help_is_answered_and_is_no_reply(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let person = async {
        world.replies(QUESTION, "Help").await;
        world.emulator.chat().receives(HELP).await.expect("it is answered");
        world.emulator.chat().write("info?").await;
        sleep(secs(10)).await;
        assert_eq!(world.words().iter().filter(|words| words.starts_with(HELP)).count(), 2);
        world.emulator.chat().write(REPLY).await
    };
    let (answer, _) = tokio::join!(world.message(QUESTION), person);
    world.wrote(&answer, REPLY);
    assert_eq!(answer.at("/earlier"), json!([]), "{answer:?}");
    world.settled().await;
    // Without a session, too.
    world.emulator.chat().write("help").await;
    sleep(secs(10)).await;
    assert_eq!(world.words().iter().filter(|words| words.starts_with(HELP)).count(), 3);
    assert_eq!(world.sessions.running(), 0);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn end_ends_the_session_with_a_410_and_is_confirmed_once(#[values(Twilio, Telnyx)] on: Telephony) {
    for words in ["End", "cancel!", "QUIT"] {
        let world = World::writing_on(on).await;
        let (answer, _) = tokio::join!(world.message(QUESTION), world.replies(QUESTION, words));
        world.refused(&answer, 410, "call_ended");
        let id = answer.call_id();
        assert_eq!((answer.at("/outcome/endedBy"), answer.at("/contactMode")), (json!("person"), json!("whatsapp")));
        assert!(answer.error().contains("ended by the person") && answer.error().contains(&id), "{answer:?}");
        sleep(secs(60)).await;
        assert_eq!(world.words(), [QUESTION, ENDED], "{words}");
        world.settled().await;
        // Not the end of messages.
        let (next, _) = tokio::join!(world.message("And now?"), world.replies("And now?", REPLY));
        world.wrote(&next, REPLY);
        world.settled().await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn end_ends_only_the_session_that_it_answers(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let first = world.message(QUESTION).await.call_id();
    let (second, _) = tokio::join!(world.message("And the docs?"), world.replies("And the docs?", "End"));
    world.refused(&second, 410, "call_ended");
    assert_eq!(world.look(&first).await.at("/state"), "messaging");
    world.say("end", &first, "Goodbye.").await;
    world.settled().await;
    // With nobody there it is words like any others.
    world.emulator.chat().write("End").await;
    world.emulator.chat().receives(NOBODY).await.expect("nobody is there");
}

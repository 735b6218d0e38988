//! Several agents want the same person: whose question is asked, and whose reply it is.

use callme::emulator::Shown;
use callme::emulator::Telephony::{self, Telnyx, Twilio};
use rstest::rstest;
use serde_json::json;
use tokio::time::sleep;

use super::{QUESTION, secs};
use crate::world::{Answer, World};

const OTHER: &str = "Is the coffee ready?";

/// The text with these words, on the phone.
async fn text(world: &World, words: &str) -> Shown {
    world.emulator.chat().receives(words).await.unwrap_or_else(|never| panic!("{never}"))
}

fn told(answer: &Answer) -> String {
    answer.at("/response").as_str().unwrap_or_default().to_owned()
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_second_question_waits_until_the_first_is_answered_and_each_reply_finds_its_request(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    for quoting in [false, true] {
        let world = World::writing_on(on).await;
        let chat = world.emulator.chat();
        let second = async {
            text(&world, QUESTION).await;
            world.message(OTHER).await
        };
        let third = async {
            text(&world, QUESTION).await;
            sleep(secs(1)).await;
            world.message("And the tea?").await
        };
        let person = async {
            sleep(secs(30)).await;
            assert_eq!(world.words(), [QUESTION], "one question at a time");
            for (question, reply) in [(QUESTION, "Deploy."), (OTHER, "It is ready."), ("And the tea?", "Not yet.")] {
                let asked = text(&world, question).await;
                sleep(secs(2)).await;
                if quoting {
                    chat.reply_to(&asked, reply).await
                } else {
                    chat.write(reply).await
                };
            }
        };
        let (first, second, third, ()) = tokio::join!(world.message(QUESTION), second, third, person);
        world.wrote(&first, "Deploy.");
        world.wrote(&second, "It is ready.");
        world.wrote(&third, "Not yet.");
        assert_eq!(world.words(), [QUESTION, OTHER, "And the tea?"], "in the order in which they were asked");
        let ids = [&first, &second, &third].map(Answer::call_id);
        assert!(ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
        for answer in [&first, &second, &third] {
            assert_eq!(answer.at("/earlier"), json!([]), "{answer:?}");
        }
        world.settled().await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_question_that_waits_for_its_turn_says_so_and_can_be_given_up_without_a_word(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = World::writing_on(on).await;
    let second = async {
        text(&world, QUESTION).await;
        let hurried = world.post_with("/api/message", json!({ "message": OTHER }), &[("prefer", "wait=5")]).await;
        assert_eq!(hurried.status, 202, "{hurried:?}");
        assert!(hurried.at("/next").to_string().contains("an older question of another session"), "{hurried:?}");
        let id = hurried.call_id();
        assert_eq!(world.look(&id).await.at("/queued"), true);
        assert_eq!(world.say("end", &id, "Goodbye.").await.status, 200);
        world.replies(QUESTION, "Yes.").await
    };
    let (first, _) = tokio::join!(world.message(QUESTION), second);
    world.wrote(&first, "Yes.");
    assert_eq!(world.look(&first.call_id()).await.body.get("queued"), None);
    assert_eq!(world.words(), [QUESTION], "nobody takes leave who never came");
    world.settled().await;
}

/// One question whose time is up, and another that is awaited: both stand open on the phone. What the person writes then,
/// quoting the first or nothing; gives what the first session and the second request got.
async fn two_open(on: Telephony, replies: [(bool, &str); 2]) -> (Vec<String>, String) {
    let world = World::writing_on(on).await;
    let chat = world.emulator.chat();
    let late = world.message(QUESTION).await;
    world.refused(&late, 408, "no_reply");
    let id = late.call_id();
    let person = async {
        let first = text(&world, QUESTION).await;
        text(&world, OTHER).await;
        for (quoted, words) in replies {
            sleep(secs(2)).await;
            if quoted {
                chat.reply_to(&first, words).await
            } else {
                chat.write(words).await
            };
        }
        sleep(secs(2)).await;
    };
    let (second, ()) = tokio::join!(world.message(OTHER), person);
    assert_eq!(second.status, 200, "{second:?}\n{}", world.emulator.timeline());
    let kept = world.look(&id).await.at("/replies");
    let kept = kept.as_array().into_iter().flatten().filter_map(|line| line["text"].as_str().map(str::to_owned));
    let got = (kept.collect(), told(&second));
    world.settled().await;
    got
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_reply_goes_to_the_question_it_quotes_and_else_to_the_one_that_is_awaited(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let (kept, got) = two_open(on, [(true, "Deploy."), (false, "It is ready.")]).await;
    assert_eq!((kept, got.as_str()), (vec!["Deploy.".to_owned()], "It is ready."));
    let (kept, got) = two_open(on, [(false, "It is ready."), (true, "Deploy.")]).await;
    assert_eq!((kept, got.as_str()), (vec!["Deploy.".to_owned()], "It is ready."));
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_quotes_nothing_and_is_awaited_by_nobody_goes_to_whoever_wrote_last(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = World::writing_on(on).await;
    let first = world.message(QUESTION).await.call_id();
    let second = world.message(OTHER).await.call_id();
    sleep(secs(60)).await;
    world.emulator.chat().write("Sorry, I was away.").await;
    sleep(secs(1)).await;
    assert_eq!(world.look(&second).await.at("/replies/0/text"), "Sorry, I was away.");
    assert_eq!(world.look(&first).await.at("/replies"), json!([]));
    let speaks = world.say("speak", &first, "Never mind, I have decided.").await;
    assert_eq!(speaks.status, 200);
    world.emulator.chat().write("Good.").await;
    sleep(secs(1)).await;
    assert_eq!(world.look(&first).await.at("/replies/0/text"), "Good.", "now the first one wrote last");
    for id in [first, second] {
        world.say("end", &id, "Goodbye.").await;
    }
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_question_that_waits_for_its_turn_runs_out_of_its_own_time_and_is_asked_all_the_same(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = World::writing_on(on).await;
    let other = async {
        sleep(secs(10)).await;
        world.message(OTHER).await
    };
    let (first, second) = tokio::join!(world.message(QUESTION), other);
    for answer in [&first, &second] {
        world.refused(answer, 408, "no_reply");
        assert!(answer.error().contains(&answer.call_id()), "{answer:?}");
    }
    assert_eq!(world.words(), [QUESTION, OTHER], "asked when the first one's time was up");
    world.emulator.chat().write("It is ready.").await;
    sleep(secs(1)).await;
    let late = world.wait(&second.call_id()).await;
    world.wrote(&late, "It is ready.");
    world.say("end", &first.call_id(), "Goodbye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_statement_and_a_goodbye_of_another_agent_do_not_wait_for_the_turn_of_a_question(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = World::writing_on(on).await;
    let id = world.in_writing().await;
    let other = async {
        text(&world, OTHER).await;
        let spoken = world.say("speak", &id, "The first part is done.").await;
        let end = world.say("end", &id, "And the second. Goodbye.").await;
        assert_eq!((spoken.status, end.status), (200, 200), "{spoken:?} {end:?}");
        text(&world, "And the second.").await;
        world.emulator.chat().write("It is ready.").await;
    };
    let (asked, ()) = tokio::join!(world.message(OTHER), other);
    world.wrote(&asked, "It is ready.");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn an_agent_that_gives_up_lets_the_next_one_ask(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let second = async {
        text(&world, QUESTION).await;
        world.message(OTHER).await
    };
    let gives_up = async {
        text(&world, QUESTION).await;
        sleep(secs(5)).await;
        let id = world.get("/api/history?limit=5").await.at("/conversations/1/id");
        world.say("end", id.as_str().expect("the first session"), "Never mind.").await
    };
    let person = world.replies(OTHER, "It is ready.");
    let (first, second, end, _) = tokio::join!(world.message(QUESTION), second, gives_up, person);
    world.refused(&first, 410, "call_ended");
    assert_eq!(end.status, 200, "{end:?}");
    world.wrote(&second, "It is ready.");
    assert_eq!(world.words(), [QUESTION, "Never mind.", OTHER]);
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_call_that_falls_back_while_another_question_is_open_waits_for_its_turn(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    use callme::emulator::{PickUp, Script};
    let world = World::writing_on(on).await;
    world.person(Script::unanswered(PickUp::Busy));
    let caller = async {
        text(&world, OTHER).await;
        world.call(QUESTION).await
    };
    let person = async {
        text(&world, OTHER).await;
        sleep(secs(20)).await;
        assert_eq!(world.words(), [OTHER]);
        world.emulator.chat().write("It is ready.").await;
        world.replies(QUESTION, "Deploy.").await
    };
    let (asked, called, _) = tokio::join!(world.message(OTHER), caller, person);
    world.wrote(&asked, "It is ready.");
    world.wrote(&called, "Deploy.");
    world.settled().await;
}

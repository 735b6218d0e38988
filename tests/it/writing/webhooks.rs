//! Webhooks about texts: repeated, by two ways, out of order, late, lost, and about other people.

use std::time::Duration;

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Fault, Guise, ReceiptWebhooks, TextWebhook, Times};
use rstest::rstest;
use serde_json::json;
use tokio::time::sleep;

use super::{QUESTION, REPLY, secs};
use crate::webhook::account;
use crate::world::World;

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_message_that_comes_twice_is_one(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let id = world.in_writing().await;
    let chat = world.emulator.chat();
    let twice = async {
        chat.receives("And the docs?").await.expect("the question arrives");
        chat.write_twice("Yes.").await
    };
    let (answer, written) = tokio::join!(world.say("continue", &id, "And the docs?"), twice);
    world.wrote(&answer, "Yes.");
    assert_eq!(written.answers, [Some(200)]);
    world.emulator.faults().add(Fault::TextWebhookTripled(TextWebhook::Added), Times::Always);
    let (answer, _) =
        tokio::join!(world.say("continue", &id, "And the tests?"), world.replies("And the tests?", "No."));
    world.wrote(&answer, "No.");
    sleep(secs(60)).await;
    assert_eq!(world.look(&id).await.at("/replies"), json!([]), "nothing is left over");
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn the_same_words_by_both_webhooks_are_one_message_and_said_twice_they_are_two() {
    for late in [None, Some(TextWebhook::Added), Some(TextWebhook::Plain)] {
        let world = World::writing().await;
        world.emulator.change_text_rules(|rules| rules.plain_too = true);
        if let Some(name) = late {
            let by = Duration::from_secs(5);
            world.emulator.faults().add(Fault::TextWebhookDelayed { name, by }, Times::Always);
        }
        let id = world.in_writing().await;
        sleep(secs(20)).await;
        assert_eq!(world.look(&id).await.at("/replies"), json!([]), "{late:?}");
        let chat = world.emulator.chat();
        chat.write("Yes.").await;
        chat.write("Yes.").await;
        sleep(secs(20)).await;
        let look = world.look(&id).await;
        let replies = look.at("/replies").as_array().map(Vec::len);
        assert_eq!(replies, Some(2), "{late:?}: {look:?}\n{}", world.emulator.timeline());
        world.say("end", &id, "Goodbye.").await;
        world.settled().await;
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_plain_webhook_is_enough() {
    let world = World::writing().await;
    world.emulator.change_text_rules(|rules| rules.plain_too = true);
    world.emulator.faults().add(Fault::TextWebhookDropped(TextWebhook::Added), Times::Always);
    let id = world.in_writing().await;
    world.say("end", &id, "Goodbye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_we_wrote_ourselves_is_no_reply(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    world.emulator.change_text_rules(|rules| rules.echoes = true);
    let answer = world.message(QUESTION).await;
    world.refused(&answer, 408, "no_reply");
    let id = answer.call_id();
    for author in ["callme", "system", "whatsapp:+14155238886", "+14155238886"] {
        world.emulator.chat().write_as(Guise::Author(author.to_owned()), "An echo.").await;
    }
    sleep(secs(10)).await;
    assert_eq!(world.look(&id).await.at("/replies"), json!([]), "{}", world.emulator.timeline());
    assert_eq!(world.words(), [QUESTION], "and it is answered by nothing");
    world.say("end", &id, "Goodbye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_strangers_message_is_neither_a_reply_nor_answered(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let stranger = world.emulator.chat_of("+393337654321");
    let strangers = async {
        world.emulator.chat().receives(QUESTION).await.expect("the question arrives");
        for words in [REPLY, "stop", "call me", "end", "help"] {
            assert_eq!(stranger.write(words).await.answers, [Some(200)], "the same answer as everybody's");
            let chat = world.emulator.chat();
            chat.write_as(Guise::Author("whatsapp:+393337654321".to_owned()), words).await;
            chat.write_as(Guise::Author("somebody".to_owned()), words).await;
            chat.write_as(Guise::Account("AC00000000000000000000000000000000".to_owned()), words).await;
        }
        sleep(secs(10)).await;
        let id = world.newest().await;
        let look = world.look(&id).await;
        assert_eq!((look.at("/waiting"), look.at("/replies")), (json!(true), json!([])), "{look:?}");
        world.emulator.chat().write("It was I.").await;
    };
    let (answer, ()) = tokio::join!(world.message(QUESTION), strangers);
    world.wrote(&answer, "It was I.");
    assert_eq!((world.words(), world.emulator.calls().len()), (vec![QUESTION.to_owned()], 0));
    assert_eq!(stranger.shown().len(), 5, "nobody wrote to them");
    world.settled().await;
    // Nor does it wait for the next session.
    stranger.write("A secret of mine.").await;
    let (next, _) = tokio::join!(world.message("And now?"), world.replies("And now?", REPLY));
    world.wrote(&next, REPLY);
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn receipts_late_tripled_or_out_of_order_change_nothing(#[values(Twilio, Telnyx)] on: Telephony) {
    let delayed = |seconds| Fault::TextWebhookDelayed { name: TextWebhook::Delivery, by: Duration::from_secs(seconds) };
    for faults in [
        vec![(delayed(30), Times::Once)],
        vec![(delayed(30), Times::Count(2))],
        vec![(delayed(600), Times::Always)],
        vec![(Fault::TextWebhookTripled(TextWebhook::Delivery), Times::Always)],
        vec![(Fault::TextWebhookDropped(TextWebhook::Delivery), Times::Always)],
    ] {
        let world = World::writing_on(on).await;
        for (fault, times) in &faults {
            world.emulator.faults().add(fault.clone(), *times);
        }
        let person = async {
            sleep(secs(100)).await;
            world.replies(QUESTION, REPLY).await
        };
        let (answer, _) = tokio::join!(world.message(QUESTION), person);
        world.wrote(&answer, REPLY);
        assert_eq!(world.used("send message"), 1, "{faults:?}\n{}", world.emulator.timeline());
        sleep(secs(600)).await;
        assert_eq!(world.words(), [QUESTION], "{faults:?}");
        world.settled().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_told_after_the_reply_came_is_none() {
    let world = World::writing().await;
    world.emulator.change_text_rules(|rules| rules.receipts = ReceiptWebhooks::Never);
    let (answer, _) = tokio::join!(world.message(QUESTION), world.replies(QUESTION, REPLY));
    world.wrote(&answer, REPLY);
    let id = answer.call_id();
    let (sid, conversation, account) =
        (world.texts()[0].sid.clone(), world.emulator.conversations()[0].sid.clone(), account());
    for code in ["63016", "63015", "63013", "21610"] {
        let form = [
            ("EventType", "onDeliveryUpdated"),
            ("AccountSid", account.as_str()),
            ("ConversationSid", conversation.as_str()),
            ("MessageSid", sid.as_str()),
            ("Status", "undelivered"),
            ("ErrorCode", code),
        ];
        for _ in 0..2 {
            assert_eq!(world.signed("/whatsapp", &form).await, (200, String::new()));
        }
    }
    sleep(secs(10)).await;
    assert_eq!(world.look(&id).await.at("/state"), "messaging");
    assert_eq!(world.words(), [QUESTION], "nothing is sent again");
    assert_eq!(world.say("speak", &id, "Thank you.").await.status, 200);
    world.say("end", &id, "Goodbye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_reply_whose_webhook_is_late_is_collected_later(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let late = Fault::TextWebhookDelayed { name: TextWebhook::Added, by: secs(300) };
    world.emulator.faults().add(late, Times::Once);
    let (answer, _) = tokio::join!(world.message(QUESTION), world.replies(QUESTION, REPLY));
    world.refused(&answer, 408, "no_reply");
    let id = answer.call_id();
    let reply = world.wait(&id).await;
    world.wrote(&reply, REPLY);
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn taps_and_pictures_are_replies_and_what_no_person_types_is_taken_out(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let id = world.in_writing().await;
    let chat = world.emulator.chat();
    let (tapped, _) = tokio::join!(world.say("continue", &id, "Deploy?"), async {
        let asked = chat.receives("Deploy?").await.expect("it arrives");
        chat.tap(&asked, "Yes").await
    });
    world.wrote(&tapped, "Yes");
    let (picture, _) = tokio::join!(world.say("continue", &id, "Which one?"), async {
        chat.receives("Which one?").await.expect("it arrives");
        chat.send_picture("This one").await
    });
    world.wrote(&picture, "This one\n[photo]");
    let (bare, _) = tokio::join!(world.say("continue", &id, "And then?"), async {
        chat.receives("And then?").await.expect("it arrives");
        chat.send_picture("").await
    });
    world.wrote(&bare, "[photo]");
    let (odd, _) = tokio::join!(world.say("continue", &id, "Sure?"), async {
        chat.receives("Sure?").await.expect("it arrives");
        chat.write(" \u{1b}[31mYes\u{1b}[0m,\u{202e} s\u{ec}\u{0}\u{7f} ").await
    });
    world.wrote(&odd, "Yes, s\u{ec}");
    world.settled().await;
}

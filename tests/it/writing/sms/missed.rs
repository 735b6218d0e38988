//! What the person wrote by SMS and the server did not take: it is read back where that can be done.

use std::time::Duration;

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Fault, TextWebhook, Times};
use rstest::rstest;
use tokio::time::sleep;

use super::super::{QUESTION, REPLY};
use super::allowed;
use crate::world::World;

/// What was written and not collected.
async fn replies(world: &World, id: &str) -> Vec<String> {
    let replies = world.look(id).await.at("/replies");
    let words = replies.as_array().into_iter().flatten();
    words.map(|said| said["text"].as_str().unwrap_or_default().to_owned()).collect()
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_was_turned_away_is_read_back_once_where_that_can_be_done(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = allowed(on).await;
    world.whatsapp_is_down();
    let (answer, ()) = tokio::join!(world.message(QUESTION), world.answers_sms(QUESTION, REPLY));
    assert_eq!(answer.at("/response"), REPLY, "{answer:?}\n{}", world.emulator.timeline());
    let id = answer.call_id();
    sleep(Duration::from_mins(1)).await;
    let mut written = Vec::new();
    for n in 1..=15 {
        let words = format!("Number {n}.");
        let answers = world.emulator.sms().write(&words).await.answers;
        assert_eq!(answers, [Some(if n <= 10 { 200 } else { 429 })], "{n}");
        written.push(words);
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(replies(&world, &id).await, written[..10]);
    sleep(Duration::from_mins(11)).await;
    let read_back = on == Twilio;
    assert_eq!(world.used("list sms"), usize::from(read_back), "{}", world.emulator.timeline());
    let want = if read_back { &written[..] } else { &written[..10] };
    assert_eq!(replies(&world, &id).await, want, "each once, in the order in which they were written");
    world.say("end", &id, "Goodbye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_receipt_that_never_comes_is_asked_for(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = allowed(on).await;
    world.whatsapp_is_down();
    let faults = world.emulator.faults();
    faults.add(Fault::TextWebhookDropped(TextWebhook::SmsDelivery), Times::Always);
    faults.add(Fault::SmsFails { code: 30_003 }, Times::Always);
    let answer = world.message(QUESTION).await;
    world.refused(&answer, 408, "no_reply");
    assert!(answer.error().contains("30003"), "{answer:?}");
    assert!(world.used("read sms") > 0, "{}", world.emulator.timeline());
    world.settled().await;
}

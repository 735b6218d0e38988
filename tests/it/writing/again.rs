//! Sending again: only where that can help, not too soon, and never what was sent already.

use std::time::Duration;

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Fault, PickUp, RestFault, RestVerb, Script, TextWebhook, Times, What};

use super::{QUESTION, REPLY, secs};
use crate::world::World;
use rstest::rstest;

fn refused(status: u16, code: u32, retry_after: Option<Duration>) -> RestFault {
    RestFault::Refused { status, code, retry_after }
}

fn sending(world: &World, fault: RestFault, times: Times) {
    world.emulator.faults().add(Fault::Text { verb: RestVerb::SendMessage, fault }, times);
}

/// When the carrier was asked to send, from the first time on, in whole seconds.
fn attempts(world: &World) -> Vec<u64> {
    let sends = |what: &What| matches!(what, What::Rest { verb: "send message", .. });
    let timeline = world.emulator.timeline();
    let at: Vec<Duration> = timeline.events().iter().filter(|event| sends(&event.what)).map(|event| event.at).collect();
    at.iter().map(|time| time.saturating_sub(at[0]).as_secs()).collect()
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_passing_failure_is_tried_three_times_at_growing_distance(#[values(Twilio, Telnyx)] on: Telephony) {
    for (fault, again) in [
        (refused(429, 20429, None), [2, 6]),
        (refused(429, 20429, Some(secs(1))), [2, 6]),
        (refused(429, 20429, Some(secs(5))), [5, 10]),
        // Nobody waits longer than a minute.
        (refused(429, 20429, Some(secs(3600))), [60, 120]),
        (refused(400, 63018, None), [2, 6]),
        (refused(503, 20503, None), [2, 6]),
        (RestFault::Broken { status: 502, done: false }, [2, 6]),
        (RestFault::Closed { done: false }, [2, 6]),
        // Ten seconds of silence count as no answer.
        (RestFault::Hangs { done: false }, [12, 26]),
    ] {
        // Where nobody can find out whether it was sent, it is not.
        let unknown = !matches!(fault, RestFault::Refused { status: 400..500, .. });
        for failures in if on == Telnyx && unknown { 0..0 } else { 1..3 } {
            let world = World::writing_on(on).await;
            world.person(Script::unanswered(PickUp::Busy));
            sending(&world, fault, Times::Count(failures));
            let (answer, _) = tokio::join!(world.call(QUESTION), world.replies(QUESTION, REPLY));
            world.wrote(&answer, REPLY);
            let tries = usize::try_from(failures).expect("it is small");
            let want = [&[0], &again[..tries]].concat();
            assert_eq!(attempts(&world), want, "{fault:?}\n{}", world.emulator.timeline());
            assert_eq!(world.words().len(), 1, "{fault:?}: the person gets it once");
            world.settled().await;
        }
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn after_three_refusals_the_request_is_told_and_nothing_is_tried_any_more(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    for by_phone in [true, false] {
        let world = World::writing_on(on).await;
        sending(&world, refused(429, 20429, None), Times::Always);
        world.person(Script::unanswered(PickUp::Busy));
        let answer = if by_phone { world.call(QUESTION).await } else { world.message(QUESTION).await };
        if by_phone {
            world.refused(&answer, 408, "no_answer");
            assert!(answer.error().starts_with("The line was busy. "), "{answer:?}");
        } else {
            // Nothing reached the person: a client may repeat it.
            world.refused(&answer, 502, "provider_error");
        }
        let code = if on == Telnyx { "10011" } else { "20429" };
        assert!(answer.error().contains(code), "{answer:?}");
        world.settled().await;
        assert_eq!(attempts(&world), [0, 2, 6], "{}", world.emulator.timeline());
        assert_eq!(world.look(&answer.call_id()).await.at("/state"), "ended");
        tokio::time::sleep(secs(600)).await;
        assert_eq!(attempts(&world), [0, 2, 6]);
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_message_of_which_nobody_knows_whether_it_was_sent_is_not_reported_as_unsent(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    for fault in [refused(503, 20503, None), RestFault::Closed { done: false }] {
        for by_phone in [true, false] {
            let world = World::writing_on(on).await;
            sending(&world, fault, Times::Always);
            world.person(Script::unanswered(PickUp::Busy));
            let answer = if by_phone { world.call(QUESTION).await } else { world.message(QUESTION).await };
            let id = answer.call_id();
            world.refused(&answer, 408, "no_reply");
            assert!(answer.error().contains("Nobody knows whether the message arrived"), "{answer:?}");
            let tries: &[u64] = if on == Telnyx { &[0] } else { &[0, 2, 6] };
            assert_eq!(attempts(&world), tries, "{}", world.emulator.timeline());
            // As it says, the session is open.
            assert_eq!(world.look(&id).await.at("/state"), "messaging", "{fault:?}: {answer:?}");
            world.emulator.faults().clear();
            let (next, _) = tokio::join!(world.say("continue", &id, "Again?"), world.replies("Again?", REPLY));
            world.wrote(&next, REPLY);
            world.settled().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_whose_answer_was_lost_is_found_and_not_sent_twice() {
    for fault in [
        RestFault::Hangs { done: true },
        RestFault::Closed { done: true },
        RestFault::Broken { status: 500, done: true },
        RestFault::Broken { status: 504, done: true },
    ] {
        let world = World::writing().await;
        world.person(Script::unanswered(PickUp::Busy));
        sending(&world, fault, Times::Once);
        let person = async {
            world.event(|what| matches!(what, What::Rest { verb: "list messages", .. })).await;
            tokio::time::sleep(secs(1)).await;
            world.replies(QUESTION, REPLY).await
        };
        let (answer, _) = tokio::join!(world.call(QUESTION), person);
        world.wrote(&answer, REPLY);
        assert_eq!((attempts(&world), world.words().len()), (vec![0], 1), "{fault:?}\n{}", world.emulator.timeline());
        world.settled().await;
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_can_be_read_a_text_whose_answer_was_lost_is_told_as_unknown_and_not_sent_twice() {
    for fault in [
        RestFault::Hangs { done: true },
        RestFault::Closed { done: true },
        RestFault::Broken { status: 504, done: true },
    ] {
        let world = World::writing_on(Telnyx).await;
        world.person(Script::unanswered(PickUp::Busy));
        sending(&world, fault, Times::Once);
        let answer = world.call(QUESTION).await;
        world.refused(&answer, 408, "no_reply");
        assert!(answer.error().contains("Nobody knows whether the message arrived"), "{answer:?}");
        let id = answer.call_id();
        world.replies(QUESTION, REPLY).await;
        let reply = world.wait(&id).await;
        world.wrote(&reply, REPLY);
        assert_eq!((attempts(&world), world.words().len()), (vec![0], 1), "{fault:?}\n{}", world.emulator.timeline());
        world.settled().await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_reply_that_is_faster_than_the_search_for_the_text_answers_it(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    world.person(Script::unanswered(PickUp::Busy));
    sending(&world, RestFault::Hangs { done: true }, Times::Once);
    let (answer, _) = tokio::join!(world.call(QUESTION), world.replies(QUESTION, REPLY));
    world.wrote(&answer, REPLY);
    tokio::time::sleep(secs(60)).await;
    assert_eq!((attempts(&world), world.words().len()), (vec![0], 1), "{}", world.emulator.timeline());
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_is_written_after_a_text_that_is_tried_again_waits_for_it(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let id = world.in_writing().await;
    sending(&world, refused(429, 20429, None), Times::Count(2));
    let (first, second) = tokio::join!(world.say("speak", &id, "First."), async {
        tokio::time::sleep(secs(1)).await;
        world.say("speak", &id, "Second.").await
    });
    assert_eq!((first.status, second.status), (200, 200), "{first:?} {second:?}");
    assert_eq!(world.words()[1..], ["First.", "Second."], "{}", world.emulator.timeline());
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn an_end_does_not_wait_for_what_cannot_be_sent(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let id = world.in_writing().await;
    sending(&world, RestFault::Hangs { done: false }, Times::Always);
    let end = world.say("end", &id, "Goodbye.").await;
    assert_eq!(end.status, 200, "{end:?}");
    world.settled().await;
    assert_eq!(world.look(&id).await.at("/outcome/endedBy"), "agent");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn receipts_that_never_come_are_asked_for_twice_and_no_more(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    world.emulator.faults().add(Fault::TextWebhookDropped(TextWebhook::Delivery), Times::Always);
    world.emulator.change_text_rules(|rules| rules.sent_after = secs(3600));
    let answer = world.message(QUESTION).await;
    world.refused(&answer, 408, "no_reply");
    let asked = |what: &What| matches!(what, What::Rest { verb: "read receipts", .. });
    let timeline = world.emulator.timeline();
    let at: Vec<u64> =
        timeline.events().iter().filter(|event| asked(&event.what)).map(|event| event.at.as_secs()).collect();
    assert_eq!(at, [5, 15], "{timeline}");
}

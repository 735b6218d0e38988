//! Waiting for the reply: how long, by whom, and what becomes of a reply that nobody waits for.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Script, What};
use rstest::rstest;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::{QUESTION, ms};
use crate::world::World;

fn dials(world: &World) -> usize {
    world.emulator.timeline().count(|what| matches!(what, What::Rest { verb: "dial", .. }))
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_reply_that_comes_too_late_is_collected_by_waiting_for_it(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on_with(on, &[("CALLME_TRANSCRIPT_TIMEOUT_MS", "30000")]).await;
    world.person(Script::answers().when_silent(ms(40_000)).say("Sorry, yes, do it."));
    let answer = world.call(QUESTION).await;
    assert_eq!((answer.status, &answer.body["code"]), (408, &json!("no_reply")), "{answer:?}");
    let id = answer.call_id();
    assert!(answer.error().contains(&format!("continue_call with {id}")), "{answer:?}");
    assert_eq!((answer.at("/outcome/messageHeard"), answer.at("/outcome/endedBy")), (json!("full"), json!(null)));
    assert_eq!(world.look(&id).await.body["state"], "connected");
    let late = world.wait(&id).await;
    assert_eq!(late.body["response"], "Sorry, yes, do it.", "{late:?}\n{}", world.emulator.timeline());
    world.say("end", &id, "Bye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn who_speaks_when_the_time_is_up_is_heard_out(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on_with(on, &[("CALLME_TRANSCRIPT_TIMEOUT_MS", "10000")]).await;
    world.person(Script::answers().when_silent(ms(9000)).say("Let me think about it, yes, you may do it tomorrow."));
    let answer = world.call(QUESTION).await;
    assert_eq!(answer.status, 200, "{answer:?}\n{}", world.emulator.timeline());
    assert_eq!(answer.body["response"], "Let me think about it, yes, you may do it tomorrow.");
    world.say("end", &answer.call_id(), "Bye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_ends_nothing_and_another_collects_the_reply(#[values(Twilio, Telnyx)] on: Telephony) {
    for again in ["wait", "repeat"] {
        for late in [3000, 40_000] {
            let world = World::on(on).await;
            world.person(Script::converses(["Yes, do it."]));
            assert!(timeout(ms(4000), world.call(QUESTION)).await.is_err(), "the client has gone");
            let id = world.call_id().await;
            sleep(ms(late)).await;
            let answer = if again == "wait" { world.wait(&id).await } else { world.call(QUESTION).await };
            assert_eq!(answer.status, 200, "{again} {late} {answer:?}\n{}", world.emulator.timeline());
            assert_eq!(answer.body["response"], "Yes, do it.", "{again} {late}");
            assert_eq!(dials(&world), 1, "{again} {late}");
            sleep(ms(100_000)).await;
            assert_eq!(world.look(&id).await.body["state"], "connected", "a collected reply ends no call");
            world.say("end", &id, "Bye.").await;
            world.settled().await;
        }
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_reply_that_nobody_collects_ends_the_call_with_a_word_and_is_kept(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::converses(["Yes, do it."]));
    assert!(timeout(ms(4000), world.call(QUESTION)).await.is_err(), "the client has gone");
    let id = world.call_id().await;
    world.settled().await;
    let heard = world.last_call();
    let last = heard.segments.last().expect("a goodbye");
    assert_eq!(
        (last.text.as_str(), last.cut),
        ("I will pass that on. Goodbye.", false),
        "{}",
        world.emulator.timeline()
    );
    let state = world.look(&id).await;
    assert_eq!((state.at("/state"), state.at("/outcome/endedBy")), (json!("ended"), json!("inactivity")), "{state:?}");
    assert_eq!(state.at("/replies/0/text"), "Yes, do it.");
    let reply = world.wait(&id).await;
    assert_eq!((reply.status, &reply.body["response"]), (200, &json!("Yes, do it.")), "{reply:?}");
    assert_eq!(reply.at("/outcome/endedBy"), "inactivity");
    let again = world.wait(&id).await;
    assert_eq!((again.status, &again.body["code"]), (404, &json!("no_active_call")), "{again:?}");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn everybody_who_waits_gets_the_reply(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::converses(["Yes, do it."]));
    let others = async {
        let id = world.call_id().await;
        tokio::join!(world.wait(&id), world.wait(&id), world.call(QUESTION))
    };
    let (asked, (first, second, repeat)) = tokio::join!(world.call(QUESTION), others);
    for answer in [&asked, &first, &second, &repeat] {
        assert_eq!((answer.status, &answer.body["response"]), (200, &json!("Yes, do it.")), "{answer:?}");
    }
    assert_eq!(dials(&world), 1);
    world.say("end", &asked.call_id(), "Bye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn another_message_is_refused_while_one_waits_and_end_cuts_it_off(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::on(on).await;
    world.person(Script::answers());
    let meddling = async {
        let id = world.call_id().await;
        sleep(ms(10_000)).await;
        let second = world.call("Something else?").await;
        let other = world.say("continue", &id, "Something else?").await;
        (id.clone(), second, other, world.say("end", &id, "Never mind. Goodbye.").await)
    };
    let (asked, (id, second, other, end)) = tokio::join!(world.call(QUESTION), meddling);
    assert_eq!((second.status, &second.body["callId"]), (409, &json!(id)), "{second:?}");
    assert_eq!((other.status, &other.body["code"]), (409, &json!("busy")), "{other:?}");
    assert_eq!((asked.status, &asked.body["code"]), (410, &json!("call_ended")), "{asked:?}");
    assert_eq!(asked.at("/outcome/endedBy"), "agent");
    assert_eq!(end.status, 200, "{end:?}");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn no_request_waits_longer_than_a_client_does(#[values(Twilio, Telnyx)] on: Telephony) {
    let world =
        World::on_with(on, &[("CALLME_TRANSCRIPT_TIMEOUT_MS", "600000"), ("CALLME_INACTIVITY_TIMEOUT_MS", "1200000")])
            .await;
    world.person(Script::answers().when_silent(ms(320_000)).say("Now I am here.").when_silent(ms(400)).say("Yes."));
    let began = Instant::now();
    let answer = world.call(QUESTION).await;
    assert_eq!((answer.status, &answer.body["code"]), (408, &json!("no_reply")), "{answer:?}");
    assert!(began.elapsed().abs_diff(ms(285_000)) < ms(1000), "{:?}", began.elapsed());
    let id = answer.call_id();
    let open = world.look(&id).await;
    assert_eq!((open.at("/state"), open.at("/waiting")), (json!("listening"), json!(true)), "{open:?}");
    let late = world.call(QUESTION).await;
    assert_eq!(late.body["response"], "Now I am here.", "the repeat joins it: {late:?}\n{}", world.emulator.timeline());
    assert_eq!(dials(&world), 1);
    let next = world.say("continue", &id, "Shall I go on then?").await;
    assert_eq!(next.body["response"], "Yes.", "{next:?}");
    world.say("end", &id, "Bye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_message_whose_request_ran_out_of_time_does_not_stand_in_the_way_of_the_next(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world =
        World::on_with(on, &[("CALLME_TRANSCRIPT_TIMEOUT_MS", "600000"), ("CALLME_INACTIVITY_TIMEOUT_MS", "1200000")])
            .await;
    world.person(Script::answers().when_silent(ms(5000)).wait(ms(290_000)).when_silent(ms(400)).say("Yes, I am."));
    let answer = world.call(QUESTION).await;
    assert_eq!((answer.status, &answer.body["code"]), (408, &json!("no_reply")), "{answer:?}");
    let next = world.say("continue", &answer.call_id(), "Are you still there, or shall I hang up now?").await;
    assert_eq!(
        (next.status, &next.body["response"]),
        (200, &json!("Yes, I am.")),
        "{next:?}\n{}",
        world.emulator.timeline()
    );
    world.say("end", &answer.call_id(), "Bye.").await;
    world.settled().await;
}

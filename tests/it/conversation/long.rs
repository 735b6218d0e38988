//! Long messages and long replies: longer than what is sent ahead, than a request may take, than a stretch may last.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{Script, Sent};
use rstest::rstest;
use serde_json::json;
use tokio::time::Instant;

use super::{QUESTION, ms, texts};
use crate::world::World;

/// A text of so many sentences, four seconds each and all different.
fn sentences(count: usize) -> String {
    let sentence = |n: usize| format!("This is part {n:03} of what I want to tell you, and it goes on.");
    (0..count).map(sentence).collect::<Vec<_>>().join(" ")
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_long_message_is_sent_ahead_within_a_bound_and_heard_without_a_gap(#[values(Twilio, Telnyx)] on: Telephony) {
    let message = sentences(15);
    let world = World::on(on).await;
    world.person(Script::converses(["Yes."]));
    let answer = world.call(&message).await;
    assert_eq!((answer.status, answer.at("/response")), (200, json!("Yes.")), "{answer:?}");
    assert_eq!(answer.at("/outcome/messageHeard"), "full");
    let call = world.last_call();
    assert_eq!(texts(&call.segments), [message.as_str()], "one stretch of sound");
    let began = call.frames[0].at;
    let mut sent = ms(0);
    for frame in &call.frames {
        if let Sent::Audio(bytes) = frame.what {
            sent += ms(bytes as u64 / 8);
            let after = frame.at.saturating_sub(began);
            assert!(sent <= after + ms(5200), "{sent:?} were sent after {after:?}");
        }
    }
    world.say("end", &answer.call_id(), "Bye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_long_message_can_be_cut_late(#[values(Twilio, Telnyx)] on: Telephony) {
    let message = sentences(15);
    let world = World::on(on).await;
    world.person(Script::answers().when_heard(ms(45_000)).say("Enough, just do it."));
    let answer = world.call(&message).await;
    assert_eq!(
        (answer.at("/response"), answer.at("/interrupted")),
        (json!("Enough, just do it."), json!(true)),
        "{answer:?}"
    );
    let claimed = answer.at("/outcome/heardText");
    let claimed = claimed.as_str().expect("what was heard of it");
    let share = claimed.len() * 100 / message.len();
    let heard = &world.last_call().segments[0];
    assert!(heard.text.starts_with(claimed), "{claimed:?} was claimed, {:?} heard", heard.text);
    assert!((78..=82).contains(&share), "45 s of 55 s: {share} %");
    world.say("end", &answer.call_id(), "Bye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn speak_and_end_answer_before_a_long_message_is_over_and_it_is_heard_all_the_same(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let (statement, goodbye) = (sentences(14), format!("Goodbye. {}", sentences(14)));
    let world = World::on(on).await;
    world.person(Script::converses(["Yes."]));
    let id = world.call(QUESTION).await.call_id();
    let began = Instant::now();
    let spoken = world.say("speak", &id, &statement).await;
    assert_eq!((spoken.status, spoken.at("/interrupted")), (200, json!(false)), "{spoken:?}");
    assert_eq!(spoken.at("/outcome/messageHeard"), "partial");
    assert!(began.elapsed() <= ms(50_100), "{:?}", began.elapsed());
    let end = world.say("end", &id, &goodbye).await;
    assert_eq!((end.status, end.at("/outcome/endedBy")), (200, json!("agent")), "{end:?}");
    assert!(began.elapsed() <= ms(100_200), "{:?}", began.elapsed());
    world.settled().await;
    let call = world.last_call();
    assert_eq!(call.heard_text(), format!("{QUESTION} {statement} {goodbye}"));
    assert!(call.segments.iter().all(|segment| !segment.cut));
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_long_reply_is_whole(#[values(Twilio, Telnyx)] on: Telephony) {
    let reply = sentences(12);
    let world = World::on(on).await;
    world.person(Script::converses([reply.as_str()]));
    let answer = world.call(QUESTION).await;
    assert_eq!((answer.status, answer.at("/response")), (200, json!(reply)), "{answer:?}");
    world.say("end", &answer.call_id(), "Bye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn nothing_of_a_monologue_is_lost(#[values(Twilio, Telnyx)] on: Telephony) {
    let monologue = sentences(28);
    let world = World::on(on).await;
    world.person(Script::converses([monologue.as_str()]));
    let mut heard = Vec::new();
    let mut answer = world.call(QUESTION).await;
    let id = answer.call_id();
    for _ in 0..4 {
        if answer.status == 200 {
            heard.push(answer.at("/response").as_str().expect("words").to_owned());
        }
        if heard.join(" ") == monologue {
            break;
        }
        answer = world.wait(&id).await;
    }
    assert_eq!(heard.join(" "), monologue, "{answer:?}\n{}", world.emulator.timeline());
    world.say("end", &id, "Bye.").await;
    world.settled().await;
}

//! A session that goes on in writing.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{TextForm, What};
use rstest::rstest;
use serde_json::json;
use tokio::time::Instant;

use super::{QUESTION, REPLY, TRIED, secs};
use crate::world::World;

#[rstest]
#[tokio::test(start_paused = true)]
async fn continue_speak_and_end_write_and_nothing_is_spoken(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let id = world.in_writing().await;
    let speech = world.emulator.timeline().count(|what| matches!(what, What::SpeechAsked { .. }));

    let (next, _) =
        tokio::join!(world.say("continue", &id, "Which server first?"), world.replies("Which server", "The old one."));
    world.wrote(&next, "The old one.");
    assert_eq!(next.body.get("callId"), None, "{next:?}");
    assert_eq!(next.at("/conversationSid"), world.conversation_of(&next));
    assert_eq!(next.at("/whatsappSessionWindow/status"), "active");
    let outcome = json!({ "dial": "busy", "answeredBy": "nobody", "messageHeard": null, "replyChannel": "whatsapp", "endedBy": null });
    assert_eq!(next.body["outcome"], outcome, "{next:?}");

    let began = Instant::now();
    let spoken = world.say("speak", &id, "I begin with it.").await;
    assert!(began.elapsed() < secs(1), "nobody waits for the person to read it");
    let outcome = json!({ "dial": "busy", "answeredBy": "nobody", "messageHeard": null, "replyChannel": "none", "endedBy": null });
    assert_eq!(spoken.body, json!({ "interrupted": false, "outcome": outcome }));

    let end = world.say("end", &id, "Thank you. Goodbye.").await;
    let outcome = json!({ "dial": "busy", "answeredBy": "nobody", "messageHeard": null, "replyChannel": "none", "endedBy": "agent" });
    assert_eq!((end.status, &end.body), (200, &json!({ "durationSeconds": 0, "outcome": outcome })));
    world.settled().await;

    let first = format!("{TRIED}{QUESTION}");
    let want = [first.as_str(), "Which server first?", "I begin with it.", "Thank you. Goodbye."];
    assert_eq!(world.words(), want, "{}", world.emulator.timeline());
    assert!(world.texts().iter().all(|text| text.form == TextForm::Free));
    let timeline = world.emulator.timeline();
    assert_eq!(timeline.count(|what| matches!(what, What::SpeechAsked { .. })), speech, "{timeline}");
    assert_eq!(world.used("dial"), 1, "{timeline}");

    let look = world.look(&id).await;
    assert_eq!((look.at("/state"), look.at("/contactMode")), (json!("ended"), json!("whatsapp")), "{look:?}");
    let again = world.say("end", &id, "Thank you. Goodbye.").await;
    assert_eq!((again.status, &again.body), (200, &end.body));
    for verb in ["continue", "speak", "wait"] {
        let answer = world.say(verb, &id, "Are you still there?").await;
        world.refused(&answer, 404, "no_active_call");
        assert!(answer.error().contains(&id) && answer.error().contains("initiate_call"), "{verb}: {answer:?}");
    }
    assert_eq!(world.words().len(), 4, "nothing is written in a session that is over");
    let history = world.get("/api/history").await;
    let lines = history.at("/conversations/0/messages");
    let lines: Vec<_> =
        lines.as_array().into_iter().flatten().map(|line| (&line["speaker"], &line["message"])).collect();
    let (claude, user) = (json!("claude"), json!("user"));
    let said = |speaker, message: &str| (speaker, json!(message));
    let want = [
        said(&claude, QUESTION),
        said(&user, REPLY),
        said(&claude, "Which server first?"),
        said(&user, "The old one."),
        said(&claude, "I begin with it."),
        said(&claude, "Thank you. Goodbye."),
    ];
    assert_eq!(lines, want.iter().map(|(speaker, message)| (*speaker, message)).collect::<Vec<_>>());
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn end_cuts_a_waiting_question_off_and_says_who_did_it(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let id = world.in_writing().await;
    let ends = async {
        world.emulator.chat().receives("And the docs?").await.expect("the question arrives");
        world.say("end", &id, "Never mind. Goodbye.").await
    };
    let (asked, end) = tokio::join!(world.say("continue", &id, "And the docs?"), ends);
    world.refused(&asked, 410, "call_ended");
    assert_eq!((asked.at("/callId"), asked.at("/contactMode")), (json!(id), json!("whatsapp")), "{asked:?}");
    assert_eq!(asked.at("/outcome/endedBy"), "agent");
    assert_eq!((end.status, end.at("/outcome/endedBy")), (200, json!("agent")), "{end:?}");
    assert_eq!(world.words().last().map(String::as_str), Some("Never mind. Goodbye."));
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn another_message_waits_for_its_turn_and_speak_does_not(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let id = world.in_writing().await;
    let meddles = async {
        world.emulator.chat().receives("And the docs?").await.expect("the question arrives");
        let other = world.say("continue", &id, "And the tests?").await;
        let spoken = world.say("speak", &id, "They are green, by the way.").await;
        let joined =
            tokio::join!(world.say("continue", &id, "And the docs?"), world.replies("by the way", "Leave them."));
        (other, spoken, joined.0)
    };
    let (asked, (other, spoken, joined)) = tokio::join!(world.say("continue", &id, "And the docs?"), meddles);
    world.refused(&other, 409, "busy");
    assert_eq!((other.at("/callId"), other.at("/contactMode")), (json!(id), json!("whatsapp")), "{other:?}");
    assert_eq!(spoken.status, 200, "{spoken:?}");
    world.wrote(&asked, "Leave them.");
    assert_eq!(joined, asked, "the same words join the request that runs");
    let words = world.words();
    assert_eq!(words[1..], ["And the docs?", "They are green, by the way."], "{words:?}");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_long_message_comes_in_parts_in_order_and_is_one_question(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let id = world.in_writing().await;
    let sentence = |n: usize| format!("Sentence number {n:03} says a little about what I found in the logs of today. ");
    let question = (0..50).map(sentence).collect::<String>() + "What now?";
    assert!((3200..4096).contains(&question.chars().count()), "three texts");
    let (answer, _) = tokio::join!(world.say("continue", &id, &question), world.replies("What now?", "Tell me more."));
    world.wrote(&answer, "Tell me more.");
    let parts = world.words()[1..].to_vec();
    let (count, longest) = if on == Telnyx { (1, 4096) } else { (3, 1600) };
    assert_eq!(parts.len(), count, "{parts:?}");
    assert!(parts.iter().all(|part| part.chars().count() <= longest && part.ends_with(['.', '?'])), "{parts:?}");
    assert_eq!(parts.join(" "), question);
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_session_in_writing_ends_after_seven_minutes_without_a_question_and_a_question_holds_it_for_a_day(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = World::writing_on(on).await;
    let id = world.in_writing().await;
    tokio::time::sleep(secs(7 * 60 - 1)).await;
    assert_eq!(world.look(&id).await.at("/state"), "messaging");
    // A text either way begins the time anew.
    assert_eq!(world.say("speak", &id, "Still at it.").await.status, 200);
    tokio::time::sleep(secs(7 * 60 - 1)).await;
    world.emulator.chat().write("Good.").await;
    tokio::time::sleep(secs(7 * 60 - 1)).await;
    assert_eq!(world.look(&id).await.at("/state"), "messaging");
    let unanswered = world.say("continue", &id, "And the docs?").await;
    world.refused(&unanswered, 408, "no_reply");
    tokio::time::sleep(secs(23 * 3600)).await;
    assert_eq!(world.look(&id).await.at("/state"), "messaging");
    tokio::time::sleep(secs(3600)).await;
    world.settled().await;
    let look = world.look(&id).await;
    assert_eq!((look.at("/state"), look.at("/outcome/endedBy")), (json!("ended"), json!("inactivity")), "{look:?}");
    assert_eq!(look.at("/replies/0/text"), "Good.", "nothing of it is lost: {look:?}");
}

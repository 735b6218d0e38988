//! Calls that reach nobody, and the question that is written instead.

use std::time::Duration;

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{DialFault, EmulatorConfig, Fault, PickUp, Script, Times, What};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{QUESTION, REPLY, TRIED, secs};
use crate::world::World;

/// The call is ended by somebody who uses the carrier's REST API beside us, as its console does.
async fn canceled_elsewhere(world: &World) {
    world.event(|what| matches!(what, What::Callback { name, .. } if name.as_str() == "ringing")).await;
    let EmulatorConfig { account_sid, auth_token, .. } = EmulatorConfig::default();
    let call = world.last_call().sid;
    let url = format!("{}/2010-04-01/Accounts/{account_sid}/Calls/{call}.json", world.emulator.url());
    let request = world.client().post(url).basic_auth(account_sid, Some(auth_token)).form(&[("Status", "canceled")]);
    assert!(request.send().await.expect("an answer").status().is_success());
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_call_that_reaches_nobody_brings_the_typed_reply_in_the_same_request_whatever_the_cause(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let unanswered = Script::unanswered;
    for (cause, script, dial, by, within) in [
        ("no-answer", unanswered(PickUp::Never), "no-answer", "nobody", 26),
        ("busy", unanswered(PickUp::Busy), "busy", "nobody", 1),
        ("failed", unanswered(PickUp::Failed), "failed", "nobody", 1),
        ("canceled", unanswered(PickUp::Never), "canceled", "nobody", 2),
        ("rejected", unanswered(PickUp::Declines(secs(3))), "no-answer", "nobody", 4),
        ("declined", Script::answers().hang_up(), "answered", "unknown", 2),
        ("voicemail", Script::voicemail(), "voicemail", "machine", 17),
    ] {
        // It is cancelled by Twilio's own API.
        if cause == "canceled" && on == Telnyx {
            continue;
        }
        let world = World::writing_on(on).await;
        world.person(script);
        let began = Instant::now();
        let person = async {
            if cause == "canceled" {
                canceled_elsewhere(&world).await;
            }
            let written = world.event(|what| matches!(what, What::TextSent { .. })).await;
            assert!(written.at <= secs(within), "{cause} took {:?}\n{}", written.at, world.emulator.timeline());
            tokio::time::sleep(secs(20)).await;
            let now = (world.start + began.elapsed()).0;
            (world.replies(QUESTION, REPLY).await, now)
        };
        let (answer, (_, wrote_at)) = tokio::join!(world.call(QUESTION), person);
        let timeline = world.emulator.timeline();
        let expiry = wrote_at + 24 * 3_600_000;
        let want = json!({
            "callId": answer.call_id(),
            "response": REPLY,
            "interrupted": false,
            "contactMode": "whatsapp",
            "conversationSid": world.conversation_of(&answer),
            "whatsappSessionExpiry": expiry,
            "whatsappSessionWindow": { "expiresAt": expiry, "minutesRemaining": 1439, "status": "active" },
            "earlier": [],
            "outcome": { "dial": dial, "answeredBy": by, "messageHeard": null, "replyChannel": "whatsapp", "endedBy": null },
        });
        assert_eq!((answer.status, &answer.body), (200, &want), "{cause}\n{timeline}");
        assert_eq!(world.words(), [format!("{TRIED}{QUESTION}")], "{cause}: the question itself, once\n{timeline}");
        assert_eq!(world.used("dial"), 1, "{cause}\n{timeline}");

        let id = answer.call_id();
        let look = world.look(&id).await;
        assert_eq!((look.at("/state"), look.at("/contactMode")), (json!("messaging"), json!("whatsapp")), "{look:?}");
        assert_eq!((look.at("/waiting"), look.at("/replies")), (json!(false), json!([])), "{cause}: {look:?}");
        let history = world.get("/api/history").await;
        let kept = &history.at("/conversations/0");
        let lines: Vec<_> = kept["messages"].as_array().into_iter().flatten().map(|line| &line["message"]).collect();
        assert_eq!(lines, [QUESTION, REPLY], "{cause}: {history:?}");
        assert_eq!(
            (&kept["contactMode"], &kept["metadata"]["conversationSid"]),
            (&json!("whatsapp"), &want["conversationSid"])
        );
        world.settled().await;
        assert_eq!(world.look(&id).await.at("/outcome/endedBy"), "inactivity", "{cause}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_messaging_an_unanswered_call_is_reported_at_once() {
    let world = World::new().await;
    world.person(Script::unanswered(PickUp::Busy));
    let answer = world.call(QUESTION).await;
    world.refused(&answer, 408, "no_answer");
    assert_eq!(answer.at("/contactMode"), "voice");
    world.settled().await;
    assert_eq!(world.emulator.chat().shown(), []);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_dial_that_the_carrier_refuses_is_no_missed_call_and_nothing_is_written(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    for (status, code) in [(400, 21211), (401, 20003), (403, 21215), (429, 20429)] {
        let world = World::writing_on(on).await;
        world.emulator.faults().add(Fault::Dial(DialFault::Refused { status, code }), Times::Once);
        let answer = world.call(QUESTION).await;
        world.refused(&answer, 502, "provider_error");
        assert!(answer.error().contains(&code.to_string()), "{answer:?}");
        world.settled().await;
        assert_eq!(world.emulator.chat().shown(), [], "{code}");
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn what_the_person_wrote_before_comes_with_the_call_that_is_placed_and_not_with_one_that_was_refused(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = World::writing_on(on).await;
    world.emulator.chat().write("Take the blue one.").await;
    world.emulator.faults().add(Fault::Dial(DialFault::Refused { status: 403, code: 21215 }), Times::Once);
    let refused = world.call(QUESTION).await;
    world.refused(&refused, 502, "provider_error");
    world.person(Script::unanswered(PickUp::Busy));
    let (answer, _) = tokio::join!(world.call(QUESTION), world.replies(QUESTION, REPLY));
    assert_eq!(answer.at("/earlier/0/text"), "Take the blue one.", "{answer:?}");
    assert_eq!(answer.at("/earlier/1"), Value::Null, "{answer:?}");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_reply_is_awaited_as_long_as_the_person_takes_and_none_is_lost_to_the_pace(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    // One that comes before the text is even on the phone, one while it is being read, one at the last moment.
    for pause in [Duration::ZERO, Duration::from_millis(900), secs(3), secs(170)] {
        let world = World::writing_on(on).await;
        world.person(Script::unanswered(PickUp::Busy));
        let person = async {
            world.event(|what| matches!(what, What::TextSent { .. })).await;
            tokio::time::sleep(pause).await;
            world.emulator.chat().write(REPLY).await
        };
        let (answer, _) = tokio::join!(world.call(QUESTION), person);
        world.wrote(&answer, REPLY);
        assert_eq!(answer.at("/earlier"), Value::Array(vec![]));
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_second_unanswered_call_goes_on_in_the_conversation_that_is_there(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    let first = world.in_writing().await;
    assert_eq!(world.say("end", &first, "Thank you.").await.status, 200);
    let (answer, _) =
        tokio::join!(world.call("And shall I tell the others?"), world.replies("tell the others", "No, wait."));
    world.wrote(&answer, "No, wait.");
    assert_ne!(answer.call_id(), first);
    assert_eq!(answer.at("/conversationSid"), world.conversation_of(&answer));
    let conversations = world.emulator.conversations();
    // Telnyx has none.
    let made = usize::from(on == Twilio);
    assert_eq!((conversations.len(), world.used("create conversation")), (made, made), "{conversations:?}");
    assert!(conversations.iter().all(|conversation| conversation.participants == 1), "{conversations:?}");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn the_privacy_notice_is_sent_once_to_the_person(#[values(Twilio, Telnyx)] on: Telephony) {
    const NOTICE: &str = "An AI agent writes here. Details: https://callme.example/privacy";
    let world = World::writing_on_with(on, &[("CALLME_PRIVACY_NOTICE", NOTICE)]).await;
    let id = world.in_writing().await;
    let (next, _) = tokio::join!(world.say("continue", &id, "And the docs?"), world.replies("And the docs?", "Yes."));
    world.wrote(&next, "Yes.");
    let (other, _) = tokio::join!(world.message("Another thing?"), world.replies("Another thing?", "No."));
    world.wrote(&other, "No.");
    let words = world.words();
    assert_eq!(words.iter().filter(|words| *words == NOTICE).count(), 1, "{words:?}");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_call_without_a_voice_or_ears_goes_on_in_writing(#[values(Twilio, Telnyx)] on: Telephony) {
    let deaf = Fault::HearingRefused { status: 401 };
    let mute = Fault::SpeechRefused { status: 401, code: "invalid_api_key" };
    for fault in [deaf, mute] {
        let world = World::writing_on(on).await;
        world.person(Script::answers());
        world.emulator.faults().add(fault.clone(), Times::Always);
        let (answer, _) = tokio::join!(world.call(QUESTION), world.replies(QUESTION, REPLY));
        world.wrote(&answer, REPLY);
        assert_eq!(world.used("hang up"), 1, "{fault:?}\n{}", world.emulator.timeline());
        world.settled().await;
    }
    // In the middle of a conversation, too.
    for verb in ["continue", "speak"] {
        let world = World::writing_on(on).await;
        world.person(Script::converses([REPLY]));
        let id = world.call(QUESTION).await.call_id();
        let mute = Fault::SpeechRefused { status: 401, code: "invalid_api_key" };
        world.emulator.faults().add(mute, Times::Always);
        let (answer, _) = tokio::join!(world.say(verb, &id, "And the docs?"), world.replies("And the docs?", "Yes."));
        let timeline = world.emulator.timeline();
        assert_eq!(answer.status, 200, "{verb}: {answer:?}\n{timeline}");
        assert_eq!(world.words(), ["Our call broke off.\n\nAnd the docs?"], "{verb}\n{timeline}");
        if verb == "continue" {
            world.wrote(&answer, "Yes.");
        }
        world.settled().await;
    }
}

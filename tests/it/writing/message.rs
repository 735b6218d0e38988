//! Messages without a call: `POST /api/message`.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::TextForm;
use rstest::rstest;
use serde_json::json;

use super::{QUESTION, REPLY, secs};
use crate::world::TEMPLATE;
use crate::world::{KEY, World};

/// A world that has the template.
pub(super) async fn with_template(on: Telephony) -> World {
    World::writing_on_with(on, &[("CALLME_WHATSAPP_TEMPLATE_SID", TEMPLATE)]).await
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_message_is_written_without_ringing_and_the_reply_comes_in_the_same_request(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = World::writing_on(on).await;
    let (answer, _) = tokio::join!(world.message(QUESTION), world.replies(QUESTION, REPLY));
    world.wrote(&answer, REPLY);
    let id = answer.call_id();
    assert!(id.starts_with("msg-"), "{id}");
    let expiry = answer.at("/whatsappSessionExpiry");
    let want = json!({
        "messageId": id, "callId": id, "response": REPLY, "interrupted": false, "contactMode": "whatsapp",
        "conversationSid": world.conversation_of(&answer),
        "whatsappSessionExpiry": expiry,
        "whatsappSessionWindow": { "expiresAt": expiry, "minutesRemaining": 1439, "status": "active" },
        "earlier": [],
        "outcome": { "dial": "not-dialed", "answeredBy": "nobody", "messageHeard": null, "replyChannel": "whatsapp", "endedBy": null },
    });
    assert_eq!(answer.body, want);
    assert_eq!(world.words(), [QUESTION], "no word of a call");
    assert_eq!(world.emulator.calls().len(), 0);

    // The id stands wherever one does.
    let (next, _) = tokio::join!(world.say("continue", &id, "And the docs?"), world.replies("And the docs?", "Yes."));
    world.wrote(&next, "Yes.");
    assert_eq!(world.look(&id).await.at("/state"), "messaging");
    assert_eq!(world.say("speak", &id, "Thank you.").await.status, 200);
    assert_eq!(world.say("end", &id, "Goodbye.").await.status, 200);
    world.settled().await;
    assert_eq!(world.get("/api/history").await.at("/conversations/0/id"), json!(id));
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_first_contact_uses_the_template_also_where_the_window_is_open(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = with_template(on).await;
    world.emulator.chat().opens_window();
    let post = world.post("/api/message", json!({ "message": QUESTION, "firstContact": true }));
    let (answer, text) = tokio::join!(post, world.replies(QUESTION, REPLY));
    world.wrote(&answer, REPLY);
    let sent = &world.texts()[0];
    assert_eq!((sent.form, sent.words.as_str()), (TextForm::Template, "Your agent asks: Shall I deploy?"), "{text:?}");
    // Only the first one: the reply has opened the window.
    let id = answer.call_id();
    assert_eq!(world.say("speak", &id, "Thank you.").await.status, 200);
    assert_eq!(world.texts()[1].form, TextForm::Free);
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_first_contact_without_a_template_is_refused_before_anything_is_sent(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = World::writing_on(on).await;
    let answer = world.post("/api/message", json!({ "message": QUESTION, "firstContact": true })).await;
    world.refused(&answer, 422, "template_required");
    assert!(answer.error().contains("CALLME_WHATSAPP_TEMPLATE_SID"), "{answer:?}");
    assert_eq!((world.emulator.chat().shown(), world.sessions.running()), (vec![], 0));
    let bad = world.post("/api/message", json!({ "message": QUESTION, "firstContact": "yes" })).await;
    world.refused(&bad, 400, "invalid_request");
    assert_eq!(world.emulator.chat().shown(), []);
}

#[tokio::test(start_paused = true)]
async fn a_message_where_messaging_is_off_is_refused_with_the_setting_that_is_missing() {
    let world = World::new().await;
    let answer = world.message(QUESTION).await;
    world.refused(&answer, 422, "not_configured");
    assert!(answer.error().contains("CALLME_WHATSAPP_ENABLED") && answer.error().contains("initiate_call"));
    assert_eq!(world.sessions.running(), 0);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_template_keeps_what_fits_and_the_rest_follows_when_the_window_opens(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = with_template(on).await;
    world.emulator.chat().closes_window();
    let sentence = |n: usize| format!("Line {n:02} of the report tells what I found in it.\n");
    let question = (0..30).map(sentence).collect::<String>() + "Shall I go on?";
    let post = world.post("/api/message", json!({ "message": question, "firstContact": true }));
    let person = async {
        world.emulator.chat().receives("Line 00").await.expect("the template arrives");
        tokio::time::sleep(secs(10)).await;
        assert_eq!(world.texts().len(), 1, "the rest waits for the window");
        world.emulator.chat().write("Yes.").await;
        world.emulator.chat().receives("Shall I go on?").await.expect("the rest follows");
    };
    let (answer, ()) = tokio::join!(post, person);
    world.wrote(&answer, "Yes.");
    let texts = world.texts();
    assert_eq!((texts.len(), texts[0].form, texts[1].form), (2, TextForm::Template, TextForm::Free), "{texts:?}");
    assert!(texts[0].words.chars().count() <= 900 + "Your agent asks: ".len());
    assert!(!texts[0].words.contains('\n') && texts[1].words.contains('\n'), "{texts:?}");
    let whole = format!("{} {}", texts[0].words, texts[1].words.replace('\n', " "));
    assert_eq!(whole, format!("Your agent asks: {}", question.replace('\n', " ")), "nothing is lost");
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn an_agent_that_writes_without_end_is_told_when_it_may_go_on(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on_with(on, &[("CALLME_MAX_MESSAGES_PER_HOUR", "2")]).await;
    for question in ["One?", "Two?"] {
        let (answer, _) = tokio::join!(world.message(question), world.replies(question, REPLY));
        world.wrote(&answer, REPLY);
        world.say("end", &answer.call_id(), "Goodbye.").await;
    }
    let request = world.client().post(format!("{}/api/message", world.url)).bearer_auth(KEY);
    let response = request.json(&json!({ "message": "Three?" })).send().await.expect("the server answers");
    let wait = response.headers().get("retry-after").and_then(|wait| wait.to_str().ok()?.parse::<u64>().ok());
    assert_eq!(response.status(), 429);
    let wait = wait.expect("it says when to come back");
    assert!((1..=1800).contains(&wait), "{wait}");
    assert_eq!(world.sessions.running(), 0, "nothing was begun");
    tokio::time::sleep(secs(wait)).await;
    let (answer, _) = tokio::join!(world.message("Three?"), world.replies("Three?", REPLY));
    world.wrote(&answer, REPLY);
    world.settled().await;
}

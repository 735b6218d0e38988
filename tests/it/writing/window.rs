//! The window: WhatsApp's 24 hours for texts that are no template.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{
    EmulatorConfig, Failing, Fault, PickUp, ReceiptWebhooks, Script, TextForm, TextRules, Times, WindowRule,
};
use rstest::rstest;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::message::with_template;
use super::undelivered::failing;
use super::{QUESTION, REPLY, secs};
use crate::world::{Answer, TEMPLATE, World};

const DAY: u64 = 24 * 3600;

/// A world whose sessions stay for a day.
async fn patient(telephony: Telephony, settings: &[(&str, &str)]) -> World {
    let text_rules = TextRules { window: WindowRule::Strict, ..TextRules::default() };
    let config = EmulatorConfig { telephony, text_rules, ..EmulatorConfig::default() };
    World::writing_with(config, &[&[("CALLME_INACTIVITY_TIMEOUT_MINUTES", "1440")], settings].concat()).await
}

/// Asks by message, gets no answer in time, and the person writes a little later; the session's id.
async fn answered_late(world: &World) -> String {
    world.emulator.chat().opens_window();
    let answer = world.message(QUESTION).await;
    world.refused(&answer, 408, "no_reply");
    world.emulator.chat().write(REPLY).await;
    answer.call_id()
}

/// So much time passes, in the middle of which the agent says that it is still there.
async fn a_day_but(world: &World, id: &str, left: u64) {
    sleep(secs(DAY / 2)).await;
    assert_eq!(world.say("speak", id, "Still here.").await.status, 200);
    sleep(secs(DAY / 2 - left)).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn an_answer_tells_how_long_the_window_is_open_and_when_it_soon_closes(#[values(Twilio, Telnyx)] on: Telephony) {
    for (left, minutes, status) in [
        (61 * 60, 61, "active"),
        (60 * 60, 60, "active"),
        (60 * 60 - 1, 59, "expiring_soon"),
        (59 * 60, 59, "expiring_soon"),
        (1, 0, "expiring_soon"),
        (0, 0, "expired"),
    ] {
        let world = patient(on, &[]).await;
        let began = Instant::now();
        let id = answered_late(&world).await;
        let wrote = (world.start + began.elapsed()).0;
        a_day_but(&world, &id, left).await;
        let answer = world.wait(&id).await;
        world.wrote(&answer, REPLY);
        let expiry = wrote + DAY * 1000;
        assert_eq!(answer.at("/whatsappSessionExpiry"), json!(expiry), "{left}");
        let window = json!({ "expiresAt": expiry, "minutesRemaining": minutes, "status": status });
        assert_eq!(answer.at("/whatsappSessionWindow"), window, "{left} s are left");
        world.say("end", &id, "Goodbye.").await;
        world.settled().await;
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_wait_goes_on_when_the_window_closes_and_the_reply_opens_it_again(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = patient(on, &[]).await;
    let id = answered_late(&world).await;
    world.wrote(&world.wait(&id).await, REPLY);
    a_day_but(&world, &id, 100).await;
    let person = async {
        sleep(secs(150)).await;
        world.emulator.chat().write("Yes, and sorry.").await
    };
    let (answer, _) = tokio::join!(world.say("continue", &id, "Are you still there?"), person);
    world.wrote(&answer, "Yes, and sorry.");
    let window = answer.at("/whatsappSessionWindow");
    assert_eq!((&window["minutesRemaining"], &window["status"]), (&json!(1439), &json!("active")), "{answer:?}");
    assert_eq!(world.say("speak", &id, "Thank you.").await.status, 200);
    assert!(world.texts().iter().all(|text| text.form == TextForm::Free), "{}", world.emulator.timeline());
    world.say("end", &id, "Goodbye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn once_the_window_is_known_to_be_closed_only_the_template_is_sent_and_a_text_opens_it(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = patient(on, &[("CALLME_WHATSAPP_TEMPLATE_SID", TEMPLATE)]).await;
    let id = answered_late(&world).await;
    a_day_but(&world, &id, 0).await;
    let (answer, _) = tokio::join!(world.say("continue", &id, "And now?"), world.replies("And now?", "Go on."));
    world.wrote(&answer, &format!("Earlier: {REPLY}\nGo on."));
    assert_eq!(world.say("speak", &id, "Thank you.").await.status, 200);
    let forms: Vec<_> = world.texts().iter().map(|text| (text.form, text.words.clone())).collect();
    let want = [
        (TextForm::Free, QUESTION),
        (TextForm::Free, "Still here."),
        (TextForm::Template, "Your agent asks: And now?"),
        (TextForm::Free, "Thank you."),
    ];
    assert_eq!(forms, want.map(|(form, words)| (form, words.to_owned())), "{}", world.emulator.timeline());
    world.say("end", &id, "Goodbye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn without_a_template_a_closed_window_is_told_before_anything_is_sent(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = patient(on, &[]).await;
    let id = answered_late(&world).await;
    a_day_but(&world, &id, 0).await;
    let posted = world.used("send message");
    for verb in ["continue", "speak"] {
        let answer = world.say(verb, &id, "And now?").await;
        world.refused(&answer, 422, "template_required");
        for hint in ["24 hours", "CALLME_WHATSAPP_TEMPLATE_SID", "continue_call", &id] {
            assert!(answer.error().contains(hint), "{verb}: {hint}: {answer:?}");
        }
        assert!(!answer.error().contains("picked up"), "there was no call: {answer:?}");
    }
    world.person(Script::unanswered(PickUp::Busy));
    let by_phone = world.call("A call instead?").await;
    world.refused(&by_phone, 422, "template_required");
    assert!(by_phone.error().starts_with("The line was busy. "), "{by_phone:?}");
    assert_eq!(world.used("send message"), posted, "{}", world.emulator.timeline());
    // The sessions are there, and the person's own message opens the window for both.
    world.emulator.chat().write("Hello?").await;
    // What came in is read a moment after it was answered.
    sleep(secs(1)).await;
    for id in [&id, &by_phone.call_id()] {
        assert_eq!(world.look(id).await.at("/state"), "messaging");
        assert_eq!(world.say("speak", id, "Here I am.").await.status, 200);
        assert_eq!(world.say("end", id, "Goodbye.").await.status, 200);
    }
    world.settled().await;
}

/// 63016 by the answer to the sending, by a receipt, and by one that is asked for.
const WAYS: [(Failing, ReceiptWebhooks); 3] = [
    (Failing::AtOnce, ReceiptWebhooks::Always),
    (Failing::ByReceipt, ReceiptWebhooks::Always),
    (Failing::ByReceipt, ReceiptWebhooks::Never),
];

async fn ask(world: &World, by_phone: bool) -> Answer {
    if by_phone {
        world.person(Script::unanswered(PickUp::Busy));
        return world.call(QUESTION).await;
    }
    world.message(QUESTION).await
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_window_that_turns_out_to_be_closed_sends_the_question_once_as_template(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    for (at, receipts) in WAYS {
        for by_phone in [true, false] {
            let world = failing(on, at, receipts, &[("CALLME_WHATSAPP_TEMPLATE_SID", TEMPLATE)]).await;
            world.emulator.chat().closes_window();
            let (answer, _) = tokio::join!(ask(&world, by_phone), world.replies(QUESTION, REPLY));
            world.wrote(&answer, REPLY);
            let arrived: Vec<_> = world.texts().into_iter().filter(|text| text.state.has_arrived()).collect();
            let lead = if by_phone { "I tried to call you. " } else { "" };
            let words: Vec<_> = arrived.iter().map(|text| text.words.as_str()).collect();
            assert_eq!(words, [format!("Your agent asks: {lead}{QUESTION}")], "{}", world.emulator.timeline());
            assert_eq!((arrived[0].form, world.used("send message")), (TextForm::Template, 2));
            // The reply has opened it.
            let id = answer.call_id();
            assert_eq!(world.say("speak", &id, "Thank you.").await.status, 200);
            assert_eq!(world.texts().last().map(|text| text.form), Some(TextForm::Free));
            world.settled().await;
        }
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_window_that_turns_out_to_be_closed_without_a_template_ends_in_the_same_422_by_every_way(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    for by_phone in [true, false] {
        let mut bodies = Vec::new();
        for (at, receipts) in WAYS {
            let world = failing(on, at, receipts, &[]).await;
            world.emulator.chat().closes_window();
            let answer = ask(&world, by_phone).await;
            world.refused(&answer, 422, "template_required");
            assert_eq!(world.used("send message"), 1, "{}", world.emulator.timeline());
            let id = answer.call_id();
            world.emulator.chat().write("Hello?").await;
            sleep(secs(1)).await;
            let (next, _) = tokio::join!(world.say("continue", &id, "There?"), world.replies("There?", REPLY));
            world.wrote(&next, &format!("Earlier: Hello?\n{REPLY}"));
            world.settled().await;
            bodies.push(answer.body.to_string().replace(&id, "its id"));
        }
        assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_closed_window_is_remembered_until_the_person_writes(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = with_template(on).await;
    world.emulator.chat().closes_window();
    let first = world.message(QUESTION).await;
    world.refused(&first, 408, "no_reply");
    let free = |world: &World| world.texts().iter().filter(|text| text.form == TextForm::Free).count();
    assert_eq!((world.texts().len(), free(&world)), (2, 1), "{}", world.emulator.timeline());
    let (second, _) = tokio::join!(world.message("Another?"), world.replies("Another?", REPLY));
    world.wrote(&second, REPLY);
    assert_eq!((world.texts().len(), free(&world)), (3, 1), "the second one is a template at once");
    world.say("end", &second.call_id(), "Goodbye.").await;
    assert_eq!((world.texts().len(), free(&world)), (4, 2));
    world.say("end", &first.call_id(), "Goodbye.").await;
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn nothing_is_told_of_a_window_that_nothing_is_known_of(#[values(Twilio, Telnyx)] on: Telephony) {
    let world = World::writing_on(on).await;
    // A spoken reply that is collected in writing, because speech fails meanwhile: nobody has written anything.
    world.person(Script::converses(["Yes, do it."]));
    assert!(timeout(secs(1), world.call(QUESTION)).await.is_err(), "the client goes away");
    sleep(secs(9)).await;
    let id = world.newest().await;
    let broken = Fault::SpeechRefused { status: 401, code: "invalid_api_key" };
    world.emulator.faults().add(broken, Times::Always);
    let spoken = world.say("speak", &id, "I begin.").await;
    assert_eq!(spoken.status, 200, "{spoken:?}\n{}", world.emulator.timeline());
    assert_eq!(world.words(), ["Our call broke off.\n\nI begin."], "{}", world.emulator.timeline());
    let answer = world.wait(&id).await;
    assert_eq!((answer.status, answer.at("/response")), (200, json!("Yes, do it.")), "{answer:?}");
    assert_eq!((answer.at("/contactMode"), answer.at("/outcome/replyChannel")), (json!("whatsapp"), json!("voice")));
    assert_eq!(answer.at("/conversationSid"), world.conversation_of(&answer));
    for field in ["whatsappSessionExpiry", "whatsappSessionWindow"] {
        assert_eq!(answer.body.get(field), None, "{answer:?}");
    }
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_server_reads_from_the_conversation_whether_the_window_is_open() {
    let settings = [("CALLME_WHATSAPP_TEMPLATE_SID", TEMPLATE)];
    for (hours, want) in [(23, TextForm::Free), (25, TextForm::Template)] {
        let text_rules = TextRules { window: WindowRule::Strict, ..TextRules::default() };
        let config = EmulatorConfig { text_rules, ..EmulatorConfig::default() };
        let world = World::writing_with(config, &settings).await;
        world.emulator.chat().opens_window();
        let (answer, _) = tokio::join!(world.message(QUESTION), world.replies(QUESTION, REPLY));
        world.wrote(&answer, REPLY);
        world.settled().await;
        let emulator = world.shut_down().await;
        sleep(secs(hours * 3600)).await;
        let world = World::after(emulator, &settings).await;
        let posted = world.used("send message");
        let (answer, _) = tokio::join!(world.message("And now?"), world.replies("And now?", "Go on."));
        world.wrote(&answer, "Go on.");
        let last = world.texts().pop().expect("it was sent");
        assert_eq!((last.form, world.used("send message")), (want, posted + 1), "{}", world.emulator.timeline());
        assert_eq!(world.emulator.conversations().len(), 1, "the same conversation goes on");
        world.settled().await;
    }
}

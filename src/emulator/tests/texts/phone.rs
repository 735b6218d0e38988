//! The person's WhatsApp: what they write, and what it shows.

use serde_json::json;

use super::super::super::*;
use super::desk::{Desk, PERSON, PUBLIC, since, text};
use crate::emulator::form::field;

/// What a text's only webhook was answered with.
fn answered(written: &Written) -> Option<u16> {
    assert_eq!(written.answers.len(), 1, "{written:?}");
    written.answers[0]
}

#[tokio::test(start_paused = true)]
async fn what_the_person_writes_comes_by_a_signed_webhook_with_twilios_fields() {
    let desk = Desk::start().await;
    let path = desk.conversation().await;
    desk.send(&path, "Shall I?").await;
    let written = desk.emulator.chat().write("Ok, grazie & ciao").await;
    assert_eq!(answered(&written), Some(200));
    let hooks = desk.hooks(TextWebhook::Added);
    let [form] = hooks.as_slice() else { panic!("{hooks:?}") };
    let participant = desk.get(&format!("{path}/Participants")).await["participants"][0]["sid"].clone();
    let config = EmulatorConfig::default();
    let service = config.account_sid.replace("AC", "IS");
    let want = [
        ("AccountSid", config.account_sid.as_str()),
        ("Attributes", "{}"),
        ("Author", "whatsapp:+393331234567"),
        ("Body", "Ok, grazie & ciao"),
        ("ChatServiceSid", &service),
        ("ConversationSid", path.rsplit('/').next().unwrap()),
        ("EventType", "onMessageAdded"),
        ("Index", "1"),
        ("MessageSid", &written.shown.sid),
        ("ParticipantSid", text(&participant)),
        ("RetryCount", "0"),
        ("Source", "WHATSAPP"),
    ];
    let mut got: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    got.retain(|(name, _)| *name != "DateCreated");
    got.sort_unstable();
    assert_eq!(got, want);
    let date = field(form, "DateCreated").unwrap();
    assert!(date.len() == 24 && date.ends_with('Z') && date.parse::<jiff::Timestamp>().is_ok(), "{date}");
    let head = desk.head();
    assert_eq!(head["content-type"], "application/x-www-form-urlencoded; charset=utf-8");
    let token = head["i-twilio-idempotency-token"].to_str().unwrap();
    assert_eq!(token.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{token}");
    assert!(desk.emulator.timeline().first(|what| matches!(what, What::PersonWrites { text: 2, .. })).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_webhook_comes_once_whatever_becomes_of_it_and_the_list_has_what_was_missed() {
    for (status, takes, want) in [(500, 0, Some(500)), (503, 0, Some(503)), (200, 4, Some(200)), (200, 6, None)] {
        let desk = Desk::start().await;
        let path = desk.conversation().await;
        {
            let mut kept = desk.kept.lock().unwrap();
            (kept.status, kept.takes) = (Some(status), Duration::from_secs(takes));
        }
        let began = desk.emulator.phone().now();
        let written = desk.emulator.chat().write("Yes").await;
        assert_eq!(answered(&written), want);
        assert_eq!(since(began, desk.emulator.phone().now()), takes.min(5));
        tokio::time::sleep(Duration::from_mins(10)).await;
        assert_eq!(desk.each(TextWebhook::Added, "Body"), ["Yes"]);
        let list = desk.get(&format!("{path}/Messages")).await;
        assert_eq!(text(&list["messages"][0]["body"]), "Yes");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_conversation_the_numbers_own_webhook_is_told() {
    let desk = Desk::start().await;
    let written = desk.emulator.chat().write("Call me").await;
    assert!(written.shown.sid.starts_with("SM"), "{written:?}");
    let hooks = desk.hooks(TextWebhook::Plain);
    let [form] = hooks.as_slice() else { panic!("{hooks:?}") };
    for (name, value) in [
        ("MessageSid", written.shown.sid.as_str()),
        ("SmsMessageSid", &written.shown.sid),
        ("From", "whatsapp:+393331234567"),
        ("To", "whatsapp:+14155238886"),
        ("WaId", "393331234567"),
        ("Body", "Call me"),
        ("NumMedia", "0"),
        ("SmsStatus", "received"),
        ("MessageType", "text"),
    ] {
        assert_eq!(field(form, name), Some(value), "{name}");
    }
    assert!(desk.emulator.conversations().is_empty());
    let stranger = desk.emulator.chat_of("+15557654321").write("Hello").await;
    assert_eq!((answered(&stranger), desk.each(TextWebhook::Plain, "WaId")[1].as_str()), (Some(200), "15557654321"));
    assert_eq!(desk.emulator.chat().shown(), [written.shown]);
}

#[tokio::test(start_paused = true)]
async fn one_text_can_come_twice_and_by_both_webhooks_without_a_shared_id() {
    let desk = Desk::start().await;
    desk.conversation().await;
    desk.emulator.chat().write_twice("Once").await;
    let sids = desk.each(TextWebhook::Added, "MessageSid");
    assert!(sids.len() == 2 && sids[0] == sids[1], "{sids:?}");
    desk.emulator.change_text_rules(|rules| rules.plain_too = true);
    let written = desk.emulator.chat().write("Both").await;
    assert_eq!(written.answers, [Some(200), Some(200)]);
    assert_eq!(desk.each(TextWebhook::Plain, "Body"), ["Both"]);
    assert!(desk.each(TextWebhook::Plain, "MessageSid")[0].starts_with("SM"));
    assert!(desk.each(TextWebhook::Added, "MessageSid")[2].starts_with("IM"));
}

#[tokio::test(start_paused = true)]
async fn quotes_taps_and_pictures_are_told_apart() {
    let desk = Desk::start().await;
    let path = desk.conversation().await;
    desk.emulator.change_text_rules(|rules| rules.plain_too = true);
    desk.send(&path, "Shall I?").await;
    let chat = desk.emulator.chat();
    let question = chat.receives("Shall").await.unwrap();
    chat.reply_to(&question, "Yes").await;
    let own = chat.tap(&question, "Later").await.shown;
    chat.reply_to(&own, "I mean it").await;
    chat.send_picture("").await;
    chat.send_picture("Look").await;
    for event in [TextWebhook::Added, TextWebhook::Plain] {
        let (first, second) = (question.channel_sid.as_str(), own.channel_sid.as_str());
        assert_eq!(desk.each(event, "OriginalRepliedMessageSid"), [first, first, second, "-", "-"]);
        let senders = desk.each(event, "OriginalRepliedMessageSender");
        assert_eq!(senders[1..3], ["whatsapp:+14155238886", "whatsapp:+393331234567"]);
        assert_eq!(desk.each(event, "Body"), ["Yes", "Later", "I mean it", "-", "Look"]);
    }
    assert_eq!(desk.each(TextWebhook::Plain, "ButtonText"), ["-", "Later", "-", "-", "-"]);
    assert_eq!(desk.each(TextWebhook::Plain, "NumMedia"), ["0", "0", "0", "1", "1"]);
    let media: serde_json::Value = serde_json::from_str(&desk.each(TextWebhook::Added, "Media")[3]).unwrap();
    assert_eq!(media[0]["ContentType"], json!("image/jpeg"));
    let forms: Vec<_> = chat.shown().iter().map(|shown| (shown.from, shown.form)).collect();
    let mine = |form| (Side::Person, form);
    let (free, picture) = (mine(TextForm::Free), mine(TextForm::Picture));
    let want = [(Side::Server, TextForm::Free), free, mine(TextForm::Button), free, picture, picture];
    assert_eq!(forms, want);
}

#[tokio::test(start_paused = true)]
async fn others_can_be_made_to_write_in_the_persons_place() {
    let desk = Desk::start().await;
    let path = desk.conversation().await;
    let chat = desk.emulator.chat();
    chat.write_as(Guise::Author("whatsapp:+15557654321".to_owned()), "Pay me").await;
    let other = format!("AC{}", "f".repeat(32));
    chat.write_as(Guise::Account(other.clone()), "Pay me").await;
    let ours = EmulatorConfig::default().account_sid;
    assert_eq!(desk.each(TextWebhook::Added, "Author"), ["whatsapp:+15557654321", "whatsapp:+393331234567"]);
    assert_eq!(desk.each(TextWebhook::Added, "AccountSid"), [ours, other]);
    assert_eq!(desk.emulator.timeline().count(|what| matches!(what, What::StrangerWrites { .. })), 2);
    assert_eq!(chat.shown(), [], "none of it is the person's");
    desk.emulator.change_text_rules(|rules| rules.window = WindowRule::Strict);
    desk.send(&path, "Who is it?").await;
    desk.wait(|what| matches!(what, What::TextFailed { code: 63016, .. })).await;
}

#[tokio::test(start_paused = true)]
async fn the_sandbox_passes_nothing_on_until_it_is_joined() {
    let desk = Desk::start().await;
    let path = desk.conversation().await;
    let chat = desk.emulator.chat();
    chat.leaves();
    assert_eq!(chat.write("Hello?").await.answers, []);
    assert_eq!(chat.write(" Join quiet-otter").await.answers, [], "that is between the person and Twilio");
    assert_eq!(answered(&chat.write("Hello!").await), Some(200));
    assert_eq!(chat.write("join quiet-otter").await.answers, [], "a second time");
    assert_eq!(desk.each(TextWebhook::Added, "Body"), ["Hello!"]);
    desk.send(&path, "Good.").await;
    chat.receives("Good.").await.unwrap();
    let states: Vec<_> = chat.shown().iter().map(|shown| shown.state.has_arrived()).collect();
    assert_eq!(states, [false, true, true, true, true]);
}

#[tokio::test(start_paused = true)]
async fn the_window_closes_a_day_after_the_persons_last_text() {
    let day = Duration::from_hours(24);
    for (window, before_any) in [(WindowRule::Lenient, true), (WindowRule::Strict, false)] {
        let desk = Desk::ruled(TextRules { window, ..TextRules::default() }).await;
        let path = desk.conversation().await;
        let arrives = async |words: &str| {
            desk.send(&path, words).await;
            tokio::time::sleep(Duration::from_secs(10)).await;
            desk.emulator.chat().shown().last().unwrap().state.has_arrived()
        };
        assert_eq!(arrives("before any").await, before_any, "{window:?}");
        tokio::time::sleep(day).await;
        assert_eq!(arrives("still before any").await, before_any, "{window:?}");
        desk.emulator.chat().write("Yes").await;
        tokio::time::sleep(day.saturating_sub(Duration::from_secs(1))).await;
        assert!(arrives("just in time").await, "{window:?}");
        assert!(!arrives("too late").await, "{window:?}: our own texts open nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_is_read_when_the_person_looks_at_it_and_once() {
    let desk = Desk::start().await;
    desk.emulator.change_text_rules(|rules| rules.read_after = None);
    let (path, chat) = (desk.conversation().await, desk.emulator.chat());
    desk.send(&path, "Shall I?").await;
    chat.reads();
    desk.wait(|what| matches!(what, What::TextArrived { text: 1, .. })).await;
    desk.emulator.chat_of("+15557654321").reads();
    tokio::time::sleep(Duration::from_mins(1)).await;
    let read = |what: &What| matches!(what, What::TextRead { .. });
    assert_eq!(
        desk.emulator.timeline().count(read),
        0,
        "looking before it came, and somebody else's look, read nothing"
    );
    for _ in 0..2 {
        chat.reads();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!((desk.emulator.timeline().count(read), chat.shown()[0].state), (1, TextState::Read));
    assert_eq!(desk.each(TextWebhook::Delivery, "Status"), ["sent", "delivered", "read"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_without_waiting_comes_in_order_and_its_webhooks_say_whose_they_are() {
    let desk = Desk::start().await;
    let sent = ["One", "Two"].map(|words| desk.emulator.chat().sends(words).number);
    assert_eq!(sent, [1, 2]);
    for text in sent.map(Some) {
        let answered =
            |what: &What| matches!(what, What::TextWebhook { text: which, status: Some(200), .. } if *which == text);
        desk.wait(answered).await;
    }
    let words: Vec<String> = desk.emulator.chat().shown().into_iter().map(|shown| shown.words).collect();
    assert_eq!(words, ["One", "Two"]);
}

#[tokio::test(start_paused = true)]
async fn a_person_with_a_script_answers_each_stretch_of_texts_and_then_no_more() {
    let desk = Desk::start().await;
    let path = desk.conversation().await;
    desk.emulator.person().types(["Yes", "No"]);
    let (_, other) = desk.post("Conversations", &[]).await;
    let other = format!("Conversations/{}", text(&other["sid"]));
    let stranger = [("MessagingBinding.Address", "whatsapp:+15557654321"), PERSON[1]];
    assert_eq!(desk.post(&format!("{other}/Participants"), &stranger).await.0, 201);
    desk.send(&other, "Not for the person.").await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    desk.send(&path, "One moment.").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    desk.send(&path, "Shall I?").await;
    let asked = desk.wait(|what| matches!(what, What::TextArrived { text: 3, .. })).await;
    let replied = desk.wait(|what| matches!(what, What::PersonWrites { words, .. } if words == "Yes")).await;
    assert_eq!(since(asked, replied), 3);
    for question in ["Really?", "Sure?"] {
        desk.send(&path, question).await;
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    assert_eq!(desk.each(TextWebhook::Added, "Body"), ["Yes", "No"]);
}

#[tokio::test(start_paused = true)]
async fn webhooks_find_the_server_by_the_setting_the_route_or_the_latest_dial() {
    let config = EmulatorConfig { messaging_webhook: Some(format!("{PUBLIC}/whatsapp?a=b")), ..Default::default() };
    let desk = Desk::with(config).await;
    assert_eq!(answered(&desk.emulator.chat().write("By the setting").await), Some(200));

    let server = super::super::Server::start(Script::unanswered(PickUp::Busy)).await;
    let unrouted = Emulator::start(EmulatorConfig::default()).await.unwrap();
    assert_eq!(answered(&unrouted.chat().write("To nobody").await), None);
    let EmulatorConfig { account_sid, auth_token, .. } = EmulatorConfig::default();
    let url = format!("{}/2010-04-01/Accounts/{account_sid}/Calls.json", unrouted.url());
    let dial = server.http.post(url).basic_auth(account_sid, Some(auth_token)).form(&server.dial_form());
    assert_eq!(dial.send().await.unwrap().status(), 201);
    assert_eq!(answered(&unrouted.chat().write("By the dial").await), Some(404), "that server has no such route");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_moves_is_found_again_by_its_public_url() {
    let (desk, moved) = (Desk::start().await, Desk::start().await);
    let real = |desk: &Desk| desk.emulator.world.resolve(PUBLIC);
    desk.emulator.route(PUBLIC, &real(&moved));
    assert_eq!(answered(&desk.emulator.chat().write("Hello").await), Some(200));
    assert_eq!((desk.hooks(TextWebhook::Plain).len(), moved.hooks(TextWebhook::Plain).len()), (0, 1));
}

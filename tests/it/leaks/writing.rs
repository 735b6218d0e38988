//! The same for what is written: while a conversation goes on over WhatsApp, and while that fails in every way.

use std::time::Duration;

use callme::config::LogFormat;
use callme::emulator::{
    EmulatorConfig, Failing, Fault, Guise, PickUp, ReceiptWebhooks, RestFault, RestVerb, Script, TextWebhook, Times,
};
use reqwest::{Method, header};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::ink::Ink;
use super::scanner::Scanner;
use super::stranger::FORGED;
use super::{GOODBYE, MORE, QUESTION, REPLY, Reader, SPOKEN, scanners};
use crate::webhook::{account, signature};
use crate::world::{KEY, PERSON, World};

/// What the person writes unasked; a number stands in it, as people will.
const ASIDE: &str = "Remember the dandelion procedure, or ask +15557654322.";
/// The privacy notice.
const NOTICE: &str = "Everything here is handled confidentially.";
/// Somebody else.
const STRANGER: &str = "+393337654321";

impl Reader<'_> {
    async fn ask(&mut self, path: &str) -> (u16, Value) {
        self.post(path, QUESTION).await
    }

    async fn get(&mut self, path: &str) {
        let request = self.request(Method::GET, path).bearer_auth(KEY);
        assert_eq!(self.send(request).await.0, 200, "{path}");
    }
}

/// A whole conversation: missed, written, continued, called for, stopped and begun again.
async fn good_conversations(reader: &mut Reader<'_>) {
    let world = reader.world;
    let person = world.emulator.person();
    person.types([REPLY, ASIDE, MORE]);
    for script in [Script::unanswered(PickUp::Never), Script::unanswered(PickUp::Busy), Script::voicemail()] {
        world.person(script);
        person.types([REPLY, MORE]);
        let (status, body) = reader.ask("/api/call").await;
        assert_eq!((status, &body["contactMode"]), (200, &json!("whatsapp")), "{body}\n{}", world.emulator.timeline());
        let id = body["callId"].as_str().expect("an id").to_owned();
        world.emulator.chat().write(ASIDE).await;
        sleep(Duration::from_secs(1)).await;
        reader.get(&format!("/api/call/{id}")).await;
        for verb in ["continue", "speak", "wait", "end", "end", "wait", "continue"] {
            reader.post(&format!("/api/call/{id}/{verb}"), if verb == "end" { GOODBYE } else { SPOKEN }).await;
        }
        world.sessions_end().await;
    }
    world.person(Script::unanswered(PickUp::Busy));
    person.then(Script::converses([REPLY]));
    for words in ["Call me at nine", "help", ASIDE, "stop", "start", "end"] {
        person.types([words]);
        reader.ask("/api/call").await;
        world.sessions_end().await;
        sleep(Duration::from_secs(3700)).await;
        world.emulator.chat().write("start").await;
        world.emulator.chat().write(ASIDE).await;
        sleep(Duration::from_secs(10)).await;
    }
    for path in ["/api/history?limit=50", "/health", "/api/health", "/metrics", "/api/openapi.json"] {
        reader.get(path).await;
    }
}

/// Two sessions want the person at once: one has the floor, the other waits for it, and both are answered.
async fn two_at_once(reader: &mut Reader<'_>) {
    let world = reader.world;
    world.emulator.person().types([REPLY, MORE]);
    let (first, second) = tokio::join!(world.message(QUESTION), world.message(SPOKEN));
    for answer in [&first, &second] {
        assert_eq!(answer.status, 200, "{answer:?}");
        reader.get(&format!("/api/call/{}", answer.call_id())).await;
        reader.post(&format!("/api/call/{}/end", answer.call_id()), GOODBYE).await;
    }
    world.sessions_end().await;
}

/// A carrier that refuses, and quotes in its sentences all that it was sent; that loses, and that repeats itself.
async fn bad_carrier(reader: &mut Reader<'_>) {
    let world = reader.world;
    let faults = world.emulator.faults();
    let refused = |status, code| RestFault::Refused { status, code, retry_after: None };
    let kinds = [
        refused(400, 63015),
        refused(400, 63016),
        refused(400, 63024),
        refused(400, 99999),
        refused(401, 20003),
        refused(404, 20404),
        refused(409, 50416),
        refused(429, 20429),
        refused(503, 20503),
        RestFault::Broken { status: 502, done: true },
        RestFault::Hangs { done: true },
        RestFault::Closed { done: false },
    ];
    let verbs = [
        RestVerb::FindConversations,
        RestVerb::CreateConversation,
        RestVerb::AddParticipant,
        RestVerb::SendMessage,
        RestVerb::ListMessages,
        RestVerb::ReadReceipts,
    ];
    world.emulator.change_text_rules(|rules| rules.receipts = ReceiptWebhooks::Never);
    for (n, kind) in kinds.into_iter().enumerate() {
        for verb in verbs {
            faults.add(Fault::Text { verb, fault: kind }, Times::Count(4));
        }
        // Each by phone, and by message.
        world.person(Script::unanswered(PickUp::Busy));
        reader.ask(if n % 2 == 0 { "/api/call" } else { "/api/message" }).await;
        faults.clear();
        reader.ask("/api/message").await;
        let newest = world.get("/api/history?limit=1").await.at("/conversations/0/id");
        let path = format!("/api/call/{}/end", newest.as_str().expect("an id"));
        reader.post(&path, GOODBYE).await;
        world.emulator.chat().write("end").await;
        sleep(Duration::from_secs(60)).await;
    }
    for failing in [Failing::AtOnce, Failing::ByReceipt] {
        for change in [0, 1, 2, 3] {
            let chat = world.emulator.chat();
            match change {
                0 => chat.leaves(),
                1 => chat.closes_window(),
                2 => chat.blocks(true),
                _ => chat.opts_out(true),
            }
            world.emulator.change_text_rules(|rules| rules.failing = failing);
            let (_, body) = reader.ask("/api/message").await;
            chat.joins();
            chat.blocks(false);
            chat.opts_out(false);
            if let Some(id) = body["callId"].as_str() {
                reader.post(&format!("/api/call/{id}/end"), GOODBYE).await;
            }
        }
    }
}

/// People who are not the person, and webhooks that are not the carrier's, or not as it writes them.
async fn strangers(reader: &mut Reader<'_>) {
    let world = reader.world;
    let (chat, stranger) = (world.emulator.chat(), world.emulator.chat_of(STRANGER));
    world.emulator.change_text_rules(|rules| rules.echoes = true);
    world.emulator.faults().add(Fault::TextWebhookTripled(TextWebhook::Added), Times::Always);
    for words in [ASIDE, "call me", "stop", PERSON, "\u{1b}]0;\u{202e}"] {
        stranger.write(words).await;
        chat.write_as(Guise::Author(format!("whatsapp:{STRANGER}")), words).await;
        chat.write_as(Guise::Account("AC00000000000000000000000000000000".to_owned()), words).await;
    }
    let account = account();
    let author = format!("whatsapp:{PERSON}");
    for form in [
        vec![("From", author.as_str())],
        vec![("AccountSid", account.as_str()), ("From", PERSON), ("Body", ASIDE)],
        vec![("AccountSid", &account), ("From", &author), ("Body", ASIDE), ("MessageSid", PERSON)],
        vec![("AccountSid", &account), ("ConversationSid", PERSON), ("Author", &author), ("Body", ASIDE)],
        vec![("AccountSid", &account), ("EventType", PERSON), ("Body", ASIDE)],
        vec![("AccountSid", &account), ("EventType", "onDeliveryUpdated"), ("MessageSid", PERSON), ("Status", PERSON)],
        vec![("AccountSid", &account), ("EventType", "onMessageAdded"), ("Author", PERSON), ("Media", PERSON)],
    ] {
        for (signed, status) in [(signature("/whatsapp", &form), 200), (FORGED.to_owned(), 401)] {
            let request = reader.request(Method::POST, "/whatsapp").form(&form).header("x-twilio-signature", signed);
            assert_eq!(reader.send(request).await.0, status, "{form:?}");
        }
    }
    let rubbish = reader.request(Method::POST, "/whatsapp").header(header::CONTENT_TYPE, PERSON).body(vec![0xff; 999]);
    assert_eq!(reader.send(rubbish.header("x-twilio-signature", FORGED)).await.0, 401);
    sleep(Duration::from_secs(60)).await;
}

async fn nothing_leaks(format: LogFormat) {
    let ink = Ink::new();
    let _guard = ink.collect(format, "trace");
    let (anywhere, in_logs): (Scanner, Scanner) = scanners();
    let in_logs = in_logs.with_words(&[ASIDE, NOTICE]);
    let template = EmulatorConfig::default().template_sid;
    let settings = [
        ("CALLME_MAX_CALLS_PER_HOUR", "1000"),
        ("CALLME_MAX_MESSAGES_PER_HOUR", "1000"),
        ("CALLME_TRANSCRIPT_TIMEOUT_MS", "30000"),
        ("CALLME_WHATSAPP_TEMPLATE_SID", &template),
        ("CALLME_PRIVACY_NOTICE", NOTICE),
    ];
    let world = World::writing_with(EmulatorConfig::default(), &settings).await;
    let mut reader = Reader { world: &world, anywhere, read: 0 };
    good_conversations(&mut reader).await;
    two_at_once(&mut reader).await;
    bad_carrier(&mut reader).await;
    strangers(&mut reader).await;
    assert!(reader.read > 60, "{}", reader.read);
    // The end of the server, in the middle of a conversation.
    assert!(timeout(Duration::from_secs(5), world.message(QUESTION)).await.is_err());
    drop(world.shut_down().await);
    let written = ink.written();
    for line in ["ended: busy", "a signed messaging webhook was not understood", "refused webhooks"] {
        assert!(written.contains(line), "no line says {line:?}");
    }
    in_logs.check("the log", &written);
}

#[tokio::test(start_paused = true)]
async fn nothing_of_what_is_written_leaks_into_a_log_of_text_or_an_answer() {
    nothing_leaks(LogFormat::Text).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_of_what_is_written_leaks_into_a_log_of_json_or_an_answer() {
    nothing_leaks(LogFormat::Json).await;
}

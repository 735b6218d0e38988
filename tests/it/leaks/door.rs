//! The same at the front door: floods, blocks, refusals, forgeries, and what is read back after them.

use std::time::Duration;

use callme::config::LogFormat;
use callme::emulator::{EmulatorConfig, Fault, PickUp, RestFault, RestVerb, Script, Times};
use reqwest::Method;
use tokio::time::sleep;

use super::ink::Ink;
use super::stranger::FORGED;
use super::{GOODBYE, MORE, QUESTION, REPLY, Reader, SPOKEN, scanners};
use crate::webhook::{account, signature};
use crate::world::{KEY, PERSON, World};

/// What the hashes are keyed with.
const HASH_KEY: &str = "a-pepper-for-the-hashes-0123456789";
/// Somebody else.
const STRANGER: &str = "+393337654321";

impl Reader<'_> {
    async fn knock(&mut self, form: &[(&str, &str)], signature: &str) -> u16 {
        let request = self.request(Method::POST, "/whatsapp").form(form).header("x-twilio-signature", signature);
        self.send(request.header("user-agent", PERSON).header("x-forwarded-for", PERSON)).await.0
    }

    async fn signed(&mut self, form: &[(&str, &str)]) -> u16 {
        self.knock(form, &signature("/whatsapp", form)).await
    }
}

/// Everybody writes more than is let in, and what the person wrote is read back: well, and after the carrier's failures.
async fn floods(reader: &mut Reader<'_>) {
    let world = reader.world;
    let (chat, faults) = (world.emulator.chat(), world.emulator.faults());
    let refused = RestFault::Refused { status: 400, code: 99999, retry_after: None };
    for fault in [None, Some(RestFault::Broken { status: 502, done: false }), Some(refused)] {
        for _ in 0..12 {
            chat.write(REPLY).await;
            world.emulator.chat_of(STRANGER).write(MORE).await;
        }
        if let Some(fault) = fault {
            faults.add(Fault::Text { verb: RestVerb::ListMessages, fault }, Times::Count(2));
        }
        sleep(Duration::from_mins(10)).await;
        faults.clear();
    }
}

/// Messages that nobody may read, by whomever, named by numbers and words.
async fn refusals(reader: &mut Reader<'_>) {
    let conversation = reader.world.emulator.conversations().last().expect("a conversation").sid.clone();
    let (account, long) = (account(), REPLY.repeat(3_000));
    for (n, author) in [PERSON, STRANGER].into_iter().enumerate() {
        for (m, body) in [long.as_str(), "\u{202e}", ""].into_iter().enumerate() {
            let (author, name) = (format!("whatsapp:{author}"), format!("IM{n:016x}{m:016x}"));
            let form = [
                ("AccountSid", account.as_str()),
                ("ConversationSid", &conversation),
                ("MessageSid", &name),
                ("Author", &author),
                ("Body", body),
            ];
            assert_eq!(reader.signed(&form).await, 200);
        }
    }
}

/// Whoever forges: once for each way, and then without end.
async fn forgeries(reader: &mut Reader<'_>) {
    let author = format!("whatsapp:{PERSON}");
    let form = [("Author", author.as_str()), ("Body", REPLY), (PERSON, KEY)];
    let mut statuses = Vec::new();
    for _ in 0..40 {
        for signature in ["", FORGED, PERSON, KEY] {
            statuses.push(reader.knock(&form, signature).await);
        }
        sleep(Duration::from_millis(300)).await;
    }
    assert!([401, 429].iter().all(|status| statuses.contains(status)), "{statuses:?}");
    sleep(Duration::from_mins(1)).await;
}

async fn nothing_leaks(format: LogFormat) {
    let ink = Ink::new();
    let _guard = ink.collect(format, "trace");
    let (mut anywhere, mut in_logs) = scanners();
    anywhere = anywhere.with_secrets(&[HASH_KEY]);
    in_logs = in_logs.with_secrets(&[HASH_KEY]);
    let settings = [("CALLME_HASH_KEY", HASH_KEY), ("CALLME_MAX_MESSAGES_PER_HOUR", "2")];
    let world = World::writing_with(EmulatorConfig::default(), &settings).await;
    let mut reader = Reader { world: &world, anywhere, read: 0 };
    world.person(Script::unanswered(PickUp::Busy));
    world.emulator.person().types([REPLY]);
    let (status, body) = reader.post("/api/call", QUESTION).await;
    assert_eq!(status, 200, "{body}");
    let id = body["callId"].as_str().expect("an id");
    for status in [200, 200, 429] {
        assert_eq!(reader.post(&format!("/api/call/{id}/speak"), &format!("{SPOKEN} {status}")).await.0, status);
    }
    floods(&mut reader).await;
    refusals(&mut reader).await;
    forgeries(&mut reader).await;
    for path in [&format!("/api/call/{id}"), "/api/history", "/metrics", "/health"] {
        let request = reader.request(Method::GET, path).bearer_auth(KEY);
        assert_eq!(reader.send(request).await.0, 200, "{path}");
    }
    reader.post(&format!("/api/call/{id}/end"), GOODBYE).await;
    drop(world.shut_down().await);
    let written = ink.written();
    for line in [
        "inbound messages were turned away",
        "were read back",
        "could not be read back",
        "a message of the person was refused",
        "refused webhooks",
    ] {
        assert!(written.contains(line), "no line says {line:?}");
    }
    in_logs.check("the log", &written);
}

#[tokio::test(start_paused = true)]
async fn nothing_leaks_at_the_front_door_into_a_log_of_text_or_an_answer() {
    nothing_leaks(LogFormat::Text).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_leaks_at_the_front_door_into_a_log_of_json_or_an_answer() {
    nothing_leaks(LogFormat::Json).await;
}

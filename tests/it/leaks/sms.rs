//! The same for SMS, which has the numbers bare in every request.

use std::time::Duration;

use callme::config::LogFormat;
use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{EmulatorConfig, Fault, Guise, PickUp, RestFault, RestVerb, Script, Times};
use reqwest::Method;
use rstest::rstest;
use tokio::time::sleep;

use super::ink::Ink;
use super::stranger::FORGED;
use super::{GOODBYE, MORE, QUESTION, REPLY, Reader, SPOKEN, scanners};
use crate::webhook::{account, signature};
use crate::world::{PERSON, World};

/// What the person writes unasked; a number stands in it, as people will.
const ASIDE: &str = "Remember the dandelion procedure, or ask +15557654322.";

/// A session by SMS, to its end.
async fn good_texts(reader: &mut Reader<'_>) {
    let world = reader.world;
    for words in [REPLY, ASIDE, "help", "stop", "start"] {
        world.person(Script::unanswered(PickUp::Busy));
        world.emulator.person().types([words, MORE]);
        let (_, body) = reader.post("/api/call", QUESTION).await;
        if let Some(id) = body["callId"].as_str() {
            for verb in ["continue", "speak", "wait", "end"] {
                reader.post(&format!("/api/call/{id}/{verb}"), if verb == "end" { GOODBYE } else { SPOKEN }).await;
            }
        }
        world.emulator.sms().write("start").await;
        world.sessions_end().await;
    }
}

/// A carrier that refuses, and quotes in its sentences all that it was sent.
async fn bad_carrier(reader: &mut Reader<'_>) {
    let world = reader.world;
    let refused = |status, code| Fault::Text {
        verb: RestVerb::SendSms,
        fault: RestFault::Refused { status, code, retry_after: None },
    };
    let faults = [
        refused(400, 21211),
        refused(400, 21610),
        refused(401, 20003),
        refused(429, 20429),
        refused(503, 20503),
        Fault::Text { verb: RestVerb::SendSms, fault: RestFault::Closed { done: true } },
        Fault::SmsFails { code: 30_005 },
    ];
    for fault in faults {
        world.emulator.faults().add(fault, Times::Count(4));
        reader.post("/api/message", QUESTION).await;
        world.emulator.sms().write("start").await;
        world.sessions_end().await;
    }
    for _ in 0..15 {
        world.emulator.sms().write(ASIDE).await;
    }
    sleep(Duration::from_mins(20)).await;
}

/// People who are not the person, and webhooks that are not the carrier's, or not as it writes them.
async fn strangers(reader: &mut Reader<'_>) {
    let world = reader.world;
    let EmulatorConfig { number, .. } = EmulatorConfig::default();
    let (sms, stranger) = (world.emulator.sms(), world.emulator.sms_of("+393337654321"));
    for words in [ASIDE, "stop", PERSON, "\u{1b}]0;\u{202e}"] {
        stranger.write(words).await;
        sms.write_as(Guise::Author(number.clone()), words).await;
        sms.write_as(Guise::Account("AC00000000000000000000000000000000".to_owned()), words).await;
    }
    let account = account();
    for form in [
        vec![("AccountSid", account.as_str()), ("From", PERSON), ("To", &number)],
        vec![("AccountSid", &account), ("From", PERSON), ("To", PERSON), ("Body", ASIDE)],
        vec![("AccountSid", &account), ("From", PERSON), ("To", &number), ("Body", ASIDE), ("MessageSid", PERSON)],
        vec![("AccountSid", &account), ("To", PERSON), ("MessageSid", PERSON), ("MessageStatus", PERSON)],
    ] {
        let signatures = [(signature("/sms", &form), 200), (FORGED.to_owned(), 401)];
        for (signed, status) in signatures {
            let request = reader.request(Method::POST, "/sms").form(&form).header("x-twilio-signature", signed);
            let status = if world.telephony == Telnyx { 401 } else { status };
            assert_eq!(reader.send(request).await.0, status, "{form:?}");
        }
    }
    sleep(Duration::from_secs(60)).await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn nothing_of_what_goes_by_sms_leaks_into_a_log_or_an_answer(
    #[values(Twilio, Telnyx)] on: Telephony,
    #[values(LogFormat::Text, LogFormat::Json)] format: LogFormat,
) {
    let ink = Ink::new();
    let _guard = ink.collect(format, "trace");
    let (anywhere, in_logs) = scanners();
    let settings = [
        ("CALLME_WHATSAPP_FALLBACK_TO_SMS", "true"),
        ("CALLME_MAX_CALLS_PER_HOUR", "1000"),
        ("CALLME_MAX_MESSAGES_PER_HOUR", "1000"),
    ];
    let world = World::writing_on_with(on, &settings).await;
    let broken = RestFault::Refused { status: 400, code: 63_013, retry_after: None };
    world.emulator.faults().add(Fault::Text { verb: RestVerb::SendMessage, fault: broken }, Times::Always);
    let mut reader = Reader { world: &world, anywhere, read: 0 };
    good_texts(&mut reader).await;
    assert!(world.emulator.sms().shown().len() > 10, "{}", world.emulator.timeline());
    bad_carrier(&mut reader).await;
    strangers(&mut reader).await;
    assert!(reader.read > 20, "{}", reader.read);
    drop(world.shut_down().await);
    in_logs.with_words(&[ASIDE]).check("the log", &ink.written());
}

//! Who may tell the server what came by SMS, and what they learn by it.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{EmulatorConfig, Guise};
use rstest::rstest;
use serde_json::json;
use tokio::time::sleep;

use super::super::{QUESTION, REPLY, secs};
use super::allowed;
use crate::telnyx::{SIGNATURE, TIMESTAMP, sign};
use crate::webhook::{account, signature};
use crate::world::{PERSON, World};

const PATH: &str = "/sms";
const STRANGER: &str = "+393337654321";
const SID: &str = "SM00000000000000000000000000000001";

/// An SMS as Twilio writes it.
fn form<'a>(account: &'a str, number: &'a str, from: &'a str, sid: &'a str, body: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("AccountSid", account),
        ("MessageSid", sid),
        ("SmsStatus", "received"),
        ("NumMedia", "0"),
        ("From", from),
        ("To", number),
        ("Body", body),
    ]
}

/// An SMS as Telnyx writes it.
fn event(number: &str, from: &str, id: &str, text: &str) -> String {
    let payload = json!({"id": id, "direction": "inbound", "type": "SMS", "from": {"phone_number": from},
        "to": [{"phone_number": number}], "text": text, "media": []});
    json!({"data": {"id": "e1", "event_type": "message.received", "payload": payload}}).to_string()
}

/// Posts it as Telnyx does.
async fn signed(world: &World, path: &str, body: &str) -> (u16, String) {
    let stamp = world.emulator.clock().as_second().to_string();
    let signature = sign(EmulatorConfig::default().telnyx_seed, &stamp, body);
    world.event_to(path, body, &[(SIGNATURE, &signature), (TIMESTAMP, &stamp)]).await
}

#[tokio::test(start_paused = true)]
async fn neither_carriers_sms_are_taken_by_a_server_of_the_other_nor_what_nobody_signed() {
    let EmulatorConfig { number, .. } = EmulatorConfig::default();
    let (ours, refused) = (account(), (401, String::new()));
    let form = form(&ours, &number, PERSON, SID, REPLY);
    let body = event(&number, PERSON, "m1", REPLY);
    let twilios = signature(PATH, &form);
    let world = allowed(Telnyx).await;
    assert_eq!(world.webhook(PATH, &form, &[&twilios]).await, refused, "Twilio's at Telnyx's");
    assert_eq!(world.webhook(PATH, &form, &[]).await, refused);
    assert_eq!(world.event_to(PATH, &body, &[]).await, refused);
    assert_eq!(signed(&world, PATH, &body).await, (200, String::new()), "it is good there");
    let world = allowed(Twilio).await;
    assert_eq!(signed(&world, PATH, &body).await, refused, "Telnyx's at Twilio's");
    assert_eq!(world.event_to(PATH, &body, &[]).await, refused);
    assert_eq!(world.webhook(PATH, &form, &[]).await, refused);
    assert_eq!(world.webhook(PATH, &form, &[&signature("/whatsapp", &form)]).await, refused, "another path's");
    assert_eq!(world.webhook(PATH, &form, &[&twilios]).await.0, 200, "it is good there");
}

#[tokio::test(start_paused = true)]
async fn whoever_writes_whatever_is_answered_with_the_same_bytes() {
    let EmulatorConfig { number, whatsapp_number, .. } = EmulatorConfig::default();
    let (ours, long) = (account(), "x".repeat(2_001));
    for settings in [&[super::ALLOWED][..], &[]] {
        let world = World::writing_on_with(Twilio, settings).await;
        let mut answers = Vec::new();
        for (account, to, from, sid, body) in [
            (ours.as_str(), number.as_str(), PERSON, SID, REPLY),
            (&ours, &number, PERSON, SID, REPLY),
            (&ours, &number, STRANGER, "SM00000000000000000000000000000002", REPLY),
            (&ours, &number, "nobody", "SM00000000000000000000000000000003", REPLY),
            (&ours, &number, PERSON, "SM1", REPLY),
            (&ours, &number, PERSON, "SM00000000000000000000000000000004", " "),
            (&ours, &number, PERSON, "SM00000000000000000000000000000005", &long),
            (&ours, &whatsapp_number, PERSON, "SM00000000000000000000000000000006", REPLY),
            (&ours, &number, &number, "SM00000000000000000000000000000007", REPLY),
            ("AC00000000000000000000000000000000", &number, PERSON, "SM00000000000000000000000000000008", REPLY),
            ("", "", "", "", ""),
        ] {
            answers.push(world.signed(PATH, &form(account, to, from, sid, body)).await);
        }
        let empty = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response></Response>";
        assert!(answers.iter().all(|answer| *answer == (200, empty.to_owned())), "{answers:?}");

        let world = World::writing_on_with(Telnyx, settings).await;
        for body in [
            event(&number, PERSON, "m1", REPLY),
            event(&number, PERSON, "m1", REPLY),
            event(&number, STRANGER, "m2", REPLY),
            event(&number, "nobody", "m3", REPLY),
            event(&number, PERSON, "", REPLY),
            event(&number, PERSON, "m4", " "),
            event(&number, PERSON, "m5", &long),
            event("+390600000000", PERSON, "m6", REPLY),
            "[]".to_owned(),
        ] {
            assert_eq!(signed(&world, PATH, &body).await, (200, String::new()), "{body}");
        }
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_strangers_sms_is_neither_a_reply_nor_answered_and_one_that_comes_twice_is_one(
    #[values(Twilio, Telnyx)] on: Telephony,
) {
    let world = allowed(on).await;
    world.whatsapp_is_down();
    let stranger = world.emulator.sms_of(STRANGER);
    let people = async {
        let sms = world.emulator.sms();
        sms.receives(QUESTION).await.expect("the question arrives");
        for words in [REPLY, "stop", "call me", "help"] {
            assert_eq!(stranger.write(words).await.answers, [Some(200)], "the same answer as everybody's");
            sms.write_as(Guise::Author(EmulatorConfig::default().number), words).await;
            sms.write_as(Guise::Account("AC00000000000000000000000000000000".to_owned()), words).await;
        }
        sleep(secs(10)).await;
        let look = world.look(&world.newest().await).await;
        assert_eq!((look.at("/waiting"), look.at("/replies")), (json!(true), json!([])), "{look:?}");
        sms.write_twice(REPLY).await;
    };
    let (answer, ()) = tokio::join!(world.unanswered(), people);
    world.texted(&answer, REPLY);
    sleep(secs(60)).await;
    assert_eq!(world.look(&answer.call_id()).await.at("/replies"), json!([]), "nothing is left over");
    assert_eq!(world.asked_by_sms().len(), 1);
    world.settled().await;
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn the_form_decides_and_not_the_route(#[values(Twilio, Telnyx)] on: Telephony) {
    let EmulatorConfig { number, .. } = EmulatorConfig::default();
    let world = allowed(on).await;
    world.whatsapp_is_down();
    let person = async {
        world.emulator.sms().receives(QUESTION).await.expect("the question arrives");
        if on == Twilio {
            let ours = account();
            let sms = form(&ours, &number, PERSON, SID, REPLY);
            assert_eq!(world.signed("/whatsapp", &sms).await, (200, String::new()));
        } else {
            assert_eq!(signed(&world, "/whatsapp", &event(&number, PERSON, "m1", REPLY)).await.0, 200);
        }
    };
    let (answer, ()) = tokio::join!(world.unanswered(), person);
    world.texted(&answer, REPLY);
    world.settled().await;
}

//! Texts that do not arrive, and never will.

use callme::emulator::Telephony::{self, Telnyx, Twilio};
use callme::emulator::{
    EmulatorConfig, Failing, Fault, PickUp, ReceiptWebhooks, RestFault, RestVerb, Script, TextRules, Times,
};
use rstest::rstest;
use serde_json::json;

use super::{QUESTION, REPLY, secs};
use crate::world::{Answer, World};

/// How the news comes that a text cannot arrive.
const WAYS: [(&str, Failing, ReceiptWebhooks); 3] = [
    ("as the answer", Failing::AtOnce, ReceiptWebhooks::Always),
    ("as a receipt", Failing::ByReceipt, ReceiptWebhooks::Always),
    ("as a receipt that is asked for", Failing::ByReceipt, ReceiptWebhooks::Never),
];

/// A world in which texts that cannot arrive fail in this way.
pub(super) async fn failing(
    telephony: Telephony,
    failing: Failing,
    receipts: ReceiptWebhooks,
    settings: &[(&str, &str)],
) -> World {
    let text_rules = TextRules { failing, receipts, ..TextRules::default() };
    World::writing_with(EmulatorConfig { telephony, text_rules, ..EmulatorConfig::default() }, settings).await
}

/// Asks by phone, which nobody picks up, or by message.
async fn ask(world: &World, by_phone: bool) -> Answer {
    if by_phone {
        world.person(Script::unanswered(PickUp::Busy));
        return world.call(QUESTION).await;
    }
    world.message(QUESTION).await
}

#[tokio::test(start_paused = true)]
async fn somebody_who_has_not_joined_ends_in_the_same_422_with_the_remedy_by_every_way() {
    for by_phone in [true, false] {
        let mut answers = Vec::new();
        for (way, at, receipts) in WAYS {
            let world = failing(Twilio, at, receipts, &[]).await;
            let chat = world.emulator.chat();
            chat.leaves();
            let answer = ask(&world, by_phone).await;
            world.refused(&answer, 422, "whatsapp_opt_in_required");
            let id = answer.call_id();
            for hint in ["'join quiet-otter'", "+1 415 523 8886", "continue_call", &id] {
                assert!(answer.error().contains(hint), "{way}: {hint}: {answer:?}");
            }
            assert_eq!(answer.error().starts_with("The line was busy. "), by_phone, "{answer:?}");
            assert_eq!(world.used("send message"), 1, "{way}: once\n{}", world.emulator.timeline());
            assert_eq!(world.look(&id).await.at("/state"), "messaging", "{way}");
            // The person does as they are told, and the agent as it is.
            chat.write("join quiet-otter").await;
            let (next, _) = tokio::join!(world.say("continue", &id, QUESTION), world.replies(QUESTION, REPLY));
            world.wrote(&next, REPLY);
            world.settled().await;
            answers.push(answer.body);
        }
        assert!(answers.iter().all(|body| *body == answers[0]), "{answers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_remedy_is_the_one_of_the_sender() {
    let own = [("CALLME_WHATSAPP_MODE", "production"), ("CALLME_WHATSAPP_PHONE_NUMBER", "+15005550001")];
    for (settings, number, hint) in [
        (&own[..], "+15005550001", "Ask the person to write to this server's WhatsApp number on WhatsApp first"),
        (&[("CALLME_WHATSAPP_SANDBOX_CODE", "")], "+14155238886", "with the code that the Twilio console shows"),
    ] {
        let config = EmulatorConfig { whatsapp_number: number.to_owned(), ..EmulatorConfig::default() };
        let world = World::writing_with(config, settings).await;
        world.emulator.chat().leaves();
        let answer = world.message(QUESTION).await;
        world.refused(&answer, 422, "whatsapp_opt_in_required");
        assert!(answer.error().contains(hint) && !answer.error().contains("5550001"), "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_never_be_sent_is_tried_once() {
    for (code, before_the_dial) in [
        (63024, "provider_error"),
        (21211, "provider_error"),
        (63013, "provider_error"),
        (99999, "provider_error"),
        (63007, "not_configured"),
        (21656, "not_configured"),
        (20003, "not_configured"),
    ] {
        for by_phone in [true, false] {
            let world = World::writing().await;
            let status = if code == 20003 { 401 } else { 400 };
            let fault = RestFault::Refused { status, code, retry_after: None };
            world.emulator.faults().add(Fault::Text { verb: RestVerb::SendMessage, fault }, Times::Always);
            let answer = ask(&world, by_phone).await;
            let id = answer.call_id();
            assert!(answer.error().contains(&code.to_string()), "{answer:?}");
            match (by_phone, before_the_dial) {
                // The carrier took the dial: nothing that a client would repeat.
                (true, _) => {
                    world.refused(&answer, 408, "no_answer");
                    assert!(answer.error().starts_with("The line was busy. "), "{answer:?}");
                }
                (false, "provider_error") => world.refused(&answer, 502, "provider_error"),
                (false, code) => {
                    world.refused(&answer, 422, code);
                    assert!(answer.error().contains("CALLME_WHATSAPP_"), "{answer:?}");
                }
            }
            world.settled().await;
            assert_eq!(world.used("send message"), 1, "{code}\n{}", world.emulator.timeline());
            assert_eq!(world.look(&id).await.at("/state"), "ended", "{code}");
            world.refused(&world.say("continue", &id, "Hello?").await, 404, "no_active_call");
        }
    }
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_receipt_of_a_failure_for_good_is_told_and_the_session_stays_open(#[values(Twilio, Telnyx)] on: Telephony) {
    for receipts in [ReceiptWebhooks::Always, ReceiptWebhooks::Never] {
        for code in [63003, 63013, 63024] {
            let world = failing(on, Failing::ByReceipt, receipts, &[]).await;
            world.emulator.faults().add(Fault::ReceiptFails { code }, Times::Once);
            let answer = ask(&world, true).await;
            let id = answer.call_id();
            // Taken by the carrier: never a 5xx.
            world.refused(&answer, 408, "no_reply");
            // Telnyx and Meta have codes of their own.
            let told = if on == Telnyx && code != 63013 { 131_026 } else { code };
            for hint in ["The line was busy.", &told.to_string(), "did not arrive", "continue_call", &id] {
                assert!(answer.error().contains(hint), "{hint}: {answer:?}");
            }
            assert_eq!(world.used("send message"), 1, "{}", world.emulator.timeline());
            let (next, _) = tokio::join!(world.say("continue", &id, "Again?"), world.replies("Again?", REPLY));
            world.wrote(&next, REPLY);
            world.settled().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_was_closed_elsewhere_is_replaced() {
    let world = World::writing().await;
    let id = world.in_writing().await;
    let first = world.emulator.conversations()[0].sid.clone();
    let EmulatorConfig { account_sid, auth_token, .. } = EmulatorConfig::default();
    let url = format!("{}/v1/Conversations/{first}", world.emulator.url());
    let close = world.client().post(url).basic_auth(account_sid, Some(auth_token)).form(&[("State", "closed")]);
    assert!(close.send().await.expect("an answer").status().is_success());
    let (next, _) = tokio::join!(world.say("continue", &id, "And the docs?"), world.replies("And the docs?", "Yes."));
    world.wrote(&next, "Yes.");
    let second = world.emulator.conversations()[1].sid.clone();
    assert_eq!(next.at("/conversationSid"), json!(second), "{next:?}");
    world.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_cannot_be_made_is_told_and_not_tried_for_ever() {
    for (verb, code) in
        [(RestVerb::FindConversations, 20003), (RestVerb::CreateConversation, 50000), (RestVerb::AddParticipant, 50407)]
    {
        let world = World::writing().await;
        let status = if code == 20003 { 401 } else { 400 };
        let fault = RestFault::Refused { status, code, retry_after: None };
        world.emulator.faults().add(Fault::Text { verb, fault }, Times::Always);
        let answer = world.message(QUESTION).await;
        let want = if code == 20003 { (422, "not_configured") } else { (502, "provider_error") };
        world.refused(&answer, want.0, want.1);
        assert_eq!((world.used(verb.as_str()), world.used("send message")), (1, 0), "{}", world.emulator.timeline());
        world.settled().await;
        // It was no fault of the message: once it is mended, the same message goes through.
        world.emulator.faults().clear();
        tokio::time::sleep(secs(1)).await;
        let (answer, _) = tokio::join!(world.message(QUESTION), world.replies(QUESTION, REPLY));
        world.wrote(&answer, REPLY);
        world.settled().await;
    }
}

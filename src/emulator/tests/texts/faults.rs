//! What can be made to go wrong with texts.

use axum::http::Method;
use serde_json::json;

use super::super::super::*;
use super::desk::{Desk, since, text};

#[tokio::test(start_paused = true)]
async fn a_text_that_gets_no_good_answer_is_taken_or_not() {
    for done in [true, false] {
        for fault in [RestFault::Hangs { done }, RestFault::Closed { done }, RestFault::Broken { status: 502, done }] {
            let desk = Desk::start().await;
            let path = desk.conversation().await;
            desk.emulator.faults().add(Fault::Text { verb: RestVerb::SendMessage, fault }, Times::Once);
            let request = desk.request(Method::POST, &format!("{path}/Messages"), &[("Body", "Shall I?")]);
            let answer = request.timeout(Duration::from_secs(10)).send().await;
            match fault {
                RestFault::Broken { .. } => {
                    let answer = answer.unwrap();
                    assert_eq!(answer.status(), 502);
                    assert!(answer.text().await.unwrap().starts_with("<h1>"));
                }
                _ => {
                    let is_timeout = answer.unwrap_err().is_timeout();
                    assert_eq!(is_timeout, matches!(fault, RestFault::Hangs { .. }), "{fault:?}");
                }
            }
            tokio::time::sleep(Duration::from_mins(1)).await;
            let arrived = desk.emulator.chat().shown().iter().filter(|shown| shown.state.has_arrived()).count();
            let listed = desk.get(&format!("{path}/Messages")).await["messages"].as_array().unwrap().len();
            assert_eq!((arrived, listed), (usize::from(done), usize::from(done)), "{fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_request_can_be_refused_and_is_not_done() {
    let desk = Desk::start().await;
    let path = desk.conversation().await;
    let message = desk.send(&path, "Shall I?").await;
    let (participants, messages, receipts) =
        (format!("{path}/Participants"), format!("{path}/Messages"), format!("{message}/Receipts"));
    let cases = [
        (RestVerb::CreateConversation, Method::POST, "Conversations"),
        (RestVerb::ReadConversation, Method::GET, &path),
        (RestVerb::ChangeConversation, Method::POST, &path),
        (RestVerb::DeleteConversation, Method::DELETE, &path),
        (RestVerb::AddParticipant, Method::POST, &participants),
        (RestVerb::ListParticipants, Method::GET, &participants),
        (RestVerb::FindConversations, Method::GET, "ParticipantConversations?Address=x"),
        (RestVerb::SendMessage, Method::POST, &messages),
        (RestVerb::ReadMessage, Method::GET, &message),
        (RestVerb::ListMessages, Method::GET, &messages),
        (RestVerb::ReadReceipts, Method::GET, &receipts),
    ];
    for (verb, method, path) in cases {
        let fault = RestFault::Refused { status: 429, code: 20429, retry_after: Some(Duration::from_secs(7)) };
        desk.emulator.faults().add(Fault::Text { verb, fault }, Times::Once);
        let answer = desk.request(method, path, &[("Body", "x"), ("State", "closed")]).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (429, &"7".parse().unwrap()),
            "{verb:?}"
        );
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body["code"], json!(20429), "{verb:?}");
        let noted = |what: &What| *what == What::Rest { verb: verb.as_str(), status: Some(429) };
        assert_eq!(desk.emulator.timeline().count(noted), 1, "{verb:?}");
    }
    let left = desk.emulator.conversations();
    assert_eq!((left.len(), left[0].state, left[0].messages), (1, ConversationState::Active, 1));
}

#[tokio::test(start_paused = true)]
async fn a_text_can_fail_for_any_reason() {
    let desk = Desk::start().await;
    let path = desk.conversation().await;
    for (code, word) in [(63003, "failed"), (63013, "undelivered"), (63018, "undelivered")] {
        desk.emulator.faults().add(Fault::ReceiptFails { code }, Times::Once);
        let message = desk.send(&path, "Shall I?").await;
        desk.wait(|what| matches!(what, What::TextFailed { code: failed, .. } if *failed == code)).await;
        assert_eq!(desk.receipt(&message).await, (json!(word), json!(code)));
        let summary = desk.get(&message).await["delivery"].clone();
        assert_eq!((text(&summary[word]), text(&summary["delivered"])), ("all", "none"));
    }
}

#[tokio::test(start_paused = true)]
async fn webhooks_can_be_late_repeated_and_lost() {
    let desk = Desk::start().await;
    desk.conversation().await;
    let (faults, chat, name) = (desk.emulator.faults(), desk.emulator.chat(), TextWebhook::Added);
    faults.add(Fault::TextWebhookDelayed { name, by: Duration::from_mins(1) }, Times::Once);
    let began = desk.emulator.phone().now();
    assert_eq!(chat.write("late").await.answers, [None], "nobody waits for it");
    chat.write("in time").await;
    assert_eq!(since(began, desk.told(name, 2).await), 60);
    faults.add(Fault::TextWebhookDropped(name), Times::Once);
    assert_eq!(chat.write("lost").await.answers, [None]);
    faults.add(Fault::TextWebhookTripled(name), Times::Once);
    assert_eq!(chat.write("thrice").await.answers, [Some(200)]);
    assert_eq!(desk.each(name, "Body"), ["in time", "late", "thrice", "thrice", "thrice"]);
}

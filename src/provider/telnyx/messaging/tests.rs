//! What goes over the wire to Telnyx, and what each kind of answer is taken for.

use serde_json::Value;

use super::*;
use crate::ids::Mark;
use crate::provider::desk::{Asked, Desk};
use crate::provider::{Delivery, MessagingClass};

const TO: &str = "+393331234567";
const FROM: &str = "+390612345678";
const NAME: &str = "40385f64-5717-4562-b3fc-2c963f66afa6";

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).unwrap()
}

/// A request as it arrived: method, path, body.
type Request = (Method, String, Value);

/// Answers with each of these in turn, and keeps what it saw.
struct Fake {
    desk: Desk,
    telnyx: TelnyxMessaging,
}

impl Fake {
    async fn answering(answers: &[(u16, Value)]) -> Self {
        let desk = Desk::answering("Bearer KEY0", answers.iter().cloned()).await;
        let telnyx = TelnyxMessaging::new(TelnyxMessagingConfig {
            api_key: SecretString::from("KEY0"),
            from: number(FROM),
            template: Template::parse("agent_question:it"),
            hash_key: HashKey::new(b"a key"),
            public_url: PublicUrl::parse("https://ex.org").unwrap(),
            api_url: desk.url.clone(),
        });
        Self { desk, telnyx: telnyx.unwrap() }
    }

    fn asked(&self) -> Vec<Request> {
        let of = |asked: Asked| (asked.method.clone(), asked.path.clone(), asked.json());
        self.desk.asked().into_iter().map(of).collect()
    }

    async fn send(&self, template: bool) -> Result<MessageId, MessagingError> {
        let conversation = self.telnyx.open(&number(TO)).await.unwrap().conversation;
        let (to, mark) = (number(TO), Mark::read("call-1-7.1"));
        Messaging::send(&self.telnyx, SendOrder { conversation, to, template, text: "Deploy?".to_owned(), mark }).await
    }
}

fn taken() -> (u16, Value) {
    (200, json!({"data": {"id": NAME, "record_type": "message", "to": TO, "errors": []}}))
}

fn refusal(status: u16, code: &str) -> (u16, Value) {
    (status, json!({"errors": [{"code": code, "title": "Refused", "detail": format!("not to {TO}")}]}))
}

#[tokio::test]
async fn a_text_and_a_template_say_everything_once() {
    let fake = Fake::answering(&[taken(), taken()]).await;
    for template in [false, true] {
        assert_eq!(fake.send(template).await, Ok(MessageId(NAME.to_owned())));
    }
    let around = |says: Value| json!({"from": FROM, "to": TO, "type": "WHATSAPP", "whatsapp_message": says, "webhook_url": "https://ex.org/whatsapp"});
    let text = json!({"type": "text", "text": {"body": "Deploy?", "preview_url": false}});
    let template = json!({"type": "template", "template": {"name": "agent_question",
        "language": {"code": "it", "policy": "deterministic"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "Deploy?"}]}]}});
    let path = "/v2/messages/whatsapp".to_owned();
    let want = [text, template].map(|says| (Method::POST, path.clone(), around(says)));
    assert_eq!(fake.asked(), want);
}

#[tokio::test]
async fn a_conversation_is_named_without_asking_and_nothing_in_it_can_be_read() {
    let fake = Fake::answering(&[]).await;
    let opened = fake.telnyx.open(&number(TO)).await.unwrap();
    assert_eq!((&opened, opened.found), (&fake.telnyx.open(&number(TO)).await.unwrap(), false));
    assert!(!fake.telnyx.abilities().reads_back);
    let read = fake.telnyx.latest(&opened.conversation, &number(TO)).await;
    assert_eq!(read.map_err(|error| error.class), Err(MessagingClass::Permanent));
    assert_eq!(fake.asked(), []);
}

#[tokio::test]
async fn each_refusal_means_what_it_means_for_the_next_message() {
    use MessagingClass::{BadNumber, Configuration, OptedOut, Permanent, Transient, Unknown, Window};
    for (status, code, want) in [
        (400, "40300", OptedOut),
        (400, "40008", Window),
        (400, "131047", Window),
        (400, "131026", BadNumber),
        (422, "10016", BadNumber),
        (400, "40310", BadNumber),
        (400, "40305", Configuration),
        (400, "132000", Configuration),
        (400, "132015", Configuration),
        (401, "10009", Configuration),
        (403, "", Configuration),
        (429, "10011", Transient),
        (400, "130429", Transient),
        (422, "10027", Permanent),
        (500, "10007", Unknown),
        (408, "", Unknown),
        (301, "", Unknown),
    ] {
        let fake = Fake::answering(&[refusal(status, code)]).await;
        let error = fake.send(false).await.expect_err("refused");
        assert_eq!((error.class, error.code.as_deref().unwrap_or_default()), (want, code), "{status} {code}");
        assert!(error.message.starts_with("Refused") && !error.message.contains("3331234567"), "{error}");
        assert_eq!(fake.asked().len(), 1, "nothing is repeated");
    }
}

#[tokio::test]
async fn an_answer_without_a_name_is_no_refusal() {
    for body in [json!({"data": {}}), json!({"data": {"id": "a b"}}), json!("taken")] {
        let fake = Fake::answering(&[(200, body.clone())]).await;
        let error = fake.send(false).await.expect_err("nobody knows");
        assert_eq!(error.class, MessagingClass::Unknown, "{body}");
    }
}

#[tokio::test]
async fn a_receipt_can_be_asked_for_by_the_messages_name() {
    let of = |status: &str| json!({"data": {"id": NAME, "to": [{"phone_number": TO, "status": status}], "errors": []}});
    let message = MessageId(NAME.to_owned());
    for (answer, want) in [
        ((200, of("delivered")), Ok(Some(Delivery::Fine))),
        ((200, of("sent")), Ok(Some(Delivery::Underway))),
        ((200, of("queued")), Ok(None)),
        (refusal(404, "10005"), Ok(None)),
        ((200, json!({"data": {"id": "another", "status": "delivered"}})), Ok(None)),
        (refusal(429, "10011"), Err(MessagingClass::Transient)),
    ] {
        let fake = Fake::answering(std::slice::from_ref(&answer)).await;
        let conversation = ConversationId("TX1".to_owned());
        let got = Messaging::receipt(&fake.telnyx, &conversation, &message).await;
        let got = got.map(|receipt| receipt.map(|receipt| receipt.delivery)).map_err(|error| error.class);
        assert_eq!(got, want, "{answer:?}");
        assert_eq!(fake.asked(), [(Method::GET, format!("/v2/messages/{NAME}"), Value::Null)]);
    }
}

#[tokio::test]
async fn without_a_template_none_is_sent() {
    let mut fake = Fake::answering(&[]).await;
    fake.telnyx.config.template = None;
    let error = fake.send(true).await.expect_err("none is set up");
    assert_eq!((error.class, fake.asked().len()), (MessagingClass::Configuration, 0));
}

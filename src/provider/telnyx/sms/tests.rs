//! What goes over the wire to Telnyx for SMS, and what each kind of answer is taken for.

use super::*;
use crate::provider::desk::{Asked, Desk};
use crate::provider::{Delivery, MessagingClass};

const PERSON: &str = "+393331234567";
const US: &str = "+390612345678";
const NAME: &str = "40385f64-5717-4562-b3fc-2c963f66afa6";

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).unwrap()
}

/// A request as it arrived: method, path, body.
type Request = (Method, String, Value);

/// Gives its answers in their order and keeps what it saw.
struct Fake {
    desk: Desk,
    telnyx: TelnyxSms,
}

impl Fake {
    async fn answering(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let desk = Desk::answering("Bearer KEY0", answers).await;
        let telnyx = TelnyxSms::new(TelnyxSmsConfig {
            api_key: SecretString::from("KEY0"),
            from: number(US),
            profile: Some("p-1".to_owned()),
            public_url: PublicUrl::parse("https://ex.org").unwrap(),
            api_url: desk.url.clone(),
        });
        Self { desk, telnyx: telnyx.unwrap() }
    }

    fn seen(&self) -> Vec<Request> {
        let of = |asked: Asked| (asked.method.clone(), asked.path.clone(), asked.json());
        self.desk.asked().into_iter().map(of).collect()
    }

    async fn send(&self) -> Result<MessageId, MessagingError> {
        self.telnyx.send(SmsOrder { to: number(PERSON), text: "Deploy?".to_owned() }).await
    }
}

fn taken() -> (u16, Value) {
    (200, json!({"data": {"id": NAME, "record_type": "message", "to": [{"phone_number": PERSON, "status": "queued"}]}}))
}

fn refusal(status: u16, code: &str) -> (u16, Value) {
    (status, json!({"errors": [{"code": code, "title": "Refused", "detail": format!("not to {PERSON}")}]}))
}

#[tokio::test]
async fn a_text_says_everything_once() {
    let mut fake = Fake::answering([taken(), taken()]).await;
    assert_eq!(fake.send().await, Ok(MessageId(NAME.to_owned())));
    fake.telnyx.profile = None;
    assert_eq!(fake.send().await, Ok(MessageId(NAME.to_owned())));
    let plain =
        json!({"from": US, "to": PERSON, "text": "Deploy?", "type": "SMS", "webhook_url": "https://ex.org/sms"});
    let mut with_profile = plain.clone();
    with_profile["messaging_profile_id"] = json!("p-1");
    assert_eq!(fake.seen(), [with_profile, plain].map(|body| (Method::POST, "/v2/messages".to_owned(), body)));
}

#[tokio::test]
async fn each_refusal_means_what_it_means_for_the_next_message() {
    use MessagingClass::{BadNumber, Configuration, OptedOut, Permanent, Transient, Unknown};
    for (status, code, want) in [
        (400, "40300", OptedOut),
        (403, "40300", OptedOut),
        (422, "10016", BadNumber),
        (400, "40310", BadNumber),
        (400, "40305", Configuration),
        (401, "10009", Configuration),
        (403, "", Configuration),
        (429, "10011", Transient),
        (422, "10027", Permanent),
        (400, "40008", Permanent),
        (500, "10007", Unknown),
        (408, "", Unknown),
        (301, "", Unknown),
    ] {
        let fake = Fake::answering([refusal(status, code)]).await;
        let error = fake.send().await.expect_err("refused");
        assert_eq!((error.class, error.code.as_deref().unwrap_or_default()), (want, code), "{status} {code}");
        assert!(error.message.starts_with("Refused") && !error.message.contains(&PERSON[3..]), "{error}");
        assert_eq!(fake.seen().len(), 1, "nothing is repeated");
    }
    for body in [json!({"data": {}}), json!({"data": {"id": "a b"}}), json!("taken")] {
        let fake = Fake::answering([(200, body.clone())]).await;
        assert_eq!(fake.send().await.map_err(|error| error.class), Err(Unknown), "{body}: it may arrive");
    }
}

#[tokio::test]
async fn what_the_person_wrote_cannot_be_read_and_nobody_is_asked() {
    let fake = Fake::answering([]).await;
    assert!(!fake.telnyx.abilities().reads_back);
    let read = fake.telnyx.latest(&number(PERSON)).await;
    assert_eq!(read.map_err(|error| error.class), Err(MessagingClass::Permanent));
    assert_eq!(fake.seen(), []);
}

#[tokio::test]
async fn a_receipt_can_be_asked_for_by_the_messages_name() {
    let failed = |class, code: &str| {
        let message = "the SMS was not delivered".to_owned();
        Some(Delivery::Failed(MessagingError { class, code: Some(code.to_owned()), message, retry_after: None }))
    };
    let message = MessageId(NAME.to_owned());
    for (status, code, want) in [
        ("delivered", None, Some(Delivery::Fine)),
        ("sent", None, Some(Delivery::Underway)),
        ("delivery_unconfirmed", None, Some(Delivery::Underway)),
        ("queued", None, None),
        ("delivery_failed", Some("40001"), failed(MessagingClass::BadNumber, "40001")),
        ("delivery_failed", Some("40008"), failed(MessagingClass::Permanent, "40008")),
        ("sending_failed", Some("40010"), failed(MessagingClass::Configuration, "40010")),
        ("sending_failed", Some("40300"), failed(MessagingClass::OptedOut, "40300")),
        ("sending_failed", Some("40011"), failed(MessagingClass::Transient, "40011")),
    ] {
        let errors: Vec<_> = code.into_iter().map(|code| json!({"code": code})).collect();
        let data =
            json!({"id": NAME, "type": "SMS", "to": [{"phone_number": PERSON, "status": status}], "errors": errors});
        let fake = Fake::answering([(200, json!({"data": data}))]).await;
        let got = fake.telnyx.receipt(&message).await.unwrap();
        assert_eq!(got.map(|receipt| receipt.delivery), want, "{status}");
        assert_eq!(fake.seen(), [(Method::GET, format!("/v2/messages/{NAME}"), Value::Null)]);
    }
    let fake = Fake::answering([refusal(404, "10005")]).await;
    assert_eq!(fake.telnyx.receipt(&message).await, Ok(None));
}

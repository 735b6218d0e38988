//! What goes over the wire to Twilio for SMS, and what each kind of answer is taken for.

use serde_json::json;

use super::*;
use crate::clock::Millis;
use crate::domain::text::PersonText;
use crate::provider::desk::{Asked, Desk};
use crate::provider::{Delivery, MessagingClass};

const PERSON: &str = "+393331234567";
const US: &str = "+390612345678";
const SID: &str = "SM0123456789abcdef0123456789abcdef";

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).unwrap()
}

/// Status and body of an answer.
type Answer = (u16, Value);

/// Gives its answers in their order and keeps what it saw.
struct Fake {
    desk: Desk,
    twilio: TwilioSms,
}

impl Fake {
    async fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        let desk = Desk::answering("Basic QUMxOnMzY3JldC10b2tlbg==", answers).await;
        let twilio = TwilioSms::new(TwilioSmsConfig {
            account_sid: "AC1".to_owned(),
            auth_token: SecretString::from("s3cret-token"),
            from: number(US),
            public_url: PublicUrl::parse("https://ex.org/callme/").unwrap(),
            api_url: desk.url.clone(),
        });
        Self { desk, twilio: twilio.unwrap() }
    }

    /// The requests that came: `POST /2010-04-01/… form`.
    fn seen(&self) -> Vec<String> {
        let of = |asked: Asked| format!("{} {} {}", asked.method, asked.path, asked.body).trim_end().to_owned();
        self.desk.asked().into_iter().map(of).collect()
    }

    async fn send(&self) -> Result<MessageId, MessagingError> {
        self.twilio.send(SmsOrder { to: number(PERSON), text: "1 + 1 = 2 & più?".to_owned() }).await
    }
}

fn refusal(status: u16, code: u32) -> Answer {
    (status, json!({"code": code, "message": format!("Not to {PERSON}, see https://twilio.com"), "status": status}))
}

#[tokio::test]
async fn a_text_goes_out_as_it_is_once_and_asks_for_receipts() {
    let fake = Fake::answering([(201, json!({"sid": SID, "status": "queued", "error_code": null}))]).await;
    assert_eq!(fake.send().await, Ok(MessageId(SID.to_owned())));
    let form = "To=%2B393331234567&From=%2B390612345678&Body=1+%2B+1+%3D+2+%26+pi%C3%B9%3F\
                &StatusCallback=https%3A%2F%2Fex.org%2Fcallme%2Fsms";
    assert_eq!(fake.seen(), [format!("POST /2010-04-01/Accounts/AC1/Messages.json {form}")]);
}

#[tokio::test]
async fn each_refusal_means_what_it_means_for_the_next_message() {
    use MessagingClass::{BadNumber, Configuration, OptedOut, Permanent, Transient, Unknown};
    for (status, code, want) in [
        (400, 21610, OptedOut),
        (403, 21610, OptedOut),
        (400, 21211, BadNumber),
        (400, 21614, BadNumber),
        (400, 21408, Configuration),
        (400, 21606, Configuration),
        (400, 21659, Configuration),
        (401, 20003, Configuration),
        (403, 0, Configuration),
        (404, 20404, Configuration),
        (429, 20429, Transient),
        (400, 21617, Permanent),
        (400, 99999, Permanent),
        (500, 20500, Unknown),
        (408, 0, Unknown),
        (302, 0, Unknown),
    ] {
        let fake = Fake::answering([refusal(status, code)]).await;
        let error = fake.send().await.expect_err("refused");
        assert_eq!((error.class, error.code), (want, Some(code.to_string())), "{status}");
        assert!(!error.message.contains(&PERSON[3..]) && !error.message.contains("http"), "{}", error.message);
        assert_eq!(fake.seen().len(), 1, "nothing is repeated");
    }
}

#[tokio::test]
async fn an_answer_without_a_name_is_no_refusal() {
    for body in [json!({}), json!({"sid": "SM1"}), json!({"sid": "IM0123456789abcdef0123456789abcdef"}), json!("taken")]
    {
        let fake = Fake::answering([(201, body.clone())]).await;
        assert_eq!(fake.send().await.map_err(|error| error.class), Err(MessagingClass::Unknown), "{body}");
    }
}

#[tokio::test]
async fn a_receipt_can_be_asked_for_by_the_messages_name() {
    let message = MessageId(SID.to_owned());
    let failed = |class, code: Option<&str>| {
        let message = "the SMS was not delivered".to_owned();
        Some(Delivery::Failed(MessagingError { class, code: code.map(str::to_owned), message, retry_after: None }))
    };
    for (status, code, want) in [
        ("delivered", json!(null), Some(Delivery::Fine)),
        ("sent", json!(null), Some(Delivery::Underway)),
        ("queued", json!(null), None),
        ("of the future", json!(null), None),
        ("undelivered", json!(30005), failed(MessagingClass::BadNumber, Some("30005"))),
        ("undelivered", json!("30006"), failed(MessagingClass::BadNumber, Some("30006"))),
        ("undelivered", json!(30034), failed(MessagingClass::Configuration, Some("30034"))),
        ("failed", json!(21610), failed(MessagingClass::OptedOut, Some("21610"))),
        ("undelivered", json!(30003), failed(MessagingClass::Permanent, Some("30003"))),
        ("failed", json!(null), failed(MessagingClass::Permanent, None)),
    ] {
        let fake = Fake::answering([(200, json!({"sid": SID, "status": status, "error_code": code}))]).await;
        let got = fake.twilio.receipt(&message).await.unwrap();
        assert_eq!(got.map(|receipt| (receipt.message, receipt.delivery)), want.map(|want| (message.clone(), want)));
        assert_eq!(fake.seen(), [format!("GET /2010-04-01/Accounts/AC1/Messages/{SID}.json")], "{status} {code}");
    }
    for (answer, want) in [(refusal(404, 20404), Ok(None)), (refusal(429, 20429), Err(MessagingClass::Transient))] {
        let fake = Fake::answering([answer]).await;
        assert_eq!(fake.twilio.receipt(&message).await.map_err(|error| error.class), want);
    }
}

/// A message of the list.
fn listed(changes: Value) -> Value {
    let mut message = json!({"sid": SID, "direction": "inbound", "from": PERSON, "to": US, "body": "Yes.", "num_media": "0",
        "status": "received", "error_code": null, "date_created": "Fri, 21 Aug 2026 09:30:00 +0000"});
    message.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    message
}

#[tokio::test]
async fn what_the_person_wrote_is_read_back_and_nothing_else() {
    let messages = [
        listed(json!({"body": "And \u{202e}the docs.", "num_media": "1"})),
        listed(json!({"direction": "outbound-api"})),
        listed(json!({"from": "+393337654321"})),
        listed(json!({"to": "+390600000000"})),
        listed(json!({"body": ""})),
        listed(json!({"body": null})),
        listed(json!({"body": "x".repeat(2_001)})),
        listed(json!({"sid": "MM0123456789abcdef0123456789abcdef"})),
    ];
    let fake = Fake::answering([(200, json!({"messages": messages, "next_page_uri": null}))]).await;
    let got = fake.twilio.latest(&number(PERSON)).await.unwrap();
    let past = |sid: &str, text: &str| PastMessage {
        message: MessageId(sid.to_owned()),
        author: Author::Person(PersonText(text.to_owned())),
        at: Millis(1_787_304_600_000),
    };
    assert_eq!(got, [past(SID, "And the docs.\n[file]"), past("MM0123456789abcdef0123456789abcdef", "Yes.")]);
    let query = "To=%2B390612345678&From=%2B393331234567&PageSize=50";
    assert_eq!(fake.seen(), [format!("GET /2010-04-01/Accounts/AC1/Messages.json?{query}")]);
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_said_to_be_so() {
    for message in [
        listed(json!({"sid": "SM1"})),
        listed(json!({"date_created": "2026-08-21T09:30:00Z"})),
        listed(json!({"date_created": null})),
    ] {
        let fake = Fake::answering([(200, json!({"messages": [message]}))]).await;
        let got = fake.twilio.latest(&number(PERSON)).await;
        assert_eq!(got.map_err(|error| error.class), Err(MessagingClass::Unknown));
    }
}

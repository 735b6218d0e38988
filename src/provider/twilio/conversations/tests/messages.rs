//! Sending, receipts, and reading back.

use std::time::Duration;

use super::*;
use crate::clock::Millis;
use crate::domain::text::PersonText;
use crate::ids::{Mark, PostId, SessionId};
use crate::provider::{Author, Delivery};

fn mark() -> Mark {
    Mark::new(&SessionId::parse("call-1-5").unwrap(), PostId(2))
}

fn order(template: bool, text: &str) -> SendOrder {
    SendOrder { conversation: conversation('c'), to: person(), template, text: text.to_owned(), mark: mark() }
}

fn sent() -> Answer {
    answer(201, &json!({"sid": name("IM", '1'), "author": "callme", "delivery": null}))
}

#[tokio::test]
async fn a_text_goes_out_as_it_is_or_as_the_templates_variable_and_carries_its_mark() {
    let path = format!("POST /v1/Conversations/{}/Messages", name("CH", 'c'));
    let attributes = "Author=callme&Attributes=%7B%22callme%22%3A%22call-1-5.2%22%7D";
    for (template, text, want) in [
        (false, "1 + 1 = 2 & più", "Body=1+%2B+1+%3D+2+%26+pi%C3%B9"),
        (true, "Say \"go\"?", "ContentSid=HX1&ContentVariables=%7B%221%22%3A%22Say+%5C%22go%5C%22%3F%22%7D"),
    ] {
        let fake = Fake::new([sent()]).await;
        assert_eq!(fake.twilio.send(order(template, text)).await, Ok(MessageId(name("IM", '1'))));
        assert_eq!(fake.seen(), [format!("{path} {attributes}&{want}")]);
    }
}

#[tokio::test]
async fn without_a_template_nothing_is_sent_as_one() {
    let twilio = TwilioConversations::new(ConversationsConfig { template: None, ..config(API_URL.to_owned()) });
    let error = twilio.unwrap().send(order(true, "Shall I?")).await.unwrap_err();
    assert_eq!((error.class, error.code.as_deref()), (MessagingClass::Configuration, None));
    assert!(error.message.contains("CALLME_WHATSAPP_TEMPLATE_SID"), "{error}");
}

#[tokio::test]
async fn each_refusal_of_a_message_has_its_class() {
    use MessagingClass::{BadNumber, Closed, Configuration, OptIn, OptedOut, Permanent, Transient, Unknown, Window};
    for (status, code, class) in [
        (400, 63015, OptIn),
        (400, 63016, Window),
        (400, 21610, OptedOut),
        (403, 21610, OptedOut),
        (400, 63014, OptedOut),
        (400, 63003, BadNumber),
        (400, 63024, BadNumber),
        (400, 21211, BadNumber),
        (400, 63007, Configuration),
        (400, 63008, Configuration),
        (400, 21606, Configuration),
        (400, 21656, Configuration),
        (400, 92006, Configuration),
        (400, 50408, Configuration),
        (400, 50412, Configuration),
        (401, 20003, Configuration),
        (403, 20403, Configuration),
        (401, 0, Configuration),
        (403, 0, Configuration),
        (400, 50377, Closed),
        (404, 20404, Closed),
        (404, 0, Permanent),
        (429, 20429, Transient),
        (429, 0, Transient),
        (400, 63018, Transient),
        (400, 63032, Permanent),
        (400, 63013, Permanent),
        (400, 21619, Permanent),
        (408, 0, Unknown),
        (500, 20500, Unknown),
        (503, 20503, Unknown),
        (302, 0, Unknown),
    ] {
        let fake = Fake::new([refusal(status, code, "Not to whatsapp:+393331234567, see https://ex.org/")]).await;
        let error = fake.twilio.send(order(false, "Shall I deploy?")).await.unwrap_err();
        assert_eq!((error.class, error.code), (class, Some(code.to_string())), "{status}");
        assert_eq!((error.message.as_str(), error.retry_after), ("Not to whatsapp:+…67, see", None));
        assert_eq!(fake.seen().len(), 1, "nothing is sent twice");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_leaves_it_unknown() {
    for body in ["", "<html>", "{}", r#"{"sid":"x"}"#, r#"{"sid":"SM0123456789abcdef0123456789abcdef"}"#] {
        let fake = Fake::new([(201, Vec::new(), body.to_owned())]).await;
        let error = fake.twilio.send(order(false, "Shall I?")).await.unwrap_err();
        assert_eq!(error.class, MessagingClass::Unknown, "{body}");
    }
}

#[tokio::test]
async fn a_carrier_that_is_not_there_was_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let twilio = TwilioConversations::new(config(format!("http://{}", listener.local_addr().unwrap()))).unwrap();
    drop(listener);
    let error = twilio.send(order(false, "Shall I?")).await.unwrap_err();
    assert_eq!((error.class, error.message.as_str()), (MessagingClass::Transient, "Twilio could not be reached"));
}

#[tokio::test]
async fn a_wish_to_be_asked_later_is_passed_on_within_reason() {
    let now = ("date", "Fri, 21 Aug 2026 09:30:00 GMT");
    for (headers, want) in [
        (vec![], None),
        (vec![("retry-after", "0")], Some(0)),
        (vec![("retry-after", "7")], Some(7)),
        (vec![("retry-after", "86400")], Some(3600)),
        (vec![("retry-after", "-7")], None),
        (vec![("retry-after", "soon")], None),
        (vec![("retry-after", "Fri, 21 Aug 2026 09:30:12 GMT"), now], Some(12)),
        (vec![("retry-after", "Fri, 21 Aug 2026 09:29:00 GMT"), now], Some(0)),
        (vec![("retry-after", "Sat, 22 Aug 2026 09:30:00 GMT"), now], Some(3600)),
        (vec![("retry-after", "Fri, 21 Aug 2026 09:30:12 GMT"), ("date", "today")], None),
    ] {
        for status in [429, 503] {
            let fake = Fake::new([(status, headers.clone(), String::new())]).await;
            let error = fake.twilio.send(order(false, "Shall I?")).await.unwrap_err();
            assert_eq!(error.retry_after, want.map(Duration::from_secs), "{headers:?}");
        }
    }
}

#[tokio::test]
async fn the_newest_messages_say_whose_they_are() {
    let message = |end, author: &str, body: Value, attributes: &str| {
        json!({"sid": name("IM", end), "author": author, "body": body, "attributes": attributes, "media": null,
            "participant_sid": null, "index": 0, "date_created": "2026-08-21T09:30:00Z"})
    };
    let them = format!("whatsapp:{PERSON}");
    let mut photo = message('4', &them, Value::Null, "{}");
    photo["media"] = json!([{"sid": "ME1", "content_type": "image/jpeg", "filename": null, "size": 7}]);
    let page = json!({"meta": {"next_page_url": "https://ex.org/"}, "messages": [
        message('1', "callme", json!("Shall I?"), r#"{"callme":"call-1-5.2"}"#),
        message('2', &them, json!(" Yes, do \n"), "{}"),
        message('3', "system", json!("Hello"), "not JSON"),
        photo,
        message('5', &them, json!("  "), "{}"),
        message('6', "whatsapp:+390600000000", json!("Me too"), "{}"),
        message('7', "colleague", json!("And I"), "{}"),
        message('8', &format!("whatsapp:{SENDER}"), json!("From the console"), r#"{"callme":7}"#),
    ]});
    let fake = Fake::new([answer(200, &page)]).await;
    let latest = fake.twilio.latest(&conversation('c'), &person()).await.unwrap();
    let path = format!("GET /v1/Conversations/{}/Messages?Order=desc&PageSize=50", name("CH", 'c'));
    assert_eq!(fake.seen(), [path]);

    let said = |text: &str| Author::Person(PersonText(text.to_owned()));
    let want = [
        ('1', Author::Us(Some(mark()))),
        ('2', said("Yes, do")),
        ('3', Author::Us(None)),
        ('4', said("[photo]")),
        ('8', Author::Us(None)),
    ];
    let at = Millis(1_787_304_600_000);
    let want = want.map(|(end, author)| PastMessage { message: MessageId(name("IM", end)), author, at });
    assert_eq!(latest, want);
    assert_harmless(&format!("{latest:?}"));
}

#[tokio::test]
async fn a_list_of_messages_that_cannot_be_read_is_no_empty_list() {
    for page in [
        json!({}),
        json!({"messages": [{"sid": name("IM", '1'), "author": "callme"}]}),
        json!({"messages": [{"sid": name("IM", '1'), "author": "callme", "date_created": "yesterday"}]}),
        json!({"messages": [{"sid": "?", "author": "callme", "date_created": "2026-08-21T09:30:00Z"}]}),
    ] {
        let fake = Fake::new([answer(200, &page)]).await;
        let error = fake.twilio.latest(&conversation('c'), &person()).await.unwrap_err();
        assert_eq!(error.class, MessagingClass::Unknown, "{page}");
    }
    let fake = Fake::new([refusal(404, 20404, "The requested resource was not found")]).await;
    let error = fake.twilio.latest(&conversation('c'), &person()).await.unwrap_err();
    assert_eq!(error.class, MessagingClass::Closed);
}

/// What became of a message, as its receipts have it: `None`, whether it arrived, or a class and code.
async fn outcome(receipts: Value) -> Option<Result<bool, (MessagingClass, Option<String>)>> {
    let fake = Fake::new([answer(200, &json!({"delivery_receipts": receipts, "meta": {}}))]).await;
    let receipt = fake.twilio.receipt(&conversation('c'), &MessageId(name("IM", '1'))).await.unwrap();
    let path = format!("GET /v1/Conversations/{}/Messages/{}/Receipts", name("CH", 'c'), name("IM", '1'));
    assert_eq!(fake.seen(), [path]);
    receipt.map(|receipt| {
        assert_eq!(receipt.message, MessageId(name("IM", '1')));
        match receipt.delivery {
            Delivery::Underway => Ok(false),
            Delivery::Fine => Ok(true),
            Delivery::Failed(error) => Err((error.class, error.code)),
        }
    })
}

#[tokio::test]
async fn a_receipt_says_what_became_of_a_message_and_a_failure_first() {
    let receipt = |status: &str, code: Value| json!({"status": status, "error_code": code, "sid": name("DY", '1')});
    let failed = |class, code: Option<u32>| Some(Err((class, code.map(|code| code.to_string()))));
    for (receipts, want) in [
        (json!([]), None),
        (json!([receipt("queued", json!(0))]), None),
        (json!([receipt("sent", Value::Null)]), Some(Ok(false))),
        (json!([receipt("sent", json!(0)), receipt("delivered", json!(0))]), Some(Ok(true))),
        (json!([receipt("read", json!(0)), receipt("sent", json!(0))]), Some(Ok(true))),
        (json!([receipt("delivered", json!(0))]), Some(Ok(true))),
        (json!([receipt("read", json!(0))]), Some(Ok(true))),
        (json!([{"status": "read"}]), Some(Ok(true))),
        (json!([receipt("undelivered", json!(63016))]), failed(MessagingClass::Window, Some(63016))),
        (json!([receipt("failed", json!("63015"))]), failed(MessagingClass::OptIn, Some(63015))),
        (json!([receipt("failed", json!(63018))]), failed(MessagingClass::Transient, Some(63018))),
        (json!([receipt("failed", json!(63032))]), failed(MessagingClass::Permanent, Some(63032))),
        (json!([receipt("failed", json!(0))]), failed(MessagingClass::Permanent, None)),
        (json!([receipt("failed", json!("call +393331234567"))]), failed(MessagingClass::Permanent, None)),
        (json!([receipt("failed", json!("393331234567"))]), failed(MessagingClass::Permanent, None)),
        (json!([receipt("failed", json!(393_331_234_567_u64))]), failed(MessagingClass::Permanent, None)),
        (
            json!([receipt("delivered", json!(0)), receipt("failed", json!(63024)), receipt("failed", json!(63016))]),
            failed(MessagingClass::BadNumber, Some(63024)),
        ),
    ] {
        assert_eq!(outcome(receipts.clone()).await, want, "{receipts}");
    }
}

#[tokio::test]
async fn a_receipt_names_the_message_as_the_channel_does() {
    for (written, want) in [(name("SM", '2'), Some(name("SM", '2'))), (name("IM", '2'), None), (String::new(), None)] {
        let page = json!({"delivery_receipts": [{"status": "read", "channel_message_sid": written}]});
        let fake = Fake::new([answer(200, &page)]).await;
        let receipt = fake.twilio.receipt(&conversation('c'), &MessageId(name("IM", '1'))).await.unwrap().unwrap();
        assert_eq!(receipt.channel_message, want.map(MessageId));
    }
}

//! Each kind of event, and what it is taken for.

use serde_json::json;

use super::*;
use crate::domain::messaging::{Delivery, Receipt};
use crate::domain::text::BadWords;

const US: &str = "+390612345678";
const SMS: &str = "+390687654321";
const PERSON: &str = "+393331234567";
const PROFILE: &str = "0f512bda-ae1e-4597-8e11-e5f5686b97d3";
const NAME: &str = "7ee4241c-f127-47e5-9c34-3aac291f8058";

fn number(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).unwrap()
}

fn webhooks() -> TelnyxMessageWebhooks {
    TelnyxMessageWebhooks::new(number(US), Some(number(SMS)), Some(PROFILE.to_owned()), HashKey::new(b"a key"))
}

fn wrap(kind: &str, payload: &Value) -> Vec<u8> {
    let data = json!({"record_type": "event", "event_type": kind, "id": "e-1", "payload": payload});
    json!({"data": data, "meta": {"attempt": 1}}).to_string().into_bytes()
}

/// A message of WhatsApp's as it comes in.
fn message(body: Value) -> Value {
    json!({"id": NAME, "direction": "inbound", "type": "WHATSAPP", "from": {"phone_number": PERSON}, "to": US,
        "messaging_profile_id": PROFILE, "body": body})
}

fn received(payload: &Value) -> MessageNews {
    webhooks().parse(&wrap("message.received", payload))
}

#[test]
fn what_the_person_writes_is_read_in_each_of_its_shapes() {
    let place = json!({"latitude": 45.5, "longitude": 9.25, "name": "Here"});
    for (body, want) in [
        (json!({"type": "text", "text": {"body": " Yes.\u{202e} "}}), "Yes."),
        (json!({"type": "button", "button": {"text": "Go", "payload": "x"}}), "Go"),
        (json!({"type": "interactive", "interactive": {"button_reply": {"id": "1", "title": "Go"}}}), "Go"),
        (json!({"type": "interactive", "interactive": {"list_reply": {"id": "1", "title": "Go"}}}), "Go"),
        (json!({"type": "image", "image": {"caption": "This one"}}), "This one\n[photo]"),
        (json!({"type": "audio", "audio": {}}), "[voice message]"),
        (json!({"type": "document", "document": {}}), "[file]"),
        (json!({"type": "location", "location": place}), "[place 45.5, 9.25, Here]"),
    ] {
        let MessageNews::Inbound { from, message, .. } = received(&message(body.clone())) else {
            panic!("{body} is a message")
        };
        assert_eq!((from, message.text.as_str(), message.message.as_str()), (number(PERSON), want, NAME));
        assert_eq!(
            (message.conversation, message.quotes),
            (webhooks().conversation(Channel::WhatsApp, &number(PERSON)), None)
        );
    }
}

#[test]
fn a_sender_is_known_in_each_shape_of_both_numbers() {
    for (from, to) in [
        (json!({"phone_number": PERSON}), json!(US)),
        (json!(PERSON), json!(US)),
        (json!("393331234567"), json!("390612345678")),
        (json!({"phone_number": PERSON}), json!([{"phone_number": US, "status": "webhook_delivered"}])),
        (json!({"phone_number": PERSON}), json!([{"phone_number": "+390600000000"}, {"phone_number": US}])),
    ] {
        let payload = json!({"id": NAME, "from": from, "to": to, "text": "Yes."});
        assert!(matches!(received(&payload), MessageNews::Inbound { .. }), "{payload}");
        let sender = webhooks().sender_of(&wrap("message.received", &payload)).expect("somebody wrote");
        assert_eq!(sender.from, Some(number(PERSON)), "{payload}");
        assert_eq!(sender.conversation, webhooks().conversation(Channel::WhatsApp, &number(PERSON)));
    }
}

#[test]
fn a_quote_names_the_message_as_the_channel_does() {
    let body = json!({"type": "text", "text": {"body": "Yes."}, "context": {"id": "wamid.HBgMMzkz="}});
    let MessageNews::Inbound { message, .. } = received(&message(body)) else { panic!("a message") };
    assert_eq!(message.quotes, Some(MessageId("wamid.HBgMMzkz=".to_owned())));
}

#[test]
fn what_is_not_for_us_is_nothing_and_counts_for_nobody() {
    let text = || message(json!({"type": "text", "text": {"body": "Yes."}}));
    let with = |name: &str, value: Value| {
        let mut payload = text();
        payload[name] = value;
        payload
    };
    for (kind, payload) in [
        ("message.received", with("messaging_profile_id", json!("another"))),
        ("message.received", with("to", json!("+390600000000"))),
        ("message.received", with("to", json!([]))),
        ("message.received", with("direction", json!("outbound"))),
        ("message.received", with("from", json!(US))),
        ("message.of.the.future", text()),
        ("call.answered", json!({})),
    ] {
        let body = wrap(kind, &payload);
        assert_eq!(webhooks().parse(&body), MessageNews::Nothing, "{kind} {payload}");
        assert_eq!(webhooks().sender_of(&body), None, "{kind} {payload}");
    }
}

#[test]
fn what_should_be_a_message_and_is_none_is_said_to_be_so_and_counted() {
    let text = |text: &str| json!({"type": "text", "text": {"body": text}});
    let mut nobody = message(text("Yes."));
    nobody["from"] = json!({"phone_number": "nobody"});
    let mut nameless = message(text("Yes."));
    nameless["id"] = json!(null);
    for (body, want) in [
        (b"".to_vec(), "no event"),
        (b"From=x&Body=y".to_vec(), "no event"),
        (br#"{"data":{}}"#.to_vec(), "no event"),
        (wrap("message.received", &nobody), "an author who is no number"),
        (wrap("message.received", &nameless), "a message without a name"),
        (wrap("message.received", &message(json!({"type": "reaction", "reaction": {}}))), "a message without a body"),
    ] {
        assert_eq!(webhooks().parse(&body), MessageNews::Bad(want), "{}", String::from_utf8_lossy(&body));
        assert!(webhooks().sender_of(&body).is_some(), "{want}");
    }
    for (words, why) in [
        (" \u{feff}".to_owned(), BadWords::Empty),
        ("x".repeat(65_537), BadWords::TooLong { length: 65_537, longest: 65_536 }),
    ] {
        let MessageNews::Refused { why: told, .. } = received(&message(text(&words))) else { panic!("refused") };
        assert_eq!(told, why);
    }
}

#[test]
fn receipts_tell_what_became_of_a_message_of_ours_and_count_for_nobody() {
    for (kind, status, want) in [
        ("message.sent", "sent", Delivery::Underway),
        ("message.finalized", "delivered", Delivery::Fine),
        ("message.read", "read", Delivery::Fine),
    ] {
        let payload = json!({"id": NAME, "direction": "outbound", "from": {"phone_number": US},
            "to": [{"phone_number": PERSON, "status": status}], "body": {"foreign_id": "wamid.A"}});
        let body = wrap(kind, &payload);
        let channel_message = Some(MessageId("wamid.A".to_owned()));
        let want = Receipt { message: MessageId(NAME.to_owned()), channel_message, delivery: want };
        assert_eq!(webhooks().parse(&body), MessageNews::Receipt(want), "{kind}");
        assert_eq!(webhooks().sender_of(&body), None);
    }
    let nameless = wrap("message.finalized", &json!({"direction": "outbound"}));
    assert_eq!(webhooks().parse(&nameless), MessageNews::Bad("a receipt without a name"));
}

/// A text as it comes in by SMS.
fn sms(name: &str, value: Value) -> Vec<u8> {
    let mut payload = json!({"id": NAME, "direction": "inbound", "type": "SMS", "messaging_profile_id": PROFILE,
        "from": {"phone_number": PERSON, "carrier": "", "line_type": "Wireless"},
        "to": [{"phone_number": SMS, "status": "webhook_delivered"}], "text": "Yes.", "media": [], "errors": []});
    payload[name] = value;
    wrap("message.received", &payload)
}

#[test]
fn a_text_to_our_number_is_the_persons_and_belongs_to_no_conversation() {
    let photo = json!([{"url": "https://ex.org/1", "content_type": "image/jpeg"}]);
    for (body, want) in [
        (sms("id", json!(NAME)), "Yes."),
        (sms("type", json!("MMS")), "Yes."),
        (sms("media", photo), "Yes.\n[photo]"),
        (sms("text", json!("é".repeat(2_000))), &*"é".repeat(2_000)),
    ] {
        let MessageNews::Inbound { from, channel, message } = webhooks().parse(&body) else { panic!("a message") };
        assert_eq!((from, channel, message.text.as_str()), (number(PERSON), Channel::Sms, want));
        assert_eq!((message.message.as_str(), message.conversation, message.quotes), (NAME, None, None));
        let sender = Sender { from: Some(number(PERSON)), conversation: None };
        assert_eq!(webhooks().sender_of(&body), Some(sender));
    }
    let MessageNews::Refused { channel, why, .. } = webhooks().parse(&sms("text", json!("é".repeat(2_001)))) else {
        panic!("it is refused")
    };
    assert_eq!((channel, why), (Channel::Sms, BadWords::TooLong { length: 2_001, longest: 2_000 }));
}

#[test]
fn a_text_that_is_not_for_us_is_nothing() {
    let without = TelnyxMessageWebhooks::new(number(US), None, Some(PROFILE.to_owned()), HashKey::new(b"a key"));
    for (webhooks, body) in [
        (webhooks(), sms("to", json!([{"phone_number": US}]))),
        (webhooks(), sms("messaging_profile_id", json!("another"))),
        (webhooks(), sms("from", json!({"phone_number": SMS}))),
        (webhooks(), sms("direction", json!("outbound"))),
        // WhatsApp's goes to the number of its sender.
        (webhooks(), sms("type", json!("WHATSAPP"))),
        (without, sms("id", json!(NAME))),
    ] {
        assert_eq!((webhooks.parse(&body), webhooks.sender_of(&body)), (MessageNews::Nothing, None));
    }
}

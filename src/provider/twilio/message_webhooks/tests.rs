//! Webhooks as Twilio sends them in both dialects, what is none, and what is not for us.

use proptest::prelude::*;

use super::*;
use crate::provider::{BadWords, Delivery, MessagingClass};

mod cleaning;
mod sender;
mod sms;

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const PERSON: &str = "+393331234567";
const SENDER: &str = "+390612345678";
const SMS: &str = "+390687654321";
const HEX: &str = "0123456789abcdef0123456789abcdef";

fn webhooks() -> TwilioMessageWebhooks {
    let number = |text| PhoneNumber::parse(text).unwrap();
    TwilioMessageWebhooks::new(ACCOUNT.to_owned(), number(SENDER), Some(number(SMS)))
}

/// Fields as a body; of repeated names the last counts, and `-` takes a field away.
fn body(fields: &[(&str, &str)]) -> String {
    let mut kept: Vec<(&str, &str)> = Vec::new();
    for &(name, value) in fields {
        kept.retain(|(known, _)| *known != name);
        kept.push((name, value));
    }
    kept.retain(|(_, value)| *value != "-");
    form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
}

fn parse(fields: &[(&str, &str)]) -> MessageNews {
    let news = webhooks().parse(body(fields).as_bytes());
    let shown = format!("{news:?}");
    assert!(!shown.contains(&PERSON[3..]) && !shown.contains("grazie"), "{shown}");
    news
}

fn sid(kind: &str) -> String {
    format!("{kind}{HEX}")
}

/// `onMessageAdded` with `changes`.
fn added(changes: &[(&str, &str)]) -> MessageNews {
    let (conversation, message, author) = (sid("CH"), sid("IM"), format!("whatsapp:{PERSON}"));
    let usual = [
        ("EventType", "onMessageAdded"),
        ("AccountSid", ACCOUNT),
        ("ChatServiceSid", "IS1"),
        ("ConversationSid", &conversation),
        ("MessageSid", &message),
        ("Index", "3"),
        ("DateCreated", "2026-08-21T09:40:00.123Z"),
        ("Body", "Ok grazie"),
        ("Author", &author),
        ("ParticipantSid", "MB1"),
        ("Attributes", "{}"),
        ("Source", "WHATSAPP"),
        ("RetryCount", "0"),
    ];
    parse(&[&usual, changes].concat())
}

/// An inbound message of plain Messaging with `changes`.
fn received(changes: &[(&str, &str)]) -> MessageNews {
    let (message, from, to) = (sid("SM"), format!("whatsapp:{PERSON}"), format!("whatsapp:{SENDER}"));
    let usual = [
        ("SmsMessageSid", message.as_str()),
        ("NumMedia", "0"),
        ("ProfileName", "Ada"),
        ("MessageType", "text"),
        ("SmsSid", &message),
        ("WaId", &PERSON[1..]),
        ("SmsStatus", "received"),
        ("Body", "Ok grazie"),
        ("To", &to),
        ("NumSegments", "1"),
        ("ReferralNumMedia", "0"),
        ("MessageSid", &message),
        ("AccountSid", ACCOUNT),
        ("From", &from),
        ("ApiVersion", "2010-04-01"),
    ];
    parse(&[&usual, changes].concat())
}

/// The words of an inbound message, checked to be the person's.
fn words_of(news: MessageNews) -> String {
    let MessageNews::Inbound { from, message, .. } = news else { panic!("{news:?}") };
    assert_eq!(from.reveal(), PERSON);
    message.text.as_str().to_owned()
}

#[test]
fn a_message_is_read_in_both_dialects() {
    let MessageNews::Inbound { from, message, .. } = added(&[]) else { panic!() };
    assert_eq!(from.reveal(), PERSON);
    assert_eq!(message.message, MessageId(sid("IM")));
    assert_eq!(message.conversation, Some(ConversationId(sid("CH"))));
    assert_eq!((message.quotes, message.text.as_str()), (None, "Ok grazie"));

    let MessageNews::Inbound { from, message, .. } = received(&[("OriginalRepliedMessageSid", &sid("MM"))]) else {
        panic!()
    };
    assert_eq!(from.reveal(), PERSON);
    assert_eq!(message.message, MessageId(sid("SM")));
    assert_eq!((message.conversation, message.quotes), (None, Some(MessageId(sid("MM")))));
    assert_eq!(message.text.as_str(), "Ok grazie");
}

#[test]
fn names_in_any_case_are_the_same_names() {
    let (conversation, message) = (format!("ch{}", HEX.to_uppercase()), format!("Im{}", HEX.to_uppercase()));
    let changes = [("ConversationSid", conversation.as_str()), ("MessageSid", &message), ("EventType", "-")];
    assert_eq!(added(&changes), added(&[]));
}

#[test]
fn a_message_without_a_name_is_known_again_by_what_it_says() {
    let webhooks = webhooks();
    let named = |changes: &[(&str, &str)]| {
        let (conversation, author) = (sid("CH"), format!("whatsapp:{PERSON}"));
        let usual = [("AccountSid", ACCOUNT), ("ConversationSid", &conversation), ("Author", &author), ("Body", "Yes")];
        let news = webhooks.parse(body(&[&usual, changes].concat()).as_bytes());
        let MessageNews::Inbound { message, .. } = news else { panic!("{news:?}") };
        message.message
    };
    let first = named(&[("Index", "3")]);
    assert!(first.as_str().starts_with(&sid("CH")) && !first.as_str().contains("Yes"), "{first:?}");
    assert_eq!(named(&[("Index", "3"), ("RetryCount", "1")]), first);
    for other in [&[("Index", "4")][..], &[("Index", "3"), ("Body", "No")], &[]] {
        assert_ne!(named(other), first, "{other:?}");
    }
}

#[test]
fn what_was_sent_beside_or_instead_of_words_is_named() {
    let photo = r#"[{"Sid":"ME1","Filename":"a.jpg","ContentType":"image/jpeg","Size":7,"Category":"media"}]"#;
    for (changes, want) in [
        (&[("Body", "-"), ("Media", photo)][..], "[photo]"),
        (&[("Body", ""), ("Media", photo)], "[photo]"),
        (&[("Body", "Look"), ("Media", photo)], "Look\n[photo]"),
        (&[("Body", "-"), ("Media", r#"[{"ContentType":"audio/ogg"},{}]"#)], "[voice message]\n[file]"),
        (&[("Media", "not JSON")], "Ok grazie"),
        (&[("Media", r#"{"ContentType":"image/jpeg"}"#)], "Ok grazie"),
    ] {
        assert_eq!(words_of(added(changes)), want, "{changes:?}");
    }
    for (changes, want) in [
        (&[("Body", ""), ("NumMedia", "1"), ("MediaContentType0", "image/jpeg")][..], "[photo]"),
        (
            &[
                ("Body", "-"),
                ("NumMedia", "2"),
                ("MediaContentType0", "video/mp4"),
                ("MediaContentType1", "text/vcard"),
            ],
            "[video]\n[contact]",
        ),
        (&[("Body", ""), ("NumMedia", "99999999999999999999")], ""),
        (&[("Body", "Look"), ("NumMedia", "1")], "Look\n[file]"),
        (&[("Body", ""), ("ButtonText", "Yes, deploy"), ("ButtonPayload", "y")], "Yes, deploy"),
        (&[("Body", "Deploy"), ("ButtonText", "Yes, deploy")], "Deploy"),
        (
            &[("Body", ""), ("Latitude", "45.46"), ("Longitude", "9.19"), ("Label", "Duomo"), ("Address", "Milano")],
            "[place 45.46, 9.19, Duomo, Milano]",
        ),
        (&[("Body", "Here"), ("Latitude", "45.46"), ("Longitude", "east")], "Here"),
    ] {
        if want.is_empty() {
            assert_eq!(refusal_of(received(changes)), BadWords::Empty);
        } else {
            assert_eq!(words_of(received(changes)), want, "{changes:?}");
        }
    }
}

#[test]
fn our_own_echo_is_nothing() {
    let us = format!("whatsapp:{SENDER}");
    for changes in [
        &[("Source", "API")][..],
        // Before anything else is looked at.
        &[("Source", "API"), ("Author", "-"), ("ConversationSid", "?"), ("Body", "-")],
        &[("Author", "system")],
        &[("Author", "callme"), ("Body", "-")],
        &[("Author", &us)],
        &[("Author", SENDER)],
        &[("EventType", "-"), ("Author", "callme")],
    ] {
        assert_eq!(added(changes), MessageNews::Nothing, "{changes:?}");
    }
    assert_eq!(received(&[("From", &us)]), MessageNews::Nothing);
}

#[test]
fn another_account_and_other_events_are_nothing() {
    for other in ["AC00000000000000000000000000000002", "ac00000000000000000000000000000001", "AC1"] {
        assert_eq!(added(&[("AccountSid", other)]), MessageNews::Nothing);
        assert_eq!(received(&[("AccountSid", other)]), MessageNews::Nothing);
        assert_eq!(updated(&[("AccountSid", other)]), MessageNews::Nothing);
    }
    for event in ["onMessageAdd", "onMessageUpdated", "onConversationStateUpdated", "onParticipantAdded", "whatever"] {
        assert_eq!(added(&[("EventType", event)]), MessageNews::Nothing, "{event}");
    }
}

#[test]
fn what_should_be_a_message_and_is_none_has_a_reason() {
    let long = "é".repeat(65_537);
    let (person, chat) = (format!("whatsapp:{PERSON}"), sid("XX"));
    for (changes, want) in [
        // What is missing is said first, then what has the wrong form, then what the text is like.
        (&[("AccountSid", "-"), ("Author", "-")][..], "no account"),
        (&[("ConversationSid", "-"), ("Author", "me")], "a message without a conversation"),
        (&[("ConversationSid", "CH1"), ("Author", "-")], "a message without an author"),
        (&[("ConversationSid", "CH1"), ("Body", "-")], "a message without a body"),
        (&[("ConversationSid", "CH1"), ("MessageSid", "IM1")], "a conversation's name of the wrong form"),
        (&[("ConversationSid", &chat)], "a conversation's name of the wrong form"),
        (&[("MessageSid", "IM1"), ("Author", "me")], "a message's name of the wrong form"),
        (&[("MessageSid", &chat)], "a message's name of the wrong form"),
        (&[("Author", "me"), ("Body", &long)], "an author who is no WhatsApp number"),
        (&[("Author", PERSON)], "an author who is no WhatsApp number"),
        (&[("Author", "whatsapp:393331234567")], "an author who is no WhatsApp number"),
        (&[("Author", "whatsapp:+0393331234567")], "an author who is no WhatsApp number"),
        (&[("Author", "whatsapp:+123456")], "an author who is no WhatsApp number"),
        (&[("Author", "whatsapp:+1234567890123456")], "an author who is no WhatsApp number"),
        (&[("Author", "WhatsApp:+393331234567")], "an author who is no WhatsApp number"),
        (&[("Author", &format!("{person} "))], "an author who is no WhatsApp number"),
    ] {
        assert_eq!(added(changes), MessageNews::Bad(want), "{changes:?}");
    }
    for (changes, want) in [
        (&[("From", "-"), ("Body", "-")][..], "a message without an author"),
        (&[("Body", "-"), ("MessageSid", "-")], "a message without a body"),
        (&[("MessageSid", "-"), ("From", "me")], "a message without a name"),
        (&[("MessageSid", "SM1")], "a message's name of the wrong form"),
        (&[("From", PERSON)], "an author who is no WhatsApp number"),
    ] {
        assert_eq!(received(changes), MessageNews::Bad(want), "{changes:?}");
    }
    for nonsense in [&b""[..], b"\xff\xfe&=&==&%", b"{\"AccountSid\":\"AC00000000000000000000000000000001\"}"] {
        assert_eq!(webhooks().parse(nonsense), MessageNews::Bad("no account"));
    }
}

/// Why a message is refused, checked to be the person's.
fn refusal_of(news: MessageNews) -> BadWords {
    let MessageNews::Refused { from, message, why, .. } = news else { panic!("{news:?}") };
    assert_eq!((from.reveal(), &message.as_str()[2..]), (PERSON, HEX));
    why
}

/// `onDeliveryUpdated` with `changes`.
fn updated(changes: &[(&str, &str)]) -> MessageNews {
    let (conversation, message, channel) = (sid("CH"), sid("IM"), sid("SM"));
    let usual = [
        ("EventType", "onDeliveryUpdated"),
        ("AccountSid", ACCOUNT),
        ("ConversationSid", &conversation),
        ("MessageSid", &message),
        ("DeliveryReceiptSid", "DY1"),
        ("ChannelMessageSid", &channel),
        ("Status", "undelivered"),
        ("ErrorCode", "63016"),
    ];
    parse(&[&usual, changes].concat())
}

/// A status callback of plain Messaging with `changes`.
fn status(changes: &[(&str, &str)]) -> MessageNews {
    let (message, from, to) = (sid("MM"), format!("whatsapp:{SENDER}"), format!("whatsapp:{PERSON}"));
    let usual = [
        ("AccountSid", ACCOUNT),
        ("MessageSid", message.as_str()),
        ("SmsSid", &message),
        ("MessageStatus", "undelivered"),
        ("SmsStatus", "undelivered"),
        ("ErrorCode", "63016"),
        ("From", &from),
        ("To", &to),
    ];
    parse(&[&usual, changes].concat())
}

#[test]
fn a_receipt_is_read_in_both_dialects() {
    let MessageNews::Receipt(receipt) = updated(&[]) else { panic!() };
    assert_eq!((receipt.message, receipt.channel_message), (MessageId(sid("IM")), Some(MessageId(sid("SM")))));
    let Delivery::Failed(error) = receipt.delivery else { panic!("{:?}", receipt.delivery) };
    assert_eq!((error.class, error.code.as_deref()), (MessagingClass::Window, Some("63016")));

    let MessageNews::Receipt(receipt) = status(&[]) else { panic!() };
    assert_eq!((receipt.message, receipt.channel_message), (MessageId(sid("MM")), None));
    let Delivery::Failed(error) = receipt.delivery else { panic!("{:?}", receipt.delivery) };
    assert_eq!(error.class, MessagingClass::Window);
}

#[test]
fn a_receipt_without_news_is_nothing_and_one_without_sense_is_bad() {
    let (underway, fine) = (Some(Delivery::Underway), Some(Delivery::Fine));
    for (word, want) in
        [("sent", underway), ("delivered", fine.clone()), ("read", fine), ("queued", None), ("musing", None)]
    {
        let none = ("ErrorCode", "");
        let [update, status, old] = [
            updated(&[("Status", word), none]),
            status(&[("MessageStatus", word), ("SmsStatus", word), none]),
            status(&[("MessageStatus", "-"), ("SmsStatus", word), none]),
        ]
        .map(|news| match news {
            MessageNews::Receipt(receipt) => Some(receipt.delivery),
            news => {
                assert_eq!(news, MessageNews::Nothing, "{word}");
                None
            }
        });
        assert_eq!([&update, &status, &old], [&want; 3], "{word}");
    }
    for (news, want) in [
        (updated(&[("Status", "-")]), "a receipt without a status"),
        // The name that some documents give it.
        (updated(&[("Status", "-"), ("DeliveryStatus", "read")]), "a receipt without a status"),
        (updated(&[("MessageSid", "-")]), "a message without a name"),
        (status(&[("MessageSid", "SM1")]), "a message's name of the wrong form"),
    ] {
        assert_eq!(news, MessageNews::Bad(want));
    }
}

/// A body that has a chance to be taken for a message: known fields, each with a likely value or any.
fn form() -> impl Strategy<Value = String> {
    let value = |likely: Vec<String>| prop_oneof![4 => prop::sample::select(likely), 1 => ".{0,40}"];
    let likely = [
        ("EventType", vec!["onMessageAdded".to_owned(), "onDeliveryUpdated".to_owned(), String::new()]),
        ("ConversationSid", vec![sid("CH")]),
        ("MessageSid", vec![sid("IM"), sid("SM")]),
        ("Author", vec![format!("whatsapp:{PERSON}"), "callme".to_owned()]),
        ("From", vec![format!("whatsapp:{PERSON}"), format!("whatsapp:{SENDER}")]),
        ("Body", vec!["Ok".to_owned(), String::new()]),
        ("Media", vec!["[{}]".to_owned(), "[1]".to_owned()]),
        ("NumMedia", vec!["1".to_owned(), "-1".to_owned()]),
        ("Status", vec!["read".to_owned(), "failed".to_owned()]),
        ("MessageStatus", vec!["read".to_owned(), String::new()]),
    ];
    let fields = likely.map(|(name, likely)| prop::option::weighted(0.8, value(likely).prop_map(move |v| (name, v))));
    Vec::from(fields).prop_map(|fields| {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(fields.into_iter().flatten()).finish()
    })
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        prop_assert_eq!(webhooks().parse(&bytes), MessageNews::Bad("no account"));
    }

    #[test]
    fn no_form_of_a_foreign_account_says_anything(form in form(), account in "(AC[0-9a-f]{32})|.{1,40}") {
        let account: String = form_urlencoded::byte_serialize(account.as_bytes()).collect();
        prop_assert_eq!(webhooks().parse(format!("AccountSid={account}&{form}").as_bytes()), MessageNews::Nothing);
    }

    #[test]
    fn no_form_of_ours_is_too_strange_and_words_are_never_empty(form in form()) {
        if let MessageNews::Inbound { message, from, .. } = webhooks().parse(format!("AccountSid={ACCOUNT}&{form}").as_bytes()) {
            prop_assert!(!message.text.as_str().trim().is_empty());
            prop_assert_ne!(from.reveal(), SENDER);
        }
    }
}

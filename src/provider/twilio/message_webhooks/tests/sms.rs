//! What comes by SMS: the same form, with bare numbers.

use super::*;

/// An inbound SMS with `changes`.
fn fields<'a>(changes: &[(&'a str, &'a str)], message: &'a str) -> String {
    let usual = [
        ("ToCountry", "IT"),
        ("SmsMessageSid", message),
        ("NumMedia", "0"),
        ("SmsSid", message),
        ("SmsStatus", "received"),
        ("Body", "Ok grazie"),
        ("To", SMS),
        ("NumSegments", "1"),
        ("MessageSid", message),
        ("AccountSid", ACCOUNT),
        ("From", PERSON),
        ("ApiVersion", "2010-04-01"),
    ];
    body(&[&usual, changes].concat())
}

fn came(changes: &[(&str, &str)]) -> MessageNews {
    webhooks().parse(fields(changes, &sid("SM")).as_bytes())
}

#[test]
fn a_text_to_our_number_is_the_persons_and_belongs_to_no_conversation() {
    let message = Inbound {
        message: MessageId(sid("SM")),
        conversation: None,
        quotes: None,
        text: crate::domain::text::PersonText("Ok grazie".to_owned()),
    };
    let from = PhoneNumber::parse(PERSON).unwrap();
    let sender = webhooks().sender_of(fields(&[], &sid("SM")).as_bytes());
    assert_eq!(sender, Some(Sender { from: Some(from.clone()), conversation: None }));
    assert_eq!(came(&[]), MessageNews::Inbound { from, channel: Channel::Sms, message });
    let MessageNews::Inbound { message, .. } =
        came(&[("Body", ""), ("NumMedia", "1"), ("MediaContentType0", "image/jpeg"), ("MessageSid", &sid("MM"))])
    else {
        panic!("a picture is a message")
    };
    assert_eq!((message.text.as_str(), message.message), ("[photo]", MessageId(sid("MM"))));
}

#[test]
fn what_is_longer_than_an_sms_can_be_is_refused() {
    let (most, more) = ("é".repeat(LONGEST_WRITTEN_BY_SMS), "é".repeat(LONGEST_WRITTEN_BY_SMS + 1));
    assert!(matches!(came(&[("Body", &most)]), MessageNews::Inbound { .. }));
    for (text, want) in [(&*more, BadWords::TooLong { length: 2_001, longest: 2_000 }), (" ", BadWords::Empty)] {
        let MessageNews::Refused { channel, why, .. } = came(&[("Body", text)]) else { panic!("it is refused") };
        assert_eq!((channel, why), (Channel::Sms, want));
    }
}

#[test]
fn what_is_not_for_us_is_nothing_and_counts_for_nobody() {
    for changes in [
        &[("To", SENDER)][..],
        &[("To", "+39")],
        // Our own echo.
        &[("From", SMS)],
        &[("AccountSid", "AC00000000000000000000000000000002")],
    ] {
        let form = fields(changes, &sid("SM"));
        assert_eq!(webhooks().parse(form.as_bytes()), MessageNews::Nothing, "{changes:?}");
        assert_eq!(webhooks().sender_of(form.as_bytes()), None, "{changes:?}");
    }
    let without = TwilioMessageWebhooks::new(ACCOUNT.to_owned(), PhoneNumber::parse(SENDER).unwrap(), None);
    let form = fields(&[], &sid("SM"));
    assert_eq!((without.parse(form.as_bytes()), without.sender_of(form.as_bytes())), (MessageNews::Nothing, None));
}

#[test]
fn what_should_be_a_text_and_is_none_has_a_reason() {
    for (changes, want) in [
        (&[("From", "-"), ("Body", "-")][..], "a message without an author"),
        (&[("Body", "-"), ("MessageSid", "-")], "a message without a body"),
        (&[("MessageSid", "-")], "a message without a name"),
        (&[("MessageSid", "SM1")], "a message's name of the wrong form"),
        // A short code.
        (&[("From", "40404")], "an author who is no number"),
        (&[("From", "whatsapp:+393331234567")], "an author who is no number"),
    ] {
        assert_eq!(came(changes), MessageNews::Bad(want), "{changes:?}");
    }
}

#[test]
fn a_receipt_of_a_text_says_that_it_is_one() {
    let status = |word, code| {
        let changes =
            [("From", SMS), ("To", PERSON), ("SmsStatus", word), ("MessageStatus", word), ("ErrorCode", code)];
        let MessageNews::Receipt(receipt) = came(&changes) else { panic!("a receipt") };
        assert_eq!((receipt.message, receipt.channel_message), (MessageId(sid("SM")), None));
        receipt.delivery
    };
    assert_eq!([status("sent", "-"), status("delivered", "-")], [Delivery::Underway, Delivery::Fine]);
    let Delivery::Failed(error) = status("undelivered", "30005") else { panic!("it failed") };
    assert_eq!((error.class, &*error.message), (MessagingClass::BadNumber, "the SMS was not delivered"));
}

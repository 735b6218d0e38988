//! Who wrote, told before anything else is looked at.

use super::*;

/// Who wrote, and in which conversation, of a body with these fields.
fn sender_of(fields: &[(&str, &str)]) -> Option<(Option<String>, bool)> {
    let sender = webhooks().sender_of(body(fields).as_bytes())?;
    assert!(!format!("{sender:?}").contains(&PERSON[3..]));
    Some((sender.from.map(|from| from.reveal().to_owned()), sender.conversation.is_some()))
}

#[test]
fn the_sender_is_told_of_messages_alone_whatever_else_is_wrong_with_them() {
    let (conversation, person, us) = (sid("CH"), format!("whatsapp:{PERSON}"), format!("whatsapp:{SENDER}"));
    let account = ("AccountSid", ACCOUNT);
    let someone = || Some(PERSON.to_owned());
    for (fields, want) in [
        (&[account, ("ConversationSid", &conversation), ("Author", &person)][..], Some((someone(), true))),
        (&[account, ("ConversationSid", "?"), ("Author", &person)], Some((someone(), false))),
        (&[account, ("EventType", "onMessageAdded"), ("Author", &person)], Some((someone(), false))),
        (&[account, ("EventType", "onMessageAdded"), ("ConversationSid", &conversation)], Some((None, true))),
        (&[account, ("From", &person)], Some((someone(), false))),
        (&[account, ("From", &person), ("SmsStatus", "received")], Some((someone(), false))),
        (&[account, ("From", PERSON)], Some((None, false))),
        (&[account], Some((None, false))),
        (&[("From", &person)], Some((None, false))),
        (&[], Some((None, false))),
        // Receipts, echoes, other events, other accounts.
        (&[account, ("EventType", "onDeliveryUpdated"), ("ConversationSid", &conversation)], None),
        (&[account, ("From", &us), ("MessageStatus", "delivered")], None),
        (&[account, ("From", &person), ("SmsStatus", "sent")], None),
        (&[account, ("From", &us)], None),
        (&[account, ("ConversationSid", &conversation), ("Author", "callme")], None),
        (&[account, ("ConversationSid", &conversation), ("Author", &person), ("Source", "api")], None),
        (&[account, ("EventType", "onConversationAdded"), ("Author", &person)], None),
        (&[("AccountSid", "AC1"), ("ConversationSid", &conversation), ("Author", &person)], None),
    ] {
        assert_eq!(sender_of(fields), want, "{fields:?}");
    }
}

proptest! {
    #[test]
    fn who_is_told_as_sender_is_whom_the_message_is_from(form in form()) {
        let body = format!("AccountSid={ACCOUNT}&{form}");
        let sender = webhooks().sender_of(body.as_bytes());
        match webhooks().parse(body.as_bytes()) {
            MessageNews::Inbound { from, message, .. } => {
                prop_assert_eq!(sender, Some(Sender { from: Some(from), conversation: message.conversation }));
            }
            MessageNews::Refused { from, .. } => prop_assert_eq!(sender.and_then(|sender| sender.from), Some(from)),
            MessageNews::Receipt(_) | MessageNews::Nothing => prop_assert_eq!(sender, None),
            // A message or a receipt with something missing.
            MessageNews::Bad(_) => {}
        }
    }
}

//! Messaging webhooks. The input: a form body.

#![no_main]

use callme::domain::outcome::Channel;
use callme::domain::text::{LONGEST_WRITTEN, LONGEST_WRITTEN_BY_SMS};
use callme::phone_number::PhoneNumber;
use callme::provider::twilio::{TwilioMessageWebhooks, signature};
use callme::provider::{Delivery, MessageNews, MessagingWebhooks as _, Sender};
use callme_fuzz::form::{first, has, shuffled, write};
use callme_fuzz::{ACCOUNT, SENDER, SMS, is_forbidden, is_sid, tells_the_person};
use libfuzzer_sys::fuzz_target;

/// The kinds of name that a message can have.
const MESSAGE: [&str; 3] = ["IM", "SM", "MM"];

/// What beside its text may be named in a message's words, in characters: ten things, or a place with its name and address.
const BESIDE: usize = 10 * 20;

fuzz_target!(|body: &[u8]| {
    let form = signature::fields(body);
    let field = |name| has(&form, name);
    let sender = PhoneNumber::parse(SENDER).expect("it is one");
    let sms = PhoneNumber::parse(SMS).expect("it is one");
    let webhooks = TwilioMessageWebhooks::new(ACCOUNT.to_owned(), sender.clone(), Some(sms.clone()));
    let news = webhooks.parse(body);

    assert!(!tells_the_person(&format!("{news:?}")), "a number is printed");
    match &news {
        MessageNews::Inbound { from, channel, message } => {
            assert_eq!(field("AccountSid"), Some(ACCOUNT));
            // Who wrote it is who it says, and not we ourselves.
            assert_eq!(message.conversation.is_some(), sent_in(&form));
            assert_eq!(author_of(&form), Some(address(*channel, from)));
            assert_ne!(*from, if *channel == Channel::Sms { sms } else { sender.clone() });
            assert!(
                !field("Source").is_some_and(|source| source.eq_ignore_ascii_case("API"))
                    || message.conversation.is_none()
            );
            // Names in one spelling.
            let named = is_sid(&message.message.0, &MESSAGE);
            match &message.conversation {
                Some(conversation) => {
                    assert!(is_sid(&conversation.0, &["CH"]));
                    let own = message.message.0.strip_prefix(&conversation.0).is_some_and(|rest| rest.len() == 17);
                    assert_eq!((named, own), (field("MessageSid").is_some(), field("MessageSid").is_none()));
                }
                None => assert!(named),
            }
            assert!(message.quotes.as_ref().is_none_or(|quoted| is_sid(&quoted.0, &MESSAGE)));
            // Words that can be read, clean, and not more than came.
            let words = message.text.as_str();
            assert!(!words.is_empty() && words.trim() == words && !words.contains(is_forbidden), "{words:?}");
            let longest = if *channel == Channel::Sms { LONGEST_WRITTEN_BY_SMS + 3 * BESIDE } else { LONGEST_WRITTEN };
            assert!(words.chars().count() <= longest);
            let fields = ["Body", "ButtonText", "Latitude", "Longitude", "Label", "Address"];
            let written = fields.map(|name| first(&form, name).unwrap_or_default());
            let most = written.iter().map(|text| text.chars().count()).sum::<usize>() + BESIDE;
            assert!(words.chars().count() <= most, "{words:?}");
        }
        MessageNews::Receipt(receipt) => {
            assert_eq!(field("AccountSid"), Some(ACCOUNT));
            assert!(is_sid(&receipt.message.0, &MESSAGE));
            let status = ["Status", "MessageStatus", "SmsStatus"].map(field);
            let says = |words: &[&str]| status.iter().flatten().any(|status| words.contains(status));
            match &receipt.delivery {
                Delivery::Underway => assert!(says(&["sent"])),
                Delivery::Fine => assert!(says(&["delivered", "read"])),
                Delivery::Failed(error) => {
                    assert!(says(&["failed", "undelivered"]));
                    assert_eq!(error.code.as_deref().and(field("ErrorCode")), error.code.as_deref());
                }
            }
        }
        // Somebody wrote, and nothing of it is taken.
        MessageNews::Refused { from, channel, message, .. } => {
            assert_eq!(field("AccountSid"), Some(ACCOUNT));
            assert_eq!(author_of(&form), Some(address(*channel, from)));
            assert!(is_sid(&message.0, &MESSAGE) || field("MessageSid").is_none());
        }
        // What names no account is for nobody, what names another is for others; the rest lies in the webhook itself.
        MessageNews::Bad(_) => assert!([None, Some(ACCOUNT)].contains(&field("AccountSid"))),
        MessageNews::Nothing => {}
    }
    // Who counts it counts it for whoever it is by, and counts nothing that nobody wrote.
    let counted = webhooks.sender_of(body);
    match &news {
        MessageNews::Inbound { from, message, .. } => {
            let (from, conversation) = (Some(from.clone()), message.conversation.clone());
            assert_eq!(counted, Some(Sender { from, conversation }));
        }
        MessageNews::Refused { from, .. } => assert_eq!(counted.and_then(|sender| sender.from).as_ref(), Some(from)),
        MessageNews::Receipt(_) | MessageNews::Nothing => assert_eq!(counted, None),
        MessageNews::Bad(_) => {}
    }

    // Order does not count, repetitions and unknown fields do not either, and how it is escaped least of all.
    assert_eq!(webhooks.parse(&write(&form)), news);
    assert_eq!(webhooks.parse(&write(&shuffled(&form))), news);
    let mut more = form.clone();
    more.extend(form.iter().map(|(name, _)| (name.clone(), ACCOUNT.to_owned())));
    more.push(("FieldOfNextYear".to_owned(), "onMessageAdded".to_owned()));
    assert_eq!(webhooks.parse(&write(&more)), news);

    // Another account's server takes nothing of it.
    let foreign = TwilioMessageWebhooks::new("AC00000000000000000000000000000000".to_owned(), sender, None).parse(body);
    let taken = matches!(foreign, MessageNews::Inbound { .. } | MessageNews::Receipt(_));
    assert!(!taken || field("AccountSid") == Some("AC00000000000000000000000000000000"));
});

/// Who a message says that it is by.
fn author_of(form: &[(String, String)]) -> Option<String> {
    has(form, if sent_in(form) { "Author" } else { "From" }).map(str::to_owned)
}

/// How a channel writes a number.
fn address(channel: Channel, number: &PhoneNumber) -> String {
    let prefix = if channel == Channel::Sms { "" } else { "whatsapp:" };
    format!("{prefix}{}", number.reveal())
}

/// Whether a message came in a conversation, rather than outside of any.
fn sent_in(form: &[(String, String)]) -> bool {
    has(form, "EventType").is_some() || has(form, "ConversationSid").is_some()
}

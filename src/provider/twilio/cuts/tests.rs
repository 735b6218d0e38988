//! One signed text, cut in every way that somebody could gain by.

use secrecy::SecretString;

use super::super::callback::Callback;
use super::super::message_webhooks::TwilioMessageWebhooks;
use super::super::signature::{Fields, Key, fields, in_order};
use super::super::{PublicUrl, signature};
use super::*;
use crate::phone_number::PhoneNumber;
use crate::provider::{MessageNews, MessagingWebhooks as _};

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const OURS: &str = "+390612345678";
const URL: &str = "https://callme.example/";

/// What Twilio sends of a call.
const OF_CALLS: [&str; 3] = [
    "CallSid=CA0123456789abcdef0123456789abcdef&AccountSid=AC00000000000000000000000000000001&From=%2B390612345678&\
     To=%2B393331234567&Called=%2B393331234567&Caller=%2B390612345678&CallStatus=ringing&ApiVersion=2010-04-01&\
     Direction=outbound-api&Timestamp=Fri%2C%2021%20Aug%202026%2009%3A30%3A00%20%2B0000&\
     CallbackSource=call-progress-events&SequenceNumber=1",
    "CallSid=CA0123456789abcdef0123456789abcdef&AccountSid=AC00000000000000000000000000000001&From=%2B390612345678&\
     To=%2B393331234567&Called=%2B393331234567&Caller=%2B390612345678&CallStatus=completed&ApiVersion=2010-04-01&\
     Direction=outbound-api&Duration=1&CallDuration=12&SipResponseCode=200&AnsweredBy=human&\
     Timestamp=Fri%2C%2021%20Aug%202026%2009%3A30%3A00%20%2B0000&CallbackSource=call-progress-events&SequenceNumber=3",
    "CallSid=CA0123456789abcdef0123456789abcdef&AccountSid=AC00000000000000000000000000000001&AnsweredBy=human&\
     MachineDetectionDuration=3000",
];

/// What Twilio sends of messages: in a conversation, with a file, plain, a plain answer to one of ours, a place, two receipts.
const OF_MESSAGES: [&str; 7] = [
    "EventType=onMessageAdded&AccountSid=AC00000000000000000000000000000001&ChatServiceSid=IS0123456789abcdef0123456789abcdef&\
     ConversationSid=CH0123456789abcdef0123456789abcdef&MessageSid=IM0123456789abcdef0123456789abcdef&Index=3&\
     DateCreated=2026-08-21T09%3A40%3A00.123Z&Body=Ok%20grazie&Author=whatsapp%3A%2B393331234567&\
     ParticipantSid=MB0123456789abcdef0123456789abcdef&Attributes=%7B%7D&Source=WHATSAPP&RetryCount=0",
    "EventType=onMessageAdded&AccountSid=AC00000000000000000000000000000001&ChatServiceSid=IS0123456789abcdef0123456789abcdef&\
     ConversationSid=CH0123456789abcdef0123456789abcdef&MessageSid=IM0123456789abcdef0123456789abcdef&Index=4&\
     DateCreated=2026-08-21T09%3A40%3A00.123Z&Author=whatsapp%3A%2B393331234567&Media=%5B%7B%22Sid%22%3A%22ME1%22%7D%5D&\
     ParticipantSid=MB0123456789abcdef0123456789abcdef&Attributes=%7B%7D&Source=WHATSAPP&RetryCount=0",
    "SmsMessageSid=SM0123456789abcdef0123456789abcdef&SmsSid=SM0123456789abcdef0123456789abcdef&\
     MessageSid=SM0123456789abcdef0123456789abcdef&AccountSid=AC00000000000000000000000000000001&\
     From=whatsapp%3A%2B393331234567&To=whatsapp%3A%2B390612345678&Body=Yes&WaId=393331234567&ProfileName=Robin&NumMedia=0&\
     NumSegments=1&MessageType=text&SmsStatus=received&ApiVersion=2010-04-01",
    "SmsMessageSid=SM0123456789abcdef0123456789abcdef&SmsSid=SM0123456789abcdef0123456789abcdef&\
     MessageSid=SM0123456789abcdef0123456789abcdef&AccountSid=AC00000000000000000000000000000001&\
     From=whatsapp%3A%2B393331234567&To=whatsapp%3A%2B390612345678&Body=Yes&WaId=393331234567&ProfileName=Robin&NumMedia=0&\
     NumSegments=1&MessageType=text&SmsStatus=received&ApiVersion=2010-04-01&\
     OriginalRepliedMessageSender=whatsapp%3A%2B390612345678&OriginalRepliedMessageSid=SMfedcba9876543210fedcba9876543210",
    "SmsMessageSid=SM0123456789abcdef0123456789abcdef&SmsSid=SM0123456789abcdef0123456789abcdef&\
     MessageSid=SM0123456789abcdef0123456789abcdef&AccountSid=AC00000000000000000000000000000001&\
     From=whatsapp%3A%2B393331234567&To=whatsapp%3A%2B390612345678&Latitude=45.1&Longitude=9.2&Label=Home&Address=Via%20Roma%201&\
     OriginalRepliedMessageSid=SMfedcba9876543210fedcba9876543210&WaId=393331234567&ProfileName=Robin&NumMedia=0",
    "EventType=onDeliveryUpdated&AccountSid=AC00000000000000000000000000000001&ConversationSid=CH0123456789abcdef0123456789abcdef&\
     ChatServiceSid=IS0123456789abcdef0123456789abcdef&MessageSid=IM0123456789abcdef0123456789abcdef&\
     DeliveryReceiptSid=DY0123456789abcdef0123456789abcdef&ChannelMessageSid=SM0123456789abcdef0123456789abcdef&\
     ParticipantSid=MB0123456789abcdef0123456789abcdef&Status=undelivered&ErrorCode=63016&\
     DateCreated=2026-08-21T09%3A40%3A00.123Z&DateUpdated=2026-08-21T09%3A40%3A01.123Z",
    "MessageSid=SM0123456789abcdef0123456789abcdef&SmsSid=SM0123456789abcdef0123456789abcdef&\
     AccountSid=AC00000000000000000000000000000001&From=whatsapp%3A%2B390612345678&To=whatsapp%3A%2B393331234567&\
     MessageStatus=failed&SmsStatus=failed&ErrorCode=63016&ApiVersion=2010-04-01",
];

/// Every form with the same signed text, in which one or two fields stand where one or more neighbours stood: the first with a name
/// of any length, the second with a name that means something.
fn cut_anew(form: &Fields) -> Vec<Fields> {
    let sorted: Fields = in_order(form).into_iter().cloned().collect();
    let joined = |fields: &[(String, String)]| fields.iter().flat_map(|(n, v)| [n.as_str(), v]).collect::<String>();
    let field = |text: &str, name: usize| (text[..name].to_owned(), text[name..].to_owned());
    let mut all = Vec::new();
    for from in 0..sorted.len() {
        for to in from + 1..=sorted.len() {
            let text = joined(&sorted[from..to]);
            let seconds = TELLING.iter().flat_map(|name| text.match_indices(name).map(|(at, name)| (at, name.len())));
            let whole = [(text.len(), 0)];
            for (end, second) in whole.into_iter().chain(seconds) {
                for name in 0..=end.min(60) {
                    let mut other = sorted[..from].to_vec();
                    other.push(field(&text[..end], name));
                    if end < text.len() {
                        other.push(field(&text[end..], second));
                    }
                    other.extend_from_slice(&sorted[to..]);
                    // Whoever sends it puts the fields in any order; they count in the order of their names.
                    if other != sorted
                        && joined(&in_order(&other).into_iter().cloned().collect::<Fields>()) == joined(&sorted)
                    {
                        other.reverse();
                        all.push(other);
                    }
                }
            }
        }
    }
    all
}

fn passes(form: &Fields, signed: &str) -> bool {
    let key = Key::new(&SecretString::from("12345"));
    key.verify(&PublicUrl::parse(URL).expect("a URL"), "/whatsapp", form, signed)
}

fn signed(form: &Fields) -> String {
    Key::new(&SecretString::from("12345")).sign("https://callme.example/whatsapp", form)
}

/// What of a message tells it from another.
fn name_of(news: &MessageNews) -> Option<String> {
    match news {
        MessageNews::Inbound { message, .. } => Some(message.message.as_str().to_owned()),
        MessageNews::Refused { message, .. } => Some(message.as_str().to_owned()),
        MessageNews::Receipt(receipt) => Some(format!("receipt of {}", receipt.message.as_str())),
        MessageNews::Nothing | MessageNews::Bad(_) => None,
    }
}

fn encoded(form: &Fields) -> Vec<u8> {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish().into_bytes()
}

#[test]
fn a_report_of_a_call_cut_anew_asks_for_no_instructions() {
    for body in OF_CALLS {
        let form = fields(body.as_bytes());
        let (signature, was) = (signed(&form), Callback::parse(&form, ACCOUNT).expect("a webhook of ours"));
        assert!(passes(&form, &signature), "{body}");
        let cut = cut_anew(&form);
        assert!(cut.len() > 100, "{}", cut.len());
        for other in cut.iter().filter(|other| passes(other, &signature)) {
            if let Ok(is) = Callback::parse(other, ACCOUNT) {
                assert_eq!(std::mem::discriminant(&is), std::mem::discriminant(&was), "{other:?}");
            }
        }
    }
}

#[test]
fn a_message_cut_anew_is_known_by_the_same_name_or_is_none() {
    let number = |text: &str| PhoneNumber::parse(text).expect("a number");
    let webhooks = TwilioMessageWebhooks::new(ACCOUNT.to_owned(), number(OURS), Some(number(OURS)));
    for body in OF_MESSAGES {
        let form = fields(body.as_bytes());
        let signature = signed(&form);
        let was = name_of(&webhooks.parse(body.as_bytes()));
        assert!(passes(&form, &signature) && was.is_some(), "{body}");
        let cut = cut_anew(&form);
        assert!(cut.len() > 100, "{}", cut.len());
        for other in cut.iter().filter(|other| passes(other, &signature)) {
            let is = name_of(&webhooks.parse(&encoded(other)));
            assert!(is.is_none() || is == was, "{is:?} for {was:?}: {other:?}");
        }
    }
}

#[test]
fn a_person_may_write_of_such_names() {
    for body in OF_MESSAGES {
        let mut form = fields(body.as_bytes());
        form.retain(|(name, _)| name != "Body");
        form.push(("Body".to_owned(), "Is MessageSidIM0 the CallStatus of CallbackSource? EventType!".to_owned()));
        assert!(passes(&form, &signed(&form)), "{body}");
    }
}

#[test]
fn a_form_has_no_more_fields_than_twilio_sends() {
    assert!(OF_CALLS.iter().chain(&OF_MESSAGES).all(|body| signature::has_few_fields(body.as_bytes())));
    assert!(signature::has_few_fields("a&".repeat(255).as_bytes()));
    assert!(!signature::has_few_fields("a&".repeat(256).as_bytes()));
}

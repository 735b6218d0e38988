//! The last resort, over carriers that fail: what is found out first, and what is read back afterwards.

use super::texts::{Letters, Shorts};
use super::*;
use crate::clock::Clock;
use crate::domain::messaging::{Inbound, MessagingClass, PastMessage};
use crate::ids::MessageId;
use crate::provider::Author;
use crate::store::memory::MemoryStore;
use crate::store::{Left, Mail};

const QUESTION: &str = "Shall I deploy?";

fn allowed() -> Limits {
    let texting = Texting { longest: 1600, template: true, settles: true, sms: true };
    Limits { texting: Some(texting), ..Limits::default() }
}

fn ports(letters: &Arc<Letters>, shorts: &Arc<Shorts>) -> Ports {
    let store = Arc::new(MemoryStore::new(Duration::from_hours(48)));
    let (letters, shorts) = (Arc::clone(letters), Arc::clone(shorts));
    Ports::with_sms(allowed(), store, letters, shorts)
}

fn wrote(name: &str, words: &str, at: Millis) -> PastMessage {
    PastMessage { message: MessageId(name.to_owned()), author: Author::Person(PersonText(words.to_owned())), at }
}

#[tokio::test(start_paused = true)]
async fn before_an_sms_the_text_on_whatsapp_that_nobody_knows_of_is_looked_for() {
    for (is_there, by_sms) in [(true, vec![]), (false, vec![QUESTION.to_owned()])] {
        let letters = Arc::new(Letters::silent(is_there));
        let shorts = Arc::new(Shorts::default());
        let ports = ports(&letters, &shorts);
        ports.manager.write(text(QUESTION), Form::Free, None).expect("there is room");
        tokio::time::sleep(Duration::from_secs(30)).await;
        // Beside the notice that goes with the first one.
        let notices = by_sms.len();
        assert_eq!(shorts.sent().len(), by_sms.len() + notices, "on WhatsApp: {is_there}");
        assert_eq!(shorts.sent().first(), by_sms.first());
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_person_wrote_by_sms_is_read_back_though_whatsapp_cannot_be_read() {
    let letters = Arc::new(Letters::failing(MessagingClass::BadNumber));
    let shorts = Arc::new(Shorts::default());
    let ports = ports(&letters, &shorts);
    let pending = ports.manager.write(text(QUESTION), Form::Free, None).expect("there is room");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(shorts.sent()[0], QUESTION);
    shorts.receives(wrote("SM1", "Yes.", ports.clock.now()));
    let person = ports.directory().person().clone();
    ports.manager.missed(&person, None, Duration::from_secs(5));
    tokio::time::sleep(Duration::from_secs(10)).await;
    let delivered = pending.given().expect("the answer was read");
    let Body::Reply(reply) = &delivered.answer.body else { panic!("{:?}", delivered.answer.body) };
    assert_eq!((reply.words[0].text.as_str(), reply.words[0].channel), ("Yes.", Channel::Sms));
}

#[tokio::test(start_paused = true)]
async fn what_came_by_sms_before_that_was_switched_on_is_not_for_us() {
    let letters = Arc::new(Letters::default());
    let shorts = Arc::new(Shorts::default());
    let ports = ports(&letters, &shorts);
    let now = ports.clock.now();
    let before = crate::domain::line::Snapshot {
        conversation: Some(crate::ids::ConversationId("CH1".to_owned())),
        since: Some(now - Duration::from_hours(48)),
        ..crate::domain::line::Snapshot::default()
    };
    shorts.receives(wrote("SM1", "Stop", now - Duration::from_hours(1)));
    let key = ports.directory().line_key().clone();
    ports.manager.recall(Left { lines: vec![(key, before)], ..Left::default() }).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(!ports.manager.shared.read_line(|line, _| line.is_opted_out()));
}

#[tokio::test(start_paused = true)]
async fn what_may_be_read_later_is_tried_again_though_the_other_way_cannot_be_read_at_all() {
    let letters = Arc::new(Letters::default());
    let shorts = Arc::new(Shorts::default());
    let ports = ports(&letters, &shorts);
    let pending = ports.manager.write(text(QUESTION), Form::Free, None).expect("there is room");
    tokio::time::sleep(Duration::from_secs(1)).await;
    letters.receives(wrote("IM-missed", "Yes.", ports.clock.now()));
    letters.is_blind(MessagingClass::Transient);
    shorts.is_blind(MessagingClass::Permanent);
    let person = ports.directory().person().clone();
    ports.manager.missed(&person, None, Duration::from_secs(5));
    tokio::time::sleep(Duration::from_secs(20)).await;
    let delivered = pending.given().expect("the answer was read");
    assert!(matches!(delivered.answer.body, Body::Reply(_)), "{delivered:?}");
}

#[tokio::test(start_paused = true)]
async fn the_notice_that_was_not_sent_because_the_person_stopped_messages_is_owed_still() {
    let shorts = Arc::new(Shorts::default());
    let ports = ports(&Arc::default(), &shorts);
    let shared = &ports.manager.shared;
    let id = shared.ids.message(ports.clock.now());
    let hears = |words: &str| {
        let message = Inbound {
            message: MessageId(words.to_owned()),
            conversation: None,
            quotes: None,
            text: PersonText(words.to_owned()),
        };
        ports.manager.take(ports.manager.received(Channel::Sms, Mail::Message(message), None))
    };
    assert!(hears("stop"));
    shared.owe_privacy_notice(&id, Channel::Sms);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(shorts.sent(), [""; 0]);
    assert!(hears("start"));
    shared.owe_privacy_notice(&id, Channel::Sms);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(shorts.sent().len(), 1, "{:?}", shorts.sent());
}

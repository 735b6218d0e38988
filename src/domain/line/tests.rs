//! The line, decision by decision.

use super::*;
use crate::domain::keywords::Keyword;
use crate::domain::messaging::Inbound;
use crate::domain::outcome::Channel;
use crate::domain::text::PersonText;

mod by_sms;
mod held;
mod keywords;
mod repeats;
mod rings;
mod whose;
mod window;

/// When every story begins: later than any span that is looked back on.
const START: Millis = Millis(1_000_000_000);

fn at(seconds: u64) -> Millis {
    START + Duration::from_secs(seconds)
}

fn id(n: u32) -> SessionId {
    SessionId::parse(&format!("call-{n}-1")).expect("a valid id")
}

fn named(name: &str) -> MessageId {
    MessageId(name.to_owned())
}

fn inbound(name: &str, text: &str) -> Inbound {
    Inbound { message: named(name), conversation: None, quotes: None, text: PersonText(text.to_owned()) }
}

impl Line {
    /// Takes a message without a keyword.
    fn takes(&mut self, message: &Inbound, now: Millis) -> Taken {
        self.take_message(message, Keyword::None, Channel::WhatsApp, now)
    }
}

#[test]
fn what_must_outlive_the_process_comes_back() {
    let mut line = Line::default();
    assert_eq!(line.snapshot(), Snapshot::default());
    line.takes(&inbound("IM1", "For later."), at(0));
    line.take_message(&inbound("IM2", "stop"), Keyword::Stop, Channel::WhatsApp, at(60));
    assert!(line.take_notice(Channel::WhatsApp));
    let mut back = Line::restore(line.snapshot());
    assert_eq!(back.snapshot(), line.snapshot());
    assert!(back.is_opted_out() && !back.take_notice(Channel::WhatsApp));
    assert_eq!(back.window_until(), Some(at(60) + WINDOW));
    assert_eq!(back.take_held(at(120)).len(), 1);
}

#[test]
fn a_window_that_the_carrier_called_closed_is_closed_to_the_next_process_too() {
    let mut line = Line::default();
    line.window_was_closed(at(0));
    assert!(!Line::restore(line.snapshot()).may_write_freely(at(60)));
}

#[test]
fn the_privacy_notice_is_owed_once_and_again_when_it_was_not_sent() {
    let mut line = Line::default();
    assert_eq!((line.take_notice(Channel::WhatsApp), line.take_notice(Channel::WhatsApp)), (true, false));
    line.owe_notice(Channel::WhatsApp);
    assert_eq!((line.take_notice(Channel::WhatsApp), line.take_notice(Channel::WhatsApp)), (true, false));
}

#[test]
fn texts_go_to_the_newest_conversation_that_is_known() {
    let conversation = |n: u32| ConversationId(format!("CH{n}"));
    let mut line = Line::default();
    assert_eq!(line.conversation(), None);
    line.adopt(conversation(1), at(0));
    line.lose_conversation(&conversation(2));
    assert_eq!(line.conversation(), Some(&conversation(1)), "another one was lost");
    line.takes(&inbound("SM1", "A plain message."), at(0));
    assert_eq!(line.conversation(), Some(&conversation(1)));
    line.takes(&Inbound { conversation: Some(conversation(3)), ..inbound("IM1", "From elsewhere.") }, at(1));
    assert_eq!(line.contact(at(1)).conversation, Some(conversation(3)));
    line.lose_conversation(&conversation(3));
    assert_eq!(line.conversation(), None);
}

#[test]
fn a_session_that_is_gone_leaves_nothing_behind() {
    let mut line = Line::default();
    for n in 1..=2 {
        line.take(&id(n), 2).expect("there is room");
        line.claim_floor(&id(n));
        line.sent(&id(n), named(&format!("IM{n}")), at(0));
        line.also_named(&named(&format!("IM{n}")), named(&format!("SM{n}")));
    }
    assert_eq!(line.forget(&id(1)), Some(id(2)), "its turn");
    assert_eq!((line.writers(), line.has_room(1)), (&[id(2)][..], Err(&id(2))));
    for name in ["IM1", "SM1"] {
        assert_eq!(line.session_of(&named(name)), None);
    }
    assert_eq!((line.forget(&id(2)), line.forget(&id(2))), (None, None));
    assert_eq!((line.writers().len(), line.has_room(1)), (0, Ok(())));
    assert!(line.claim_floor(&id(3)));
}

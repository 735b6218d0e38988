//! What comes by SMS: the same line, without a window and without a second way.

use super::*;

#[test]
fn an_sms_opens_no_window_and_is_in_no_conversation() {
    let mut line = Line::default();
    line.window_was_closed(at(0));
    line.take_message(&inbound("SM1", "Yes."), Keyword::None, Channel::Sms, at(60));
    assert!(!line.may_write_freely(at(61)), "WhatsApp's window is WhatsApp's");
    assert_eq!((line.window_until(), line.conversation()), (None, None));
}

#[test]
fn an_sms_is_no_repetition_of_the_same_words_on_whatsapp() {
    let mut line = Line::default();
    line.sent(&id(1), named("IM1"), at(0));
    let reply = Taken::Session(id(1), For::Reply);
    assert_eq!(line.takes(&inbound("IM2", "Yes."), at(1)), reply);
    let by_sms = |line: &mut Line, name| line.take_message(&inbound(name, "Yes."), Keyword::None, Channel::Sms, at(2));
    assert_eq!(by_sms(&mut line, "SM1"), reply);
    assert_eq!(by_sms(&mut line, "SM1"), Taken::Repeated);
    assert_eq!(by_sms(&mut line, "SM2"), reply, "another one with the same words");
}

#[test]
fn words_that_wait_are_told_with_the_way_they_came() {
    let mut line = Line::default();
    line.take_message(&inbound("SM1", "For later."), Keyword::None, Channel::Sms, at(0));
    let held = line.take_held(at(1));
    assert_eq!(held.iter().map(|said| said.channel).collect::<Vec<_>>(), [Channel::Sms]);
}

#[test]
fn what_came_by_sms_before_we_wrote_that_way_is_not_for_us() {
    let mut line = Line::default();
    assert_eq!(line.sms_since(), None);
    line.writes_sms(at(10));
    line.take_message(&inbound("SM1", "Yes."), Keyword::None, Channel::Sms, at(20));
    assert_eq!(line.sms_since(), Some(at(10)));
    assert_eq!(Line::restore(line.snapshot()).sms_since(), Some(at(10)));
}

#[test]
fn the_privacy_notice_is_owed_on_each_channel() {
    let mut line = Line::default();
    assert!(line.take_notice(Channel::WhatsApp));
    assert!(line.take_notice(Channel::Sms));
    let mut back = Line::restore(line.snapshot());
    assert!(!back.take_notice(Channel::Sms) && !back.take_notice(Channel::WhatsApp));
    back.owe_notice(Channel::Sms);
    assert!(back.take_notice(Channel::Sms) && !back.take_notice(Channel::WhatsApp));
}

#[test]
fn whoever_stops_messages_by_sms_has_stopped_them_everywhere() {
    let mut line = Line::default();
    let stop = |line: &mut Line, keyword| line.take_message(&inbound("SM1", "stop"), keyword, Channel::Sms, at(0));
    assert_eq!(stop(&mut line, Keyword::Stop), Taken::Stopped);
    assert!(line.is_opted_out());
    let start = line.take_message(&inbound("IM1", "start"), Keyword::Start, Channel::WhatsApp, at(1));
    assert_eq!((start, line.is_opted_out()), (Taken::Resumed, false));
}

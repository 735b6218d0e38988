//! Messages that come more than once.

use super::*;

/// What became of messages: their names, texts, when they came, and whether they were new.
fn check(messages: &[(&str, &str, u64, bool)]) {
    let mut line = Line::default();
    for (n, (name, text, millis, new)) in messages.iter().enumerate() {
        let taken = line.takes(&inbound(name, text), START + Duration::from_millis(*millis));
        assert_eq!(taken != Taken::Repeated, *new, "{n}: {name} {text:?} at {millis} ms");
    }
}

#[test]
fn a_message_counts_once_whenever_it_comes_again() {
    check(&[("IM1", "Yes", 0, true), ("IM1", "Yes", 10, false), ("IM1", "Yes", 90_000_000, false)]);
    check(&[("SM1", "Yes", 0, true), ("SM2", "No", 10, true), ("SM1", "Yes", 20, false), ("SM2", "No", 20, false)]);
}

#[test]
fn the_same_text_by_the_other_way_within_ten_seconds_is_the_same_message() {
    for (first, second) in [("IM1", "SM1"), ("SM1", "IM1"), ("MM1", "IM1"), ("IM1", "MM1")] {
        check(&[(first, "Yes", 0, true), (second, "Yes", 9999, false), (second, "Yes", 20_000, false)]);
        check(&[(first, "Yes", 0, true), (second, "Yes", 10_000, true)]);
        check(&[(first, "Yes", 0, true), (second, "No", 10, true)]);
    }
}

#[test]
fn a_word_that_was_really_written_twice_counts_twice() {
    // By one way alone.
    check(&[("IM1", "Yes", 0, true), ("IM2", "Yes", 1000, true)]);
    check(&[("SM1", "Yes", 0, true), ("MM1", "Yes", 1000, true)]);
    // By both, each message right after its twin, or the twins after both.
    check(&[
        ("IM1", "Yes", 0, true),
        ("SM1", "Yes", 50, false),
        ("IM2", "Yes", 1000, true),
        ("SM2", "Yes", 1050, false),
    ]);
    check(&[
        ("IM1", "Yes", 0, true),
        ("IM2", "Yes", 50, true),
        ("SM1", "Yes", 1000, false),
        ("SM2", "Yes", 1050, false),
    ]);
    check(&[
        ("IM1", "Yes", 0, true),
        ("SM1", "Yes", 50, false),
        ("SM2", "Yes", 1000, true),
        ("IM2", "Yes", 1050, false),
    ]);
}

#[test]
fn a_repeat_changes_nothing() {
    let mut line = Line::default();
    line.take_message(&inbound("IM1", "stop"), Keyword::Stop, Channel::WhatsApp, at(0));
    line.take_message(&inbound("IM2", "start"), Keyword::Start, Channel::WhatsApp, at(60));
    for (name, keyword) in [("IM1", Keyword::Stop), ("IM2", Keyword::Start), ("SM2", Keyword::Start)] {
        let text = if keyword == Keyword::Stop { "stop" } else { "start" };
        let taken = line.take_message(&inbound(name, text), keyword, Channel::WhatsApp, at(65));
        assert_eq!(taken, Taken::Repeated);
    }
    assert!(!line.is_opted_out());
    assert_eq!(line.window_until(), Some(at(60) + WINDOW), "nor does it keep the window open");
    assert_eq!(line.take_held(at(65)), []);
}

#[test]
fn what_is_remembered_has_a_bound() {
    let mut line = Line::default();
    for n in 0..5000 {
        line.takes(&inbound(&format!("IM{n}"), &format!("Message {n}.")), at(0));
    }
    assert_eq!(line.takes(&inbound("IM4999", "Message 4999."), at(1)), Taken::Repeated);
    assert_eq!(line.takes(&inbound("IM4000", "Message 4000."), at(1)), Taken::Repeated);
    assert_ne!(line.takes(&inbound("IM3999", "Message 3999."), at(1)), Taken::Repeated);
    assert!(line.seen.size() <= 2000, "{}", line.seen.size());
}

//! Whose reply a message is, and whose turn it is to ask.

use super::*;

fn quoting(quoted: &str) -> Inbound {
    Inbound { quotes: Some(named(quoted)), ..inbound("IM100", "Yes.") }
}

/// Session 1 has written, then session 2; session 3 has the floor, session 4 talks by phone.
fn busy() -> Line {
    let mut line = Line::default();
    line.take(&id(4), 1).expect("a free line");
    line.sent(&id(1), named("IM1"), at(0));
    line.also_named(&named("IM1"), named("SM1"));
    line.sent(&id(2), named("IM2"), at(1));
    assert!(line.claim_floor(&id(3)));
    line
}

#[test]
fn a_message_goes_to_what_it_quotes_else_the_floor_else_the_last_writer_else_the_call_else_nobody() {
    let reply = |n| Taken::Session(id(n), For::Reply);
    let mut line = busy();
    let taken = |line: &Line, message: &Inbound| line.clone().takes(message, at(60));
    for (quoted, session) in [("IM1", 1), ("SM1", 1), ("IM2", 2), ("IM99", 3)] {
        assert_eq!(taken(&line, &quoting(quoted)), reply(session), "{quoted}");
    }
    let plain = inbound("IM100", "Yes.");
    assert_eq!(taken(&line, &plain), reply(3), "the floor");
    assert_eq!(line.yield_floor(&id(3)), None);
    assert_eq!(taken(&line, &plain), reply(2), "the last writer");
    line.sent(&id(1), named("IM3"), at(2));
    assert_eq!(taken(&line, &plain), reply(1), "now that one wrote last");
    line.forget(&id(1));
    assert_eq!(taken(&line, &plain), reply(2));
    assert_eq!(taken(&line, &quoting("IM1")), reply(2), "what a session wrote that is gone");
    line.forget(&id(2));
    assert_eq!(taken(&line, &plain), Taken::Session(id(4), For::Aside), "who talks did not ask here");
    line.release(&id(4));
    assert_eq!(taken(&line, &plain), Taken::Held { tell: true });
}

#[test]
fn a_request_to_be_called_and_the_end_go_the_same_way() {
    for (keyword, session) in [
        (Keyword::Call { more: false }, For::CallMe { tell: false }),
        (Keyword::Call { more: true }, For::CallMe { tell: true }),
        (Keyword::End, For::Quit),
    ] {
        let mut line = busy();
        let taken =
            |line: &mut Line, name: &str| line.take_message(&inbound(name, name), keyword, Channel::WhatsApp, at(60));
        assert_eq!(taken(&mut line, "IM100"), Taken::Session(id(3), session));
        line.forget(&id(3));
        assert_eq!(taken(&mut line, "IM101"), Taken::Session(id(2), session));
        line.forget(&id(2));
        line.forget(&id(1));
        assert_eq!(taken(&mut line, "IM102"), Taken::Session(id(4), session));
    }
}

#[test]
fn of_several_calls_the_newest_gets_what_is_written() {
    let mut line = Line::default();
    line.take(&id(1), 2).expect("room");
    line.take(&id(2), 2).expect("room");
    assert_eq!(line.takes(&inbound("IM1", "Hi."), at(0)), Taken::Session(id(2), For::Aside));
    line.release(&id(2));
    assert_eq!(line.takes(&inbound("IM2", "Hi again."), at(1)), Taken::Session(id(1), For::Aside));
}

#[test]
fn the_floor_goes_round_in_the_order_of_the_claims() {
    let mut line = Line::default();
    for n in 1..=4 {
        assert_eq!(line.claim_floor(&id(n)), n == 1);
    }
    assert!(line.has_floor(&id(1)) && !line.has_floor(&id(2)));
    // Claiming again neither helps nor hurts.
    assert!(line.claim_floor(&id(1)) && !line.claim_floor(&id(2)));
    assert_eq!(line.yield_floor(&id(3)), None, "a place in the queue is no floor");
    assert_eq!(line.yield_floor(&id(9)), None, "nor is none");
    assert_eq!(line.yield_floor(&id(1)), Some(id(2)));
    assert!(!line.claim_floor(&id(1)), "back at the end");
    assert_eq!(line.yield_floor(&id(2)), Some(id(4)));
    assert_eq!(line.forget(&id(4)), Some(id(1)));
    assert_eq!((line.yield_floor(&id(1)), line.yield_floor(&id(1))), (None, None));
    assert!(line.claim_floor(&id(5)));
}

#[test]
fn a_text_keeps_its_names_and_its_session() {
    let mut line = Line::default();
    line.sent(&id(1), named("IM1"), at(0));
    line.sent(&id(2), named("IM2"), at(0));
    line.also_named(&named("IM1"), named("SM1"));
    line.also_named(&named("IM2"), named("SM1"));
    line.also_named(&named("IM9"), named("SM9"));
    let of = |name| line.session_of(&named(name)).cloned();
    assert_eq!((of("IM1"), of("SM1"), of("SM9")), (Some(id(1)), Some(id(1)), None));
}

#[test]
fn texts_are_remembered_within_a_bound() {
    let mut line = Line::default();
    for n in 0..3000 {
        line.sent(&id(n % 3), named(&format!("IM{n}")), at(0));
        line.also_named(&named(&format!("IM{n}")), named(&format!("SM{n}")));
    }
    assert_eq!(line.session_of(&named("SM2999")), Some(&id(2)));
    assert_eq!((line.session_of(&named("IM2499")), line.session_of(&named("SM2500"))), (None, Some(&id(1))));
    assert_eq!(line.writers().len(), 3);
}

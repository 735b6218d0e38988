//! What the person's words set off.

use super::*;

const ALL: [Keyword; 8] = [
    Keyword::Stop,
    Keyword::Start,
    Keyword::Yes,
    Keyword::Help,
    Keyword::End,
    Keyword::Call { more: false },
    Keyword::Call { more: true },
    Keyword::None,
];

fn take(line: &mut Line, keyword: Keyword, now: Millis) -> Taken {
    let name = format!("IM{}", now.0);
    line.take_message(&inbound(&name, &format!("{keyword:?}")), keyword, Channel::WhatsApp, now)
}

fn writing(opted_out: bool) -> Line {
    let mut line = Line::restore(Snapshot { opted_out: opted_out.then_some(at(0)), ..Snapshot::default() });
    line.sent(&id(1), named("IM1"), at(0));
    line
}

#[test]
fn each_keyword_has_one_meaning_and_is_a_reply_where_it_has_none() {
    let session = |what| Taken::Session(id(1), what);
    for (keyword, opted_in, opted_out) in [
        (Keyword::Stop, Taken::Stopped, session(For::Reply)),
        (Keyword::Start, session(For::Reply), Taken::Resumed),
        (Keyword::Yes, session(For::Reply), Taken::Resumed),
        (Keyword::Help, Taken::Help, session(For::Reply)),
        (Keyword::End, session(For::Quit), session(For::Quit)),
        (Keyword::Call { more: false }, session(For::CallMe { tell: false }), session(For::CallMe { tell: false })),
        (Keyword::Call { more: true }, session(For::CallMe { tell: true }), session(For::CallMe { tell: true })),
        (Keyword::None, session(For::Reply), session(For::Reply)),
    ] {
        assert_eq!(take(&mut writing(false), keyword, at(60)), opted_in, "{keyword:?}");
        assert_eq!(take(&mut writing(true), keyword, at(60)), opted_out, "{keyword:?} after an opt-out");
    }
}

#[test]
fn without_a_session_they_mean_the_same_and_replies_are_held() {
    let held = || Taken::Held { tell: true };
    for (keyword, want, holds) in [
        (Keyword::Stop, Taken::Stopped, false),
        (Keyword::Start, held(), true),
        (Keyword::Yes, held(), true),
        (Keyword::Help, Taken::Help, false),
        (Keyword::End, held(), true),
        (Keyword::Call { more: false }, Taken::CallMe { tell: false }, false),
        (Keyword::Call { more: true }, Taken::CallMe { tell: true }, true),
        (Keyword::None, held(), true),
    ] {
        let mut line = Line::default();
        assert_eq!(take(&mut line, keyword, at(60)), want, "{keyword:?}");
        assert_eq!(line.take_held(at(60)).len(), usize::from(holds), "{keyword:?}");
    }
}

#[test]
fn every_message_of_the_persons_opens_the_window() {
    for keyword in ALL {
        let mut line = writing(false);
        take(&mut line, keyword, at(60));
        assert_eq!(line.window_until(), Some(at(60) + WINDOW), "{keyword:?}");
    }
}

#[test]
fn messages_stop_and_go_on_by_the_persons_word_alone() {
    let mut line = writing(false);
    for (seconds, keyword, want, out) in [
        (1, Keyword::Yes, Taken::Session(id(1), For::Reply), false),
        (2, Keyword::Stop, Taken::Stopped, true),
        (3, Keyword::Stop, Taken::Session(id(1), For::Reply), true),
        (4, Keyword::None, Taken::Session(id(1), For::Reply), true),
        (5, Keyword::Yes, Taken::Resumed, false),
        (6, Keyword::Yes, Taken::Session(id(1), For::Reply), false),
        (7, Keyword::Stop, Taken::Stopped, true),
        (8, Keyword::Start, Taken::Resumed, false),
    ] {
        assert_eq!(take(&mut line, keyword, at(seconds)), want, "at {seconds} s");
        assert_eq!(line.is_opted_out(), out, "at {seconds} s");
    }
}

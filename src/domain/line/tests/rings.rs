//! Who may ring, and how often.

use super::*;

#[test]
fn the_line_is_taken_as_often_as_allowed_and_names_its_holder() {
    let mut line = Line::default();
    assert_eq!(line.take(&id(1), 1), Ok(()));
    assert_eq!(line.take(&id(2), 1), Err(id(1)));
    assert_eq!(line.take(&id(2), 2), Ok(()));
    line.release(&id(3));
    line.release(&id(1));
    line.release(&id(2));
    assert_eq!(line.has_room(1), Ok(()));
    assert_eq!(line.take(&id(1), 0), Ok(()), "none at all is one");
    assert_eq!(line.take(&id(2), 0), Err(id(1)));
}

#[test]
fn three_calls_in_ten_minutes_may_be_asked_for_and_the_fourth_has_to_wait() {
    let mut line = Line::default();
    for (seconds, session, want) in [
        (0, 1, Ok(())),
        (100, 2, Ok(())),
        (200, 1, Ok(())),
        (300, 1, Err(NoRing::TooOften)),
        // What was refused does not count.
        (599, 3, Err(NoRing::TooOften)),
        (600, 3, Ok(())),
        (650, 3, Err(NoRing::TooOften)),
        (700, 3, Ok(())),
    ] {
        assert_eq!(line.ring(&id(session), 1, at(seconds)), want, "at {seconds} s");
        line.release(&id(session));
    }
}

#[test]
fn nobody_is_rung_who_is_on_the_phone() {
    let mut line = Line::default();
    assert_eq!(line.take(&id(1), 1), Ok(()));
    assert_eq!(line.ring(&id(2), 1, at(0)), Err(NoRing::OnThePhone), "another session talks");
    assert_eq!(line.ring(&id(1), 5, at(0)), Err(NoRing::OnThePhone), "the session itself rings or talks");
    assert_eq!(line.ring(&id(2), 2, at(0)), Ok(()));
    assert_eq!(line.ring(&id(2), 5, at(0)), Err(NoRing::OnThePhone));
    line.release(&id(1));
    line.release(&id(2));
    for n in 3..=4 {
        assert_eq!(line.ring(&id(n), 5, at(0)), Ok(()), "refusals were not counted");
    }
    assert_eq!(line.ring(&id(5), 5, at(0)), Err(NoRing::TooOften));
    assert_eq!(line.take(&id(5), 5), Ok(()), "an agent's call is not counted here");
}

#[test]
fn a_wish_to_be_called_that_comes_ten_minutes_late_is_a_message_like_any_other() {
    let call = |line: &mut Line, name: &str, keyword, late| {
        line.take_late(&inbound(name, "call me"), keyword, Channel::WhatsApp, at(0), at(late))
    };
    let plain = Keyword::Call { more: false };
    let mut nobody = Line::default();
    assert_eq!(call(&mut nobody, "IM1", plain, 599), Taken::CallMe { tell: false });
    assert_eq!(call(&mut nobody, "IM2", plain, 600), Taken::Held { tell: true });
    assert_eq!(nobody.take_held(at(700)).len(), 1, "the next agent learns of it");

    let mut asking = Line::default();
    asking.claim_floor(&id(1));
    assert_eq!(call(&mut asking, "IM1", plain, 599), Taken::Session(id(1), For::CallMe { tell: false }));
    assert_eq!(call(&mut asking, "IM2", plain, 600), Taken::Session(id(1), For::Reply));
}

#[test]
fn a_ring_that_an_earlier_process_decided_and_did_not_do_is_late_by_then() {
    let message = inbound("IM1", "call me, it burns");
    let wish = |tell| Taken::Session(id(1), For::CallMe { tell });
    for (decided, late, want, held) in [
        (wish(true), 599, wish(true), 0),
        (wish(true), 600, Taken::Session(id(1), For::Aside), 0),
        (Taken::CallMe { tell: false }, 599, Taken::CallMe { tell: false }, 0),
        (Taken::CallMe { tell: false }, 600, Taken::Held { tell: true }, 1),
        // What it said was kept when it was decided.
        (Taken::CallMe { tell: true }, 600, Taken::Held { tell: false }, 0),
        (Taken::Session(id(1), For::Quit), 600, Taken::Session(id(1), For::Quit), 0),
    ] {
        let mut line = Line::default();
        let taken = line.take_again(decided.clone(), &message, Channel::WhatsApp, at(0), at(late));
        assert_eq!((&taken, line.take_held(at(700)).len()), (&want, held), "{decided:?} at {late} s");
    }
}

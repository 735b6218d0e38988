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

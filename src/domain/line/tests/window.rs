//! The 24 hours after the person's own message.

use super::*;
use crate::domain::messaging::Window;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

#[test]
fn the_window_is_open_for_24_hours_after_the_persons_message_and_then_closed() {
    let mut line = Line::default();
    line.takes(&inbound("IM1", "Hi."), at(0));
    for (seconds, left, open) in [
        (0, DAY, true),
        (DAY - 61 * MINUTE, 61 * MINUTE, true),
        (DAY - 60 * MINUTE, 60 * MINUTE, true),
        (DAY - 59 * MINUTE, 59 * MINUTE, true),
        (DAY - 1, 1, true),
        (DAY, 0, false),
        (2 * DAY, 0, false),
    ] {
        let window = Window { until: at(DAY), left: Duration::from_secs(left) };
        assert_eq!(line.contact(at(seconds)).window, Some(window), "at {seconds} s");
        assert_eq!(line.may_write_freely(at(seconds)), open, "at {seconds} s");
    }
    line.takes(&inbound("IM2", "Me again."), at(3 * DAY));
    assert!(line.may_write_freely(at(3 * DAY)));
    assert_eq!(line.window_until(), Some(at(4 * DAY)));
}

#[test]
fn a_window_of_which_nothing_is_known_is_tried_and_not_told_of() {
    let line = Line::default();
    assert!(line.may_write_freely(at(0)) && line.is_window_unknown());
    assert_eq!(line.contact(at(0)), Contact::default());
}

#[test]
fn the_carrier_closes_it_and_the_persons_next_message_opens_it() {
    let mut line = Line::default();
    line.window_was_closed(at(0));
    assert!(!line.may_write_freely(at(1)) && !line.is_window_unknown());
    assert_eq!(line.contact(at(1)).window, None, "when it closed is not known");
    line.takes(&inbound("IM1", "Hi."), at(60));
    assert!(line.may_write_freely(at(61)));
    line.window_was_closed(at(120));
    assert!(!line.may_write_freely(at(121)), "whatever we thought");
}

#[test]
fn what_the_carrier_says_of_a_text_from_before_the_persons_message_closes_nothing() {
    let mut line = Line::default();
    line.sent(&id(1), named("IM1"), at(0));
    line.takes(&inbound("IM2", "Hi."), at(60));
    line.sent(&id(1), named("IM3"), at(120));
    line.window_was_closed(at(0));
    line.window_was_closed_for(&named("IM1"));
    line.window_was_closed_for(&named("IM99"));
    assert!(line.may_write_freely(at(180)));
    line.window_was_closed_for(&named("IM3"));
    assert!(!line.may_write_freely(at(180)));
    line.window_was_closed_for(&named("IM1"));
    assert!(!line.may_write_freely(at(180)), "an older one does not open it again");
}

#[test]
fn the_conversations_list_tells_when_the_person_last_wrote() {
    for (known, read, want) in
        [(None, at(60), Some(at(60))), (Some(at(0)), at(60), Some(at(60))), (Some(at(60)), at(0), Some(at(60)))]
    {
        let mut line = Line::restore(Snapshot { wrote_at: known, ..Snapshot::default() });
        line.was_written_at(read);
        assert_eq!(line.window_until(), want.map(|at| at + WINDOW), "{known:?}, then {read}");
    }
    // What is older than the text the carrier refused opens nothing.
    for (wrote, open) in [(30, false), (60, true), (90, true)] {
        let mut line = Line::default();
        line.window_was_closed(at(60));
        line.was_written_at(at(wrote));
        assert_eq!(line.may_write_freely(at(120)), open, "written at {wrote} s");
    }
}

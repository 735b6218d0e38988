//! Words that wait for the next session.

use super::*;

const HOUR: u64 = 3600;

fn words(said: &[Said]) -> Vec<&str> {
    said.iter().map(|said| said.text.as_str()).collect()
}

#[test]
fn words_wait_for_24_hours_in_their_order_and_are_given_once() {
    let mut line = Line::default();
    for (n, seconds) in [(1, 0), (2, 1), (3, 12 * HOUR)] {
        line.takes(&inbound(&format!("IM{n}"), &format!("Word {n}.")), at(seconds));
    }
    let mut late = line.clone();
    let mut too_late = line.clone();
    assert_eq!(words(&line.take_held(at(24 * HOUR))), ["Word 1.", "Word 2.", "Word 3."]);
    assert_eq!(line.take_held(at(24 * HOUR)), []);
    assert_eq!(words(&late.take_held(at(24 * HOUR + 1))), ["Word 2.", "Word 3."]);
    assert_eq!(words(&too_late.take_held(at(40 * HOUR))), [""; 0]);
    let first = late.hold_one(at(0));
    assert_eq!((first.at, first.channel), (at(0), Channel::WhatsApp));
}

#[test]
fn the_person_is_told_once_an_hour_that_nobody_waits() {
    let mut line = Line::default();
    for (seconds, told) in [(0, true), (1, false), (HOUR - 1, false), (HOUR, true), (HOUR + 1, false), (9 * HOUR, true)]
    {
        let taken = line.takes(&inbound(&format!("IM{seconds}"), "Hello?"), at(seconds));
        assert_eq!(taken, Taken::Held { tell: told }, "at {seconds} s");
    }
}

#[test]
fn who_stopped_messages_is_told_nothing_and_heard_all_the_same() {
    let mut line = Line::restore(Snapshot { opted_out: Some(at(0)), ..Snapshot::default() });
    assert_eq!(line.takes(&inbound("IM1", "Hello?"), at(1)), Taken::Held { tell: false });
    assert_eq!(words(&line.take_held(at(2))), ["Hello?"]);
    line.take_message(&inbound("IM2", "start"), Keyword::Start, Channel::WhatsApp, at(3));
    assert_eq!(line.takes(&inbound("IM3", "Hello again?"), at(4)), Taken::Held { tell: true });
}

#[test]
fn a_hundred_messages_wait_and_the_oldest_go() {
    let mut line = Line::default();
    for n in 0..150 {
        line.takes(&inbound(&format!("IM{n}"), &format!("Word {n}.")), at(n));
    }
    let held = line.take_held(at(200));
    assert_eq!((held.len(), held[0].text.as_str(), held[99].text.as_str()), (100, "Word 50.", "Word 149."));
}

impl Line {
    fn hold_one(&mut self, now: Millis) -> Said {
        self.takes(&inbound("IM-one", "One."), now);
        self.take_held(now).remove(0)
    }
}

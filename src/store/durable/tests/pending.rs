//! What waits, and what is dropped when it is too much.

use super::super::pending::Pending;
use super::*;

#[test]
fn a_later_change_of_the_same_replaces_an_earlier_one() {
    let mut pending = Pending::default();
    for write in [keep(1, 1), block(1), Write::Nothing, keep(1, 2), Write::Ended(id(1)), Write::Nothing] {
        pending.put(write);
    }
    assert_eq!(pending.take(), [block(1), keep(1, 2), Write::Ended(id(1)), Write::Nothing]);
    pending.put(Write::Delete(id(1)));
    pending.put_back(keep(1, 2));
    pending.put_back(block(1));
    assert_eq!(pending.take(), [Write::Delete(id(1)), block(1)], "what was not written is older than what came since");
    assert!(pending.is_empty() && !pending.is_over(0, 0));
}

#[test]
fn what_the_person_said_is_dropped_last() {
    let seen = |n: u64| Write::Seen(LineKey("line".to_owned()), MessageId(format!("IM{n}")), Millis(n));
    let mut pending = Pending::default();
    let never = [Write::Ended(id(9)), Write::Line(LineKey("line".to_owned()), Box::default())];
    let all = [keep(1, 1), seen(1), block(1), seen(2), block(2), Write::Done(EntryId(1)), keep(2, 2)];
    for write in never.iter().chain(&all).cloned() {
        pending.put(write);
    }
    let order = [block(1), block(2), seen(1), seen(2), Write::Done(EntryId(1)), keep(1, 1), keep(2, 2)];
    for (n, dropped) in order.iter().enumerate() {
        assert_eq!(pending.shed(never.len() + all.len() - n - 1, usize::MAX), 1);
        let rest = pending.take();
        assert!(!rest.contains(dropped), "{dropped:?} goes now");
        for write in rest {
            pending.put(write);
        }
    }
    assert_eq!(pending.shed(0, 0), 0);
    assert_eq!(pending.take(), never);
}

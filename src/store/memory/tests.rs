//! Which conversations go, and how long that takes.

use super::super::tests::{conversation, id};
use super::*;

fn kept(n: u64, ended_at: Option<Millis>) -> Write {
    Write::Conversation(Box::new(conversation(n, ended_at)))
}

#[test]
fn where_there_are_too_many_those_that_ended_go_first() {
    let many = MOST as u64;
    let mut conversations = Conversations::new(Duration::MAX);
    // The two oldest run.
    for n in 1..=many {
        conversations.apply(&kept(n, (n > 2).then_some(Millis(n))));
    }
    conversations.apply(&kept(many + 1, None));
    conversations.apply(&kept(many + 2, None));
    assert_eq!(conversations.newest(0).1, MOST);
    let there = (1..=5).filter(|n| conversations.get(&id(*n)).is_some());
    assert_eq!(there.collect::<Vec<_>>(), [1, 2, 5]);
}

#[test]
fn ten_thousand_are_deleted_in_less_time_than_a_look_at_each_for_each_would_take() {
    let many = MOST as u64;
    let mut conversations = Conversations::new(Duration::MAX);
    (1..=many).for_each(|n| conversations.apply(&kept(n, Some(Millis(n)))));
    let begun = tokio::time::Instant::now();
    (1..=many).for_each(|n| conversations.apply(&Write::Delete(id(n))));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(conversations.newest(1), (Vec::new(), 0));
}

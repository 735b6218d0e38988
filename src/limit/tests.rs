//! Limits at their edge, below it, over time, and under more keys than anybody has.

use super::*;

const TICK: Duration = Duration::from_millis(1);

fn most(number: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(number)
}

async fn pass(time: Duration) {
    tokio::time::advance(time).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_allowed_comes_back_bit_by_bit() {
    let limit = Limit::per_hour(most(20));
    for number in 1..=20 {
        assert_eq!(limit.take(&1), Ok(()), "number {number}");
    }
    let wait = limit.take(&1).expect_err("the twenty-first within an hour");
    assert_eq!(wait, Duration::from_secs(180));
    assert_eq!(limit.take(&2), Ok(()), "another key's are its own");
    pass(wait.saturating_sub(TICK)).await;
    assert!(limit.take(&1).is_err(), "a tick too early");
    pass(TICK).await;
    assert_eq!(limit.take(&1), Ok(()));
    assert!(limit.take(&1).is_err(), "one came back, not all");
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_nothing_is_counted() {
    let limit = Limit::per_minute(None).shutting_out_for(Duration::from_mins(5));
    assert!((0..1000).all(|_| limit.take(&1).is_ok()));
    assert_eq!(limit.keys(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_for_more_is_shut_out_and_trying_does_not_prolong_it() {
    let limit = Limit::per_minute(most(10)).shutting_out_for(Duration::from_mins(5));
    for _ in 0..10 {
        assert_eq!(limit.take(&1), Ok(()));
    }
    assert_eq!(limit.take(&1), Err(Duration::from_mins(5)));
    for minute in 1..5 {
        pass(Duration::from_mins(1)).await;
        assert_eq!(limit.take(&1), Err(Duration::from_mins(5 - minute)));
        assert_eq!(limit.take(&2), Ok(()), "others are not concerned");
    }
    pass(Duration::from_mins(1).saturating_sub(TICK)).await;
    assert_eq!(limit.take(&1), Err(TICK));
    pass(TICK).await;
    for number in 1..=10 {
        assert_eq!(limit.take(&1), Ok(()), "number {number} after it");
    }
    assert_eq!(limit.take(&1), Err(Duration::from_mins(5)), "and again");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_shut_out_for_less_than_the_limit_itself_asks() {
    for (long, want) in [(0, 30), (1, 30), (45, 45)] {
        let limit = Limit::per_minute(most(2)).shutting_out_for(Duration::from_secs(long));
        let tries: Vec<_> = (0..3).map(|_| limit.take(&())).collect();
        assert_eq!(tries, [Ok(()), Ok(()), Err(Duration::from_secs(want))], "{long} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_million_keys_take_no_more_room_than_some_thousands() {
    let limit = Limit::per_minute(most(1)).shutting_out_for(Duration::from_mins(5));
    for key in 0..1_000_000_u32 {
        assert_eq!(limit.take(&key), Ok(()));
        if key % 3 == 0 {
            assert!(limit.take(&key).is_err());
        }
    }
    assert!(limit.keys() <= 4 * KEYS, "{} keys", limit.keys());
    assert!(limit.take(&999_999).is_err(), "the newest are remembered");
}

#[tokio::test(start_paused = true)]
async fn whoever_keeps_coming_is_remembered_through_any_crowd() {
    let limit = Limit::per_minute(most(2)).shutting_out_for(Duration::from_mins(5));
    for _ in 0..3 {
        let _ = limit.take(&0);
    }
    for key in 1..100_000_u32 {
        let _ = limit.take(&key);
        if key % 5_000 == 0 {
            assert!(limit.take(&0).is_err(), "after {key} others");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_not_used_any_more_is_forgotten_and_not_a_moment_too_early() {
    let limit = Limit::per_minute(most(2));
    assert_eq!((limit.take(&1), limit.take(&1)), (Ok(()), Ok(())));
    // A generation ends in the middle of its minute; it has one of its two back by then, and no more.
    pass(Duration::from_secs(45)).await;
    assert_eq!((limit.take(&1), limit.take(&1).is_err()), (Ok(()), true));
    pass(Duration::from_secs(20)).await;
    assert_eq!((limit.take(&1), limit.take(&1).is_err()), (Ok(()), true));
    for _ in 0..3 {
        pass(Duration::from_secs(61)).await;
        assert_eq!(limit.take(&2), Ok(()));
    }
    assert_eq!(limit.keys(), 1);
}

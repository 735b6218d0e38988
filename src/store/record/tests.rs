//! What is written down is read back as it was.

use proptest::prelude::*;

use super::*;

/// What stands in a store of the first format, for as long as that is read.
const FIRST: &str = include_str!("tests/format-1.json");

fn comes_back<T: Recorded + Kept + PartialEq + std::fmt::Debug>(seed: u64) {
    let value = T::sample(&mut Dice(seed));
    assert_eq!(T::from_record(&value.to_record()), Ok(value));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_comes_back_as_it_was(seed in any::<u64>()) {
        comes_back::<SessionRecord>(seed);
        comes_back::<Conversation>(seed);
        comes_back::<RequestRecord>(seed);
        comes_back::<line::Snapshot>(seed);
        comes_back::<Received>(seed);
    }

    #[test]
    fn a_damaged_record_is_an_error(seed in any::<u64>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut record = SessionRecord::sample(&mut Dice(seed)).to_record();
        let at = at.index(record.len());
        record[at] = byte;
        // It may be another value by that; it is none that panics.
        let _ = SessionRecord::from_record(&record);
        prop_assert_eq!(SessionRecord::from_record(&record[..at]), Err(BadRecord));
    }
}

#[test]
fn every_record_of_the_first_format_is_read() {
    let first: std::collections::BTreeMap<String, serde_json::Value> = serde_json::from_str(FIRST).expect("a fixture");
    let read = |kind: &str, bytes: &[u8]| match kind {
        "session" => SessionRecord::from_record(bytes).map(|value| value.to_record()),
        "conversation" => Conversation::from_record(bytes).map(|value| value.to_record()),
        "request" => RequestRecord::from_record(bytes).map(|value| value.to_record()),
        "line" => line::Snapshot::from_record(bytes).map(|value| value.to_record()),
        "received" => Received::from_record(bytes).map(|value| value.to_record()),
        other => panic!("what is {other}?"),
    };
    assert_eq!(first.len(), 5);
    for (kind, mut record) in first {
        let again = read(&kind, record.to_string().as_bytes()).expect("it is read");
        let again: serde_json::Value = serde_json::from_slice(&again).expect("JSON");
        assert!(holds(&again, &record), "{kind}: {again} instead of {record}");
        // A later version of the same format may have put something beside it.
        record["later"] = serde_json::json!({"x": 1});
        assert!(read(&kind, record.to_string().as_bytes()).is_ok(), "{kind}");
    }
}

/// Whether everything of `old` stands in `new`, which may have fields that are younger.
fn holds(new: &serde_json::Value, old: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Object};
    match (new, old) {
        (Object(new), Object(old)) => old.iter().all(|(name, old)| new.get(name).is_some_and(|new| holds(new, old))),
        (Array(new), Array(old)) => new.len() == old.len() && new.iter().zip(old).all(|(new, old)| holds(new, old)),
        _ => new == old,
    }
}

#[test]
fn a_request_has_its_time_by_its_kind() {
    let mut request = RequestRecord::sample(&mut Dice(1));
    let answered = Millis(5_000);
    request.answer = None;
    assert_eq!(request_until(&request), None);
    let mut given = super::super::Given::sample(&mut Dice(1));
    given.at = answered;
    request.answer = Some(given);
    for (keyed, collected, want) in [
        (true, false, answered + KEYED),
        (true, true, answered + KEYED),
        (false, false, answered + UNCOLLECTED),
        (false, true, answered),
    ] {
        (request.keyed, request.collected) = (keyed, collected);
        assert_eq!(request_until(&request), Some(want), "{keyed} {collected}");
    }
}

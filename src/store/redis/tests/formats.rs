//! What other versions wrote, and what none did.

use serde_json::Value;

use super::*;
use crate::store::record::{FORMAT, Step};

#[test]
fn a_server_of_a_later_version_is_left_alone() {
    let server = running(&[]);
    let mut backend = open(&server);
    backend.write(&writes(&everything())).expect("durable");
    let set = |format: u32| cmd("SET").arg(keys::FORMAT).arg(format).exec(&mut raw(&server)).expect("it is set");
    set(FORMAT + 1);
    let error = backend.write(&[talk(1)]).expect_err("a newer version has taken over meanwhile");
    assert!(error.0.contains("newer version"), "{error}");
    assert_eq!(backend.open(), Err(OpenError::Newer { found: FORMAT + 1, known: FORMAT }));
    set(FORMAT);
    let mut backend = open(&server);
    assert_eq!(backend.left(), Ok(everything()));
    assert_eq!(backend.conversations(9), Ok(Vec::new()));
}

#[test]
fn a_server_of_an_earlier_format_is_taken_to_the_present_one() {
    let server = running(&[]);
    open(&server).write(&writes(&everything())).expect("durable");
    let step: Step = |table, mut record| {
        if table == "received" {
            record["entry"] = Value::from(record["entry"].as_u64().expect("a number") + 100);
        }
        record
    };
    let same: Step = |_, record| record;
    for _ in 0..2 {
        assert!(matches!(format::check(&mut raw(&server), &[step, same]), Ok(false)), "it is taken there, once");
        let entries = read::left(&mut raw(&server)).expect("it is read").received.into_iter().map(|kept| kept.entry.0);
        assert_eq!(entries.collect::<Vec<_>>(), (101..=112).collect::<Vec<_>>());
    }
    let lasts: i64 = cmd("PTTL").arg("callme:session:call-1-1").query(&mut raw(&server)).expect("a time");
    assert!(lasts > 0, "nothing lasts longer for it");
    let error = format::check(&mut raw(&server), &[step]).map_err(Problem::into_open_error);
    assert_eq!(error, Err(OpenError::Newer { found: 3, known: 2 }));
}

#[test]
fn a_record_that_cannot_be_read_takes_no_other_with_it() {
    let server = running(&[]);
    let mut backend = open(&server);
    backend.write(&writes(&everything())).expect("durable");
    for key in ["callme:session:call-1-1", "callme:seen:line 1:IM1", "callme:block:phone 1"] {
        cmd("SET").arg(key).arg("{}").exec(&mut raw(&server)).expect("it is set");
    }
    cmd("DEL").arg("callme:session:call-2-2").exec(&mut raw(&server)).expect("it has had its time");
    let left = backend.left().expect("it is read");
    assert_eq!((left.sessions.len(), left.seen.len(), left.blocks.len(), left.received.len()), (3, 4, 4, 12));
    let listed: usize = cmd("ZCARD").arg("callme:sessions").query(&mut raw(&server)).expect("a number");
    assert_eq!(listed, 4, "what is gone is on no list");
}

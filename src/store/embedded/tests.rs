//! What can happen to the file and its disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redb::TableDefinition;
use serde_json::Value;

use super::*;
use crate::store::durable::DurableStore;
use crate::store::record::{FORMAT, Step};
use crate::store::tests::{Scratch, conversation, everything, id, patient, talk, writes};
use crate::store::{Store, StoreState};

mod disk;
mod race;

const KEEP: Duration = Duration::from_hours(48);

fn store(backend: Embedded) -> DurableStore {
    DurableStore::new("store", backend, KEEP, patient()).expect("a thread")
}

fn open(scratch: &Scratch) -> DurableStore {
    store(Embedded::new(scratch.path()))
}

async fn close(store: DurableStore) {
    store.close(Duration::from_mins(1)).await.expect("everything is written");
}

/// A file with everything in it.
async fn filled() -> Scratch {
    let scratch = Scratch::new();
    let store = open(&scratch);
    store.commit(writes(&everything())).await.expect("durable");
    close(store).await;
    scratch
}

fn set_aside(scratch: &Scratch) -> usize {
    let names = fs::read_dir(scratch.path()).expect("a directory").map(|entry| entry.expect("an entry").file_name());
    names.filter(|name| name.to_string_lossy().starts_with("callme.redb.damaged-")).count()
}

#[tokio::test]
async fn nobody_but_the_owner_reads_what_is_kept() {
    let scratch = filled().await;
    let mode = |path: PathBuf| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(scratch.path()), mode(scratch.path().join(FILE))), (0o700, 0o600));
    fs::set_permissions(scratch.path().join(FILE), fs::Permissions::from_mode(0o644)).expect("our own file");
    close(open(&scratch)).await;
    assert_eq!(mode(scratch.path().join(FILE)), 0o600);
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_degrades_and_says_what_to_do() {
    let scratch = filled().await;
    let read_only = scratch.path().join("locked");
    fs::create_dir(&read_only).expect("a directory");
    fs::set_permissions(&read_only, fs::Permissions::from_mode(0o500)).expect("our own directory");
    // For root there is no such thing.
    let is_root = fs::write(read_only.join("probe"), "").is_ok();
    let file = scratch.path().join(FILE);
    let cases = [PathBuf::from("/proc/callme"), file.clone(), file.join("below"), PathBuf::from("/dev/null/x")];
    let cases = cases.into_iter().chain((!is_root).then_some(read_only));
    for directory in cases {
        let store = store(Embedded::new(directory.clone()));
        store.commit(vec![talk(1)]).await.expect_err("nothing is durable there");
        let StoreState::Degraded(reason) = store.state() else { panic!("{directory:?}") };
        assert!(reason.contains("CALLME_DATA_DIR"), "{directory:?}: {reason}");
        assert_eq!(store.history(9).await.expect("from memory").1, 1);
        assert!(store.close(Duration::from_mins(1)).await.is_err(), "{directory:?}");
    }
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_or_read_right() {
    let scratch = filled().await;
    let file = scratch.path().join(FILE);
    let whole = fs::read(&file).expect("the file");
    let flipped = (0..48).map(|n| {
        let at = n * whole.len() / 48 + n % 7;
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (n % 8);
        (format!("bit flipped in byte {at}"), bytes)
    });
    let cut = [1, 17, 300, 4_096, 5_000, whole.len() / 2, whole.len() - 1]
        .map(|n| (format!("cut at {n}"), whole[..n].to_vec()));
    let others = [("no database".to_owned(), b"not a database".repeat(1_000)), ("zeros".to_owned(), vec![0; 9_000])];
    let (mut lost, mut aside) = (0, 0);
    for (what, bytes) in flipped.chain(cut).chain(others) {
        fs::write(&file, bytes).expect("our own file");
        let store = open(&scratch);
        let left = store.left().await.expect("it opens");
        let now_aside = set_aside(&scratch);
        if left == everything() {
            assert_eq!(now_aside, aside, "{what}: it was good");
        } else {
            assert_eq!((left, now_aside), (crate::store::Left::default(), aside + 1), "{what}: a new one");
            lost += 1;
        }
        aside = now_aside;
        store.commit(vec![talk(1)]).await.expect("it works");
        close(store).await;
        let store = open(&scratch);
        store.left().await.expect("it opens");
        assert!(store.conversation(&id(1)).await.expect("from memory").is_some(), "{what}");
        close(store).await;
    }
    assert!(lost >= 10, "only {lost} cases were found out");
}

#[tokio::test]
async fn a_file_of_a_later_version_is_left_alone() {
    let scratch = filled().await;
    let file = scratch.path().join(FILE);
    let about: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
    let set_format = |format: u64| {
        let database = Database::open(&file).expect("a database");
        let transaction = database.begin_write().expect("a transaction");
        transaction.open_table(about).expect("a table").insert("format", format).expect("room");
        transaction.commit().expect("room");
    };
    set_format(u64::from(FORMAT) + 1);
    let store = open(&scratch);
    let error = store.commit(vec![talk(1)]).await.expect_err("it is not ours to write");
    assert!(error.0.contains("newer version") && store.state() == StoreState::Degraded(error.0));
    assert!(store.close(Duration::from_mins(1)).await.is_err());
    assert_eq!(set_aside(&scratch), 0);
    set_format(u64::from(FORMAT));
    assert_eq!(open(&scratch).left().await, Ok(everything()));
}

#[tokio::test]
async fn a_file_of_an_earlier_format_is_taken_to_the_present_one() {
    let scratch = filled().await;
    let step: Step = |table, mut record| {
        if table == "received" {
            record["entry"] = Value::from(record["entry"].as_u64().expect("a number") + 100);
        }
        record
    };
    let twice: Step = |_, record| record;
    let database = Database::open(scratch.path().join(FILE)).expect("a database");
    for _ in 0..2 {
        format::check(&database, &[step, twice]).expect("it is taken there, once");
        let entries =
            tables::left(&database).expect("it is read").received.into_iter().map(|received| received.entry.0);
        assert_eq!(entries.collect::<Vec<_>>(), (101..=112).collect::<Vec<_>>());
    }
    let found = format::check(&database, &[step]).map_err(|problem| problem.into_open_error(&scratch.path()));
    assert_eq!(found, Err(OpenError::Newer { found: 3, known: 2 }));
}

#[tokio::test]
async fn a_record_that_cannot_be_read_takes_no_other_with_it() {
    let scratch = filled().await;
    let database = Database::open(scratch.path().join(FILE)).expect("a database");
    let sessions: tables::Records = TableDefinition::new("sessions");
    let transaction = database.begin_write().expect("a transaction");
    transaction.open_table(sessions).expect("a table").insert("call-1-1", (0, &b"{}"[..])).expect("room");
    transaction.commit().expect("room");
    drop(database);
    let left = open(&scratch).left().await.expect("it opens");
    assert_eq!((left.sessions.len(), left.received.len()), (4, 12));
}

#[tokio::test]
async fn what_was_forgotten_leaves_its_room_to_others() {
    let scratch = Scratch::new();
    let store = open(&scratch);
    let mut sizes = Vec::new();
    for round in 0..40u64 {
        let seen = |n: u64| crate::ids::MessageId(format!("IM{round}-{n}"));
        let key = crate::ids::LineKey("line".to_owned());
        let at = Millis(0) + Duration::from_hours(100 * round);
        let list = (0..500).map(|n| Write::Seen(key.clone(), seen(n), at)).collect();
        store.commit(list).await.expect("durable");
        store.sweep(at + Duration::from_hours(80)).await.expect("swept");
        sizes.push(fs::metadata(scratch.path().join(FILE)).expect("the file").len());
    }
    assert!(sizes[39] <= sizes[9], "{sizes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: cargo nextest run --run-ignored all --no-capture writes_per_second"]
#[expect(clippy::disallowed_methods, reason = "measures the disk, which keeps real time")]
async fn writes_per_second() {
    for writers in [1u64, 8, 64] {
        let scratch = Scratch::new();
        let store = Arc::new(open(&scratch));
        store.left().await.expect("it opens");
        let count = AtomicU64::new(0);
        let start = std::time::Instant::now();
        let write = |n: u64| {
            let (store, count) = (&store, &count);
            async move {
                while start.elapsed() < Duration::from_secs(3) {
                    store.commit(vec![talk(n)]).await.expect("durable");
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        futures_util::future::join_all((0..writers).map(write)).await;
        println!("{writers} writers: {} durable commits a second", count.into_inner() / 3);
    }
    for talks in [100u64, 10_000] {
        let scratch = Scratch::new();
        let store = open(&scratch);
        store.commit((1..=talks).map(talk).collect()).await.expect("durable");
        close(store).await;
        let size = fs::metadata(scratch.path().join(FILE)).expect("the file").len();
        for suspicious in [false, true] {
            let mut backend = Embedded { suspicious, ..Embedded::new(scratch.path()) };
            let start = std::time::Instant::now();
            backend.open().expect("it opens");
            println!("{size} bytes, checked {suspicious}: open in {:?}", start.elapsed());
        }
    }
}

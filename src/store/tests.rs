//! What every store that outlives the process promises: one suite, run over each of them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::durable::{DurableStore, Patience};
use super::embedded::Embedded;
use super::memory::MemoryStore;
use super::record::{Dice, Kept};
use super::redis::RedisBackend;
use super::redis::tests::{random, running};
use super::*;
use crate::domain::text::BadWords;

/// How long ended conversations are kept here.
const KEEP: Duration = Duration::from_hours(48);

/// A directory that goes with the test.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("callme-store-{}-{n}", std::process::id())))
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.clone()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An empty store that can be opened any number of times, one after the other.
struct Place {
    open: Box<dyn Fn() -> DurableStore>,
}

impl Place {
    fn open(&self) -> DurableStore {
        (self.open)()
    }

    /// What a process that ends now leaves to the next.
    async fn again(&self, store: DurableStore) -> DurableStore {
        store.close(Duration::from_mins(1)).await.expect("everything is written");
        self.open()
    }
}

/// Every implementation; a further one is a further line.
const PLACES: [fn() -> Place; 2] = [embedded, redis];

fn embedded() -> Place {
    let scratch = Scratch::new();
    let open = move || DurableStore::new("store", Embedded::new(scratch.path()), KEEP, patient()).expect("a thread");
    Place { open: Box::new(open) }
}

fn redis() -> Place {
    let server = running(&[]);
    let open = move || {
        let backend = RedisBackend::new(&server.url().into(), KEEP, random()).expect("a URL");
        DurableStore::new("store", backend, KEEP, patient()).expect("a thread")
    };
    Place { open: Box::new(open) }
}

/// No test fails because this machine is slow.
pub(super) fn patient() -> Patience {
    Patience { commit: Duration::from_mins(10), retry: Duration::from_millis(1), ..Patience::default() }
}

pub(super) fn id(n: u64) -> SessionId {
    SessionId::parse(&format!("call-{n}-{n}")).expect("a valid id")
}

pub(super) fn conversation(n: u64, ended_at: Option<Millis>) -> Conversation {
    Conversation { id: id(n), created_at: Millis(n), ended_at, ..Conversation::sample(&mut Dice(n)) }
}

pub(super) fn session(n: u64) -> SessionRecord {
    SessionRecord { id: id(n), ..SessionRecord::sample(&mut Dice(n)) }
}

pub(super) fn received(n: u64) -> Received {
    Received { entry: EntryId(n), ..Received::sample(&mut Dice(n)) }
}

pub(super) fn request(n: u64) -> RequestRecord {
    RequestRecord { key: RequestKey(format!("key {n}")), answer: None, ..RequestRecord::sample(&mut Dice(n)) }
}

fn key(n: u64) -> LineKey {
    LineKey(format!("line {n}"))
}

fn seen(n: u64, at: Millis) -> (LineKey, MessageId, Millis) {
    (key(1), MessageId(format!("IM{n}")), at)
}

fn blocked(n: u64, until: Millis) -> (String, Millis) {
    (format!("phone {n}"), until)
}

/// Keeps a conversation.
pub(super) fn talk(n: u64) -> Write {
    Write::Conversation(Box::new(conversation(n, None)))
}

/// Everything that can be left, some of each.
pub(super) fn everything() -> Left {
    Left {
        sessions: (1..=5).map(session).collect(),
        lines: (1..=5).map(|n| (key(n), line::Snapshot::sample(&mut Dice(n)))).collect(),
        seen: (1..=5).map(|n| seen(n, Millis(n))).collect(),
        received: (1..=12).map(received).collect(),
        requests: (1..=5).map(request).collect(),
        blocks: (1..=5).map(|n| blocked(n, Millis(n))).collect(),
    }
}

pub(super) fn writes(left: &Left) -> Vec<Write> {
    let Left { sessions, lines, seen, received, requests, blocks } = left.clone();
    let sessions = sessions.into_iter().map(|session| Write::Session(Box::new(session)));
    let lines = lines.into_iter().map(|(key, line)| Write::Line(key, Box::new(line)));
    let seen = seen.into_iter().map(|(key, message, at)| Write::Seen(key, message, at));
    let received = received.into_iter().map(|received| Write::Received(Box::new(received)));
    let requests = requests.into_iter().map(|request| Write::Request(Box::new(request)));
    let blocks = blocks.into_iter().map(|(phone, until)| Write::Block(phone, until));
    sessions.chain(lines).chain(seen).chain(received).chain(requests).chain(blocks).collect()
}

#[tokio::test]
async fn the_next_process_finds_everything_as_it_was() {
    for place in PLACES.map(|place| place()) {
        let store = place.open();
        assert_eq!(store.left().await, Ok(Left::default()), "it begins empty");
        store.commit(writes(&everything())).await.expect("durable");
        let store = place.again(store).await;
        assert_eq!(store.left().await, Ok(everything()));
        assert_eq!(store.left().await, Ok(Left::default()), "once");
        let store = place.again(store).await;
        assert_eq!(store.left().await, Ok(everything()), "reading takes nothing away");
        assert!(store.is_durable() && store.state() == StoreState::Fine);
    }
}

#[tokio::test]
async fn what_is_durable_needs_no_orderly_end() {
    for place in PLACES.map(|place| place()) {
        let store = place.open();
        store.commit(writes(&everything())).await.expect("durable");
        // Its thread gives the place back some time.
        drop(store);
        assert_eq!(place.open().left().await, Ok(everything()));
    }
}

#[tokio::test]
async fn later_writes_win_and_ends_remove() {
    for place in PLACES.map(|place| place()) {
        let store = place.open();
        store.commit(writes(&everything())).await.expect("durable");
        let newer = |n: u64| SessionRecord { kept_at: Millis(77), ..session(n) };
        let answered = |deleted| RequestRecord { answer: Some(Given::sample(&mut Dice(2))), deleted, ..request(1) };
        let lists = [
            vec![Write::Session(Box::new(newer(1))), Write::Session(Box::new(newer(2)))],
            vec![Write::Ended(id(2)), Write::Done(EntryId(3)), Write::Nothing],
            vec![Write::Done(EntryId(99)), Write::Ended(id(99)), Write::Delete(id(99))],
            vec![Write::Request(Box::new(RequestRecord {
                answer: Some(Given::sample(&mut Dice(1))),
                ..answered(false)
            }))],
            vec![Write::Delete(id(1)), Write::Request(Box::new(answered(true)))],
        ];
        for commit in lists.map(|list| store.commit(list)) {
            commit.await.expect("durable");
        }
        let mut want = everything();
        want.sessions.retain(|session| session.id != id(2));
        want.sessions[0] = newer(1);
        want.requests[0] = answered(true);
        want.received.retain(|received| received.entry != EntryId(3));
        assert_eq!(place.again(store).await.left().await, Ok(want));
    }
}

#[tokio::test]
async fn history_is_newest_first_and_counts_all() {
    let memory: Box<dyn Store> = Box::new(MemoryStore::new(KEEP));
    for place in PLACES.map(|place| Some(place())).into_iter().chain([None]) {
        let opened: Option<Box<dyn Store>> = place.as_ref().map(|place| Box::new(place.open()) as Box<dyn Store>);
        let store = opened.as_ref().unwrap_or(&memory);
        // Ended or running, none is too old.
        let talks: Vec<Conversation> = (1..=9).map(|n| conversation(n, (n % 2 == 0).then_some(Millis(n)))).collect();
        let list = talks.iter().map(|talk| Write::Conversation(Box::new(talk.clone()))).collect();
        store.commit(list).await.expect("durable");
        store.commit(vec![Write::Delete(id(8)), Write::Delete(id(77))]).await.expect("durable");
        let (newest, count) = store.history(3).await.expect("history");
        assert_eq!((newest, count), ([9, 7, 6].map(|n| talks[n - 1].clone()).to_vec(), 8));
        assert_eq!(store.history(99).await.expect("history").0.len(), 8);
        assert_eq!(store.conversation(&id(4)).await, Ok(Some(talks[3].clone())));
        assert_eq!(store.conversation(&id(8)).await, Ok(None));
    }
}

#[tokio::test]
async fn history_outlives_the_process() {
    for place in PLACES.map(|place| place()) {
        let store = place.open();
        store.commit((1..=9).map(talk).chain([Write::Delete(id(3))]).collect()).await.expect("durable");
        let history = store.history(99).await;
        let store = place.again(store).await;
        store.left().await.expect("it opens");
        assert_eq!(store.history(99).await, history);
    }
}

#[tokio::test]
async fn everything_has_its_time_and_opt_outs_have_no_end() {
    let hours = Duration::from_hours;
    let now = Millis(0) + hours(10_000);
    let old = |hours: u64| now - Duration::from_hours(hours);
    let asked = |n: u64, keyed: bool, begun: u64, answered: Option<u64>| {
        let answer = answered.map(|ago| Given { at: old(ago), ..Given::sample(&mut Dice(n)) });
        RequestRecord { keyed, begun_at: old(begun), answer, collected: false, ..request(n) }
    };
    let opted_out = line::Snapshot { opted_out: Some(Millis(1)), ..line::Snapshot::default() };
    for place in PLACES.map(|place| place()) {
        let store = place.open();
        let left = Left {
            lines: vec![(key(1), opted_out.clone())],
            seen: vec![seen(1, old(73)), seen(2, old(71))],
            requests: vec![
                asked(1, true, 25, Some(25)),
                asked(2, true, 23, Some(22)),
                asked(3, false, 25, Some(1)),
                asked(4, false, 99, None),
            ],
            blocks: vec![blocked(1, old(1)), blocked(2, now + hours(1))],
            received: vec![Received { at: Millis(1), ..received(1) }],
            sessions: vec![session(1)],
        };
        let talks = [(1, Some(old(49))), (2, Some(old(47))), (3, None)].map(|(n, ended)| conversation(n, ended));
        let talks = talks.map(|talk| Write::Conversation(Box::new(talk)));
        store.commit([writes(&left), talks.to_vec()].concat()).await.expect("durable");
        store.sweep(now).await.expect("swept");
        let want = Left {
            seen: left.seen[1..].to_vec(),
            requests: vec![left.requests[1].clone(), left.requests[3].clone()],
            blocks: left.blocks[1..].to_vec(),
            ..left
        };
        let store = place.again(store).await;
        assert_eq!(store.left().await, Ok(want));
        let (talks, count) = store.history(9).await.expect("history");
        assert_eq!((talks.iter().map(|talk| talk.id.clone()).collect::<Vec<_>>(), count), (vec![id(3), id(2)], 2));
    }
}

#[tokio::test]
async fn a_place_that_is_taken_is_taken_over_when_it_is_free() {
    // A server is for many.
    for place in [embedded()] {
        let first = place.open();
        first.commit(vec![talk(1), Write::Received(Box::new(received(1)))]).await.expect("durable");
        let second = place.open();
        // As long as the first holds on, or until the second has looked.
        let kept = second.commit(vec![talk(2), Write::Done(EntryId(1))]).await;
        let StoreState::Degraded(reason) = second.state() else { panic!("another process has it") };
        assert_eq!(kept, Err(StoreError(reason.clone())));
        assert!(reason.contains("another process") && reason.contains("CALLME_DATA_DIR"), "{reason}");
        first.commit(vec![talk(3)]).await.expect("nobody disturbs the first");
        first.close(Duration::from_mins(1)).await.expect("everything is written");
        assert_eq!(second.left().await.expect("it is open"), Left::default(), "done meanwhile");
        assert_eq!(second.history(9).await.expect("history").1, 3);
        let third = place.again(second).await;
        assert_eq!(third.left().await, Ok(Left::default()));
        assert_eq!(third.history(9).await.expect("history").1, 3);
    }
}

#[test]
fn nothing_that_is_kept_prints_what_was_said() {
    let words = "the words";
    let said = BadWords::Empty;
    let mail = Mail::Refused(MessageId("IM1".to_owned()), said);
    let line = Line { speaker: Speaker::Person, text: words.to_owned(), at: Millis(1), channel: Channel::Voice };
    let talk = Conversation { lines: vec![line.clone()], uncollected: vec![line], ..conversation(1, None) };
    assert!(!format!("{talk:?} {mail:?}").contains(words));
}

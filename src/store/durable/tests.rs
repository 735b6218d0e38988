//! The store over a backend that does as it is told.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

use super::*;
use crate::domain::line;
use crate::domain::outcome::{Channel, Outcome};
use crate::domain::text::BadWords;
use crate::ids::{EntryId, LineKey, MessageId};
use crate::store::{Mail, Received};

mod pending;

/// What was written, batch by batch, as text.
type Log = Arc<Mutex<Vec<Vec<Write>>>>;

/// What the backend does when it is called next.
#[derive(Clone, Copy)]
enum Turn {
    Work,
    Fail,
    Panic,
}

/// Waits for its turn before each `open` and `write`; once nobody is left to tell it, it repeats the last.
struct Played {
    turns: Receiver<Turn>,
    last: Turn,
    left: Left,
    conversations: Vec<Conversation>,
    log: Log,
}

impl Played {
    fn turn(&mut self) -> Result<(), StoreError> {
        self.last = self.turns.recv().unwrap_or(self.last);
        match self.last {
            Turn::Work => Ok(()),
            Turn::Fail => Err(StoreError("the disk is full; make room".to_owned())),
            Turn::Panic => panic!("as it was told"),
        }
    }
}

impl Backend for Played {
    fn open(&mut self) -> Result<(), OpenError> {
        self.turn().map_err(|_| OpenError::Locked)
    }
    fn write(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        self.turn()?;
        self.log.lock().expect("no panic holds it").push(writes.to_vec());
        Ok(())
    }
    fn left(&mut self) -> Result<Left, StoreError> {
        Ok(self.left.clone())
    }
    fn conversations(&mut self, _: usize) -> Result<Vec<Conversation>, StoreError> {
        Ok(self.conversations.clone())
    }
    fn sweep(&mut self, _: Millis, _: Duration) -> Result<(), StoreError> {
        Ok(())
    }
}

struct World {
    store: DurableStore,
    turns: Sender<Turn>,
    log: Log,
}

impl World {
    fn new(left: Left, conversations: Vec<Conversation>) -> Self {
        Self::patient(left, conversations, Duration::from_mins(10))
    }

    fn patient(left: Left, conversations: Vec<Conversation>, commit: Duration) -> Self {
        let (turns, told) = mpsc::channel();
        let log = Log::default();
        let played = Played { turns: told, last: Turn::Work, left, conversations, log: Arc::clone(&log) };
        let patience = Patience { commit, retry: Duration::ZERO, ..Patience::default() };
        let store = DurableStore::new("store", played, Duration::from_hours(48), patience).expect("a thread");
        Self { store, turns, log }
    }

    fn then(&self, turns: impl IntoIterator<Item = Turn>) -> &Self {
        for turn in turns {
            self.turns.send(turn).expect("the thread lives");
        }
        self
    }

    fn written(&self) -> Vec<Vec<Write>> {
        self.log.lock().expect("no panic holds it").clone()
    }
}

fn id(n: u64) -> SessionId {
    SessionId::parse(&format!("call-{n}-{n}")).expect("a valid id")
}

fn conversation(n: u64, seconds: u64) -> Conversation {
    Conversation {
        id: id(n),
        channel: Channel::Voice,
        conversation: None,
        lines: Vec::new(),
        created_at: Millis(n),
        ended_at: None,
        duration_seconds: seconds,
        outcome: Outcome::default(),
        uncollected: Vec::new(),
    }
}

fn keep(n: u64, seconds: u64) -> Write {
    Write::Conversation(Box::new(conversation(n, seconds)))
}

fn block(n: u64) -> Write {
    Write::Block(format!("phone {n}"), Millis(n))
}

/// Until the thread has done everything, and says so.
async fn caught_up(store: &DurableStore) {
    while store.state() != StoreState::Fine || store.commit(vec![Write::Nothing]).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_committed_while_the_disk_is_busy_goes_out_as_one_write() {
    let world = World::new(Left::default(), Vec::new());
    let commits: Vec<_> = (0..64).map(|n| world.store.commit(vec![block(n)])).collect();
    world.then([Turn::Work, Turn::Work]);
    for commit in commits {
        commit.await.expect("durable");
    }
    assert_eq!(world.written(), [(0..64).map(block).collect::<Vec<_>>()], "in order");
}

#[tokio::test]
async fn nothing_is_kept_at_once() {
    let world = World::new(Left::default(), Vec::new());
    world.store.commit(Vec::new()).await.expect("there is nothing to lose");
    drop(world.turns);
}

#[tokio::test]
async fn a_commit_that_nobody_waits_for_is_kept_all_the_same() {
    let world = World::new(Left::default(), Vec::new());
    drop(world.store.commit(vec![block(1)]));
    let World { store, turns, log } = world;
    drop(turns);
    store.close(Duration::from_mins(1)).await.expect("it closes");
    assert_eq!(*log.lock().expect("no panic holds it"), [[block(1)]]);
    assert!(store.commit(vec![block(2)]).await.is_err(), "nobody will write it");
}

#[tokio::test]
async fn a_backend_that_fails_is_caught_up_with_in_one_write_of_the_newest_values() {
    for fault in [|| Turn::Fail, || Turn::Panic] {
        let world = World::new(Left::default(), Vec::new());
        world.then([Turn::Work, fault()]);
        let failed = world.store.commit(vec![keep(1, 1), block(1), Write::Nothing]).await;
        let StoreState::Degraded(reason) = world.store.state() else { panic!("it is degraded") };
        assert_eq!(failed, Err(StoreError(reason)));
        // It does not wait: the thread is told nothing.
        assert!(world.store.commit(vec![keep(1, 2), keep(2, 2)]).await.is_err());
        assert_eq!(world.store.conversation(&id(1)).await, Ok(Some(conversation(1, 2))), "it is read all the same");
        world.then([fault(), Turn::Work, fault(), Turn::Work, Turn::Work]).then([Turn::Work; 9]);
        caught_up(&world.store).await;
        assert_eq!(world.written()[0][..3], [block(1), keep(1, 2), keep(2, 2)]);
    }
}

#[tokio::test]
async fn a_backend_that_works_again_is_not_called_broken_until_somebody_has_something_to_keep() {
    let world = World::new(Left::default(), Vec::new());
    world.then([Turn::Work, Turn::Fail]);
    assert!(world.store.commit(vec![Write::Nothing]).await.is_err());
    assert!(matches!(world.store.state(), StoreState::Degraded(_)));
    // It can be opened, and still takes nothing; then it does.
    world.then([Turn::Work, Turn::Fail, Turn::Work, Turn::Work]);
    while world.store.state() != StoreState::Fine {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.written(), [[Write::Nothing]]);
    let World { store, turns, .. } = world;
    turns.send(Turn::Fail).expect("the thread lives");
    assert!(store.commit(vec![Write::Nothing]).await.is_err());
    drop(turns);
    store.close(Duration::from_mins(1)).await.expect("nothing is lost");
}

#[tokio::test]
async fn a_disk_that_hangs_stops_nobody() {
    let world = World::patient(Left::default(), Vec::new(), Duration::from_millis(1));
    world.then([Turn::Work]);
    assert!(world.store.left().await.is_ok());
    assert!(world.store.commit(vec![block(1)]).await.is_err(), "it does not wait for the disk");
    assert!(matches!(world.store.state(), StoreState::Degraded(reason) if reason.contains("too long")));
    assert!(world.store.commit(vec![block(2)]).await.is_err());
    world.then([Turn::Work, Turn::Work]);
    let World { store, turns, log } = world;
    drop(turns);
    store.close(Duration::from_mins(1)).await.expect("it closes");
    let written: Vec<Write> = log.lock().expect("no panic holds it").iter().flatten().cloned().collect();
    assert_eq!(written, [block(1), block(2)]);
    assert_eq!(store.state(), StoreState::Fine);
}

#[tokio::test]
async fn what_was_committed_before_the_store_was_open_wins_over_what_was_left() {
    let line = |opted_out, told| line::Snapshot { opted_out, told, ..line::Snapshot::default() };
    let key = LineKey("line".to_owned());
    let seen = |n: u64| (key.clone(), MessageId(format!("IM{n}")), Millis(n));
    let received = |n: u64| Received {
        channel: Channel::WhatsApp,
        entry: EntryId(n),
        at: Millis(n),
        late: None,
        mail: Mail::Refused(MessageId(format!("IM{n}")), BadWords::Empty),
        decided: None,
    };
    let left = Left {
        lines: vec![(key.clone(), line(Some(Millis(1)), None))],
        seen: vec![seen(1), seen(2)],
        received: vec![received(3), received(2), received(1)],
        blocks: vec![("phone 1".to_owned(), Millis(9)), ("phone 2".to_owned(), Millis(9))],
        ..Left::default()
    };
    let world = World::new(left, vec![conversation(1, 1), conversation(2, 1), conversation(3, 1)]);
    let newer = Write::Line(key.clone(), Box::new(line(None, Some(Millis(2)))));
    let changes = vec![keep(1, 2), Write::Delete(id(3)), Write::Done(EntryId(2)), block(1), newer];
    world.then([Turn::Fail]);
    assert!(world.store.commit(changes).await.is_err());
    world.then([Turn::Work, Turn::Work, Turn::Work, Turn::Work]);
    let left = world.store.left().await.expect("it opens");
    assert_eq!(left.received, [received(1), received(3)], "in order");
    assert_eq!(left.blocks, [("phone 2".to_owned(), Millis(9))]);
    assert_eq!((left.seen.len(), left.lines.len()), (2, 1), "what this process knows nothing of");
    let kept = world.store.history(9).await.expect("from memory");
    assert_eq!(kept, (vec![conversation(2, 1), conversation(1, 2)], 2));
    caught_up(&world.store).await;
    let merged = Write::Line(key, Box::new(line(Some(Millis(1)), Some(Millis(2)))));
    assert!(world.written().concat().contains(&merged), "nobody who stopped messages is forgotten meanwhile");
    assert_eq!(world.store.left().await, Ok(Left::default()), "once");
}

#[tokio::test]
async fn closing_says_what_could_not_be_written() {
    let world = World::new(Left::default(), Vec::new());
    world.then([Turn::Work, Turn::Fail]);
    let World { store, turns, .. } = world;
    drop(turns);
    assert!(store.commit(vec![block(1)]).await.is_err());
    let error = store.close(Duration::from_mins(1)).await.expect_err("the disk is full");
    assert_eq!(error, StoreError("1 changes were not written".to_owned()));
}

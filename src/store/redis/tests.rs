//! What can happen between us and a Redis.

use std::io::Write as _;
use std::net::TcpListener;

use ::redis::{Connection, cmd};

use super::*;
use crate::ids::{EntryId, SessionId};
use crate::store::durable::{DurableStore, Patience};
use crate::store::tests::{conversation, everything, id, patient, received, request, session, talk, writes};
use crate::store::{Owner, RequestRecord, SessionRecord, Store, StoreState};

mod formats;
mod owners;
mod promises;
mod server;

use server::Server;

const KEEP: Duration = Duration::from_hours(48);

/// What makes a server keep everything that it has acknowledged.
const LASTING: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// A server with these arguments; without any it keeps nothing beyond its end.
pub(in crate::store) fn running(arguments: &[&str]) -> Server {
    loop {
        let mut server = Server::planned(arguments);
        // Somebody else may take the port between the question for it and the start.
        if server.begin() {
            return server;
        }
    }
}

/// What no other process has.
pub(in crate::store) fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    crate::app::random(&mut bytes);
    bytes
}

fn backend(url: &str) -> RedisBackend {
    RedisBackend::new(&url.into(), KEEP, random()).expect("a URL")
}

/// Reached.
fn open(server: &Server) -> RedisBackend {
    let mut backend = backend(&server.url());
    backend.open().expect("it is reached");
    backend
}

fn store(url: &str) -> DurableStore {
    DurableStore::new("store", backend(url), KEEP, patient()).expect("a thread")
}

/// One that waits for nothing for long.
fn hasty(server: &Server) -> DurableStore {
    let patience = Patience { commit: Duration::from_millis(20), ..patient() };
    DurableStore::new("store", backend(&server.url()), KEEP, patience).expect("a thread")
}

/// A view that is not ours.
fn raw(server: &Server) -> Connection {
    Client::open(server.url()).expect("a URL").get_connection().expect("it is reached")
}

fn all_keys(server: &Server) -> Vec<String> {
    let mut keys: Vec<String> = cmd("KEYS").arg("*").query(&mut raw(server)).expect("keys");
    keys.sort();
    keys
}

async fn close(store: DurableStore) {
    store.close(Duration::from_mins(1)).await.expect("everything is written");
}

/// Until everything is written, and the store says so.
async fn caught_up(store: &DurableStore) {
    while store.state() != StoreState::Fine || store.commit(vec![Write::Nothing]).await.is_err() {
        tokio::task::yield_now().await;
    }
}

/// Why it keeps things in memory only, as soon as this is part of it.
async fn reason(store: &DurableStore, part: &str) -> String {
    loop {
        if let StoreState::Degraded(reason) = store.state()
            && reason.contains(part)
        {
            return reason;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn everything_but_lines_and_their_format_has_an_end() {
    let server = running(&[]);
    let store = store(&server.url());
    store.commit(writes(&everything())).await.expect("durable");
    let ended = Write::Conversation(Box::new(conversation(2, Some(Millis(2)))));
    store
        .commit(vec![talk(1), ended, Write::Block("phone".to_owned(), Millis(9)), Write::Nothing])
        .await
        .expect("durable");
    let answered = RequestRecord {
        answer: Some(crate::store::record::Kept::sample(&mut crate::store::record::Dice(1))),
        ..request(9)
    };
    store
        .commit(vec![Write::Request(Box::new(answered)), Write::Ended(id(5)), Write::Delete(id(9))])
        .await
        .expect("durable");
    close(store).await;
    let keys = all_keys(&server);
    for name in ["session:", "conversation:", "request:", "line:", "received:", "seen:", "block:", "fence:", "writer:"]
    {
        assert!(keys.iter().any(|key| key.starts_with(&format!("callme:{name}"))), "{name} in {keys:?}");
    }
    let mut connection = raw(&server);
    let hours = |hours: u64| i64::try_from(whole(hours)).expect("a small number");
    for key in keys {
        let left: i64 = cmd("PTTL").arg(&key).query(&mut connection).expect("a time");
        if key == keys::FORMAT || key == "callme:lines" || key.starts_with("callme:line:") {
            assert_eq!(left, -1, "{key} stays");
        } else {
            assert!(left > 0 && left <= hours(31 * 24), "{key}: {left}");
        }
    }
    let lasts = |key: &str| cmd("PTTL").arg(key).query::<i64>(&mut raw(&server)).expect("a time");
    assert!(lasts("callme:conversation:call-2-2") <= hours(48) && lasts("callme:conversation:call-1-1") > hours(48));
    assert!(lasts("callme:request:key 9") <= hours(24) && lasts("callme:request:key 1") > hours(24));
    assert!(lasts("callme:seen:line 1:IM1") <= hours(72) && lasts("callme:fence:call-5-5") <= hours(24));
    assert!(lasts("callme:conversations") > hours(30 * 24), "as long as the longest on it");
}

fn whole(hours: u64) -> u64 {
    crate::clock::whole_millis(Duration::from_hours(hours))
}

#[tokio::test]
async fn a_server_that_comes_late_is_caught_up_with() {
    let mut server = Server::planned(&[]);
    let store = store(&server.url());
    assert!(store.commit(writes(&everything())).await.is_err(), "it is in memory only");
    let reason = reason(&store, "Redis").await;
    assert!(reason.contains("nobody listens") && reason.contains("REDIS_URL"), "{reason}");
    assert!(store.commit(vec![talk(1)]).await.is_err());
    assert_eq!(store.history(9).await.expect("from memory").1, 1);
    assert!(server.begin(), "the port is still free");
    caught_up(&store).await;
    assert_eq!(open(&server).left(), Ok(everything()));
    assert_eq!(open(&server).conversations(9).expect("history").len(), 1);
}

#[tokio::test]
async fn a_server_that_is_killed_and_started_again_has_everything() {
    let mut server = running(&LASTING);
    let store = store(&server.url());
    store.commit(writes(&everything())).await.expect("durable");
    server.kill();
    assert!(server.files().iter().any(|file| !file.is_empty()), "it is on its disk");
    let newer = SessionRecord { kept_at: Millis(77), ..session(1) };
    let away = vec![Write::Session(Box::new(newer.clone())), Write::Done(EntryId(1)), talk(1)];
    assert!(store.commit(away).await.is_err(), "it is in memory only");
    assert!(server.begin(), "the port is still free");
    caught_up(&store).await;
    close(store).await;
    server.kill();
    assert!(server.begin(), "the port is still free");
    let mut want = everything();
    want.sessions[0] = newer;
    want.received.remove(0);
    let mut backend = open(&server);
    assert_eq!(backend.left(), Ok(want));
    assert_eq!(backend.conversations(9).expect("history").len(), 1);
}

#[tokio::test]
async fn a_server_that_hangs_stops_nobody() {
    let server = running(&[]);
    let store = hasty(&server);
    store.left().await.expect("it is reached");
    caught_up(&store).await;
    server.hang();
    assert!(store.commit(vec![talk(1)]).await.is_err(), "it waits no longer than it may");
    assert!(store.commit(vec![talk(2)]).await.is_err());
    assert!(matches!(store.state(), StoreState::Degraded(reason) if reason.contains("hangs")));
    // Until the connection is given up, with the write that is on its way in it.
    let reason = reason(&store, "two seconds").await;
    let ended = Write::Conversation(Box::new(conversation(1, Some(Millis(1)))));
    assert_eq!(store.commit(vec![ended]).await, Err(StoreError(reason)));
    server.go_on();
    caught_up(&store).await;
    let kept = open(&server).conversations(9).expect("history");
    assert_eq!(kept, [conversation(2, None), conversation(1, Some(Millis(1)))]);
}

#[test]
fn what_arrives_late_does_not_undo_what_came_after_it() {
    let server = running(&[]);
    let instance = random();
    let write = |number: u64, ended: Option<Millis>| {
        let mut backend = RedisBackend::new(&server.url().into(), KEEP, instance).expect("a URL");
        backend.writer.writes = number - 1;
        backend.open().expect("it is reached");
        backend.write(&[Write::Conversation(Box::new(conversation(1, ended)))])
    };
    write(1, None).expect("durable");
    write(3, Some(Millis(3))).expect("durable");
    for late in [write(2, None), write(3, None)] {
        let StoreError(told) = late.expect_err("it is late");
        assert!(told.contains("an older write of this process") && !told.contains("nobody else"), "{told}");
    }
    assert_eq!(open(&server).conversations(9), Ok(vec![conversation(1, Some(Millis(3)))]));
    write(10, None).expect("10 is more than 3");
}

#[tokio::test]
async fn what_is_wrong_is_said_with_a_remedy_and_without_a_secret() {
    let locked = running(&["--requirepass", "s3cret-0ne"]);
    let open_door = running(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let other = listener.local_addr().expect("a bound listener has an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // Whoever asked may have gone.
            let _ = stream.and_then(|mut stream| stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        }
    });
    let (locked, open_door) = (locked.port, open_door.port);
    for (url, part) in [
        (format!("redis://:s3cret@127.0.0.1:{locked}"), "password"),
        (format!("redis://user:s3cret@127.0.0.1:{locked}"), "password"),
        (format!("redis://127.0.0.1:{locked}"), "password"),
        (format!("redis://:s3cret@127.0.0.1:{open_door}/4711"), "REDIS_URL"),
        ("redis://:s3cret@127.0.0.1:1".to_owned(), "nobody listens"),
        ("redis://:s3cret@no-such-host.invalid".to_owned(), "REDIS_URL"),
        (format!("redis://:s3cret@127.0.0.1:{other}"), "no Redis"),
        (format!("rediss://:s3cret@127.0.0.1:{other}"), "TLS"),
    ] {
        let mut backend = backend(&url);
        let error = backend.open().expect_err("it is of no use").to_string();
        assert!(error.contains(part), "{url}: {error}");
        let shown = format!("{error} {backend:?} {:?}", backend.write(&[talk(1)]));
        for secret in ["s3cret", "127.0.0.1", "no-such-host"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
    }
}

#[test]
fn a_server_that_refuses_says_why_and_keeps_nothing_of_it() {
    for (settings, part) in [
        (vec![("maxmemory", "1mb")], "memory"),
        (vec![("min-replicas-to-write", "1")], "Redis refuses"),
        (vec![("replicaof", "127.0.0.1 1")], "replica"),
    ] {
        let server = running(&[]);
        let mut backend = open(&server);
        for (name, value) in settings {
            let mut set = cmd("CONFIG");
            set.arg("SET").arg(name).arg(value);
            if name == "replicaof" {
                set = cmd("REPLICAOF");
                set.arg("127.0.0.1").arg(1);
            }
            set.exec(&mut raw(&server)).expect("it is set");
        }
        let error = backend.write(&writes(&everything())).expect_err("it cannot");
        assert!(error.0.contains(part), "{error}");
        assert_eq!(all_keys(&server), [keys::FORMAT], "{part}");
    }
}

#[test]
fn a_list_that_is_somebody_elses_stops_a_write_before_it_begins() {
    let server = running(&[]);
    let mut backend = open(&server);
    cmd("SET").arg("callme:blocks").arg("mine").exec(&mut raw(&server)).expect("it is set");
    let error = backend.write(&writes(&everything())).expect_err("it cannot");
    assert!(error.0.contains("nobody else"), "{error}");
    assert_eq!(all_keys(&server), ["callme:blocks", keys::FORMAT]);
    cmd("DEL").arg("callme:blocks").exec(&mut raw(&server)).expect("it is gone");
    backend.open().expect("it is reached");
    backend.write(&writes(&everything())).expect("durable");
    assert_eq!(backend.left(), Ok(everything()));
}

#[tokio::test]
async fn two_instances_at_one_server_leave_each_others_things_whole() {
    let server = running(&[]);
    let stores = [store(&server.url()), store(&server.url())];
    let mine = |which: usize, n: u64| -> Vec<Write> {
        let n = 2 * n + which as u64 + 1;
        let both =
            Write::Session(Box::new(SessionRecord { kept_at: Millis(n), owner: Owner::default(), ..session(999) }));
        vec![
            Write::Session(Box::new(session(n))),
            Write::Received(Box::new(received(n))),
            Write::Request(Box::new(request(n))),
            talk(n),
            both,
        ]
    };
    for n in 0..50 {
        let (one, two) = tokio::join!(stores[0].commit(mine(0, n)), stores[1].commit(mine(1, n)));
        assert_eq!((one, two), (Ok(()), Ok(())));
        let removed = stores[1].commit(vec![Write::Ended(id(2 * n + 2)), Write::Done(EntryId(2 * n + 2))]).await;
        assert_eq!(removed, Ok(()));
    }
    let (one, two) = tokio::join!(stores[0].sweep(Millis(100)), stores[1].sweep(Millis(100)));
    assert_eq!((one, two), (Ok(()), Ok(())));
    let mut backend = open(&server);
    let left = backend.left().expect("it is read");
    let odd: Vec<_> = (0..50).map(|n| session(2 * n + 1)).collect();
    assert!(odd.iter().all(|session| left.sessions.contains(session)) && left.sessions.len() == 51);
    assert_eq!((left.received.len(), left.requests.len()), (50, 100));
    assert_eq!(backend.conversations(999).expect("history").len(), 100);
    let both: Vec<SessionId> =
        left.sessions.iter().filter(|kept| kept.kept_at.0 > 98).map(|kept| kept.id.clone()).collect();
    assert!(both.contains(&id(999)), "one of the two last");
}

//! Few places, and many who come.

use std::convert::Infallible;

use axum::routing::get;
use futures_util::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::answers::TAKEN_WITHIN;
use super::*;

/// Places in these tests.
const MOST: usize = 4;

/// A server with few places: `/now` answers at once, `/later` when it is told, `/much` with 32 MB, and `/events` with one
/// each half minute.
struct Hall {
    address: std::net::SocketAddr,
    later: Arc<Notify>,
    entered: Arc<Notify>,
    stop: CancellationToken,
    server: JoinSet<()>,
}

impl Hall {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let (later, entered) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (waits, enters) = (Arc::clone(&later), Arc::clone(&entered));
        let wait = move || async move {
            enters.notify_one();
            waits.notified().await;
            "later"
        };
        let router = Router::new()
            .route("/now", get(|| async { "now" }))
            .route("/later", get(wait))
            .route("/much", get(|| async { "much".repeat(8 << 20) }))
            .route("/events", get(|| async { Body::from_stream(events()) }));
        let address = listener.local_addr().expect("an address");
        let mut server = JoinSet::new();
        let stop = CancellationToken::new();
        server.spawn(within(listener, router, stop.clone(), Places::new(MOST)));
        Self { address, later, entered, stop, server }
    }

    async fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        stream
    }

    /// A connection whose request is being answered.
    async fn busy(&self) -> TcpStream {
        let mut stream = self.connect().await;
        ask(&mut stream, "/later").await;
        self.entered.notified().await;
        stream
    }
}

fn events() -> impl Stream<Item = Result<&'static str, Infallible>> {
    let event = || async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        Some((Ok("now"), ()))
    };
    futures_util::stream::unfold((), move |()| event())
}

async fn ask(stream: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it is open");
}

/// The answer's last word; empty where the connection was closed.
async fn answer(stream: &mut TcpStream) -> String {
    let mut read = String::new();
    let mut buffer = [0; 1024];
    while !read.ends_with("now") && !read.ends_with("later") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return String::new(),
            Ok(n) => read.push_str(&String::from_utf8_lossy(&buffer[..n])),
        }
    }
    read.split("\r\n").last().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_nothing_for_longest_leaves_when_there_is_no_room() {
    let hall = Hall::open().await;
    // One that says nothing, one that was answered, one that has said half; then one that is being answered.
    let mut silent = hall.connect().await;
    let mut answered = hall.connect().await;
    ask(&mut answered, "/now").await;
    assert_eq!(answer(&mut answered).await, "now");
    let mut half = hall.connect().await;
    half.write_all(b"GET /now HTTP/1.1\r\n").await.expect("it is open");
    let mut busy = hall.busy().await;
    for rest in [&mut silent, &mut answered, &mut half] {
        let mut next = hall.connect().await;
        ask(&mut next, "/now").await;
        assert_eq!(answer(&mut next).await, "now", "whoever asks is answered");
        assert_eq!(answer(rest).await, "", "the one that rested longest is closed");
    }
    // Those that came rest now, and leave in their turn; the one that is being answered stays.
    for _ in 0..3 * MOST {
        let mut next = hall.connect().await;
        ask(&mut next, "/now").await;
        assert_eq!(answer(&mut next).await, "now");
    }
    hall.later.notify_one();
    assert_eq!(answer(&mut busy).await, "later");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_an_answer_of_ours_is_never_sent_away_and_the_next_waits() {
    let hall = Hall::open().await;
    let mut all = Vec::new();
    for _ in 0..MOST {
        all.push(hall.busy().await);
    }
    let mut next = hall.connect().await;
    ask(&mut next, "/now").await;
    let early = tokio::time::timeout(Duration::from_secs(60), answer(&mut next)).await;
    assert!(early.is_err(), "there is no room: {early:?}");
    // The first that has its answer rests, and makes room.
    hall.later.notify_one();
    assert_eq!(answer(&mut next).await, "now");
    let mut told = 0;
    for mut one in all {
        hall.later.notify_one();
        told += usize::from(answer(&mut one).await == "later");
    }
    assert_eq!(told, MOST);
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a small frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// `GET /now` by HTTP/2.
fn ask2(stream: u32) -> Vec<u8> {
    frame(1, 0x5, stream, b"\x82\x86\x04\x04/now\x01\x01x")
}

/// A client that gives no room for a byte of an answer, and what it has asked for.
fn no_room() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, b"\0\x04\0\0\0\0"), ask2(1)].concat()
}

/// Reads until the connection is closed, or a frame of this kind has come; false for the former.
async fn comes(stream: &mut TcpStream, kind: u8) -> bool {
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).await.is_err() {
            return false;
        }
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        if stream.read_exact(&mut payload).await.is_err() {
            return false;
        }
        if head[3] == kind {
            return true;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_takes_keeps_nobody_out() {
    let hall = Hall::open().await;
    let mut all = Vec::new();
    for _ in 0..MOST {
        let mut deaf = hall.connect().await;
        deaf.write_all(&no_room()).await.expect("it is open");
        assert!(comes(&mut deaf, 1).await, "its head comes");
        all.push(deaf);
    }
    // Each asks for more before its first answer is given up, and so on: none of them ever rests.
    tokio::time::sleep(TAKEN_WITHIN / 2).await;
    for deaf in &mut all {
        deaf.write_all(&ask2(3)).await.expect("it is open");
    }
    let began = tokio::time::Instant::now();
    let mut next = hall.connect().await;
    ask(&mut next, "/now").await;
    assert_eq!(answer(&mut next).await, "now");
    assert!(began.elapsed() < TAKEN_WITHIN, "after {:?}", began.elapsed());
    let mut reset = 0;
    for mut deaf in all {
        reset += usize::from(comes(&mut deaf, 3).await);
    }
    assert!(reset >= MOST - 1, "{reset} are reset; the one that made room may be closed before");
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_a_large_answer_lying_is_cut_off() {
    let hall = Hall::open().await;
    let mut deaf = hall.connect().await;
    ask(&mut deaf, "/much").await;
    tokio::time::sleep(2 * TAKEN_WITHIN).await;
    let mut read = Vec::new();
    let _ = deaf.read_to_end(&mut read).await;
    assert!(read.len() < 32 << 20, "all of it came");
    // Who reads it slowly gets it.
    let mut slow = hall.connect().await;
    ask(&mut slow, "/much").await;
    let (mut count, mut buffer) = (0, vec![0; 4 << 20]);
    while count < 32 << 20 {
        tokio::time::sleep(TAKEN_WITHIN / 2).await;
        let n = slow.read_exact(&mut buffer).await.expect("it comes");
        count += n;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_events_may_be_silent_for_longer_than_an_answer_may_lie() {
    let hall = Hall::open().await;
    let mut listener = hall.connect().await;
    ask(&mut listener, "/events").await;
    let mut read = String::new();
    while read.matches("now").count() < 4 {
        let mut buffer = [0; 1024];
        let n = listener.read(&mut buffer).await.expect("it is open");
        assert!(n > 0, "it was closed after {read}");
        read.push_str(&String::from_utf8_lossy(&buffer[..n]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_too_large_is_refused_before_it_is_kept() {
    let hall = Hall::open().await;
    for (bytes, refused) in [(8 * 1024, false), (400 * 1024, true)] {
        let mut stream = hall.connect().await;
        let head = format!("GET /now HTTP/1.1\r\nhost: x\r\nx-a: {}", "b".repeat(bytes));
        // It may be closed while it is still written to.
        let _ = stream.write_all(head.as_bytes()).await;
        let mut first = [0; 12];
        let come = tokio::time::timeout(Duration::from_secs(5), stream.read_exact(&mut first)).await;
        match come {
            Ok(Ok(_)) => assert!(refused && &first == b"HTTP/1.1 431", "{bytes}: {first:?}"),
            Ok(Err(_)) => assert!(refused, "{bytes}: it was closed"),
            Err(_) => assert!(!refused, "{bytes}: it is kept"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_nobody_for_longer_than_a_moment() {
    let mut hall = Hall::open().await;
    let mut half = hall.connect().await;
    half.write_all(b"GET /now HTTP/1.1\r\n").await.expect("it is open");
    let mut deaf = hall.connect().await;
    deaf.write_all(&no_room()).await.expect("it is open");
    assert!(comes(&mut deaf, 1).await, "its head comes");
    let mut unread = hall.connect().await;
    ask(&mut unread, "/much").await;
    let mut waits = hall.busy().await;
    hall.stop.cancel();
    let ended = tokio::time::timeout(2 * LAST_ANSWERS, hall.server.join_next()).await;
    assert!(ended.is_ok(), "it goes on");
    // Nobody has anything of the router any more.
    assert_eq!(Arc::strong_count(&hall.later), 1);
    assert_eq!(answer(&mut waits).await, "");
}

//! Few places, and many who come.

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::*;

/// Places in these tests.
const MOST: usize = 4;

/// A server with few places: `/now` answers at once, `/later` when it is told.
struct Hall {
    address: std::net::SocketAddr,
    later: Arc<Notify>,
    entered: Arc<Notify>,
    _server: JoinSet<()>,
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
        let router = Router::new().route("/now", get(|| async { "now" })).route("/later", get(wait));
        let address = listener.local_addr().expect("an address");
        let mut server = JoinSet::new();
        server.spawn(within(listener, router, CancellationToken::new(), Places::new(MOST)));
        Self { address, later, entered, _server: server }
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
async fn who_is_being_answered_is_never_sent_away_and_the_next_waits() {
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

//! What stands between a client and the server, and breaks a connection when it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// How a request that rings begins.
const ASKS: &[u8] = b"POST /api/call ";

/// What becomes of the first request that rings; those after it pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// It passes.
    Passes,
    /// The connection breaks before the server has seen anything of it.
    BreaksBefore,
    /// The server has it, and the connection breaks when [`Gateway::break_off`] says so.
    BreaksLater,
    /// It is answered 503, as a platform does while the server behind it starts.
    Unavailable,
}

/// It runs until it is dropped.
pub(super) struct Gateway {
    /// Where clients go.
    pub(super) url: String,
    asked: Arc<AtomicUsize>,
    answered: Arc<AtomicUsize>,
    broken: Arc<Notify>,
    _serving: JoinSet<()>,
}

impl Gateway {
    /// In front of this port.
    pub(super) async fn before(port: u16, first: First) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        let (asked, answered, broken) = <(Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<Notify>)>::default();
        let way = Way { port, first, asked: asked.clone(), answered: answered.clone(), broken: broken.clone() };
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let way = way.clone();
                connections.spawn(async move { way.pass(client).await });
            }
        });
        Self { url, asked, answered, broken, _serving: serving }
    }

    /// How many requests came that ring.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// How many of them have an answer.
    pub(super) fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }

    /// Ends the connection with the first of them.
    pub(super) fn break_off(&self) {
        self.broken.notify_one();
    }
}

/// One connection.
#[derive(Clone)]
struct Way {
    port: u16,
    first: First,
    asked: Arc<AtomicUsize>,
    answered: Arc<AtomicUsize>,
    broken: Arc<Notify>,
}

impl Way {
    async fn pass(&self, mut client: TcpStream) {
        let Ok(mut server) = TcpStream::connect(("127.0.0.1", self.port)).await else { return };
        let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        let (mut is_asked, mut is_breaking) = (false, false);
        loop {
            tokio::select! {
                read = client.read(&mut up) => {
                    let Ok(length @ 1..) = read else { return };
                    let asks = up[..length].starts_with(ASKS);
                    is_asked |= asks;
                    if asks && self.asked.fetch_add(1, Ordering::SeqCst) == 0 {
                        match self.first {
                            First::Passes => {}
                            First::BreaksBefore => return,
                            First::BreaksLater => is_breaking = true,
                            First::Unavailable => {
                                let answer = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                                let _ = client.write_all(answer).await;
                                return;
                            }
                        }
                    }
                    if server.write_all(&up[..length]).await.is_err() {
                        return;
                    }
                }
                read = server.read(&mut down) => {
                    let Ok(length @ 1..) = read else { return };
                    if client.write_all(&down[..length]).await.is_err() {
                        return;
                    }
                    self.answered.fetch_add(usize::from(std::mem::take(&mut is_asked)), Ordering::SeqCst);
                }
                () = self.broken.notified(), if is_breaking => return,
            }
        }
    }
}

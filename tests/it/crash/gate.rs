//! A gate between clients and the server, through which everything goes that does not get lost there.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Where the next connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Before the server has the request.
    Request,
    /// When it has the request, and before it has an answer.
    Answer,
}

/// Open as long as it lives.
pub(super) struct Gate {
    pub(super) port: u16,
    next: Arc<Mutex<Vec<Cut>>>,
    _keeper: JoinSet<()>,
}

impl Gate {
    /// In front of the server at this port.
    pub(super) async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound listener has an address").port();
        let next = Arc::<Mutex<Vec<Cut>>>::default();
        let (cuts, mut keeper) = (Arc::clone(&next), JoinSet::new());
        keeper.spawn(async move {
            let mut passing = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let cut = cuts.lock().expect("no holder of the lock panics").pop();
                passing.spawn(pass(client, server, cut));
            }
        });
        Self { port, next, _keeper: keeper }
    }

    /// What becomes of the next connections.
    pub(super) fn cuts(&self, cuts: &[Cut]) {
        self.next.lock().expect("no holder of the lock panics").extend(cuts.iter().rev());
    }
}

/// Whoever comes while the server is down is turned away as by the server's own port.
async fn pass(mut client: TcpStream, server: u16, cut: Option<Cut>) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    match cut {
        None => _ = tokio::io::copy_bidirectional(&mut client, &mut server).await,
        Some(Cut::Request) => {}
        Some(Cut::Answer) => {
            let mut request = Vec::new();
            // A body of JSON, or none.
            while !request.ends_with(b"}") && !request.starts_with(b"GET") {
                if !matches!(client.read_buf(&mut request).await, Ok(1..)) {
                    return;
                }
            }
            let _ = server.write_all(&request).await;
        }
    }
}

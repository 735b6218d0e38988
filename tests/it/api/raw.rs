//! HTTP by hand, for what no client library sends.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{Answer, World};

/// A connection to the server.
pub(crate) struct Raw(TcpStream);

impl Raw {
    pub(crate) async fn open(world: &World) -> Self {
        let address = world.url.strip_prefix("http://").expect("an http URL");
        Self(TcpStream::connect(address).await.expect("the server listens"))
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes()).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("the connection is open");
    }

    /// As [`Self::send_bytes`]; false when the server has closed the connection.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok()
    }

    /// Whether something waits to be read.
    pub(crate) async fn is_answered(&self) -> bool {
        tokio::time::timeout(std::time::Duration::from_millis(1), self.0.readable()).await.is_ok()
    }

    /// What comes until the server closes the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A connection that is reset is closed, too.
        let _ = self.0.read_to_end(&mut bytes).await;
        bytes
    }

    /// The next answer; it must announce its length.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut bytes = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let head = head.to_ascii_lowercase();
                let length =
                    head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
                if body.len() >= length.unwrap_or(0) {
                    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
                    return Answer {
                        status,
                        body: serde_json::from_str(body).unwrap_or(Value::String(body.to_owned())),
                    };
                }
            }
            let read = self.0.read_buf(&mut bytes).await.unwrap_or(0);
            assert!(read > 0, "the connection closed before an answer: {text:?}");
        }
    }
}

/// Sends a request of one's own making.
pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("the server answers");
    let status = response.status().as_u16();
    let text = response.text().await.expect("the answer is text");
    Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

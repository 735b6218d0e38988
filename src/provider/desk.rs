//! For the tests of adapters: a carrier's REST API that gives the answers it was given, one by one, and keeps what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// With the query.
    pub(super) path: String,
    pub(super) body: String,
}

impl Asked {
    /// The body as JSON; null where it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

struct Script {
    authorization: &'static str,
    answers: VecDeque<(u16, Value)>,
    seen: Vec<Asked>,
}

/// The API. It wants to see the same `Authorization` each time.
pub(super) struct Desk {
    script: Arc<Mutex<Script>>,
    /// Where it is.
    pub(super) url: String,
    _server: JoinSet<()>,
}

impl Desk {
    /// One that gives these answers, status and body, in their order; each also says that the thing is elsewhere, where
    /// nobody is to look for it.
    pub(super) async fn answering(
        authorization: &'static str,
        answers: impl IntoIterator<Item = (u16, Value)>,
    ) -> Self {
        let script = Script { authorization, answers: answers.into_iter().collect(), seen: Vec::new() };
        let script = Arc::new(Mutex::new(script));
        let router = Router::new().fallback(give).with_state(Arc::clone(&script));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { script, url, _server: server }
    }

    /// What it was asked since it was looked at last.
    pub(super) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.script.lock().unwrap().seen)
    }
}

async fn give(
    State(script): State<Arc<Mutex<Script>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, [(HeaderName, &'static str); 1], String) {
    let mut script = script.lock().unwrap();
    assert_eq!(headers[header::AUTHORIZATION], script.authorization);
    let body = String::from_utf8(body.to_vec()).unwrap();
    script.seen.push(Asked { method, path: uri.to_string(), body });
    let (status, body) = script.answers.pop_front().expect("no more requests than answers");
    (StatusCode::from_u16(status).unwrap(), [(header::LOCATION, "/elsewhere")], body.to_string())
}

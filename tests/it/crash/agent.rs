//! An agent as the published client is: it repeats what got no answer, and what was answered with 5xx, each second.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::KEY;

/// Between two tries.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a try takes at most.
const PATIENCE: Duration = Duration::from_secs(40);

/// An agent's client.
#[derive(Clone)]
pub(super) struct Agent {
    client: reqwest::Client,
    url: String,
    /// It names its requests itself.
    keyed: bool,
}

/// An answer that is not repeated.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Answer {
    /// The session it is about.
    pub(super) fn session(&self) -> Option<String> {
        self.body["callId"].as_str().map(str::to_owned)
    }

    /// Every piece of what the person said or wrote.
    pub(super) fn words(&self) -> Vec<String> {
        if self.status >= 400 {
            return vec![self.body["error"].as_str().unwrap_or_default().to_owned()];
        }
        let earlier = self.body["earlier"].as_array().cloned().unwrap_or_default();
        let response = self.body["response"].as_str().unwrap_or_default();
        let response =
            if earlier.is_empty() { response } else { response.split_once('\n').map_or("", |(_, rest)| rest) };
        let earlier = earlier.iter().filter_map(|words| words["text"].as_str().map(str::to_owned));
        earlier.chain([response.to_owned()]).filter(|words| !words.is_empty()).collect()
    }
}

impl Agent {
    pub(super) fn new(port: u16, keyed: bool) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        Self { client, url: format!("http://127.0.0.1:{port}"), keyed }
    }

    /// Asks until there is an answer; `name` is the request's own.
    pub(super) async fn post(&self, path: &str, message: &str, name: &str) -> Answer {
        loop {
            if let Some((status, body)) = self.try_post(path, message, name, PATIENCE).await
                && status < 500
            {
                return Answer { status, body };
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Asks once; nothing when there was no answer in time.
    pub(super) async fn try_post(
        &self,
        path: &str,
        message: &str,
        name: &str,
        patience: Duration,
    ) -> Option<(u16, Value)> {
        let mut request = self.client.post(format!("{}{path}", self.url)).bearer_auth(KEY).timeout(patience);
        if self.keyed {
            request = request.header("Idempotency-Key", name);
        }
        read(request.json(&json!({ "message": message }))).await
    }

    /// Reads until there is an answer.
    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        loop {
            let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(KEY);
            match read(request).await {
                Some((status, body)) if status < 500 => return (status, body),
                _ => tokio::time::sleep(AGAIN).await,
            }
        }
    }
}

async fn read(request: reqwest::RequestBuilder) -> Option<(u16, Value)> {
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    Some((status, response.json().await.ok()?))
}

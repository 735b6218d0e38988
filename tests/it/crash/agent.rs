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
    /// How often it tries at most.
    tries: usize,
    /// How long a try takes at most.
    patience: Duration,
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
        Self { client, url: format!("http://127.0.0.1:{port}"), keyed, tries: usize::MAX, patience: PATIENCE }
    }

    /// With no more persistence than the published client has, and a connection of its own for each try.
    pub(super) fn published(port: u16, patience: Duration) -> Self {
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client");
        Self { client, tries: 3, patience, ..Self::new(port, false) }
    }

    /// Asks until there is an answer, or it has tried often enough; `name` is the request's own. Status 0 is no answer.
    pub(super) async fn post(&self, path: &str, message: &str, name: &str) -> Answer {
        self.persist(|| self.request(path, message, name)).await
    }

    async fn persist(&self, request: impl Fn() -> reqwest::RequestBuilder) -> Answer {
        let mut left = self.tries;
        loop {
            let (status, body) = read(request().timeout(self.patience)).await.unwrap_or_default();
            left -= 1;
            if left == 0 || (1..500).contains(&status) {
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
        read(self.request(path, message, name).timeout(patience)).await
    }

    fn request(&self, path: &str, message: &str, name: &str) -> reqwest::RequestBuilder {
        let mut request = self.client.post(format!("{}{path}", self.url)).bearer_auth(KEY);
        if self.keyed {
            request = request.header("Idempotency-Key", name);
        }
        request.json(&json!({ "message": message }))
    }

    /// Reads until there is an answer, or it has tried often enough.
    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        let request = || self.client.get(format!("{}{path}", self.url)).bearer_auth(KEY);
        let Answer { status, body } = self.persist(request).await;
        (status, body)
    }
}

async fn read(request: reqwest::RequestBuilder) -> Option<(u16, Value)> {
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    Some((status, response.json().await.ok()?))
}

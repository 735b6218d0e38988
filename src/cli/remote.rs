//! A server far away, as `callme mcp` and `callme call` ask it: patiently, and never twice for the same thing.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::is_here;
use super::output::note;
use crate::app::fresh_name;
use crate::config::RemoteConfig;
use crate::mcp::{Answer, Api, Ceilings, Question, Unreached};

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Beyond what the server itself was asked to wait: `speak` and `end` may take 50 s.
const PATIENCE: Duration = Duration::from_secs(60);
/// Waits between tries: what is asked has a name, so that a second try joins the first.
const PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(3)];

/// The server at `CALLME_CLOUD_URL`.
pub(super) struct Remote {
    url: String,
    key: SecretString,
    client: reqwest::Client,
}

/// The server that the settings name, and how long the tools wait there; `None` where that cannot be had. What is wrong is said
/// on standard error.
pub(super) fn open(source: &dyn Fn(&str) -> Option<String>) -> Option<(Remote, Ceilings)> {
    let (config, problems) = RemoteConfig::from_source(source);
    for problem in problems {
        note(format!("callme: {problem}"));
    }
    let config = config?;
    let ceilings = config.ceilings;
    let remote = Remote::new(config);
    if let Err(why) = &remote {
        note(format!("callme: {why}"));
    }
    remote.ok().zip(Some(ceilings))
}

/// What is to be changed here when the server at `address` does not take the key, or has no such route; `None` for other answers.
pub(super) fn misdirected(address: &str, answer: &Answer) -> Option<String> {
    match (answer.status, answer.text("code")) {
        (401, _) => Some(format!("{address} does not know this key; set CALLME_API_KEY to the server's")),
        (404, Some("not_found")) => Some(format!(
            "{address} is no address of a callme server's API; set CALLME_CLOUD_URL to the server's address alone, without a path such as /mcp or /api"
        )),
        _ => None,
    }
}

/// The request to say this, under a name of its own.
pub(super) fn saying(path: impl Into<String>, text: &str) -> Question {
    let body = Map::from_iter([("message".to_owned(), Value::from(text))]);
    Question { key: Some(fresh_name()), ..Question::post(path, body) }
}

impl Remote {
    /// # Errors
    /// When no HTTP client can be made.
    pub(super) fn new(RemoteConfig { url, key, ceilings: _ }: RemoteConfig) -> Result<Self, &'static str> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("callme/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .build();
        Ok(Self { url, key, client: client.map_err(|_| "no HTTP client could be made")? })
    }

    /// The server's address.
    pub(super) fn address(&self) -> &str {
        &self.url
    }

    /// Whether the key would go over a network that everybody can read.
    pub(super) fn is_readable(&self) -> bool {
        self.url.starts_with("http:") && !is_here(&self.url)
    }

    async fn try_once(&self, question: &Question) -> Result<Answer, Unreached> {
        let url = format!("{}{}", self.address(), question.path);
        let patience = question.wait.unwrap_or_default() + PATIENCE;
        let mut request = self.client.request(question.method.clone(), url).timeout(patience);
        request = request.bearer_auth(self.key.expose_secret());
        if let Some(key) = &question.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(wait) = question.wait {
            request = request.header("prefer", format!("wait={}", wait.as_secs()));
        }
        if let Some(fields) = &question.body {
            request = request.json(fields);
        }
        let response = request.send().await.map_err(|error| self.unreached(&error))?;
        let status = response.status().as_u16();
        let fields: Option<Map<String, Value>> = response.json().await.ok();
        match fields {
            Some(body) if status < 400 || is_ours(&body) => Ok(Answer { status, body }),
            _ => Err(Unreached(format!(
                "{} answered HTTP {status}, and not as a callme server does. Check CALLME_CLOUD_URL, and what stands before the server.",
                self.address()
            ))),
        }
    }

    /// Without what the error knows of the request.
    fn unreached(&self, error: &reqwest::Error) -> Unreached {
        let what = if error.is_timeout() {
            "did not answer in time"
        } else if error.is_connect() {
            "cannot be reached"
        } else {
            "broke the connection off"
        };
        Unreached(format!(
            "The callme server at {} {what}. See whether it runs (callme health --url {}/health) and whether CALLME_CLOUD_URL is right.",
            self.address(),
            self.address()
        ))
    }
}

impl Api for Remote {
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Answer, Unreached>> {
        async move {
            let mut pauses = PAUSES.into_iter();
            loop {
                let answer = self.try_once(&question).await;
                let again = match &answer {
                    Ok(answer) => answer.is_away(),
                    Err(_) => true,
                };
                match pauses.next().filter(|_| again && is_repeatable(&question)) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return answer,
                }
            }
        }
        .boxed()
    }
}

/// A refusal of callme's own: what stands before it may answer in JSON, too.
fn is_ours(body: &Map<String, Value>) -> bool {
    ["code", "error"].iter().all(|field| body.get(*field).is_some_and(Value::is_string))
}

/// Whether a second try does nothing twice.
fn is_repeatable(question: &Question) -> bool {
    question.key.is_some() || question.method == reqwest::Method::GET || question.path.ends_with("/wait")
}

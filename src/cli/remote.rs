//! A server far away, as `callme mcp` and `callme call` ask it: patiently, and never twice for the same thing.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::app;
use crate::mcp::{Answer, Api, Question, Unreached};
use crate::privacy;

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Beyond what the server itself was asked to wait: `speak` and `end` may take 50 s.
const PATIENCE: Duration = Duration::from_secs(60);
/// Waits between tries: what is asked has a name, so that a second try joins the first.
const PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(3)];

/// The server at `CALLME_CLOUD_URL`.
pub(super) struct Remote {
    base: Url,
    key: SecretString,
    client: reqwest::Client,
}

impl Remote {
    /// Reads where the server is and what it wants to see.
    ///
    /// # Errors
    /// A sentence for each setting that is missing or wrong.
    pub(super) fn read(source: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<String>> {
        let value = |name: &str| source(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let mut problems = Vec::new();
        let base = match value("CALLME_CLOUD_URL").map(|url| base(&url)) {
            Some(Some(base)) => Some(base),
            Some(None) => {
                problems.push("CALLME_CLOUD_URL is no http(s) URL; set it to https://your.host".to_owned());
                None
            }
            None => {
                problems.push("CALLME_CLOUD_URL is not set; set it to the address of your callme server".to_owned());
                None
            }
        };
        let key = value("CALLME_API_KEY");
        if key.is_none() {
            problems.push("CALLME_API_KEY is not set; set it to the key that the server was started with".to_owned());
        }
        let client = reqwest::Client::builder()
            .user_agent(concat!("callme/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .build();
        if client.is_err() {
            problems.push("no HTTP client could be made".to_owned());
        }
        match (base, key, client) {
            (Some(base), Some(key), Ok(client)) => Ok(Self { base, key: key.into(), client }),
            _ => Err(problems),
        }
    }

    /// The server's address, as it may be shown.
    pub(super) fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Whether the key would go over a network that everybody can read.
    pub(super) fn is_readable(&self) -> bool {
        let local = matches!(self.base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        self.base.scheme() == "http" && !local
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
                    Ok(answer) => is_away(answer),
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

/// It starts or stops, and keeps what it was asked.
fn is_away(answer: &Answer) -> bool {
    let code = answer.body.get("code").and_then(Value::as_str);
    matches!(code, Some("starting" | "shutting_down"))
}

/// Whether a second try does nothing twice.
fn is_repeatable(question: &Question) -> bool {
    question.key.is_some() || question.method == reqwest::Method::GET || question.path.ends_with("/wait")
}

fn base(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain =
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    (matches!(url.scheme(), "http" | "https") && url.has_host() && plain).then_some(url)
}

/// A name that was never there.
pub(super) fn fresh_key() -> String {
    app::fresh_name()
}

/// A text of the server's, as it may be shown.
pub(super) fn shown(text: &str) -> String {
    privacy::mask(text)
}

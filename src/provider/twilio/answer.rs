//! Reads what Twilio's REST APIs answer. What a failure means for a call or a message is for those who asked.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::date;
use crate::privacy;

/// A page of 50 calls has some 80 KB.
const LONGEST_BODY: usize = 1 << 20;
/// Characters kept of a message of Twilio; its own are below 200.
const LONGEST_MESSAGE: usize = 300;
/// The longest time that Twilio may ask us to wait; nobody waits longer for a message.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// A request that did not get the answer it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// How it failed.
    pub(super) kind: Kind,
    /// Twilio's own code (`21211`), where it gave one.
    pub(super) code: Option<String>,
    /// A sentence that is safe to show, Twilio's own where it gave one.
    pub(super) message: String,
    /// When Twilio wants to be asked again, where it said so.
    pub(super) retry_after: Option<Duration>,
}

/// How a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It could not be written: our own settings are unusable.
    Unwritten,
    /// There was no connection to send it by.
    Unreached,
    /// It was sent, and no whole answer came back, or none that can be read.
    Lost,
    /// It was answered with a status that is no success.
    Status(StatusCode),
}

/// The shape of Twilio's errors. Gateways and proxies in between send others, or none.
#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(default)]
    code: Value,
    #[serde(default)]
    message: Value,
}

/// Sends a request and reads the JSON of a 2xx.
pub(super) async fn json<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Failure> {
    let response = send(request).await?;
    let body = read(response).await?;
    serde_json::from_slice(&body).map_err(|_| unreadable())
}

/// Sends a request of which only the 2xx matters.
pub(super) async fn accepted(request: RequestBuilder) -> Result<(), Failure> {
    send(request).await.map(drop)
}

/// Twilio took the request, but nobody can say what came of it.
pub(super) fn unreadable() -> Failure {
    Failure::new(Kind::Lost, "Twilio's answer could not be read")
}

async fn send(request: RequestBuilder) -> Result<Response, Failure> {
    let response = request.send().await.map_err(|failure| lost(&failure))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = retry_after(response.headers());
    // The status decides; a body that breaks off only costs the sentence.
    let body = read(response).await.unwrap_or_default();
    Err(Failure { retry_after, ..refusal(status, &body) })
}

async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|failure| lost(&failure))? {
        if body.len() + chunk.len() > LONGEST_BODY {
            return Err(unreadable());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// A request that ended without an answer. The failure's own text is not used: it has the URL.
fn lost(failure: &reqwest::Error) -> Failure {
    if failure.is_connect() {
        Failure::new(Kind::Unreached, "Twilio could not be reached")
    } else if failure.is_builder() {
        Failure::new(Kind::Unwritten, "the request to Twilio could not be written")
    } else if failure.is_timeout() {
        Failure::new(Kind::Lost, "Twilio did not answer in time")
    } else {
        Failure::new(Kind::Lost, "the connection to Twilio broke")
    }
}

fn refusal(status: StatusCode, body: &[u8]) -> Failure {
    let said: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
    let code = match said.code {
        Value::Number(code) => Some(presentable(&code.to_string())),
        Value::String(code) if !code.is_empty() => Some(presentable(&code)),
        _ => None,
    };
    let message = match said.message {
        Value::String(message) if !message.trim().is_empty() => presentable(&message),
        _ => format!("Twilio answered with HTTP status {}", status.as_u16()),
    };
    Failure { kind: Kind::Status(status), code, message, retry_after: None }
}

/// `Retry-After`, in seconds or as a date; the latter by Twilio's own clock, which stands beside it.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let asked = text(RETRY_AFTER)?;
    let wait = match asked.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => date::rfc2822(asked)?.since(date::rfc2822(text(DATE)?)?),
    };
    Some(wait.min(LONGEST_WAIT))
}

/// A sentence of Twilio without URLs, phone numbers and control characters, of a bounded length.
fn presentable(message: &str) -> String {
    let words: Vec<_> = message.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let plain: Vec<_> = words.into_iter().filter(|word| !word.is_empty() && !word.contains("://")).collect();
    privacy::mask(&plain.join(" ")).chars().take(LONGEST_MESSAGE).collect()
}

impl Failure {
    fn new(kind: Kind, message: &str) -> Self {
        Self { kind, code: None, message: message.to_owned(), retry_after: None }
    }
}

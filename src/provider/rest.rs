//! What the carriers' REST adapters stand on: one HTTP client, requests that are sent once, and what became of them. What a
//! failure means for a call or a message is for those who asked.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use crate::domain::carrier::{ErrorClass, ProviderError};
use crate::domain::messaging::{MessagingClass, MessagingError};
use crate::privacy;

/// From name look-up to the end of the TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The whole request, answer included. What takes longer counts as unknown.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than servers keep an idle connection: a dial must not be lost to one that is just being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
/// A page of 50 calls has some 80 KB.
const LONGEST_BODY: usize = 1 << 20;
/// Characters kept of a carrier's sentence; their own are below 200.
const LONGEST_MESSAGE: usize = 300;
/// The longest time that a carrier may ask us to wait; nobody waits longer for a message.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Why an adapter cannot be made. Does not repeat the setting.
#[derive(Debug, thiserror::Error)]
pub enum BadSettings {
    /// An API's URL is not an `http` or `https` URL.
    #[error("the carrier's API URL is not an http or https URL")]
    ApiUrl,
    /// The HTTP client cannot be built (TLS roots).
    #[error("the HTTP client for the carrier cannot be built")]
    Client(#[source] reqwest::Error),
}

/// A client that neither follows redirects nor retries; one serves all of a carrier's APIs.
///
/// # Errors
/// When its TLS set-up is unusable.
pub fn client() -> Result<reqwest::Client, BadSettings> {
    reqwest::Client::builder()
        .user_agent(concat!("callme/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .build()
        .map_err(|error| BadSettings::Client(error.without_url()))
}

/// The resource below `path` at `base`; a path that `base` has is kept before it.
///
/// # Errors
/// When `base` is no `http` or `https` URL.
pub fn root(base: &str, path: &[&str]) -> Result<Url, BadSettings> {
    let mut root = Url::parse(base.trim()).map_err(|_| BadSettings::ApiUrl)?;
    if !matches!(root.scheme(), "http" | "https") {
        return Err(BadSettings::ApiUrl);
    }
    root.set_query(None);
    root.set_fragment(None);
    root.path_segments_mut().map_err(|()| BadSettings::ApiUrl)?.pop_if_empty().extend(path);
    Ok(root)
}

/// A carrier's way of answering.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// What the carrier is called in sentences.
    pub name: &'static str,
    /// Reads the body of a refusal: the carrier's own code and sentence, where it has them. Gateways and proxies in between
    /// send other bodies, or none.
    pub refusal: fn(&[u8]) -> Said,
}

/// What a carrier says in a refusal, where it says something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// By its own code.
    pub code: Option<String>,
    /// In a sentence.
    pub message: Option<String>,
}

/// A request that did not get the answer it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How it failed.
    pub kind: Kind,
    /// The carrier's own code (`21211`), where it gave one.
    pub code: Option<String>,
    /// A sentence that is safe to show, the carrier's own where it gave one.
    pub message: String,
    /// When the carrier wants to be asked again, where it said so.
    pub retry_after: Option<Duration>,
}

/// How a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It could not be written: our own settings are unusable.
    Unwritten,
    /// There was no connection to send it by.
    Unreached,
    /// It was sent, and no whole answer came back, or none that can be read.
    Lost,
    /// It was answered with a status that is no success.
    Status(StatusCode),
}

impl Manner {
    /// Sends a request and reads the JSON of a 2xx.
    ///
    /// # Errors
    /// When there is no such answer.
    pub async fn json<T: DeserializeOwned>(self, request: RequestBuilder) -> Result<T, Failure> {
        let response = self.send(request).await?;
        let body = self.read(response).await?;
        serde_json::from_slice(&body).map_err(|_| self.unreadable())
    }

    /// Sends a request of which only the 2xx matters.
    ///
    /// # Errors
    /// When there is none.
    pub async fn accepted(self, request: RequestBuilder) -> Result<(), Failure> {
        self.send(request).await.map(drop)
    }

    /// The carrier took the request, but nobody can say what came of it.
    pub fn unreadable(self) -> Failure {
        Failure::new(Kind::Lost, format!("{}'s answer could not be read", self.name))
    }

    async fn send(self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|failure| self.lost(&failure))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after = retry_after(response.headers());
        // The status decides; a body that breaks off only costs the sentence.
        let body = self.read(response).await.unwrap_or_default();
        Err(Failure { retry_after, ..self.refused(status, &body) })
    }

    async fn read(self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|failure| self.lost(&failure))? {
            if body.len() + chunk.len() > LONGEST_BODY {
                return Err(self.unreadable());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// A request that ended without an answer. The failure's own text is not used: it has the URL.
    fn lost(self, failure: &reqwest::Error) -> Failure {
        let name = self.name;
        if failure.is_connect() {
            Failure::new(Kind::Unreached, format!("{name} could not be reached"))
        } else if failure.is_builder() {
            Failure::new(Kind::Unwritten, format!("the request to {name} could not be written"))
        } else if failure.is_timeout() {
            Failure::new(Kind::Lost, format!("{name} did not answer in time"))
        } else {
            Failure::new(Kind::Lost, format!("the connection to {name} broke"))
        }
    }

    fn refused(self, status: StatusCode, body: &[u8]) -> Failure {
        let Said { code, message } = (self.refusal)(body);
        let code = code.filter(|code| !code.is_empty()).map(|code| presentable(&code));
        let message = message.filter(|message| !message.trim().is_empty());
        let message = message.map_or_else(
            || format!("{} answered with HTTP status {}", self.name, status.as_u16()),
            |message| presentable(&message),
        );
        Failure { kind: Kind::Status(status), code, message, retry_after: None }
    }
}

/// `Retry-After`, in seconds or as a date; the latter by the carrier's own clock, which stands beside it.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let date = |text: &str| rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    let asked = text(RETRY_AFTER)?;
    let wait = match asked.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => between(date(text(DATE)?)?, date(asked)?),
    };
    Some(wait.min(LONGEST_WAIT))
}

/// None where it is not later.
fn between(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}

/// A sentence of a carrier without URLs, phone numbers and control characters, of a bounded length.
fn presentable(message: &str) -> String {
    let words: Vec<_> = message.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let plain: Vec<_> = words.into_iter().filter(|word| !word.is_empty() && !word.contains("://")).collect();
    privacy::mask(&plain.join(" ")).chars().take(LONGEST_MESSAGE).collect()
}

impl Failure {
    /// What a failed request means for the message it was about; `class_of` knows the carrier's codes.
    pub fn about_message(self, class_of: impl Fn(&str) -> Option<MessagingClass>) -> MessagingError {
        let told = self.code.as_deref().and_then(class_of);
        let class = match self.kind {
            Kind::Unreached | Kind::Status(StatusCode::TOO_MANY_REQUESTS) => MessagingClass::Transient,
            // 408 is sent by proxies too, about what lies behind them.
            Kind::Lost | Kind::Status(StatusCode::REQUEST_TIMEOUT) => MessagingClass::Unknown,
            Kind::Unwritten => MessagingClass::Configuration,
            Kind::Status(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                told.unwrap_or(MessagingClass::Configuration)
            }
            Kind::Status(status) if status.is_client_error() => told.unwrap_or(MessagingClass::Permanent),
            Kind::Status(_) => MessagingClass::Unknown,
        };
        MessagingError { class, code: self.code, message: self.message, retry_after: self.retry_after }
    }

    fn new(kind: Kind, message: String) -> Self {
        Self { kind, code: None, message, retry_after: None }
    }
}

/// What a failure means for a call.
impl From<Failure> for ProviderError {
    fn from(failure: Failure) -> Self {
        let class = match failure.kind {
            Kind::Unreached | Kind::Status(StatusCode::TOO_MANY_REQUESTS) => ErrorClass::Busy,
            // Sent by proxies too, about what lies behind them.
            Kind::Lost | Kind::Status(StatusCode::REQUEST_TIMEOUT) => ErrorClass::Unknown,
            Kind::Unwritten => ErrorClass::Refused,
            Kind::Status(status) if status.is_client_error() => ErrorClass::Refused,
            Kind::Status(_) => ErrorClass::Unknown,
        };
        Self { class, code: failure.code, message: failure.message }
    }
}

/// Carriers take whole seconds; a part of one counts as one.
pub fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

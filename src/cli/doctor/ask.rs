//! Questions over HTTP: once, for a few seconds, and what came back.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::{RequestBuilder, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::Finding;
use crate::privacy;
use crate::provider::rest;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(6);

/// Characters kept of others' sentences.
const LONGEST: usize = 200;

/// Asks.
pub(super) struct Asker {
    pub(super) client: reqwest::Client,
    /// For what HTTP/2 has no words for.
    pub(super) old: reqwest::Client,
}

/// An answer.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    /// What time it is there.
    pub(super) date: Option<Timestamp>,
    /// The body, where it is JSON.
    pub(super) json: Value,
    pub(super) text: String,
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Silence {
    #[error("no answer within 6 seconds")]
    Late,
    #[error("it cannot be reached")]
    Unreachable,
    #[error("the connection broke")]
    Broken,
}

/// Who asks.
#[derive(Clone, Copy)]
pub(super) enum Login<'a> {
    Nobody,
    Basic(&'a str, &'a SecretString),
    Bearer(&'a SecretString),
}

impl Asker {
    /// # Errors
    /// Why nothing can be asked on this machine.
    pub(super) fn new() -> Result<Self, &'static str> {
        let why = "the system's certificates cannot be read";
        let client = rest::client().map_err(|_| why)?;
        let old = reqwest::Client::builder()
            .connect_timeout(PATIENCE)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| why)?;
        Ok(Self { client, old })
    }

    pub(super) async fn get(&self, url: &str, login: Login<'_>) -> Result<Reply, Silence> {
        self.send(login.on(self.client.get(url))).await
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Reply, Silence> {
        let silence = |error: reqwest::Error| match error {
            error if error.is_timeout() => Silence::Late,
            error if error.is_connect() => Silence::Unreachable,
            _ => Silence::Broken,
        };
        let response = request.timeout(PATIENCE).send().await.map_err(silence)?;
        let status = response.status();
        let date = response.headers().get(header::DATE).and_then(|value| value.to_str().ok());
        let date = date.and_then(|date| rfc2822::parse(date).ok()).map(|date| date.timestamp());
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(Reply { status, date, json: Value::Null, text: String::new() });
        }
        let text = response.text().await.map_err(silence)?;
        Ok(Reply { status, date, json: serde_json::from_str(&text).unwrap_or_default(), text })
    }
}

impl Login<'_> {
    pub(super) fn on(self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Login::Nobody => request,
            Login::Basic(name, password) => request.basic_auth(name, Some(password.expose_secret())),
            Login::Bearer(token) if token.expose_secret().is_empty() => request,
            Login::Bearer(token) => request.bearer_auth(token.expose_secret()),
        }
    }
}

/// The resource of a carrier's answer; else that it was not looked at, and why. What is wrong with the account is said once, by the
/// check of the account.
pub(super) fn resource(
    name: &'static str,
    carrier: &'static str,
    reply: Result<Reply, Silence>,
) -> Result<Value, Finding> {
    match reply {
        Ok(reply) if reply.status.is_success() && !reply.json.is_null() => Ok(reply.json),
        Ok(reply) if matches!(reply.status.as_u16(), 401 | 403) => {
            Err(Finding::unchecked(name, format!("{carrier} does not let these credentials look")))
        }
        Ok(reply) => Err(Finding::unchecked(name, format!("{carrier} answered HTTP {}", reply.status.as_u16()))),
        Err(silence) => Err(Finding::unchecked(name, format!("{carrier}: {silence}"))),
    }
}

/// A sentence of others, as it may be shown.
pub(super) fn quoted(text: &str) -> String {
    privacy::masked_line(text, LONGEST)
}

/// An address of others, as it may be shown: without what may be a secret in it.
pub(super) fn shown(address: &str) -> String {
    match Url::parse(address) {
        _ if address.is_empty() => "nowhere".to_owned(),
        Ok(url) if url.has_host() => format!("{}://{}/…", url.scheme(), url.host_str().unwrap_or_default()),
        _ => "no address".to_owned(),
    }
}

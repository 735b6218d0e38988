//! What an HTTP answer of Twilio, or the lack of one, means.

use reqwest::{RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::privacy;
use crate::provider::{ErrorClass, ProviderError};

/// A page of 50 calls has some 80 KB.
const LONGEST_BODY: usize = 1 << 20;
/// Characters kept of a message of Twilio; its own are below 200.
const LONGEST_MESSAGE: usize = 300;

/// The shape of Twilio's errors. Gateways and proxies in between send others, or none.
#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(default)]
    code: Value,
    #[serde(default)]
    message: Value,
}

/// Sends a request and reads the JSON of a 2xx.
pub(super) async fn json<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, ProviderError> {
    let response = send(request).await?;
    let body = read(response).await?;
    serde_json::from_slice(&body).map_err(|_| unreadable())
}

/// Sends a request of which only the 2xx matters.
pub(super) async fn accepted(request: RequestBuilder) -> Result<(), ProviderError> {
    send(request).await.map(drop)
}

/// Twilio took the request, but nobody can say what came of it.
pub(super) fn unreadable() -> ProviderError {
    error(ErrorClass::Unknown, "Twilio's answer could not be read")
}

async fn send(request: RequestBuilder) -> Result<Response, ProviderError> {
    let response = request.send().await.map_err(|failure| lost(&failure))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    // The status decides; a body that breaks off only costs the sentence.
    let body = read(response).await.unwrap_or_default();
    Err(refusal(status, &body))
}

async fn read(mut response: Response) -> Result<Vec<u8>, ProviderError> {
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
fn lost(failure: &reqwest::Error) -> ProviderError {
    if failure.is_connect() {
        error(ErrorClass::Busy, "Twilio could not be reached")
    } else if failure.is_builder() {
        error(ErrorClass::Refused, "the request to Twilio could not be written")
    } else if failure.is_timeout() {
        error(ErrorClass::Unknown, "Twilio did not answer in time")
    } else {
        error(ErrorClass::Unknown, "the connection to Twilio broke")
    }
}

fn refusal(status: StatusCode, body: &[u8]) -> ProviderError {
    let class = match status {
        StatusCode::TOO_MANY_REQUESTS => ErrorClass::Busy,
        // Sent by proxies too, about what lies behind them.
        StatusCode::REQUEST_TIMEOUT => ErrorClass::Unknown,
        status if status.is_client_error() => ErrorClass::Refused,
        _ => ErrorClass::Unknown,
    };
    let said: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
    let code = match said.code {
        Value::Number(code) => Some(code.to_string()),
        Value::String(code) if !code.is_empty() => Some(presentable(&code)),
        _ => None,
    };
    let message = match said.message {
        Value::String(message) if !message.trim().is_empty() => presentable(&message),
        _ => format!("Twilio answered with HTTP status {}", status.as_u16()),
    };
    ProviderError { class, code, message }
}

/// A sentence of Twilio without URLs, phone numbers and control characters, of a bounded length.
fn presentable(message: &str) -> String {
    let words: Vec<_> = message.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let plain: Vec<_> = words.into_iter().filter(|word| !word.is_empty() && !word.contains("://")).collect();
    privacy::mask(&plain.join(" ")).chars().take(LONGEST_MESSAGE).collect()
}

fn error(class: ErrorClass, message: &str) -> ProviderError {
    ProviderError { class, code: None, message: message.to_owned() }
}

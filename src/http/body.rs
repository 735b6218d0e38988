//! Request bodies: read within bounds, then checked into what a handler may trust.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::auth::Principal;
use super::error::{ApiError, Kind};
use crate::domain::text::{AgentText, BadText};
use crate::ids::{RequestKey, SessionId};
use crate::privacy;
use crate::service::Ask;

/// The largest body that is read, in bytes, ...
pub(super) const LARGEST: usize = 100 * 1024;

/// ... and of a messaging webhook: a text may have 32 KB before each byte is escaped as three, and more stands beside it.
pub(super) const LARGEST_MESSAGE: usize = 256 * 1024;

/// How long a body may take to arrive.
pub(super) const ARRIVES_WITHIN: Duration = Duration::from_secs(5);

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// More bytes than allowed.
    TooLarge,
    /// Not there in time.
    TooSlow,
    /// The connection failed.
    Broken,
    /// There was no room for it.
    Crowded,
}

/// What a body may be at most. A layer sets it before anything of the body is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    largest: usize,
    within: Duration,
}

impl Bounds {
    /// At most `largest` bytes, all of them within [`ARRIVES_WITHIN`].
    pub(super) const fn of(largest: usize) -> Self {
        Self { largest, within: ARRIVES_WITHIN }
    }

    /// The layer: sets the bounds.
    pub(super) fn set(self, mut request: Request) -> Request {
        request.extensions_mut().insert(self);
        request
    }

    /// Reads a body that keeps them.
    pub(super) async fn read(self, body: Body) -> Result<Bytes, Unread> {
        self.read_while(body, |_| true).await
    }

    /// The same, as long as there is `room` for so many bytes more.
    pub(super) async fn read_while(self, body: Body, room: impl FnMut(usize) -> bool) -> Result<Bytes, Unread> {
        // A length that is announced is believed when it is too large: nothing of such a body is read.
        if body.size_hint().lower() > self.largest as u64 {
            return Err(Unread::TooLarge);
        }
        tokio::time::timeout(self.within, collect(body, self.largest, room)).await.unwrap_or(Err(Unread::TooSlow))
    }
}

async fn collect(body: Body, largest: usize, mut room: impl FnMut(usize) -> bool) -> Result<Bytes, Unread> {
    let mut pieces = body.into_data_stream();
    let mut whole = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| Unread::Broken)?;
        if whole.len() + piece.len() > largest {
            return Err(Unread::TooLarge);
        }
        if !room(piece.len()) {
            return Err(Unread::Crowded);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.into())
}

/// The body of `call`, `continue`, `speak` and `end`. Further fields are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Said {
    /// What is said to the person.
    #[schema(min_length = 1, max_length = 4096)]
    #[expect(
        dead_code,
        reason = "describes the body; `message_of` reads it, with a sentence for each way to be wrong"
    )]
    message: String,
}

/// The body of `message`. Further fields are ignored.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Written {
    /// What is written to the person.
    #[schema(min_length = 1, max_length = 4096)]
    #[expect(dead_code, reason = "describes the body, as the other's")]
    message: String,
    /// Writes with the approved template whatever the window is; left out, the window decides.
    #[expect(dead_code, reason = "describes the body; `first_contact_of` reads it")]
    first_contact: Option<bool>,
}

/// A checked request to say something: who asks, under which idempotency key, and what.
pub(super) struct Asked(pub(super) Ask);

impl<S: Send + Sync> FromRequest<S> for Asked {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        Ok(Self(asked(request, state).await?.0))
    }
}

/// A checked request to write something.
pub(super) struct AskedInWriting {
    pub(super) ask: Ask,
    /// Whether it is to be written with the template whatever the window is.
    pub(super) first_contact: bool,
}

impl<S: Send + Sync> FromRequest<S> for AskedInWriting {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (ask, fields) = asked(request, state).await?;
        Ok(Self { ask, first_contact: first_contact_of(&fields)? })
    }
}

/// What both have in common, and the fields of the body.
async fn asked<S: Send + Sync>(request: Request, state: &S) -> Result<(Ask, Map<String, Value>), ApiError> {
    let (mut parts, body) = request.into_parts();
    let Principal(principal) = Principal::from_request_parts(&mut parts, state).await?;
    let idempotency_key = idempotency_key(&parts.headers)?;
    let patience = patience(&parts.headers)?;
    let body = whole(body).await?;
    let fields = fields_of(&body)?;
    Ok((Ask { message: message_of(&fields)?, idempotency_key, principal, patience }, fields))
}

/// A body of an agent's, whole.
async fn whole(body: Body) -> Result<Bytes, ApiError> {
    Bounds::of(LARGEST).read(body).await.map_err(|unread| match unread {
        Unread::TooLarge => ApiError::new(Kind::TooLarge, "the body has more than 100 KB"),
        Unread::TooSlow => ApiError::invalid("the body did not arrive within 5 seconds"),
        Unread::Broken | Unread::Crowded => ApiError::invalid("the body did not arrive whole"),
    })
}

/// The layer before what reads bodies by itself, as JSON-RPC: it gets them whole, or not at all. JSON that is no request of that
/// is refused in its own words, and not for its type.
pub(super) async fn bounded(request: Request, next: Next) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let body = whole(body).await?;
    let is_json =
        parts.headers.get_all(CONTENT_TYPE).iter().all(|kind| kind.as_bytes().starts_with(b"application/json"));
    let response = next.run(Request::from_parts(parts, Body::from(body.clone()))).await;
    if !is_json || response.status() != StatusCode::UNSUPPORTED_MEDIA_TYPE {
        return Ok(response);
    }
    let (code, message) = match serde_json::from_slice::<IgnoredAny>(&body) {
        Ok(_) => (-32_600, "the body is not one request of JSON-RPC 2.0"),
        Err(_) => (-32_700, "the body is not JSON"),
    };
    let error = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": code, "message": message } });
    Ok((StatusCode::BAD_REQUEST, Json(error)).into_response())
}

/// The fields of a body. Sentences say what is wrong without quoting what was sent.
fn fields_of(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let text = std::str::from_utf8(body).map_err(|_| ApiError::invalid("the body is not UTF-8 text"))?;
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        ApiError::invalid(format!("the body is not JSON (line {line}, column {column}); send {{\"message\":\"…\"}}"))
    })?;
    let Value::Object(fields) = value else {
        return Err(ApiError::invalid("the body is not a JSON object; send {\"message\":\"…\"}"));
    };
    Ok(fields)
}

fn message_of(fields: &Map<String, Value>) -> Result<AgentText, ApiError> {
    match fields.get("message") {
        None | Some(Value::Null) => Err(ApiError::invalid("message is required")),
        Some(Value::String(message)) => AgentText::parse(message).map_err(|why| {
            ApiError::invalid(match why {
                BadText::Empty => "message is required: it has no text".to_owned(),
                BadText::TooLong(_) => why.to_string(),
            })
        }),
        Some(_) => Err(ApiError::invalid("message must be a string")),
    }
}

fn first_contact_of(fields: &Map<String, Value>) -> Result<bool, ApiError> {
    match fields.get("firstContact") {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(first)) => Ok(*first),
        Some(_) => Err(ApiError::invalid("firstContact must be true or false")),
    }
}

/// The `Idempotency-Key`: 1 to 255 visible ASCII characters.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bad = || ApiError::invalid("Idempotency-Key must be one header of 1 to 255 visible ASCII characters");
    let fits = (1..=255).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic);
    if !fits || values.next().is_some() {
        return Err(bad());
    }
    value.to_str().map(|key| Some(key.to_owned())).map_err(|_| bad())
}

/// How long the client wants to wait (`Prefer: wait=<seconds>`, RFC 7240). Other preferences are not ours.
pub(super) struct Patience(pub(super) Option<Duration>);

impl<S: Send + Sync> FromRequestParts<S> for Patience {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        patience(&parts.headers).map(Self)
    }
}

fn patience(headers: &HeaderMap) -> Result<Option<Duration>, ApiError> {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let wait = preferences
        .flat_map(|value| value.split([',', ';']))
        .filter_map(|preference| preference.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"));
    let Some((_, seconds)) = wait else { return Ok(None) };
    let seconds = seconds.trim().trim_matches('"').parse().ok();
    let seconds = seconds.ok_or_else(|| ApiError::invalid("Prefer: wait must be a whole number of seconds"))?;
    Ok(Some(Duration::from_secs(seconds)))
}

/// The session in a route's `{id}`.
pub(super) struct Named(pub(super) SessionId);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        // An id that is not even text has nothing to echo.
        let id = Path::<String>::from_request_parts(parts, state).await.map_or_else(|_| String::new(), |Path(id)| id);
        SessionId::parse(&id)
            .map(Self)
            .ok_or_else(|| ApiError::new(Kind::NoActiveCall, format!("No active call: {}", echo(&id))))
    }
}

/// The request in a route's `{requestId}`: whatever it is, it is only looked up.
pub(super) struct NamedRequest(pub(super) RequestKey);

impl<S: Send + Sync> FromRequestParts<S> for NamedRequest {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let id = Path::<String>::from_request_parts(parts, state).await.map_or_else(|_| String::new(), |Path(id)| id);
        Ok(Self(RequestKey(id)))
    }
}

/// What a client wrote, as it may be repeated to it.
fn echo(text: &str) -> String {
    privacy::masked_line(text, 64)
}

//! What Twilio's REST APIs do alike: who is let in, and how a request is refused.

use std::borrow::Cow;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::form::Form;
use super::world::World;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The HTTP status.
    pub(super) status: u16,
    /// Twilio's code.
    pub(super) code: u32,
    pub(super) message: Cow<'static, str>,
    /// When to ask again, in whole seconds.
    pub(super) retry_after: Option<Duration>,
}

impl Refusal {
    pub(super) fn new(status: u16, code: u32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    /// A refusal at its worst: Twilio quotes numbers and texts in several of its sentences.
    pub(super) fn quoting(status: u16, code: u32, form: &Form) -> Self {
        let quoted: Vec<String> = form.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        Self::new(status, code, format!("The request was refused. {}", quoted.join(", ")))
    }

    /// There is no such resource.
    pub(super) fn not_found() -> Self {
        Self::new(404, 20404, "The requested resource was not found")
    }
}

/// As Twilio writes it.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, code, message, retry_after } = self;
        let more = format!("https://www.twilio.com/docs/errors/{code}");
        let body = json!({"code": code, "message": message, "more_info": more, "status": status});
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(body)).into_response();
        if let Some(after) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs()));
        }
        response
    }
}

/// Checks the account and its token, as Basic auth.
pub(super) fn authorise(world: &World, headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let decoded = given.and_then(|value| STANDARD.decode(value.strip_prefix("Basic ")?).ok());
    let wanted = format!("{}:{}", world.config.account_sid, world.config.auth_token);
    if decoded.as_deref() == Some(wanted.as_bytes()) {
        return Ok(());
    }
    Err(Refusal::new(401, 20003, "Authenticate"))
}

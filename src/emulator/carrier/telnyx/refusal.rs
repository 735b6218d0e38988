//! How Telnyx refuses a request, and whom it lets in.

use std::borrow::Cow;

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::emulator::world::World;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::emulator) struct Refusal {
    pub(super) status: u16,
    /// Telnyx's code; text on the wire.
    pub(super) code: u32,
    detail: Cow<'static, str>,
}

impl Refusal {
    pub(in crate::emulator) fn new(status: u16, code: u32, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, detail: detail.into() }
    }

    /// A parameter that is missing or wrong.
    pub(in crate::emulator) fn invalid(detail: &'static str) -> Self {
        Self::new(422, 10_027, detail)
    }

    /// There is no such resource.
    pub(in crate::emulator) fn not_found() -> Self {
        Self::new(404, 10_005, "The requested resource or URL could not be found.")
    }

    /// A command to a call that is over.
    pub(in crate::emulator) fn over() -> Self {
        Self::new(422, 90_018, "This call is no longer active and can't receive commands.")
    }
}

/// As Telnyx writes it.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, code, detail } = self;
        let meta = json!({"url": format!("https://developers.telnyx.com/docs/overview/errors/{code}")});
        let error =
            json!({"code": code.to_string(), "title": "The request was refused", "detail": detail, "meta": meta});
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(json!({"errors": [error]}))).into_response()
    }
}

/// Checks the API key.
pub(in crate::emulator) fn authorise(world: &World, headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if given.and_then(|value| value.strip_prefix("Bearer ")) == Some(&*world.config.telnyx_key) {
        return Ok(());
    }
    Err(Refusal::new(401, 10_009, "Could not find any usable credentials in the request."))
}

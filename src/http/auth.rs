//! The bearer check in front of everything an agent may ask.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::error::{ApiError, Kind};
use super::layers::prove;
use crate::service::PrincipalId;

/// The key's hash. Comparing hashes takes the same time whatever the length of what was sent.
#[derive(Clone, Copy)]
pub(super) struct ApiKey {
    /// `None` for an empty key: nothing is let through.
    hash: Option<[u8; 32]>,
}

impl ApiKey {
    pub(super) fn new(key: &SecretString) -> Self {
        let key = key.expose_secret();
        Self { hash: (!key.is_empty()).then(|| Sha256::digest(key.as_bytes()).into()) }
    }

    pub(super) fn accepts(&self, sent: &[u8]) -> bool {
        let sent: [u8; 32] = Sha256::digest(sent).into();
        self.hash.is_some_and(|hash| hash.ct_eq(&sent).into())
    }
}

/// Who asks. Only the layer makes one that a handler can get.
#[derive(Clone, Copy)]
pub(super) struct Principal(pub(super) PrincipalId);

/// The layer's mark on a request; nobody outside can make one.
#[derive(Clone, Copy)]
struct Checked(PrincipalId);

/// The layer: lets a request with the key through, and marks it.
pub(super) async fn require_key(
    State(key): State<ApiKey>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let sent = bearer(request.headers()).unwrap_or_default();
    if !key.accepts(sent) {
        return Err(ApiError::new(Kind::Unauthorized, "Unauthorized"));
    }
    prove(request.extensions());
    // One key, one principal.
    request.extensions_mut().insert(Checked(PrincipalId(0)));
    Ok(next.run(request).await)
}

/// The token of the one `Authorization` header; two of them are none.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    (values.next().is_none() && scheme.eq_ignore_ascii_case(b"bearer ")).then(|| token.trim_ascii())
}

impl<S: Send + Sync> FromRequestParts<S> for Principal {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let checked = parts.extensions.get::<Checked>();
        checked
            .map(|Checked(id)| Self(*id))
            .ok_or_else(|| ApiError::internal("a route of agents stands outside the bearer check"))
    }
}

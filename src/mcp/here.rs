//! The API of this process, asked without a socket.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Request, header};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use tower::ServiceExt;

use super::api::{Answer, Api, Question, Unreached};

/// The largest answer: fifty conversations of some hundred texts each are less.
const LARGEST: usize = 64 << 20;

/// The routes of this process, with the check of the key that stands before them.
pub struct Here(Router);

impl std::fmt::Debug for Here {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Here")
    }
}

impl Here {
    /// The API behind these routes.
    pub fn new(routes: Router) -> Self {
        Self(routes)
    }
}

impl Api for Here {
    fn ask(&self, question: Question) -> BoxFuture<'_, Result<Answer, Unreached>> {
        let routes = self.0.clone();
        async move {
            let request = request(question).map_err(|_| broken())?;
            let Ok(response) = routes.oneshot(request).await;
            let status = response.status().as_u16();
            let body = to_bytes(response.into_body(), LARGEST).await.map_err(|_| broken())?;
            Ok(Answer { status, body: fields(&body) })
        }
        .boxed()
    }
}

fn request(question: Question) -> Result<Request<Body>, axum::http::Error> {
    let Question { method, path, body, key, wait, authorization } = question;
    let mut request = Request::builder().method(method).uri(path);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    if let Some(wait) = wait {
        request = request.header("prefer", prefer(wait));
    }
    if let Some(authorization) = authorization {
        request = request.header(header::AUTHORIZATION, authorization);
    }
    let body = body.map_or_else(Body::empty, |fields| Body::from(Value::Object(fields).to_string()));
    request.body(body)
}

/// The wish to be answered by then.
fn prefer(wait: Duration) -> HeaderValue {
    HeaderValue::try_from(format!("wait={}", wait.as_secs())).expect("digits are a header's value")
}

fn fields(body: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(body).unwrap_or_default()
}

fn broken() -> Unreached {
    Unreached("callme failed internally; look at the session with get_call_history before you try again.".to_owned())
}

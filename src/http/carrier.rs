//! The carrier's routes: webhooks, whose signature is checked before anything else, and media sockets.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;

use super::App;
use super::error::ApiError;
use crate::ids::{EventId, SessionId};
use crate::media::BoxSocket;
use crate::metrics::Webhook as Fate;
use crate::provider::{Sender, Told, Webhook, Whose};

mod blocks;
mod limits;
mod room;
mod signature;
mod socket;
mod strangers;

pub use blocks::Blocks;
pub use limits::InboundLimits;
pub(super) use limits::{Admitted, Turnstile, keep};
pub(super) use signature::{Gate, Signed, require};

/// Where webhooks and media sockets go. They are handed over at once; what happens then is not the edge's.
pub trait CallEvents: Send + Sync {
    /// Takes a signed webhook about a call, which the carrier calls `event` however often it is delivered. `session` is whose
    /// it is by what is signed; without one the carrier's call id decides.
    fn webhook(&self, session: Option<SessionId>, event: Option<&EventId>, webhook: Webhook) -> BoxFuture<'_, Answer>;
    /// Takes the body of a signed webhook about messages; false where so many wait that it is not taken, or where a crash
    /// would take it.
    ///
    /// What it brought is kept then, and not looked at yet: what is in it must not show in the time that its answer takes.
    fn message(&self, body: Bytes) -> BoxFuture<'_, bool>;
    /// A signed webhook with a message by `sender` was answered with an error, and no other of its kind will be for `wait`: what
    /// is in it has to be found out another way.
    ///
    /// Returns at once, whoever the sender is.
    fn turned_away(&self, sender: &Sender, wait: Duration);
    /// Takes a media socket that nobody has authenticated yet; `token` is what its path names. The future is the
    /// socket's life.
    fn media(&self, token: Option<String>, socket: BoxSocket) -> BoxFuture<'static, ()>;
}

/// What a webhook is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Taken; there is nothing to say.
    Taken,
    /// Connect the call to the media socket.
    Connect {
        /// The single-use token of the socket.
        token: String,
        /// The session the call belongs to.
        session: SessionId,
    },
    /// End the call.
    HangUp,
    /// Turn the inbound call away.
    Reject,
}

/// When what waits has been read; that takes some milliseconds each.
const CROWDED: Duration = Duration::from_secs(10);

/// The largest frame of a media socket. The carriers' are under 1 KB; their `start` with every field is about 2 KB.
const LARGEST_FRAME: usize = 64 * 1024;

/// What is read from a socket at once: thousands of sockets are open, and the library's own 128 KB are meant for few.
const READ_BUFFER: usize = 2 * 1024;

/// The voice webhook, the status callbacks and the machine detection of Twilio.
#[utoipa::path(post, path = "/twiml", tag = "carrier",
    params(("s" = Option<String>, Query, description = "the session")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "what to do with the call", content_type = "text/xml", body = String),
        (status = 204, description = "taken"),
        (status = 400, description = "the body is not about a call of ours"),
        (status = 401, description = "not signed by the carrier"),
        (status = 413, description = "the body has more than 100 KB"),
        (status = 429, description = "not signed by the carrier, once too often; Retry-After says when to come back"),
        (status = 503, description = "too many bodies come at once; Retry-After says when to come back"),
    ))]
pub(super) async fn twiml(State(app): State<App>, RawQuery(query): RawQuery, Signed(told): Signed) -> Response {
    let Told { webhook, whose, event } = told;
    let addressed = session_of(query.as_deref());
    let session = match whose {
        Whose::AsAddressed => addressed,
        Whose::Of(Some(session)) if addressed.as_ref().is_some_and(|addressed| *addressed != session) => {
            tracing::warn!("a webhook was sent to the address of another session than the one it is signed for");
            return StatusCode::BAD_REQUEST.into_response();
        }
        Whose::Of(session) => session,
    };
    let answer = app.events.webhook(session, event.as_ref(), webhook).await;
    // A carrier that reads no documents asks for none.
    let (Some(documents), false) = (app.carrier.documents(), answer == Answer::Taken) else {
        return StatusCode::NO_CONTENT.into_response();
    };
    let document = match answer {
        Answer::Taken => String::new(),
        Answer::Connect { token, session } => documents.connect(&token, &session),
        Answer::HangUp => documents.hang_up(),
        Answer::Reject => documents.reject(),
    };
    ([(header::CONTENT_TYPE, documents.content_type())], document).into_response()
}

/// The carrier's messaging webhook, a form of Twilio's or an event of Telnyx's: what the person wrote, and what became of what was written to them.
///
/// It is kept and answered before it is taken, so that neither the answer nor its time tells a sender anything: whatever
/// passed the limits costs one write, and that is all that is done before the answer.
#[utoipa::path(post, path = "/whatsapp", tag = "carrier",
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "taken, whatever it says"),
        (status = 400, description = "the body did not arrive within 5 seconds"),
        (status = 401, description = "not signed by the carrier"),
        (status = 413, description = "the body has more than 256 KB"),
        (status = 429, description = "too many messages, or not signed once too often; Retry-After says when to come back"),
        (status = 503, description = "too many wait already, or the store does not keep it"),
    ))]
pub(super) async fn whatsapp(State(app): State<App>, admitted: Admitted) -> StatusCode {
    hand_over(&app, admitted).await
}

/// Keeps a message; the status says whether there was room for it.
async fn hand_over(app: &App, Admitted { body, sender }: Admitted) -> StatusCode {
    if app.events.message(body).await {
        app.metrics.webhook(Fate::Taken);
        return StatusCode::OK;
    }
    app.metrics.webhook(Fate::TurnedAway);
    if let Some(sender) = &sender {
        app.events.turned_away(sender, CROWDED);
    }
    StatusCode::SERVICE_UNAVAILABLE
}

/// The carrier's webhook for SMS. As [`whatsapp`], but Twilio wants a document, which says nothing.
#[utoipa::path(post, path = "/sms", tag = "carrier",
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "taken, whatever it says", content_type = "text/xml", body = String),
        (status = 400, description = "the body did not arrive within 5 seconds"),
        (status = 401, description = "not signed by the carrier"),
        (status = 413, description = "the body has more than 100 KB"),
        (status = 429, description = "too many messages, or not signed once too often; Retry-After says when to come back"),
        (status = 503, description = "too many wait already, or the store does not keep it"),
    ))]
pub(super) async fn sms(State(app): State<App>, admitted: Admitted) -> Response {
    let status = hand_over(&app, admitted).await;
    match app.carrier.documents() {
        Some(documents) if status == StatusCode::OK => {
            ([(header::CONTENT_TYPE, documents.content_type())], documents.nothing()).into_response()
        }
        _ => status.into_response(),
    }
}

/// The session that a webhook's URL names.
fn session_of(query: Option<&str>) -> Option<SessionId> {
    form_urlencoded::parse(query?.as_bytes()).find(|(name, _)| name == "s").and_then(|(_, id)| SessionId::parse(&id))
}

/// The media socket, with its token as a parameter of the stream.
#[utoipa::path(get, path = "/media-stream", tag = "carrier", responses(
    (status = 101, description = "a WebSocket"),
    (status = 400, description = "not a WebSocket handshake"),
))]
pub(super) async fn media(
    State(app): State<App>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    upgrade_to(app, None, upgrade)
}

/// The media socket, with its token in the path.
#[utoipa::path(get, path = "/media-stream/{token}", tag = "carrier",
    params(("token" = String, Path, description = "single-use")),
    responses((status = 101, description = "a WebSocket"), (status = 400, description = "not a WebSocket handshake")))]
pub(super) async fn media_with_token(
    State(app): State<App>,
    token: Result<Path<String>, PathRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let Path(token) = token.map_err(|_| ApiError::invalid("the token is not text"))?;
    upgrade_to(app, Some(token), upgrade)
}

fn upgrade_to(
    app: App,
    token: Option<String>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade.map_err(|_| ApiError::invalid("this is a WebSocket for the carrier's media"))?;
    Ok(upgrade
        .read_buffer_size(READ_BUFFER)
        // Each frame is on its way when it is written: a frame that waits for the next is heard late.
        .write_buffer_size(0)
        .max_message_size(LARGEST_FRAME)
        .max_frame_size(LARGEST_FRAME)
        .on_upgrade(move |socket| app.events.media(token, Box::pin(socket::Frames(socket)))))
}

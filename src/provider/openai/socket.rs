//! The WebSocket under a realtime session: opening it, and events in both directions as text.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, SinkExt, StreamExt};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls_platform_verifier::BuilderVerifierExt;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};
use url::Url;

use crate::provider::openai::failure;
use crate::provider::{ErrorClass, ProviderError};

/// What is read from the socket at once: events are a few hundred bytes, and there is one such buffer per call.
const READ_BUFFER: usize = 2 * 1024;

/// The largest event; a transcript of a minute is some kilobytes, a piece of sound some dozen.
const LARGEST_EVENT: usize = 1024 * 1024;

/// Opens sockets. The certificates are read once, not for each.
pub(super) struct Dialer {
    url: String,
    /// `Bearer` and the key; marked as sensitive, so that nothing prints it. `None` for a host that wants no key.
    bearer: Option<HeaderValue>,
    /// To be kept out of what the provider says.
    key: SecretString,
    tls: Option<Arc<ClientConfig>>,
}

/// A socket that is being opened.
pub(super) type Dialing = BoxFuture<'static, Result<Socket, ProviderError>>;

/// An open socket.
pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// To be kept out of what the provider says.
    key: SecretString,
    /// Something was written that the layers below may still hold.
    unflushed: bool,
    /// Something came, and nobody has asked yet.
    alive: bool,
}

impl Dialer {
    /// Sockets to a `ws` or `wss` URL. An empty key is none.
    ///
    /// # Errors
    /// When the system's certificates cannot be read, or the key cannot stand in a header.
    pub(super) fn new(url: &Url, key: &SecretString) -> Result<Self, ProviderError> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret())).map_err(|_| {
            ProviderError::ours(ErrorClass::Refused, "the speech provider's key cannot stand in a header")
        })?;
        bearer.set_sensitive(true);
        let bearer = (!key.expose_secret().is_empty()).then_some(bearer);
        let tls = if url.scheme() == "wss" {
            let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .and_then(BuilderVerifierExt::with_platform_verifier)
                .map_err(|_| ProviderError::ours(ErrorClass::Refused, "the system's certificates cannot be read"))?;
            Some(Arc::new(config.with_no_client_auth()))
        } else {
            None
        };
        Ok(Self { url: url.as_str().to_owned(), bearer, key: key.clone(), tls })
    }

    /// Opens a socket, without a time limit.
    pub(super) fn dial(&self) -> Dialing {
        let request = self.url.as_str().into_client_request().map(|mut request| {
            if let Some(bearer) = &self.bearer {
                request.headers_mut().insert(AUTHORIZATION, bearer.clone());
            }
            request
        });
        let connector = self.tls.clone().map_or(Connector::Plain, Connector::Rustls);
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            // Each frame leaves at once.
            .write_buffer_size(0)
            .max_message_size(Some(LARGEST_EVENT))
            .max_frame_size(Some(LARGEST_EVENT));
        let key = self.key.clone();
        async move {
            let request = request.map_err(not_opened)?;
            match connect_async_tls_with_config(request, Some(config), true, Some(connector)).await {
                Ok((stream, _)) => Ok(Socket { stream, key, unflushed: false, alive: false }),
                Err(error) => Err(failure::hiding(not_opened(error), key.expose_secret())),
            }
        }
        .boxed()
    }
}

impl Socket {
    /// The next event, as it came. An error means that the socket is gone.
    pub(super) fn poll_text(&mut self, cx: &mut Context<'_>) -> Poll<Result<Utf8Bytes, ProviderError>> {
        loop {
            let came = ready!(self.stream.poll_next_unpin(cx));
            self.alive = true;
            return Poll::Ready(match came {
                Some(Ok(Message::Text(text))) => Ok(text),
                Some(Ok(Message::Close(frame))) => Err(self.hiding_key(closed(frame.as_ref()))),
                Some(Ok(Message::Ping(_))) => {
                    // The answer is queued by the library; it leaves with the next read or flush.
                    self.unflushed = true;
                    continue;
                }
                Some(Ok(Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => continue,
                Some(Err(error)) => Err(broken(&error)),
                None => Err(closed(None)),
            });
        }
    }

    /// Whether anything at all has come since this was last asked, as far as it was read.
    pub(super) fn take_sign(&mut self) -> bool {
        std::mem::take(&mut self.alive)
    }

    /// Asks the other side for a sign.
    pub(super) fn ping(&mut self) -> Result<(), ProviderError> {
        self.write(Message::Ping(Bytes::new()))
    }

    /// What the provider says, unless it quotes the key.
    pub(super) fn hiding_key(&self, error: ProviderError) -> ProviderError {
        failure::hiding(error, self.key.expose_secret())
    }

    /// Whether another event can be written; until then what was written waits for the network.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ProviderError>> {
        self.stream.poll_ready_unpin(cx).map_err(|error| broken(&error))
    }

    /// Writes an event.
    pub(super) fn send(&mut self, event: String) -> Result<(), ProviderError> {
        self.write(Message::Text(event.into()))
    }

    fn write(&mut self, message: Message) -> Result<(), ProviderError> {
        self.unflushed = true;
        self.stream.start_send_unpin(message).map_err(|error| broken(&error))
    }

    /// Presses on what the layers below hold.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ProviderError>> {
        if self.unflushed {
            ready!(self.stream.poll_flush_unpin(cx)).map_err(|error| broken(&error))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Socket {
    /// Says goodbye as far as that goes without waiting, so that the provider ends the session at once.
    fn drop(&mut self) {
        let _ = self.stream.start_send_unpin(Message::Close(None));
    }
}

/// Why a socket could not be opened. A refused upgrade speaks as any other answer does.
fn not_opened(error: Error) -> ProviderError {
    match error {
        Error::Http(answer) => {
            let body = answer.body().as_deref().unwrap_or_default();
            failure::of_status(answer.status().as_u16(), body)
        }
        Error::Url(_) | Error::HttpFormat(_) => {
            ProviderError::ours(ErrorClass::Refused, "the speech provider's URL is wrong")
        }
        error => {
            let cause = failure::shown(&error.to_string());
            ProviderError::ours(ErrorClass::Busy, &format!("could not connect to the speech provider: {cause}"))
        }
    }
}

fn broken(error: &Error) -> ProviderError {
    let cause = failure::shown(&error.to_string());
    ProviderError::ours(ErrorClass::Unknown, &format!("the connection to the speech provider broke: {cause}"))
}

fn closed(frame: Option<&CloseFrame>) -> ProviderError {
    let message = "the speech provider closed the session";
    let Some(frame) = frame else { return ProviderError::ours(ErrorClass::Unknown, message) };
    let reason = failure::shown(frame.reason.as_str());
    let message = if reason.is_empty() { message.to_owned() } else { format!("{message}: {reason}") };
    ProviderError { class: ErrorClass::Unknown, code: Some(u16::from(frame.code).to_string()), message }
}

//! The Call Control REST API (`/v2/calls`). A request is sent once; commands carry a `command_id`, so that Telnyx takes one that
//! is sent again for the same.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use futures_util::future::BoxFuture;
use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::api::Api;
use crate::ids::{CarrierCallId, SessionId};
use crate::phone_number::PhoneNumber;
use crate::provider::public_url::PublicUrl;
use crate::provider::rest::{BadSettings, Failure, Kind, Manner, Said, whole_seconds};
use crate::provider::{
    CallCommands, CallEnd, CallProgress, Carrier, Connects, DialOrder, ErrorClass, LostDial, ProviderError,
};

/// Where the API is, unless a gateway or a test stands in.
pub const API_URL: &str = "https://api.telnyx.com";

/// `timeout_secs`' documented bounds.
const RING_SECONDS: std::ops::RangeInclusive<u64> = 5..=600;
/// `time_limit_secs`' documented maximum.
const LONGEST_SECONDS: u64 = 14_400;
/// Calls of one page: far more than are live on one connection of ours.
const PAGE_SIZE: &str = "250";

/// What the command to stream gets for its answer: somebody is on the line meanwhile, and hears nothing.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Telnyx's code for a command to a call that is over. Others may say the same: this one says nothing else.
const CALL_HAS_ENDED: &str = "90018";

/// How Telnyx answers.
pub(super) const TELNYX: Manner = Manner { name: "Telnyx", refusal };

/// What the adapter needs to know.
#[derive(Clone, Debug)]
pub struct TelnyxConfig {
    /// The id of the Call Control application (formerly connection) that calls are made by.
    pub connection_id: String,
    /// The account's API key (`KEY…`).
    pub api_key: SecretString,
    /// The number that shows on the person's phone.
    pub from: PhoneNumber,
    /// Where Telnyx's webhooks and media reach us.
    pub public_url: PublicUrl,
    /// Base of the API, [`API_URL`] by default.
    pub api_url: String,
}

/// Telnyx as a carrier.
#[derive(Clone, Debug)]
pub struct Telnyx {
    connection_id: String,
    from: PhoneNumber,
    public_url: PublicUrl,
    api: Api,
}

/// What every answer is wrapped in.
#[derive(Deserialize)]
pub(super) struct Wrapped<T> {
    pub(super) data: T,
}

/// A call as REST describes it; the fields that are read.
#[derive(Deserialize)]
struct CallRecord {
    call_control_id: String,
    client_state: Option<String>,
}

#[derive(Deserialize)]
struct CallStatus {
    is_alive: bool,
    /// There only where the call is over. One whose dial is under way is not alive either, and yet it will ring.
    end_time: Option<String>,
}

/// The shape of Telnyx's errors; of several the first one counts.
#[derive(Deserialize)]
struct Errors {
    errors: Vec<ErrorBody>,
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(default)]
    code: Value,
    #[serde(default)]
    title: Value,
    #[serde(default)]
    detail: Value,
}

impl Telnyx {
    /// Makes the adapter with a client of its own.
    ///
    /// # Errors
    /// When the API's URL or the client's TLS set-up is unusable.
    pub fn new(config: TelnyxConfig) -> Result<Self, BadSettings> {
        let TelnyxConfig { connection_id, api_key, from, public_url, api_url } = config;
        Ok(Self { connection_id, from, public_url, api: Api::new(api_key, &api_url)? })
    }

    /// Tells a call to do something.
    async fn command(&self, call: &CarrierCallId, action: &str, body: &Value) -> Result<(), Failure> {
        TELNYX.accepted(self.action(call, action).json(body)).await
    }

    fn action(&self, call: &CarrierCallId, action: &str) -> RequestBuilder {
        self.api.request(Method::POST, &["calls", call.as_str(), "actions", action])
    }

    async fn dial(&self, order: DialOrder) -> Result<CarrierCallId, ProviderError> {
        let ring = whole_seconds(order.ring).clamp(*RING_SECONDS.start(), *RING_SECONDS.end());
        let body = json!({
            "connection_id": self.connection_id,
            "to": order.to.reveal(),
            "from": self.from.reveal(),
            "timeout_secs": ring,
            // By another route the phone would begin to ring anew after that.
            "retry_on_timeout": false,
            "time_limit_secs": whole_seconds(order.longest).clamp(1, LONGEST_SECONDS),
            "answering_machine_detection": "premium",
            "client_state": client_state(&order.session),
            "command_id": format!("dial.{}.{}", order.session, order.decided_at),
            "webhook_url": self.public_url.webhook(&order.session),
            "webhook_url_method": "POST",
        });
        let placed: Wrapped<CallRecord> = TELNYX.json(self.api.request(Method::POST, &["calls"]).json(&body)).await?;
        let name = placed.data.call_control_id;
        // From here on the phone may ring: an answer without a usable name is no refusal.
        if name.is_empty() { Err(TELNYX.unreadable().into()) } else { Ok(CarrierCallId(name)) }
    }

    async fn is_alive(&self, call: &CarrierCallId) -> Result<bool, Failure> {
        let looked: Result<Wrapped<CallStatus>, _> =
            TELNYX.json(self.api.request(Method::GET, &["calls", call.as_str()])).await;
        match looked {
            Ok(Wrapped { data }) => Ok(data.is_alive || data.end_time.is_none()),
            Err(Failure { kind: Kind::Status(StatusCode::NOT_FOUND), .. }) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    async fn hang_up(&self, call: &CarrierCallId) -> Result<(), ProviderError> {
        // Without a `command_id`: a hang-up that failed is to be done when it is sent again.
        let Err(failure) = self.command(call, "hangup", &json!({})).await else { return Ok(()) };
        // A call that has ended refuses commands, and no list says with which codes: the call itself does.
        match failure.kind {
            Kind::Status(StatusCode::NOT_FOUND) => Ok(()),
            Kind::Status(StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST | StatusCode::CONFLICT)
                if self.is_alive(call).await == Ok(false) =>
            {
                Ok(())
            }
            // Whatever it is that was refused, the call may be live: it is not given up for hung up.
            _ => Err(ProviderError { class: ErrorClass::Unknown, ..failure.into() }),
        }
    }

    async fn look_up(&self, call: &CarrierCallId) -> Result<CallProgress, ProviderError> {
        let is_alive = self.is_alive(call).await?;
        Ok(if is_alive { CallProgress::Queued } else { CallProgress::Over(CallEnd::Completed) })
    }

    /// Telnyx lists the calls that are live, each with the state that we gave it: so only this session's are found.
    async fn find(&self, dial: &LostDial) -> Result<Vec<(CarrierCallId, CallProgress)>, ProviderError> {
        let request = self.api.request(Method::GET, &["connections", &self.connection_id, "active_calls"]);
        let page: Wrapped<Vec<CallRecord>> = TELNYX.json(request.query(&[("page[size]", PAGE_SIZE)])).await?;
        let ours = client_state(&dial.session);
        let ours = page.data.into_iter().filter(|call| call.client_state.as_ref() == Some(&ours));
        Ok(ours.map(|call| (CarrierCallId(call.call_control_id), CallProgress::Queued)).collect())
    }

    async fn connect(&self, call: &CarrierCallId, token: &str) -> Result<Connects, ProviderError> {
        let body = json!({
            "stream_url": self.public_url.media(token),
            "stream_track": "inbound_track",
            "stream_codec": "PCMU",
            "stream_bidirectional_mode": "rtp",
            "stream_bidirectional_codec": "PCMU",
            "command_id": command_id("connect", token),
        });
        let request = self.action(call, "streaming_start").timeout(CONNECT_TIMEOUT);
        match TELNYX.accepted(request.json(&body)).await {
            Ok(()) => Ok(Connects::Tries),
            Err(Failure { kind: Kind::Status(StatusCode::NOT_FOUND), .. }) => Ok(Connects::CallIsOver),
            Err(failure) if failure.code.as_deref() == Some(CALL_HAS_ENDED) => Ok(Connects::CallIsOver),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn reject(&self, call: &CarrierCallId) -> Result<(), ProviderError> {
        let body = json!({ "cause": "CALL_REJECTED", "command_id": command_id("reject", call.as_str()) });
        match self.command(call, "reject", &body).await {
            // Who called has given up meanwhile.
            Err(Failure { kind: Kind::Status(StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY), .. }) => Ok(()),
            other => Ok(other?),
        }
    }
}

impl Carrier for Telnyx {
    fn dial(&self, order: DialOrder) -> BoxFuture<'_, Result<CarrierCallId, ProviderError>> {
        Box::pin(self.dial(order))
    }

    fn hang_up<'a>(&'a self, call: &'a CarrierCallId) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(self.hang_up(call))
    }

    fn look_up<'a>(&'a self, call: &'a CarrierCallId) -> BoxFuture<'a, Result<CallProgress, ProviderError>> {
        Box::pin(self.look_up(call))
    }

    fn find<'a>(
        &'a self,
        dial: &'a LostDial,
    ) -> BoxFuture<'a, Result<Vec<(CarrierCallId, CallProgress)>, ProviderError>> {
        Box::pin(self.find(dial))
    }
}

impl CallCommands for Telnyx {
    fn connect<'a>(
        &'a self,
        call: &'a CarrierCallId,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Connects, ProviderError>> {
        Box::pin(self.connect(call, token))
    }

    fn reject<'a>(&'a self, call: &'a CarrierCallId) -> BoxFuture<'a, Result<(), ProviderError>> {
        Box::pin(self.reject(call))
    }
}

/// What a call of this session carries through Telnyx; base64, as Telnyx asks for.
fn client_state(session: &SessionId) -> String {
    STANDARD.encode(session.to_string())
}

/// The same for the same command; says nothing of what it is made of, which may be a token.
fn command_id(action: &str, of: &str) -> String {
    let digest = Sha256::digest(of.as_bytes());
    format!("{action}.{}", HEXLOWER.encode(&digest[..16]))
}

/// The code and the sentence of a refusal: the title, and the detail where it says more.
fn refusal(body: &[u8]) -> Said {
    let Ok(Errors { errors }) = serde_json::from_slice(body) else { return Said::default() };
    let Some(ErrorBody { code, title, detail }) = errors.into_iter().next() else {
        return Said::default();
    };
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let message = match (text(title), text(detail)) {
        (Some(title), Some(detail)) if title != detail => Some(format!("{title}: {detail}")),
        (title, detail) => title.or(detail),
    };
    Said { code: text(code), message }
}

#[cfg(test)]
mod tests;

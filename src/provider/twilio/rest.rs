//! The Calls REST API (`/2010-04-01/Accounts/{AC}/Calls`). Nothing here repeats a request: a second dial is a second call.

use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;

use super::PublicUrl;
use super::answer::TWILIO;
use super::api::Api;
use super::{date, progress, sid};
use crate::clock::Millis;
use crate::ids::CarrierCallId;
use crate::phone_number::PhoneNumber;
use crate::provider::rest::{self, BadSettings, Failure, Kind, whole_seconds};
use crate::provider::{CallProgress, Carrier, DialOrder, ErrorClass, LostDial, ProviderError};

/// Where the API is, unless a gateway or a test stands in.
pub const API_URL: &str = "https://api.twilio.com";

/// `Timeout`'s documented bounds, in seconds.
const RING_SECONDS: std::ops::RangeInclusive<u64> = 1..=600;
/// `date_created` has whole seconds, and our clock need not be Twilio's.
const CLOCK_SLACK: Duration = Duration::from_secs(5);
/// Calls of one list page, newest first; far more than can be placed while a dial is in doubt.
const PAGE_SIZE: &str = "50";
/// An ended call was asked to end ("not in the expected state").
const CALL_NOT_IN_STATE: &str = "21220";
/// The call is gone altogether.
const NOT_FOUND: &str = "20404";

/// What the adapter needs to know.
#[derive(Clone, Debug)]
pub struct TwilioConfig {
    /// `AC…`: whose calls these are, and the user name of every request.
    pub account_sid: String,
    /// The account's primary auth token.
    pub auth_token: SecretString,
    /// The number that shows on the person's phone.
    pub from: PhoneNumber,
    /// Where Twilio's webhooks reach us.
    pub public_url: PublicUrl,
    /// Base of the API, [`API_URL`] by default.
    pub api_url: String,
}

/// Twilio as a carrier.
#[derive(Clone, Debug)]
pub struct Twilio {
    config: TwilioConfig,
    /// `{api}/2010-04-01/Accounts/{AC}`.
    api: Api,
}

/// A call as REST describes it; the fields that are read.
#[derive(Deserialize)]
struct CallRecord {
    sid: String,
    status: String,
    direction: Option<String>,
    to: Option<String>,
    from: Option<String>,
    /// RFC 2822; null while the call is queued.
    date_created: Option<String>,
}

#[derive(Deserialize)]
struct CallPage {
    calls: Vec<CallRecord>,
}

impl Twilio {
    /// Makes the adapter with a client of its own.
    ///
    /// # Errors
    /// When the API's URL or the client's TLS set-up is unusable.
    pub fn new(config: TwilioConfig) -> Result<Self, BadSettings> {
        Self::with_client(config, rest::client()?)
    }

    /// Makes the adapter with a client that neither follows redirects nor retries.
    ///
    /// # Errors
    /// When the API's URL is unusable.
    pub fn with_client(config: TwilioConfig, client: reqwest::Client) -> Result<Self, BadSettings> {
        let path = ["2010-04-01", "Accounts", &config.account_sid];
        let api = Api::new(config.account_sid.clone(), config.auth_token.clone(), &config.api_url, &path, client)?;
        Ok(Self { config, api })
    }

    async fn dial(&self, order: DialOrder) -> Result<CarrierCallId, ProviderError> {
        let webhook = self.config.public_url.webhook(&order.session);
        let ring = whole_seconds(order.ring).clamp(*RING_SECONDS.start(), *RING_SECONDS.end()).to_string();
        let longest = whole_seconds(order.longest).max(1).to_string();
        let form = [
            ("To", order.to.reveal()),
            ("From", self.config.from.reveal()),
            ("Url", &webhook),
            ("Method", "POST"),
            ("Timeout", &ring),
            ("TimeLimit", &longest),
            ("StatusCallback", &webhook),
            ("StatusCallbackMethod", "POST"),
            // One parameter per event; the other outcomes (busy, no answer, …) come as `completed`.
            ("StatusCallbackEvent", "initiated"),
            ("StatusCallbackEvent", "ringing"),
            ("StatusCallbackEvent", "answered"),
            ("StatusCallbackEvent", "completed"),
            // Asynchronous, or the person hears silence until the verdict.
            ("MachineDetection", "Enable"),
            ("AsyncAmd", "true"),
            ("AsyncAmdStatusCallback", &webhook),
            // Twilio's documents disagree on this one's default.
            ("AsyncAmdStatusCallbackMethod", "POST"),
        ];
        let call: CallRecord = TWILIO.json(self.api.request(Method::POST, &["Calls.json"]).form(&form)).await?;
        // From here on the phone may ring: an answer without a usable name is no refusal.
        if sid::is_call(&call.sid) { Ok(CarrierCallId(call.sid)) } else { Err(TWILIO.unreadable().into()) }
    }

    async fn hang_up(&self, call: &CarrierCallId) -> Result<(), ProviderError> {
        // `completed` ends a call in any live state; `canceled` would leave one that is just being answered.
        let request = self.api.request(Method::POST, &["Calls", &format!("{}.json", call.as_str())]);
        match TWILIO.accepted(request.form(&[("Status", "completed")])).await {
            Err(Failure { kind: Kind::Status(status), code: Some(code), .. })
                if status.is_client_error() && matches!(code.as_str(), CALL_NOT_IN_STATE | NOT_FOUND) =>
            {
                Ok(())
            }
            Ok(()) => Ok(()),
            // Whatever it is that was refused, the call may be live: it is not given up for hung up.
            Err(failure) => Err(ProviderError { class: ErrorClass::Unknown, ..failure.into() }),
        }
    }

    async fn look_up(&self, call: &CarrierCallId) -> Result<CallProgress, ProviderError> {
        let request = self.api.request(Method::GET, &["Calls", &format!("{}.json", call.as_str())]);
        let call: CallRecord = TWILIO.json(request).await?;
        Ok(progress(&call.status, None).ok_or_else(|| TWILIO.unreadable())?)
    }

    async fn find(&self, dial: &LostDial) -> Result<Vec<(CarrierCallId, CallProgress)>, ProviderError> {
        // Twilio's own filter, `StartTime`, knows only days, and a call that has not started has none.
        let (to, from) = (dial.to.reveal(), self.config.from.reveal());
        let request = self.api.request(Method::GET, &["Calls.json"]).query(&[
            ("To", to),
            ("From", from),
            ("PageSize", PAGE_SIZE),
        ]);
        let page: CallPage = TWILIO.json(request).await?;

        let since = dial.decided_at - CLOCK_SLACK;
        let mut placed: Vec<_> = page
            .calls
            .into_iter()
            .filter(|call| call.direction.as_deref() == Some("outbound-api"))
            .filter(|call| call.to.as_deref() == Some(to) && call.from.as_deref() == Some(from))
            // A call without a date is so new that it has none yet: it counts, and is the newest.
            .map(|call| (call.date_created.as_deref().and_then(date::rfc2822), call))
            .filter(|(created, _)| created.is_none_or(|created| created >= since))
            .collect();
        placed.sort_by_key(|(created, _)| std::cmp::Reverse(created.unwrap_or(Millis(u64::MAX))));
        placed
            .into_iter()
            .map(|(_, call)| {
                let progress = progress(&call.status, None).ok_or_else(|| TWILIO.unreadable())?;
                Ok((CarrierCallId(call.sid), progress))
            })
            .collect()
    }
}

impl Carrier for Twilio {
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

#[cfg(test)]
mod tests;

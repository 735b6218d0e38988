//! What the account's owner sets up at the carrier, and what its REST APIs tell of that and let be set.
//!
//! Twilio: the account, its numbers, the countries it may call, the WhatsApp senders, the approval of the template, and where
//! Conversations has its webhooks. Telnyx: the Voice API application, its numbers, its outbound voice profile and the messaging profile.

use std::fmt;
use std::sync::{Arc, MutexGuard};

use axum::Router;
use axum::routing::get;

use super::world::World;

mod telnyx;
mod twilio;

/// What stands in the carrier's console. The defaults are those of an account with which everything works but what needs an
/// address of the server.
#[derive(Clone, PartialEq, Eq)]
pub struct Console {
    /// Whether the account, at Telnyx the application, is in use.
    pub is_active: bool,
    /// It is one for trying things out, which calls verified numbers only.
    pub is_trial: bool,
    /// The account has the number that calls come from.
    pub has_number: bool,
    /// That number can be called with.
    pub voice: bool,
    /// That number can send SMS.
    pub sms: bool,
    /// At Telnyx: the number belongs to the application.
    pub number_is_connected: bool,
    /// At Telnyx: the number has a messaging profile.
    pub has_messaging_profile: bool,
    /// Where calls that come in go.
    pub voice_url: String,
    /// At Twilio: how that is asked, `POST` or `GET`.
    pub voice_method: String,
    /// At Twilio: the application that takes the number's calls instead, if any.
    pub voice_application: String,
    /// At Twilio: the SIP trunk that takes them instead of both, if any.
    pub trunk: String,
    /// Where SMS that come in go.
    pub sms_url: String,
    /// At Telnyx: in which form the application's events come.
    pub event_version: String,
    /// At Telnyx: the application has an outbound voice profile.
    pub has_voice_profile: bool,
    /// The countries that may be called (ISO 3166-1, two letters).
    pub countries: Vec<String>,
    /// How the account's own WhatsApp sender stands, such as `ONLINE`.
    pub sender: String,
    /// Where that sender's messages go.
    pub sender_url: String,
    /// How that is asked, `POST` or `GET`.
    pub sender_method: String,
    /// How the template stands with WhatsApp, such as `approved`.
    pub template: String,
    /// Where Conversations tells what happened.
    pub conversations_url: String,
    /// What of it.
    pub conversations_filters: Vec<String>,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            is_active: true,
            is_trial: false,
            has_number: true,
            voice: true,
            sms: true,
            number_is_connected: true,
            has_messaging_profile: true,
            // What a new number has.
            voice_url: "https://demo.twilio.com/welcome/voice/".to_owned(),
            voice_method: "POST".to_owned(),
            voice_application: String::new(),
            trunk: String::new(),
            sms_url: String::new(),
            event_version: "2".to_owned(),
            has_voice_profile: true,
            countries: ["US", "CA", "IT"].map(str::to_owned).to_vec(),
            sender: "ONLINE".to_owned(),
            sender_url: String::new(),
            sender_method: "POST".to_owned(),
            template: "approved".to_owned(),
            conversations_url: String::new(),
            conversations_filters: Vec::new(),
        }
    }
}

/// An address may hold a secret.
impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("is_active", &self.is_active).finish_non_exhaustive()
    }
}

/// The routes.
pub(super) fn router() -> Router<Arc<World>> {
    Router::new()
        // `{account}.json`.
        .route("/2010-04-01/Accounts/{account}", get(twilio::account))
        .route("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json", get(twilio::numbers))
        .route(
            "/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{number}",
            get(twilio::number).post(twilio::set_number),
        )
        .route("/2010-04-01/Accounts/{account}/OutgoingCallerIds.json", get(twilio::caller_ids))
        .route("/v1/DialingPermissions/Countries/{country}", get(twilio::country))
        .route("/v1/Content/{content}/ApprovalRequests", get(twilio::approval))
        .route("/v2/Channels/Senders", get(twilio::senders))
        .route("/v2/Channels/Senders/{sender}", get(twilio::sender).post(twilio::set_sender))
        .route("/v1/Configuration/Webhooks", get(twilio::webhooks).post(twilio::set_webhooks))
        .route("/v2/phone_numbers", get(telnyx::numbers))
        .route("/v2/call_control_applications/{application}", get(telnyx::application).patch(telnyx::set_application))
        .route("/v2/outbound_voice_profiles/{profile}", get(telnyx::voice_profile))
        .route("/v2/phone_numbers/{number}/messaging", get(telnyx::number_messaging))
        .route("/v2/messaging_profiles/{profile}", get(telnyx::messaging_profile).patch(telnyx::set_messaging_profile))
}

impl World {
    pub(super) fn console(&self) -> MutexGuard<'_, Console> {
        self.console.lock().expect("no holder of the lock panics")
    }
}

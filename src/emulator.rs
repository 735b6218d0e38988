//! Twilio, Telnyx and the speech provider in process, speaking the real wire, with a person on the phone, on WhatsApp and by SMS who
//! can be scripted.
//!
//! It serves `callme demo` and the tests; there is no second fake. It knows the server under test only over sockets: REST and
//! speech requests come in on one base URL, signed webhooks and the media socket go out. It lives in its caller's tokio runtime and
//! knows no time but tokio's, so under paused time hours pass in moments. Everything it started ends when it is dropped.
//!
//! ```no_run
//! # use callme::emulator::{Emulator, EmulatorConfig, Script};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let emulator = Emulator::start(EmulatorConfig::default()).await?;
//! emulator.person().set(Script::converses(["Yes, go on."]));
//! emulator.person().types(["Yes, go on."]);
//! // … start a server with `emulator.environment()` and `emulator.whatsapp_environment()`, let it call …
//! println!("{:?}", emulator.chat().shown());
//! println!("{}", emulator.timeline());
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

mod carrier;
pub mod chat;
mod config;
mod connection;
mod console;
pub mod faults;
mod form;
pub mod messaging;
pub mod person;
pub mod phone;
mod post;
mod rest;
mod sign;
mod speech;
mod tap;
pub mod timeline;
pub mod voice;
mod world;

pub use carrier::{CallRecord, Frame, Segment, Sent};
pub use chat::{Chat, Guise, Shown, Written};
pub use config::{EmulatorConfig, SpeechDialect, Telephony};
pub use console::Console;
pub use faults::{DialFault, Fault, Faults, RestFault, Times};
pub use messaging::{ConversationRecord, ConversationState, Failing, ReceiptWebhooks, TextRules, WindowRule};
pub use person::{AnsweredBy, Person, PickUp, Script, Step, Verdict};
pub use phone::{NotNow, Phone, Sound};
pub use speech::Era;
pub use tap::{Moment, OnWire};
pub use timeline::{
    CallState, Callback, Event, Hearing, NeverHappened, RestVerb, Side, TextForm, TextState, TextWebhook, Timeline,
    Voicing, What,
};
pub use voice::Voice;

use world::World;

use crate::audio::mulaw::{FRAME, SILENCE};

/// How often Twilio sends a frame.
const TICK: Duration = Duration::from_millis(20);

/// The emulator could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, or not ours to take.
    #[error("the emulator cannot listen on port {port}")]
    Listen {
        /// Which.
        port: u16,
        /// Why.
        source: std::io::Error,
    },
    /// The HTTP client for its webhooks could not be made.
    #[error("the emulator cannot make requests")]
    Client(#[from] reqwest::Error),
}

/// A running emulator; ends when it is dropped.
pub struct Emulator {
    world: Arc<World>,
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("url", &self.world.url).finish_non_exhaustive()
    }
}

impl Emulator {
    /// Listens, in the caller's runtime.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub async fn start(config: EmulatorConfig) -> Result<Self, StartError> {
        let port = config.port;
        let listen = |source| StartError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let world = Arc::new(World::new(config, format!("http://{address}"))?);
        let door = connection::Door { listener, stop: world.stop.clone() };
        let app = carrier::router().merge(messaging::router()).merge(speech::router()).merge(console::router());
        let listen = axum::middleware::from_fn_with_state(Arc::clone(&world), tap::listen);
        let app = app.layer(listen).with_state(Arc::clone(&world));
        let serving = axum::serve(door, app.into_make_service_with_connect_info::<connection::Scissors>());
        world.spawn(async move { _ = serving.await });
        Ok(Self { world })
    }

    /// The base URL of the carrier's REST API and of the speech provider; their paths differ.
    pub fn url(&self) -> String {
        self.world.url.clone()
    }

    /// The settings that point a server at this emulator (all but its own URL and key), for calls only.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let config = &self.world.config;
        let account = match config.telephony {
            Telephony::Twilio => vec![
                ("CALLME_PHONE_PROVIDER", "twilio".to_owned()),
                ("CALLME_PHONE_ACCOUNT_SID", config.account_sid.clone()),
                ("CALLME_PHONE_AUTH_TOKEN", config.auth_token.clone()),
                ("CALLME_TWILIO_API_URL", self.url()),
                ("CALLME_TWILIO_CONVERSATIONS_URL", self.url()),
            ],
            Telephony::Telnyx => vec![
                ("CALLME_PHONE_PROVIDER", "telnyx".to_owned()),
                ("CALLME_PHONE_ACCOUNT_SID", config.connection_id.clone()),
                ("CALLME_PHONE_AUTH_TOKEN", config.telnyx_key.clone()),
                ("CALLME_TELNYX_PUBLIC_KEY", self.telnyx_public_key()),
                ("CALLME_TELNYX_API_URL", self.url()),
            ],
        };
        let others = [
            ("CALLME_PHONE_NUMBER", config.number.clone()),
            ("CALLME_USER_PHONE_NUMBER", config.person.clone()),
            ("CALLME_OPENAI_API_KEY", config.api_key.clone()),
            ("OPENAI_API_BASE_URL", self.url()),
            // A dry session would strike the faults that are laid out for a call.
            ("CALLME_SPEECH_PROBE_HOURS", "0".to_owned()),
        ];
        account.into_iter().chain(others).collect()
    }

    /// What Telnyx's webhooks are signed for, as its portal shows it.
    pub fn telnyx_public_key(&self) -> String {
        carrier::telnyx::public_key(&self.world.config.telnyx_seed)
    }

    /// The person rings the account's number at Telnyx, and gives up when that is refused.
    pub fn person_rings(&self) {
        carrier::telnyx::ring_in(&self.world);
    }

    /// The carrier's clock.
    pub fn clock(&self) -> jiff::Timestamp {
        self.world.now()
    }

    /// The settings beside those of [`Self::environment`] that switch WhatsApp on, without a template
    /// ([`EmulatorConfig::template_sid`]); none where the carrier has no texts.
    pub fn whatsapp_environment(&self) -> Vec<(&'static str, String)> {
        let config = &self.world.config;
        if !config.telephony.has_texts() {
            return Vec::new();
        }
        let on = [
            ("CALLME_WHATSAPP_ENABLED", "true".to_owned()),
            ("CALLME_WHATSAPP_PHONE_NUMBER", config.whatsapp_number.clone()),
        ];
        let own = match config.telephony {
            Telephony::Twilio => vec![
                ("CALLME_WHATSAPP_MODE", "sandbox".to_owned()),
                ("CALLME_WHATSAPP_SANDBOX_CODE", config.sandbox_code.clone()),
            ],
            Telephony::Telnyx => vec![("CALLME_TELNYX_MESSAGING_PROFILE_ID", config.telnyx_profile.clone())],
        };
        on.into_iter().chain(own).collect()
    }

    /// The setting that makes the approved template known to a server.
    pub fn template_environment(&self) -> (&'static str, String) {
        let config = &self.world.config;
        let template = match config.telephony {
            Telephony::Twilio => &config.template_sid,
            Telephony::Telnyx => &config.telnyx_template,
        };
        ("CALLME_WHATSAPP_TEMPLATE_SID", template.clone())
    }

    /// Requests for URLs below `public` go to `real` instead (both origins such as `https://callme.example`), signed for `public`:
    /// what a proxy does for a real server. A media socket of `wss://` the same host goes along. A second route of the same origin
    /// takes the place of the first: the server has moved.
    pub fn route(&self, public: &str, real: &str) {
        let (public, real) = (public.trim_end_matches('/').to_owned(), real.trim_end_matches('/').to_owned());
        let mut routes = self.world.routes.lock().expect("no holder of the lock panics");
        match routes.iter_mut().find(|(known, _)| *known == public) {
            Some(route) => route.1 = real,
            None => routes.push((public, real)),
        }
    }

    /// What the person does in the calls and the chat to come.
    pub fn person(&self) -> Person {
        self.world.person.clone()
    }

    /// The phone, for somebody who answers it live; see [`Script::steered`].
    pub fn phone(&self) -> Phone {
        Phone::new(Arc::clone(&self.world))
    }

    /// The person's WhatsApp.
    pub fn chat(&self) -> Chat {
        self.chat_of(&self.world.config.person)
    }

    /// Somebody else's WhatsApp, by their number.
    pub fn chat_of(&self, number: &str) -> Chat {
        Chat::new(Arc::clone(&self.world), number.to_owned(), false)
    }

    /// What the person has by SMS.
    pub fn sms(&self) -> Chat {
        self.sms_of(&self.world.config.person)
    }

    /// What somebody else has by SMS, by their number.
    pub fn sms_of(&self, number: &str) -> Chat {
        Chat::new(Arc::clone(&self.world), number.to_owned(), true)
    }

    /// Changes how texts behave from now on.
    pub fn change_text_rules(&self, change: impl FnOnce(&mut TextRules)) {
        change(&mut self.world.exchange().rules);
    }

    /// What stands in the carrier's console.
    pub fn console(&self) -> Console {
        self.world.console().clone()
    }

    /// Does in the carrier's console what its owner could.
    pub fn change_console(&self, change: impl FnOnce(&mut Console)) {
        change(&mut self.world.console());
    }

    /// Every conversation that was not deleted, oldest first.
    pub fn conversations(&self) -> Vec<ConversationRecord> {
        self.world.exchange().records()
    }

    /// Lets the day come on which models of the speech provider end.
    pub fn set_era(&self, era: Era) {
        *self.world.era.lock().expect("no holder of the lock panics") = era;
    }

    /// What goes wrong.
    pub fn faults(&self) -> Faults {
        self.world.faults.clone()
    }

    /// Calls this with everything that goes over the wire, twice each: it may take its time, and all on the wire waits for
    /// it. Whatever listened before does so no more.
    pub fn tap(&self, hook: impl Fn(&OnWire) + Send + Sync + 'static) {
        self.world.tap.set(Arc::new(hook));
    }

    /// Everything that has happened.
    pub fn timeline(&self) -> Timeline {
        self.world.recorder.snapshot()
    }

    /// Every call, oldest first.
    pub fn calls(&self) -> Vec<CallRecord> {
        let calls = self.world.calls.lock().expect("no holder of the lock panics").clone();
        calls.iter().map(|call| call.record(&self.world)).collect()
    }

    /// The first event that fits, whether it has happened or is still to come.
    ///
    /// # Errors
    /// When it does not come within the configured patience; shows what happened instead.
    pub async fn wait_for(&self, fits: impl Fn(&Event) -> bool) -> Result<Event, NeverHappened> {
        self.wait_from(0, fits).await
    }

    /// As [`Self::wait_for`], but leaves out the first `from` events of the timeline.
    ///
    /// # Errors
    /// As there.
    pub async fn wait_from(&self, from: usize, fits: impl Fn(&Event) -> bool) -> Result<Event, NeverHappened> {
        self.world.recorder.wait_for(from, self.world.config.patience, fits).await
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.world.end();
    }
}

#[cfg(test)]
mod tests;

//! What the parts of one emulator share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::EmulatorConfig;
use super::carrier::Call;
use super::console::Console;
use super::faults::Faults;
use super::messaging::Exchange;
use super::person::Person;
use super::phone::Sound;
use super::speech::Era;
use super::speech::recogniser::Phrasebook;
use super::tap::Tap;
use super::timeline::{Recorder, What};

/// Frames that wait for a listener: five seconds.
const EAR: usize = 256;

/// Everything the handlers and tasks of one emulator can reach.
pub(super) struct World {
    pub(super) config: EmulatorConfig,
    /// The base URL of every REST API.
    pub(super) url: String,
    pub(super) recorder: Recorder,
    pub(super) faults: Faults,
    /// Who is told of what goes over the wire.
    pub(super) tap: Tap,
    pub(super) person: Person,
    /// Every call, oldest first.
    pub(super) calls: Mutex<Vec<Arc<Call>>>,
    /// The text side.
    pub(super) exchange: Mutex<Exchange>,
    /// What the account's owner set up.
    pub(super) console: Mutex<Console>,
    /// Which of the speech provider's models there are.
    pub(super) era: Mutex<Era>,
    /// Every sound that was made, so that it is known when it comes back.
    pub(super) phrases: Mutex<Phrasebook>,
    /// What the person's ear hears, for who listens in; a listener that is slow misses frames.
    pub(super) ear: broadcast::Sender<Sound>,
    /// Public origins and where they really are.
    pub(super) routes: Mutex<Vec<(String, String)>>,
    /// Makes the carrier's requests.
    pub(super) http: reqwest::Client,
    /// Ends every connection.
    pub(super) stop: CancellationToken,
    /// Numbers speech requests and transcription sockets.
    pub(super) counts: Counts,
    tasks: Mutex<JoinSet<()>>,
    /// Wall-clock time at the start; the rest is counted by tokio's clock, so that paused time moves it.
    began: Timestamp,
    ids: AtomicUsize,
}

/// Counters, each from 1.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) speech: AtomicUsize,
    pub(super) hearing: AtomicUsize,
    pub(super) voicing: AtomicUsize,
}

impl World {
    pub(super) fn new(config: EmulatorConfig, url: String) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            // The carrier's hard limit for a voice webhook.
            .timeout(Duration::from_secs(15))
            .redirect(reqwest::redirect::Policy::limited(3))
            .no_proxy()
            // Each webhook on a connection of its own: an idle one that the server closes cannot lose a request.
            .pool_max_idle_per_host(0)
            .user_agent("TwilioProxy/1.1")
            .build()?;
        let exchange = Mutex::new(Exchange::new(config.text_rules.clone()));
        Ok(Self {
            config,
            url,
            recorder: Recorder::new(),
            faults: Faults::default(),
            tap: Tap::default(),
            person: Person::default(),
            calls: Mutex::default(),
            exchange,
            console: Mutex::default(),
            era: Mutex::default(),
            phrases: Mutex::default(),
            ear: broadcast::Sender::new(EAR),
            routes: Mutex::default(),
            http,
            stop: CancellationToken::new(),
            counts: Counts::default(),
            tasks: Mutex::default(),
            began: Timestamp::now(),
            ids: AtomicUsize::new(0),
        })
    }

    /// Which of the speech provider's models there are.
    pub(super) fn era(&self) -> Era {
        *self.era.lock().expect("no holder of the lock panics")
    }

    /// The present time of day.
    pub(super) fn now(&self) -> Timestamp {
        self.moment(self.recorder.elapsed())
    }

    /// The time of day so long after the start.
    pub(super) fn moment(&self, at: Duration) -> Timestamp {
        self.began + at
    }

    /// An id as Twilio makes them: two letters and 32 hexadecimal digits. Not repeated, also by another emulator.
    pub(super) fn sid(&self, prefix: &str) -> String {
        let n = self.ids.fetch_add(1, Ordering::Relaxed);
        let digest = Sha256::digest(format!("{prefix}{n}{}", self.began.as_nanosecond()));
        format!("{prefix}{}", HEXLOWER.encode(&digest[..16]))
    }

    /// Runs a task that ends with the emulator at the latest.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().expect("no holder of the lock panics");
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Ends everything.
    pub(super) fn end(&self) {
        self.stop.cancel();
        self.tasks.lock().expect("no holder of the lock panics").abort_all();
    }

    /// Writes down what belongs to no call.
    pub(super) fn note(&self, what: What) {
        self.recorder.note(None, what);
    }

    /// Where webhooks about texts go; `None` while nobody can know.
    pub(super) fn messaging_webhook(&self) -> Option<String> {
        if let Some(url) = &self.config.messaging_webhook {
            return Some(url.clone());
        }
        let routed =
            self.routes.lock().expect("no holder of the lock panics").first().map(|(public, _)| public.clone());
        let dialed = || self.calls.lock().expect("no holder of the lock panics").last().map(|call| call.dial.origin());
        routed.or_else(dialed).map(|origin| format!("{origin}/whatsapp"))
    }

    /// Where webhooks about SMS go, unless an SMS of the server's names another place.
    pub(super) fn sms_webhook(&self) -> Option<String> {
        let entered = self.console().sms_url.clone();
        if !entered.is_empty() {
            return Some(entered);
        }
        let texts = self.messaging_webhook()?;
        Some(format!("{}/sms", texts.strip_suffix("/whatsapp").unwrap_or(&texts)))
    }

    /// Where a public URL really is.
    pub(super) fn resolve(&self, url: &str) -> String {
        let routes = self.routes.lock().expect("no holder of the lock panics");
        let found = routes.iter().find_map(|(public, real)| {
            let rest = url.strip_prefix(public.as_str())?;
            (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((real, rest))
        });
        found.map_or_else(|| url.to_owned(), |(real, path)| format!("{real}{path}"))
    }
}

/// ISO 8601 in whole seconds, as Conversations writes dates.
pub(super) fn iso8601(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// RFC 2822, as Twilio writes dates of calls and of SMS.
pub(super) fn rfc2822(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

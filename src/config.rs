//! The configuration: read once, checked whole, every problem reported at once with its remedy.
//!
//! Nothing here reads the environment itself; [`environment`] does, once, for the whole process.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use secrecy::SecretString;

use crate::mcp::{Ceilings, LONGEST_WAIT};
use crate::phone_number::PhoneNumber;

mod carrier;
mod door;
pub mod environment;
mod hearing;
mod keywords;
mod messaging;
mod reader;
mod remote;
mod speech;
mod store;
mod unread;
mod variables;

#[cfg(test)]
mod tests;

pub use carrier::{CarrierConfig, Company};
pub use door::DoorConfig;
pub use keywords::keywords;
pub use messaging::{MessagingConfig, MessagingMode};
use reader::Reader;
pub use remote::RemoteConfig;
pub use speech::{SoundFormat, SpeechConfig, SpeechFormat, SpeechServer};
pub use store::StoreConfig;
pub use variables::{VARIABLES, Variable};

/// What reading the configuration came to.
#[derive(Debug)]
pub struct Loaded {
    /// What even a server with a bad configuration needs, to answer `/health`.
    pub basics: Basics,
    /// The configuration; `None` exactly when one of the problems is fatal.
    pub config: Option<Config>,
    /// Everything that is wrong, in the order of [`VARIABLES`] where it can be.
    pub problems: Vec<Problem>,
}

/// The settings without which there is not even an error to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basics {
    /// The TCP port that is listened on.
    pub port: u16,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines there are: a level, or a filter as `tracing-subscriber` reads it.
    pub log_filter: String,
    /// Where traces are sent, without a slash at the end; `None` for nowhere.
    pub collector: Option<String>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// One thing that is wrong with the configuration. The text never shows the value of a secret or a phone number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable it is about.
    pub variable: Cow<'static, str>,
    /// Whether the server can work with it.
    pub severity: Severity,
    /// What is wrong and what to do about it; reads on from the variable's name.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.variable, self.text)
    }
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// No call can be made: everything but `/health` answers 503.
    Fatal,
    /// The server works, with a default or without the feature.
    Warning,
}

/// A configuration that calls can be made with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the carrier reaches this server: `http(s)://host[:port][/path]`, without a slash at the end.
    pub public_url: String,
    /// What agents authenticate with.
    pub api_key: SecretString,
    /// Who is called.
    pub person: PhoneNumber,
    /// The carrier.
    pub carrier: CarrierConfig,
    /// Messaging; `None` where it is switched off, or its settings do not hold.
    pub messaging: Option<MessagingConfig>,
    /// The speech provider.
    pub speech: SpeechConfig,
    /// The time limits of a session.
    pub timing: Timing,
    /// The bounds on what runs at once and per hour.
    pub limits: Limits,
    /// What guards the messaging webhook.
    pub door: DoorConfig,
    /// What keys the hashes that stand for phone numbers; `None` for another key with each start.
    pub hash_key: Option<SecretString>,
    /// Where what outlives the process is kept.
    pub store: StoreConfig,
    /// How long finished sessions stay in history.
    pub history_ttl: Duration,
    /// What a scraper of the metrics may authenticate with; empty for nothing but the API key.
    pub metrics_token: SecretString,
    /// Whether what both sides say is logged, redacted.
    pub log_messages: bool,
    /// How long a tool waits for the person before it says that nobody has answered yet.
    pub mcp: Ceilings,
}

/// The time limits of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long a turn waits for the reply.
    pub reply: Duration,
    /// How long a session may pass without a word from either side.
    pub inactivity: Duration,
    /// How long the phone rings.
    pub ring: Duration,
    /// The longest a call may last.
    pub longest_call: Duration,
    /// How long after the media connection speech does not cut the agent.
    pub barge_in_guard: Duration,
}

/// The bounds on what runs at once and per hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sessions held in memory.
    pub sessions: usize,
    /// Live calls per person.
    pub live_calls: usize,
    /// Calls in an hour; `None` is no limit.
    pub calls_per_hour: Option<NonZeroU32>,
}

impl Config {
    /// Reads every variable from `source` and reports everything that is wrong with them.
    pub fn from_source(source: &dyn Fn(&str) -> Option<String>) -> Loaded {
        let mut reader = Reader::new(source);
        let basics = basics(&mut reader);
        let public_url = public_url(&mut reader, basics.port);
        let api_key = reader.secret("CALLME_API_KEY", "agents authenticate with it");
        let carrier = carrier::read(&mut reader);
        let by_telnyx = carrier.as_ref().is_some_and(|carrier| matches!(carrier.company, Company::Telnyx { .. }));
        let messaging = messaging::read(&mut reader, by_telnyx);
        let person = person(&mut reader);
        let speech = speech::read(&mut reader);
        let timing = timing(&mut reader);
        let mcp = ceilings(&mut reader);
        let limits = limits(&mut reader);
        let door = door::read(&mut reader);
        let hash_key = door::hash_key(&mut reader);
        let metrics_token = reader.text("CALLME_METRICS_TOKEN").unwrap_or_default().into();
        let store = store::read(&mut reader, hash_key.is_some());
        let history_ttl = reader.hours("CALLME_HISTORY_TTL_HOURS", 1..=8_760);
        let log_messages = log_messages(&mut reader);
        let config = (|| {
            Some(Config {
                public_url,
                api_key: api_key?,
                person: person?,
                carrier: carrier?,
                messaging,
                speech: speech?,
                timing,
                mcp,
                limits,
                door,
                hash_key,
                store,
                history_ttl,
                metrics_token,
                log_messages,
            })
        })();
        let problems = reader.into_problems();
        // A fatal problem may sit beside a complete set of values, such as a carrier that this version cannot use.
        let fatal = problems.iter().any(|problem| problem.severity == Severity::Fatal);
        Loaded { basics, config: config.filter(|_| !fatal), problems }
    }
}

/// Who is called. A phone that calls itself is busy, or rings nobody.
fn person(reader: &mut Reader<'_>) -> Option<PhoneNumber> {
    let name = "CALLME_USER_PHONE_NUMBER";
    let person = reader.phone_number(name, "it is the number that is called")?;
    if reader.text("CALLME_PHONE_NUMBER").as_deref() == Some(person.reveal()) {
        let text = "is the same as CALLME_PHONE_NUMBER, which is callme's own; set it to the number of the person who is called";
        reader.fatal(name, text.to_owned());
        return None;
    }
    Some(person)
}

fn basics(reader: &mut Reader<'_>) -> Basics {
    // Platforms set PORT and send their traffic there: it wins.
    let name = if reader.text("PORT").is_some() { "PORT" } else { "CALLME_PORT" };
    let port = u16::try_from(reader.number(name, 1..=65_535)).expect("the range is that of a port");
    let log_format = match reader.one_of("CALLME_LOG_FORMAT", &["text", "json"]) {
        Some("json") => LogFormat::Json,
        _ => LogFormat::Text,
    };
    let log_filter = reader.text("CALLME_LOG").or_else(|| reader.text("RUST_LOG"));
    Basics {
        port,
        log_format,
        log_filter: log_filter.unwrap_or_else(|| variables::default_of("CALLME_LOG").to_owned()),
        collector: collector(reader),
    }
}

fn collector(reader: &mut Reader<'_>) -> Option<String> {
    let name = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let value = reader.text(name)?;
    if !cfg!(feature = "otel") {
        reader.warn(
            name,
            "is set, but this build sends no traces; build it with --features otel, or remove it".to_owned(),
        );
        return None;
    }
    let url = reader::base_url(&value, &["http", "https"]);
    if url.is_none() {
        reader.warn(name, "is no http(s) URL; no traces are sent. Set it to http://your.collector:4318".to_owned());
    }
    url
}

fn public_url(reader: &mut Reader<'_>, port: u16) -> String {
    let schemes = ["https", "http"];
    // The variable, and what stands around its value in the URL.
    let platforms = [
        ("CALLME_PUBLIC_URL", ["", ""]),
        ("RAILWAY_PUBLIC_DOMAIN", ["https://", ""]),
        ("RENDER_EXTERNAL_URL", ["", ""]),
        ("FLY_APP_NAME", ["https://", ".fly.dev"]),
    ];
    let local = format!("http://localhost:{port}");
    for (name, [before, after]) in platforms {
        let Some(value) = reader.text(name) else { continue };
        if let Some(url) = reader::base_url(&format!("{before}{value}{after}"), &schemes) {
            if url.starts_with("http:") && !reader::is_near(&url) {
                let text = "is http, so that the agents' key can be read on its way, and Twilio brings no sound; set it to \
                            this server's https:// address";
                reader.warn(name, text.to_owned());
            }
            return url;
        }
        reader.warn(
            name,
            format!(
                "does not make a public URL; using {local}, which no carrier can reach. Set CALLME_PUBLIC_URL to \
                 https://your.host, without user name, query or fragment"
            ),
        );
        return local;
    }
    let text =
        format!("is not set; using {local}, which no carrier can reach. Set it to this server's https:// address");
    reader.warn("CALLME_PUBLIC_URL", text);
    local
}

fn timing(reader: &mut Reader<'_>) -> Timing {
    // A day: longer than any agent waits, short enough that a unit mistaken for another is noticed.
    const DAY_MS: u64 = 86_400_000;
    let minutes = "CALLME_INACTIVITY_TIMEOUT_MINUTES";
    let millis = "CALLME_INACTIVITY_TIMEOUT_MS";
    let inactivity = match (reader.text(millis).is_some(), reader.text(minutes).is_some()) {
        (false, true) => reader.minutes(minutes, 1..=1_440),
        (both, minutes_too) => {
            if both && minutes_too {
                reader.warn(minutes, format!("is not used, because {millis} is set; remove one of them"));
            }
            reader.millis(millis, 1_000..=DAY_MS)
        }
    };
    Timing {
        reply: reader.millis("CALLME_TRANSCRIPT_TIMEOUT_MS", 100..=DAY_MS),
        inactivity,
        // Under 5 s a phone has hardly rung; 600 s is the most that Twilio takes.
        ring: reader.seconds("CALLME_CALL_TIMEOUT_SECONDS", 5..=600),
        // Twilio ends a call after four hours.
        longest_call: reader.minutes("CALLME_MAX_CALL_MINUTES", 1..=240),
        barge_in_guard: reader.millis("CALLME_BARGE_IN_GUARD_MS", 0..=30_000),
    }
}

/// Whoever switches it on is to know, with every start, what is written down from now on.
fn log_messages(reader: &mut Reader<'_>) -> bool {
    let name = "CALLME_LOG_MESSAGES";
    let is_on = reader.switch(name);
    if is_on {
        let text = "is on: WHAT BOTH SIDES SAY AND WRITE STANDS IN THE LOG, at the level debug. Cards, addresses, numbers and \
                    keys are taken out, as far as they are known by their form; the rest is private. Set it to false when \
                    the fault is found, and delete these lines";
        reader.warn(name, text.to_owned());
    }
    is_on
}

fn ceilings(reader: &mut Reader<'_>) -> Ceilings {
    let range = 1..=LONGEST_WAIT.as_secs();
    Ceilings {
        silent: reader.seconds("CALLME_MCP_WAIT_SECONDS", range.clone()),
        told: reader.seconds("CALLME_MCP_WAIT_WITH_PROGRESS_SECONDS", range),
    }
}

fn limits(reader: &mut Reader<'_>) -> Limits {
    let whole = |number: u64| usize::try_from(number).expect("the range ends far below");
    Limits {
        sessions: whole(reader.number("CALLME_MAX_SESSIONS", 1..=100_000)),
        live_calls: whole(reader.number("CALLME_MAX_LIVE_CALLS", 1..=10_000)),
        calls_per_hour: reader.most("CALLME_MAX_CALLS_PER_HOUR", "an agent that runs away can dial without end"),
    }
}

//! `callme doctor`: looks at everything a call needs, and says of what is wrong what to do about it.
//!
//! The checks run side by side. None of them tells a number, a key or a token. What cannot be looked at is said not to have been
//! looked at: a ✓ stands for something that was seen.

mod address;
mod ask;
mod clock;
mod country;
mod public;
mod ring;
mod settings;
mod sms;
mod speech;
mod store;
mod telnyx;
mod twilio;
mod whatsapp;

use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::serve::wall_clock;
use super::{Doctor, output};
use crate::clock::Clock;
use crate::config::{Company, Config, Loaded, StoreConfig};

use ask::Asker;

/// What stands under the options.
pub const HELP: &str = "\
It reads the same settings as the server: run it where the server runs, or with its .env.

Marks:
  ✓  seen to be right
  !  works, but somebody should know
  ✗  does not work; the line below says what to do
  -  could not be looked at

Exit codes:
  0  nothing is wrong
  1  something is (✗)";

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Seen to be right.
    Ok,
    /// It works, but somebody should know.
    Warning,
    /// It does not work.
    Bad,
    /// It could not be looked at.
    NotChecked,
}

impl Mark {
    /// As it stands before a line.
    fn sign(self) -> char {
        match self {
            Mark::Ok => '✓',
            Mark::Warning => '!',
            Mark::Bad => '✗',
            Mark::NotChecked => '-',
        }
    }

    /// As JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Mark::Ok => "ok",
            Mark::Warning => "warning",
            Mark::Bad => "bad",
            Mark::NotChecked => "not_checked",
        }
    }
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Of which check; several findings may be of one.
    pub name: &'static str,
    /// How it stands.
    pub mark: Mark,
    /// What was seen.
    pub seen: String,
    /// What to do about it: the variable, the command, or the page of the carrier's console.
    pub remedy: Option<String>,
}

impl Finding {
    fn ok(name: &'static str, seen: impl Into<String>) -> Self {
        Self { name, mark: Mark::Ok, seen: seen.into(), remedy: None }
    }

    fn warning(name: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, mark: Mark::Warning, seen: seen.into(), remedy: Some(remedy.into()) }
    }

    fn bad(name: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, mark: Mark::Bad, seen: seen.into(), remedy: Some(remedy.into()) }
    }

    fn unchecked(name: &'static str, why: impl fmt::Display) -> Self {
        Self { name, mark: Mark::NotChecked, seen: format!("not checked: {why}"), remedy: None }
    }
}

/// All findings, in the order of the checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The findings.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.count(Mark::Bad) == 0
    }

    fn count(&self, mark: Mark) -> usize {
        self.findings.iter().filter(|finding| finding.mark == mark).count()
    }

    /// The report as one JSON object. Names and marks stay what they are from version to version; findings may be added.
    pub fn json(&self) -> Value {
        let marks = [Mark::Ok, Mark::Warning, Mark::Bad, Mark::NotChecked];
        let counts: serde_json::Map<String, Value> =
            marks.into_iter().map(|mark| (mark.as_str().to_owned(), json!(self.count(mark)))).collect();
        let findings: Vec<Value> = self.findings.iter().map(Finding::json).collect();
        json!({"ok": self.is_ok(), "counts": counts, "findings": findings})
    }
}

impl Finding {
    fn json(&self) -> Value {
        json!({"name": self.name, "mark": self.mark.as_str(), "seen": self.seen, "remedy": self.remedy})
    }
}

/// For people: a line for each finding, and one for what to do.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.findings.iter().map(|finding| finding.name.len()).max().unwrap_or_default();
        for Finding { name, mark, seen, remedy } in &self.findings {
            writeln!(f, "{} {name:width$}  {seen}", mark.sign())?;
            if let Some(remedy) = remedy {
                writeln!(f, "  {:width$}  → {remedy}", "")?;
            }
        }
        match self.count(Mark::Bad) {
            0 => write!(f, "Nothing is wrong."),
            1 => write!(f, "1 thing is wrong."),
            many => write!(f, "{many} things are wrong."),
        }
    }
}

/// Looks, prints, and rings the person where that is wanted and nothing is wrong. `source` gives the values of variables.
pub async fn doctor(order: Doctor, loaded: &Loaded, source: &dyn Fn(&str) -> Option<String>) -> ExitCode {
    let mut report = examine(loaded, order.fix, wall_clock()).await;
    if order.call && order.yes {
        let ring = match &loaded.config {
            Some(config) if report.is_ok() => ring(config, source).await,
            _ => Finding::unchecked(ring::NAME, "something is wrong that would make the call fail"),
        };
        report.findings.push(ring);
    }
    let printed = if order.json { output::line(report.json()) } else { output::line(&report) };
    if let Err(error) = &printed {
        output::note(format!("callme: the report could not be printed: {error}"));
    }
    if printed.is_ok() && report.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Makes every check but that of ringing somebody. With `fix` the webhooks are set at the carrier where they are not this
/// server's.
pub async fn examine(loaded: &Loaded, fix: bool, clock: Arc<dyn Clock>) -> Report {
    let mut findings = settings::configuration(&loaded.problems);
    let Some(config) = &loaded.config else {
        let why = "the configuration has to be right first";
        findings.extend(LATER.map(|name| Finding::unchecked(name, why)));
        return Report { findings };
    };
    findings.extend(settings::secrets(config));
    let asker = match Asker::new() {
        Ok(asker) => asker,
        Err(why) => {
            findings.extend(LATER.map(|name| Finding::unchecked(name, why)));
            return Report { findings };
        }
    };
    let checks: Vec<BoxFuture<'_, Vec<Finding>>> = vec![
        clock::check(&asker, config, &*clock).boxed(),
        public::check(&asker, config, loaded.basics.port).boxed(),
        carrier(&asker, config, fix).boxed(),
        whatsapp::check(&asker, config, fix).boxed(),
        sms::check(&asker, config, fix).boxed(),
        speech::check(&asker, config, &clock).boxed(),
        store::check(&config.store).boxed(),
    ];
    findings.extend(join_all(checks).await.into_iter().flatten());
    Report { findings: findings.into_iter().map(|finding| without_secrets(finding, config)).collect() }
}

/// Rings the person, through the running server; `source` gives the values of variables.
pub async fn ring(config: &Config, source: &dyn Fn(&str) -> Option<String>) -> Finding {
    without_secrets(ring::person(config, source).await, config)
}

/// The checks that need a configuration, by one name each.
const LATER: [&str; 7] = ["clock", "public-url", "carrier-account", "whatsapp", "sms", "speech-key", "store"];

async fn carrier(asker: &Asker, config: &Config, fix: bool) -> Vec<Finding> {
    match config.carrier.company {
        Company::Twilio => twilio::check(asker, config, fix).await,
        Company::Telnyx { .. } => telnyx::check(asker, config, fix).await,
    }
}

/// The last line of defence: what others wrote went through the mask already, and what is ours has no secrets in it.
fn without_secrets(finding: Finding, config: &Config) -> Finding {
    let secrets: [&SecretString; 5] = [
        &config.api_key,
        &config.carrier.token,
        &config.speech.tts.api_key,
        &config.speech.stt.api_key,
        &config.metrics_token,
    ];
    let redis = if let StoreConfig::Redis(url) = &config.store { Some(url) } else { None };
    let secrets = secrets.into_iter().chain(&config.hash_key).chain(redis).map(ExposeSecret::expose_secret);
    let texts = config.messaging.as_ref().map(|texts| texts.number.reveal());
    let numbers = [config.person.reveal(), config.carrier.number.reveal()].into_iter().chain(texts);
    // Shorter ones would take words apart, and tell nobody anything.
    let hidden: Vec<&str> = secrets.chain(numbers).filter(|text| text.len() >= 6).collect();
    let clean = |text: String| hidden.iter().fold(text, |text, secret| text.replace(secret, "…"));
    Finding { seen: clean(finding.seen), remedy: finding.remedy.map(clean), ..finding }
}

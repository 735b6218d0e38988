//! `callme bench door`: whether the time of an answer tells who wrote, or what. Signed messages of the person, of a stranger
//! and of nobody who makes sense take turns, so that whatever slows the machine slows all three.

use std::fmt;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use secrecy::SecretString;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::process::Server;
use super::{AUTH_TOKEN, carrier, settings};
use crate::cli::{BenchDoor, output};
use crate::provider::twilio::signature::{self, Key};

/// Resamplings for the interval of a difference.
const RESAMPLINGS: usize = 2000;
/// Rounds before anything is measured.
const WARM_UP: usize = 50;
/// Our sender on WhatsApp.
const SENDER: &str = "+390000000009";

/// What a message is, by turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Known,
    Unknown,
    Invalid,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Known, Kind::Unknown, Kind::Invalid];

    /// The `n`-th message of its kind; all are equally long.
    fn form(self, n: usize) -> Vec<(String, String)> {
        let author = match self {
            Kind::Known | Kind::Invalid => carrier::PERSON.to_owned(),
            Kind::Unknown => carrier::PERSON.replace('0', "9"),
        };
        // A text of nothing but marks that are taken away is empty.
        let text = if self == Kind::Invalid { "\u{7}" } else { "a" }.repeat(40);
        [
            ("EventType", "onMessageAdded".to_owned()),
            ("AccountSid", carrier::ACCOUNT.to_owned()),
            ("ConversationSid", format!("CH{:032x}", 7)),
            ("MessageSid", format!("IM{:032x}", n * 3 + self as usize)),
            ("Author", format!("whatsapp:{author}")),
            ("Body", text),
            ("Source", "WhatsApp".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Report {
    /// Requests of each kind.
    each: usize,
    known: Times,
    unknown: Times,
    invalid: Times,
    /// Against the known.
    unknown_difference: Difference,
    invalid_difference: Difference,
}

/// Times of answers in microseconds.
#[derive(Debug, Serialize)]
struct Times {
    median_us: f64,
    p95_us: f64,
}

/// A difference of medians in microseconds, and where 95 in 100 resamplings find it.
#[derive(Debug, Serialize)]
struct Difference {
    us: f64,
    low_us: f64,
    high_us: f64,
}

/// Asks a server of its own, and prints what came of it.
///
/// # Errors
/// When it cannot be run, or an answer is not the uniform one.
pub(super) async fn door(wanted: &BenchDoor) -> anyhow::Result<ExitCode> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no free port")?;
    let ours = format!("http://{}", listener.local_addr()?);
    let mut background = JoinSet::new();
    // The carrier has nothing for us: what a message sets off costs the server one refused request.
    background.spawn(async move { _ = axum::serve(listener, axum::Router::new()).await });
    let client = reqwest::Client::builder().no_proxy().build()?;
    let server = Server::start(&with_messages(&ours), !wanted.unpinned, &client).await?;
    let caller =
        Caller { key: Key::new(&SecretString::from(AUTH_TOKEN)), url: format!("{}/whatsapp", server.url), client };
    let mut times = Kind::ALL.map(|_| Vec::new());
    for n in 0..WARM_UP + usize::try_from(wanted.requests)? {
        for kind in Kind::ALL {
            let took = caller.send(kind, n).await?;
            if n >= WARM_UP {
                times[kind as usize].push(took.as_secs_f64() * 1e6);
            }
        }
    }
    let report = Report::of(times);
    if wanted.json {
        output::line(serde_json::to_string_pretty(&report)?)?;
    } else {
        output::line(&report)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn with_messages(ours: &str) -> Vec<(&'static str, String)> {
    let mut settings = settings(1, ours);
    settings.extend([
        ("CALLME_TWILIO_CONVERSATIONS_URL", ours.to_owned()),
        ("CALLME_WHATSAPP_ENABLED", "true".to_owned()),
        ("CALLME_WHATSAPP_MODE", "production".to_owned()),
        ("CALLME_WHATSAPP_PHONE_NUMBER", SENDER.to_owned()),
        ("CALLME_RATE_LIMIT_PER_PHONE", "0".to_owned()),
        ("CALLME_RATE_LIMIT_PER_CONVERSATION", "0".to_owned()),
        ("CALLME_RATE_LIMIT_GLOBAL", "0".to_owned()),
    ]);
    settings
}

struct Caller {
    key: Key,
    url: String,
    client: reqwest::Client,
}

impl Caller {
    /// Sends the `n`-th message of its kind; gives the time to the whole answer.
    async fn send(&self, kind: Kind, n: usize) -> anyhow::Result<Duration> {
        let form = kind.form(n);
        let request =
            self.client.post(&self.url).header(signature::HEADER, self.key.sign(&self.url, &form)).form(&form);
        let request = request.build()?;
        let sent = Instant::now();
        let response = self.client.execute(request).await.context("a webhook")?;
        let status = response.status();
        let body = response.bytes().await?;
        let took = sent.elapsed();
        anyhow::ensure!(
            status == 200 && body.is_empty(),
            "{kind:?} was answered with HTTP {status} and {} bytes",
            body.len()
        );
        Ok(took)
    }
}

impl Report {
    fn of([known, unknown, invalid]: [Vec<f64>; 3]) -> Self {
        Self {
            each: known.len(),
            unknown_difference: Difference::between(&known, &unknown),
            invalid_difference: Difference::between(&known, &invalid),
            known: Times::of(&known),
            unknown: Times::of(&unknown),
            invalid: Times::of(&invalid),
        }
    }
}

impl Times {
    fn of(times: &[f64]) -> Self {
        let mut times = times.to_vec();
        Self { median_us: quantile(&mut times, 0.5), p95_us: quantile(&mut times, 0.95) }
    }
}

impl Difference {
    /// By the bootstrap: both samples drawn again from themselves, with a fixed seed.
    fn between(one: &[f64], other: &[f64]) -> Self {
        let mut random = SmallRng::seed_from_u64(1);
        let mut median = |times: &[f64]| {
            let mut drawn: Vec<f64> = (0..times.len()).map(|_| times[random.random_range(0..times.len())]).collect();
            quantile(&mut drawn, 0.5)
        };
        let mut found: Vec<f64> = (0..RESAMPLINGS).map(|_| median(other) - median(one)).collect();
        let us = quantile(&mut other.to_vec(), 0.5) - quantile(&mut one.to_vec(), 0.5);
        Self { us, low_us: quantile(&mut found, 0.025), high_us: quantile(&mut found, 0.975) }
    }
}

/// The value below which this share of the times lies; nothing lies below anything in an empty sample.
fn quantile(times: &mut [f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index into some thousands"
    )]
    let at = (share * times.len().saturating_sub(1) as f64).round() as usize;
    if times.is_empty() {
        return 0.0;
    }
    *times.select_nth_unstable_by(at, f64::total_cmp).1
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} requests of each kind, by turns; microseconds", self.each)?;
        for (name, times) in [("known", &self.known), ("unknown", &self.unknown), ("invalid", &self.invalid)] {
            writeln!(f, "  {name:8} median {:7.1}  p95 {:7.1}", times.median_us, times.p95_us)?;
        }
        for (name, difference) in [("unknown", &self.unknown_difference), ("invalid", &self.invalid_difference)] {
            let Difference { us, low_us, high_us } = difference;
            writeln!(f, "  {name} - known  {us:+.1}  (95 % of resamplings: {low_us:+.1} to {high_us:+.1})")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_found_where_there_is_one_and_only_there() {
        let times = |from: f64| (0..500).map(|n| from + f64::from(n % 50)).collect::<Vec<_>>();
        let same = Difference::between(&times(100.0), &times(100.0));
        assert!(same.low_us <= 0.0 && same.high_us >= 0.0, "{same:?}");
        let slower = Difference::between(&times(100.0), &times(110.0));
        assert!(slower.low_us > 0.0 && (slower.us - 10.0).abs() < 1e-6, "{slower:?}");
    }

    #[test]
    fn all_kinds_of_messages_are_equally_long() {
        let length = |kind: Kind| kind.form(12).iter().map(|(_, value)| value.chars().count()).sum::<usize>();
        assert_eq!(Kind::ALL.map(length), [length(Kind::Known); 3]);
    }
}

//! The settings as such: what does not fit, and secrets that are none.

use std::collections::HashSet;

use secrecy::{ExposeSecret, SecretString};

use super::{Finding, Mark};
use crate::config::{Config, Problem, Severity, StoreConfig};

const CONFIGURATION: &str = "configuration";
const HASH_KEY: &str = "hash-key";

/// Under this many bits a key can be found by trying, over the network and within months.
const GUESSABLE: f64 = 56.0;
/// What a key made by chance has at least (`openssl rand -hex 16`, nearly).
const STRONG: f64 = 100.0;

/// Every problem, by name.
pub(super) fn configuration(problems: &[Problem]) -> Vec<Finding> {
    if problems.is_empty() {
        return vec![Finding::ok(CONFIGURATION, "every setting can be used")];
    }
    problems.iter().map(finding).collect()
}

/// The configuration's own sentence has the remedy in it, as a rule behind a semicolon or a colon.
fn finding(problem: &Problem) -> Finding {
    let text = problem.text.as_str();
    let ends = ["; ", ": "].into_iter().filter_map(|end| text.find(end)).min();
    let (wrong, remedy) = ends.map_or((text, "correct it or remove it"), |at| (&text[..at], &text[at + 2..]));
    let (seen, remedy) = (format!("{} {wrong}", problem.variable), format!("{}: {remedy}", problem.variable));
    match problem.severity {
        Severity::Fatal => Finding::bad(CONFIGURATION, seen, remedy),
        Severity::Warning => Finding::warning(CONFIGURATION, seen, remedy),
    }
}

/// How strong the secrets are that were made up here.
pub(super) fn secrets(config: &Config) -> Vec<Finding> {
    let mut findings = vec![secret("api-key", "CALLME_API_KEY", &config.api_key)];
    match &config.hash_key {
        Some(key) if key.expose_secret() == config.api_key.expose_secret() => findings.push(Finding::warning(
            HASH_KEY,
            "CALLME_HASH_KEY is the same as CALLME_API_KEY: whoever learns one has both",
            "make another CALLME_API_KEY (openssl rand -hex 32); the hash key must stay, or opt-outs match nobody",
        )),
        Some(key) => findings.push(hash_key(key)),
        None => findings.push(made_up(&config.store)),
    }
    if !config.metrics_token.expose_secret().is_empty() {
        findings.push(secret("metrics-token", "CALLME_METRICS_TOKEN", &config.metrics_token));
    }
    findings
}

/// A weak one is no reason to change it once somebody is known by it.
fn hash_key(key: &SecretString) -> Finding {
    let found = secret(HASH_KEY, "CALLME_HASH_KEY", key);
    match found.mark {
        Mark::Bad | Mark::Warning => Finding::warning(
            HASH_KEY,
            found.seen,
            "before the first use, set CALLME_HASH_KEY to what `openssl rand -hex 32` prints; later leave it as it is: with another key \
             nobody is known again, opt-outs neither",
        ),
        Mark::Ok | Mark::NotChecked => found,
    }
}

/// The one that the server makes where none is set.
fn made_up(store: &StoreConfig) -> Finding {
    match store {
        StoreConfig::Embedded(_) => Finding::ok(HASH_KEY, "is made in the data directory"),
        StoreConfig::Memory | StoreConfig::Redis(_) => Finding::warning(
            HASH_KEY,
            "CALLME_HASH_KEY is not set, and nothing is kept: the key is another one at each start",
            "set CALLME_HASH_KEY to what `openssl rand -hex 32` prints, or CALLME_DATA_DIR to a directory on a disk that lasts",
        ),
    }
}

fn secret(name: &'static str, variable: &str, secret: &SecretString) -> Finding {
    let remedy = format!("set {variable} to what `openssl rand -hex 32` prints, and restart the server");
    match bits(secret.expose_secret()) {
        bits if bits < GUESSABLE => {
            Finding::bad(name, format!("{variable} is short or plain and can be guessed"), remedy)
        }
        bits if bits < STRONG => Finding::warning(name, format!("{variable} is not as strong as it could be"), remedy),
        _ => Finding::ok(name, format!("{variable} is long enough, if chance made it")),
    }
}

/// The most chance that can be in a text: its length times what one of its kinds of character tells.
fn bits(text: &str) -> f64 {
    let kinds = text.chars().collect::<HashSet<_>>().len();
    let (length, kinds) =
        (u16::try_from(text.chars().count()).unwrap_or(u16::MAX), u16::try_from(kinds).unwrap_or(u16::MAX));
    f64::from(length) * f64::from(kinds).log2().max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_to_change_a_hash_key_that_is_in_use() {
        for (key, mark) in [("shorty", Mark::Warning), ("correct horse battery", Mark::Warning)] {
            let found = hash_key(&key.into());
            let remedy = found.remedy.as_deref().unwrap_or_default();
            assert_eq!((found.name, found.mark), (HASH_KEY, mark), "{found:?}");
            assert!(remedy.contains("later leave it as it is") && !remedy.contains("restart"), "{found:?}");
        }
        assert_eq!(hash_key(&"0f1e2d3c4b5a69788796a5b4c3d2e1f0".into()).mark, Mark::Ok);
    }

    #[test]
    fn a_hash_key_that_is_made_anew_at_each_start_is_not_said_to_be_right() {
        assert_eq!(made_up(&StoreConfig::Memory).mark, Mark::Warning);
        assert_eq!(made_up(&StoreConfig::Embedded("/data".into())).mark, Mark::Ok);
    }

    #[test]
    fn a_secret_is_as_strong_as_chance_could_have_made_it() {
        for (text, mark) in [
            ("", Mark::Bad),
            ("secret", Mark::Bad),
            ("changeme-changeme", Mark::Bad),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Mark::Bad),
            ("correct horse battery", Mark::Warning),
            ("a-key-for-the-tests-0123456789", Mark::Ok),
            ("0f1e2d3c4b5a69788796a5b4c3d2e1f0", Mark::Ok),
        ] {
            let found = secret("api-key", "CALLME_API_KEY", &text.into());
            assert_eq!(found.mark, mark, "{text}: {}", bits(text));
            assert!(text.is_empty() || !format!("{found:?}").contains(text));
        }
    }
}

//! Reads single variables, with a default and a note of what is wrong with each.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use secrecy::SecretString;
use url::{Host, Url};

use super::variables::default_of;
use super::{Problem, Severity};
use crate::phone_number::PhoneNumber;

/// The variables, and what was found wrong with them so far.
pub(super) struct Reader<'a> {
    source: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { source, problems: Vec::new() }
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// The value without the white space around it; an empty one is as good as none.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let value = (self.source)(name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// A value without which no call can be made.
    pub(super) fn required(&mut self, name: &'static str, remedy: &str) -> Option<String> {
        let value = self.text(name);
        if value.is_none() {
            self.fatal(name, format!("is not set; {remedy}"));
        }
        value
    }

    /// A key or token without which no call can be made.
    pub(super) fn secret(&mut self, name: &'static str, remedy: &str) -> Option<SecretString> {
        let value = self.required(name, remedy)?;
        // It becomes a header's value or a part of one: a line break or an umlaut is a slip of the clipboard.
        if value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Some(value.into());
        }
        self.fatal(name, "has line breaks or other characters that no key has; copy it again".to_owned());
        None
    }

    /// A phone number without which no call can be made.
    pub(super) fn phone_number(&mut self, name: &'static str, remedy: &str) -> Option<PhoneNumber> {
        let value = self.required(name, remedy)?;
        match PhoneNumber::parse(&value) {
            Ok(number) => Some(number),
            Err(why) => {
                self.fatal(name, format!("is {why}; write it with its country code"));
                None
            }
        }
    }

    /// A provider's base URL. A bad one is fatal: with the default instead, keys and speech would go to a host that
    /// whoever set it did not want.
    pub(super) fn url(&mut self, name: &'static str, schemes: &[&str]) -> Option<String> {
        match self.url_or_why(name, schemes) {
            Ok(url) => Some(url),
            Err(why) => {
                self.fatal(name, why);
                None
            }
        }
    }

    /// A provider's base URL, or what is wrong with it.
    pub(super) fn url_or_why(&self, name: &str, schemes: &[&str]) -> Result<String, String> {
        let value = self.text(name).unwrap_or_else(|| default_of(name).to_owned());
        base_url(&value, schemes).ok_or_else(|| {
            format!(
                "is not a URL with {}, a host, and neither user name, query nor fragment; correct it or remove it",
                schemes.join(":// or ") + "://"
            )
        })
    }

    /// One of a few words; `None` when it is not set or another word.
    pub(super) fn one_of(&mut self, name: &'static str, words: &[&'static str]) -> Option<&'static str> {
        let value = self.text(name)?;
        let word = words.iter().find(|word| word.eq_ignore_ascii_case(&value)).copied();
        if word.is_none() {
            let text =
                format!("is {}, which is none of {}; using {}", shown(&value), words.join(", "), default_of(name));
            self.warn(name, text);
        }
        word
    }

    /// Whether something is wanted: `true`, `1`, `yes` or `on`. What is neither that nor its contrary is a no, with a
    /// warning.
    pub(super) fn switch(&mut self, name: &'static str) -> bool {
        let value = self.text(name).unwrap_or_else(|| default_of(name).to_owned());
        truth(&value).unwrap_or_else(|| {
            let text = format!("is {}, which is neither true nor false; taken for false", shown(&value));
            self.warn(name, text);
            false
        })
    }

    /// A whole number within a range, else its default with a warning.
    pub(super) fn number(&mut self, name: &'static str, range: RangeInclusive<u64>) -> u64 {
        let default = default_of(name);
        if let Some(value) = self.text(name) {
            match value.parse() {
                Ok(number) if range.contains(&number) => return number,
                _ => {
                    let (low, high) = (range.start(), range.end());
                    let text = format!(
                        "is {}, which is not a whole number from {low} to {high}; using {default}",
                        shown(&value)
                    );
                    self.warn(name, text);
                }
            }
        }
        default.parse().expect("a number's default is a number")
    }

    /// How many at most; `None` for 0, which is no limit, with a warning of what may come of it.
    pub(super) fn most(&mut self, name: &'static str, unlimited: &str) -> Option<NonZeroU32> {
        let limit = NonZeroU32::new(u32::try_from(self.number(name, 0..=100_000)).expect("the range ends far below"));
        if limit.is_none() {
            self.warn(name, format!("is 0: there is no limit, and {unlimited}"));
        }
        limit
    }

    pub(super) fn millis(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.number(name, range))
    }

    pub(super) fn seconds(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.number(name, range))
    }

    pub(super) fn minutes(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Duration {
        Duration::from_mins(self.number(name, range))
    }

    pub(super) fn hours(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Duration {
        Duration::from_hours(self.number(name, range))
    }

    pub(super) fn fatal(&mut self, variable: &'static str, text: String) {
        self.problems.push(Problem { variable: variable.into(), severity: Severity::Fatal, text });
    }

    pub(super) fn warn(&mut self, variable: &'static str, text: String) {
        self.problems.push(Problem { variable: variable.into(), severity: Severity::Warning, text });
    }
}

/// What a switch's value says; `None` when it is another word.
fn truth(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// A URL that paths can be put behind: without the slash at its end; `None` when it is another kind of text.
pub(super) fn base_url(text: &str, schemes: &[&str]) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    let fits = plain && url.has_host() && schemes.contains(&url.scheme());
    // `Url` would add the slash and drop a default port; the carrier signs what was configured there, so it stays.
    fits.then(|| text.trim_end_matches('/').to_owned())
}

/// Whether a URL leads to this machine or its own network, as far as its host's name or address tells.
pub(super) fn is_near(url: &str) -> bool {
    match Url::parse(url).ok().as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            // A name alone is one of a network of containers.
            !name.contains('.') || [".localhost", ".local", ".internal"].iter().any(|end| name.ends_with(end))
        }
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified(),
        Some(Host::Ipv6(ip)) => {
            ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified()
        }
        None => false,
    }
}

/// A value as a message quotes it: short, and without numbers that someone may have put into the wrong variable.
fn shown(value: &str) -> String {
    format!("\"{}\"", crate::privacy::masked_line(value, 24))
}

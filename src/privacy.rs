//! Takes phone numbers, URLs, keys and tokens out of text that others wrote, before it is shown or logged.
//!
//! Our own values are private by type; this is for the sentences of providers and clients, which may quote anything.
//! In doubt it masks: a long code that looks like a number is lost rather than a number shown.

use std::sync::LazyLock;

use regex::{Captures, Match, Regex};

pub mod keyed;
mod redact;

#[cfg(test)]
mod tests;

pub use redact::redact;

/// What may stand between two digits of one written number, plain, typographic or percent-encoded; `+` is a space in
/// a form body.
const GAP: &str = r"(?:[\s\u{200b}-\u{200f}\u{2010}-\u{2015}\u{2060}\u{2212}\u{feff}().+/\-]|%0[9A-Da-d]|%2[089BDEFbdef]|%[aA]0|%[cC]2%[aA]0)";

/// A whole URL: user info, path and query can each carry a secret or a number.
const URL: &str = r#"\b[a-zA-Z][a-zA-Z0-9+.\-]*(?:://|%3[aA]%2[fF]%2[fF])[^\s"'<>]+"#;

/// A session id of ours: its time has thirteen digits and begins with 1 until May 2033. No phone number does both.
const SESSION: &str = r"\b(?:call|msg)-[0-9]{1,6}-1[0-9]{12}\b";

/// The length of the shortest token: so many hexadecimal digits in a row.
const TOKEN: usize = 32;

/// How often what is masked is looked at again; mostly nothing is found the first time.
const MOST_PASSES: usize = 4;

/// One alternative per thing that is known; the leftmost wins, and at one place the first.
static KNOWN: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = [
        &format!("(?P<url>{URL})"),
        r"(?P<bearer>\b(?i:bearer)|\bBasic)\s+[A-Za-z0-9._~+/=\-]{8,}",
        r"(?P<key>\bsk-[\w*.\-]{3,}|\beyJ[\w\-]{8,}[\w.\-]*)",
        // A carrier's name for a thing (`CA…`): random, and needed to find the thing again.
        r"(?P<sid>\b[A-Z]{2}[0-9a-f]{32}\b)",
        &format!("(?P<session>{SESSION})"),
        // A carrier's auth token, or one of our own media tokens, in hexadecimal; whatever it is glued to.
        &format!("(?P<token>[0-9a-fA-F]{{{TOKEN},}})"),
        r"(?P<date>\b(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?)",
    ]
    .join("|");
    Regex::new(&format!("{pattern}|(?P<number>{})", number_pattern())).expect("the pattern is a constant")
});

/// A number alone, for where a date turned out to be the beginning of one.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(&number_pattern()).expect("the pattern is a constant"));

/// What a date must not be followed by: it would be the beginning of a longer number.
static GOES_ON: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[-.()/]{0,2}\d").expect("the pattern is a constant"));

/// Seven digits or more, with gaps of up to four characters between them.
fn number_pattern() -> String {
    format!(r"(?:(?:\+|\u{{ff0b}}|%2[bB]){GAP}{{0,2}})?\d(?:{GAP}{{0,4}}\d){{6,}}")
}

/// The text with every phone number as `+…NN`, every URL as `<url>`, every key and token as `…` or `<token>`.
///
/// Session ids, carrier sids, dates and codes of up to six digits stay.
pub fn mask(text: &str) -> String {
    let mut masked = masked_once(text);
    // What stood glued to one thing may be another, once that one is gone.
    for _ in 0..MOST_PASSES {
        let again = masked_once(&masked);
        if again == masked {
            break;
        }
        masked = again;
    }
    masked
}

fn masked_once(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = KNOWN.captures_at(text, at) {
        let whole = found.get(0).expect("a match has a whole");
        let number = if found.name("date").is_some() && GOES_ON.is_match(&text[whole.end()..]) {
            // Eight digits are a match at the same place at the latest.
            NUMBER.find_at(text, whole.start())
        } else {
            found.name("number")
        };
        let start = number.unwrap_or(whole).start();
        out.push_str(&text[at..start]);
        at = match number {
            Some(number) => push_number(&mut out, text, number),
            None => {
                push_masked(&mut out, &found);
                whole.end()
            }
        };
    }
    out.push_str(&text[at..]);
    out
}

/// The same on one line of so many characters at most.
pub fn masked_line(text: &str, longest: usize) -> String {
    // First of all, since what stood between two halves of a number would hide it.
    let line: String = text.chars().filter(|c| !c.is_control()).collect();
    let masked = mask(&line);
    match masked.char_indices().nth(longest) {
        // Half a date reads as a number.
        Some((end, _)) => mask(&masked[..end]),
        None => masked,
    }
}

fn push_masked(out: &mut String, found: &Captures<'_>) {
    let whole = &found[0];
    if found.name("url").is_some() {
        out.push_str("<url>");
    } else if let Some(scheme) = found.name("bearer") {
        out.push_str(scheme.as_str());
        out.push_str(" …");
    } else if found.name("key").is_some() {
        out.push_str(&whole[..3]);
        out.push('…');
    } else if found.name("token").is_some() {
        out.push_str("<token>");
    } else {
        out.push_str(whole);
    }
}

/// `+…` and the last two digits: enough to tell two numbers apart, too little to call one. Gives where it ended.
fn push_number(out: &mut String, text: &str, number: Match<'_>) -> usize {
    // A number's last digits may begin a token, which would be cut in two.
    let own = number.as_str().bytes().rev().take_while(u8::is_ascii_hexdigit).count();
    let behind = text[number.end()..].bytes().take_while(u8::is_ascii_hexdigit).count();
    if own + behind >= TOKEN {
        out.push_str("<token>");
        return number.end() + behind;
    }
    let digits: Vec<char> = number.as_str().chars().filter(|c| c.is_numeric()).collect();
    out.push_str("+…");
    out.extend(&digits[digits.len().saturating_sub(2)..]);
    number.end()
}

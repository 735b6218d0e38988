//! Takes more out of a text than [`mask`] does: for the words of people and agents, where somebody has asked to see them in
//! the log. What a stranger could use is gone; what the words are about stays.
//!
//! In doubt it takes out: a long code is lost rather than a key shown.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{SESSION, URL, mask, number_pattern};

/// The least and the most digits that a payment card's number has (ISO/IEC 7812).
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// An e-mail address, plain or percent-encoded.
const EMAIL: &str = r"[\p{L}\p{M}\p{N}._%+'\-]+(?:@|%40)[\p{L}\p{M}\p{N}_\-]+(?:\.[\p{L}\p{M}\p{N}_\-]+)+";

/// One alternative per thing that is known; the leftmost wins, and at one place the first.
static KNOWN: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = [
        &format!("(?P<url>{URL})"),
        // Whatever is called a secret.
        r#"(?P<named>(?i:passw(?:or)?d|passphrase|passcode|passwort|secret|token|credentials?|api[ _\-]?key|\bpin)["']?[ \t]*[:=][ \t]*)[^\s]+"#,
        r"(?P<bearer>(?i:bearer)[ \t]+|\bBasic[ \t]+)[A-Za-z0-9._~+/=\-]{8,}",
        // Keys that say what they are: speech and payment providers, GitHub, GitLab, Slack, Amazon, Google; JSON web tokens, UUIDs.
        r"(?P<key>\b(?:sk|pk|rk)[\-_][\w*.\-]{3,}|gh[pousr]_\w{8,}|github_pat_\w{8,}|glpat-[\w\-]{8,}|xox[a-z]-[\w\-]{8,}|A[KS]IA[0-9A-Z]{12,}|AIza[\w\-]{16,}|eyJ[\w\-]{8,}[\w.\-]*|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)",
        &format!("(?P<email>{EMAIL})"),
        &format!("(?P<session>{SESSION})"),
        // Long enough to be made by a machine; what it looks like is decided by its letters. A carrier's names are among them.
        r"(?P<word>[A-Za-z0-9+/_\-]{16,}={0,2})",
        r"(?P<query>[\w/]\?)[\w.~%\-\[\]]+=[^\s]*",
        r"(?P<ssn>\b[0-9]{3}[\- ][0-9]{2}[\- ][0-9]{4}\b)",
    ]
    .join("|");
    Regex::new(&format!("{pattern}|(?P<number>{})", number_pattern())).expect("the pattern is a constant")
});

static ADDRESS: LazyLock<Regex> = LazyLock::new(|| Regex::new(EMAIL).expect("the pattern is a constant"));

/// The text without payment cards (`<card>`), e-mail addresses (`<email>`), social-security numbers (`<ssn>`), keys and what
/// else looks made up by a machine (`<key>`), what is named a password or a token, query strings, and all that [`mask`] takes.
pub fn redact(text: &str) -> String {
    let mut text = pass(text);
    // What is left of one thing may stand beside another now, and be a third together with it.
    for _ in 0..4 {
        let again = pass(&text);
        if again == text {
            break;
        }
        text = again;
    }
    text
}

fn pass(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = KNOWN.captures_at(text, at) {
        let whole = found.get(0).expect("a match has a whole");
        out.push_str(&text[at..whole.start()]);
        // Digits and signs before an address are its beginning.
        let address = found.name("number").or(found.name("word")).or(found.name("ssn")).and_then(|_| {
            let address = ADDRESS.find_at(text, whole.start())?;
            (address.start() <= whole.end() && address.end() > whole.end()).then_some(address)
        });
        at = match address {
            Some(address) => {
                out.push_str(&text[whole.start()..address.start()]);
                out.push_str("<email>");
                address.end()
            }
            None => {
                push(&mut out, &found);
                whole.end()
            }
        };
    }
    out.push_str(&text[at..]);
    mask(&out)
}

fn push(out: &mut String, found: &Captures<'_>) {
    let whole = &found[0];
    let named = ["named", "bearer", "query"].iter().find_map(|name| found.name(name));
    if let Some(named) = named {
        out.push_str(named.as_str());
        out.push('…');
    } else if found.name("url").is_some() {
        out.push_str("<url>");
    } else if found.name("key").is_some() {
        out.push_str("<key>");
    } else if found.name("email").is_some() {
        out.push_str("<email>");
    } else if found.name("ssn").is_some() {
        out.push_str("<ssn>");
    } else if found.name("word").is_some_and(|word| is_random(word.as_str())) {
        out.push_str("<key>");
    } else if is_card(whole) {
        out.push_str("<card>");
    } else {
        // A session, or what `mask` knows what to do with.
        out.push_str(whole);
    }
}

/// Whether a long word was made by a machine: hexadecimal digits of both kinds, or digits among letters, in a length or in a
/// mixture that no word has.
fn is_random(word: &str) -> bool {
    let has = |is: fn(&char) -> bool| word.chars().any(|c| is(&c));
    let (digit, lower, upper) = (char::is_ascii_digit, char::is_ascii_lowercase, char::is_ascii_uppercase);
    if !has(digit) || !(has(lower) || has(upper)) {
        return false;
    }
    let longest = |belongs: fn(char) -> bool| word.split(|c| !belongs(c)).map(str::len).max().unwrap_or_default();
    let is_hex = |c: char| c.is_ascii_hexdigit();
    longest(is_hex) >= 16
        || longest(|c| c.is_ascii_alphanumeric()) >= 20
        || (word.len() >= 20 && has(lower) && has(upper))
}

/// Whether these digits are a payment card's number: of the right length, with the check digit of Luhn's formula.
fn is_card(written: &str) -> bool {
    let digits: Vec<u32> = written.chars().filter_map(|c| c.to_digit(10)).collect();
    let luhn = digits.iter().rev().enumerate().map(|(n, digit)| match (n % 2, digit * 2) {
        (0, _) => *digit,
        (_, doubled) => doubled / 10 + doubled % 10,
    });
    CARD_DIGITS.contains(&digits.len()) && !written.contains('%') && luhn.sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests;

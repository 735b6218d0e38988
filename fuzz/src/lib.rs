//! What the fuzz targets share: the names in their samples, and readings of the same things that owe nothing to the server's.

pub mod edge;
pub mod form;

/// The account of the samples.
pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";

/// Its auth token, which signs.
pub const TOKEN: &str = "12345";

/// The person of the samples.
pub const PERSON: &str = "+393331234567";

/// The number that texts are sent by.
pub const SENDER: &str = "+14155238886";

/// Our number for SMS.
pub const SMS: &str = "+390612345678";

/// A number that depends on every byte of an input, for choices that the input does not make itself (FNV-1a).
pub fn choice(data: &[u8]) -> usize {
    let hash = data
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    (hash >> 17) as usize
}

/// Whether a text is one of these kinds of the carrier's names, as we write them.
pub fn is_sid(text: &str, kinds: &[&str]) -> bool {
    let small = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    kinds.iter().any(|kind| text.strip_prefix(kind).is_some_and(|rest| rest.len() == 32 && rest.bytes().all(small)))
}

/// What must not be left of the person's words: C0 except tab, LF and CR; DEL; C1; marks of direction and identity.
pub fn is_forbidden(c: char) -> bool {
    match u32::from(c) {
        0x09 | 0x0a | 0x0d => false,
        0x00..=0x1f | 0x7f..=0x9f => true,
        0x061c | 0x200e | 0x200f | 0xfeff => true,
        0x202a..=0x202e | 0x2066..=0x2069 | 0xe0000..=0xe007f => true,
        _ => false,
    }
}

/// The runs of digits that could be one written number: with up to four spaces or marks between two of them.
pub fn numbers(text: &str) -> Vec<String> {
    let parts = |c: char| c.is_whitespace() || "().+/-\u{2010}\u{2011}".contains(c);
    let (mut found, mut run, mut gap) = (Vec::new(), String::new(), 0);
    for c in text.chars() {
        if c.is_ascii_digit() {
            run.push(c);
            gap = 0;
        } else {
            gap += 1;
            if !parts(c) || gap > 4 {
                found.push(std::mem::take(&mut run));
            }
        }
    }
    found.push(run);
    found
}

/// Whether a text gives away the person's number. What only looks like it within the name of something does not.
pub fn tells_the_person(text: &str) -> bool {
    numbers(&without_names(text)).iter().any(|number| number.contains(&PERSON[3..]))
}

/// A text without the names that may stand anywhere: the carrier's, which are random, and our sessions', which are a place and
/// a time.
fn without_names(text: &str) -> String {
    // As in the expressions of the mask, in which ¼ and ² are none.
    let is_word = |c: char| c.is_alphabetic() || c.is_ascii_digit() || c == '_';
    let (mut out, mut rest, mut within) = (String::new(), text, false);
    while let Some(first) = rest.chars().next() {
        let length = if within { None } else { sid(rest).or_else(|| session(rest)) };
        let length = length.filter(|length| !rest[*length..].starts_with(is_word));
        let (taken, left) = rest.split_at(length.unwrap_or(first.len_utf8()));
        out.push_str(if length.is_some() { "<name>" } else { taken });
        (rest, within) = (left, taken.ends_with(is_word));
    }
    out
}

/// How long the carrier's name is that a text begins with.
fn sid(text: &str) -> Option<usize> {
    let kind = text.get(..2).filter(|kind| kind.bytes().all(|byte| byte.is_ascii_uppercase()))?;
    text.get(..34).filter(|name| is_sid(name, &[kind])).map(str::len)
}

/// How long the session id is that a text begins with, one of this century's first third.
fn session(text: &str) -> Option<usize> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let count = text.strip_prefix("call-").or_else(|| text.strip_prefix("msg-"))?;
    let time = count.get(digits(count)..)?.strip_prefix("-1").filter(|_| (1..=6).contains(&digits(count)))?;
    (digits(time) == 12).then_some(text.len() - time.len() + 12)
}

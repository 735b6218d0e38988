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

/// Whether a text gives away the person's number.
pub fn tells_the_person(text: &str) -> bool {
    numbers(text).iter().any(|number| number.contains(&PERSON[3..]))
}

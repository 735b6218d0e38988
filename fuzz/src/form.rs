//! Form bodies, read by hand.

use std::borrow::Cow;
use std::collections::HashSet;

/// Names that decide what a form of Twilio's is.
const TELLING: [&str; 5] = ["AnsweredBy", "CallStatus", "CallbackSource", "EventType", "MessageSid"];

/// The fields of `application/x-www-form-urlencoded`, in order, by the WHATWG's rules: pieces between `&` that are not empty,
/// name and value around the first `=`, `+` a space, `%XX` a byte, whatever is no UTF-8 as U+FFFD.
pub fn read(body: &[u8]) -> Vec<(String, String)> {
    body.split(|byte| *byte == b'&')
        .filter(|piece| !piece.is_empty())
        .map(|piece| {
            let at = piece.iter().position(|byte| *byte == b'=');
            let (name, value) = at.map_or((piece, &[][..]), |at| (&piece[..at], &piece[at + 1..]));
            (decoded(name), decoded(value))
        })
        .collect()
}

/// Whether a signed form may be refused: a telling name stands in it elsewhere than once as a name, or it has more fields than
/// Twilio could send.
pub fn may_be_refused(body: &[u8]) -> bool {
    let fields = read(body);
    let mut sorted: Vec<_> = fields.iter().collect::<HashSet<_>>().into_iter().collect();
    sorted.sort();
    let text: String = sorted.iter().flat_map(|(name, value)| [name.as_str(), value]).collect();
    let is_odd = |telling: &&str| {
        let as_names = sorted.iter().filter(|(name, _)| name == telling).count();
        as_names > 1 || text.matches(*telling).count() != as_names
    };
    TELLING.iter().any(is_odd) || body.split(|byte| *byte == b'&').count() > 256
}

/// The first value of a field.
pub fn first<'a>(form: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    form.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
}

/// The first value of a field that is not empty, if that is the field's first.
pub fn has<'a>(form: &'a [(String, String)], wanted: &str) -> Option<&'a str> {
    first(form, wanted).filter(|value| !value.is_empty())
}

/// The fields as a body again.
pub fn write(form: &[(String, String)]) -> Vec<u8> {
    let escaped = |text: &str| {
        let mut out = String::new();
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
        out
    };
    let pairs: Vec<String> = form.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    pairs.join("&").into_bytes()
}

/// The fields in another order, in which those of one name keep theirs.
pub fn shuffled(form: &[(String, String)]) -> Vec<(String, String)> {
    let mut form = form.to_vec();
    form.sort_by(|(a, _), (b, _)| b.cmp(a));
    form
}

fn decoded(text: &[u8]) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let hex = digit(text.get(at + 1)).zip(digit(text.get(at + 2)));
        let (byte, taken) = match (text[at], hex) {
            (b'+', _) => (b' ', 1),
            (b'%', Some((high, low))) => ((high * 16 + low) as u8, 3),
            (byte, _) => (byte, 1),
        };
        out.push(byte);
        at += taken;
    }
    match String::from_utf8_lossy(&out) {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    }
}

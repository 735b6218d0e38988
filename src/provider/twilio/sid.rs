//! Twilio's names for things: two letters for the kind, then 32 hexadecimal digits.

/// Whether a text is a `CallSid`.
pub(super) fn is_call(text: &str) -> bool {
    text.strip_prefix("CA").is_some_and(is_number)
}

fn is_number(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

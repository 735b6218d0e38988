//! Twilio's names for things: two letters for the kind, then 32 hexadecimal digits.

/// Whether a text is a `CallSid`.
pub(super) fn is_call(text: &str) -> bool {
    text.strip_prefix("CA").is_some_and(is_number)
}

/// The name as Twilio writes it, capitals before small digits, where the text is one of these kinds in any case: so two
/// spellings are one name.
pub(super) fn read(text: &str, kinds: &[&str]) -> Option<String> {
    let (kind, number) = text.split_at_checked(2)?;
    let kind = kinds.iter().find(|known| known.eq_ignore_ascii_case(kind))?;
    is_number(number).then(|| format!("{kind}{}", number.to_ascii_lowercase()))
}

fn is_number(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_in_any_case_and_written_in_one() {
        let want = Some("CH0123456789abcdef0123456789abcdef".to_owned());
        for text in ["CH0123456789abcdef0123456789abcdef", "ch0123456789ABCDEF0123456789abcdef"] {
            assert_eq!(read(text, &["IM", "CH"]), want, "{text}");
        }
        for text in [
            "",
            "C",
            "CH",
            "é0123456789abcdef0123456789abcdef",
            "IM0123456789abcdef0123456789abcdef",
            "CH0123456789abcdef0123456789abcde",
            "CH0123456789abcdef0123456789abcdef0",
            "CH0123456789abcdef0123456789abcdeg",
            " CH0123456789abcdef0123456789abcdef",
            "CH0123456789abcdef0123456789abcdef\n",
        ] {
            assert_eq!(read(text, &["CH"]), None, "{text:?}");
        }
    }
}

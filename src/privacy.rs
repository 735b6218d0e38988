//! Keeps phone numbers out of texts that others wrote.

/// Fewer digits than this are no phone number (E.164 has at least seven).
const FEWEST_DIGITS: usize = 7;

/// The text with every run of seven or more digits (with `+`, spaces and the like between them) as `…` and its last two.
pub fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c == '+' || c.is_ascii_digit()) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let reach = rest.find(|c: char| !c.is_ascii_digit() && !"+ -.()/".contains(c)).unwrap_or(rest.len());
        let end = rest[..reach].rfind(|c: char| c.is_ascii_digit()).map_or(1, |last| last + 1);
        let digits: String = rest[..end].chars().filter(char::is_ascii_digit).collect();
        if digits.len() >= FEWEST_DIGITS {
            out.push('…');
            out.push_str(&digits[digits.len() - 2..]);
        } else {
            out.push_str(&rest[..end]);
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_masked_and_codes_are_not() {
        for (text, want) in [
            ("The 'To' number +393331234567 is bad", "The 'To' number …67 is bad"),
            ("+1 (415) 867-5309, code 21211", "…09, code 21211"),
            ("in 5 s, + 3", "in 5 s, + 3"),
            ("", ""),
        ] {
            assert_eq!(mask(text), want);
        }
    }
}

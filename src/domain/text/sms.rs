//! Texts for SMS, which is billed by the piece: 140 bytes each, six of which say how the pieces are joined.

use super::parts;

/// As many pieces as carriers join into one message (Telnyx; Twilio takes 1,600 characters, which is as much).
const MOST_PIECES: usize = 10;
/// What a joined piece holds in the alphabet of GSM 03.38, which has seven bits a character.
const PLAIN: usize = 153;
/// The same in UTF-16 units, as soon as one character is not of that alphabet.
const WIDE: usize = 67;

/// Characters of GSM 03.38 beside the letters and digits of ASCII.
const ALPHABET: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
/// Those that it has by a detour: they take two places.
const EXTENSION: &str = "^{}\\[~]|€";

/// The text in messages that are short enough for SMS, in order, cut where a reader would pause.
pub fn sms_parts(text: &str) -> Vec<String> {
    parts(text, MOST_PIECES * per_piece(text))
}

/// How many characters one piece of a text like this holds, however they fall.
fn per_piece(text: &str) -> usize {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ALPHABET.contains(c);
    match () {
        () if text.chars().all(is_plain) => PLAIN,
        () if text.chars().all(|c| is_plain(c) || EXTENSION.contains(c)) => PLAIN / 2,
        () if text.chars().all(|c| c.len_utf16() == 1) => WIDE,
        () => WIDE / 2,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The places that a text takes, and how many there are.
    fn places(text: &str) -> (usize, usize) {
        let of = |c: char| match c {
            c if c.is_ascii_alphanumeric() || ALPHABET.contains(c) => Some(1),
            c if EXTENSION.contains(c) => Some(2),
            _ => None,
        };
        match text.chars().map(of).sum() {
            Some(septets) => (septets, MOST_PIECES * PLAIN),
            None => (text.encode_utf16().count(), MOST_PIECES * WIDE),
        }
    }

    #[test]
    fn a_text_is_as_long_as_its_alphabet_lets_it_be() {
        for (text, want) in [
            ("a".repeat(1530), 1),
            ("a".repeat(1531), 2),
            ("è".repeat(1530), 1),
            ("{".repeat(760), 1),
            ("{".repeat(761), 2),
            ("ё".repeat(670), 1),
            ("ё".repeat(671), 2),
            ("🛑".repeat(330), 1),
            ("🛑".repeat(331), 2),
            (String::new(), 0),
        ] {
            assert_eq!(sms_parts(&text).len(), want, "{} × {:?}", text.chars().count(), text.chars().next());
        }
    }

    #[test]
    fn a_text_is_cut_between_words() {
        let words = (0..400).map(|n| format!("word{n} ")).collect::<Vec<_>>().concat();
        let parts = sms_parts(&words);
        assert!(parts.len() > 1);
        assert_eq!(parts.join(" "), words);
    }

    proptest! {
        #[test]
        fn every_message_fits(text in "[a-z {}€ёè🛑.]{0,4000}") {
            for part in sms_parts(&text) {
                let (taken, most) = places(&part);
                prop_assert!(taken <= most, "{taken} of {most}");
            }
        }
    }
}

//! What is said and written: cleaned, measured, cut. The input: a text; its hash chooses the sizes.

#![no_main]

use callme::domain::text::{
    AgentText, BadText, BadWords, LONGEST_MESSAGE, LONGEST_VARIABLE, LONGEST_WRITTEN, PersonText, parts,
    template_variable,
};
use callme_fuzz::{choice, is_forbidden};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    cleaned(&text, choice(data));
    said(&text);
    cut(&text, 1 + choice(data) % 300);
    varied(&text);
});

/// What the person wrote.
fn cleaned(raw: &str, choice: usize) {
    let length = raw.chars().count();
    let longest = choice % (2 * length + 1);
    let clean = PersonText::clean(raw, longest);
    assert_eq!(length > longest, clean == Err(BadWords::TooLong { length, longest }));
    let clean = PersonText::clean(raw, LONGEST_WRITTEN.max(length));
    match &clean {
        Ok(words) => {
            let words = words.as_str();
            assert!(!words.is_empty() && words.trim() == words && !words.contains(is_forbidden), "{words:?}");
            // Nothing is made up or moved.
            let mut left = raw.chars();
            assert!(words.chars().all(|c| left.any(|other| other == c)), "{words:?}");
            assert_eq!(PersonText::clean(words, LONGEST_WRITTEN.max(length)), clean);
        }
        // Whoever wrote something that is seen is heard, unless it stood within a terminal's sequence.
        Err(why) => {
            assert_eq!(*why, BadWords::Empty);
            let plain = !raw.contains(['\u{1b}', '\u{90}', '\u{98}', '\u{9b}', '\u{9d}', '\u{9e}', '\u{9f}']);
            assert!(!plain || !raw.contains(char::is_alphanumeric), "{raw:?}");
        }
    }
    // Without anything forbidden in it, a text is left as it is.
    let allowed = raw.replace(is_forbidden, "");
    if let Ok(words) = PersonText::clean(&allowed, LONGEST_WRITTEN.max(length)) {
        assert_eq!(words.as_str(), allowed.trim());
    }
    // Of a text only its length is printed.
    if let Ok(words) = &clean {
        assert_eq!(format!("{words:?}"), format!("PersonText({} chars)", words.as_str().chars().count()));
    }
}

/// What the agent says.
fn said(text: &str) {
    let length = text.trim().chars().count();
    match AgentText::parse(text) {
        Ok(said) => assert!(said.as_str() == text.trim() && (1..=LONGEST_MESSAGE).contains(&length)),
        Err(BadText::TooLong(counted)) => assert!(counted == length && length > LONGEST_MESSAGE),
        Err(BadText::Empty) => assert!(!text.contains(char::is_alphanumeric)),
    }
}

/// Pieces.
fn cut(text: &str, longest: usize) {
    let mut rest = text;
    for piece in parts(text, longest) {
        assert!((1..=longest).contains(&piece.chars().count()) && !piece.trim().is_empty(), "{piece:?}");
        let begin = rest.find(&piece).expect("each follows the one before");
        assert!(rest[..begin].trim().is_empty(), "only white space lies between {piece:?} and the one before");
        rest = &rest[begin + piece.len()..];
    }
    assert!(rest.trim().is_empty(), "the rest is lost: {rest:?}");
}

/// A template's variable.
fn varied(text: &str) {
    let solid = |text: &str| text.split_whitespace().collect::<String>();
    let (kept, rest) = template_variable(text);
    assert!(kept.chars().count() <= LONGEST_VARIABLE && kept.trim() == kept, "{kept:?}");
    assert!(!kept.contains(|c: char| c.is_whitespace() && c != ' ') && !kept.contains("     "), "{kept:?}");
    assert!(!kept.is_empty() || text.trim().is_empty());
    assert_eq!(solid(&kept) + &solid(rest.as_deref().unwrap_or_default()), solid(text));
}

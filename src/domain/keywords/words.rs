//! A text as the words that are compared: without case, accents and punctuation.

use std::mem;

use icu_normalizer::DecomposingNormalizerBorrowed;

/// A word of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Its letters or digits, folded.
    pub(super) text: String,
    /// A sentence ends after it.
    pub(super) ends: bool,
}

/// The words of a text. A change between letters and digits parts words, too: "9am" is two.
///
/// What makes a name in code stays in its word, so that neither `call_me` nor `call()` is a request.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut word = String::new();
    let mut rest = folded(text).peekable();
    while let Some(c) = rest.next() {
        let of_code = matches!(c, '_' | '`') || (c == '(' && !word.is_empty());
        if c.is_alphanumeric() || of_code {
            let changes = word.ends_with(|last: char| last.is_ascii_digit() != c.is_ascii_digit());
            if changes {
                words.push(Word { text: mem::take(&mut word), ends: false });
            }
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            words.push(Word { text: mem::take(&mut word), ends: false });
        }
        let ends = match c {
            '!' | '?' | '。' | '\n' | '\r' => true,
            // Not within "callme.rs".
            '.' => !rest.peek().is_some_and(|next| next.is_alphanumeric()),
            _ => false,
        };
        if let Some(last) = words.last_mut() {
            last.ends |= ends;
        }
    }
    if !word.is_empty() {
        words.push(Word { text: word, ends: false });
    }
    words
}

/// Words as one text, with a space between them.
pub(super) fn joined(words: &[Word]) -> String {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    texts.join(" ")
}

/// The characters of a text without their accents, in small letters. Going through capitals writes "ß" as "ss".
fn folded(text: &str) -> impl Iterator<Item = char> {
    DecomposingNormalizerBorrowed::new_nfkd()
        .normalize_iter(text.chars())
        .filter(|c| !('\u{300}'..='\u{36f}').contains(c))
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_is_left_without_case_accents_and_punctuation() {
        for (text, want) in [
            ("", ""),
            (" … !?", ""),
            ("Call ME, please!", "call me please"),
            ("¿Llámame?", "llamame"),
            ("ÀÉÎÕÜÇ Straße STRASSE", "aeiouc strasse strasse"),
            // However the accent is written, and in wide or bold letters.
            ("lla\u{301}mame ｓｔｏｐ 𝐬𝐭𝐨𝐩", "llamame stop stop"),
            ("s'il te plaît, j’appelle-moi", "s il te plait j appelle moi"),
            ("at 9:30 or 21h30, 9am", "at 9 30 or 21 h 30 9 am"),
            ("stop 🛑 *now*", "stop now"),
            ("call_me() call() (call) `call` callme.rs", "call_me( call( call `call` callme rs"),
        ] {
            assert_eq!(joined(&words(text)), want, "{text:?}");
        }
    }

    #[test]
    fn sentences_end_at_their_stops_and_at_line_ends() {
        for (text, want) in [
            ("one. Two! three?! four\nfive... six", vec!["one", "two", "three", "four", "five"]),
            ("一。二", vec!["一"]),
            ("v1.2 callme.rs, a: b; c - d", vec![]),
            ("the end.", vec!["end"]),
            ("... one", vec![]),
        ] {
            let ends: Vec<String> = words(text).into_iter().filter(|word| word.ends).map(|word| word.text).collect();
            assert_eq!(ends, want, "{text:?}");
        }
    }
}

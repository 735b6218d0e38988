//! Whether what was spoken is what was to be spoken.

/// Whether a transcript has the words of the text. Only letters and digits count, and not their case: how a speaker sets
/// points and quotes says nothing.
pub(super) fn are_those_of(text: &str, transcript: &str) -> bool {
    letters(text).eq(letters(transcript))
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_spaces_and_case_are_no_words_and_all_else_is() {
        for (text, transcript, same) in [
            ("Your table is booked.", "your table is booked", true),
            ("**Done** - 3 files\n\nShall I?", "Done: 3 files. Shall I?", true),
            ("It\u{2019}s GRÖSSER", "it's grösser", true),
            ("👍", "", true),
            ("I'm ready.", "I am ready.", false),
            ("What time is it?", "It is nine o'clock.", false),
            ("Shall I deploy?", "Shall I deploy? Sure!", false),
            ("Shall I deploy?", "", false),
        ] {
            assert_eq!(are_those_of(text, transcript), same, "{text:?} as {transcript:?}");
        }
    }
}

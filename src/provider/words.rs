//! The words of a person's message: its text, and in brackets what came beside or instead of it. An agent that is only
//! told the text would take a picture for silence.

use crate::domain::text::{BadWords, PersonText};

/// As many things as are named; WhatsApp sends one file with a message.
const MOST_NAMED: usize = 10;

/// A message's words, cleaned; `text` is measured as it came.
///
/// # Errors
/// When it has more than `longest` characters, or nothing is left that can be read.
pub fn words(text: &str, longest: usize, beside: impl IntoIterator<Item = String>) -> Result<PersonText, BadWords> {
    let length = text.chars().count();
    if length > longest {
        return Err(BadWords::TooLong { length, longest });
    }
    let mut whole = text.to_owned();
    for thing in beside.into_iter().take(MOST_NAMED) {
        // On lines of their own and after the text, which thus still begins as the person began it.
        whole.push_str("\n[");
        whole.push_str(&thing);
        whole.push(']');
    }
    PersonText::clean(&whole, usize::MAX)
}

/// What a file of this MIME type is to whoever sent it.
pub fn file(content_type: &str) -> String {
    let content_type = content_type.to_ascii_lowercase();
    let kind = content_type.split(['/', ';']).next().unwrap_or_default();
    match (content_type.as_str(), kind) {
        // WhatsApp turns every picture but its stickers into JPEG or PNG.
        ("image/webp", _) => "sticker",
        (_, "image") => "photo",
        (_, "audio") => "voice message",
        (_, "video") => "video",
        ("text/vcard" | "text/x-vcard" | "text/directory", _) => "contact",
        _ => "file",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_first_and_things_are_named_after_them() {
        let things = |kinds: &[&str]| kinds.iter().map(|kind| file(kind)).collect::<Vec<_>>();
        for (text, beside, want) in [
            ("  Yes.\n", things(&[]), Some("Yes.")),
            ("Y\0es\u{202e}.\u{1b}[31m", things(&[]), Some("Yes.")),
            ("", things(&["image/jpeg"]), Some("[photo]")),
            ("This one", things(&["image/png", "IMAGE/WEBP"]), Some("This one\n[photo]\n[sticker]")),
            (" ", things(&["audio/ogg; codecs=opus", "video/mp4"]), Some("[voice message]\n[video]")),
            ("", things(&["text/vcard", "application/pdf", ""]), Some("[contact]\n[file]\n[file]")),
            ("\u{202e}\0", things(&["image/png"]), Some("[photo]")),
            (" \t", things(&[]), None),
            ("\u{feff}\u{1b}[0m", things(&[]), None),
        ] {
            let got = words(text, 100, beside);
            assert_eq!(got.as_ref().map(PersonText::as_str), want.ok_or(&BadWords::Empty), "{text:?}");
        }
    }

    #[test]
    fn only_so_many_things_are_named() {
        let many = words("", 0, std::iter::repeat_n("photo".to_owned(), 1_000)).unwrap();
        assert_eq!(many.as_str().lines().count(), MOST_NAMED);
    }
}

//! What the recogniser is told to expect: languages and words.

use super::reader::Reader;

/// More languages than anybody answers the phone in.
const MOST_LANGUAGES: usize = 20;

/// More words than help: each takes attention from what is said.
const MOST_KEYWORDS: usize = 100;

/// The longest of them, in characters.
const LONGEST_KEYWORD: usize = 64;

/// Two letters each, with a comma between them. A slip leaves them all out: with a wrong list the right language would not
/// be understood.
pub(super) fn languages(reader: &mut Reader<'_>) -> Vec<String> {
    const NAME: &str = "CALLME_STT_LANGUAGES";
    let languages = list(&reader.text(NAME).unwrap_or_default().to_ascii_lowercase());
    let is_code = |code: &String| code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_lowercase());
    if languages.len() > MOST_LANGUAGES || !languages.iter().all(is_code) {
        let text = format!(
            "is no list of at most {MOST_LANGUAGES} languages of two letters each, such as \"en,de\"; \
             taken for any language"
        );
        reader.warn(NAME, text);
        return Vec::new();
    }
    languages
}

/// Words or phrases, with a comma between them. What is too much is left out.
pub(super) fn keywords(reader: &mut Reader<'_>) -> Vec<String> {
    const NAME: &str = "CALLME_STT_KEYWORDS";
    let mut keywords = list(&reader.text(NAME).unwrap_or_default());
    let given = keywords.len();
    keywords.retain(|word| word.chars().count() <= LONGEST_KEYWORD && !word.chars().any(char::is_control));
    keywords.truncate(MOST_KEYWORDS);
    if keywords.len() < given {
        let text = format!(
            "has more than {MOST_KEYWORDS} words, or some of more than {LONGEST_KEYWORD} characters; {} of {given} \
             are used",
            keywords.len()
        );
        reader.warn(NAME, text);
    }
    keywords
}

/// What stands between the commas, each once.
fn list(text: &str) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    for one in text.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        if !list.iter().any(|known| known == one) {
            list.push(one.to_owned());
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_leniently_and_what_cannot_be_is_said_to_be_left_out() {
        let cases: [(&str, &[&str], bool); 6] = [
            ("", &[], false),
            ("en", &["en"], false),
            (" EN, de ,,en,", &["en", "de"], false),
            ("english", &[], true),
            ("en;de", &[], true),
            ("en,d1", &[], true),
        ];
        for (text, want, warned) in cases {
            let source = |name: &str| (name == "CALLME_STT_LANGUAGES").then(|| text.to_owned());
            let mut reader = Reader::new(&source);
            assert_eq!(languages(&mut reader), want, "{text:?}");
            assert_eq!(!reader.into_problems().is_empty(), warned, "{text:?}");
        }
        let long = "x".repeat(LONGEST_KEYWORD + 1);
        let many = (0..120).map(|n| format!("word {n}")).collect::<Vec<_>>().join(",");
        for (text, count, warned) in [
            ("Acme, call me ,Acme".to_owned(), 2, false),
            (format!("Acme,{long}"), 1, true),
            (many, MOST_KEYWORDS, true),
        ] {
            let source = |name: &str| (name == "CALLME_STT_KEYWORDS").then(|| text.clone());
            let mut reader = Reader::new(&source);
            assert_eq!(keywords(&mut reader).len(), count, "{text:?}");
            assert_eq!(!reader.into_problems().is_empty(), warned, "{text:?}");
        }
    }
}

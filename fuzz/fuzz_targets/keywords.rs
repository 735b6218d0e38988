//! Keywords, with the table that is compiled in. The input: a message of the person.

#![no_main]

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use callme::config;
use callme::domain::keywords::{Keyword, Keywords};
use icu_normalizer::DecomposingNormalizerBorrowed;
use libfuzzer_sys::fuzz_target;

static KEYWORDS: LazyLock<Keywords> = LazyLock::new(config::keywords);

/// The table as it stands in the file: language, list, phrases.
static TABLE: LazyLock<BTreeMap<String, BTreeMap<String, Vec<String>>>> =
    LazyLock::new(|| toml::from_str(include_str!("../../config/keywords.toml")).expect("the table is TOML"));

/// Every word of the requests and of what may stand around them.
static WORDS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    listed(&["call", "alone", "with_please", "before", "polite", "time", "numbers"])
        .flat_map(|phrase| words(&phrase))
        .collect()
});

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let found = KEYWORDS.read(&text);
    let words = words(&text);
    let known = |word: &String| WORDS.contains(word) || (word.len() <= 2 && word.bytes().all(|b| b.is_ascii_digit()));
    let is_one_of = |list: &str| listed(&[list]).any(|phrase| self::words(&phrase) == words);
    match found {
        // Nobody's phone rings for words that are not in the table, and all of them are where nothing more was said.
        Keyword::Call { more } => {
            assert!(words.first().is_some_and(known), "{words:?}");
            assert!(more || words.iter().all(known), "{words:?}");
        }
        // Each of these is the whole message.
        Keyword::Stop => assert!(is_one_of("stop"), "{words:?}"),
        Keyword::Start => assert!(is_one_of("start"), "{words:?}"),
        Keyword::Yes => assert!(is_one_of("yes"), "{words:?}"),
        Keyword::Help => assert!(is_one_of("help"), "{words:?}"),
        Keyword::End => assert!(is_one_of("end"), "{words:?}"),
        Keyword::None => {}
    }

    // A word in front that nobody knows makes any message a reply; behind, it leaves at most a request with more.
    assert_eq!(KEYWORDS.read(&format!("zqzq {text}")), Keyword::None);
    let behind = KEYWORDS.read(&format!("{text} zqzq"));
    assert!(matches!(behind, Keyword::None | Keyword::Call { more: true }), "{behind:?}");
    // What stands around a message and says nothing changes nothing.
    assert_eq!(KEYWORDS.read(&format!(" \u{201c}{text}\u{201d} ")), found);
});

fn listed<'a>(lists: &'a [&str]) -> impl Iterator<Item = String> + 'a {
    TABLE.values().flat_map(|language| lists.iter().filter_map(|list| language.get(*list)).flatten()).cloned()
}

/// Letters and digits, without case and accents, each run of either a word.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut parted = true;
    let plain = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    let plain = plain.chars().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).flat_map(char::to_uppercase);
    for c in plain.flat_map(char::to_lowercase) {
        if !c.is_alphanumeric() {
            parted = true;
            continue;
        }
        match words
            .last_mut()
            .filter(|word| !parted && word.ends_with(|last: char| last.is_ascii_digit() == c.is_ascii_digit()))
        {
            Some(word) => word.push(c),
            None => words.push(c.to_string()),
        }
        parted = false;
    }
    words
}

//! The rule, in a language of a few words.

use proptest::prelude::*;

use super::*;

fn few() -> Keywords {
    let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let language = Language {
        call: list(&["call me", "call my old phone"]),
        alone: list(&["call"]),
        with_please: list(&["phone"]),
        before: list(&["ok"]),
        polite: list(&["please", "please do"]),
        time: list(&["at #", "# pm"]),
        numbers: list(&["nine"]),
        stop: list(&["stop", "opt out"]),
        ..Language::default()
    };
    Keywords::new(&[language]).expect("a language")
}

#[test]
fn what_is_left_without_politeness_and_times_must_be_a_request() {
    let keywords = few();
    for (text, want) in [
        ("call me", Some(false)),
        ("please call please me please do", Some(false)),
        ("call my old phone please", Some(false)),
        ("call me at nine", Some(true)),
        ("9 pm call me", Some(true)),
        ("ok, ok, call", Some(false)),
        ("please ok call", Some(false)),
        ("phone please", Some(false)),
        ("phone at nine", Some(true)),
        ("phone", None),
        ("ok phone", None),
        ("call ok", None),
        ("call me ok", None),
        ("call at 100", None),
        ("call at ten", None),
        ("call nine", None),
        ("call my", None),
        ("call my old phone now", None),
        ("me call", None),
        ("call call me", None),
        ("please do", None),
        ("stop call", None),
    ] {
        let want = want.map_or(Keyword::None, |more| Keyword::Call { more });
        assert_eq!(keywords.read(text), want, "{text}");
    }
}

#[test]
fn a_sentence_that_says_who_is_enough() {
    let keywords = few();
    for (text, want) in [
        ("Call me. The build is red.", Some(true)),
        ("Please. Call me! The build is red.", Some(true)),
        ("call me\nthe build is red", Some(true)),
        ("call me. please", Some(false)),
        ("call me. at nine", Some(true)),
        ("call me, the build is red", None),
        ("call me.the build is red", None),
        ("call. The build is red.", None),
        ("phone please. The build is red.", None),
        ("The build is red. Call me.", None),
        ("call me the build. It is red", None),
    ] {
        let want = want.map_or(Keyword::None, |more| Keyword::Call { more });
        assert_eq!(keywords.read(text), want, "{text}");
    }
}

#[test]
fn a_word_that_steers_is_the_whole_message() {
    let keywords = few();
    for (text, want) in [
        ("Opt-out!", Keyword::Stop),
        ("stop. ", Keyword::Stop),
        ("stop please", Keyword::None),
        ("stop stop", Keyword::None),
        ("stop_", Keyword::None),
    ] {
        assert_eq!(keywords.read(text), want, "{text}");
    }
}

proptest! {
    #[test]
    fn a_request_is_found_whatever_stands_between_its_words(
        between in prop::collection::vec("[ ,;:…*\u{301}'\"-]{0,3}( (please|PLEASE do|pleáse)[ ,])?", 3),
    ) {
        let text = format!("{}CaLL {}mE{}", between[0], between[1], between[2]);
        prop_assert_eq!(few().read(&text), Keyword::Call { more: false }, "{}", text);
    }

    #[test]
    fn no_other_word_is_let_through(word in "[b-z]{4,9}", at in 0..3_usize) {
        prop_assume!(!["call", "please", "phone", "stop", "nine"].contains(&word.as_str()));
        let mut words = vec!["call", "me"];
        words.insert(at, &word);
        prop_assert_eq!(few().read(&words.join(" ")), Keyword::None, "{}", words.join(" "));
    }
}

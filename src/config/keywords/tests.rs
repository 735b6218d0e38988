//! The table against what people write, language by language.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::domain::keywords::Keyword;

mod english;
mod french;
mod german;
mod italian;
mod portuguese;
mod spanish;

/// What a language's messages must be read as.
struct Messages {
    language: &'static str,
    /// Requests to be called, and nothing else.
    calls: &'static [&'static str],
    /// Requests that say more.
    calls_with_more: &'static [&'static str],
    /// Replies, although some of their words are those of requests.
    replies: &'static [&'static str],
    /// Whole messages that steer.
    words: &'static [(&'static str, Keyword)],
}

const LANGUAGES: [Messages; 6] =
    [english::MESSAGES, spanish::MESSAGES, french::MESSAGES, german::MESSAGES, portuguese::MESSAGES, italian::MESSAGES];

static KEYWORDS: LazyLock<Keywords> = LazyLock::new(keywords);

fn listed() -> BTreeMap<String, Listed> {
    toml::from_str(TABLE).expect("a table of lists")
}

#[test]
fn every_language_is_understood() {
    let mut wrong = Vec::new();
    for Messages { language, calls, calls_with_more, replies, words } in LANGUAGES {
        assert!(calls.len() + calls_with_more.len() >= 20 && replies.len() >= 20, "{language}: too few");
        let calls = calls.iter().map(|text| (*text, Keyword::Call { more: false }));
        let more = calls_with_more.iter().map(|text| (*text, Keyword::Call { more: true }));
        let replies = replies.iter().map(|text| (*text, Keyword::None));
        for (text, want) in calls.chain(more).chain(replies).chain(words.iter().copied()) {
            let read = KEYWORDS.read(text);
            if read != want {
                wrong.push(format!("{language}: {text:?} is {read:?}, not {want:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_request_of_the_table_rings_and_every_time_is_told() {
    for (name, Listed(language)) in listed() {
        let polite = language.polite.first().expect("a polite phrase");
        for request in language.call.iter().chain(&language.alone) {
            assert_eq!(KEYWORDS.read(request), Keyword::Call { more: false }, "{name}: {request}");
        }
        for request in &language.with_please {
            assert_eq!(KEYWORDS.read(request), Keyword::None, "{name}: {request}");
            assert_eq!(
                KEYWORDS.read(&format!("{request} {polite}")),
                Keyword::Call { more: false },
                "{name}: {request}"
            );
        }
        let request = language.call.first().expect("a request");
        for polite in &language.polite {
            for text in [format!("{request} {polite}"), format!("{polite}, {request}")] {
                assert_eq!(KEYWORDS.read(&text), Keyword::Call { more: false }, "{name}: {text}");
            }
        }
        for before in &language.before {
            let text = format!("{before}, {request}");
            assert_eq!(KEYWORDS.read(&text), Keyword::Call { more: false }, "{name}: {text}");
        }
        for time in &language.time {
            for number in language.numbers.iter().map(String::as_str).chain(["9", "30"]) {
                let text = format!("{request} {}", time.replace('#', number));
                assert_eq!(KEYWORDS.read(&text), Keyword::Call { more: true }, "{name}: {text}");
            }
        }
    }
}

#[test]
fn ordinary_answers_are_replies() {
    for text in [
        "no",
        "ok",
        "fine",
        "fine.",
        "sure",
        "done",
        "remove",
        "delete",
        "finish",
        "exit",
        "halt",
        "close",
        "abort",
        "pause",
        "continue",
        "stop please",
        "stop the server",
        "please stop",
        "don't stop",
        "stop it",
        "end the line with a comma",
        "cancel the build",
        "quit vim",
        "help me",
        "info level",
        "yes please",
        "yes, go on",
        "start over",
        "restart",
        "stop()",
        "end_",
        "`cancel`",
        "phone",
        "ring",
        "",
        "?",
        "👍",
        "1",
        "stoppen",
        "endian",
    ] {
        assert_eq!(KEYWORDS.read(text), Keyword::None, "{text}");
    }
}

#[test]
fn a_word_that_steers_is_found_however_it_is_written() {
    for text in [
        "stop",
        "STOP",
        " Stop. ",
        "'stop'",
        "stop!!!",
        "ＳＴＯＰ",
        "st\u{301}op",
        "Stop All",
        "stop-all",
        "opt-out",
        "STOP 🛑",
    ] {
        assert_eq!(KEYWORDS.read(text), Keyword::Stop, "{text}");
    }
}

#[test]
fn a_table_that_cannot_work_is_told_where() {
    for (old, new, want) in [
        ("[english]", "[english", "TOML parse error at line"),
        ("alone = [\"call\"", "aloen = [\"call\"", "unknown field `aloen`"),
        ("start = [\"start\", \"unstop\"]\n", "", "missing field `start`"),
        ("start = [\"start\"", "start = [\"stop\"", "“stop” is listed twice"),
        ("start = [\"start\"", "start = [\"call\"", "“call” is listed twice"),
        ("alone = [\"call\"", "alone = [\"Call me!\"", "“Call me!” is listed twice"),
        ("alone = [\"call\"", "alone = [\"…\"", "“…” has no words"),
        ("alone = [\"call\"", "alone = [\"please call\"", "“please call” is a request that holds"),
        ("alone = [\"call\"", "alone = [\"call #\"", "“call #” has a #"),
        ("  \"please\",", "  \"at noon\", \"please\",", "“at noon” is listed twice"),
    ] {
        assert!(TABLE.contains(old), "{old}");
        let error = read(&TABLE.replacen(old, new, 1)).map(|_| ()).expect_err(new).to_string();
        assert!(error.contains(want), "{new}: {error}");
    }
}

proptest! {
    #[test]
    fn garbage_is_read_without_harm(text in any::<String>(), noise in "[ -~\u{300}\u{7f}]{0,40}") {
            KEYWORDS.read(&text);
        KEYWORDS.read(&noise);
        KEYWORDS.read(&format!("call {noise}"));
    }

    #[test]
    fn a_request_after_other_words_does_not_ring(
        // Words of no language, and those that negate or report.
        before in "([a-z]{0,5}zq[a-z]{0,5}|I'll|don't|not|who said|te|no|je|ne|ich|nicht|eu|não|ti|non)( [a-z]{0,5}zq[a-z]{0,5}){0,3}",
        language in 0..LANGUAGES.len(),
        which in any::<prop::sample::Index>(),
    ) {
        let Messages { calls, calls_with_more, .. } = LANGUAGES[language];
        let requests = [calls, calls_with_more].concat();
        // A request that begins with a greeting or a time of its own still comes too late.
        let text = format!("{before} {}", requests[which.index(requests.len())]);
        prop_assert_eq!(KEYWORDS.read(&text), Keyword::None, "{}", text);
    }
}

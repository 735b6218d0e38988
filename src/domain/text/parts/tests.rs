//! Cuts, case by case and at random.

use proptest::prelude::*;

use super::*;

#[test]
fn a_text_is_cut_where_a_reader_pauses() {
    for (text, longest, want) in [
        ("", 10, vec![]),
        (" \n ", 2, vec![]),
        ("short", 5, vec!["short"]),
        // At the end of a sentence, the last that fits, also if its white space does not.
        ("One. Two. Three four.", 12, vec!["One. Two.", "Three four."]),
        ("Is it? Yes!\nGood. End", 11, vec!["Is it? Yes!", "Good. End"]),
        ("- one\n- two\n- three", 12, vec!["- one\n- two", "- three"]),
        ("一二三。四五六。", 5, vec!["一二三。", "四五六。"]),
        // No sentence's end: a number, an abbreviation before a small letter, an address.
        ("pi is 3.14159 or so", 12, vec!["pi is", "3.14159 or", "so"]),
        ("a tool, e.g. sed, helps", 14, vec!["a tool, e.g.", "sed, helps"]),
        ("see http://x.y/?q=1 now", 20, vec!["see http://x.y/?q=1", "now"]),
        // A sentence that leaves the piece nearly empty.
        ("Hi. This one is far too long for it", 16, vec!["Hi. This one is", "far too long for", "it"]),
        // Anywhere, if it must be.
        ("abcdefghij", 4, vec!["abcd", "efgh", "ij"]),
        ("abc defghijkl", 4, vec!["abc", "defg", "hijk", "l"]),
        ("  abcdef", 4, vec!["abcd", "ef"]),
        // ... but not within what is one character to the reader.
        ("aaae\u{301}b", 4, vec!["aaa", "e\u{301}b"]),
        ("a👩‍👩‍👧b", 5, vec!["a", "👩‍👩‍👧", "b"]),
        ("👩‍👩‍👧", 2, vec!["👩\u{200d}", "👩\u{200d}", "👧"]),
        // The white space at a cut goes, other stays.
        ("one   \n\n  two  2", 6, vec!["one", "two  2"]),
        ("one ", 3, vec!["one"]),
        ("ab", 0, vec!["a", "b"]),
    ] {
        assert_eq!(parts(text, longest), want, "{text:?} in pieces of {longest}");
    }
}

#[test]
fn a_variable_has_neither_lines_nor_wide_gaps() {
    for (text, want) in [
        ("one line", "one line"),
        (" a\nb\r\n\r\nc\td \u{2028} e\n", "a b c d e"),
        ("a    b     c", "a    b c"),
        ("", ""),
    ] {
        assert_eq!(template_variable(text), (want.to_owned(), None), "{text:?}");
    }
}

#[test]
fn what_no_variable_holds_is_kept_as_it_was_written() {
    let line = format!("{}\n\n", "x".repeat(98));
    let (kept, rest) = template_variable(&(line.repeat(9) + "The\tlast.\nOne."));
    assert_eq!((kept.len(), rest.as_deref()), (9 * 99 + 9, Some("One.")), "{kept}");
    let (kept, rest) = template_variable(&format!("{} tail", "x".repeat(900)));
    assert_eq!((kept.len(), rest.as_deref()), (900, Some("tail")));
    let (kept, rest) = template_variable(&"x".repeat(901));
    assert_eq!((kept.len(), rest.as_deref()), (900, Some("x")));
}

/// Sentences, lists, long words, marks that combine, gaps.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-zé]{1,12}",
        2 => "[.!?。] ?",
        4 => " ",
        1 => "[ \n\t\u{a0}]{1,8}",
        1 => "[a-z]{1,90}",
        1 => "[\u{301}\u{200d}👩🇩]{1,6}",
        1 => ".",
    ];
    prop::collection::vec(piece, 0..400).prop_map(|pieces| pieces.concat())
}

fn solid(text: &str) -> String {
    text.split_whitespace().collect()
}

proptest! {
    #[test]
    fn pieces_follow_each_other_with_nothing_but_white_space_between(text in any_text(), longest in 1..300_usize) {
        let pieces = parts(&text, longest);
        let mut rest = text.as_str();
        for piece in &pieces {
            prop_assert!((1..=longest).contains(&piece.chars().count()) && !piece.trim().is_empty(), "{:?}", piece);
            let begin = rest.find(piece.as_str());
            prop_assert!(begin.is_some_and(|begin| rest[..begin].trim().is_empty()), "{:?} in {:?}", piece, rest);
            rest = &rest[begin.unwrap_or_default() + piece.len()..];
        }
        prop_assert_eq!(rest.trim(), "");
    }

    #[test]
    fn words_that_fit_are_not_cut(text in "([a-zé.?!]{1,20}[ \n]{1,3}){0,80}", longest in 20..100_usize) {
        let cut = parts(&text, longest);
        let words: Vec<&str> = cut.iter().flat_map(|piece| piece.split_whitespace()).collect();
        prop_assert_eq!(words, text.split_whitespace().collect::<Vec<_>>());
    }

    #[test]
    fn a_variable_is_what_whatsapp_takes_and_nothing_is_lost(text in any_text()) {
        let (kept, rest) = template_variable(&text);
        prop_assert!(kept.chars().count() <= LONGEST_VARIABLE);
        prop_assert!(!kept.contains(|c: char| c.is_whitespace() && c != ' ') && !kept.contains("     "));
        prop_assert_eq!(kept.trim(), kept.as_str());
        prop_assert_eq!(solid(&kept) + &solid(rest.as_deref().unwrap_or_default()), solid(&text));
        prop_assert_eq!(rest.is_none(), runs(text.trim()).map(folded).collect::<String>().chars().count() <= LONGEST_VARIABLE);
    }
}

//! What must go, what may stay.

use proptest::prelude::*;

use super::{mask, masked_line};

#[test]
fn numbers_go_whichever_way_they_are_written() {
    for (text, want) in [
        ("+393331234567", "+…67"),
        ("The 'To' number +1234567 is not valid.", "The 'To' number +…67 is not valid."),
        ("whatsapp:+393331234567", "whatsapp:+…67"),
        ("39333\n1234\r\n567", "+…67"),
        ("39333%0A12345", "+…45"),
        ("To=%2B18005551212&From=%2b14158675310&Digits=1234", "To=+…12&From=+…10&Digits=1234"),
        ("+1 (415) 867-5309", "+…09"),
        ("call (415) 867.5309 now", "call (+…09 now"),
        ("00393331234567", "+…67"),
        ("+39\u{a0}333\u{2011}123\u{2011}4567", "+…67"),
        ("＋３９３３３１２３４５６７", "+…６７"),
        ("From=%2B39+333+1234567", "From=+…67"),
        ("333123\u{b}45\u{c}67", "+…67"),
        ("+39%20333%20123%204567", "+…67"),
        ("id1234567x", "id+…67x"),
        ("+2026-11-21", "+…21"),
        ("2026-11-21-4567", "+…67"),
        ("5 2026-11-21", "+…21"),
        ("recall-1-1795248000000", "recall-+…00"),
        ("call-1-393331234567", "call-+…67"),
        ("a +393331234567, b +393331234568", "a +…67, b +…68"),
    ] {
        assert_eq!(mask(text), want, "{text:?}");
    }
}

#[test]
fn urls_keys_and_tokens_go() {
    for (text, want) in [
        ("see https://user:pw@host/path?token=1 now", "see <url> now"),
        ("\"wss://host/media-stream/abcdef\"", "\"<url>\""),
        ("redis://:secret@host:6379", "<url>"),
        ("Url=https%3A%2F%2Fhost%2Ftwiml&x=1", "Url=<url>"),
        ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer …"),
        ("Incorrect API key provided: sk-proj-abc***xyz.", "Incorrect API key provided: sk-…"),
        ("token 0123456789abcdef0123456789abcdef", "token <token>"),
        ("ze0123456789abcdef0123456789abcdef9999999thread", "z<token>thread"),
        ("call 52 12345ddddddddddddddddddddddddddddd now", "call <token> now"),
        ("call 12345 5-0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA now", "call +…<token> now"),
        ("0123456789abcdef0123456789abcdefhttps://host/?key=1", "<token><url>"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "eyJ…"),
    ] {
        assert_eq!(mask(text), want, "{text:?}");
    }
}

#[test]
fn what_is_needed_to_find_a_thing_again_stays() {
    for text in [
        "",
        "No active call: call-1-1795248000000",
        "use continue_call with msg-12-1795248000000.",
        "CA01234567890123456789012345678901",
        "HTTP 404, code 21211",
        "error 63016 (status 400)",
        "2026-11-21",
        "2026-11-21T09:18:00.123456Z",
        "2026-11-21 09:18:00",
        "Fri, 21 Aug 2026 09:30:00 +0000",
        "at most 4096 characters; 180000 ms",
        "a basic understanding of 10.0.0.1",
    ] {
        assert_eq!(mask(text), text);
    }
}

#[test]
fn what_stands_between_the_halves_of_a_number_hides_it_on_no_line() {
    assert_eq!(masked_line("call 39333\u{1}12345\n67 me", 40), "call +…67 me");
    assert_eq!(masked_line("call +393331234567", 7), "call +…");
    assert_eq!(masked_line("on 2026-11-22", 12), "on +…12");
}

fn gap() -> impl Strategy<Value = &'static str> {
    prop_oneof![8 => Just(""), 1 => proptest::sample::select(vec![" ", "-", ".", " (", ") ", "%20", "\u{a0}", " - ", "/"])]
}

proptest! {
    #[test]
    fn no_number_survives_in_any_company(
        before in "[a-zA-Z:=&,; \"]{0,20}",
        prefix in proptest::sample::select(vec!["", "+", "%2B", "%2b", "whatsapp:+", "tel:+", "00", "+ ", "＋"]),
        digits in proptest::collection::vec((0u8..10, gap()), 7..16),
        after in "[a-zA-Z:=&,; \"]{0,20}",
    ) {
        let mut number = String::new();
        for (digit, gap) in digits {
            number.push_str(&digit.to_string());
            number.push_str(gap);
        }
        let number = number.trim_end_matches(|c: char| !c.is_ascii_digit());
        let number = number.strip_suffix("%20").unwrap_or(number);
        let masked = mask(&format!("{before}{prefix}{number}{after}"));
        let left = masked.chars().filter(char::is_ascii_digit).count();
        prop_assert!(left <= 2, "{masked:?}");
    }

    #[test]
    fn no_plus_and_seven_digits_survive_in_any_text(text in "[+%2B0-9 ().a-zA-Z:/-]{0,80}") {
        let masked = mask(&text);
        for (at, _) in masked.match_indices('+') {
            let run = masked[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
            prop_assert!(run < 7, "{text:?} -> {masked:?}");
        }
    }

    #[test]
    fn what_is_masked_stays_as_it_is(
        parts in proptest::collection::vec(
            prop_oneof![
                "[0-9]{1,9}",
                "[a-fA-F]{1,3}",
                "[a-fA-F]{26,33}",
                "[ .+/-]{1,5}",
                "(call-|msg-1-|2026-11-22|T09:18|sk-|Bearer |CA|x|:|%2B|http://a|…)",
            ],
            0..9,
        ),
    ) {
        let text = parts.concat();
        let masked = mask(&text);
        prop_assert_eq!(mask(&masked), masked.as_str(), "{:?}", text);
    }

    #[test]
    fn any_text_at_all_is_taken(text in "\\PC*") {
        let _ = mask(&text);
    }
}

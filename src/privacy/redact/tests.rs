//! What must go, what may stay.

use proptest::prelude::*;

use super::redact;

#[test]
fn what_a_stranger_could_use_goes() {
    for (text, want) in [
        ("use 4111 1111 1111 1111, please", "use <card>, please"),
        ("4111-1111-1111-1111 or 378282246310005", "<card> or <card>"),
        // No card, and a number all the same.
        ("4111 1111 1111 1112", "+…12"),
        ("mail jane.doe+x@mail.example.com.", "mail <email>."),
        ("jane%40example.com", "<email>"),
        ("ring 1234567 99@example.com", "ring +…67 <email>"),
        ("ring +39 333 123 4567", "ring +…67"),
        ("078-05-1120 is mine, 078 05 1120 too", "<ssn> is mine, <ssn> too"),
        ("sk-proj-abc123 and ghp_0123456789abcdef", "<key> and <key>"),
        ("AC0123456789abcdef0123456789abcdef", "<key>"),
        ("SK0123456789abcdef0123456789abcdef", "<key>"),
        ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer …"),
        ("the password: hunter2", "the password: …"),
        ("API_KEY=\"abc\"", "API_KEY=…"),
        ("deadbeef00112233 is its hash", "<key> is its hash"),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "<key>"),
        ("Zm9vYmFyYmF6cXV4MTIzNA==", "<key>"),
        ("see https://user:pw@host/path?token=1 now", "see <url> now"),
        ("see example.com/path?code=4&x=y now", "see example.com/path?… now"),
        ("3f2b8c1e-0000-4000-8000-3331a2345678", "<key>"),
    ] {
        assert_eq!(redact(text), want, "{text:?}");
    }
}

#[test]
fn what_words_are_about_stays() {
    for text in [
        "",
        "Shall I deploy? The build is green, 412 tests in 90 s.",
        "Yes, go on; at 18:30 on 2026-11-21.",
        "call-1-1795248000000 has ended, look at tests/it/writing/fallback.rs:120",
        "release-2026-11-candidate, branch feature/ask-the-person-first",
        "Does it work? Really?",
        "Gebäude 7, Zimmer 12: größer!",
        "AnIdentifierThatSomebodyLikes and another_one_of_that_kind",
    ] {
        assert_eq!(redact(text), text);
    }
}

/// The check digit that makes a card's number of these digits.
fn card(digits: &[u8]) -> String {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(n, digit)| {
            let value = u32::from(*digit) * if n % 2 == 0 { 2 } else { 1 };
            value / 10 + value % 10
        })
        .sum();
    let all: String = digits.iter().map(u8::to_string).collect();
    format!("{all}{}", (10 - sum % 10) % 10)
}

/// In groups of four, as it stands on the card.
fn grouped(number: &str, gap: &str) -> String {
    let groups = number.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join(gap)
}

fn secret() -> impl Strategy<Value = String> {
    let gap = || proptest::sample::select(vec!["", " ", "-"]);
    let digits = proptest::collection::vec(0u8..10, 12..=18);
    prop_oneof![
        (digits, gap()).prop_map(|(digits, gap)| grouped(&card(&digits), gap)),
        "[a-z0-9]{1,10}([.+_-][a-z0-9]{1,6})?@[a-z0-9]{1,10}(-[a-z]{1,4})?\\.(com|co\\.uk|example)",
        (gap(), "\\+?[1-9][0-9]{2}", "[0-9]{3}", "[0-9]{4,6}").prop_map(|(gap, a, b, c)| [a, b, c].join(gap)),
        "[0-9]{3}-[0-9]{2}-[0-9]{4}",
        "sk-[A-Za-z0-9]{20,48}",
        "(AC|SK)[0-9a-f]{32}",
        "Bearer [A-Za-z0-9]{16,40}",
        "[0-9a-f]{8}[0-9][a-f][0-9a-f]{8,40}",
        "[A-Za-z0-9+/]{10}[a-z][0-9][A-Z][A-Za-z0-9+/]{10,40}={0,2}",
    ]
}

/// What is left of a secret that can be read: its longest piece that still stands there.
fn longest_left(secret: &str, redacted: &str) -> usize {
    // That there was a bearer is no secret.
    let secret: Vec<char> = secret.trim_start_matches("Bearer ").chars().filter(|c| c.is_alphanumeric()).collect();
    let redacted: String = redacted.chars().filter(|c| c.is_alphanumeric()).collect();
    let is_left =
        |length: &usize| secret.windows(*length).any(|piece| redacted.contains(&piece.iter().collect::<String>()));
    (1..=secret.len()).rev().find(is_left).unwrap_or_default()
}

/// Words of people, and signs that bind a secret to none of them.
fn company() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        proptest::sample::select(vec![
            "please", "use", "the card", "Zimmer", "42", "at 9", "größer", "(", ")", ",", ": ", "\"", "\n", "?", "!",
            "=", "&", "12 34", "<", ">", "…", "日本",
        ]),
        0..6,
    )
    .prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn no_secret_survives_in_any_company(before in company(), secret in secret(), after in company()) {
        let redacted = redact(&format!("{before} {secret} {after}"));
        // Six characters of seven or more: what two digits and a word of the company may look like by chance.
        let left = longest_left(&secret, &redacted.replace(&before, "").replace(&after, ""));
        prop_assert!(left <= 6 && !redacted.contains(&secret), "{secret:?} -> {redacted:?}");
    }

    #[test]
    fn nothing_is_left_to_take(before in "\\PC{0,40}", secret in secret(), after in "\\PC{0,40}") {
        let once = redact(&format!("{before}{secret}{after}"));
        prop_assert_eq!(redact(&once), once);
    }

    #[test]
    fn plain_words_stay(text in "([a-zA-Zäöü]{1,14}[,.;:!?]? ([0-9]{1,4} [a-z]{1,5} )?){0,12}") {
        prop_assert_eq!(redact(&text), text);
    }
}

//! Numbers, keys and URLs in the sentences of others. The input: what stands before and behind them.

#![no_main]

use callme::privacy::mask;
use callme_fuzz::{choice, numbers, tells_the_person};
use libfuzzer_sys::fuzz_target;

/// Ways to write the person's number.
const WRITTEN: [&str; 8] = [
    "+393331234567",
    "%2B393331234567",
    "00393331234567",
    "+39 333 123 45 67",
    "(333) 123-4567",
    "333.123.4567",
    "+39\u{a0}333\u{2011}123\u{2011}4567",
    "whatsapp:+393331234567",
];

/// What keeps it apart from its surroundings.
const APART: [&str; 4] = [" ", "\"", "\n", ", "];

/// Secrets as providers quote them.
const SECRETS: [&str; 4] = [
    "sk-proj-abcdefghijkl",
    "Bearer abcdefgh.ijklmnop",
    "https://user:hunter22@host/path?token=abcdefgh",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
];

/// What of them must not be left.
const TELLING: [&str; 4] = ["abcdefgh", "ijklmnop", "hunter22", "456789abcdef0123"];

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let choice = choice(data);
    let (before, behind) = text.split_at(text.floor_char_boundary(choice / 64 % (text.len() + 1)));
    let apart = APART[choice / 8 % APART.len()];

    let masked = mask(&text);
    assert!(!tells_the_person(&masked), "{masked:?}");
    // A plus sign and digits are a number, whatever stands around them.
    for (at, _) in masked.match_indices('+') {
        let digits = masked[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        assert!(digits < 7, "{masked:?}");
    }

    let number = WRITTEN[choice % WRITTEN.len()];
    let masked = mask(&format!("{before}{apart}{number}{apart}{behind}"));
    assert!(!tells_the_person(&masked), "{masked:?}");

    let secret = SECRETS[choice % SECRETS.len()];
    if !TELLING.iter().any(|part| text.contains(part)) {
        let masked = mask(&format!("{before}{apart}{secret}{apart}{behind}"));
        assert!(!TELLING.iter().any(|part| masked.contains(part)), "{masked:?}");
    }

    // A text without six digits and without a secret's beginning has nothing to hide.
    let few = numbers(&text).iter().all(String::is_empty) && !text.contains([':', '-', '%']);
    let words = text.to_lowercase();
    if few
        && !["bearer", "basic", "eyj", "\u{ff0b}"].iter().any(|word| words.contains(word))
        && !text.contains(char::is_numeric)
    {
        assert!(text.bytes().filter(u8::is_ascii_hexdigit).count() >= 32 || mask(&text) == text, "{text:?}");
    }
});

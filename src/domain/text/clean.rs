//! What a carrier delivers, without what no person types: controls, terminal sequences, and marks that turn text around.

use std::iter::Peekable;
use std::str::Chars;

const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';
/// Ends the string of an OSC or DCS sequence, in its 8-bit form; `ESC \` is the 7-bit one.
const STRING_END: char = '\u{9c}';

/// The text without controls (tab, LF and CR stay), whole ANSI sequences, and invisible marks of direction or identity.
///
/// A sequence that never ends takes only its introducer along: a program would wait for more, but these are a person's
/// words, and none of them may vanish behind a stray `ESC ]`.
pub(super) fn clean(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ESCAPE => skip_escape(&mut rest),
            '\u{80}'..='\u{9f}' => skip_sequence(c, &mut rest),
            c if is_forbidden(c) => {}
            c => kept.push(c),
        }
    }
    kept
}

/// What clean text never holds: C0 except tab, LF and CR; DEL; C1; and marks that are not seen but turn text around, hide
/// in it or name its language.
fn is_forbidden(c: char) -> bool {
    let control = c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    let mark = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    );
    control || mark
}

/// What an `ESC` begins (ECMA-35 and ECMA-48). One that begins nothing is dropped alone.
fn skip_escape(rest: &mut Peekable<Chars<'_>>) {
    match rest.peek().copied() {
        // Two characters that stand for one of C1.
        Some(c @ '@'..='_') => {
            rest.next();
            // '@' stands for U+0080.
            skip_sequence(char::from(c as u8 + 0x40), rest);
        }
        // A choice of character sets: any number of intermediates, then one more.
        Some(' '..='/') => {
            skip_while(rest, ' '..='/');
            rest.next_if(|c| ('0'..='~').contains(c));
        }
        Some('0'..='~') => _ = rest.next(),
        _ => {}
    }
}

/// What a character of C1 begins; most are whole in themselves.
fn skip_sequence(introducer: char, rest: &mut Peekable<Chars<'_>>) {
    match introducer {
        // CSI: parameters, intermediates, a final character.
        '\u{9b}' => {
            skip_while(rest, '0'..='?');
            skip_while(rest, ' '..='/');
            rest.next_if(|c| ('@'..='~').contains(c));
        }
        // DCS, SOS, OSC, PM, APC: a string up to its end.
        '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(rest),
        _ => {}
    }
}

/// Skips a string with its end, if that comes on this line and before another control sequence: then no text, however made,
/// is looked through more than twice. Only an OSC may end with a bell by the books; terminals are not that strict.
fn skip_string(rest: &mut Peekable<Chars<'_>>) {
    let mut ahead = rest.clone();
    while let Some(c) = ahead.next() {
        match c {
            BELL | STRING_END => return *rest = ahead,
            ESCAPE if ahead.next_if_eq(&'\\').is_some() => return *rest = ahead,
            ESCAPE | '\n' | '\r' | '\u{80}'..='\u{9f}' => return,
            _ => {}
        }
    }
}

fn skip_while(rest: &mut Peekable<Chars<'_>>, these: std::ops::RangeInclusive<char>) {
    while rest.next_if(|c| these.contains(c)).is_some() {}
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_a_person_types_is_left() {
        for (raw, want) in [
            ("plain, with ünïcödé, 漢字 and 👩‍👩‍👧", "plain, with ünïcödé, 漢字 and 👩‍👩‍👧"),
            ("tab\tline\r\nnext", "tab\tline\r\nnext"),
            ("nul\0bell\u{7}back\u{8}del\u{7f}", "nulbellbackdel"),
            ("next\u{85}line\u{a0}kept", "nextline\u{a0}kept"),
            // CSI, both introducers.
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{9b}1;31mred\u{9b}m", "red"),
            ("\u{1b}[?25lhidden\u{1b}[2 q", "hidden"),
            // OSC with each end.
            ("a\u{1b}]0;title\u{7}b", "ab"),
            ("a\u{1b}]8;;https://example.com\u{1b}\\link\u{1b}]8;;\u{1b}\\b", "alinkb"),
            ("a\u{9d}0;title\u{9c}b", "ab"),
            // DCS, SOS, PM, APC.
            ("a\u{1b}Pq#0\u{1b}\\b\u{90}x\u{9c}c\u{1b}Xs\u{9c}d\u{1b}^p\u{9c}e\u{1b}_a\u{1b}\\f", "abcdef"),
            // Two and three characters.
            ("a\u{1b}cb\u{1b}7c\u{1b}(Bd\u{1b}Ee", "abcde"),
            // Cut off: the introducer goes, the words stay.
            ("\u{1b}", ""),
            ("end\u{1b}[", "end"),
            ("\u{1b}[3€", "€"),
            ("\u{1b}\u{1b}[31mred", "red"),
            ("\u{1b}]0;please call me back", "0;please call me back"),
            ("\u{9d}one\ntwo\u{7}", "one\ntwo"),
            ("\u{9d}one\u{9d}two\u{7}", "one"),
            ("\u{1b}]one\u{1b}[1mtwo\u{7}", "onetwo"),
            // Marks nobody sees.
            (
                "a\u{61c}b\u{200e}c\u{200f}d\u{202a}e\u{202e}f\u{2066}g\u{2069}h\u{feff}i\u{e0001}j\u{e007f}k",
                "abcdefghijk",
            ),
            // Joiners make emoji and Persian words; they stay.
            ("\u{200b}\u{200c}\u{200d}\u{2060}", "\u{200b}\u{200c}\u{200d}\u{2060}"),
        ] {
            assert_eq!(clean(raw), want, "{raw:?}");
        }
    }

    /// Any text, with what sequences are made of more often than chance has it.
    fn any_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => any::<char>().prop_map(String::from),
            2 => "[ -~\n]",
            2 => "[\u{1b}\u{7}\u{9b}\u{9d}\u{9c}\u{202e}]|\\[|]|P|\\\\",
            1 => "[\0-\u{a0}]",
        ];
        prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn nothing_forbidden_comes_out(text in any_text()) {
            prop_assert!(!clean(&text).contains(is_forbidden));
        }

        #[test]
        fn cleaning_twice_is_cleaning_once(text in any_text()) {
            let once = clean(&text);
            prop_assert_eq!(clean(&once), once);
        }

        #[test]
        fn clean_text_is_left_as_it_is(text in any_text()) {
            let text = text.replace(is_forbidden, "");
            prop_assert_eq!(clean(&text), text);
        }

        #[test]
        fn words_outside_sequences_stay(text in "[ -~é漢\n]{0,40}", stray in "\u{1b}\\]|\u{9d}|\u{90}|\u{1b}P|\0|\u{202e}") {
            prop_assert_eq!(clean(&format!("{stray}{text}")), text);
        }
    }
}

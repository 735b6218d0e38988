//! Texts too long for one message: cut where a reader would pause.

use std::iter;

use unicode_segmentation::UnicodeSegmentation;

/// The longest variable of a template, in characters. WhatsApp allows a whole body of 1,024; the rest is for the template's
/// own words.
pub const LONGEST_VARIABLE: usize = 900;

/// WhatsApp refuses a variable with more spaces in a row.
const MOST_SPACES: usize = 4;

/// The text in pieces of at most `longest` characters (at least one), in order: cut at ends of sentences, else at white
/// space, else anywhere but within what is one character to a reader. Nothing is lost but the white space at the cuts; a
/// blank text has no pieces.
pub fn parts(text: &str, longest: usize) -> Vec<String> {
    let mut rest = (!text.trim().is_empty()).then_some(text);
    iter::from_fn(|| {
        let (piece, left) = cut(rest?, longest);
        rest = left;
        Some(piece.to_owned())
    })
    .collect()
}

/// What of a text goes into a template's variable, and what is to be sent later. White space that WhatsApp refuses there
/// (line breaks, tabs, more than four spaces in a row) becomes single spaces; at most [`LONGEST_VARIABLE`] characters are
/// kept, up to the end of a sentence or a word. The rest is as it was written: a free-form text may have lines.
pub fn template_variable(text: &str) -> (String, Option<String>) {
    let text = text.trim();
    let (kept, rest) = cut(text, fitting(text));
    (runs(kept).map(folded).collect(), rest.map(str::to_owned))
}

/// The first piece of a text, and what remains, unless that is blank. A text that fits is one piece, blank or not.
fn cut(text: &str, longest: usize) -> (&str, Option<&str>) {
    let longest = longest.max(1);
    // The first character that is one too many.
    let Some((end, _)) = text.char_indices().nth(longest) else { return (text, None) };
    let at = sentence_end(text, end, longest / 2).unwrap_or_else(|| word_end(text, end));
    let (piece, rest) = (text[..at].trim_end(), text[at..].trim_start());
    match (piece.is_empty(), rest.is_empty()) {
        (true, _) => cut(rest, longest),
        (false, true) => (piece, None),
        (false, false) => (piece, Some(rest)),
    }
}

/// Where the last sentence ends that fits before the byte `end`, white space not counted. One that ends before `fewest`
/// characters does not count: "Hi." is no piece when what follows is one long sentence.
///
/// Unicode also ends a sentence at the question mark within an address: where no white space follows, only the stops of
/// scripts that are written without any count (`。`).
fn sentence_end(text: &str, end: usize, fewest: usize) -> Option<usize> {
    text.split_sentence_bound_indices()
        .map(|(begin, sentence)| (begin + sentence.trim_end().len(), sentence))
        .take_while(|(at, _)| *at <= end)
        .filter(|(_, sentence)| {
            sentence.ends_with(|c: char| c.is_whitespace() || !(c.is_ascii() || c.is_alphanumeric()))
        })
        .map(|(at, _)| at)
        .last()
        .filter(|at| text[..*at].chars().count() >= fewest)
}

/// Where the last word ends that fits; within a word that does not fit by itself, where its last character ends that does,
/// as a reader counts characters; within one of those that does not, right before `end`.
fn word_end(text: &str, end: usize) -> usize {
    if text[end..].starts_with(char::is_whitespace) {
        return end;
    }
    let character = || text.grapheme_indices(true).map(|(begin, _)| begin).take_while(|at| *at <= end).last();
    text[..end].rfind(char::is_whitespace).or_else(character).filter(|at| *at > 0).unwrap_or(end)
}

/// How many characters of a text make [`LONGEST_VARIABLE`] once its white space is folded.
fn fitting(text: &str) -> usize {
    let (mut room, mut fit) = (LONGEST_VARIABLE, 0);
    for run in runs(text) {
        let left = folded(run).chars().count();
        if left > room {
            return fit + room;
        }
        room -= left;
        fit += run.chars().count();
    }
    fit
}

/// A text as its words and the white space between them.
fn runs(mut text: &str) -> impl Iterator<Item = &str> {
    iter::from_fn(move || {
        let blank = text.chars().next()?.is_whitespace();
        let (run, rest) = text.split_at(text.find(|c: char| c.is_whitespace() != blank).unwrap_or(text.len()));
        text = rest;
        Some(run)
    })
}

/// A run as a template's variable may have it.
fn folded(run: &str) -> &str {
    let plain = run.len() <= MOST_SPACES && run.bytes().all(|byte| byte == b' ');
    if plain || !run.starts_with(char::is_whitespace) { run } else { " " }
}

#[cfg(test)]
mod tests;

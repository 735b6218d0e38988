//! Texts in pieces.

/// Pieces of at most `longest` characters.
pub fn parts(text: &str, longest: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(longest).map(|piece| piece.iter().collect()).collect()
}

/// A template's variable, and what it has no room for.
pub fn template_variable(text: &str) -> (String, Option<String>) {
    let flat: Vec<char> = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().collect();
    let rest: String = flat.iter().skip(900).collect();
    (flat.iter().take(900).collect(), (!rest.is_empty()).then_some(rest))
}

//! Which modules a source text names: a reader of Rust's tokens and of `use` trees, no more than the row test needs.

/// A path of this crate that a text names, from the crate's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) path: Vec<String>,
    /// Line of the path's last segment, counted from 1.
    pub(super) line: usize,
}

/// Every path in `text`, the text of `module`, that begins with `crate`, `$crate`, the library's own name, or `super`
/// where that leaves the top-level module. Paths that end at the crate's root (`crate::*`) have no segments.
pub(super) fn named_modules(module: &[String], text: &str) -> Vec<Named> {
    let tokens = tokens(text);
    let mut reader = Reader { tokens: &tokens, at: 0, found: Vec::new() };
    // The module around: the file's, then one for each `mod x {` that is open, with the brace depth it closes at.
    let (mut here, mut inner, mut depth) = (module.to_vec(), Vec::new(), 0_usize);
    while let Some(token) = reader.peek(0) {
        let starts = !reader.follows("::") || reader.opens_global();
        match token {
            "mod" if reader.peek(2) == Some("{") => {
                here.push(reader.peek(1).unwrap_or_default().to_owned());
                inner.push(depth);
                reader.at += 1;
            }
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                if inner.last() == Some(&depth) {
                    inner.pop();
                    here.pop();
                }
            }
            "crate" if starts && matches!(reader.peek(1), Some("::" | "as")) => {
                reader.at += 1;
                reader.tree(Vec::new());
                continue;
            }
            "callme" if starts && reader.peek(1) == Some("::") => {
                reader.at += 1;
                reader.tree(Vec::new());
                continue;
            }
            "super" | "self" if starts && reader.peek(1) == Some("::") => {
                // `tree` takes a `super` off what it is given.
                if token == "self" {
                    reader.at += 1;
                }
                reader.tree(here.clone());
                continue;
            }
            _ => {}
        }
        reader.at += 1;
    }
    reader.found
}

struct Reader<'a> {
    tokens: &'a [(String, usize)],
    at: usize,
    found: Vec<Named>,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<&str> {
        self.tokens.get(self.at + ahead).map(|(token, _)| token.as_str())
    }

    fn follows(&self, token: &str) -> bool {
        self.at > 0 && self.tokens[self.at - 1].0 == token
    }

    /// At the first name of `::name`, which is not the middle of a path.
    fn opens_global(&self) -> bool {
        self.at >= 2 && matches!(self.tokens[self.at - 2].0.as_str(), "use" | "(" | "<" | "{" | "," | "=" | "&" | ";")
    }

    /// Reads on from a path's first segments, through braces; notes each path that ends.
    fn tree(&mut self, mut path: Vec<String>) {
        let line = |reader: &Self| reader.tokens[reader.at.clamp(1, reader.tokens.len()) - 1].1;
        loop {
            match self.peek(0) {
                Some("super") => {
                    path.pop();
                    self.at += 1;
                }
                Some("::" | "self" | "*") => self.at += 1,
                Some("{") => {
                    self.at += 1;
                    while !matches!(self.peek(0), None | Some("}")) {
                        if self.peek(0) == Some(",") {
                            self.at += 1;
                        } else {
                            let before = self.at;
                            self.tree(path.clone());
                            // What is no tree (a renamed end, or no `use` at all) is stepped over.
                            self.at += usize::from(self.at == before);
                        }
                    }
                    self.at += 1;
                    return;
                }
                Some(name) if is_name(name) && name != "as" => {
                    path.push(name.to_owned());
                    self.at += 1;
                }
                _ => break,
            }
            // Without a `::` the path ends here.
            if !self.follows("::") && self.peek(0) != Some("::") {
                break;
            }
        }
        self.found.push(Named { path, line: line(self) });
        if self.peek(0) == Some("as") {
            self.at += 2;
        }
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c == '_' || c.is_alphabetic())
}

/// Names, `::` and single signs, each with its line. Comments, strings, characters and lifetimes are left out.
fn tokens(text: &str) -> Vec<(String, usize)> {
    let chars: Vec<char> = text.chars().collect();
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    let get = |at: usize| chars.get(at).copied().unwrap_or('\0');
    while at < chars.len() {
        let begin = at;
        match (get(at), get(at + 1)) {
            ('/', '/') => at += chars[at..].iter().take_while(|&&c| c != '\n').count(),
            ('/', '*') => at = after_block_comment(&chars, at),
            ('"', _) => at = after_string(&chars, at),
            ('\'', _) => at = after_quote(&chars, at),
            (':', ':') => {
                found.push(("::".to_owned(), line));
                at += 2;
            }
            (c, _) if c == '_' || c.is_alphanumeric() => {
                at += chars[at..].iter().take_while(|c| **c == '_' || c.is_alphanumeric()).count();
                let word: String = chars[begin..at].iter().collect();
                let hashes = chars[at..].iter().take_while(|&&c| c == '#').count();
                match word.as_str() {
                    "r" | "br" | "cr" if get(at + hashes) == '"' => at = after_raw_string(&chars, at, hashes),
                    // A raw identifier: the name follows.
                    "r" if hashes == 1 => at += 1,
                    // The prefix of a string or character, which follows.
                    "b" | "c" if matches!(get(at), '"' | '\'') => {}
                    _ => found.push((word, line)),
                }
            }
            (c, _) => {
                if !c.is_whitespace() {
                    found.push((c.to_string(), line));
                }
                at += 1;
            }
        }
        at = at.min(chars.len());
        line += chars[begin..at].iter().filter(|&&c| c == '\n').count();
    }
    found
}

fn after_block_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn after_string(chars: &[char], begin: usize) -> usize {
    let mut at = begin + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn after_raw_string(chars: &[char], begin: usize, hashes: usize) -> usize {
    let mut at = begin + hashes + 1;
    while at < chars.len() {
        let closing = chars[at] == '"' && chars[at + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes;
        at += 1;
        if closing {
            return at + hashes;
        }
    }
    at
}

/// After a character, or after the sign alone where it opens a lifetime.
fn after_quote(chars: &[char], begin: usize) -> usize {
    match (chars.get(begin + 1), chars.get(begin + 2)) {
        (Some('\\'), _) => {
            let end = chars.iter().skip(begin + 3).position(|&c| c == '\'');
            end.map_or(chars.len(), |end| begin + 3 + end + 1)
        }
        (Some(_), Some('\'')) => begin + 3,
        _ => begin + 1,
    }
}

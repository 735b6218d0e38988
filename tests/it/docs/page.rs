//! A page of Markdown, as far as it names things: its headings, its links and its code.

use std::collections::BTreeSet;

/// A page.
#[derive(Debug)]
pub(super) struct Page {
    /// Where it lies, from the root of the repository.
    pub(super) path: String,
    pub(super) text: String,
}

impl Page {
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The lines in fenced blocks, and those outside of them.
    fn parts(&self) -> (Vec<&str>, Vec<&str>) {
        let (mut fenced, mut prose, mut inside) = (Vec::new(), Vec::new(), false);
        for line in self.text.lines() {
            if line.trim_start().starts_with("```") {
                inside = !inside;
            } else if inside {
                fenced.push(line);
            } else {
                prose.push(line);
            }
        }
        (fenced, prose)
    }

    /// What its headings are linked to by. A second one of a name is counted.
    pub(super) fn headings(&self) -> BTreeSet<String> {
        let mut slugs = BTreeSet::new();
        for line in self.parts().1 {
            let title = line.trim_start_matches('#');
            if title.len() == line.len() || !title.starts_with(' ') {
                continue;
            }
            let slug = slug(title.trim());
            let counted = (1..1000).map(|n| format!("{slug}-{n}")).find(|name| !slugs.contains(name));
            slugs.insert(if slugs.contains(&slug) { counted.unwrap_or_default() } else { slug });
        }
        slugs
    }

    /// Where its links and images lead.
    pub(super) fn links(&self) -> Vec<String> {
        let prose = self.parts().1.join("\n");
        let targets = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
        targets.map(str::to_owned).collect()
    }

    /// The lines of its code, those that go on in the next one made whole, and whether it stands in a sentence.
    pub(super) fn code(&self) -> Vec<(String, bool)> {
        let (fenced, prose) = self.parts();
        let trimmed: Vec<&str> = fenced.iter().map(|line| line.trim()).collect();
        let whole = trimmed.join("\n").replace(" \\\n", " ");
        let lines = whole.lines().map(|line| (line.to_owned(), false));
        let prose = prose.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n");
        let spans = prose.split("\n\n").flat_map(|paragraph| {
            let parts: Vec<String> = paragraph.split('`').map(|part| part.replace('\n', " ")).collect();
            parts.into_iter().skip(1).step_by(2).collect::<Vec<_>>()
        });
        lines.chain(spans.map(|span| (span, true))).collect()
    }
}

/// What a heading is linked to by: its letters, digits and hyphens in lower case, with hyphens for spaces.
pub(super) fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// What stands behind the name of the program, wherever a line runs it, word by word.
pub(super) fn runs(line: &str) -> Vec<Vec<String>> {
    // What stands far to the right is a remark.
    let words = words(line.trim_start_matches(['#', ' ']).split("   ").next().unwrap_or_default());
    let is_callme = |n: usize| match words[n].as_str() {
        // `cargo run … -- demo`, and nothing that is an example.
        "--" => words.starts_with(&["cargo".to_owned(), "run".to_owned()]) && !words.contains(&"--example".to_owned()),
        // Named to another program, it is a file.
        _ if words[0] == "node" => false,
        word => word.rsplit(['/', '(', '=']).next() == Some("callme"),
    };
    let until_the_end = |from: usize| {
        let words = words[from..].iter().take_while(|word| ![";", "#"].contains(&word.as_str()));
        // `N` stands for a number.
        words.map(|word| if word == "N" { "100".to_owned() } else { word.clone() }).collect()
    };
    (0..words.len()).filter(|n| is_callme(*n)).map(|n| until_the_end(n + 1)).collect()
}

/// A line, as a shell would cut it into words. What joins two commands is a word of its own.
fn words(line: &str) -> Vec<String> {
    let (mut all, mut last, mut quote) = (Vec::new(), None::<String>, None);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => last.get_or_insert_default().push(letter),
            (None, '"' | '\'') => {
                quote = Some(letter);
                last.get_or_insert_default();
            }
            (None, ' ') => all.extend(last.take()),
            (None, '|' | ';' | '&' | '>' | '<' | '`' | ')') => {
                all.extend(last.take());
                all.push(";".to_owned());
            }
            (None, _) => last.get_or_insert_default().push(letter),
        }
    }
    all.extend(last);
    all
}

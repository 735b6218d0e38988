//! `docs/LOGGING.md`, held: each field that a log line carries is in it and no other, and the times in it are those in the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
const COLUMNS: [&str; 5] = ["Place", "What lies there", "How long", "In code", "How it is deleted"];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default()
}

fn page() -> String {
    read("docs/LOGGING.md")
}

/// The server's sources, without what is there for tests only.
fn sources() -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the sources are there") {
            let path: PathBuf = entry.expect("they can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("tests.rs") && !path.components().any(|part| part.as_os_str() == "tests") {
                files.push(path);
            }
        }
    }
    let text = |file: &PathBuf| fs::read_to_string(file).expect("a source is text");
    files
        .iter()
        .map(|file| text(file).split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned())
        .collect()
}

/// The fields of all lines that a source writes.
fn fields(source: &str) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    for level in LEVELS {
        for call in source.split(&format!("tracing::{level}!(")).skip(1) {
            for argument in arguments(call) {
                // The message is the first that is a text; what comes after it is put into it.
                if argument.starts_with('"') {
                    break;
                }
                let name = argument.split('=').next().unwrap_or_default();
                fields.insert(name.trim().trim_start_matches(['%', '?']).to_owned());
            }
        }
    }
    fields
}

/// The arguments of a macro, whose opening parenthesis is before `text`.
fn arguments(text: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let (mut all, mut last) = (Vec::new(), String::new());
    for letter in text.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted && depth > 0 => depth -= 1,
            ')' if !quoted => break,
            ',' if !quoted && depth == 0 => {
                all.push(std::mem::take(&mut last).trim().to_owned());
                continue;
            }
            _ => {}
        }
        last.push(letter);
    }
    all.push(last.trim().to_owned());
    all.retain(|argument| !argument.is_empty());
    all
}

/// The rows of the table that begins with these columns.
fn rows<'a>(page: &'a str, columns: &[&str]) -> Vec<Vec<&'a str>> {
    let cells = |line: &'a str| line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>();
    let lines = page.lines().skip_while(|line| cells(line) != columns).skip(2);
    lines.take_while(|line| line.starts_with('|')).map(cells).collect()
}

/// What stands between backticks.
fn named(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// How many seconds it is, as a page says it.
fn said(how_long: &str) -> Option<u64> {
    let mut words = how_long.split_whitespace();
    let number: u64 = words.next()?.parse().ok()?;
    let unit = match words.next()?.trim_end_matches(',') {
        "s" => 1,
        "min" => 60,
        "h" => 3600,
        _ => return None,
    };
    Some(number * unit)
}

/// How many seconds it is in the code: the default of a setting, or a constant of a file.
fn meant(in_code: &str) -> Option<u64> {
    match named(in_code)[..] {
        [setting] => {
            let table = read("src/config/variables.rs");
            let default = table.split(&format!("\"{setting}\",")).nth(1)?.split('"').nth(1)?.parse::<u64>().ok()?;
            Some(default * if setting.ends_with("_HOURS") { 3600 } else { 1 })
        }
        [file, constant] => {
            let source = read(file);
            let value = source.split(&format!("const {constant}: Duration = Duration::from_")).nth(1)?;
            let (unit, value) = value.split_once('(')?;
            let unit = match unit {
                "secs" => 1,
                "mins" => 60,
                "hours" => 3600,
                _ => return None,
            };
            let factors = value.split(')').next()?.split('*').map(|factor| factor.trim().parse::<u64>().ok());
            Some(factors.collect::<Option<Vec<_>>>()?.iter().product::<u64>() * unit)
        }
        _ => None,
    }
}

/// What is wrong with the times of a page.
fn faults(page: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for row in rows(page, &COLUMNS) {
        let [place, what, how_long, in_code, deleted] = row[..] else {
            faults.push(format!("{row:?} has other columns"));
            continue;
        };
        if [place, what, how_long, in_code, deleted].contains(&"") {
            faults.push(format!("{place}: a column is empty"));
        }
        if in_code != "–" && (meant(in_code).is_none() || said(how_long) != meant(in_code)) {
            faults.push(format!("{place}: {how_long}, but {in_code} is {:?} s", meant(in_code)));
        }
    }
    faults
}

#[test]
fn each_field_that_a_line_carries_is_explained_and_no_other() {
    let page = page();
    let told: BTreeSet<String> =
        rows(&page, &["field", "what it is"]).iter().flat_map(|row| named(row[0])).map(str::to_owned).collect();
    let carried: BTreeSet<String> = sources().iter().flat_map(|source| fields(source)).collect();
    assert!(!carried.is_empty(), "there are lines");
    assert_eq!(told, carried);
}

#[test]
fn each_place_has_its_time_and_that_is_the_one_in_the_code() {
    let page = page();
    let places: Vec<&str> = rows(&page, &COLUMNS).iter().map(|row| row[0]).collect();
    for place in
        ["Log", "History", "Journal", "Request keys", "Opt-outs", "Seen ids", "Blocks", "Carrier", "Speech provider"]
    {
        assert!(places.contains(&place), "{place} is missing among {places:?}");
    }
    assert_eq!(faults(&page), [""; 0]);
}

#[test]
fn another_time_and_a_field_that_nobody_explained_are_found() {
    let page = page();
    for (change, into, fault) in [
        ("| 48 h after", "| 47 h after", "History: 47 h"),
        ("| 72 h |", "| 72 min |", "Seen ids: 72 min"),
        ("`SEEN`", "`SEEM`", "Seen ids: 72 h"),
        ("| 300 s |", "| 301 s |", "Blocks: 301 s"),
        ("| 744 h after", "|  | 744 h after", "has other columns"),
    ] {
        let faults = faults(&page.replacen(change, into, 1));
        assert!(faults.len() == 1 && faults[0].contains(fault), "{change}: {faults:?}");
    }
    let line = r#"tracing::warn!(call.id = %id, ?class, code, error = f(1, "a"), "a sentence, with {x}", x = other)"#;
    assert_eq!(fields(line).into_iter().collect::<Vec<_>>(), ["call.id", "class", "code", "error"]);
}

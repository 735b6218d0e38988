//! The row table, held: no module names a module above it or beside it.
//!
//! Reads every file under `src` and looks at each path that begins with `crate` or leaves its module by `super`, in `use`
//! trees and in code alike. `main.rs` wires everything and is free; so is a file `tests.rs`. Tests inside a file are not.

mod paths;

use std::fs;
use std::path::{Path, PathBuf};

use paths::{Named, named_modules};

/// What stands where. A module not listed belongs to its parent, so what is listed twice (`provider`, `provider::*`) is
/// a port and its adapters: `*` stands for each child module that is not listed itself.
///
/// In rows 0 and 1 a module may also name what stands to its left: values are made of values.
const ROWS: [&[&str]; 7] = [
    &["clock", "ids", "limit", "metrics", "phone_number", "privacy", "written"],
    &[
        "audio",
        "domain",
        "provider",
        "provider::calls",
        "provider::desk",
        "provider::frames",
        "provider::public_url",
        "provider::rest",
        "provider::sms",
        "provider::words",
        "store",
        "store::record",
        "store::memory",
        "store::durable",
    ],
    &["provider::*", "store::*"],
    &["media", "session"],
    &["service"],
    &["http", "mcp"],
    &["telemetry", "config", "emulator", "app", "cli"],
];

/// Rows whose modules may name each other from right to left.
const ORDERED: std::ops::RangeInclusive<usize> = 0..=1;

/// The shell: its modules may name each other, ...
const SHELL: usize = 6;

/// ... but the emulator stands outside the server and speaks to it only over sockets: beside itself it knows rows 0-1.
const OUTSIDER: &str = "emulator";
const OUTSIDER_KNOWS: std::ops::RangeInclusive<usize> = 0..=1;

/// A module of the table: the path it is known by, its row, and its place in the row.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    unit: String,
    row: usize,
    column: usize,
}

/// The source tree as the rule sees it.
struct Tree {
    /// Module path (`["provider", "twilio"]`, empty for `lib.rs`), file name to show, text.
    files: Vec<(Vec<String>, String, String)>,
}

impl Tree {
    fn read(src: &Path) -> Tree {
        let mut paths = Vec::new();
        collect(src, &mut paths);
        paths.sort();
        let files = paths.into_iter().map(|path| {
            let shown = path.strip_prefix(src).expect("below src").to_string_lossy().replace('\\', "/");
            (shown, fs::read_to_string(&path).expect("a source file is text"))
        });
        Tree::new(files)
    }

    fn new(files: impl IntoIterator<Item = (String, String)>) -> Tree {
        let files = files.into_iter().map(|(name, text)| (module_of(&name), name, text)).collect();
        Tree { files }
    }

    /// Where a path stands; `None` for the crate's root and for a top-level name that is not in the table.
    fn place(&self, path: &[String]) -> Option<Place> {
        let at = |unit: &str, entry: &str| {
            ROWS.iter().enumerate().find_map(|(row, entries)| {
                let column = entries.iter().position(|known| *known == entry)?;
                Some(Place { unit: unit.to_owned(), row, column })
            })
        };
        let top = path.first()?;
        if let Some(child) = path.get(1)
            && self.files.iter().any(|(module, ..)| module.starts_with(&path[..2]))
        {
            let unit = format!("{top}::{child}");
            if let Some(place) = at(&unit, &unit).or_else(|| at(&unit, &format!("{top}::*"))) {
                return Some(place);
            }
        }
        at(top, top)
    }

    /// Every breach, as `file:line: rule`.
    fn breaches(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (module, file, text) in &self.files {
            if matches!(file.as_str(), "main.rs" | "tests.rs") || file.ends_with("/tests.rs") {
                continue;
            }
            let Some(from) = self.place(module) else {
                if !module.is_empty() {
                    found.push(format!("src/{file}:1: `{}` has no row; give it one here", module.join("::")));
                }
                continue;
            };
            for Named { path, line } in named_modules(module, text) {
                if let Some(rule) = self.breach(&from, &path) {
                    found.push(format!("src/{file}:{line}: {rule}"));
                }
            }
        }
        found
    }

    fn breach(&self, from: &Place, path: &[String]) -> Option<String> {
        let shown = format!("crate::{}", path.join("::"));
        let Some(to) = self.place(path) else {
            return Some(format!("{shown} names no module of the table"));
        };
        if to.unit == from.unit {
            return None;
        }
        let Place { unit, row, .. } = from;
        if unit == OUTSIDER && !OUTSIDER_KNOWS.contains(&to.row) {
            return Some(format!("{unit} speaks to the server over sockets only, and names {shown} of row {}", to.row));
        }
        if to.row > *row {
            return Some(format!("{unit} (row {row}) names {shown} of row {}: never up", to.row));
        }
        let beside = to.row == *row && *row != SHELL && !(ORDERED.contains(row) && to.column < from.column);
        beside.then(|| format!("{unit} (row {row}) names {shown} beside it: never sideways"))
    }
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the source folder can be read") {
        let path = entry.expect("the source folder can be read").path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn module_of(file: &str) -> Vec<String> {
    let stem = file.strip_suffix(".rs").expect("a Rust file");
    if matches!(stem, "lib" | "main") {
        return Vec::new();
    }
    stem.split('/').map(str::to_owned).collect()
}

#[test]
fn no_module_names_a_module_above_it_or_beside_it() {
    let tree = Tree::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(tree.files.len() > 20, "src was not found");
    let breaches = tree.breaches();
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

/// A tree that has every listed module, two adapters of each kind, and `text` in `file`.
fn with(file: &str, text: &str) -> Vec<String> {
    let listed = ROWS.iter().copied().flatten().filter(|entry| !entry.ends_with('*')).map(|entry| (*entry).to_owned());
    let adapters = ["provider::twilio", "provider::openai", "store::memory", "store::embedded"].map(str::to_owned);
    let others = listed.chain(adapters).map(|module| format!("{}.rs", module.replace("::", "/")));
    let others = others.filter(|name| name != file).map(|name| (name, String::new()));
    Tree::new(others.chain([(file.to_owned(), text.to_owned())])).breaches()
}

#[test]
fn a_breach_is_told_with_its_file_line_and_rule() {
    assert_eq!(
        with("domain/session.rs", "//! A core.\n\nuse crate::{\n    clock::Millis,\n    session::Task,\n};\n"),
        ["src/domain/session.rs:5: domain (row 1) names crate::session::Task of row 3: never up"],
    );
}

#[test]
fn every_way_to_name_up_or_sideways_is_seen() {
    for (file, text, rule) in [
        // Up.
        ("ids.rs", "use crate::domain::text::AgentText;", "never up"),
        ("domain.rs", "use crate::session::Manager;", "never up"),
        ("domain/session.rs", "use crate::{clock::Millis, service};", "never up"),
        ("media.rs", "use crate::{domain::{text, media::{self, Progress}}, http::{self}};", "never up"),
        ("session.rs", "fn f() -> crate::service::Reply { todo!() }", "never up"),
        ("session/task.rs", "use super::super::app;", "never up"),
        ("session/task.rs", "fn f() { super::super::app::run(); }", "never up"),
        ("domain.rs", "use super::session;", "never up"),
        ("domain.rs", "use super::{clock::Millis, http::Router};", "never up"),
        ("domain.rs", "#[cfg(test)] mod tests { use super::super::http; }", "never up"),
        ("domain.rs", "mod tests { use super::*; use crate::http; }", "never up"),
        ("provider.rs", "use crate::provider::twilio::Twilio;", "never up"),
        ("provider.rs", "use self::super::provider::twilio;", "never up"),
        ("store/durable.rs", "use super::embedded::Embedded;", "never up"),
        ("http/api.rs", "use crate :: config /* why */ :: Config ;", "never up"),
        ("http/api.rs", "use ::callme::config::Config;", "never up"),
        ("http/api.rs", "pub(in crate::app) fn f() {}", "never up"),
        ("http/api.rs", "macro_rules! m { () => { $crate::app::run() } }", "never up"),
        ("http/api.rs", "fn f<'a>(c: char) { if c == '\"' { crate::app::run() } }", "never up"),
        ("http/api.rs", "const A: &str = r#\"\"\"#; use crate::app;", "never up"),
        // Sideways.
        ("media.rs", "use crate::session::Manager;", "never sideways"),
        ("session.rs", "use crate::media::Socket;", "never sideways"),
        ("provider/twilio.rs", "use crate::provider::openai::Voice;", "never sideways"),
        ("provider/twilio/wire.rs", "use super::super::openai;", "never sideways"),
        ("provider/twilio.rs", "use super::openai;", "never sideways"),
        ("provider/twilio.rs", "use crate::store::embedded::Embedded;", "never sideways"),
        ("clock.rs", "use crate::ids::SessionId;", "never sideways"),
        ("audio.rs", "use crate::domain::text;", "never sideways"),
        ("domain.rs", "use crate::provider::Carrier;", "never sideways"),
        // The emulator.
        ("emulator.rs", "use crate::provider::twilio::Twilio;", "over sockets only"),
        ("emulator/phone.rs", "use crate::config::Config;", "over sockets only"),
        ("emulator/phone.rs", "use crate::media;", "over sockets only"),
        // Names that hide what they name.
        ("http.rs", "use crate::*;", "no module of the table"),
        ("http.rs", "use super::*;", "no module of the table"),
        ("http.rs", "use crate as callme;", "no module of the table"),
        ("http.rs", "use crate::newcomer::X;", "no module of the table"),
        ("newcomer.rs", "", "has no row"),
    ] {
        let breaches = with(file, text);
        assert!(breaches.len() == 1 && breaches[0].contains(rule), "{file}: {text}\n{breaches:?}");
    }
}

#[test]
fn what_the_table_allows_passes() {
    for (file, text) in [
        ("ids.rs", "use crate::clock::Millis;"),
        ("domain/session.rs", "use crate::domain::text::AgentText; use super::line::Line;"),
        ("domain/session/turn.rs", "use super::super::line; use super::State;"),
        ("domain.rs", "mod tests { use super::*; mod deep { use super::super::Line; } }"),
        ("store.rs", "use crate::domain::outcome::Outcome;"),
        ("provider.rs", "pub use crate::domain::carrier::Verdict;"),
        ("store/memory.rs", "use super::{Store, Write}; use crate::store::Line; use crate::domain::outcome;"),
        ("provider/twilio.rs", "use super::*; use crate::provider::{Carrier, DialOrder}; use crate::audio::mulaw;"),
        (
            "provider/twilio/wire.rs",
            "use super::Twilio; use super::super::BadFrame; use crate::provider::twilio::Twilio;",
        ),
        ("service.rs", "use crate::{session::Manager, store::Line, provider::ProviderError, media};"),
        ("app.rs", "use crate::{config, emulator, http, provider::twilio, store::memory, telemetry, cli};"),
        ("config.rs", "use crate::cli::Args; use crate::emulator;"),
        ("emulator/phone.rs", "use crate::audio::mulaw; use crate::ids::SessionId; use super::Person;"),
        ("main.rs", "use crate::app; use callme::emulator;"),
        ("domain/session/tests.rs", "use crate::emulator;"),
        ("lib.rs", "pub mod app;"),
        // Words that are no paths.
        ("ids.rs", "// use crate::http;\n/* crate::app /* nested */ crate::cli */ /// [`crate::http`]\nfn f() {}"),
        (
            "ids.rs",
            "const A: &str = \"use crate::http;\"; const B: &str = r#\"\" crate::app\"#; const C: &[u8] = b\"crate::app\";",
        ),
        ("ids.rs", "pub(crate) fn f<'crate_>(x: char) -> bool { x == 'c' || x == '\\'' }"),
        ("ids.rs", "use other::crate_::http; use tower::callme::app;"),
    ] {
        assert_eq!(with(file, text), [""; 0], "{file}: {text}");
    }
}

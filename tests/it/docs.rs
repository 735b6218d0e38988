//! The pages, held: their links lead somewhere, and every setting, command and file that they name is there.

mod page;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use callme::cli::Cli;
use callme::config::VARIABLES;
use clap::CommandFactory;
use clap::error::ErrorKind;

use page::{Page, slug};

/// Variables that the server does not read, and who does.
const OTHERS: [(&str, &str); 12] = [
    ("CALLME_CLOUD_URL", "`callme mcp` and `callme call`: where their server is"),
    ("CALLME_TEST_LONG", "the tests"),
    ("CALLME_TEST_BINARY", "the tests"),
    ("CLAUDE_CODE_MCP_TOOL_IDLE_TIMEOUT", "Claude Code"),
    ("MCP_TOOL_TIMEOUT", "Claude Code"),
    ("GEMINI_CLI_TRUST_WORKSPACE", "Gemini CLI"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "OpenTelemetry's exporter, in builds with the feature `otel`"),
    ("OTEL_RESOURCE_ATTRIBUTES", "the same"),
    ("GH_TOKEN", "GitHub's command line"),
    ("RAILWAY_RUN_UID", "Railway"),
    ("ON_FAILURE", "Railway: a word of its file"),
    ("AF_UNIX", "systemd: a kind of socket, as its neighbours that begin with AF_"),
];

/// Paths that are nobody's: they stand for any.
const ANY: [&str; 2] = ["foo/bar.rs", "foo/tests.rs"];

/// What is at the top of the repository, and therefore at the beginning of a path.
const TOPS: [&str; 8] = ["src/", "tests/", "scripts/", "docs/", "deploy/", "config/", "examples/", "fuzz/"];

/// Endings of files of ours, by which a path is known that begins at its own folder.
const ENDINGS: [&str; 5] = [".rs", ".lua", ".py", ".mjs", ".md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

/// The files below a folder with one of these endings, by their paths from the root.
fn below(folder: &str, endings: &[&str]) -> Vec<String> {
    let (mut files, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder is there") {
            let path: PathBuf = entry.expect("it can be listed").path();
            let name = path.strip_prefix(root()).expect("it is below").to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                files.push(name);
            }
        }
    }
    files.sort();
    files
}

/// What people read.
fn pages() -> Vec<Page> {
    let mut paths = vec!["README.md".to_owned(), "CHANGELOG.md".to_owned(), "deploy/README.md".to_owned()];
    paths.extend(below("docs", &[".md"]));
    paths.into_iter().map(|path| Page::new(&path, &read(&path))).collect()
}

/// What platforms read: all of it counts as commands.
fn deployments() -> Vec<Page> {
    let mut paths = vec![".env.example".to_owned(), "compose.yaml".to_owned(), "Dockerfile".to_owned()];
    paths.extend(below("deploy", &[".yaml", ".yml", ".toml", ".json", ".service"]));
    paths.extend(below("docs", &[".json"]));
    paths.into_iter().map(|path| Page::new(&path, &format!("```sh\n{}\n```\n", read(&path)))).collect()
}

/// Links that lead nowhere.
fn dead_links(page: &Page) -> Vec<String> {
    let here = Path::new(&page.path).parent().unwrap_or(Path::new(""));
    let is_dead = |link: &&String| {
        if link.contains("://") || link.starts_with("mailto:") {
            return false;
        }
        let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
        let path = if path.is_empty() { PathBuf::from(&page.path) } else { here.join(path) };
        if !root().join(&path).exists() {
            return true;
        }
        let is_this = path == Path::new(&page.path);
        let text = || Page::new("", &fs::read_to_string(root().join(&path)).unwrap_or_default());
        let headings = || if is_this { page.headings() } else { text().headings() };
        !anchor.is_empty() && !headings().contains(anchor)
    };
    let links = page.links();
    links.iter().filter(is_dead).map(|link| format!("{}: {link} leads nowhere", page.path)).collect()
}

/// The names of settings in a page.
fn settings(page: &Page) -> BTreeSet<String> {
    let name = regex::Regex::new(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b(\.md)?|\bCALLME_[A-Z_]*").expect("a pattern");
    let found = name.find_iter(&page.text).map(|found| found.as_str());
    // Pages have names of this form, too.
    found.filter(|name| !name.contains('.')).map(str::to_owned).collect()
}

/// Settings that are not there.
fn strange_settings(page: &Page) -> Vec<String> {
    let is_there = |name: &str| {
        let is_beginning = |known: &str| name.ends_with('_') && known.starts_with(name);
        let ours = VARIABLES.iter().any(|variable| variable.name == name || is_beginning(variable.name));
        ours || OTHERS.iter().any(|(other, _)| name == *other || name.starts_with("AF_"))
    };
    let fault = |name: String| format!("{}: nobody reads {name}", page.path);
    settings(page).into_iter().filter(|name| !is_there(name)).map(fault).collect()
}

/// Commands of this program that it does not understand. What is only mentioned may lack what it needs.
fn strange_commands(page: &Page, sources: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (line, is_mentioned) in page.code() {
        for words in page::runs(&line) {
            let first = words.first().map_or("", String::as_str);
            let is_command = Cli::command().get_subcommands().any(|command| command.get_name() == first);
            let is_first = line.split_whitespace().next().is_some_and(|word| word.ends_with("callme"));
            if !(is_command || is_first && first.starts_with('-')) {
                // What the server says of itself begins with its name as well.
                let said: Vec<&str> = line.split_whitespace().take(3).collect();
                if line.starts_with("callme ") && !sources.contains(&said.join(" ")) {
                    faults.push(format!("{}: there is no `{line}`", page.path));
                }
                continue;
            }
            let tried = Cli::command().try_get_matches_from([&["callme".to_owned()], &words[..]].concat());
            match tried.map_err(|error| error.kind()) {
                Ok(_) | Err(ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {}
                Err(ErrorKind::MissingRequiredArgument | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand)
                    if is_mentioned => {}
                Err(kind) => faults.push(format!("{}: `{line}` is not understood: {kind}", page.path)),
            }
        }
    }
    faults
}

/// Files that are not there.
fn missing_files(page: &Page) -> Vec<String> {
    let here = Path::new(&page.path).parent().unwrap_or(Path::new(""));
    let files = below("src", &[""]);
    let sources = || files.iter().map(Path::new);
    let mut faults = Vec::new();
    for (line, _) in page.code() {
        for word in line.split_whitespace() {
            let word = word.trim_matches(|c: char| "\"'(),;".contains(c)).trim_start_matches("./");
            let word = word.trim_end_matches('.');
            let is_plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            let is_ours = TOPS.iter().any(|top| word.starts_with(top))
                || (word.contains('/') && ENDINGS.iter().any(|ending| word.ends_with(ending)));
            if !is_plain || !is_ours || word.starts_with("target/") || ANY.contains(&word) {
                continue;
            }
            let is_there = [Path::new(""), here].iter().any(|from| root().join(from).join(word).exists());
            // A page on the code names a module's file by the end of its path.
            if !is_there && !sources().any(|source| source.ends_with(Path::new(word))) {
                faults.push(format!("{}: there is no {word}", page.path));
            }
        }
    }
    faults
}

fn faults(page: &Page, sources: &str) -> Vec<String> {
    let commands = strange_commands(page, sources);
    [dead_links(page), strange_settings(page), commands, missing_files(page)].concat()
}

fn sources() -> String {
    below("src", &[".rs"]).iter().map(|path| read(path)).collect()
}

#[test]
fn what_a_page_names_is_there() {
    let sources = sources();
    let all = pages().into_iter().chain(deployments());
    assert_eq!(all.flat_map(|page| faults(&page, &sources)).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn every_alert_names_a_section_that_is_there() {
    let rules = read("deploy/prometheus/callme.rules.yml");
    let runbooks: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("runbook: ")).collect();
    assert!(!runbooks.is_empty(), "the alerts name their sections");
    let links = runbooks.iter().map(|runbook| format!("[x]({runbook})")).collect::<Vec<_>>().join("\n");
    assert_eq!(dead_links(&Page::new("README.md", &links)), [""; 0]);
}

/// How a setting stands in `docs/SETTINGS.md`.
fn row(variable: &callme::config::Variable) -> String {
    let code = |value: &str| if value.is_empty() { String::new() } else { format!("`{}`", value.trim_matches('"')) };
    let default = if variable.required { "required".to_owned() } else { code(variable.default) };
    format!("| `{}` | {default} | {} | {} |", variable.name, code(variable.example), variable.doc.replace('<', "\\<"))
}

#[test]
fn the_page_of_settings_holds_the_table_and_nothing_else() {
    let page = read("docs/SETTINGS.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let want: Vec<String> = VARIABLES.iter().map(row).collect();
    assert_eq!(rows, want, "the table should read:\n\n{}\n", want.join("\n"));
}

#[test]
fn a_page_that_names_what_is_not_there_is_found() {
    let sources = sources();
    let good = "# Top\n\n[a](docs/SECURITY.md#forged-webhook) [b](#top) `callme doctor --json`, `callme listens on port`, \
                `CALLME_PORT`, `scripts/test --long`\n\n```sh\ncallme call \"Are you there?\"\n```\n";
    assert_eq!(faults(&Page::new("README.md", good), &sources), [""; 0]);
    for (change, into, fault) in [
        ("docs/SECURITY.md", "docs/SECRETS.md", "docs/SECRETS.md#forged-webhook leads nowhere"),
        ("#forged-webhook", "#forged-webhooks", "docs/SECURITY.md#forged-webhooks leads nowhere"),
        ("(#top)", "(#bottom)", "#bottom leads nowhere"),
        ("doctor --json", "doctor --yaml", "`callme doctor --yaml` is not understood"),
        ("callme listens", "callme sings", "there is no `callme sings"),
        ("CALLME_PORT", "CALLME_PORTS", "nobody reads CALLME_PORTS"),
        ("scripts/test", "scripts/tests", "there is no scripts/tests"),
        (" \"Are you there?\"", "", "`callme call` is not understood"),
    ] {
        let faults = faults(&Page::new("README.md", &good.replacen(change, into, 1)), &sources);
        assert!(faults.len() == 1 && faults[0].contains(fault), "{change}: {faults:?}");
    }
}

#[test]
fn a_heading_is_linked_to_as_github_does() {
    for (heading, want) in [
        ("401 `unauthorized`", "401-unauthorized"),
        ("By the carrier's code", "by-the-carriers-code"),
        ("3. The template", "3-the-template"),
        ("One-way audio: the agent hears nothing", "one-way-audio-the-agent-hears-nothing"),
    ] {
        assert_eq!(slug(heading), want);
    }
}

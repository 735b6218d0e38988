//! `docs/SECURITY.md`, held: each threat has its section, and what a section names is there.

use std::fs;
use std::path::Path;

/// What somebody could try.
const THREATS: [&str; 9] = [
    "Forged webhook",
    "Replay",
    "Stolen key",
    "Flood",
    "Cost attack",
    "Enumeration",
    "Injection into the log, the terminal and the agent",
    "Hostile media socket",
    "Curious operator",
];

fn read(path: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

/// What stands between backticks in a line, with whether it is called an attack.
fn named(line: &str) -> impl Iterator<Item = (bool, &str)> {
    let parts: Vec<&str> = line.split('`').collect();
    let inside = 1..parts.len();
    inside.step_by(2).map(move |n| (parts[n - 1].ends_with("**attack** "), parts[n])).collect::<Vec<_>>().into_iter()
}

/// Whether there is a test of this name, in its own file or at the end of its parent's.
fn is_test(name: &str) -> bool {
    let Some((module, function)) = name.rsplit_once("::") else { return false };
    let module = module.replace("::", "/");
    let parent = module.strip_suffix("/tests").unwrap_or(&module);
    let files = [format!("tests/it/{module}.rs"), format!("src/{module}.rs"), format!("src/{parent}.rs")];
    files.iter().filter_map(|file| read(file)).any(|text| {
        let before = format!("fn {function}(");
        text.lines().collect::<Vec<_>>().windows(2).any(|two| {
            let attribute = two[0].trim_start();
            (attribute.starts_with("#[test") || attribute.starts_with("#[tokio::test")) && two[1].contains(&before)
        })
    })
}

/// Whether the attack has such a row.
fn is_attack(name: &str) -> bool {
    let files = ["agents", "carrier", "connections", "sockets"].map(|file| format!("scripts/attack/{file}.py"));
    files.iter().filter_map(|file| read(file)).any(|text| text.contains(&format!("\nasync def {name}(at):\n")))
}

/// What is wrong with a page.
fn faults(page: &str) -> Vec<String> {
    let sections: Vec<(&str, &str)> =
        page.split("\n## ").skip(1).map(|section| section.split_once('\n').unwrap_or((section, ""))).collect();
    let mut faults = Vec::new();
    for threat in THREATS {
        if !sections.iter().any(|(title, _)| *title == threat) {
            faults.push(format!("{threat} has no section"));
        }
    }
    for (title, text) in sections {
        let mut shown = 0;
        for (attack, name) in text.lines().flat_map(named).filter(|(attack, name)| *attack || name.contains("::")) {
            shown += 1;
            if !(if attack { is_attack(name) } else { is_test(name) }) {
                faults.push(format!("{title}: there is no {name}"));
            }
        }
        if shown == 0 {
            faults.push(format!("{title}: nothing shows it"));
        }
        if !text.contains("\nWhat remains: ") {
            faults.push(format!("{title}: it does not say what remains"));
        }
    }
    faults
}

#[test]
fn every_threat_has_its_section_and_what_that_names_is_there() {
    assert_eq!(faults(&read("docs/SECURITY.md").expect("the page is there")), [""; 0]);
}

#[test]
fn a_test_that_is_not_there_is_missed() {
    let good =
        "`leaks::a_leak_in_any_field_of_an_event_or_a_span_is_found`, **attack** `flood`\n\nWhat remains: a bit\n";
    let page = THREATS.map(|threat| format!("\n## {threat}\n{good}")).concat();
    assert_eq!(faults(&page), [""; 0]);
    for (change, into, fault) in [
        ("## Flood", "## Floods", "Flood has no section"),
        ("`leaks::a_leak", "`leaks::a_lark", "there is no leaks::a_lark_in_any_field"),
        ("`leaks::a_leak", "`door::a_leak", "there is no door::a_leak"),
        (
            "`leaks::a_leak_in_any_field_of_an_event_or_a_span_is_found`",
            "`leaks::nothing_leaks`",
            "there is no leaks::",
        ),
        ("`flood`", "`floods`", "there is no floods"),
        ("What remains: ", "", "what remains"),
    ] {
        let faults = faults(&page.replacen(change, into, 1));
        assert!(faults.len() == 1 && faults[0].contains(fault), "{change}: {faults:?}");
    }
}

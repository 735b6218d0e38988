//! Names that begin as ours and that nothing reads: a slip in a name would otherwise change nothing and say nothing.

use super::variables::VARIABLES;
use super::{Problem, Severity};
use crate::privacy;

/// What all names of ours begin with, or nearly all.
const OURS: &str = "CALLME_";

/// Read by the commands in front of a server far away.
const OF_COMMANDS: [&str; 1] = ["CALLME_CLOUD_URL"];

/// What the tests and the tools of this repository set.
const OF_TESTS: [&str; 2] = ["CALLME_TEST_", "CALLME_CRASH_"];

/// The longest name that a warning shows.
const LONGEST: usize = 80;

/// A warning for each of these names that nothing reads, in their order.
pub(super) fn warnings<'a>(names: impl Iterator<Item = &'a String>) -> Vec<Problem> {
    let mut strange: Vec<&String> =
        names.filter(|name| name.starts_with(OURS) && !is_known(name) && !is_service_link(name)).collect();
    strange.sort();
    strange.into_iter().map(|name| warning(name)).collect()
}

/// Names only: a value may be anything, a secret too.
fn warning(name: &str) -> Problem {
    let text = match nearest(name) {
        Some(near) => format!("is read by nothing; did you mean {near}?"),
        None => "is read by nothing; look the name up in docs/SETTINGS.md, or remove it".to_owned(),
    };
    Problem { variable: privacy::masked_line(name, LONGEST).into(), severity: Severity::Warning, text }
}

fn known() -> impl Iterator<Item = &'static str> {
    VARIABLES.iter().map(|variable| variable.name).chain(OF_COMMANDS)
}

fn is_known(name: &str) -> bool {
    known().any(|known| known == name) || OF_TESTS.iter().any(|begin| name.starts_with(begin))
}

/// Kubernetes tells each container of each service: one that is called callme gives names that look like ours.
fn is_service_link(name: &str) -> bool {
    let is_port = |rest: &str| rest.starts_with(|digit: char| digit.is_ascii_digit());
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.split_once("_PORT_").is_some_and(|(_, rest)| is_port(rest))
}

/// The name that was likely meant: few letters away, for its length, from this one.
fn nearest(name: &str) -> Option<&'static str> {
    let word = without_beginning(name);
    let most = (word.chars().count() / 4).clamp(1, 3);
    let distance = |known: &str| strsim::osa_distance(word, without_beginning(known));
    known().map(|known| (distance(known), known)).min().filter(|(distance, _)| *distance <= most).map(|(_, name)| name)
}

fn without_beginning(name: &str) -> &str {
    name.strip_prefix(OURS).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(names: &[&str]) -> Vec<String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        warnings(names.iter()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_name_that_nothing_reads_is_warned_of_with_the_one_that_was_meant() {
        for (name, meant) in [
            ("CALLME_WHATSAPP_ENABLE", "CALLME_WHATSAPP_ENABLED"),
            ("CALLME_WHATSPAP_ENABLED", "CALLME_WHATSAPP_ENABLED"),
            ("CALLME_APIKEY", "CALLME_API_KEY"),
            ("CALLME_CLOUDURL", "CALLME_CLOUD_URL"),
            ("CALLME_PROT", "CALLME_PORT"),
            ("CALLME_OPENAI_API_BASE_URL", "OPENAI_API_BASE_URL"),
        ] {
            assert_eq!(said(&[name]), [format!("{name} is read by nothing; did you mean {meant}?")]);
        }
        let unknown = "is read by nothing; look the name up in docs/SETTINGS.md, or remove it";
        assert_eq!(
            said(&["CALLME_UNKNOWN", "CALLME_COLOUR", "HOME", "CALLME"]),
            ["CALLME_COLOUR", "CALLME_UNKNOWN"].map(|name| format!("{name} {unknown}"))
        );
        assert_eq!(
            said(&["CALLME_+393331234567"]).join("").matches("1234").count(),
            0,
            "a number that was pasted there"
        );
    }

    #[test]
    fn what_any_command_test_or_platform_reads_is_no_slip() {
        assert_eq!(said(&VARIABLES.iter().map(|variable| variable.name).collect::<Vec<_>>()), [""; 0]);
        assert_eq!(said(&["CALLME_CLOUD_URL", "CALLME_TEST_LONG", "CALLME_CRASH_AFTER_COMMIT"]), [""; 0]);
        assert_eq!(said(&["CALLME_SERVICE_HOST", "CALLME_SERVICE_PORT_HTTP", "CALLME_PORT_3333_TCP_ADDR"]), [""; 0]);
    }
}

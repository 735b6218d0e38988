//! The one place that reads the process environment and the `.env` file.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use super::variables::VARIABLES;
use super::{Problem, Severity, unread};

/// The variables of the process, over those of a `.env` file. Prints no values.
#[derive(Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// Reads the process environment and, where there is one, the file.
    ///
    /// The file's values never enter the process environment: child processes and other threads do not see them.
    pub fn read(file: &Path) -> (Self, Vec<Problem>) {
        let process =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::layered(process, file)
    }

    /// The file's variables with `process` over them.
    fn layered(process: impl Iterator<Item = (String, String)>, file: &Path) -> (Self, Vec<Problem>) {
        let (mut variables, mut problems) = match std::fs::read(file) {
            Ok(bytes) => lines(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => (HashMap::new(), Vec::new()),
            Err(_) => (HashMap::new(), vec![problem("is there but cannot be read; check its permissions".to_owned())]),
        };
        variables.extend(process);
        problems.extend(unread::warnings(variables.keys()));
        (Self(variables), problems)
    }

    /// A variable's value.
    pub fn value(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}

/// The file's variables, and what is wrong with it.
fn lines(bytes: &[u8]) -> (HashMap<String, String>, Vec<Problem>) {
    let (mut variables, mut problems) = (HashMap::new(), Vec::new());
    let count = Cell::new(0);
    for line in dotenvy::from_read_iter(Counted { rest: bytes, lines: &count }) {
        let problem = match line {
            Ok((name, value)) => {
                variables.insert(name, value);
                continue;
            }
            // The error quotes what may be a secret: of the line only the name of a setting is shown.
            Err(dotenvy::Error::LineParse(rest, _)) => {
                let first = (count.get() + 1).saturating_sub(rest.lines().count().max(1));
                let line = bytes.split(|byte| *byte == b'\n').nth(first.saturating_sub(1)).unwrap_or_default();
                let name = setting(line).map(|name| format!(" ({name})")).unwrap_or_default();
                problem(format!(
                    "line {first}{name} cannot be read and is passed over; quote values with spaces, and close the quotes"
                ))
            }
            Err(_) => {
                problems.push(problem(format!("could not be read beyond line {}", count.get())));
                break;
            }
        };
        problems.push(problem);
    }
    (variables, problems)
}

fn problem(text: String) -> Problem {
    Problem { variable: ".env".into(), severity: Severity::Warning, text }
}

/// The setting that a line is about. What is no setting of ours may be a piece of a secret.
fn setting(line: &[u8]) -> Option<&'static str> {
    let line = str::from_utf8(line).ok()?.trim_start();
    let (name, _) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
    VARIABLES.iter().map(|variable| variable.name).find(|known| *known == name.trim())
}

/// Hands out a line at a time and counts them: who reads it buffers no more than the line that it is at.
struct Counted<'a> {
    rest: &'a [u8],
    lines: &'a Cell<usize>,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let line = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |end| end + 1);
        let length = line.min(into.len());
        into[..length].copy_from_slice(&self.rest[..length]);
        self.rest = &self.rest[length..];
        self.lines.set(self.lines.get() + usize::from(length > 0 && length == line));
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// What is read where `.env` has this text; `name` keeps the tests' files apart.
    fn layered(name: &str, text: &str, process: &[(&str, &str)]) -> (Environment, Vec<Problem>) {
        let path = std::env::temp_dir().join(format!("callme-{name}-{}", std::process::id()));
        std::fs::File::create(&path).and_then(|mut file| file.write_all(text.as_bytes())).expect("a file to read");
        let process = process.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let read = Environment::layered(process, &path);
        std::fs::remove_file(path).expect("our file");
        read
    }

    #[test]
    fn the_process_wins_over_the_file_and_is_not_changed_by_it() {
        let text = "# comment\nCALLME_PORT=file\nexport CALLME_TTS_VOICE='two words'\n";
        let (environment, problems) = layered("wins", text, &[("CALLME_PORT", "process")]);
        assert_eq!(problems, []);
        assert_eq!(environment.value("CALLME_PORT").as_deref(), Some("process"));
        assert_eq!(environment.value("CALLME_TTS_VOICE").as_deref(), Some("two words"));
        assert!(std::env::var_os("CALLME_TTS_VOICE").is_none());
        assert_eq!(format!("{environment:?}"), "Environment(2 variables)");
    }

    #[test]
    fn a_bad_line_is_reported_without_its_content() {
        let text = "CALLME_API_KEY=s3cret with words\nCALLME_TTS_VOICE=2\n";
        let (environment, problems) = layered("bad", text, &[]);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(!problems[0].to_string().contains("s3cret"));
        assert_eq!(environment.value("CALLME_TTS_VOICE").as_deref(), Some("2"));
    }

    #[test]
    fn each_bad_line_is_named_by_its_number_and_its_setting() {
        let long = "x".repeat(20_000);
        let text = format!(
            "# a comment\n\nCALLME_API_KEY=s3cret with words\nCALLME_PHONE_NUMBER='+1500\n5550006'\n\
             CALLME_DATA_DIR={long}\nQUJDS3CRET=s3cret ==\nexport CALLME_HASH_KEY=s3cret too\ns3cret\n\
             CALLME_PORT=\"s3cret\nCALLME_LOG=info\n"
        );
        let (environment, problems) = layered("lines", &text, &[]);
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let begins =
            ["line 3 (CALLME_API_KEY)", "line 7", "line 8 (CALLME_HASH_KEY)", "line 9", "line 10 (CALLME_PORT)"];
        assert_eq!(said.len(), begins.len(), "{said:?}");
        for (said, begins) in said.iter().zip(begins) {
            assert!(said.starts_with(&format!(".env {begins} cannot be read")) && !said.contains("s3cret"), "{said}");
        }
        assert_eq!(environment.value("CALLME_PHONE_NUMBER").as_deref(), Some("+1500\n5550006"));
    }

    #[test]
    fn a_name_that_nothing_reads_is_found_in_the_process_and_in_the_file() {
        let process = [("CALLME_UNKNOWN", "s3cret")];
        let (_, problems) = layered("slips", "CALLME_WHATSAPP_ENABLE=s3cret\n", &process);
        let variables: Vec<_> = problems.iter().map(|problem| &problem.variable).collect();
        assert_eq!(variables, ["CALLME_UNKNOWN", "CALLME_WHATSAPP_ENABLE"]);
        assert!(!format!("{problems:?}").contains("s3cret"), "{problems:?}");
    }

    #[test]
    fn no_file_is_no_problem() {
        let (_, problems) = Environment::layered(std::iter::empty(), Path::new("/nowhere/.env"));
        assert_eq!(problems, []);
    }
}

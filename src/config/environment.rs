//! The one place that reads the process environment and the `.env` file.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use super::{Problem, Severity};

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
        let mut variables = HashMap::new();
        let mut problems = Vec::new();
        // dotenvy's errors quote the line, which may hold a secret: they are not shown.
        let mut problem = |text: &str| {
            problems.push(Problem { variable: ".env", severity: Severity::Warning, text: text.to_owned() });
        };
        match dotenvy::from_path_iter(file) {
            Ok(lines) => {
                for line in lines {
                    match line {
                        Ok((name, value)) => {
                            variables.insert(name, value);
                        }
                        Err(dotenvy::Error::LineParse(..)) => {
                            problem("has a line that is not NAME=value and is passed over; quote values with spaces");
                        }
                        Err(_) => {
                            problem("could not be read to its end");
                            break;
                        }
                    }
                }
            }
            Err(error) if error.not_found() => {}
            Err(_) => problem("is there but cannot be read; check its permissions"),
        }
        variables.extend(process);
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(name: &str, text: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("callme-{name}-{}", std::process::id()));
        std::fs::File::create(&path).and_then(|mut file| file.write_all(text.as_bytes())).expect("a file to read");
        path
    }

    #[test]
    fn the_process_wins_over_the_file_and_is_not_changed_by_it() {
        let path = file("wins", "# comment\nCALLME_A_TEST=file\nexport CALLME_B_TEST='two words'\n");
        let process = [("CALLME_A_TEST".to_owned(), "process".to_owned())];
        let (environment, problems) = Environment::layered(process.into_iter(), &path);
        std::fs::remove_file(path).expect("our file");
        assert_eq!(problems, []);
        assert_eq!(environment.value("CALLME_A_TEST").as_deref(), Some("process"));
        assert_eq!(environment.value("CALLME_B_TEST").as_deref(), Some("two words"));
        assert!(std::env::var_os("CALLME_B_TEST").is_none());
        assert_eq!(format!("{environment:?}"), "Environment(2 variables)");
    }

    #[test]
    fn a_bad_line_is_reported_without_its_content() {
        let path = file("bad", "CALLME_API_KEY=s3cret with words\nCALLME_B_TEST=2\n");
        let (environment, problems) = Environment::layered(std::iter::empty(), &path);
        std::fs::remove_file(path).expect("our file");
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(!problems[0].to_string().contains("s3cret"));
        assert_eq!(environment.value("CALLME_B_TEST").as_deref(), Some("2"));
    }

    #[test]
    fn no_file_is_no_problem() {
        let (_, problems) = Environment::layered(std::iter::empty(), Path::new("/nowhere/.env"));
        assert_eq!(problems, []);
    }
}

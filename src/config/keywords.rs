//! The table of keywords, as it stands in `config/keywords.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::keywords::{BadPhrase, Keywords, Language};

#[cfg(test)]
mod tests;

const TABLE: &str = include_str!("../../config/keywords.toml");

/// The keywords that are compiled in.
pub fn keywords() -> Keywords {
    read(TABLE).expect("the table that is compiled in is read by a test")
}

/// Why a table gives no keywords.
#[derive(Debug, thiserror::Error)]
enum BadTable {
    /// It is not TOML, or a list is missing, unknown or none.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// A phrase cannot stand where it does.
    #[error(transparent)]
    Phrase(#[from] BadPhrase),
}

fn read(table: &str) -> Result<Keywords, BadTable> {
    let languages: BTreeMap<String, Listed> = toml::from_str(table)?;
    let languages: Vec<Language> = languages.into_values().map(|listed| listed.0).collect();
    Ok(Keywords::new(&languages)?)
}

#[derive(Deserialize)]
struct Listed(#[serde(with = "Lists")] Language);

/// How TOML names what a language lists.
#[derive(Deserialize)]
#[serde(remote = "Language", deny_unknown_fields)]
struct Lists {
    call: Vec<String>,
    alone: Vec<String>,
    with_please: Vec<String>,
    before: Vec<String>,
    polite: Vec<String>,
    time: Vec<String>,
    numbers: Vec<String>,
    stop: Vec<String>,
    start: Vec<String>,
    yes: Vec<String>,
    help: Vec<String>,
    end: Vec<String>,
}

//! The format of the file: which it is, and how an older one becomes the present one.

use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition};

use super::damage::Problem;
use super::tables::{self, Stamped};
use crate::store::record::Step;

/// What is known of the file as a whole.
const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
const FORMAT_KEY: &str = "format";

/// Makes sure that the file is of the present format: writes it down in a new one, takes an older one there in one
/// transaction, and leaves a newer one alone.
pub(super) fn check(database: &Database, steps: &[Step]) -> Result<(), Problem> {
    let known = u32::try_from(steps.len() + 1).unwrap_or(u32::MAX);
    let found = match found(database)? {
        Some(found) if found == known => return Ok(()),
        Some(found) if found > known => return Err(Problem::Newer { found, known }),
        Some(0) => return Err(Problem::Damaged("it has no format".to_owned())),
        found => found,
    };
    let transaction = database.begin_write()?;
    tables::create(&transaction)?;
    for step in found.into_iter().flat_map(|found| &steps[found as usize - 1..]) {
        for (name, definition) in tables::RECORDS {
            upgrade(&mut transaction.open_table(definition)?, name, *step)?;
        }
    }
    transaction.open_table(ABOUT)?.insert(FORMAT_KEY, u64::from(known))?;
    transaction.commit()?;
    Ok(())
}

fn found(database: &Database) -> Result<Option<u32>, Problem> {
    let transaction = database.begin_read()?;
    let about = match transaction.open_table(ABOUT) {
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        about => about?,
    };
    let found = about.get(FORMAT_KEY)?.map(|found| found.value());
    Ok(found.map(|found| u32::try_from(found).unwrap_or(u32::MAX)))
}

/// Takes every record of a table one step further. What cannot be read stays as it is: nobody reads it later, either.
fn upgrade(table: &mut Table<'_, &'static str, Stamped>, name: &str, step: Step) -> Result<(), Problem> {
    let mut upgraded = Vec::new();
    for entry in table.iter()? {
        let (key, value) = entry?;
        let (stamp, record) = value.value();
        if let Ok(record) = serde_json::from_slice(record) {
            upgraded.push((key.value().to_owned(), stamp, step(name, record).to_string()));
        }
    }
    for (key, stamp, record) in upgraded {
        table.insert(key.as_str(), (stamp, record.as_bytes()))?;
    }
    Ok(())
}

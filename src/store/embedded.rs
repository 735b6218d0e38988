//! The store in a file of its own: one redb database in the data directory, written by one process at a time.
//!
//! Every write is one transaction, flushed to the disk before it returns. A file that another process holds is waited for; a
//! file that is damaged is set aside, and a new one begun: nothing in it can keep the server from starting.

mod damage;
mod directory;
mod format;
mod tables;

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError};

use super::durable::{Backend, OpenError};
use super::record::STEPS;
use super::{Conversation, Left, StoreError, Write};
use crate::clock::Millis;

use directory::Identity;
pub use directory::{FILE, own_file, private_directory};

/// How much of the file is kept in memory. What is read at all is read once, at the start.
const CACHE: usize = 8 * 1024 * 1024;

/// How the database is put on a file.
type PutOn = Box<dyn Fn(&mut Builder, File) -> Result<Database, DatabaseError> + Send>;

/// The database file of a data directory.
pub struct Embedded {
    directory: PathBuf,
    put_on: PutOn,
    database: Option<Database>,
    /// Every page of the file is to be checked before it is trusted.
    suspicious: bool,
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("is_open", &self.database.is_some()).finish_non_exhaustive()
    }
}

impl Embedded {
    /// The store in this directory, which is made where it is missing.
    pub fn new(directory: PathBuf) -> Self {
        let put_on: PutOn = Box::new(|builder, file| builder.create_with_backend(FileBackend::new(file)?));
        Self { directory, put_on, database: None, suspicious: true }
    }

    /// Opens the file, as it is. What is wrong comes with the file that it is wrong with.
    fn open_file(&self) -> Result<Database, (damage::Problem, Option<Identity>)> {
        let made = || -> std::io::Result<(File, Identity)> {
            private_directory(&self.directory)?;
            let file = own_file(&self.directory.join(FILE))?;
            let identity = Identity::of(&file)?;
            Ok((file, identity))
        };
        let (file, identity) = made().map_err(|error| (error.into(), None))?;
        let opened = self.read_file(file).and_then(|database| {
            // Between its opening and its lock another process may have set it aside.
            if identity.is_in(&self.directory) { Ok(database) } else { Err(damage::Problem::Locked) }
        });
        opened.map_err(|problem| (problem, Some(identity)))
    }

    fn read_file(&self, file: File) -> Result<Database, damage::Problem> {
        damage::contained(|| {
            let mut builder = Builder::new();
            builder.set_cache_size(CACHE).set_check_integrity_on_open(self.suspicious);
            let database = (self.put_on)(&mut builder, file)?;
            // With everything that is read at the start: what is damaged must show now.
            format::check(&database, STEPS)?;
            tables::left(&database)?;
            Ok(database)
        })
    }

    fn database(&self) -> Result<&Database, StoreError> {
        self.database.as_ref().ok_or_else(|| StoreError("the store is not open".to_owned()))
    }

    /// What a failure means for the operator, and for the next try.
    fn failed(&mut self, problem: damage::Problem) -> StoreError {
        self.suspicious |= problem.is_damage();
        StoreError(problem.told(&self.directory))
    }

    /// Does something with the open database.
    fn with<T>(&mut self, call: impl FnOnce(&Database) -> Result<T, damage::Problem>) -> Result<T, StoreError> {
        let database = self.database()?;
        damage::contained(|| call(database)).map_err(|problem| self.failed(problem))
    }
}

impl Backend for Embedded {
    fn open(&mut self) -> Result<(), OpenError> {
        let earlier = self.database.take();
        // It may have been left in any state.
        let _ = damage::contained(|| {
            drop(earlier);
            Ok(())
        });
        let opened = match self.open_file() {
            Err((problem, Some(damaged))) if problem.is_damage() => {
                directory::set_aside(&self.directory, damaged, &problem)
                    .and_then(|()| self.open_file().map_err(|(problem, _)| problem))
            }
            opened => opened.map_err(|(problem, _)| problem),
        };
        self.database = Some(opened.map_err(|problem| problem.into_open_error(&self.directory))?);
        self.suspicious = false;
        Ok(())
    }

    fn write(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        self.with(|database| tables::write(database, writes))
    }

    fn left(&mut self) -> Result<Left, StoreError> {
        self.with(tables::left)
    }

    fn conversations(&mut self, most: usize) -> Result<Vec<Conversation>, StoreError> {
        self.with(|database| tables::conversations(database, most))
    }

    fn sweep(&mut self, now: Millis, keep: Duration) -> Result<(), StoreError> {
        self.with(|database| tables::sweep(database, now, keep))
    }
}

#[cfg(test)]
mod tests;

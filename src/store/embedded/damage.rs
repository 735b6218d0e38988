//! What can be wrong with the file, and what is done about it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};

use crate::store::durable::OpenError;

/// What is wrong.
#[derive(Debug)]
pub(super) enum Problem {
    /// Another process has the file.
    Locked,
    /// The file is of a later version.
    Newer { found: u32, known: u32 },
    /// What is in the file is not what was written.
    Damaged(String),
    /// The file, its directory or its disk does not work.
    Io(io::Error),
    /// Another thing, in the database's own words, which name no value.
    Other(String),
}

impl Problem {
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Problem::Damaged(_))
    }

    /// What is wrong and what to do about it.
    pub(super) fn told(&self, directory: &Path) -> String {
        let directory = directory.display();
        match self {
            Problem::Locked => OpenError::Locked.to_string(),
            Problem::Newer { found, known } => OpenError::Newer { found: *found, known: *known }.to_string(),
            Problem::Damaged(what) => {
                format!("the file in {directory} is damaged ({what}); it is set aside as soon as that is possible")
            }
            Problem::Io(error) => {
                let remedy = match error.kind() {
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on its disk",
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                        "let this user write there, or set CALLME_DATA_DIR to a directory where it may"
                    }
                    io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists | io::ErrorKind::IsADirectory => {
                        "something else has that name; move it away, or set CALLME_DATA_DIR to another directory"
                    }
                    io::ErrorKind::NotFound => "it cannot be made there; set CALLME_DATA_DIR to another directory",
                    _ => "see whether its disk is sound, or set CALLME_DATA_DIR to a directory on another",
                };
                format!("nothing can be kept in {directory} ({error}): {remedy}")
            }
            Problem::Other(what) => {
                format!("nothing can be kept in {directory} ({what}): see whether its disk is sound")
            }
        }
    }

    pub(super) fn into_open_error(self, directory: &Path) -> OpenError {
        match self {
            Problem::Locked => OpenError::Locked,
            Problem::Newer { found, known } => OpenError::Newer { found, known },
            Problem::Damaged(_) | Problem::Io(_) | Problem::Other(_) => OpenError::Failed(self.told(directory)),
        }
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // A database that ends too early, or is none.
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Problem::Damaged(error.to_string()),
            _ => Problem::Io(error),
        }
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Corrupted(what) => Problem::Damaged(what),
            StorageError::Io(error) => error.into(),
            other => Problem::Other(other.to_string()),
        }
    }
}

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen => Problem::Locked,
            DatabaseError::Storage(error) => error.into(),
            DatabaseError::RepairAborted | DatabaseError::UpgradeRequired(_) => Problem::Damaged(error.to_string()),
            other => Problem::Other(other.to_string()),
        }
    }
}

impl From<TransactionError> for Problem {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::Storage(error) => error.into(),
            other => Problem::Other(other.to_string()),
        }
    }
}

impl From<CommitError> for Problem {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Storage(error) => error.into(),
            other => Problem::Other(other.to_string()),
        }
    }
}

impl From<TableError> for Problem {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Storage(error) => error.into(),
            // A table of ours that is of another kind was not written by us.
            other => Problem::Damaged(other.to_string()),
        }
    }
}

/// Calls the database, which panics at some kinds of damage.
pub(super) fn contained<T>(call: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|_| Err(Problem::Damaged("the database found something impossible in it".to_owned())))
}

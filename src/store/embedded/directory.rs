//! The data directory and the files in it: nobody but the owner reads them.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::damage::Problem;

/// The database's name in the data directory.
pub const FILE: &str = "callme.redb";

/// How many damaged files are kept: each tells the same story, and takes room.
const MOST_DAMAGED: u32 = 100;

/// Makes the directory, where it is missing, for the owner alone.
///
/// # Errors
/// When it cannot be made, or is none.
pub fn private_directory(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

/// Opens a file, or makes it, for the owner alone.
///
/// # Errors
/// When that is not possible.
pub fn own_file(path: &Path) -> io::Result<File> {
    let is_new = !path.exists();
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    if is_new {
        flush_directory_of(path)?;
    }
    Ok(file)
}

/// A new name is on the disk only with its directory.
pub(super) fn flush_directory_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

/// Which file this is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

impl Identity {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        Ok(Self::from(&file.metadata()?))
    }

    /// Whether the file of the directory is this one.
    pub(super) fn is_in(self, directory: &Path) -> bool {
        fs::metadata(directory.join(FILE)).is_ok_and(|found| Self::from(&found) == self)
    }
}

impl From<&fs::Metadata> for Identity {
    fn from(found: &fs::Metadata) -> Self {
        Self(found.dev(), found.ino())
    }
}

/// Gives the damaged file another name, so that a new one can be begun. Where another process has done so meanwhile, the
/// file of that name is the other's, and stays. Only who holds the lock of a file moves it.
pub(super) fn set_aside(directory: &Path, damaged: Identity, problem: &Problem) -> Result<(), Problem> {
    let file = directory.join(FILE);
    let held = match File::open(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        held => held?,
    };
    match held.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Problem::Locked),
        // There are no locks there, and so nobody has one.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    if Identity::of(&held)? != damaged || !damaged.is_in(directory) {
        return Ok(());
    }
    let names = (1..=MOST_DAMAGED).map(|n| directory.join(format!("{FILE}.damaged-{n}")));
    let free =
        names.into_iter().find(|name| !name.exists()).unwrap_or_else(|| directory.join(format!("{FILE}.damaged")));
    fs::rename(&file, &free)?;
    flush_directory_of(&file)?;
    tracing::error!(
        "{} Moved to {}; a new one is begun, and what was in it is not known any more",
        problem.told(directory),
        free.display()
    );
    Ok(())
}

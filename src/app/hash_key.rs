//! The key of the hashes that stand for phone numbers, where none is set: made once, kept in the data directory.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::store::embedded::{own_file, private_directory};

/// Its name in the data directory.
pub(super) const FILE: &str = "hash.key";

/// The directory's key; made from `random` bytes where there is none.
///
/// # Errors
/// When it cannot be read, made or kept, or is none.
pub(super) fn of(directory: &Path, random: impl FnOnce(&mut [u8])) -> io::Result<[u8; 32]> {
    private_directory(directory)?;
    let file = directory.join(FILE);
    if !file.exists() {
        make(directory, &file, random)?;
    }
    // Also for the owner alone where it was put there by hand.
    own_file(&file)?;
    let key = fs::read(&file)?;
    key.try_into().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it has not 32 bytes"))
}

/// Puts a key there whole. Where two processes do, the first one's is everybody's.
fn make(directory: &Path, file: &Path, random: impl FnOnce(&mut [u8])) -> io::Result<()> {
    let mut key = [0; 32];
    random(&mut key);
    let draft = directory.join(format!("{FILE}.{}", std::process::id()));
    // One that is left over from a process that was killed is in nobody's way.
    let _ = fs::remove_file(&draft);
    let linked = (|| {
        let mut whole = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        whole.write_all(&key)?;
        whole.sync_all()?;
        match fs::hard_link(&draft, file) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            // Some file systems have no links.
            Err(_) => fs::rename(&draft, file),
            Ok(()) => Ok(()),
        }
    })();
    let _ = fs::remove_file(&draft);
    linked?;
    fs::File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_the_owner_alone() {
        let directory = std::env::temp_dir().join(format!("callme-key-{}", std::process::id()));
        let below = directory.join("data");
        let key = of(&below, |bytes| bytes.fill(7)).expect("it is made");
        assert_eq!(key, [7; 32]);
        assert_eq!(of(&below, |_| panic!("it is there")).expect("it is read"), key);
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&below), mode(&below.join(FILE))), (0o700, 0o600));
        assert_eq!(fs::read_dir(&below).expect("a directory").count(), 1, "nothing else is left there");
        for bad in [&b""[..], b"short", &[7; 33]] {
            fs::write(below.join(FILE), bad).expect("our own file");
            assert!(of(&below, |bytes| bytes.fill(8)).is_err(), "{bad:?}");
            assert_eq!(fs::read(below.join(FILE)).expect("our own file"), bad, "it is not written over");
        }
        assert!(of(&below.join(FILE), |bytes| bytes.fill(8)).is_err(), "no directory");
        assert!(of(Path::new("/proc/callme"), |bytes| bytes.fill(8)).is_err());
        fs::remove_dir_all(directory).expect("our own directory");
    }
}

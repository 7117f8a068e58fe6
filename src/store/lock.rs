//! One process for each store, and what happens to a file that is broken.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::clock::Clock;
use crate::store::StoreError;

/// Held for as long as the store is open; the system drops it with the process, however that ends.
#[derive(Debug)]
pub(super) struct StoreLock {
    _file: File,
}

/// Takes the store for this process. SQLite's own locks do not serve: they are held for moments only.
pub(super) fn take(path: &Path) -> Result<StoreLock, StoreError> {
    let lock_path = beside(path, ".lock");
    let file = private_file(&lock_path).map_err(|source| StoreError::File {
        path: lock_path.clone(),
        source,
    })?;
    match file.try_lock() {
        Ok(()) => Ok(StoreLock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(StoreError::File {
            path: lock_path,
            source,
        }),
    }
}

/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Refuses a file that was never a store: a mistyped path must not cost anybody their file.
pub(super) fn refuse_foreign(path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::File {
        path: path.to_owned(),
        source,
    };
    // A store of ours that is broken has its lock file beside it.
    if beside(path, ".lock").exists() {
        return Ok(());
    }
    let mut head = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(16).read_to_end(&mut head).map_err(failed)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(failed(source)),
    };
    if head.is_empty() || head == MAGIC {
        return Ok(());
    }
    Err(StoreError::Foreign {
        path: path.to_owned(),
    })
}

/// Makes the file if it is not there, readable by its owner alone: what it tells of a database is not for everybody.
pub(super) fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// Moves a broken file and what belongs to it out of the way; returns where it is now.
pub(super) fn set_aside(path: &Path, clock: &Clock) -> Result<PathBuf, StoreError> {
    let at = clock.now().to_jiff().strftime("%Y%m%dT%H%M%SZ").to_string();
    let aside = beside(path, &format!(".corrupt-{at}"));
    for suffix in ["", "-wal", "-shm"] {
        let from = beside(path, suffix);
        let to = beside(&aside, suffix);
        match std::fs::rename(&from, to) {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(StoreError::File { path: from, source }),
        }
    }
    Ok(aside)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

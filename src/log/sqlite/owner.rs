//! Who owns the log: one process at a time, by a lock on a file beside it.
//!
//! The writer keeps every stream's end in memory; a second writer would make that a lie. The
//! operating system gives the lock up when the process ends, however it ends, so there is never a
//! stale one to clean away.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use super::OpenError;

/// The lock's name, in the log's folder. It holds the owner's process id, for people.
const LOCK_FILE: &str = "usher.lock";

/// The log belongs to this process for as long as this lives.
pub(super) struct Owner {
    _lock: File,
}

impl Owner {
    /// Takes the log at `path`, or says who has it.
    pub(super) fn of(path: &Path) -> Result<Self, OpenError> {
        let lock_path = path.with_file_name(LOCK_FILE);
        let io = |source| OpenError::Io { path: lock_path.clone(), source };
        // Not truncated: until the lock is ours, what is in it is the owner's.
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                lock.read_to_string(&mut owner).map_err(io)?;
                return Err(OpenError::InUse {
                    path: path.to_owned(),
                    by: owner.trim().parse().ok(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        lock.set_len(0).map_err(io)?;
        lock.write_all(format!("{}\n", std::process::id()).as_bytes()).map_err(io)?;
        Ok(Self { _lock: lock })
    }

    /// Makes the file where there is none, for its owner's eyes only: buyers' names and addresses
    /// are in it. SQLite gives the files beside it the same rights.
    pub(super) fn make_private(&self, path: &Path) -> Result<(), OpenError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let made = options.open(path);
        made.map(drop).map_err(|source| OpenError::Io { path: path.to_owned(), source })
    }
}

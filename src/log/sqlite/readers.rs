//! The connections that read: as many as there are readers at a time, a few of them kept.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::{OpenError, schema};

/// How many idle reading connections are kept open.
const IDLE_READERS: usize = 4;

/// The connections that read: taken, used, put back.
pub(super) struct Readers {
    path: PathBuf,
    /// Nobody can write to the file: see [`schema::open_to_read`].
    unchanging: bool,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// None yet.
    pub(super) fn new(path: PathBuf, unchanging: bool) -> Self {
        Self { path, unchanging, idle: Mutex::default() }
    }

    /// With a first connection, opened already.
    pub(super) fn with(self, connection: Connection) -> Self {
        self.put_back(connection);
        self
    }

    /// A new connection.
    pub(super) fn open(&self) -> Result<Connection, OpenError> {
        schema::open_to_read(&self.path, self.unchanging).map_err(|error| error.about(&self.path))
    }

    /// An idle connection, or a new one.
    pub(super) fn take(&self) -> Result<Connection, OpenError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| self.open(), Ok)
    }

    /// Keeps a connection for the next reader.
    pub(super) fn put_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_READERS {
            idle.push(connection);
        }
    }

    /// Closes those that are idle.
    pub(super) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

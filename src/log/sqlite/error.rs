//! Why a log's file could not be opened: each a sentence for the operator.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the file could not be opened. Each is one sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process owns it.
    #[error("another usher{} is using the log {}", process(.by), .path.display())]
    InUse {
        /// The log.
        path: PathBuf,
        /// The process, where it has said so.
        by: Option<u32>,
    },
    /// A later version of the program wrote it.
    #[error(
        "the log {} has format {found}, of a newer usher; this one knows format {known}",
        .path.display()
    )]
    Newer {
        /// The log.
        path: PathBuf,
        /// The format it has.
        found: i32,
        /// The newest format known here.
        known: i32,
    },
    /// It is some other file.
    #[error("{} is not a log of usher", .path.display())]
    NotALog {
        /// The file.
        path: PathBuf,
    },
    /// It lies where nothing can be written, and was not closed before it was copied there.
    #[error(
        "the log {} was not closed and cannot be read where it may not be written: copy its folder \
         to a writable place",
        .path.display()
    )]
    NotClosed {
        /// The log.
        path: PathBuf,
    },
    /// The operating system would not.
    #[error("{} cannot be used", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// SQLite would not.
    #[error("the log cannot be opened")]
    Sqlite(#[from] rusqlite::Error),
}

fn process(by: &Option<u32>) -> String {
    by.map(|id| format!(" (process {id})")).unwrap_or_default()
}

impl OpenError {
    /// SQLite's "this is no database" said as what it is.
    pub(super) fn about(self, path: &Path) -> Self {
        match self {
            Self::Sqlite(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
                Self::NotALog { path: path.to_owned() }
            }
            other => other,
        }
    }

    /// Whether SQLite could not read only because it could not write beside the file.
    pub(super) fn is_for_want_of_writing(&self) -> bool {
        let Self::Sqlite(error) = self else { return false };
        matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
    }
}

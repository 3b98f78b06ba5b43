//! The file: its tables, its format number and how a connection to it is set up.
//!
//! Every setting that durability rests on is made here, once per connection, because SQLite
//! forgets them with the connection. This file makes tables and reads no entries.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::OpenError;

/// The format this program writes, kept in the file as `user_version`. A file with a higher one
/// is refused: what a later program wrote must not be judged by an earlier one.
const FORMAT: i32 = 1;

/// `USHR`, kept in the file as `application_id`, so that no other program's database is taken
/// for a log.
const APPLICATION: i32 = 0x5553_4852;

/// SQLite's page, as large as a usual page of the log, so that an append touches few: three.
pub(super) const PAGE_BYTES: usize = 4096;

/// How long a statement waits for another connection's lock. Locks are held for milliseconds (a
/// reader finding its way into the write-ahead log, a checkpoint starting it afresh); one that
/// lasts this long is a fault.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The lives after a stream's first. A table of its own, because files from before there were any have
/// none; who only reads such a file is given an empty one.
const LATER_LIVES: &str = "
    TABLE IF NOT EXISTS later_lives (
        stream_id INTEGER NOT NULL,
        after_seq INTEGER NOT NULL,
        epoch     INTEGER NOT NULL
    ) STRICT;
";

/// An append is one row: 64 buyers waiting at one show cost one small row, not 64. The last place
/// comes first in the key because that is what a reader asks for: the page with the entry after
/// the one it knows. A stream's epoch is that of its first life. An epoch is an unsigned number, kept as the signed one of the same bits.
const TABLES: &str = "
    CREATE TABLE streams (
        id      INTEGER PRIMARY KEY,
        name    TEXT    NOT NULL UNIQUE,
        epoch   INTEGER NOT NULL,
        genesis BLOB    NOT NULL
    ) STRICT;

    CREATE TABLE pages (
        stream_id INTEGER NOT NULL REFERENCES streams (id),
        last_seq  INTEGER NOT NULL,
        first_seq INTEGER NOT NULL,
        chain     BLOB    NOT NULL,
        entries   BLOB    NOT NULL,
        PRIMARY KEY (stream_id, last_seq)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE snapshots (
        stream_id INTEGER PRIMARY KEY REFERENCES streams (id),
        epoch     INTEGER NOT NULL,
        seq       INTEGER NOT NULL,
        chain     BLOB    NOT NULL,
        seal      BLOB    NOT NULL,
        state     BLOB    NOT NULL
    ) STRICT;
";

/// The one connection that writes. Makes the file and its tables where there are none.
pub(super) fn open_to_write(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCK_WAIT)?;
    let begun = check_format(&connection, path)?;
    connection.pragma_update(None, "page_size", PAGE_BYTES as u32)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)).and_then(
        |mode: String| match mode.as_str() {
            "wal" => Ok(()),
            _ => Err(rusqlite::Error::InvalidQuery),
        },
    )?;
    // With less than FULL a commit is answered before it is on the disk.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // The writer chooses when: see `writer`.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    if !begun {
        let transaction = connection.transaction()?;
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
        transaction.commit()?;
    }
    connection.execute_batch(&format!("CREATE {LATER_LIVES}"))?;
    Ok(connection)
}

/// A connection that only reads. `unchanging` is for a file on a medium nobody can write to:
/// without it SQLite wants to write down who is reading.
pub(super) fn open_to_read(path: &Path, unchanging: bool) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if unchanging {
        let uri = format!("file:{}?immutable=1", percent_encoded(path));
        Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?
    } else {
        Connection::open_with_flags(path, flags)?
    };
    connection.busy_timeout(LOCK_WAIT)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    if check_format(&connection, path)? {
        let has_lives = connection.table_exists(None, "later_lives")?;
        if !has_lives {
            connection.execute_batch(&format!("CREATE TEMP {LATER_LIVES}"))?;
        }
        Ok(connection)
    } else {
        Err(OpenError::NotALog { path: path.to_owned() })
    }
}

/// Whether the file is a log already; an empty file is a log not begun.
fn check_format(connection: &Connection, path: &Path) -> Result<bool, OpenError> {
    let number = |name: &str| -> rusqlite::Result<i32> {
        connection.pragma_query_value(None, name, |row| row.get(0))
    };
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (number("application_id")?, number("user_version")?) {
        (0, 0) if tables == 0 => Ok(false),
        (APPLICATION, FORMAT) => Ok(true),
        (APPLICATION, found) if found > FORMAT => {
            Err(OpenError::Newer { path: path.to_owned(), found, known: FORMAT })
        }
        _ => Err(OpenError::NotALog { path: path.to_owned() }),
    }
}

/// A path as it may stand in a `file:` URI.
fn percent_encoded(path: &Path) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    path.as_os_str().as_encoded_bytes().iter().fold(String::new(), |mut uri, &byte| {
        if plain(byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
        uri
    })
}

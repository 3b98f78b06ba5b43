//! What the log in one SQLite file must do besides the contract of all logs: outlive its process,
//! belong to one, be readable beside it, notice damage, and come back from a disk that failed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::id;

use bytes::Bytes;
use rusqlite::Connection;
use tempfile::TempDir;
use usher::log::sqlite::{OpenError, SqliteLog};
use usher::log::{
    AppendError, Chain, CreateError, Genesis, Known, Log, Mark, Position, ReadError, Recorded,
    Snapshot, StreamId,
};
use usher::show::ShowId;

const EPOCH: u64 = u64::MAX - 1;

fn a_folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.sqlite");
    (folder, path)
}

fn hamlet() -> StreamId {
    StreamId::show(&ShowId::parse("hamlet").expect("a show's name"))
}

/// A file has no marks: its history is not lost in parts.
fn at(seq: u64) -> Known {
    Known { position: Position { epoch: EPOCH, seq }, mark: Mark::NONE }
}

fn genesis() -> Genesis {
    Genesis::new(EPOCH, Bytes::from_static(b"a show in a hall"))
}

fn snapshot(seq: u64) -> Snapshot {
    let chain = Chain::of_genesis(EPOCH, b"any");
    Snapshot { known: at(seq), chain, bytes: Bytes::from_static(b"who sits where") }
}

async fn append(log: &dyn Log, known: u64, text: &str) -> Result<Vec<String>, AppendError> {
    let entry = Bytes::copy_from_slice(text.as_bytes());
    log.append(&hamlet(), at(known), vec![entry]).await.map(|told| texts(&told.since_known))
}

async fn read(log: &dyn Log) -> Result<Vec<String>, ReadError> {
    log.read(&hamlet(), 0, 1000).await.map(|entries| texts(&entries))
}

fn texts(entries: &[Recorded]) -> Vec<String> {
    entries.iter().map(|entry| String::from_utf8_lossy(&entry.bytes).into_owned()).collect()
}

/// A log with a stream of these entries, one append each.
async fn a_log_of(path: &Path, entries: &[&str]) -> SqliteLog {
    let log = SqliteLog::open(path).expect("a new log");
    log.create(&hamlet(), genesis()).await.expect("a new stream");
    for (known, text) in entries.iter().enumerate() {
        append(&log, known as u64, text).await.expect("an append");
    }
    log
}

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let (_folder, path) = a_folder();
    let log = a_log_of(&path, &["a", "b", "c"]).await;
    log.save_snapshot(&hamlet(), snapshot(2)).await.expect("a snapshot");
    drop(log);
    let log = SqliteLog::open(&path).expect("the log again");
    assert_eq!(log.streams().await.expect("names"), [hamlet()]);
    assert_eq!(log.genesis(&hamlet()).await.expect("a genesis"), genesis());
    assert_eq!(log.load_snapshot(&hamlet()).await.expect("a stream"), Some(snapshot(2)));
    assert_eq!(read(&log).await.expect("a stream"), ["a", "b", "c"]);
    assert_eq!(append(&log, 3, "d").await.expect("an append"), ["d"]);
    assert!(matches!(log.create(&hamlet(), genesis()).await, Err(CreateError::Exists)));
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_crash() {
    let (_folder, path) = a_folder();
    let log = a_log_of(&path, &["a", "b", "c"]).await;
    // What is in the files at this moment is what a crash now would leave.
    let (_crashed, crashed) = a_folder();
    copy(&path, &crashed, &["", "-wal"]);
    drop(log);
    let read_only = SqliteLog::open_read_only(&crashed).expect("the log as the crash left it");
    assert_eq!(read(&read_only).await.expect("a stream"), ["a", "b", "c"]);
    drop(read_only);
    let log = SqliteLog::open(&crashed).expect("the log after the crash");
    assert_eq!(append(&log, 0, "d").await.expect("an append"), ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn a_second_opener_is_refused_in_one_sentence() {
    let (_folder, path) = a_folder();
    let log = a_log_of(&path, &["a"]).await;
    let refused = SqliteLog::open(&path).err().expect("a refusal");
    assert!(matches!(refused, OpenError::InUse { by: Some(process), .. } if process == id()));
    let sentence = format!("another usher (process {}) is using the log {}", id(), path.display());
    assert_eq!(refused.to_string(), sentence);
    drop(log);
    SqliteLog::open(&path).expect("the log is free again");
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let (folder, path) = a_folder();
    let _log = a_log_of(&path, &["a"]).await;
    for file in ["log.sqlite", "log.sqlite-wal", "log.sqlite-shm"] {
        let rights = fs::metadata(folder.path().join(file)).expect("the file").permissions();
        assert_eq!(rights.mode() & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn one_may_read_beside_the_writer_and_never_write() {
    let (_folder, path) = a_folder();
    let log = a_log_of(&path, &["a"]).await;
    let reader = SqliteLog::open_read_only(&path).expect("a reader beside the writer");
    assert_eq!(read(&reader).await.expect("a stream"), ["a"]);
    append(&log, 1, "b").await.expect("the writer is not held up");
    assert_eq!(read(&reader).await.expect("a stream"), ["a", "b"]);
    let refused = append(&reader, 2, "c").await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    assert_eq!(read(&log).await.expect("a stream"), ["a", "b"]);
}

#[tokio::test]
async fn a_copy_is_whole_and_is_a_log() {
    let (folder, path) = a_folder();
    let log = a_log_of(&path, &["a", "b"]).await;
    let copy = folder.path().join("copy.sqlite");
    log.copy_to(&copy).expect("a copy");
    append(&log, 2, "c").await.expect("the log goes on");
    let refused = log.copy_to(&copy).expect_err("a copy is never written over");
    assert!(matches!(refused, OpenError::Io { .. }), "{refused}");
    let copied = SqliteLog::open_read_only(&copy).expect("the copy");
    assert_eq!(read(&copied).await.expect("a stream"), ["a", "b"]);
}

#[test]
fn what_is_no_log_is_refused_and_left_alone() {
    let (_folder, path) = a_folder();
    for text in ["these are minutes of a meeting\n".repeat(100), "short".to_owned()] {
        fs::write(&path, &text).expect("a file");
        for refused in [SqliteLog::open(&path), SqliteLog::open_read_only(&path)] {
            let refused = refused.err().expect("a refusal");
            assert_eq!(refused.to_string(), format!("{} is not a log of usher", path.display()));
        }
        assert_eq!(fs::read_to_string(&path).expect("the file"), text);
    }
    fs::remove_file(&path).expect("gone");
    let other = Connection::open(&path).expect("a database");
    other.execute_batch("CREATE TABLE minutes (text TEXT)").expect("a table");
    for refused in [SqliteLog::open(&path), SqliteLog::open_read_only(&path)] {
        assert!(matches!(refused.err(), Some(OpenError::NotALog { .. })));
    }
}

#[tokio::test]
async fn a_log_of_a_newer_program_is_refused_in_one_sentence() {
    let (_folder, path) = a_folder();
    drop(a_log_of(&path, &["a"]).await);
    let file = Connection::open(&path).expect("the file");
    file.pragma_update(None, "user_version", 2).expect("a newer format");
    for refused in [SqliteLog::open(&path), SqliteLog::open_read_only(&path)] {
        let sentence = format!(
            "the log {} has format 2, of a newer usher; this one knows format 1",
            path.display()
        );
        assert_eq!(refused.err().expect("a refusal").to_string(), sentence);
    }
}

#[test]
fn where_there_is_no_log_there_is_none_to_read() {
    let (_folder, path) = a_folder();
    assert!(matches!(SqliteLog::open_read_only(&path).err(), Some(OpenError::Io { .. })));
    assert!(!path.exists());
}

#[tokio::test]
async fn a_damaged_entry_is_named() {
    let (_folder, path) = a_folder();
    drop(a_log_of(&path, &["a", "b", "c"]).await);
    let damage = "UPDATE pages SET entries = x'0178' WHERE last_seq = 2";
    Connection::open(&path).and_then(|file| file.execute_batch(damage)).expect("damage");
    let log = SqliteLog::open(&path).expect("the log");
    let ReadError::Damaged(what) = read(&log).await.expect_err("damage") else {
        panic!("not told as damage");
    };
    assert_eq!(what, "stream hamlet, entry 2: entries 2 to 2 are not what was written");
    // Who needs the damaged entry is told so; who does not is served.
    assert!(matches!(append(&log, 0, "d").await, Err(AppendError::Unavailable(_))));
    assert_eq!(append(&log, 3, "d").await.expect("an append"), ["d"]);
}

#[tokio::test]
async fn an_entry_that_is_gone_is_named() {
    let (_folder, path) = a_folder();
    drop(a_log_of(&path, &["a", "b", "c"]).await);
    let damage = "DELETE FROM pages WHERE last_seq = 2";
    Connection::open(&path).and_then(|file| file.execute_batch(damage)).expect("damage");
    let log = SqliteLog::open(&path).expect("the log");
    let told = read(&log).await.expect_err("damage").to_string();
    let sentence =
        "the log is damaged: stream hamlet, entry 2: entry 2 should follow, but 3 to 3 do";
    assert_eq!(told, sentence);
}

#[tokio::test]
async fn a_damaged_snapshot_is_named() {
    let (_folder, path) = a_folder();
    let log = a_log_of(&path, &["a", "b"]).await;
    log.save_snapshot(&hamlet(), snapshot(2)).await.expect("a snapshot");
    drop(log);
    let damage = "UPDATE snapshots SET state = x'00'";
    Connection::open(&path).and_then(|file| file.execute_batch(damage)).expect("damage");
    let log = SqliteLog::open(&path).expect("the log");
    let told = log.load_snapshot(&hamlet()).await.expect_err("damage").to_string();
    let sentence =
        "the log is damaged: stream hamlet, entry 2: the snapshot is not what was written";
    assert_eq!(told, sentence);
}

/// A write that fails in the middle, as on a full disk: the row is not taken.
const ROW_FAILS: &str = "
    CREATE TRIGGER fault BEFORE INSERT ON pages
    BEGIN SELECT RAISE(ROLLBACK, 'the disk is full'); END;";

/// A commit that fails at its very end: all rows are taken, and the commit itself is refused.
const COMMIT_FAILS: &str = "
    CREATE TABLE fault_of (id INTEGER PRIMARY KEY,
        of INTEGER REFERENCES fault_of (id) DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER fault AFTER INSERT ON pages
    BEGIN INSERT INTO fault_of (of) VALUES (-1); END;";

async fn the_log_recovers_from(fault: &str) {
    let (_folder, path) = a_folder();
    let log = a_log_of(&path, &["a"]).await;
    let lear = StreamId::show(&ShowId::parse("lear").expect("a show's name"));
    let disk = Connection::open(&path).expect("the file");
    disk.execute_batch(fault).expect("a fault");
    for turn in 0..3 {
        let failed = append(&log, 1, &format!("lost {turn}")).await;
        assert!(matches!(failed, Err(AppendError::Unavailable(_))), "{failed:?}");
    }
    // What needs no row still works, and reading never stopped.
    log.create(&lear, genesis()).await.expect("a stream");
    assert_eq!(read(&log).await.expect("a stream"), ["a"]);
    disk.execute_batch("DROP TRIGGER fault").expect("the disk works again");
    assert_eq!(append(&log, 0, "b").await.expect("an append"), ["a", "b"]);
    assert_eq!(append(&log, 2, "c").await.expect("an append"), ["c"]);
    drop(log);
    let log = SqliteLog::open(&path).expect("the log again");
    assert_eq!(read(&log).await.expect("a stream"), ["a", "b", "c"]);
}

#[tokio::test]
async fn after_a_row_that_could_not_be_written_the_log_goes_on() {
    the_log_recovers_from(ROW_FAILS).await;
}

#[tokio::test]
async fn after_a_commit_that_failed_the_log_goes_on() {
    the_log_recovers_from(COMMIT_FAILS).await;
}

fn copy(from: &Path, to: &Path, endings: &[&str]) {
    for ending in endings {
        let named = |path: &Path| PathBuf::from(format!("{}{ending}", path.display()));
        fs::copy(named(from), named(to)).expect("a copy of the file");
    }
}

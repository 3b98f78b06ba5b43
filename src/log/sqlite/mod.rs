//! The log in one SQLite file: the default, for one node.
//!
//! One thread writes ([`writer`]); readers have connections of their own, which in SQLite's
//! write-ahead mode neither wait for it nor hold it up. All SQL of the log is in this folder. It
//! keeps bytes and knows nothing of shows.

mod error;
mod job;
mod owner;
mod readers;
mod reading;
mod schema;
mod writer;

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use rusqlite::Connection;
use rusqlite::backup::Backup;
use tokio::sync::{mpsc, oneshot};

use super::{
    Answer, AppendError, Appended, CreateError, Genesis, Hearing, Known, Lives, Log, ReadError,
    Recorded, Snapshot, StreamId,
};
pub use error::OpenError;
use job::{Append, Create, Job, Renew, Request, Save};
use owner::Owner;
use readers::Readers;
use writer::Writer;

/// The file's usual name in the data folder.
pub const FILE_NAME: &str = "log.sqlite";

/// A log in one file. Dropping it waits until what was asked is written, and closes the file.
///
/// A future of this log that is dropped before it has answered may have taken effect all the same.
pub struct SqliteLog {
    readers: Arc<Readers>,
    /// None where the file was opened to read only.
    writing: Option<Writing>,
}

/// The way to the writer. The sender is gone first, which tells the thread to finish.
struct Writing {
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl SqliteLog {
    /// Opens the log at `path` as its only owner, making it and its folder where there are none.
    ///
    /// # Errors
    ///
    /// Another process owns it, a newer program wrote it, it is no log, or the disk would not.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref().to_owned();
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let io = |source| OpenError::Io { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(io)?;
        let owner = Owner::of(&path)?;
        owner.make_private(&path)?;
        let connection = schema::open_to_write(&path).map_err(|error| error.about(&path))?;
        // A file is durable only when the folder that names it is.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;

        let (sender, queue) = mpsc::channel(writer::QUEUE);
        let writer = Writer::new(path.clone(), connection, owner);
        let thread = std::thread::Builder::new()
            .name("usher-log".to_owned())
            .spawn(move || writer.run(queue))
            .map_err(io)?;
        Ok(Self {
            readers: Arc::new(Readers::new(path, false)),
            writing: Some(Writing { queue: Some(sender), thread: Some(thread) }),
        })
    }

    /// Opens the log at `path` to read only, also while a server owns it, and also as a crash left
    /// it. Appends answer [`AppendError::Unavailable`].
    ///
    /// # Errors
    ///
    /// As [`SqliteLog::open`], except that an owner is no hindrance.
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref().to_owned();
        fs::metadata(&path).map_err(|source| OpenError::Io { path: path.clone(), source })?;
        let readers = Readers::new(path.clone(), false);
        let readers = match readers.open() {
            Ok(connection) => readers.with(connection),
            Err(error) if error.is_for_want_of_writing() => {
                // Where nothing can be written nobody else writes either, so the file can be read
                // as it lies, unless part of it still is in the write-ahead log.
                let mut ahead = path.clone().into_os_string();
                ahead.push("-wal");
                if fs::metadata(ahead).is_ok_and(|ahead| ahead.len() > 0) {
                    return Err(OpenError::NotClosed { path });
                }
                let readers = Readers::new(path, true);
                let connection = readers.open()?;
                readers.with(connection)
            }
            Err(error) => return Err(error),
        };
        Ok(Self { readers: Arc::new(readers), writing: None })
    }

    /// Writes a copy of the whole log to a new file at `path`, while the log goes on: what was
    /// appended before the call is in it. Blocks for as long as the copying takes.
    ///
    /// # Errors
    ///
    /// There is a file at `path`, or it could not be written, or the log not read.
    pub fn copy_to(&self, path: impl AsRef<Path>) -> Result<(), OpenError> {
        let path = path.as_ref();
        // Made here and not by SQLite, which would write over a file that is there.
        File::create_new(path).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
        let from = self.readers.take()?;
        let mut to = Connection::open(path)?;
        // All in one step: a copy in several starts anew whenever something is appended.
        Backup::new(&from, &mut to)?.step(-1)?;
        self.readers.put_back(from);
        Ok(())
    }

    /// Has the writer do what `job` makes, once it is let in.
    async fn write<T, E>(
        &self,
        unavailable: fn(anyhow::Error) -> E,
        job: impl FnOnce(oneshot::Sender<Result<T, E>>) -> Job,
    ) -> Result<T, E> {
        let queue = self.writing.as_ref().and_then(|writing| writing.queue.as_ref());
        let queue =
            queue.ok_or_else(|| unavailable(anyhow::anyhow!("the log was opened to read only")))?;
        let (to, answer) = oneshot::channel();
        let stopped = || unavailable(anyhow::anyhow!("the log's writer has stopped"));
        queue.send(job(to)).await.map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Reads on a thread that may wait for the disk.
    async fn read_with<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let readers = self.readers.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let connection =
                readers.take().map_err(|error| ReadError::Unavailable(error.into()))?;
            let read = read(&connection);
            readers.put_back(connection);
            read
        });
        reading.await.unwrap_or_else(|error| Err(ReadError::Unavailable(error.into())))
    }
}

impl Drop for SqliteLog {
    fn drop(&mut self) {
        // First the idle readers: who closes the file last moves the write-ahead log into it, and
        // only the writer can.
        self.readers.close();
        if let Some(writing) = &mut self.writing {
            writing.queue = None;
            if let Some(thread) = writing.thread.take()
                && thread.join().is_err()
            {
                tracing::error!("the log's writer ended in a panic");
            }
        }
    }
}

impl Log for SqliteLog {
    fn create(&self, stream: &StreamId, genesis: Genesis) -> Answer<'_, Result<(), CreateError>> {
        let ask = Create { stream: stream.clone(), genesis };
        Box::pin(self.write(CreateError::Unavailable, |to| Job::Create(Request::new(ask, to))))
    }

    fn streams(&self) -> Answer<'_, Result<Vec<StreamId>, ReadError>> {
        Box::pin(self.read_with(reading::streams))
    }

    fn genesis(&self, stream: &StreamId) -> Answer<'_, Result<Genesis, ReadError>> {
        let stream = stream.clone();
        Box::pin(self.read_with(move |connection| {
            reading::stream(connection, &stream).map(|found| found.genesis)
        }))
    }

    fn append(
        &self,
        stream: &StreamId,
        known: Known,
        entries: Vec<Bytes>,
    ) -> Answer<'_, Result<Appended, AppendError>> {
        let ask = Append { stream: stream.clone(), known, entries };
        Box::pin(self.write(AppendError::Unavailable, |to| Job::Append(Request::new(ask, to))))
    }

    fn renew(
        &self,
        stream: &StreamId,
        lost: u64,
        epoch: u64,
    ) -> Answer<'_, Result<Lives, ReadError>> {
        let ask = Renew { stream: stream.clone(), lost, epoch };
        Box::pin(self.write(ReadError::Unavailable, |to| Job::Renew(Request::new(ask, to))))
    }

    /// The file has one owner: whatever is appended, it appends.
    fn watch(&self, _stream: &StreamId) -> Option<Hearing> {
        None
    }

    fn read(
        &self,
        stream: &StreamId,
        after: u64,
        most: usize,
    ) -> Answer<'_, Result<Vec<Recorded>, ReadError>> {
        let stream = stream.clone();
        Box::pin(self.read_with(move |connection| {
            let found = reading::stream(connection, &stream)?;
            reading::entries(connection, &stream, &found, after, most)
        }))
    }

    fn save_snapshot(
        &self,
        stream: &StreamId,
        snapshot: Snapshot,
    ) -> Answer<'_, Result<(), AppendError>> {
        let stream = stream.clone();
        Box::pin(async move {
            // Sealed here, so that the writer does not spend its turn on hashing.
            let seal = reading::seal_of(&snapshot);
            let ask = Save { stream, snapshot, seal };
            self.write(AppendError::Unavailable, |to| Job::Save(Request::new(ask, to))).await
        })
    }

    fn try_writing(&self, stream: &StreamId) -> Answer<'_, Result<(), AppendError>> {
        let ask = stream.clone();
        Box::pin(self.write(AppendError::Unavailable, |to| Job::Touch(Request::new(ask, to))))
    }

    fn load_snapshot(&self, stream: &StreamId) -> Answer<'_, Result<Option<Snapshot>, ReadError>> {
        let stream = stream.clone();
        Box::pin(self.read_with(move |connection| {
            let found = reading::stream(connection, &stream)?;
            reading::snapshot(connection, &stream, &found)
        }))
    }
}

//! The writer: one thread that takes everything waiting in all shows and commits it as one.
//!
//! It owns the only connection that writes, and each stream's end in memory. Nobody is answered
//! before the commit is on the disk. A commit that failed may have happened: the connection is
//! dropped with all that was remembered, everybody waiting hears `Unavailable`, and the next turn
//! starts from what the file says.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use rusqlite::{Connection, params};
use tokio::sync::mpsc;

use super::super::page::write_entries;
use super::super::{
    AppendError, Appended, Chain, CreateError, Known, Life, Lives, Mark, ReadError, Recorded,
    StreamId,
};
use super::job::{Append, Create, Job, Renew, Save};
use super::owner::Owner;
use super::{reading, schema};

/// How many requests may wait; who comes later waits to be let in. A show has one append under way
/// at a time, so this many shows fit into one turn.
pub(super) const QUEUE: usize = 1024;

/// About how many bytes are committed between two checkpoints. A checkpoint of as much holds the next
/// turn up for some 0.7 ms; SQLite's own default, 1000 pages, for 2 to 5 ms, and at 40,000 attempts a
/// second that was 0.3 ms of the answers' p99. Over all, both take about as long.
const CHECKPOINT_BYTES: usize = 100 * schema::PAGE_BYTES;

/// How many streams' ends are remembered, some 120 bytes each. Beyond it all are forgotten and
/// read again when needed: a house with more shows on sale at once is not slowed by that.
const ENDS: usize = 16_384;

/// A stream's end: what the next page follows.
#[derive(Clone)]
struct End {
    id: i64,
    lives: Arc<Lives>,
    seq: u64,
    /// The epoch of the last entry: a life that begins after it is crossed by the next.
    epoch: u64,
    chain: Chain,
}

impl End {
    fn has(&self, known: Known) -> bool {
        let Known { position, mark } = known;
        mark == Mark::NONE
            && position.epoch == self.lives.now()
            && position.seq <= self.seq
            && self.lives.has(position)
    }

    fn extend(&mut self, bytes: &[u8]) {
        let (epoch, chain) = self.lives.onward(self.seq, self.epoch, self.chain);
        (self.epoch, self.chain) = (epoch, chain.after(bytes));
        self.seq += 1;
    }
}

/// The thread's own state.
pub(super) struct Writer {
    path: PathBuf,
    /// None after a failure, until the file can be opened again.
    connection: Option<Connection>,
    ends: HashMap<StreamId, End>,
    /// A page's bytes while it is written; kept for its memory.
    page: Vec<u8>,
    /// About how many bytes were committed since the last checkpoint.
    ahead_bytes: usize,
    /// Given up last: the file is closed before another process may have it.
    _owner: Owner,
}

impl Writer {
    pub(super) fn new(path: PathBuf, connection: Connection, owner: Owner) -> Self {
        Self {
            path,
            connection: Some(connection),
            ends: HashMap::new(),
            page: Vec::new(),
            ahead_bytes: 0,
            _owner: owner,
        }
    }

    /// Works until every asker is gone and everything asked is answered.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(QUEUE);
        while queue.blocking_recv_many(&mut jobs, QUEUE) > 0 {
            let worked = self.connection.is_some();
            let failure = self.turn(&mut jobs).err();
            if let Some(failure) = &failure {
                // Said once for each outage.
                if worked {
                    let error = format!("{failure:#}");
                    tracing::error!(
                        error,
                        waiting = jobs.len(),
                        "the log cannot be written; whether what waits is in it is unknown"
                    );
                }
                self.connection = None;
                self.ends.clear();
            } else if !worked {
                tracing::info!("the log can be written again");
            }
            let failure = failure.map(|failure| format!("{failure:#}"));
            for job in jobs.drain(..) {
                job.answer(failure.as_deref());
            }
            self.checkpoint_if_due();
        }
    }

    /// Writes all of `jobs` in one transaction and commits it.
    fn turn(&mut self, jobs: &mut [Job]) -> anyhow::Result<()> {
        // Out of its place while in use: where the turn fails, it does not come back.
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.reopen()?,
        };
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for job in jobs {
            match job {
                Job::Create(request) => {
                    request.said = Some(self.create(&connection, &request.ask)?);
                }
                Job::Append(request) => {
                    request.said = Some(self.append(&connection, &mut request.ask)?);
                }
                Job::Renew(request) => {
                    request.said = Some(self.renew(&connection, &request.ask)?);
                }
                Job::Touch(request) => {
                    request.said = Some(touch(&connection, &request.ask)?);
                    self.ahead_bytes += schema::PAGE_BYTES;
                }
                Job::Save(request) => request.said = Some(self.save(&connection, &request.ask)?),
            }
        }
        connection.prepare_cached("COMMIT")?.execute([]).context("commit")?;
        self.connection = Some(connection);
        self.ahead_bytes += schema::PAGE_BYTES;
        Ok(())
    }

    /// Opens the file again after a failure. What is read from now on must be on the disk, but a
    /// page that once failed to be synced may look written and not be there. A full checkpoint
    /// writes everything anew and syncs it, or fails, and then so does this turn.
    fn reopen(&self) -> anyhow::Result<Connection> {
        let connection = schema::open_to_write(&self.path).context("reopen")?;
        let busy: bool = connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .context("checkpoint after a failure")?;
        anyhow::ensure!(!busy, "a reader holds up the checkpoint after a failure");
        Ok(connection)
    }

    fn create(
        &mut self,
        connection: &Connection,
        ask: &Create,
    ) -> rusqlite::Result<Result<(), CreateError>> {
        let made = connection
            .prepare_cached(
                "INSERT INTO streams (name, epoch, genesis) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO NOTHING",
            )?
            .execute(params![
                ask.stream.as_str(),
                ask.genesis.lives.oldest().cast_signed(),
                &ask.genesis.bytes[..]
            ])?;
        if made == 0 {
            return Ok(Err(CreateError::Exists));
        }
        let id = connection.last_insert_rowid();
        for life in ask.genesis.lives.later() {
            begin_life(connection, id, *life)?;
        }
        Ok(Ok(()))
    }

    fn renew(
        &mut self,
        connection: &Connection,
        ask: &Renew,
    ) -> rusqlite::Result<Result<Lives, ReadError>> {
        let end = match self.end_of(connection, &ask.stream) {
            Ok(end) => end,
            Err(error) => return Ok(Err(error)),
        };
        if !end.lives.is_to_begin(ask.epoch, ask.lost) {
            return Ok(Ok(Lives::clone(&end.lives)));
        }
        begin_life(connection, end.id, Life { epoch: ask.epoch, after: end.seq })?;
        let lives = Lives::clone(&end.lives).renewed(ask.epoch, end.seq);
        self.ends.insert(ask.stream.clone(), End { lives: Arc::new(lives.clone()), ..end });
        Ok(Ok(lives))
    }

    /// The inner result is this asker's; the outer one fails the turn. All that can go wrong for
    /// this stream alone is looked at before the row is written, so that damage in one show does
    /// not stop the others.
    fn append(
        &mut self,
        connection: &Connection,
        ask: &mut Append,
    ) -> rusqlite::Result<Result<Appended, AppendError>> {
        let read = self.end_of(connection, &ask.stream).and_then(|end| {
            if !end.has(ask.known) {
                return Ok((end, None));
            }
            // Nothing was missed in the ordinary case: one box office a show.
            let missed = if ask.known.position.seq == end.seq {
                Vec::new()
            } else {
                let found = reading::stream(connection, &ask.stream)?;
                let known = ask.known.position.seq;
                reading::entries(connection, &ask.stream, &found, known, usize::MAX)?
            };
            Ok((end, Some(missed)))
        });
        let (mut end, mut since_known) = match read {
            Ok((end, Some(missed))) => (end, missed),
            Ok((_, None)) | Err(ReadError::NoSuchStream) => return Ok(Err(AppendError::Forked)),
            Err(error) => return Ok(Err(AppendError::Unavailable(error.into()))),
        };

        let own_first = end.seq + 1;
        self.page.clear();
        write_entries(&ask.entries, &mut self.page);
        since_known.reserve_exact(ask.entries.len());
        for bytes in std::mem::take(&mut ask.entries) {
            end.extend(&bytes);
            since_known.push(Recorded { seq: end.seq, mark: Mark::NONE, bytes });
        }
        if end.seq >= own_first {
            let page = params![
                end.id,
                reading::signed(end.seq),
                reading::signed(own_first),
                &end.chain.0[..],
                &self.page[..]
            ];
            connection
                .prepare_cached(
                    "INSERT INTO pages (stream_id, last_seq, first_seq, chain, entries)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(page)?;
            self.ahead_bytes += schema::PAGE_BYTES + self.page.len();
            self.ends.insert(ask.stream.clone(), end);
        }
        Ok(Ok(Appended { since_known, own_first }))
    }

    fn save(
        &mut self,
        connection: &Connection,
        ask: &Save,
    ) -> rusqlite::Result<Result<(), AppendError>> {
        let end = match self.end_of(connection, &ask.stream) {
            Ok(end) if end.has(ask.snapshot.known) => end,
            Ok(_) | Err(ReadError::NoSuchStream) => return Ok(Err(AppendError::Forked)),
            Err(error) => return Ok(Err(AppendError::Unavailable(error.into()))),
        };
        connection
            .prepare_cached(
                "INSERT INTO snapshots (stream_id, epoch, seq, chain, seal, state)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (stream_id) DO UPDATE SET epoch = excluded.epoch,
                     seq = excluded.seq, chain = excluded.chain, seal = excluded.seal,
                     state = excluded.state
                 WHERE excluded.seq >= seq OR excluded.epoch <> epoch",
            )?
            .execute(params![
                end.id,
                ask.snapshot.known.position.epoch.cast_signed(),
                reading::signed(ask.snapshot.known.position.seq),
                &ask.snapshot.chain.0[..],
                &ask.seal[..],
                &ask.snapshot.bytes[..]
            ])?;
        self.ahead_bytes += schema::PAGE_BYTES + ask.snapshot.bytes.len();
        Ok(Ok(()))
    }

    /// A stream's end, as remembered or from the file.
    fn end_of(&mut self, connection: &Connection, stream: &StreamId) -> Result<End, ReadError> {
        if let Some(end) = self.ends.get(stream) {
            return Ok(end.clone());
        }
        let found = reading::stream(connection, stream)?;
        let (seq, epoch, chain) = reading::end_before(connection, stream, &found, u64::MAX)?;
        let lives = Arc::new(found.genesis.lives);
        let end = End { id: found.id, lives, seq, epoch, chain };
        if self.ends.len() >= ENDS {
            self.ends.clear();
        }
        self.ends.insert(stream.clone(), end.clone());
        Ok(end)
    }

    /// Moves what is in the write-ahead log into the file, so that the log starts afresh and stays
    /// small. After the answers, because nobody needs to wait for it.
    fn checkpoint_if_due(&mut self) {
        if self.ahead_bytes < CHECKPOINT_BYTES {
            return;
        }
        self.ahead_bytes = 0;
        if let Some(connection) = &self.connection
            && let Err(error) =
                connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
        {
            // Nothing is lost: it is all in the write-ahead log, and the next one tries again.
            tracing::warn!(%error, "the write-ahead log could not be moved into the file");
        }
    }
}

/// Writes the stream's row as it is: SQLite writes its page all the same, and that takes what any
/// write takes.
fn touch(connection: &Connection, stream: &StreamId) -> rusqlite::Result<Result<(), AppendError>> {
    let touched = connection
        .prepare_cached("UPDATE streams SET epoch = epoch WHERE name = ?1")?
        .execute([stream.as_str()])?;
    Ok(if touched == 1 { Ok(()) } else { Err(AppendError::Forked) })
}

fn begin_life(connection: &Connection, stream: i64, life: Life) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO later_lives (stream_id, after_seq, epoch) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![stream, reading::signed(life.after), life.epoch.cast_signed()])
        .map(drop)
}

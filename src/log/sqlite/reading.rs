//! Reading: every question to the file that changes nothing.
//!
//! Nothing that comes from the file is believed before it was checked: entries against the chain, a
//! snapshot against its seal. What does not hold is [`ReadError::Damaged`], with its stream and
//! place.

use bytes::Bytes;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::super::page::Page;
use super::super::{
    Chain, Genesis, Known, Life, Lives, Mark, Position, ReadError, Recorded, Snapshot, StreamId,
};

/// A stream as the file knows it.
pub(super) struct Found {
    /// Its key in the other tables.
    pub(super) id: i64,
    /// Its beginning.
    pub(super) genesis: Genesis,
}

/// Every stream's name, in order.
pub(super) fn streams(connection: &Connection) -> Result<Vec<StreamId>, ReadError> {
    let mut names =
        connection.prepare_cached("SELECT name FROM streams ORDER BY name").map_err(failed)?;
    names.query_map([], |row| row.get(0).map(StreamId)).and_then(Iterator::collect).map_err(failed)
}

/// The stream of this name.
pub(super) fn stream(connection: &Connection, stream: &StreamId) -> Result<Found, ReadError> {
    let (id, epoch, bytes) = connection
        .prepare_cached("SELECT id, epoch, genesis FROM streams WHERE name = ?1")
        .and_then(|mut found| {
            found
                .query_row([stream.as_str()], |row| {
                    let epoch = row.get::<_, i64>(1)?.cast_unsigned();
                    let bytes = Bytes::from(row.get::<_, Vec<u8>>(2)?);
                    Ok((row.get(0)?, epoch, bytes))
                })
                .optional()
        })
        .map_err(failed)?
        .ok_or(ReadError::NoSuchStream)?;
    let lives = lives(connection, id, epoch).map_err(failed)?;
    Ok(Found { id, genesis: Genesis { lives, bytes } })
}

/// The lives of a stream whose first is `first`.
fn lives(connection: &Connection, id: i64, first: u64) -> rusqlite::Result<Lives> {
    let mut later = connection.prepare_cached(
        "SELECT epoch, after_seq FROM later_lives WHERE stream_id = ?1 ORDER BY rowid",
    )?;
    let read = |row: &Row<'_>| {
        let (epoch, after) = (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?);
        Ok(Life { epoch: epoch.cast_unsigned(), after: after.cast_unsigned() })
    };
    later.query_map([id], read)?.try_fold(Lives::first(first), |lives, life| {
        life.map(|life| lives.renewed(life.epoch, life.after))
    })
}

/// The last end of a page that is not after `seq`: its place, its epoch and the chain after it; the
/// genesis where there is none.
pub(super) fn end_before(
    connection: &Connection,
    stream: &StreamId,
    found: &Found,
    seq: u64,
) -> Result<(u64, u64, Chain), ReadError> {
    let page = connection
        .prepare_cached(
            "SELECT last_seq, chain FROM pages WHERE stream_id = ?1 AND last_seq <= ?2
             ORDER BY last_seq DESC LIMIT 1",
        )
        .and_then(|mut page| {
            let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?));
            page.query_row(params![found.id, signed(seq)], read).optional()
        })
        .map_err(failed)?;
    match page {
        Some((last_seq, chain)) => {
            let last_seq = last_seq.cast_unsigned();
            let chain = chain_of(chain).ok_or_else(|| damaged(stream, last_seq, "no chain"))?;
            Ok((last_seq, found.genesis.lives.epoch_of(last_seq), chain))
        }
        None => {
            let first = found.genesis.lives.oldest();
            Ok((0, first, Chain::of_genesis(first, &found.genesis.bytes)))
        }
    }
}

/// The entries after `after`, page by page until there are `most` or the end.
pub(super) fn entries(
    connection: &Connection,
    stream: &StreamId,
    found: &Found,
    after: u64,
    most: usize,
) -> Result<Vec<Recorded>, ReadError> {
    let lives = &found.genesis.lives;
    let (mut last_seq, mut epoch, mut chain) = end_before(connection, stream, found, after)?;
    let mut pages = connection
        .prepare_cached(
            "SELECT first_seq, last_seq, chain, entries FROM pages
             WHERE stream_id = ?1 AND last_seq > ?2 ORDER BY last_seq",
        )
        .map_err(failed)?;
    let mut pages = pages.query(params![found.id, signed(after)]).map_err(failed)?;
    let mut entries = Vec::new();
    while entries.len() < most
        && let Some(row) = pages.next().map_err(failed)?
    {
        let page = page_of(row).map_err(failed)?;
        let page = page.ok_or_else(|| damaged(stream, last_seq + 1, "no chain"))?;
        let end = (page.last_seq, page.chain);
        let (read, last_epoch) = page
            .check(last_seq, epoch, chain, lives)
            .map_err(|what| damaged(stream, last_seq + 1, &what))?;
        (last_seq, epoch, chain) = (end.0, last_epoch, end.1);
        entries.extend(read.into_iter().filter(|entry| entry.seq > after));
    }
    Ok(entries)
}

/// The stream's snapshot.
pub(super) fn snapshot(
    connection: &Connection,
    stream: &StreamId,
    found: &Found,
) -> Result<Option<Snapshot>, ReadError> {
    let kept = connection
        .prepare_cached("SELECT epoch, seq, chain, seal, state FROM snapshots WHERE stream_id = ?1")
        .and_then(|mut kept| {
            kept.query_row([found.id], |row| {
                let epoch = row.get::<_, i64>(0)?.cast_unsigned();
                let seq = row.get::<_, i64>(1)?.cast_unsigned();
                let (chain, seal) = (row.get::<_, Vec<u8>>(2)?, row.get::<_, Vec<u8>>(3)?);
                let bytes = Bytes::from(row.get::<_, Vec<u8>>(4)?);
                Ok((Position { epoch, seq }, chain, seal, bytes))
            })
            .optional()
        })
        .map_err(failed)?;
    let Some((position, chain, seal, bytes)) = kept else { return Ok(None) };
    let whole = chain_of(chain)
        .map(|chain| Snapshot { known: Known { position, mark: Mark::NONE }, chain, bytes })
        .filter(|snapshot| seal == seal_of(snapshot));
    whole
        .map(Some)
        .ok_or_else(|| damaged(stream, position.seq, "the snapshot is not what was written"))
}

/// What a snapshot is sealed with: a hash of all of it, since no chain covers it.
pub(super) fn seal_of(snapshot: &Snapshot) -> [u8; 32] {
    let mut seal = Sha256::new();
    seal.update(b"usher snapshot 1");
    seal.update(snapshot.known.position.epoch.to_le_bytes());
    seal.update(snapshot.known.position.seq.to_le_bytes());
    seal.update(snapshot.chain.0);
    seal.update(&snapshot.bytes);
    seal.finalize().into()
}

/// A place as SQLite keeps it. Places are counted, so none comes near the end of `i64`; one a
/// caller made up is as good as the highest.
pub(super) fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// A row of pages; none inside where its chain is not one.
fn page_of(row: &Row<'_>) -> rusqlite::Result<Option<Page>> {
    let (first_seq, last_seq) = (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?);
    let (chain, entries) = (row.get::<_, Vec<u8>>(2)?, row.get::<_, Vec<u8>>(3)?);
    Ok(chain_of(chain).map(|chain| Page {
        first_seq: first_seq.cast_unsigned(),
        last_seq: last_seq.cast_unsigned(),
        chain,
        entries: entries.into(),
    }))
}

fn chain_of(bytes: Vec<u8>) -> Option<Chain> {
    bytes.try_into().ok().map(Chain)
}

fn damaged(stream: &StreamId, seq: u64, what: &str) -> ReadError {
    ReadError::Damaged(format!("stream {}, entry {seq}: {what}", stream.as_str()))
}

/// A fault of the file itself is damage; anything else may pass.
fn failed(error: rusqlite::Error) -> ReadError {
    let of_the_file = match &error {
        rusqlite::Error::InvalidColumnType(..) => true,
        error => matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        ),
    };
    if of_the_file {
        ReadError::Damaged(error.to_string())
    } else {
        ReadError::Unavailable(error.into())
    }
}

//! The log in memory: a true log without a disk, for tests and the simulation.
//!
//! It keeps every rule of [`Log`] but outliving the process. What can go wrong with a real one can
//! be made to happen here, on purpose and by name: [`MemoryLog::fail_next_append`] and
//! [`MemoryLog::lose_tail`]. Clones share one log, as nodes share one Redis.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{
    Answer, AppendError, Appended, CreateError, Genesis, Log, Position, ReadError, Recorded,
    Snapshot, StreamId,
};

/// How an append is to fail. To who asked both look the same: [`AppendError::Unavailable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The entries did not get in: the disk was full.
    Lost,
    /// The entries got in and only the answer was lost: the connection broke.
    Kept,
}

/// A log in memory. Cheap to clone; clones are the same log.
#[derive(Clone, Debug, Default)]
pub struct MemoryLog {
    // A plain lock: it is never held across an await, and for microseconds only.
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    streams: BTreeMap<StreamId, Stream>,
    /// What the next appends are to suffer, first one first.
    faults: VecDeque<Fault>,
}

#[derive(Debug)]
struct Stream {
    genesis: Genesis,
    /// The entry of seq 1 is at index 0.
    entries: Vec<Bytes>,
    snapshot: Option<Snapshot>,
}

impl MemoryLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes one coming append, to whichever stream, fail. Said again, the one after it.
    pub fn fail_next_append(&self, fault: Fault) {
        self.kept().faults.push_back(fault);
    }

    /// What a failover does: the stream forgets its last `entries` entries (all, if it has fewer)
    /// and begins a new life as `epoch`, so that whoever knew the old one hears
    /// [`AppendError::Forked`]. Its snapshot goes too: it is of the old epoch. Nothing happens where there
    /// is no such stream.
    pub fn lose_tail(&self, stream: &StreamId, entries: usize, epoch: u64) {
        if let Some(stream) = self.kept().streams.get_mut(stream) {
            let left = stream.entries.len().saturating_sub(entries);
            stream.entries.truncate(left);
            stream.genesis.epoch = epoch;
            stream.snapshot = None;
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A panic under this lock leaves whole entries or none: going on is sound.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn stream(&self, stream: &StreamId) -> Result<&Stream, ReadError> {
        self.streams.get(stream).ok_or(ReadError::NoSuchStream)
    }

    fn append(
        &mut self,
        stream: &StreamId,
        known: Position,
        entries: Vec<Bytes>,
    ) -> Result<Appended, AppendError> {
        let fault = self.faults.pop_front();
        let lost = || AppendError::Unavailable(anyhow::anyhow!("told to fail"));
        if fault == Some(Fault::Lost) {
            return Err(lost());
        }
        let stream = self.streams.get_mut(stream).ok_or(AppendError::Forked)?;
        if !stream.has(known) {
            return Err(AppendError::Forked);
        }
        let own_first = stream.entries.len() as u64 + 1;
        stream.entries.extend(entries);
        match fault {
            Some(_) => Err(lost()),
            None => Ok(Appended { since_known: stream.after(known.seq, usize::MAX), own_first }),
        }
    }
}

impl Stream {
    fn has(&self, position: Position) -> bool {
        position.epoch == self.genesis.epoch && position.seq <= self.entries.len() as u64
    }

    fn after(&self, seq: u64, most: usize) -> Vec<Recorded> {
        let skipped = usize::try_from(seq).unwrap_or(usize::MAX);
        let entries = self.entries.iter().skip(skipped).take(most);
        (seq.saturating_add(1)..)
            .zip(entries)
            .map(|(seq, bytes)| Recorded { seq, bytes: bytes.clone() })
            .collect()
    }
}

impl Log for MemoryLog {
    fn create(&self, stream: &StreamId, genesis: Genesis) -> Answer<'_, Result<(), CreateError>> {
        let mut kept = self.kept();
        let answer = if kept.streams.contains_key(stream) {
            Err(CreateError::Exists)
        } else {
            let begun = Stream { genesis, entries: Vec::new(), snapshot: None };
            kept.streams.insert(stream.clone(), begun);
            Ok(())
        };
        Box::pin(std::future::ready(answer))
    }

    fn streams(&self) -> Answer<'_, Result<Vec<StreamId>, ReadError>> {
        let names = self.kept().streams.keys().cloned().collect();
        Box::pin(std::future::ready(Ok(names)))
    }

    fn genesis(&self, stream: &StreamId) -> Answer<'_, Result<Genesis, ReadError>> {
        let genesis = self.kept().stream(stream).map(|stream| stream.genesis.clone());
        Box::pin(std::future::ready(genesis))
    }

    fn append(
        &self,
        stream: &StreamId,
        known: Position,
        entries: Vec<Bytes>,
    ) -> Answer<'_, Result<Appended, AppendError>> {
        let answer = self.kept().append(stream, known, entries);
        Box::pin(std::future::ready(answer))
    }

    fn read(
        &self,
        stream: &StreamId,
        after: u64,
        most: usize,
    ) -> Answer<'_, Result<Vec<Recorded>, ReadError>> {
        let entries = self.kept().stream(stream).map(|stream| stream.after(after, most));
        Box::pin(std::future::ready(entries))
    }

    fn save_snapshot(
        &self,
        stream: &StreamId,
        snapshot: Snapshot,
    ) -> Answer<'_, Result<(), AppendError>> {
        let mut kept = self.kept();
        let answer = match kept.streams.get_mut(stream) {
            Some(stream) if stream.has(snapshot.position) => {
                let newest = stream.snapshot.as_ref().map_or(0, |newest| newest.position.seq);
                if snapshot.position.seq >= newest {
                    stream.snapshot = Some(snapshot);
                }
                Ok(())
            }
            _ => Err(AppendError::Forked),
        };
        Box::pin(std::future::ready(answer))
    }

    fn load_snapshot(&self, stream: &StreamId) -> Answer<'_, Result<Option<Snapshot>, ReadError>> {
        let snapshot = self.kept().stream(stream).map(|stream| stream.snapshot.clone());
        Box::pin(std::future::ready(snapshot))
    }
}

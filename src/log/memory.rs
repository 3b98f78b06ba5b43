//! The log in memory: a true log without a disk, for tests and the simulation.
//!
//! It keeps every rule of [`Log`] but outliving the process. What can go wrong with a real one can
//! be made to happen here, on purpose and by name: [`MemoryLog::fail_next_append`] and
//! [`MemoryLog::lose_tail`]. Clones share one log, as nodes share one Redis.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{
    Answer, AppendError, Appended, CreateError, Genesis, Heard, Hearing, Known, Lives, Log, Mark,
    Position, ReadError, Recorded, Snapshot, Speaker, StreamId, line,
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
    /// The mark of the latest append: they are counted.
    mark: u64,
}

#[derive(Debug)]
struct Stream {
    genesis: Genesis,
    /// The entry of seq 1 is at index 0.
    entries: Vec<(Mark, Bytes)>,
    snapshot: Option<Snapshot>,
    /// Who hears of appends.
    speakers: Vec<Speaker>,
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

    /// What a failover does: the stream forgets its last `entries` entries (all, if it has fewer), the
    /// lives that began after them, and a snapshot that knew them. Nobody is told; whoever knew them hears [`AppendError::Forked`] at
    /// the next append. Nothing happens where there is no such stream.
    pub fn lose_tail(&self, stream: &StreamId, entries: usize) {
        if let Some(stream) = self.kept().streams.get_mut(stream) {
            let left = stream.entries.len().saturating_sub(entries);
            stream.entries.truncate(left);
            stream.genesis.lives = stream.genesis.lives.clone().up_to(left as u64);
            stream.snapshot.take_if(|snapshot| snapshot.known.position.seq > left as u64);
        }
    }

    /// What an outage that nothing survives does: every stream is gone.
    pub fn lose_all(&self) {
        self.kept().streams.clear();
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
        known: Known,
        entries: Vec<Bytes>,
    ) -> Result<Appended, AppendError> {
        let fault = self.faults.pop_front();
        let lost = || AppendError::Unavailable(anyhow::anyhow!("told to fail"));
        if fault == Some(Fault::Lost) {
            return Err(lost());
        }
        self.mark += 1;
        let mark = Mark(self.mark);
        let stream = self.streams.get_mut(stream).ok_or(AppendError::Forked)?;
        if !stream.has(known) {
            return Err(AppendError::Forked);
        }
        let own_first = stream.entries.len() as u64 + 1;
        if !entries.is_empty() {
            let mark_before = stream.entries.last().map_or(Mark::NONE, |(mark, _)| *mark);
            let position = Position { epoch: known.position.epoch, seq: own_first - 1 };
            let after = Known { position, mark: mark_before };
            stream.entries.extend(entries.into_iter().map(|bytes| (mark, bytes)));
            let entries = stream.after(own_first - 1, usize::MAX);
            let heard = Heard::Entries { after, entries };
            stream.speakers.retain(|speaker| speaker.say(heard.clone()));
        }
        match fault {
            Some(_) => Err(lost()),
            None => {
                let since_known = stream.after(known.position.seq, usize::MAX);
                Ok(Appended { since_known, own_first })
            }
        }
    }
}

impl Stream {
    fn has(&self, known: Known) -> bool {
        let mark = self.mark_at(known.position.seq);
        self.genesis.lives.now() == known.position.epoch
            && self.genesis.lives.has(known.position)
            && mark == Some(known.mark)
    }

    fn mark_at(&self, seq: u64) -> Option<Mark> {
        match usize::try_from(seq).unwrap_or(usize::MAX).checked_sub(1) {
            None => Some(Mark::NONE),
            Some(last) => self.entries.get(last).map(|(mark, _)| *mark),
        }
    }

    fn after(&self, seq: u64, most: usize) -> Vec<Recorded> {
        let skipped = usize::try_from(seq).unwrap_or(usize::MAX);
        let entries = self.entries.iter().skip(skipped).take(most);
        (seq.saturating_add(1)..)
            .zip(entries)
            .map(|(seq, (mark, bytes))| Recorded { seq, mark: *mark, bytes: bytes.clone() })
            .collect()
    }
}

impl Log for MemoryLog {
    fn create(&self, stream: &StreamId, genesis: Genesis) -> Answer<'_, Result<(), CreateError>> {
        let mut kept = self.kept();
        let answer = if kept.streams.contains_key(stream) {
            Err(CreateError::Exists)
        } else {
            let speakers = Vec::new();
            let begun = Stream { genesis, entries: Vec::new(), snapshot: None, speakers };
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
        known: Known,
        entries: Vec<Bytes>,
    ) -> Answer<'_, Result<Appended, AppendError>> {
        let answer = self.kept().append(stream, known, entries);
        Box::pin(std::future::ready(answer))
    }

    fn renew(
        &self,
        stream: &StreamId,
        lost: u64,
        epoch: u64,
    ) -> Answer<'_, Result<Lives, ReadError>> {
        let mut kept = self.kept();
        let lives = kept.streams.get_mut(stream).map(|stream| {
            if stream.genesis.lives.is_to_begin(epoch, lost) {
                let lives = stream.genesis.lives.clone();
                stream.genesis.lives = lives.renewed(epoch, stream.entries.len() as u64);
            }
            stream.genesis.lives.clone()
        });
        Box::pin(std::future::ready(lives.ok_or(ReadError::NoSuchStream)))
    }

    fn watch(&self, stream: &StreamId) -> Option<Hearing> {
        let (speaker, hearing) = line();
        if let Some(stream) = self.kept().streams.get_mut(stream) {
            stream.speakers.push(speaker);
        }
        Some(hearing)
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
            Some(stream) if stream.has(snapshot.known) => {
                let newest = stream.snapshot.as_ref().map_or(0, |newest| newest.known.position.seq);
                if snapshot.known.position.seq >= newest {
                    stream.snapshot = Some(snapshot);
                }
                Ok(())
            }
            _ => Err(AppendError::Forked),
        };
        Box::pin(std::future::ready(answer))
    }

    fn has_place(
        &self,
        stream: &StreamId,
        seq: u64,
        mark: Mark,
    ) -> Answer<'_, Result<bool, ReadError>> {
        let answer = self.kept().stream(stream).map(|stream| stream.mark_at(seq) == Some(mark));
        Box::pin(std::future::ready(answer))
    }

    /// Memory can always be written; what an append is to suffer is kept for the append.
    fn try_writing(&self, stream: &StreamId) -> Answer<'_, Result<(), AppendError>> {
        let there = self.kept().streams.contains_key(stream);
        let answer = if there { Ok(()) } else { Err(AppendError::Forked) };
        Box::pin(std::future::ready(answer))
    }

    fn load_snapshot(&self, stream: &StreamId) -> Answer<'_, Result<Option<Snapshot>, ReadError>> {
        let snapshot = self.kept().stream(stream).map(|stream| stream.snapshot.clone());
        Box::pin(std::future::ready(snapshot))
    }
}

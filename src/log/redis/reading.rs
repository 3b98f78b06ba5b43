//! Reading: every question that changes nothing, and the snapshot.
//!
//! Nothing that comes from Redis is believed before it was checked: pages as they follow one another,
//! a snapshot against its seal and against the history there is.

use anyhow::anyhow;
use bytes::Bytes;
use redis::Value;
use sha2::{Digest, Sha256};

use super::super::{
    AppendError, Chain, Genesis, Known, Mark, Position, ReadError, Recorded, Snapshot, StreamId,
};
use super::pages::{From, PageId, follow, string, text, told_as_stream};
use super::shared::Core;
use super::{names, scripts};

/// How many pages are read at a time, at most.
const PAGES_READ: usize = 512;

impl Core {
    pub(super) async fn streams(&self) -> Result<Vec<StreamId>, ReadError> {
        let mut commands = redis::pipe();
        commands.cmd("SMEMBERS").arg(names::STREAMS);
        let told = self.map.ask(names::slot(names::STREAMS), &commands).await;
        let told = told.map_err(ReadError::Unavailable)?;
        let told = match told.into_iter().next() {
            Some(Value::Set(told) | Value::Array(told)) => told,
            _ => Vec::new(),
        };
        let mut all: Vec<_> = told.into_iter().filter_map(text).map(StreamId).collect();
        all.sort();
        Ok(all)
    }

    pub(super) async fn genesis(&self, stream: StreamId) -> Result<Genesis, ReadError> {
        let mut commands = redis::pipe();
        commands.cmd("HMGET").arg(names::meta(&stream)).arg("lives").arg("genesis");
        let told = self.read(&stream, commands).await.map_err(ReadError::Unavailable)?;
        let [lives, bytes] = fields(told.into_iter().next());
        let lives = lives.and_then(text).ok_or(ReadError::NoSuchStream)?;
        let lives = lives.parse().ok();
        let (lives, bytes) =
            lives.zip(bytes.and_then(string)).ok_or_else(|| damaged(&stream, "no beginning"))?;
        if !self.reads_only
            && let Err(error) = self.enlist(&stream).await
        {
            tracing::debug!(?error, "a stream's name could not be made good");
        }
        Ok(Genesis { lives, bytes })
    }

    pub(super) async fn read_entries(
        &self,
        stream: StreamId,
        after: u64,
        most: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let (log, meta) = (names::log(&stream), names::meta(&stream));
        let mut entries: Vec<Recorded> = Vec::new();
        // Pages of a rush hold some tens of entries.
        let pages_asked = (most / 16).clamp(1, PAGES_READ);
        loop {
            let next = entries.last().map_or(after, |entry| entry.seq).checked_add(1);
            let mut commands = redis::pipe();
            commands.cmd("HEXISTS").arg(&meta).arg("lives").cmd("XRANGE").arg(&log);
            // After the highest place there is nothing.
            let from = next.map_or("+".to_owned(), |next| format!("{next}-0"));
            commands.arg(from).arg("+").arg("COUNT").arg(pages_asked);
            let told = self.read(&stream, commands).await.map_err(ReadError::Unavailable)?;
            let [exists, pages] = told.try_into().map_err(|_| damaged(&stream, "no answer"))?;
            if exists != Value::Int(1) {
                return Err(ReadError::NoSuchStream);
            }
            let pages = told_as_stream(pages).ok_or_else(|| damaged(&stream, "no pages"))?;
            let pages = if next.is_some() { pages } else { Vec::new() };
            let is_all = pages.len() < pages_asked;
            for page in pages {
                let from = From { after, may_skip: true };
                follow(from, [page], &mut entries).map_err(|what| damaged(&stream, &what))?;
                if entries.len() >= most {
                    return Ok(entries);
                }
            }
            if is_all {
                return Ok(entries);
            }
        }
    }

    pub(super) async fn try_writing(&self, stream: StreamId) -> Result<(), AppendError> {
        let meta = names::meta(&stream);
        let mut commands = redis::pipe();
        commands.cmd("EXISTS").arg(&meta).add_command(scripts::call(&scripts::TOUCH, &[&meta]));
        let told = self.write(&meta, commands).await.map_err(AppendError::Unavailable)?;
        if told.first() == Some(&Value::Int(1)) { Ok(()) } else { Err(AppendError::Forked) }
    }

    pub(super) async fn save_snapshot(
        &self,
        stream: StreamId,
        snapshot: Snapshot,
    ) -> Result<(), AppendError> {
        let (log, meta) = (names::log(&stream), names::meta(&stream));
        let Known { position, mark } = snapshot.known;
        if self.has_snapshot_at(&stream, snapshot.known).await.map_err(AppendError::Unavailable)? {
            return Ok(());
        }
        let mut save = scripts::call(&scripts::SAVE, &[&log, &meta, &names::snapshot(&stream)]);
        save.arg(position.epoch)
            .arg(position.seq)
            .arg(mark.0)
            .arg(&snapshot.chain.0)
            .arg(&seal_of(&snapshot))
            .arg(&snapshot.bytes[..]);
        let mut commands = redis::pipe();
        commands.add_command(save).add_command(scripts::call(&scripts::TOUCH, &[&meta]));
        let told = self.write(&meta, commands).await.map_err(AppendError::Unavailable)?;
        match told.into_iter().next().and_then(text).as_deref() {
            Some("kept") => Ok(()),
            Some("forked") => Err(AppendError::Forked),
            Some("trimmed") => Err(AppendError::Trimmed),
            _ => Err(AppendError::Unavailable(anyhow!("the script's answer is not understood"))),
        }
    }

    /// Whether the snapshot at this very place is kept already: nodes that stop together would send the
    /// same megabytes one after another.
    async fn has_snapshot_at(&self, stream: &StreamId, known: Known) -> anyhow::Result<bool> {
        let mut commands = redis::pipe();
        commands.cmd("HMGET").arg(names::snapshot(stream)).arg(&["epoch", "seq", "mark"]);
        let told = self.read(stream, commands).await?;
        let kept: [_; 3] = fields(told.into_iter().next());
        let asked = [known.position.epoch, known.position.seq, known.mark.0];
        Ok(kept.map(|field| field.and_then(text).and_then(|it| it.parse().ok())) == asked.map(Some))
    }

    pub(super) async fn load_snapshot(
        &self,
        stream: StreamId,
    ) -> Result<Option<Snapshot>, ReadError> {
        let mut commands = redis::pipe();
        commands.cmd("HMGET").arg(names::meta(&stream)).arg(&["lives", "last"]);
        let parts = ["epoch", "seq", "mark", "chain", "seal", "state"];
        commands.cmd("HMGET").arg(names::snapshot(&stream)).arg(&parts);
        let told = self.read(&stream, commands).await.map_err(ReadError::Unavailable)?;
        let mut told = told.into_iter();
        let [lives, last] = fields(told.next());
        let lives = lives.and_then(text).ok_or(ReadError::NoSuchStream)?;
        let lives: super::super::Lives = lives.parse().map_err(|_| damaged(&stream, "no lives"))?;
        let last = last.and_then(string).and_then(|last| PageId::parse(&last));
        let last = last.ok_or_else(|| damaged(&stream, "no last page"))?;
        let parts: [_; 6] = fields(told.next());
        if parts.iter().all(Option::is_none) {
            return Ok(None);
        }
        let whole = snapshot_of(parts);
        let snapshot =
            whole.ok_or_else(|| damaged(&stream, "the snapshot is not what was written"))?;
        // One of a history that was lost is none of this one's.
        let Known { position, mark } = snapshot.known;
        let is_ours = lives.has(position)
            && position.seq <= last.last
            && self.has_mark(&stream, position.seq, mark, last).await?;
        Ok(is_ours.then_some(snapshot))
    }

    /// Whether the place has this mark, as far as its page is still kept.
    async fn has_mark(
        &self,
        stream: &StreamId,
        seq: u64,
        mark: Mark,
        last: PageId,
    ) -> Result<bool, ReadError> {
        if seq == 0 || seq == last.last {
            return Ok(mark == if seq == 0 { Mark::NONE } else { last.mark });
        }
        let mut commands = redis::pipe();
        let from = format!("{seq}-0");
        commands.cmd("XRANGE").arg(names::log(stream)).arg(from).arg("+").arg("COUNT").arg(1);
        let told = self.read(stream, commands).await.map_err(ReadError::Unavailable)?;
        let page = told.into_iter().next().and_then(told_as_stream).and_then(|mut all| all.pop());
        Ok(page.is_none_or(|page| page.after() >= seq || page.id.mark == mark))
    }

    pub(super) async fn has_place(
        &self,
        stream: StreamId,
        seq: u64,
        mark: Mark,
    ) -> Result<bool, ReadError> {
        let mut commands = redis::pipe();
        commands.cmd("HGET").arg(names::meta(&stream)).arg("last");
        let last = self.read(&stream, commands).await.map_err(ReadError::Unavailable)?;
        let last = last.into_iter().next().and_then(string).and_then(|last| PageId::parse(&last));
        let last = last.ok_or(ReadError::NoSuchStream)?;
        Ok(seq <= last.last && self.has_mark(&stream, seq, mark, last).await?)
    }

    pub(super) async fn time(&self) -> Result<u64, ReadError> {
        let mut commands = redis::pipe();
        commands.cmd("TIME");
        // Of one server, the same for all nodes, where there are many.
        let slot = names::slot(&names::meta(&StreamId::catalogue()));
        let told = self.map.ask(slot, &commands).await.map_err(ReadError::Unavailable)?;
        let [seconds, micros] = fields(told.into_iter().next());
        let number = |part: Option<Value>| part.and_then(text)?.parse::<u64>().ok();
        let time = number(seconds).zip(number(micros));
        let time = time.map(|(seconds, micros)| seconds * 1_000 + micros / 1_000);
        time.ok_or_else(|| ReadError::Unavailable(anyhow!("the time is not understood")))
    }
}

/// The fields an answer tells; none for each that is not there.
pub(super) fn fields<const N: usize>(told: Option<Value>) -> [Option<Value>; N] {
    let told = match told {
        Some(Value::Array(told)) => told,
        _ => Vec::new(),
    };
    let mut told = told.into_iter();
    std::array::from_fn(|_| told.next().filter(|value| *value != Value::Nil))
}

fn snapshot_of(parts: [Option<Value>; 6]) -> Option<Snapshot> {
    let [epoch, seq, mark, chain, seal, state] = parts;
    let number = |part: Option<Value>| part.and_then(text)?.parse::<u64>().ok();
    let position = Position { epoch: number(epoch)?, seq: number(seq)? };
    let chain = <[u8; 32]>::try_from(&string(chain?)?[..]).ok().map(Chain)?;
    let bytes: Bytes = string(state?)?;
    let known = Known { position, mark: Mark(number(mark)?) };
    let snapshot = Snapshot { known, chain, bytes };
    (string(seal?)? == seal_of(&snapshot)[..]).then_some(snapshot)
}

/// What a snapshot is sealed with: a hash of all of it, since no chain covers it.
fn seal_of(snapshot: &Snapshot) -> [u8; 32] {
    let mut seal = Sha256::new();
    seal.update(b"usher snapshot 2");
    seal.update(snapshot.known.position.epoch.to_le_bytes());
    seal.update(snapshot.known.position.seq.to_le_bytes());
    seal.update(snapshot.known.mark.0.to_le_bytes());
    seal.update(snapshot.chain.0);
    seal.update(&snapshot.bytes);
    seal.finalize().into()
}

fn damaged(stream: &StreamId, what: &str) -> ReadError {
    ReadError::Damaged(format!("stream {}: {what}", stream.as_str()))
}

//! Appending: one page, one script, one answer.
//!
//! The page's mark is made here, once: however often the request is sent, the script appends it once.

use std::sync::Arc;

use anyhow::anyhow;
use bytes::Bytes;
use redis::Value;
use tokio::time::Instant;

use super::super::page::write_entries;
use super::super::{
    AppendError, Appended, CreateError, Genesis, Known, Lives, Mark, Position, ReadError, Recorded,
    StreamId,
};
use super::asking::ANSWERED_WITHIN;
use super::missing::read_after;
use super::pages::{From, KeptPage, PageId, follow, string, text, told_flat};
use super::shared::Core;
use super::{names, scripts};

/// How many pages an append tells at a time; who is further behind asks again from there. Reading so
/// many holds the server up for a few milliseconds.
pub(super) const PAGES_TOLD: usize = 1_024;

/// How many bytes it tells at a time, but for the last page.
const BYTES_TOLD: usize = 4 << 20;

/// What the script answered.
enum Verdict {
    Forked,
    Trimmed,
    /// Nothing was appended: there is more to be told first.
    Far(Told),
    Done(Told),
}

struct Told {
    /// The last page that there is for the asker, its own included.
    id: PageId,
    /// The last one that is not its own.
    before: PageId,
    /// What it missed, if the script looked at it; else it is to be read.
    pages: Option<Vec<KeptPage>>,
}

impl Core {
    pub(super) async fn append(
        self: Arc<Self>,
        stream: StreamId,
        known: Known,
        entries: Vec<Bytes>,
    ) -> Result<Appended, AppendError> {
        let own = OwnPage::of(&entries, self.new_mark());
        let began = Instant::now();
        let says = own.count > 0 && self.saying.is_time(&stream, began);
        let mut told = Vec::new();
        let from = From { after: known.position.seq, may_skip: false };
        let mut reached = known;
        let damaged =
            |what: String| AppendError::Unavailable(anyhow!("stream {}: {what}", stream.as_str()));
        loop {
            let deadline = Instant::now() + ANSWERED_WITHIN;
            let answer = self.ask_to_append(&stream, reached, &own, says, reached == known).await;
            let (verdict, read) = answer.map_err(AppendError::Unavailable)?;
            let (Told { id, before, pages }, done) = match verdict {
                Verdict::Forked => return Err(AppendError::Forked),
                Verdict::Trimmed => return Err(AppendError::Trimmed),
                Verdict::Far(told) => (told, false),
                Verdict::Done(told) => (told, true),
            };
            let pages = match pages {
                Some(pages) => pages,
                None => {
                    let between = (PageId::of(reached), before);
                    let missed = self.missed(&stream, between, read, deadline).await;
                    missed.map_err(AppendError::Unavailable)?
                }
            };
            follow(from, pages, &mut told).map_err(damaged)?;
            if !done {
                reached = id.in_life(reached.position.epoch);
                continue;
            }
            if own.count > 0 {
                self.missing.note(&stream, !told.is_empty());
            }
            let last = told.last().map_or(known.position.seq, |entry: &Recorded| entry.seq);
            let own_first = last + 1;
            if id.last != last + own.count as u64 {
                return Err(damaged(format!("{} does not follow {last}", id.last)));
            }
            let epoch = known.position.epoch;
            self.saying.took(&stream, own.count, began.elapsed());
            if says && self.replicas().is_some() {
                self.say(&stream, epoch, id, before, &own).await;
            } else if own.count > 0 && !says {
                self.say_later(&stream, id.in_life(epoch));
            }
            let own = (own_first..).zip(entries);
            told.extend(own.map(|(seq, bytes)| Recorded { seq, mark: id.mark, bytes }));
            return Ok(Appended { since_known: told, own_first });
        }
    }

    async fn ask_to_append(
        &self,
        stream: &StreamId,
        known: Known,
        own: &OwnPage,
        says: bool,
        is_first: bool,
    ) -> anyhow::Result<(Verdict, Option<Value>)> {
        let (log, meta) = (names::log(stream), names::meta(stream));
        let waits = self.replicas().is_some();
        // Nothing is said of a page that a failover could take back.
        let channel = if waits || !says { String::new() } else { self.channel(stream) };
        let mut call = scripts::call(&scripts::APPEND, &[&log, &meta]);
        call.arg(known.position.epoch)
            .arg(known.position.seq)
            .arg(known.mark.0)
            .arg(own.mark.0)
            .arg(own.count)
            .arg(&own.bytes[..])
            .arg(channel)
            .arg(PAGES_TOLD)
            .arg(i32::from(waits))
            .arg(field_of(known.mark))
            .arg(field_of(own.mark))
            .arg(BYTES_TOLD);
        let mut commands = redis::pipe();
        // Whoever only asks has heard that there is something. Whoever was far behind is told by the
        // script.
        let reads = is_first && (own.count == 0 || self.missing.is_likely(stream));
        let read = reads.then(|| read_after(&log, known.position.seq)).flatten();
        let has_read = read.is_some();
        // Before the script: what it tells does not have the own page.
        if let Some(read) = read {
            commands.add_command(read);
        }
        commands.add_command(call);
        let answers = if own.count == 0 && !waits {
            self.map.ask(names::slot(&meta), &commands).await?
        } else {
            self.write(&meta, commands).await?
        };
        let mut answers = answers.into_iter();
        let read = if has_read { answers.next() } else { None };
        let verdict = answers.next().and_then(verdict);
        Ok((verdict.ok_or_else(|| anyhow!("the script's answer is not understood"))??, read))
    }

    /// Says a page that is on the replicas now.
    async fn say(&self, stream: &StreamId, epoch: u64, id: PageId, before: PageId, own: &OwnPage) {
        let mut page = format!("{epoch} {id} {before} {}\n", own.count).into_bytes();
        page.extend_from_slice(&own.bytes);
        self.say_to_all(stream, page).await;
    }

    /// Sees to it that the others are told of the place, when it is time.
    fn say_later(self: &Arc<Self>, stream: &StreamId, place: Known) {
        let Some(due) = self.saying.owe(stream, place) else { return };
        // A log that is closed says no more: who missed it asks after a second's silence.
        let (core, stream) = (Arc::downgrade(self), stream.clone());
        tokio::spawn(async move {
            tokio::time::sleep_until(due).await;
            let Some(core) = core.upgrade() else { return };
            if let Some(place) = core.saying.pay(&stream, Instant::now()) {
                let (epoch, id) = (place.position.epoch, PageId::of(place));
                core.say_to_all(&stream, format!("{epoch} {id} {id} 0\n").into_bytes()).await;
            }
        });
    }

    /// In a failure whoever listens notices the gap, or the silence.
    async fn say_to_all(&self, stream: &StreamId, message: Vec<u8>) {
        let channel = self.channel(stream);
        let mut say = redis::pipe();
        say.cmd("SPUBLISH").arg(&channel).arg(message);
        if let Err(error) = self.map.ask(names::slot(&channel), &say).await {
            tracing::debug!(?error, "the other nodes could not be told");
        }
    }

    fn channel(&self, stream: &StreamId) -> String {
        names::channel(stream.as_str(), self.map.login().database)
    }

    pub(super) async fn create(
        &self,
        stream: StreamId,
        genesis: Genesis,
    ) -> Result<(), CreateError> {
        let meta = names::meta(&stream);
        let mut create = scripts::call(&scripts::CREATE, &[&meta]);
        create
            .arg(genesis.lives.to_string())
            .arg(genesis.lives.now())
            .arg(&genesis.bytes[..])
            .arg(self.new_mark().0);
        let mut commands = redis::pipe();
        commands.add_command(create);
        // While a slot moves, a script is refused by both servers if one of its keys is not there yet.
        // So they all are from the beginning, each made by a command of its own: that is not refused.
        commands.add_command(scripts::call(&scripts::MAKE_LOG, &[&names::log(&stream)]));
        commands.cmd("HSETNX").arg(names::snapshot(&stream)).arg("made").arg(1);
        commands.cmd("SETNX").arg(names::seats(&stream)).arg("");
        let made = self.write(&meta, commands).await.map_err(CreateError::Unavailable)?;
        self.enlist(&stream).await.map_err(CreateError::Unavailable)?;
        if made.first() == Some(&Value::Int(1)) { Ok(()) } else { Err(CreateError::Exists) }
    }

    /// Puts the stream's name among those that there are.
    pub(super) async fn enlist(&self, stream: &StreamId) -> anyhow::Result<()> {
        let mut commands = redis::pipe();
        commands.cmd("SADD").arg(names::STREAMS).arg(stream.as_str());
        self.write(names::STREAMS, commands).await.map(drop)
    }

    pub(super) async fn renew(
        &self,
        stream: StreamId,
        lost: u64,
        epoch: u64,
    ) -> Result<Lives, ReadError> {
        let meta = names::meta(&stream);
        let mut renew = scripts::call(&scripts::RENEW, &[&meta]);
        renew.arg(lost).arg(epoch);
        let mut commands = redis::pipe();
        commands.add_command(renew).add_command(scripts::call(&scripts::TOUCH, &[&meta]));
        let answers = self.write(&meta, commands).await.map_err(ReadError::Unavailable)?;
        match answers.into_iter().next() {
            Some(Value::Nil) => Err(ReadError::NoSuchStream),
            lives => lives
                .and_then(text)
                .and_then(|lives| lives.parse().ok())
                .ok_or_else(|| ReadError::Damaged(format!("stream {}: no lives", stream.as_str()))),
        }
    }
}

/// The page to append.
struct OwnPage {
    mark: Mark,
    count: usize,
    bytes: Vec<u8>,
}

impl OwnPage {
    fn of(entries: &[Bytes], mark: Mark) -> Self {
        let length = entries.iter().map(|entry| entry.len() + 5).sum();
        let mut bytes = Vec::with_capacity(length);
        write_entries(entries, &mut bytes);
        Self { mark, count: entries.len(), bytes }
    }
}

fn verdict(answer: Value) -> Option<anyhow::Result<Verdict>> {
    let Value::Array(parts) = answer else { return None };
    let mut parts = parts.into_iter();
    let word = string(parts.next()?)?;
    let mut told = || {
        let mut id = || PageId::parse(&string(parts.next()?)?);
        let (id, before) = (id()?, id()?);
        let pages = match parts.next() {
            Some(pages) => Some(told_flat(pages)?),
            None => None,
        };
        Some(Told { id, before, pages })
    };
    Some(Ok(match &word[..] {
        b"forked" => Verdict::Forked,
        b"trimmed" => Verdict::Trimmed,
        b"far" => Verdict::Far(told()?),
        b"done" => Verdict::Done(told()?),
        _ => return Some(Err(anyhow!("the stream's last page is not where it should be"))),
    }))
}

/// The field of the meta that has the id of the last page with such a mark: one of 256.
fn field_of(mark: Mark) -> u64 {
    // Marks that follow one another are to be in different fields, and so are different nodes'.
    mark.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56
}

impl PageId {
    fn of(known: Known) -> Self {
        Self { last: known.position.seq, mark: known.mark }
    }

    fn in_life(self, epoch: u64) -> Known {
        Known { position: Position { epoch, seq: self.last }, mark: self.mark }
    }
}

/// As Redis writes it.
impl std::fmt::Display for PageId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.last, self.mark.0)
    }
}

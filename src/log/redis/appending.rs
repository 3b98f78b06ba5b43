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
use super::pages::{From, PageId, follow, string, text, told_flat};
use super::shared::Core;
use super::{names, scripts};

/// How many pages an append tells at a time; who is further behind asks again from there. Reading so
/// many holds the server up for a few milliseconds.
const PAGES_TOLD: usize = 1_024;

/// What the script answered.
enum Verdict {
    Forked,
    Trimmed,
    /// Nothing was appended: there is more to be told first.
    Far(PageId, Value),
    Done(PageId, Value),
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
            let verdict = self.ask_to_append(&stream, reached, &own, says).await;
            let (id, pages, done) = match verdict.map_err(AppendError::Unavailable)? {
                Verdict::Forked => return Err(AppendError::Forked),
                Verdict::Trimmed => return Err(AppendError::Trimmed),
                Verdict::Far(id, pages) => (id, pages, false),
                Verdict::Done(id, pages) => (id, pages, true),
            };
            let pages = told_flat(pages).ok_or_else(|| damaged("no pages".to_owned()))?;
            let before = pages.last().map_or(PageId::of(reached), |page| page.id);
            follow(from, pages, &mut told).map_err(damaged)?;
            if !done {
                reached = id.in_life(reached.position.epoch);
                continue;
            }
            let last = told.last().map_or(known.position.seq, |entry: &Recorded| entry.seq);
            let own_first = last + 1;
            if id.last != last + own.count as u64 {
                return Err(damaged(format!("{} does not follow {last}", id.last)));
            }
            let epoch = known.position.epoch;
            self.saying.took(&stream, began.elapsed());
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
    ) -> anyhow::Result<Verdict> {
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
            .arg(i32::from(waits));
        let mut commands = redis::pipe();
        commands.add_command(call);
        let answers = if own.count == 0 && !waits {
            self.map.ask(names::slot(&meta), &commands).await?
        } else {
            self.write(&meta, commands).await?
        };
        verdict(answers).ok_or_else(|| anyhow!("the script's answer is not understood"))?
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
        let (core, stream) = (self.clone(), stream.clone());
        tokio::spawn(async move {
            tokio::time::sleep_until(due).await;
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
        let made = self.write(&meta, commands).await.map_err(CreateError::Unavailable)?;
        self.enlist(&stream).await.map_err(CreateError::Unavailable)?;
        if made == [Value::Int(1)] { Ok(()) } else { Err(CreateError::Exists) }
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

fn verdict(answers: Vec<Value>) -> Option<anyhow::Result<Verdict>> {
    let Some(Value::Array(parts)) = answers.into_iter().next() else { return None };
    let mut parts = parts.into_iter();
    let word = string(parts.next()?)?;
    let mut rest = || Some((PageId::parse(&string(parts.next()?)?)?, parts.next()?));
    Some(Ok(match &word[..] {
        b"forked" => Verdict::Forked,
        b"trimmed" => Verdict::Trimmed,
        b"far" => rest().map(|(id, pages)| Verdict::Far(id, pages))?,
        b"done" => rest().map(|(id, pages)| Verdict::Done(id, pages))?,
        _ => return Some(Err(anyhow!("the stream's last page is not where it should be"))),
    }))
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

//! A log in memory that other nodes share, and what can go wrong with it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use usher::log::memory::MemoryLog;
use usher::log::{
    Answer, AppendError, Appended, CreateError, Genesis, Hearing, Known, Lives, Log, OutsideView,
    ReadError, Recorded, Snapshot, Speaker, StreamId, line,
};
use usher::show::ShowId;

/// What is wrong with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It does not answer.
    Away,
    /// It is not there.
    Gone,
    /// It went another way than was known, and an entry is missing where it is read again.
    Holed,
}

/// A log that other nodes share and none hears of: what they append is found by asking. It tells the
/// right time, unless it is made to be ahead.
#[derive(Clone)]
pub(super) struct Deaf {
    log: MemoryLog,
    /// By how much its time is ahead.
    pub(super) ahead_ms: Arc<AtomicU64>,
    /// What is wrong with single streams.
    troubles: Arc<Mutex<HashMap<StreamId, Trouble>>>,
    /// Held, so that the lines are not broken, only silent.
    silent: Arc<Mutex<Vec<Speaker>>>,
    wall: Arc<Mutex<Wall>>,
}

/// Where programs outside look.
#[derive(Debug, Default)]
pub(super) struct Wall {
    /// Up to where all is shown; none where there is no wall.
    pub(super) shown: Option<u64>,
    /// Whether another node shows one entry more each time somebody looks.
    pub(super) others: bool,
    /// What was put there.
    pub(super) views: Vec<OutsideView>,
}

impl Deaf {
    pub(super) fn new(log: &MemoryLog) -> Self {
        Self {
            log: log.clone(),
            ahead_ms: Arc::default(),
            troubles: Arc::default(),
            silent: Arc::default(),
            wall: Arc::default(),
        }
    }

    /// The wall.
    pub(super) fn wall(&self) -> MutexGuard<'_, Wall> {
        self.wall.lock().expect("nobody panicked")
    }
}

impl Deaf {
    /// Makes something wrong with a show's stream, or all right again.
    pub(super) fn trouble(&self, show: &str, trouble: Option<Trouble>) {
        let stream = StreamId::show(&ShowId::parse(show).expect("a name"));
        let mut troubles = self.troubles.lock().expect("nobody panicked");
        match trouble {
            Some(trouble) => troubles.insert(stream, trouble),
            None => troubles.remove(&stream),
        };
    }

    fn has(&self, stream: &StreamId) -> Option<Trouble> {
        self.troubles.lock().expect("nobody panicked").get(stream).copied()
    }

    fn refuses(&self, stream: &StreamId) -> Option<AppendError> {
        match self.has(stream)? {
            Trouble::Away => Some(AppendError::Unavailable(anyhow::anyhow!("it is away"))),
            Trouble::Gone | Trouble::Holed => Some(AppendError::Forked),
        }
    }
}

impl Log for Deaf {
    fn create(&self, stream: &StreamId, genesis: Genesis) -> Answer<'_, Result<(), CreateError>> {
        self.log.create(stream, genesis)
    }

    fn streams(&self) -> Answer<'_, Result<Vec<StreamId>, ReadError>> {
        self.log.streams()
    }

    fn genesis(&self, stream: &StreamId) -> Answer<'_, Result<Genesis, ReadError>> {
        if self.has(stream) == Some(Trouble::Gone) {
            return Box::pin(async { Err(ReadError::NoSuchStream) });
        }
        self.log.genesis(stream)
    }

    fn append(
        &self,
        stream: &StreamId,
        known: Known,
        entries: Vec<Bytes>,
    ) -> Answer<'_, Result<Appended, AppendError>> {
        if let Some(error) = self.refuses(stream) {
            return Box::pin(std::future::ready(Err(error)));
        }
        self.log.append(stream, known, entries)
    }

    fn renew(
        &self,
        stream: &StreamId,
        lost: u64,
        epoch: u64,
    ) -> Answer<'_, Result<Lives, ReadError>> {
        if self.has(stream) == Some(Trouble::Gone) {
            return Box::pin(async { Err(ReadError::NoSuchStream) });
        }
        self.log.renew(stream, lost, epoch)
    }

    fn watch(&self, _stream: &StreamId) -> Option<Hearing> {
        let (speaker, hearing) = line();
        self.silent.lock().expect("nobody panicked").push(speaker);
        Some(hearing)
    }

    fn read(
        &self,
        stream: &StreamId,
        after: u64,
        most: usize,
    ) -> Answer<'_, Result<Vec<Recorded>, ReadError>> {
        if self.has(stream) == Some(Trouble::Holed) {
            return self.log.read(stream, after + 1, most);
        }
        self.log.read(stream, after, most)
    }

    fn save_snapshot(
        &self,
        stream: &StreamId,
        snapshot: Snapshot,
    ) -> Answer<'_, Result<(), AppendError>> {
        self.log.save_snapshot(stream, snapshot)
    }

    fn try_writing(&self, stream: &StreamId) -> Answer<'_, Result<(), AppendError>> {
        if let Some(error) = self.refuses(stream) {
            return Box::pin(std::future::ready(Err(error)));
        }
        self.log.try_writing(stream)
    }

    fn load_snapshot(&self, stream: &StreamId) -> Answer<'_, Result<Option<Snapshot>, ReadError>> {
        self.log.load_snapshot(stream)
    }

    fn shown_outside(&self, _stream: &StreamId) -> Answer<'_, Result<Option<u64>, ReadError>> {
        let mut wall = self.wall();
        let others = u64::from(wall.others);
        wall.shown = wall.shown.map(|shown| shown + others);
        Box::pin(std::future::ready(Ok(wall.shown)))
    }

    fn show_outside(
        &self,
        _stream: &StreamId,
        view: OutsideView,
    ) -> Answer<'_, Result<(), AppendError>> {
        let mut wall = self.wall();
        wall.shown = wall.shown.max(Some(view.orders_up_to));
        wall.views.push(view);
        Box::pin(std::future::ready(Ok(())))
    }

    fn time(&self) -> Answer<'_, Result<Option<u64>, ReadError>> {
        let now = wall_ms() + self.ahead_ms.load(Ordering::SeqCst);
        Box::pin(std::future::ready(Ok(Some(now))))
    }
}

pub(super) fn wall_ms() -> u64 {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(wall.as_millis()).expect("a time")
}

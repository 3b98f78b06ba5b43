//! The log in Redis, or in anything that speaks as Redis 7 does: for many nodes.
//!
//! A stream of this log is a Redis stream, and one append is one entry of it, a *page*. One script
//! ([`appending`]) appends a page, says it to the other nodes ([`hearing`]) and finds what the asker
//! missed ([`missing`]). What a page's id is made of is the stream's history: the place of its last entry, and a
//! mark that nobody else makes, by which a history that was lost is known from the one written in its
//! stead. All that is said to Redis is in this folder; it keeps bytes and knows nothing of shows.

mod appending;
mod asking;
mod checks;
mod hearing;
mod identity;
mod map;
mod missing;
mod names;
mod outside;
mod pages;
mod place;
mod reading;
mod saying;
mod scripts;
mod shared;

use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::{
    Answer, AppendError, Appended, CreateError, Genesis, Hearing, Known, Lives, Log, Mark,
    OutsideView, ReadError, Recorded, Snapshot, StreamId,
};
use crate::config::{Durability, RedisAddress};
pub use checks::OpenError;
use hearing::{Ears, Listener};
use map::Map;
use shared::Core;

/// How many connections there are to each server. Streams are spread over them, so that a large answer
/// for one does not hold up all.
const LANES: usize = 4;
/// As many where a server is made to wait for its replicas: what follows on the same connection waits
/// too.
const LANES_WAITING: usize = 16;

/// A log in Redis. Cheap to clone; clones are the same node's.
///
/// A future of this log that is dropped before it has answered may have taken effect all the same.
#[derive(Clone)]
pub struct RedisLog {
    core: Arc<Core>,
    ears: Arc<Ears>,
    _listener: Arc<Task>,
}

/// Ended when the last clone is gone.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl RedisLog {
    /// Opens the log at `address` as one node of any number, after a look at whether every server
    /// there keeps what `durability` promises.
    ///
    /// # Errors
    ///
    /// It cannot be asked, or is not fit; each is a sentence for the operator.
    pub async fn open(address: &RedisAddress, durability: Durability) -> Result<Self, OpenError> {
        let waits = matches!(durability, Durability::Replicated { .. });
        let map = Map::new(address.clone(), if waits { LANES_WAITING } else { LANES });
        let log = Self::new(Core::new(Arc::new(map), durability, false));
        log.check_durability().await?;
        if waits {
            checks::warn_of_more_replicas(&log.core.map, durability).await;
        }
        Ok(log)
    }

    /// Opens the log at `address` to read only: it is not asked what it is worth, and never written.
    ///
    /// # Errors
    ///
    /// It cannot be asked, or is too old.
    pub async fn open_read_only(address: &RedisAddress) -> Result<Self, OpenError> {
        let map = Map::new(address.clone(), LANES);
        // What is not on replicas yet may be told to somebody who only looks.
        let core = Core::new(Arc::new(map), Durability::Memory, true);
        checks::check(&core.map, None).await?;
        Ok(Self::new(core))
    }

    fn new(core: Core) -> Self {
        let ears = Arc::new(Ears::new(core.node));
        let listener = Listener::new(core.map.clone(), ears.clone());
        let listener = Arc::new(Task(tokio::spawn(listener.run())));
        Self { core: Arc::new(core), ears, _listener: listener }
    }

    /// Looks again at whether the servers keep what is promised: after a failover they are others.
    ///
    /// # Errors
    ///
    /// As [`RedisLog::open`].
    pub async fn check_durability(&self) -> Result<(), OpenError> {
        checks::check(&self.core.map, Some(self.core.durability)).await
    }

    /// Whether `other` is this log too, whatever its address is called: kept by the same server, or by
    /// one that follows it, in the same database.
    ///
    /// # Errors
    ///
    /// One of them did not answer.
    pub async fn is_same_house(&self, other: &Self) -> Result<bool, ReadError> {
        self.core.is_same_house(&other.core).await
    }

    /// The house's secret of this name, if one is kept.
    ///
    /// # Errors
    ///
    /// Redis did not answer.
    pub async fn kept(&self, name: &str) -> Result<Option<String>, ReadError> {
        self.core.kept(name).await
    }

    /// The house's secret of this name: the one that is kept, or `made` if none was.
    ///
    /// # Errors
    ///
    /// Redis did not answer.
    pub async fn keep(&self, name: &str, made: &str) -> Result<String, ReadError> {
        self.core.keep(name, made).await
    }

    /// Keeps `new` in the stead of `old`. Answers whether `new` is kept now; it is not where another
    /// than `old` was.
    ///
    /// # Errors
    ///
    /// Redis did not answer: either may be kept.
    pub async fn keep_instead(&self, name: &str, old: &str, new: &str) -> Result<bool, ReadError> {
        self.core.keep_instead(name, old, new).await
    }
}

impl Log for RedisLog {
    fn create(&self, stream: &StreamId, genesis: Genesis) -> Answer<'_, Result<(), CreateError>> {
        Box::pin(self.core.create(stream.clone(), genesis))
    }

    fn streams(&self) -> Answer<'_, Result<Vec<StreamId>, ReadError>> {
        Box::pin(self.core.streams())
    }

    fn genesis(&self, stream: &StreamId) -> Answer<'_, Result<Genesis, ReadError>> {
        Box::pin(self.core.genesis(stream.clone()))
    }

    fn append(
        &self,
        stream: &StreamId,
        known: Known,
        entries: Vec<Bytes>,
    ) -> Answer<'_, Result<Appended, AppendError>> {
        Box::pin(self.core.clone().append(stream.clone(), known, entries))
    }

    fn renew(
        &self,
        stream: &StreamId,
        lost: u64,
        epoch: u64,
    ) -> Answer<'_, Result<Lives, ReadError>> {
        Box::pin(self.core.renew(stream.clone(), lost, epoch))
    }

    fn watch(&self, stream: &StreamId) -> Option<Hearing> {
        Some(self.ears.listen(stream))
    }

    fn read(
        &self,
        stream: &StreamId,
        after: u64,
        most: usize,
    ) -> Answer<'_, Result<Vec<Recorded>, ReadError>> {
        Box::pin(self.core.read_entries(stream.clone(), after, most))
    }

    fn save_snapshot(
        &self,
        stream: &StreamId,
        snapshot: Snapshot,
    ) -> Answer<'_, Result<(), AppendError>> {
        Box::pin(self.core.save_snapshot(stream.clone(), snapshot))
    }

    fn has_place(
        &self,
        stream: &StreamId,
        seq: u64,
        mark: Mark,
    ) -> Answer<'_, Result<bool, ReadError>> {
        Box::pin(self.core.has_place(stream.clone(), seq, mark))
    }

    fn try_writing(&self, stream: &StreamId) -> Answer<'_, Result<(), AppendError>> {
        Box::pin(self.core.try_writing(stream.clone()))
    }

    fn take_over(&self, stream: &StreamId) -> Answer<'_, Result<(), ReadError>> {
        Box::pin(self.core.take_over(stream.clone()))
    }

    fn load_snapshot(&self, stream: &StreamId) -> Answer<'_, Result<Option<Snapshot>, ReadError>> {
        Box::pin(self.core.load_snapshot(stream.clone()))
    }

    fn time(&self) -> Answer<'_, Result<Option<u64>, ReadError>> {
        Box::pin(async { self.core.time().await.map(Some) })
    }

    fn show_outside(
        &self,
        stream: &StreamId,
        view: OutsideView,
    ) -> Answer<'_, Result<(), AppendError>> {
        Box::pin(self.core.show_outside(stream.clone(), view))
    }

    fn shown_outside(&self, stream: &StreamId) -> Answer<'_, Result<Option<u64>, ReadError>> {
        Box::pin(self.core.shown_outside(stream.clone()))
    }
}

//! The log: one append-only order of entries per stream, a stream for each show and one for the
//! catalogue.
//!
//! The log orders and keeps; it never judges. It knows bytes and positions, nothing of seats. A
//! backend is durable when `append` answers: what it has answered is there after any crash.

pub mod chain;
pub mod memory;
mod page;
pub mod sqlite;

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

pub use chain::Chain;

/// A boxed future: the trait is used as `dyn`.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A stream's name: a show's id, or [`StreamId::catalogue`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(String);

impl StreamId {
    /// The catalogue's stream. No show can have this name: it has a capital letter.
    pub fn catalogue() -> Self {
        Self("Catalogue".to_owned())
    }

    /// The stream of a show.
    pub fn show(show: &crate::show::ShowId) -> Self {
        Self(show.as_str().to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A place in one life of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Which life: random at creation, new if history was ever lost.
    pub epoch: u64,
    /// How many entries were committed in it; 0 is the empty stream.
    pub seq: u64,
}

/// A stream's beginning: what it is about, as bytes its owner understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The life this is the beginning of.
    pub epoch: u64,
    /// The owner's bytes (a show's definition).
    pub bytes: Bytes,
}

/// An entry as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its place, from 1.
    pub seq: u64,
    /// The owner's bytes.
    pub bytes: Bytes,
}

/// What an append answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Every entry after the position that was known, in order, without a hole, the own ones
    /// among them.
    pub since_known: Vec<Recorded>,
    /// The place of the first of the own entries; they follow one another.
    pub own_first: u64,
}

/// The state at a position, as bytes its owner understands, so that opening need not replay all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What it is the state after.
    pub position: Position,
    /// The chain after that entry.
    pub chain: Chain,
    /// The owner's bytes.
    pub bytes: Bytes,
}

/// Why a stream was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// A stream of this name exists.
    #[error("the stream exists already")]
    Exists,
    /// Nothing is known of what happened.
    #[error("the log is not available")]
    Unavailable(#[source] anyhow::Error),
}

/// Why an append did not answer with entries.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The stream is not there, is of another epoch, or ends before the known position.
    #[error("the log's history is not the one known here")]
    Forked,
    /// Whether the entries are in the log is unknown.
    #[error("the log is not available")]
    Unavailable(#[source] anyhow::Error),
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No such stream.
    #[error("no such stream")]
    NoSuchStream,
    /// The log holds something that cannot be.
    #[error("the log is damaged: {0}")]
    Damaged(String),
    /// The log did not answer.
    #[error("the log is not available")]
    Unavailable(#[source] anyhow::Error),
}

/// A log. One contract suite holds all backends to it: `tests/it/log_contract.rs`.
pub trait Log: Send + Sync + 'static {
    /// Begins a stream. Durable when answered.
    fn create(&self, stream: &StreamId, genesis: Genesis) -> Answer<'_, Result<(), CreateError>>;

    /// Every stream there is, by name.
    fn streams(&self) -> Answer<'_, Result<Vec<StreamId>, ReadError>>;

    /// A stream's beginning.
    fn genesis(&self, stream: &StreamId) -> Answer<'_, Result<Genesis, ReadError>>;

    /// Puts `entries` (at least one) at the end, one after another, durable when answered, and
    /// answers with all that came after `known`.
    fn append(
        &self,
        stream: &StreamId,
        known: Position,
        entries: Vec<Bytes>,
    ) -> Answer<'_, Result<Appended, AppendError>>;

    /// Up to about `most` entries after `after` (more where they were appended as one), in order;
    /// empty at the end.
    fn read(
        &self,
        stream: &StreamId,
        after: u64,
        most: usize,
    ) -> Answer<'_, Result<Vec<Recorded>, ReadError>>;

    /// Keeps a snapshot; older ones of the stream may be dropped. Never blocks appends for long.
    fn save_snapshot(
        &self,
        stream: &StreamId,
        snapshot: Snapshot,
    ) -> Answer<'_, Result<(), AppendError>>;

    /// The newest snapshot, if one is kept.
    fn load_snapshot(&self, stream: &StreamId) -> Answer<'_, Result<Option<Snapshot>, ReadError>>;
}

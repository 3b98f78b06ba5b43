//! The log: one append-only order of entries per stream, a stream for each show and one for the
//! catalogue.
//!
//! The log orders and keeps; it never judges. It knows bytes and positions, nothing of seats. A
//! backend is durable when `append` answers: what it has answered is there after any crash.

pub mod chain;
pub mod copy;
mod hearing;
mod lives;
pub mod memory;
mod page;
pub mod redis;
pub mod sqlite;

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

pub use chain::Chain;
pub use hearing::{Heard, Hearing, Speaker, line};
pub use lives::{Life, Lives, NotLives};

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

/// The log's own sign at a place of its history, by which it knows that place again. Where history
/// was lost and another written in its stead, the same position has another mark. What it is made
/// of is the backend's affair; a backend whose history cannot be lost in parts has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mark(pub u64);

impl Mark {
    /// The mark before the first entry, and of a log without marks.
    pub const NONE: Self = Self(0);
}

/// How far somebody knows a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Known {
    /// The last place known.
    pub position: Position,
    /// The mark there.
    pub mark: Mark,
}

impl Known {
    /// Of a life that begins the stream, nothing but that.
    pub fn nothing(epoch: u64) -> Self {
        Self { position: Position { epoch, seq: 0 }, mark: Mark::NONE }
    }
}

/// A stream's beginning: what it is about, as bytes its owner understands, and how its life went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// Its lives.
    pub lives: Lives,
    /// The owner's bytes (a show's definition).
    pub bytes: Bytes,
}

impl Genesis {
    /// The beginning of a stream in its first life.
    pub fn new(epoch: u64, bytes: Bytes) -> Self {
        Self { lives: Lives::first(epoch), bytes }
    }

    /// The epoch and the chain before the first entry.
    pub fn beginning(&self) -> (u64, Chain) {
        let first = self.lives.oldest();
        self.lives.onward(0, first, Chain::of_genesis(first, &self.bytes))
    }
}

/// An entry as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its place, from 1.
    pub seq: u64,
    /// The mark there.
    pub mark: Mark,
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
    /// What it is the state after, and the mark there.
    pub known: Known,
    /// The chain after that entry.
    pub chain: Chain,
    /// The owner's bytes.
    pub bytes: Bytes,
}

/// What programs outside are shown of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideView {
    /// After which entry it is true.
    pub position: Position,
    /// One bit a seat, the first seat the highest bit of the first byte (the order of Redis's
    /// `GETBIT`): 1 where the seat is available.
    pub available: Bytes,
    /// Orders that were not shown yet. They may be shown again.
    pub orders: Vec<OutsideOrder>,
    /// Up to which entry all orders are shown with these: there may be more than go into one view.
    pub orders_up_to: u64,
}

/// An order, for programs outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideOrder {
    /// Its id.
    pub id: String,
    /// Whose: the session's id.
    pub buyer: String,
    /// The order as JSON.
    pub json: Bytes,
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
    /// The stream is not there, is in another life, ends before the known position or has another
    /// mark there.
    #[error("the log's history is not the one known here")]
    Forked,
    /// It is the same history, but what follows the known position is no longer kept: the stream
    /// is to be opened again, from its snapshot.
    #[error("the log no longer keeps what follows the position known here")]
    Trimmed,
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

    /// Puts `entries` at the end, one after another, durable when answered, and answers with all that
    /// came after `known`. Without entries it only asks what came.
    fn append(
        &self,
        stream: &StreamId,
        known: Known,
        entries: Vec<Bytes>,
    ) -> Answer<'_, Result<Appended, AppendError>>;

    /// Begins a new life, `epoch`, after the last entry there is, unless the stream has left the life
    /// `lost` behind already; answers with its lives. Two who noticed the same loss so begin one life
    /// together, and who knew a life that was lost wholly begins another.
    fn renew(
        &self,
        stream: &StreamId,
        lost: u64,
        epoch: u64,
    ) -> Answer<'_, Result<Lives, ReadError>>;

    /// Hears what others append from about now on. None where nobody else can: the log has one
    /// owner.
    fn watch(&self, stream: &StreamId) -> Option<Hearing>;

    /// Up to about `most` entries after `after` (more where they were appended as one, fewer only at
    /// the end), in order; empty at the end. Where the first of them are no longer kept, what is given begins later.
    fn read(
        &self,
        stream: &StreamId,
        after: u64,
        most: usize,
    ) -> Answer<'_, Result<Vec<Recorded>, ReadError>>;

    /// Whether the entry at `seq` still has this mark, as far as it is kept: who reads a history in
    /// parts so finds out that it changed in between.
    fn has_place(
        &self,
        _stream: &StreamId,
        _seq: u64,
        _mark: Mark,
    ) -> Answer<'_, Result<bool, ReadError>> {
        Box::pin(std::future::ready(Ok(true)))
    }

    /// Keeps a snapshot; older ones of the stream may be dropped. Never blocks appends for long.
    fn save_snapshot(
        &self,
        stream: &StreamId,
        snapshot: Snapshot,
    ) -> Answer<'_, Result<(), AppendError>>;

    /// Writes something that means nothing and costs little, durable when answered: whether the stream
    /// can be written just now. What can be read, and what a failed write left behind, is not to be
    /// believed before that.
    fn try_writing(&self, stream: &StreamId) -> Answer<'_, Result<(), AppendError>>;

    /// To be called before a stream is opened. Where it is kept by another server than when this was
    /// last asked, history may have been lost that nobody knows any more who could notice: then it
    /// goes on in a new life. Nothing, where a log cannot lose part of its history unnoticed.
    fn take_over(&self, _stream: &StreamId) -> Answer<'_, Result<(), ReadError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// The newest snapshot, if one is kept.
    fn load_snapshot(&self, stream: &StreamId) -> Answer<'_, Result<Option<Snapshot>, ReadError>>;

    /// The time by which all nodes of this log go, in milliseconds since the Unix epoch; none where
    /// there is but one node, whose own clock is as good as any.
    fn time(&self) -> Answer<'_, Result<Option<u64>, ReadError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Shows programs outside what is true after `view`'s position: the newest wins. Nothing, where
    /// the log has no place that others could look at.
    fn show_outside(
        &self,
        _stream: &StreamId,
        _view: OutsideView,
    ) -> Answer<'_, Result<(), AppendError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// The last position whose orders were shown outside; none where nothing is shown.
    fn shown_outside(&self, _stream: &StreamId) -> Answer<'_, Result<Option<u64>, ReadError>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

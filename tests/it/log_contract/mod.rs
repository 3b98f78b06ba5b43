//! What every log must do, whatever it is made of. Each story below runs on every backend; a new
//! backend adds one fixture and one line at the end of the file.

mod appending;
mod hearing;
mod histories;
mod lives;
mod on_redis;
mod snapshots;

use std::any::Any;
use std::sync::Arc;

use bytes::Bytes;
use tempfile::TempDir;
use tokio::sync::OwnedMutexGuard;
use usher::log::memory::MemoryLog;
use usher::log::sqlite::SqliteLog;
use usher::log::{Appended, Genesis, Known, Log, Mark, Position, Recorded, StreamId};
use usher::show::ShowId;

/// One log as two users of it see it: two nodes where the backend knows nodes, else two tasks.
struct Fixture {
    here: Arc<dyn Log>,
    there: Arc<dyn Log>,
    _folder: Option<TempDir>,
    /// What it shares with other fixtures, and does without no sooner than they do.
    shared: Option<Arc<dyn Any + Send + Sync>>,
    /// Held while only one fixture may use what is shared.
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Fixture {
    async fn memory() -> Self {
        let log = MemoryLog::new();
        Self::of(Arc::new(log.clone()), Arc::new(log))
    }

    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = SqliteLog::open(folder.path().join("log.sqlite")).expect("a new log");
        let log: Arc<dyn Log> = Arc::new(log);
        Self { _folder: Some(folder), ..Self::of(log.clone(), log) }
    }

    fn of(here: Arc<dyn Log>, there: Arc<dyn Log>) -> Self {
        Self { here, there, _folder: None, shared: None, _turn: None }
    }

    /// The log with the stream `hamlet` begun in it.
    async fn begun(&self) -> StreamId {
        let hamlet = show("hamlet");
        self.here.create(&hamlet, genesis()).await.expect("a new stream");
        hamlet
    }

    /// What somebody knows who has followed `stream` up to `seq`. Marks are the backend's own, so
    /// it is asked for them.
    async fn at(&self, stream: &StreamId, seq: u64) -> Known {
        let epoch = self.here.genesis(stream).await.expect("a stream").lives.now();
        let followed = self.here.read(stream, 0, usize::MAX).await.expect("a stream");
        let last = followed.iter().find(|entry| entry.seq == seq);
        let mark = last.map_or(Mark::NONE, |entry| entry.mark);
        Known { position: Position { epoch, seq }, mark }
    }

    /// Appends to `hamlet`, knowing it up to `known`.
    async fn append(&self, known: u64, texts: &[&str]) -> Appended {
        let hamlet = show("hamlet");
        let known = self.at(&hamlet, known).await;
        self.here.append(&hamlet, known, entries(texts)).await.expect("an append")
    }

    /// All that is in `stream`.
    async fn all(&self, stream: &StreamId) -> Vec<Recorded> {
        self.here.read(stream, 0, usize::MAX).await.expect("a stream")
    }
}

fn show(name: &str) -> StreamId {
    StreamId::show(&ShowId::parse(name).expect("a show's name"))
}

const EPOCH: u64 = 0xfedc_ba98_7654_3210;

fn genesis() -> Genesis {
    Genesis::new(EPOCH, Bytes::from_static(b"a show in a hall"))
}

/// Who knows the first life up to `seq`, and a mark that no log gave.
fn imagined(seq: u64) -> Known {
    Known { position: Position { epoch: EPOCH, seq }, mark: Mark::NONE }
}

/// What somebody knows who heard `entries` last.
fn after(entries: &[Recorded]) -> Known {
    let last = entries.last().expect("an entry");
    Known { position: Position { epoch: EPOCH, seq: last.seq }, mark: last.mark }
}

fn entries(texts: &[&str]) -> Vec<Bytes> {
    texts.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect()
}

/// What is to be told of `entries` whose first has the place `first`, but for the marks, which are
/// the backend's own affair.
fn told(first: u64, entries: &[Bytes]) -> Vec<(u64, Bytes)> {
    (first..).zip(entries.iter().cloned()).collect()
}

/// What was told, but for the marks.
fn places(recorded: &[Recorded]) -> Vec<(u64, Bytes)> {
    recorded.iter().map(|entry| (entry.seq, entry.bytes.clone())).collect()
}

/// Each story as a test on this backend.
macro_rules! keeps {
    ($backend:ident: $($room:ident::{$($story:ident),+ $(,)?})+) => {
        mod $backend {
            use super::Fixture;
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    super::$room::$story(Fixture::$backend().await).await;
                }
            )+)+

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn any_history_is_the_list_of_what_was_appended() {
                super::histories::any_is_the_list_of_what_was_appended(Fixture::$backend).await;
            }
        }
    };
}

/// Each story as a test on this backend, to which others can append.
macro_rules! shared_keeps {
    ($backend:ident as $mod:ident: $($story:ident),+ $(,)?) => {
        mod $mod {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    super::hearing::$story(super::Fixture::$backend().await).await;
                }
            )+
        }
    };
}

macro_rules! every_shared_backend_keeps {
    ($($stories:tt)+) => {
        shared_keeps!(memory as memory_shared: $($stories)+);
        shared_keeps!(redis as redis_shared: $($stories)+);
        shared_keeps!(redis_replicated as redis_replicated_shared: $($stories)+);
        shared_keeps!(redis_cluster as redis_cluster_shared: $($stories)+);
    };
}

macro_rules! every_backend_keeps {
    ($($stories:tt)+) => {
        keeps!(memory: $($stories)+);
        keeps!(sqlite: $($stories)+);
        keeps!(redis: $($stories)+);
        keeps!(redis_replicated: $($stories)+);
        keeps!(redis_cluster: $($stories)+);
    };
}

every_backend_keeps! {
    appending::{
        a_stream_is_begun_once,
        a_new_stream_is_empty,
        what_was_never_begun_is_no_stream,
        streams_are_told_by_name_and_do_not_mix,
        entries_keep_their_order_and_leave_no_hole,
        an_append_of_nothing_only_asks,
        who_knows_less_is_told_all_that_came_between,
        another_history_is_forked,
        a_history_is_read_in_parts,
        an_entry_may_be_small_or_large,
        many_at_once_lose_nothing_and_agree_on_one_order,
    }
    lives::{
        a_stream_that_was_created_with_several_lives_keeps_them,
        two_who_noticed_the_same_loss_begin_one_life,
        a_renewal_that_is_sent_twice_begins_one_life,
        who_knows_the_life_before_is_forked_and_finds_the_way_into_the_new_one,
        the_snapshot_of_the_common_history_is_loaded_after_a_renewal,
        the_chain_goes_on_through_a_renewal,
        what_was_never_begun_has_no_life_to_renew,
    }
    snapshots::{
        the_newest_is_kept,
        one_of_another_history_is_refused,
    }
}

every_shared_backend_keeps!(
    what_another_appends_is_heard_with_the_place_before_it,
    who_only_asks_is_not_heard,
    of_another_stream_nothing_is_heard,
    the_new_life_is_heard_on_the_same_line,
);

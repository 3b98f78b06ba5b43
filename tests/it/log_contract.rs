//! What every log must do, whatever it is made of. Each story below runs on every backend; a new
//! backend adds one fixture and one line at the end of the file.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tempfile::TempDir;
use usher::log::memory::MemoryLog;
use usher::log::sqlite::SqliteLog;
use usher::log::{
    AppendError, Appended, Chain, CreateError, Genesis, Log, Position, ReadError, Recorded,
    Snapshot, StreamId,
};
use usher::show::ShowId;

/// One log as two users of it see it: two nodes where the backend knows nodes, else two tasks.
struct Fixture {
    here: Arc<dyn Log>,
    there: Arc<dyn Log>,
    _folder: Option<TempDir>,
}

impl Fixture {
    fn memory() -> Self {
        let log = MemoryLog::new();
        Self { here: Arc::new(log.clone()), there: Arc::new(log), _folder: None }
    }

    fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = SqliteLog::open(folder.path().join("log.sqlite")).expect("a new log");
        let log: Arc<dyn Log> = Arc::new(log);
        Self { here: log.clone(), there: log, _folder: Some(folder) }
    }
}

fn show(name: &str) -> StreamId {
    StreamId::show(&ShowId::parse(name).expect("a show's name"))
}

fn genesis() -> Genesis {
    Genesis { epoch: 0xfedc_ba98_7654_3210, bytes: Bytes::from_static(b"a show in a hall") }
}

fn at(seq: u64) -> Position {
    Position { epoch: genesis().epoch, seq }
}

fn entries(texts: &[&str]) -> Vec<Bytes> {
    texts.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect()
}

/// What is told of `entries` whose first has the place `first`.
fn recorded(first: u64, entries: &[Bytes]) -> Vec<Recorded> {
    (first..).zip(entries).map(|(seq, bytes)| Recorded { seq, bytes: bytes.clone() }).collect()
}

async fn begun(log: &Fixture) -> StreamId {
    let hamlet = show("hamlet");
    log.here.create(&hamlet, genesis()).await.expect("a new stream");
    hamlet
}

async fn append(log: &Fixture, known: u64, texts: &[&str]) -> Appended {
    log.here.append(&show("hamlet"), at(known), entries(texts)).await.expect("an append")
}

async fn a_stream_is_begun_once(log: Fixture) {
    let hamlet = begun(&log).await;
    let other = Genesis { epoch: 2, bytes: Bytes::from_static(b"another show") };
    let again = log.there.create(&hamlet, other).await;
    assert!(matches!(again, Err(CreateError::Exists)), "{again:?}");
    assert_eq!(log.there.genesis(&hamlet).await.expect("a genesis"), genesis());
}

async fn a_new_stream_is_empty(log: Fixture) {
    let hamlet = begun(&log).await;
    assert_eq!(log.here.read(&hamlet, 0, 10).await.expect("a stream"), []);
    assert_eq!(log.here.load_snapshot(&hamlet).await.expect("a stream"), None);
}

async fn what_was_never_begun_is_no_stream(log: Fixture) {
    begun(&log).await;
    let lear = show("lear");
    assert!(matches!(log.here.genesis(&lear).await, Err(ReadError::NoSuchStream)));
    assert!(matches!(log.here.read(&lear, 0, 10).await, Err(ReadError::NoSuchStream)));
    assert!(matches!(log.here.load_snapshot(&lear).await, Err(ReadError::NoSuchStream)));
    let appended = log.here.append(&lear, at(0), entries(&["a"])).await;
    assert!(matches!(appended, Err(AppendError::Forked)), "{appended:?}");
}

async fn streams_are_told_by_name_and_do_not_mix(log: Fixture) {
    assert_eq!(log.here.streams().await.expect("names"), []);
    let (lear, catalogue) = (show("lear"), StreamId::catalogue());
    log.here.create(&lear, genesis()).await.expect("a new stream");
    let hamlet = begun(&log).await;
    log.here.create(&catalogue, genesis()).await.expect("a new stream");
    let names = log.there.streams().await.expect("names");
    assert_eq!(names, [catalogue, hamlet.clone(), lear.clone()]);
    append(&log, 0, &["of hamlet"]).await;
    log.here.append(&lear, at(0), entries(&["of lear"])).await.expect("an append");
    let of = |text| recorded(1, &entries(&[text]));
    assert_eq!(log.here.read(&hamlet, 0, 10).await.expect("a stream"), of("of hamlet"));
    assert_eq!(log.here.read(&lear, 0, 10).await.expect("a stream"), of("of lear"));
}

async fn entries_keep_their_order_and_leave_no_hole(log: Fixture) {
    let hamlet = begun(&log).await;
    let first = append(&log, 0, &["a", "b"]).await;
    let own = recorded(1, &entries(&["a", "b"]));
    assert_eq!(first, Appended { since_known: own, own_first: 1 });
    let second = append(&log, 2, &["c"]).await;
    let own = recorded(3, &entries(&["c"]));
    assert_eq!(second, Appended { since_known: own, own_first: 3 });
    let all = recorded(1, &entries(&["a", "b", "c"]));
    assert_eq!(log.there.read(&hamlet, 0, 10).await.expect("a stream"), all);
}

async fn who_knows_less_is_told_all_that_came_between(log: Fixture) {
    let hamlet = begun(&log).await;
    append(&log, 0, &["a", "b"]).await;
    append(&log, 2, &["c"]).await;
    // One that knows the middle of a page, and one that knows nothing.
    for known in [1, 0] {
        let text = format!("by one who knew {known}");
        let appended = log.there.append(&hamlet, at(known), entries(&[&text])).await;
        let appended = appended.expect("an append");
        let all = log.here.read(&hamlet, 0, 10).await.expect("a stream");
        assert_eq!(appended.since_known, all[known as usize..]);
        assert_eq!(appended.own_first, all.len() as u64);
        assert_eq!(all.last().map(|entry| entry.bytes.clone()), Some(Bytes::from(text)));
    }
}

async fn another_history_is_forked(log: Fixture) {
    let hamlet = begun(&log).await;
    append(&log, 0, &["a"]).await;
    let other_epoch = Position { epoch: 7, seq: 1 };
    for known in [other_epoch, at(2), at(u64::MAX)] {
        let appended = log.here.append(&hamlet, known, entries(&["b"])).await;
        assert!(matches!(appended, Err(AppendError::Forked)), "{known:?}: {appended:?}");
    }
    let all = log.here.read(&hamlet, 0, 10).await.expect("a stream");
    assert_eq!(all, recorded(1, &entries(&["a"])));
}

async fn a_history_is_read_in_parts(log: Fixture) {
    let hamlet = begun(&log).await;
    let mut texts = Vec::new();
    for turn in 0..20_u64 {
        let batch = (0..=turn % 5).map(|nth| format!("{turn}.{nth}")).collect::<Vec<_>>();
        let batch = batch.iter().map(String::as_str).collect::<Vec<_>>();
        append(&log, texts.len() as u64, &batch).await;
        texts.extend(entries(&batch));
    }
    for most in [1, 2, 7, 1000] {
        let mut read = Vec::new();
        loop {
            let part = log.here.read(&hamlet, read.len() as u64, most).await.expect("a part");
            if part.is_empty() {
                break;
            }
            assert!(part.len() < most + 5, "{} where {most} were asked for", part.len());
            read.extend(part);
        }
        assert_eq!(read, recorded(1, &texts));
    }
    assert_eq!(log.here.read(&hamlet, u64::MAX, 10).await.expect("nothing"), []);
}

async fn the_newest_snapshot_is_kept(log: Fixture) {
    let hamlet = begun(&log).await;
    append(&log, 0, &["a", "b", "c"]).await;
    let snapshot = |seq, text: &'static str| Snapshot {
        position: at(seq),
        chain: Chain::of_genesis(seq, b"any"),
        bytes: Bytes::from_static(text.as_bytes()),
    };
    for (saved, newest) in [(1, 1), (3, 3), (2, 3)] {
        let told = ["", "one", "two", "three"];
        let save = log.here.save_snapshot(&hamlet, snapshot(saved, told[saved as usize]));
        save.await.expect("a snapshot of this history");
        let loaded = log.there.load_snapshot(&hamlet).await.expect("a stream");
        assert_eq!(loaded, Some(snapshot(newest, told[newest as usize])));
    }
}

async fn a_snapshot_of_another_history_is_refused(log: Fixture) {
    let hamlet = begun(&log).await;
    let chain = Chain::of_genesis(1, b"any");
    for position in [Position { epoch: 7, seq: 0 }, at(1)] {
        let snapshot = Snapshot { position, chain, bytes: Bytes::new() };
        let saved = log.here.save_snapshot(&hamlet, snapshot).await;
        assert!(matches!(saved, Err(AppendError::Forked)), "{saved:?}");
    }
    assert_eq!(log.here.load_snapshot(&hamlet).await.expect("a stream"), None);
}

async fn an_entry_may_be_small_or_large(log: Fixture) {
    let hamlet = begun(&log).await;
    let sizes = [1, 2, 127, 128, 4_095, 4_096, 16_384, 65_536];
    let own: Vec<_> =
        sizes.iter().map(|&size| Bytes::from(vec![size as u8 ^ 0x5a; size])).collect();
    log.here.append(&hamlet, at(0), own.clone()).await.expect("an append");
    assert_eq!(log.there.read(&hamlet, 0, 100).await.expect("a stream"), recorded(1, &own));
}

async fn many_at_once_lose_nothing_and_agree_on_one_order(log: Fixture) {
    let hamlet = begun(&log).await;
    let appender = |who: usize| {
        let log = if who.is_multiple_of(2) { log.here.clone() } else { log.there.clone() };
        let hamlet = hamlet.clone();
        tokio::spawn(async move {
            let mut seen: Vec<Recorded> = Vec::new();
            for turn in 0..40 {
                let own: Vec<_> =
                    (0..=turn % 3).map(|nth| Bytes::from(format!("{who}.{turn}.{nth}"))).collect();
                let known = at(seen.len() as u64);
                let appended = log.append(&hamlet, known, own.clone()).await.expect("an append");
                seen.extend(appended.since_known);
                let first = appended.own_first as usize - 1;
                let told = seen[first..].iter().map(|entry| entry.bytes.clone());
                assert!(told.eq(own), "the own entries come last, together, and in their order");
            }
            seen
        })
    };
    let appenders: Vec<_> = (0..8).map(appender).collect();
    let mut seen = Vec::new();
    for appender in appenders {
        seen.push(appender.await.expect("an appender"));
    }
    let all = log.here.read(&hamlet, 0, usize::MAX).await.expect("a stream");
    assert!(all.iter().map(|entry| entry.seq).eq(1..=all.len() as u64), "without a hole");
    assert_eq!(all.len(), 8 * (0..40).map(|turn| turn % 3 + 1).sum::<usize>());
    for seen in seen {
        assert_eq!(seen, all[..seen.len()]);
    }
}

/// One step of a random history.
#[derive(Clone, Debug)]
enum Step {
    /// So many entries of this size, by one who is `behind` entries behind.
    Append { count: usize, size: usize, behind: usize },
    /// A read from this share of what there is.
    Read { after_percent: usize, most: usize },
}

fn any_step() -> impl Strategy<Value = Step> {
    let append = (1..20_usize, 1..300_usize, 0..60_usize);
    let read = (0..=100_usize, 1..50_usize);
    prop_oneof![
        append.prop_map(|(count, size, behind)| Step::Append { count, size, behind }),
        read.prop_map(|(after_percent, most)| Step::Read { after_percent, most }),
    ]
}

/// The naive model is a list: appending extends it, reading is a slice of it.
async fn any_history_is_the_list_of_what_was_appended(new: fn() -> Fixture) {
    let histories = prop::collection::vec((any::<bool>(), any_step()), 1..40);
    let runtime = tokio::runtime::Handle::current();
    let judged = tokio::task::spawn_blocking(move || {
        let config = ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() };
        TestRunner::new(config).run(&histories, |steps| runtime.block_on(follow(new(), steps)))
    });
    judged.await.expect("a judgement").unwrap_or_else(|found| panic!("{found}"));
}

async fn follow(log: Fixture, steps: Vec<(bool, Step)>) -> Result<(), TestCaseError> {
    let hamlet = begun(&log).await;
    let mut model: Vec<Bytes> = Vec::new();
    for (nth, (here, step)) in steps.into_iter().enumerate() {
        let log = if here { &log.here } else { &log.there };
        match step {
            Step::Append { count, size, behind } => {
                let known = model.len().saturating_sub(behind);
                let own_first = model.len() as u64 + 1;
                let own = vec![Bytes::from(vec![nth as u8; size]); count];
                let told = log.append(&hamlet, at(known as u64), own.clone()).await;
                model.extend(own);
                let since_known = recorded(known as u64 + 1, &model[known..]);
                let told = told.map_err(|error| TestCaseError::fail(error.to_string()))?;
                prop_assert_eq!(told, Appended { since_known, own_first });
            }
            Step::Read { after_percent, most } => {
                let after = model.len() * after_percent / 100;
                let read = log.read(&hamlet, after as u64, most).await;
                let read = read.map_err(|error| TestCaseError::fail(error.to_string()))?;
                prop_assert!(read.len() >= most.min(model.len() - after));
                let expected = &model[after..after + read.len()];
                prop_assert_eq!(read, recorded(after as u64 + 1, expected));
            }
        }
    }
    Ok(())
}

macro_rules! every_backend_keeps {
    ($($story:ident),+ $(,)?) => {
        every_backend_keeps!(@on memory: $($story),+);
        every_backend_keeps!(@on sqlite: $($story),+);
    };
    (@on $backend:ident: $($story:ident),+) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    super::$story(super::Fixture::$backend()).await;
                }
            )+

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn any_history_is_the_list_of_what_was_appended() {
                super::any_history_is_the_list_of_what_was_appended(super::Fixture::$backend).await;
            }
        }
    };
}

every_backend_keeps!(
    a_stream_is_begun_once,
    a_new_stream_is_empty,
    what_was_never_begun_is_no_stream,
    streams_are_told_by_name_and_do_not_mix,
    entries_keep_their_order_and_leave_no_hole,
    who_knows_less_is_told_all_that_came_between,
    another_history_is_forked,
    a_history_is_read_in_parts,
    the_newest_snapshot_is_kept,
    a_snapshot_of_another_history_is_refused,
    an_entry_may_be_small_or_large,
    many_at_once_lose_nothing_and_agree_on_one_order,
);

//! `usher log copy`: streams from log to log, and whole houses from a folder into Redis and back.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use usher::config::Durability;
use usher::log::copy::{CopyError, copy};
use usher::log::memory::MemoryLog;
use usher::log::redis::RedisLog;
use usher::log::sqlite::SqliteLog;
use usher::log::{Genesis, Known, Log, Position, Recorded, StreamId};
use usher::show::ShowId;

use crate::open_house::{OpenHouse, for_quick_buyers};
use crate::program::{self, Program};
use crate::redis_server::RedisServer;

/// What happened to a stream, a step at a time.
#[derive(Clone, Debug)]
enum Step {
    /// So many entries as one.
    Append(u8),
    /// A new life, after a loss.
    Life(u64),
}

use Step::{Append, Life};

const FIRST: u64 = u64::MAX;
const GENESIS: &[u8] = b"a show in a hall";

/// With lives that end, begin at the same place, and have nothing in them yet; and with an entry that
/// is longer than what is appended at a time.
const HISTORY: [Step; 9] = [
    Life(1),
    Append(3),
    Append(1),
    Append(40),
    Life(2),
    Append(2),
    Life(u64::MAX - 1),
    Life(4),
    Append(1),
];

fn hamlet() -> StreamId {
    StreamId::show(&ShowId::parse("hamlet").expect("a show's name"))
}

/// Entry `seq` of every history here.
fn entry(seq: u64) -> Bytes {
    let length = if seq == 4 { 3 << 20 } else { seq as usize };
    vec![seq as u8; length].into()
}

/// Makes these steps happen to a new stream.
async fn happen(log: &dyn Log, steps: &[Step]) {
    let genesis = Genesis::new(FIRST, Bytes::from_static(GENESIS));
    log.create(&hamlet(), genesis).await.expect("a new stream");
    let mut known = Known::nothing(FIRST);
    for step in steps {
        known = happens(log, known, step).await;
    }
}

async fn happens(log: &dyn Log, known: Known, step: &Step) -> Known {
    let Position { epoch, seq } = known.position;
    match *step {
        Append(count) => {
            let entries = (1..=u64::from(count)).map(|nth| entry(seq + nth)).collect();
            let told = log.append(&hamlet(), known, entries).await.expect("appended");
            let Recorded { seq, mark, .. } = *told.since_known.last().expect("entries");
            Known { position: Position { epoch, seq }, mark }
        }
        Life(next) => {
            log.renew(&hamlet(), epoch, next).await.expect("a new life");
            Known { position: Position { epoch: next, seq }, ..known }
        }
    }
}

/// All a log has of the stream, but for marks, which are each backend's own.
async fn all_of(log: &dyn Log) -> (Genesis, Vec<(u64, Bytes)>) {
    let genesis = log.genesis(&hamlet()).await.expect("a genesis");
    let mut entries: Vec<(u64, Bytes)> = Vec::new();
    loop {
        let after = entries.last().map_or(0, |(seq, _)| *seq);
        let page = log.read(&hamlet(), after, 10).await.expect("read");
        if page.is_empty() {
            return (genesis, entries);
        }
        entries.extend(page.into_iter().map(|recorded| (recorded.seq, recorded.bytes)));
    }
}

/// That `copied` is `original` with a life of its own, in which it goes on.
async fn is_a_copy(original: &dyn Log, copied: &dyn Log) {
    let (of, entries) = all_of(original).await;
    let (its, its_entries) = all_of(copied).await;
    assert!(entries == its_entries, "the entries are the same");
    assert_eq!((its.bytes, its.lives.oldest()), (of.bytes, of.lives.oldest()));
    let (own, before) = its.lives.later().split_last().expect("a life of its own");
    assert_eq!(before, of.lives.later());
    assert_eq!(own.after, entries.len() as u64);
    let mut every = std::iter::once(of.lives.oldest()).chain(before.iter().map(|life| life.epoch));
    assert!(every.all(|epoch| epoch != own.epoch), "it is new");
}

async fn copies_from_and_to(make: impl AsyncFn(&str) -> Arc<dyn Log>) {
    for length in 0..=HISTORY.len() {
        let (one, other) = (MemoryLog::new(), make(&format!("copy-{length}")).await);
        happen(&one, &HISTORY[..length]).await;
        let there = copy(&one, &*other, &hamlet()).await.expect("copied");
        is_a_copy(&one, &*other).await;
        let back = MemoryLog::new();
        let here = copy(&*other, &back, &hamlet()).await.expect("copied back");
        is_a_copy(&*other, &back).await;
        assert_eq!(there.entries, here.entries);
        if there.entries > 0 {
            assert_eq!(there.chain, here.chain, "who kept a head can hold it against either");
        }
        let again = copy(&one, &*other, &hamlet()).await.expect("it is there");
        assert!(again.was_there && again.epoch == there.epoch);
    }
}

#[tokio::test]
async fn what_is_copied_into_sqlite_and_back_is_the_same_in_a_life_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let make = async |name: &str| {
        let log = SqliteLog::open(folder.path().join(name)).expect("a log");
        Arc::new(log) as Arc<dyn Log>
    };
    copies_from_and_to(make).await;
}

#[tokio::test]
async fn what_is_copied_into_redis_and_back_is_the_same_in_a_life_of_its_own() {
    let redis = RedisServer::start();
    let make = async |name: &str| {
        let database = name.strip_prefix("copy-").expect("a number");
        let address = format!("{}/{database}", redis.url()).parse().expect("an address");
        let log = RedisLog::open(&address, Durability::Disk).await.expect("a log");
        Arc::new(log) as Arc<dyn Log>
    };
    copies_from_and_to(make).await;
}

#[tokio::test]
async fn a_copy_that_broke_off_anywhere_is_gone_on_with() {
    let original = MemoryLog::new();
    happen(&original, &HISTORY).await;
    for length in 0..=HISTORY.len() {
        let broken_off = MemoryLog::new();
        happen(&broken_off, &HISTORY[..length]).await;
        let copied = copy(&original, &broken_off, &hamlet()).await.expect("gone on with");
        assert!(!copied.was_there, "of {length} steps");
        is_a_copy(&original, &broken_off).await;
    }
}

#[tokio::test]
async fn a_stream_with_a_history_of_its_own_is_refused_and_left_as_it_is() {
    let original = MemoryLog::new();
    happen(&original, &HISTORY).await;
    let refused = async |there: &MemoryLog, what: &str| {
        let before = all_of(there).await;
        let answer = copy(&original, there, &hamlet()).await;
        assert!(matches!(answer, Err(CopyError::Exists)), "{what}: {answer:?}");
        assert!(all_of(there).await == before, "{what}: it is as it was");
    };
    // (what it is, and its steps)
    let table: [(&str, &[Step]); 4] = [
        ("it sold more in the first life", &[Append(50)]),
        ("it went on where the original lost", &[Life(1), Append(3), Append(1), Append(41)]),
        ("it has other lives", &[Life(9), Append(3)]),
        ("it has more than the original", &[&HISTORY[..], &[Append(1)]].concat()),
    ];
    for (what, steps) in table {
        let there = MemoryLog::new();
        happen(&there, steps).await;
        refused(&there, what).await;
    }
    for (epoch, bytes) in [(FIRST, &b"another show"[..]), (7, GENESIS)] {
        let there = MemoryLog::new();
        let genesis = Genesis::new(epoch, Bytes::copy_from_slice(bytes));
        there.create(&hamlet(), genesis).await.expect("a new stream");
        refused(&there, "another stream of this name").await;
    }
    let sold_since = MemoryLog::new();
    let copied = copy(&original, &sold_since, &hamlet()).await.expect("copied");
    let last = sold_since.read(&hamlet(), copied.entries - 1, 1).await.expect("read");
    let position = Position { epoch: copied.epoch, seq: copied.entries };
    happens(&sold_since, Known { position, mark: last[0].mark }, &Append(1)).await;
    refused(&sold_since, "a copy that has gone on").await;
}

/// What a session has, asked of a program.
async fn identified(program: &Program, show: &str, token: &str) -> Value {
    let request = json!({
        "jsonrpc": "2.0", "id": 1, "method": "identify", "params": {"session": token},
    });
    let url = format!("{}v1/shows/{show}/rpc", program.address());
    let answer = reqwest::Client::new().post(url).body(request.to_string()).send().await;
    let answer: Value = answer.expect("an answer").json().await.expect("JSON");
    answer["result"].clone()
}

fn log_copy(from: &str, to: &str) -> String {
    let words = ["log", "copy", "--from", from, "--to", to].map(ToOwned::to_owned);
    let (code, said, errors) = program::run(&words);
    assert_eq!(code, Some(0), "{said}{errors}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_moves_into_redis_is_backed_up_and_put_back_and_nobody_loses_a_seat() {
    let mut house = OpenHouse::start_with(for_quick_buyers).await;
    let show = house.a_show().await;
    let token = house.identify(&show).await;
    let ask = async |method: &str, params: Value| {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        house.rpc(&show, Some(&token), &request).await["result"].clone()
    };
    let held = ask("hold", json!({"seats": [2, 3]})).await;
    let bought =
        ask("buy", json!({"hold": held["hold"]["id"], "payment": {"method": "test"}})).await;
    let order = bought["order"]["id"].clone();
    assert!(order.is_string(), "{bought}");
    house.stop().await;

    let redis = RedisServer::start();
    let folder = house.folder().to_str().expect("text");
    let said = log_copy(folder, &redis.url());
    assert!(said.contains("Shows copied: 1."), "{said}");
    let at_redis = program::serve_on(&redis.url(), "disk");
    let mut moved = Program::start_as(&at_redis, std::process::Stdio::inherit());
    let there = identified(&moved, &show, &token).await;
    assert_eq!(there["orders"][0]["id"], order, "the session and its order moved along");
    let backups = tempfile::tempdir().expect("a folder");
    let backup = backups.path().join("backup");
    let backup = backup.to_str().expect("text");
    log_copy(&redis.url(), backup);
    moved.terminate();
    assert_eq!(moved.ended(), Some(0));
    assert_eq!(program::verify(backup.as_ref()).0, Some(0));

    redis.ask(&["FLUSHALL"]);
    log_copy(backup, &redis.url());
    assert!(log_copy(backup, &redis.url()).contains("was copied before"));
    let put_back = Program::start_as(&at_redis, std::process::Stdio::inherit());
    let there = identified(&put_back, &show, &token).await;
    assert_eq!(there["orders"][0]["id"], order);
    let (code, said) = program::verify_with(&["--redis", &redis.url()]);
    assert_eq!(code, Some(0), "{said}");
    let words = ["log", "show", &show, "--redis", &redis.url()].map(ToOwned::to_owned);
    let (code, said, errors) = program::run(&words);
    assert_eq!(code, Some(0), "{errors}");
    assert!(said.contains("Ground floor 1: 3 4") && said.contains("sold "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_is_not_copied_onto_itself_whatever_it_is_called() {
    let redis = RedisServer::start();
    let replica = RedisServer::replica_of(redis.port());
    let localhost = redis.url().replace("127.0.0.1", "localhost");
    let refused = |from: &str| {
        let words = ["log", "copy", "--from", from, "--to", &redis.url()].map(ToOwned::to_owned);
        let (code, said, errors) = program::run(&words);
        assert!(code != Some(0) && errors.contains("are the same log"), "{said}{errors}");
    };
    refused(&redis.url());
    refused(&localhost);
    refused(&replica.url());
    // Another database is another house, though an empty one.
    let words = ["log", "copy", "--from", &format!("{localhost}/1"), "--to", &redis.url()];
    let (_, said, errors) = program::run(&words.map(ToOwned::to_owned));
    assert!(errors.contains("has no programme"), "{said}{errors}");
}

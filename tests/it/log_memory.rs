//! What the log in memory can be told to suffer, so that others can be tested against it.

use bytes::Bytes;
use usher::log::memory::{Fault, MemoryLog};
use usher::log::{
    AppendError, Chain, Genesis, Known, Lives, Log, Mark, Position, ReadError, Recorded, Snapshot,
    StreamId,
};
use usher::show::ShowId;

const EPOCH: u64 = 7;

fn hamlet() -> StreamId {
    StreamId::show(&ShowId::parse("hamlet").expect("a show's name"))
}

async fn a_log() -> MemoryLog {
    let log = MemoryLog::new();
    let genesis = Genesis::new(EPOCH, Bytes::from_static(b"a show in a hall"));
    log.create(&hamlet(), genesis).await.expect("a new stream");
    log
}

async fn append(log: &MemoryLog, known: Known, text: &str) -> Result<Vec<Recorded>, AppendError> {
    let entry = Bytes::copy_from_slice(text.as_bytes());
    log.append(&hamlet(), known, vec![entry]).await.map(|told| told.since_known)
}

fn after(entries: &[Recorded], epoch: u64) -> Known {
    let last = entries.last().expect("an entry");
    Known { position: Position { epoch, seq: last.seq }, mark: last.mark }
}

fn texts(entries: &[Recorded]) -> Vec<String> {
    entries.iter().map(|entry| String::from_utf8_lossy(&entry.bytes).into_owned()).collect()
}

#[tokio::test]
async fn an_append_that_was_told_to_fail_is_lost_or_kept() {
    let log = a_log().await;
    log.fail_next_append(Fault::Lost);
    log.fail_next_append(Fault::Kept);
    for text in ["lost", "kept"] {
        let failed = append(&log, Known::nothing(EPOCH), text).await;
        assert!(matches!(failed, Err(AppendError::Unavailable(_))), "{failed:?}");
    }
    let told = append(&log, Known::nothing(EPOCH), "a").await.expect("an append");
    assert_eq!(texts(&told), ["kept", "a"]);
}

#[tokio::test]
async fn who_knows_a_lost_tail_is_forked_also_when_another_grew_in_its_place() {
    let log = a_log().await;
    let first = append(&log, Known::nothing(EPOCH), "a").await.expect("an append");
    let common = after(&first, EPOCH);
    let lost = after(&append(&log, common, "b").await.expect("an append"), EPOCH);
    let chain = Chain::of_genesis(EPOCH, b"any");
    let snapshot = |known| Snapshot { known, chain, bytes: Bytes::new() };
    log.save_snapshot(&hamlet(), snapshot(lost)).await.expect("a snapshot");

    log.lose_tail(&hamlet(), 1);
    assert_eq!(log.load_snapshot(&hamlet()).await.expect("a stream"), None, "it knew too much");
    assert!(matches!(append(&log, lost, "c").await, Err(AppendError::Forked)), "too short");
    // Somebody who knows nothing of the loss writes on, and the log is as long as it was.
    let other = after(&append(&log, common, "another b").await.expect("an append"), EPOCH);
    assert_eq!(other.position, lost.position);
    assert_ne!(other.mark, lost.mark);
    assert!(matches!(append(&log, lost, "c").await, Err(AppendError::Forked)), "another mark");
    let asked = log.append(&hamlet(), lost, Vec::new()).await;
    assert!(matches!(asked, Err(AppendError::Forked)), "{asked:?}");

    let lives = log.renew(&hamlet(), EPOCH, 8).await.expect("a new life");
    assert_eq!(lives, Lives::first(EPOCH).renewed(8, 2));
    let now = Known { position: Position { epoch: 8, seq: 2 }, mark: other.mark };
    assert_eq!(texts(&append(&log, now, "c").await.expect("an append")), ["c"]);
}

#[tokio::test]
async fn what_is_lost_wholly_is_no_stream_any_more() {
    let log = a_log().await;
    let known = after(&append(&log, Known::nothing(EPOCH), "a").await.expect("an append"), EPOCH);
    log.lose_tail(&hamlet(), 100);
    assert!(matches!(append(&log, known, "b").await, Err(AppendError::Forked)));
    let told = append(&log, Known { mark: Mark::NONE, ..Known::nothing(EPOCH) }, "b").await;
    assert_eq!(texts(&told.expect("it is there, and empty")), ["b"]);
    log.lose_all();
    assert!(matches!(log.genesis(&hamlet()).await, Err(ReadError::NoSuchStream)));
    assert_eq!(log.streams().await.expect("names"), []);
}

//! Snapshots, as far as Redis keeps them otherwise than the contract says for all logs.

use bytes::Bytes;
use usher::log::{AppendError, Chain, Known, Log, Mark, Snapshot};

use super::{EPOCH, after, append, begun, open};
use crate::redis_server::RedisServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_is_kept_already_is_not_sent_again() {
    let redis = RedisServer::start();
    let (log, other) = (open(&redis.url()).await, open(&redis.url()).await);
    let hamlet = begun(&log).await;
    let appended = append(&log, Known::nothing(EPOCH), &["a", "b"]).await;
    let snapshot = |known: Known| Snapshot {
        known,
        chain: Chain::of_genesis(EPOCH, b"any"),
        bytes: Bytes::from_static(b"the state"),
    };
    let there = after(&appended);
    log.save_snapshot(&hamlet, snapshot(there)).await.expect("it is saved");
    // What a second sending would put back.
    let key = "usher:{hamlet}:snapshot";
    redis.ask(&["HSET", key, "state", "marked"]);
    other.save_snapshot(&hamlet, snapshot(there)).await.expect("it is there");
    assert_eq!(redis.ask(&["HGET", key, "state"]).text(), "marked");
    // One of the same place and another page is of another history.
    let strange = Known { mark: Mark(there.mark.0 ^ 1), ..there };
    let refused = other.save_snapshot(&hamlet, snapshot(strange)).await;
    assert!(matches!(refused, Err(AppendError::Forked)), "{refused:?}");
}

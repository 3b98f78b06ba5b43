//! A primary that Sentinels know: found by its name, and found again after a failover.

use usher::log::{Known, Log};

use super::{EPOCH, after, append, begun, entries, heard, heard_of, next, open, texts, until};
use crate::redis_server::{RedisServer, Sentinel};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_is_found_by_its_name_and_found_again_after_a_failover() {
    let mut primary = RedisServer::start();
    let replica = RedisServer::replica_of(primary.port());
    let sentinel = Sentinel::over(&primary);
    // The first is not there: another is asked.
    let url = sentinel.url().replace("//", "//127.0.0.1:1,");
    let (log, other) = (open(&url).await, open(&url).await);
    let hamlet = begun(&log).await;
    let mut hearing = other.watch(&hamlet).expect("others can append");
    for _ in 0..2 {
        next(&mut hearing).await;
    }
    let first = append(&log, Known::nothing(EPOCH), &["a"]).await;
    heard_of(&mut hearing, &first).await;
    until("the replica has it", async || super::pages(&replica) == 1).await;

    primary.kill();
    let mut last = after(&first);
    until("it goes on at the replica", async || {
        match log.append(&hamlet, last, entries(&["b"])).await {
            Ok(told) => last = after(&told),
            Err(_) => return false,
        }
        true
    })
    .await;
    assert_eq!(super::pages(&replica), 2);
    // The old primary comes back and is told to follow; nobody takes it for the primary.
    primary.start_again();
    until("it is heard at the new primary", async || {
        last = after(&append(&log, last, &["c"]).await);
        let soon = std::time::Duration::from_millis(200);
        tokio::time::timeout(soon, heard(&mut hearing)).await.is_ok()
    })
    .await;
    let found = texts(&other).await;
    assert_eq!(found[..2], ["a", "b"]);
    assert_eq!(found.len() as i64, super::pages(&replica));
}

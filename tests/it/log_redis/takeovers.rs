//! Another server keeps the log than before, and nobody is left who knew what that one had.

use usher::config::RedisAddress;
use usher::log::redis::RedisLog;
use usher::log::{AppendError, Known, Lives, Log, ReadError, StreamId};

use super::{EPOCH, after, append, begun, entries, open, open_at, show, texts};
use crate::redis_server::{RedisServer, Reply};

async fn lives(log: &RedisLog, stream: &StreamId) -> Lives {
    log.genesis(stream).await.expect("a genesis").lives
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_goes_on_in_a_new_life_where_another_server_keeps_it_and_only_there() {
    let mut redis = RedisServer::start();
    let hamlet = {
        let log = open(&redis.url()).await;
        let hamlet = begun(&log).await;
        log.take_over(&hamlet).await.expect("it is noted who has it");
        append(&log, Known::nothing(EPOCH), &["a"]).await;
        log.take_over(&hamlet).await.expect("the same has it");
        assert_eq!(lives(&log, &hamlet).await, Lives::first(EPOCH));
        hamlet
    };
    redis.kill();
    redis.start_again();
    let (log, other) = (open(&redis.url()).await, open(&redis.url()).await);
    let address: RedisAddress = redis.url().parse().expect("an address");
    let reader = RedisLog::open_read_only(&address).await.expect("a log");
    reader.take_over(&hamlet).await.expect("it does nothing");
    assert_eq!(lives(&reader, &hamlet).await, Lives::first(EPOCH));
    // All that open it then are in one life together.
    let (one, two) = tokio::join!(log.take_over(&hamlet), other.take_over(&hamlet));
    one.and(two).expect("it is another");
    let renewed = lives(&log, &hamlet).await;
    assert_eq!(renewed, Lives::first(EPOCH).renewed(renewed.now(), 1));
    assert_ne!(renewed.now(), EPOCH);
    log.take_over(&hamlet).await.expect("the same has it");
    assert_eq!(lives(&other, &hamlet).await, renewed);
    let appended = log.append(&hamlet, Known::nothing(EPOCH), entries(&["b"])).await;
    assert!(matches!(appended, Err(AppendError::Forked)), "{appended:?}");
    assert_eq!(texts(&log).await, ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_the_place_of_a_primary_begins_a_new_life_that_its_replicas_have() {
    let level = usher::config::Durability::Replicated { replicas: 1 };
    let mut first = RedisServer::start();
    let (second, third) =
        (RedisServer::replica_of(first.port()), RedisServer::replica_of(first.port()));
    let log = open_at(&first.url(), level).await;
    let hamlet = begun(&log).await;
    log.take_over(&hamlet).await.expect("it is noted who has it");
    let kept = append(&log, Known::nothing(EPOCH), &["a"]).await;
    super::until("both have it", async || {
        [&second, &third].into_iter().all(|replica| super::pages(replica) == 1)
    })
    .await;
    first.kill();
    second.promote();
    third.follow(second.port());
    let log = open_at(&second.url(), level).await;
    log.take_over(&hamlet).await.expect("it is another");
    let lives = third.ask(&["HGET", "usher:{hamlet}:meta", "lives"]).text();
    let renewed: Lives = lives.parse().expect("lives");
    assert_eq!(renewed, Lives::first(EPOCH).renewed(renewed.now(), 1));
    let appended = log.append(&hamlet, after(&kept), Vec::new()).await;
    assert!(matches!(appended, Err(AppendError::Forked)), "{appended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_taken_over_where_there_is_nothing() {
    let redis = RedisServer::start();
    let log = open(&redis.url()).await;
    let lear = show("lear");
    log.take_over(&lear).await.expect("no harm");
    assert!(matches!(log.genesis(&lear).await, Err(ReadError::NoSuchStream)));
    assert_eq!(redis.ask(&["DBSIZE"]), Reply::Number(0));
}

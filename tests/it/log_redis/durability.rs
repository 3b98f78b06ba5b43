//! What an acknowledgement means: settings that keep too little are refused, and nothing that is not on
//! the replicas is told to anybody.

use std::time::{Duration, Instant};

use usher::config::{Durability, RedisAddress};
use usher::log::redis::RedisLog;
use usher::log::{AppendError, Heard, Known, Log, ReadError};

use super::{EPOCH, after, append, begun, entries, heard_of, next, open_at, texts, until};
use crate::proxy::Proxy;
use crate::redis_server::{RedisServer, Reply};

const REPLICATED: Durability = Durability::Replicated { replicas: 1 };

async fn refusal(redis: &RedisServer, level: Durability) -> String {
    let address: RedisAddress = redis.url().parse().expect("an address");
    match RedisLog::open(&address, level).await {
        Ok(_) => "it is opened".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_keeps_less_than_is_asked_for_is_refused_with_what_to_change() {
    let redis = RedisServer::start_with(&[]);
    let set = |name, value| {
        assert_eq!(redis.ask(&["CONFIG", "SET", name, value]), Reply::Text("OK".to_owned()));
    };
    let disk = Durability::Disk;
    let said = refusal(&redis, disk).await;
    assert!(said.contains("set appendonly yes and appendfsync always"), "{said}");
    open_at(&redis.url(), Durability::Memory).await;
    set("appendonly", "yes");
    let said = refusal(&redis, disk).await;
    assert!(said.contains("(appendfsync everysec)") && said.contains("always"), "{said}");
    set("appendfsync", "always");
    set("no-appendfsync-on-rewrite", "yes");
    let said = refusal(&redis, disk).await;
    assert!(said.contains("set no-appendfsync-on-rewrite no"), "{said}");
    set("no-appendfsync-on-rewrite", "no");
    let log = open_at(&redis.url(), disk).await;
    let said = refusal(&redis, REPLICATED).await;
    assert!(said.contains("0 replicas") && said.contains("needs 1"), "{said}");
    set("maxmemory-policy", "allkeys-lru");
    for level in [Durability::Memory, disk] {
        let said = refusal(&redis, level).await;
        assert!(said.contains("set maxmemory-policy noeviction"), "{said}");
        assert!(said.contains(&redis.port().to_string()), "which one: {said}");
    }
    // It may become worse later, and is looked at again.
    let said = log.check_durability().await.expect_err("it is worse").to_string();
    assert!(said.contains("noeviction"), "{said}");
    let address: RedisAddress = redis.url().parse().expect("an address");
    RedisLog::open_read_only(&address).await.expect("whoever only reads does not mind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_settings_may_not_be_read_nobody_relies_on_them() {
    let redis = RedisServer::start();
    let who = ["ACL", "SETUSER", "usher", "on", ">seat"];
    let rights = ["~usher:*", "&usher:*", "+@all", "-config"];
    assert_eq!(redis.ask(&[&who[..], &rights].concat()), Reply::Text("OK".to_owned()));
    let url = format!("redis://usher:seat@127.0.0.1:{}", redis.port());
    let address: RedisAddress = url.parse().expect("an address");
    let said = RedisLog::open(&address, Durability::Disk).await.err().expect("refused").to_string();
    assert!(said.contains("CONFIG GET"), "{said}");
    let log = open_at(&url, Durability::Memory).await;
    begun(&log).await;
    let mut hearing = log.watch(&super::show("hamlet")).expect("others can append");
    for _ in 0..2 {
        next(&mut hearing).await;
    }
    append(&log, Known::nothing(EPOCH), &["a"]).await;
    let wrong = format!("redis://usher:wrong@127.0.0.1:{}", redis.port());
    let address: RedisAddress = wrong.parse().expect("an address");
    let error = RedisLog::open(&address, Durability::Memory).await.err().expect("refused");
    let said = format!("{:#}", anyhow::Error::from(error));
    assert!(!said.contains("wrong@") && said.contains("WRONGPASS"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_not_on_a_replica_is_told_to_anybody() {
    let redis = RedisServer::start();
    let between = Proxy::to(redis.port());
    let replica = RedisServer::replica_of(between.port());
    until("it counts as a replica", async || {
        redis.info("slave0").is_some_and(|told| told.contains("state=online"))
    })
    .await;
    let log = open_at(&redis.url(), REPLICATED).await;
    let other = open_at(&redis.url(), REPLICATED).await;
    let hamlet = begun(&log).await;
    let mut hearing = other.watch(&hamlet).expect("others can append");
    for _ in 0..2 {
        assert_eq!(next(&mut hearing).await, Heard::Missed);
    }
    let first = append(&log, Known::nothing(EPOCH), &["a"]).await;
    heard_of(&mut hearing, &first).await;

    between.stop_all();
    let began = Instant::now();
    let appended = log.append(&hamlet, after(&first), entries(&["b"])).await;
    assert!(matches!(appended, Err(AppendError::Unavailable(_))), "{appended:?}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(super::pages(&redis), 2, "the primary has it, but that is not enough");
    // Neither who asks, nor who reads, nor who listens gets to know it.
    let asked = other.append(&hamlet, after(&first), Vec::new()).await;
    assert!(matches!(asked, Err(AppendError::Unavailable(_))), "{asked:?}");
    let read = other.read(&hamlet, 0, 10).await;
    assert!(matches!(read, Err(ReadError::Unavailable(_))), "{read:?}");
    let heard_it = tokio::time::timeout(Duration::from_millis(100), hearing.next()).await;
    assert!(heard_it.is_err(), "{heard_it:?}");

    between.pass();
    until("the replica is there again", async || texts_of(&other).await.is_some()).await;
    assert_eq!(texts(&log).await, ["a", "b"]);
    assert_eq!(super::pages(&replica), 2);
}

async fn texts_of(log: &RedisLog) -> Option<usize> {
    Some(log.read(&super::show("hamlet"), 0, 10).await.ok()?.len())
}

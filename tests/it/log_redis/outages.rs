//! Answers that are lost, connections that are cut, a Redis that stands still.

use std::time::{Duration, Instant};

use usher::config::RedisAddress;
use usher::log::redis::{OpenError, RedisLog};
use usher::log::{AppendError, Heard, Known, Log, ReadError};

use super::{
    after, append, begun, entries, heard_of, hears_again, next, open, pages, texts, until,
};
use crate::proxy::{Proxy, Way};
use crate::redis_server::RedisServer;

/// How long an asker may wait at most.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_answer_was_lost_is_sent_again_and_appended_once() {
    // In a long log nobody looks at all pages to find that out.
    for (before, others_before) in [(1, false), (20, false), (20, true)] {
        let redis = RedisServer::start();
        let proxy = Proxy::to(redis.port());
        let (log, other) = (open(&proxy.url()).await, open(&redis.url()).await);
        let hamlet = begun(&log).await;
        let mut first = append(&log, Known::nothing(super::EPOCH), &["a"]).await;
        for _ in 1..before {
            first = append(&log, after(&first), &["a"]).await;
        }
        if others_before {
            append(&other, after(&first), &["x"]).await;
        }
        let had = texts(&log).await;
        proxy.stop(Way::Back);
        let appending = tokio::spawn({
            let (log, hamlet, known) = (log.clone(), hamlet.clone(), after(&first));
            async move { log.append(&hamlet, known, entries(&["b", "c"])).await }
        });
        until("Redis has it", async || pages(&redis) == had.len() as i64 + 1).await;
        // Somebody else is quicker than the second sending.
        let others = append(&other, after(&first), &["d"]).await;
        assert_eq!(others.own_first, had.len() as u64 + 3);
        let clients = || redis.info("connected_clients").and_then(|told| told.parse::<u32>().ok());
        let connected = clients();
        proxy.cut();
        until("the answer is gone for good", async || clients() < connected).await;
        proxy.pass();
        let appended = appending.await.expect("a task");
        let appended = appended.expect("it is answered as the first time");
        assert_eq!(appended.own_first, had.len() as u64 + 1);
        assert_eq!(appended.since_known[..], others.since_known[..others.since_known.len() - 1]);
        let all: Vec<_> = had.iter().map(String::as_str).chain(["b", "c", "d"]).collect();
        assert_eq!(texts(&log).await, all);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_stands_still_all_is_answered_within_two_seconds_and_then_goes_on() {
    let redis = RedisServer::start();
    let (log, other) = (open(&redis.url()).await, open(&redis.url()).await);
    let hamlet = begun(&log).await;
    let mut hearing = other.watch(&hamlet).expect("others can append");
    let first = append(&log, Known::nothing(super::EPOCH), &["a"]).await;
    redis.freeze();
    // The first finds a connection that was good, the second makes one.
    for text in ["b", "c"] {
        let began = Instant::now();
        let appended = log.append(&hamlet, after(&first), entries(&[text])).await;
        assert!(matches!(appended, Err(AppendError::Unavailable(_))), "{appended:?}");
        assert!(began.elapsed() < ANSWERED_WITHIN, "{:?}", began.elapsed());
        let began = Instant::now();
        let read = log.read(&hamlet, 0, 1).await;
        assert!(matches!(read, Err(ReadError::Unavailable(_))), "{read:?}");
        assert!(began.elapsed() < ANSWERED_WITHIN, "{:?}", began.elapsed());
    }
    let address: RedisAddress = redis.url().parse().expect("an address");
    let opened = RedisLog::open_read_only(&address).await.err();
    assert!(matches!(opened, Some(OpenError::Unavailable { .. })), "{opened:?}");
    redis.thaw();
    let mut told = Err(AppendError::Forked);
    until("it answers again", async || {
        told = log.append(&hamlet, after(&first), Vec::new()).await;
        told.is_ok()
    })
    .await;
    // Whether they were done is unknown to who asked; each was once at most.
    let unknown = told.expect("an answer");
    assert!(unknown.since_known.len() <= 2, "{unknown:?}");
    let known = unknown.since_known.last().map_or(after(&first), |_| after(&unknown));
    hears_again(&mut hearing, &log, known).await;
    assert_eq!(texts(&log).await, texts(&other).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_all_that_was_acknowledged_is_there_and_it_goes_on_by_itself() {
    let mut redis = RedisServer::start();
    let (log, other) = (open(&redis.url()).await, open(&redis.url()).await);
    let hamlet = begun(&log).await;
    let mut hearing = other.watch(&hamlet).expect("others can append");
    let first = append(&log, Known::nothing(super::EPOCH), &["a"]).await;
    redis.kill();
    let began = Instant::now();
    let appended = log.append(&hamlet, after(&first), entries(&["b"])).await;
    assert!(matches!(appended, Err(AppendError::Unavailable(_))), "{appended:?}");
    assert!(began.elapsed() < ANSWERED_WITHIN, "{:?}", began.elapsed());
    redis.start_again();
    append(&log, after(&first), &["c"]).await;
    assert_eq!(texts(&other).await, ["a", "c"]);
    hears_again(&mut hearing, &log, known_now(&log).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_comes_back_empty_has_no_such_stream() {
    let mut redis = RedisServer::start();
    let log = open(&redis.url()).await;
    let hamlet = begun(&log).await;
    let first = append(&log, Known::nothing(super::EPOCH), &["a"]).await;
    redis.kill();
    redis.start_again_empty();
    let appended = log.append(&hamlet, after(&first), entries(&["b"])).await;
    assert!(matches!(appended, Err(AppendError::Forked)), "{appended:?}");
    assert!(matches!(log.genesis(&hamlet).await, Err(ReadError::NoSuchStream)));
    let renewed = log.renew(&hamlet, super::EPOCH, 8).await;
    assert!(matches!(renewed, Err(ReadError::NoSuchStream)), "{renewed:?}");
    assert!(log.streams().await.expect("names").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_cut_a_listener_hears_that_it_missed_something_and_then_hears_again() {
    let redis = RedisServer::start();
    let proxy = Proxy::to(redis.port());
    let (near, far) = (open(&redis.url()).await, open(&proxy.url()).await);
    let hamlet = begun(&near).await;
    let mut hearing = far.watch(&hamlet).expect("others can append");
    let mut last = append(&near, Known::nothing(super::EPOCH), &["a"]).await;
    // At first, and again when the subscription stands.
    assert_eq!(next(&mut hearing).await, Heard::Missed);
    assert_eq!(next(&mut hearing).await, Heard::Missed);
    for _ in 0..3 {
        last = append(&near, after(&last), &["heard"]).await;
        heard_of(&mut hearing, &last).await;
        proxy.cut();
        last = append(&near, after(&last), &["not heard"]).await;
        proxy.pass();
        assert_eq!(next(&mut hearing).await, Heard::Missed);
    }
    let all = far.read(&hamlet, 0, 100).await.expect("a stream");
    assert_eq!(all.last(), last.since_known.last());
    drop(hearing);
    until("nobody listens any more", async || {
        let told = redis.ask(&["PUBSUB", "SHARDNUMSUB", "usher:{hamlet}"]);
        append(&near, known_now(&near).await, &["x"]).await;
        told.list()[1] == crate::redis_server::Reply::Number(0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_whose_line_died_without_a_word_hears_again() {
    let redis = RedisServer::start();
    let proxy = Proxy::to(redis.port());
    let (near, far) = (open(&redis.url()).await, open(&proxy.url()).await);
    let hamlet = begun(&near).await;
    let mut hearing = far.watch(&hamlet).expect("others can append");
    for _ in 0..2 {
        assert_eq!(next(&mut hearing).await, Heard::Missed);
    }
    // What is under way never arrives, and no end is told.
    proxy.stop_all();
    append(&near, Known::nothing(super::EPOCH), &["not heard"]).await;
    // In the time of three requests that fail the listener has given its line up, too: what then
    // still arrives on it is not heard.
    for _ in 0..3 {
        let tried = far.read(&hamlet, 0, 1).await;
        assert!(matches!(tried, Err(ReadError::Unavailable(_))), "{tried:?}");
    }
    proxy.pass();
    assert_eq!(next(&mut hearing).await, Heard::Missed);
    hears_again(&mut hearing, &near, known_now(&near).await).await;
}

async fn known_now(log: &RedisLog) -> Known {
    let all = log.read(&super::show("hamlet"), 0, usize::MAX).await.expect("a stream");
    super::known(super::EPOCH, &all)
}

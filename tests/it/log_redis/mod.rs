//! What only the log in Redis can do, and what only Redis can do to it: answers that are lost, history
//! that is lost, settings that keep too little, servers that take each other's place.

mod clusters;
mod durability;
mod outages;
mod outside;
mod sentinels;
mod snapshots;
mod tails;
mod takeovers;
mod tls;

use std::time::Duration;

use bytes::Bytes;
use usher::config::{Durability, RedisAddress};
use usher::log::redis::RedisLog;
use usher::log::{Appended, Genesis, Heard, Hearing, Known, Log, Recorded, StreamId};
use usher::show::ShowId;

use crate::redis_server::RedisServer;

const EPOCH: u64 = 0xfedc_ba98_7654_3210;
/// How long anything that is to happen may take on a machine that is busy with all the other tests.
const PATIENCE: Duration = Duration::from_secs(60);

async fn open(url: &str) -> RedisLog {
    open_at(url, Durability::Disk).await
}

async fn open_at(url: &str, level: Durability) -> RedisLog {
    let address: RedisAddress = url.parse().expect("an address");
    RedisLog::open(&address, level).await.unwrap_or_else(|error| panic!("{error:?}"))
}

fn show(name: &str) -> StreamId {
    StreamId::show(&ShowId::parse(name).expect("a show's name"))
}

/// The stream `hamlet`, begun.
async fn begun(log: &RedisLog) -> StreamId {
    let hamlet = show("hamlet");
    let genesis = Genesis::new(EPOCH, Bytes::from_static(b"a show in a hall"));
    log.create(&hamlet, genesis).await.expect("a new stream");
    hamlet
}

fn entries(texts: &[&str]) -> Vec<Bytes> {
    texts.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect()
}

/// What somebody knows who was told this.
fn after(told: &Appended) -> Known {
    known(EPOCH, &told.since_known)
}

fn known(epoch: u64, told: &[Recorded]) -> Known {
    let last = told.last().expect("an entry");
    Known { position: usher::log::Position { epoch, seq: last.seq }, mark: last.mark }
}

async fn append(log: &RedisLog, known: Known, texts: &[&str]) -> Appended {
    log.append(&show("hamlet"), known, entries(texts)).await.expect("an append")
}

async fn texts(log: &RedisLog) -> Vec<String> {
    let all = log.read(&show("hamlet"), 0, usize::MAX).await.expect("a stream");
    assert!(all.iter().map(|entry| entry.seq).eq(1..=all.len() as u64), "without a hole");
    all.iter().map(|entry| String::from_utf8_lossy(&entry.bytes).into_owned()).collect()
}

/// How many pages Redis has, by its own word.
fn pages(redis: &RedisServer) -> i64 {
    redis.ask(&["XLEN", "usher:{hamlet}:log"]).number()
}

/// The next place that is heard of: the end of a page that is said, or the place alone.
async fn heard(hearing: &mut Hearing) -> Known {
    loop {
        if let Heard::Entries { after, entries } = next(hearing).await {
            return end_of(after, &entries);
        }
    }
}

fn end_of(before: Known, page: &[Recorded]) -> Known {
    if page.is_empty() { before } else { known(before.position.epoch, page) }
}

/// Hears until what was appended here is heard of, at its place and with its mark.
async fn heard_of(hearing: &mut Hearing, appended: &Appended) {
    let place = after(appended);
    loop {
        let heard = heard(hearing).await;
        if heard.position.seq >= place.position.seq {
            return assert_eq!(heard, place);
        }
    }
}

/// Appends after `known` until an append is heard of. What is said while a line is made anew is not
/// heard: that something was missed is, once the line stands, and then the next append is.
async fn hears_again(hearing: &mut Hearing, log: &RedisLog, mut known: Known) {
    let hears = async {
        loop {
            known = after(&append(log, known, &["are you there"]).await);
            while let Heard::Entries { after, entries } = next(hearing).await {
                let place = end_of(after, &entries);
                if place.position.seq >= known.position.seq {
                    return assert_eq!(place, known);
                }
            }
        }
    };
    let hears = tokio::time::timeout(PATIENCE, hears).await;
    assert!(hears.is_ok(), "it is heard that something was missed, again and again");
}

/// The next that is heard.
async fn next(hearing: &mut Hearing) -> Heard {
    let next = tokio::time::timeout(PATIENCE, hearing.next()).await;
    next.expect("something is heard").expect("the line stands")
}

/// Waits until it is so.
async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    assert!(found.is_ok(), "waited in vain until {what}");
}

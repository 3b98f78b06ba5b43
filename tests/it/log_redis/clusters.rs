//! A real cluster of six processes: shows spread over it, slots move and primaries die under them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use usher::log::redis::RedisLog;
use usher::log::{AppendError, Chain, Genesis, Known, Log, OutsideView, Recorded, Snapshot};

use super::{EPOCH, begun, heard, known, open, show, texts};
use crate::redis_server::{RedisCluster, wait_until};

/// Appends to `hamlet` one after another until told to stop; what it acknowledged, and everything it
/// was told, in order. What is unknown is asked for, as a box office does.
async fn sell(log: RedisLog, who: u32, stop: Arc<AtomicBool>) -> (Vec<String>, Vec<Recorded>) {
    let hamlet = show("hamlet");
    let mut last = Known::nothing(EPOCH);
    let (mut acknowledged, mut told) = (Vec::new(), Vec::new());
    for nth in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let text = format!("{who}.{nth}");
        let began = Instant::now();
        let appended = log.append(&hamlet, last, vec![Bytes::from(text.clone())]).await;
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        match appended {
            Ok(appended) => {
                told.extend(appended.since_known);
                last = known(EPOCH, &told);
                acknowledged.push(text);
            }
            Err(AppendError::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    (acknowledged, told)
}

async fn judge(log: &RedisLog, sellers: Vec<(Vec<String>, Vec<Recorded>)>) {
    let all = log.read(&show("hamlet"), 0, usize::MAX).await.expect("a stream");
    let found = texts(log).await;
    let distinct: BTreeSet<_> = found.iter().collect();
    assert_eq!(distinct.len(), found.len(), "nothing twice");
    for (acknowledged, told) in sellers {
        assert!(!acknowledged.is_empty());
        let lost: Vec<_> = acknowledged.iter().filter(|text| !distinct.contains(text)).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        assert_eq!(told, all[..told.len()], "the same history");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shows_spread_over_the_cluster_and_one_of_its_nodes_is_address_enough() {
    let cluster = RedisCluster::start();
    let log = open(&cluster.url()).await;
    let shows = ["hamlet", "lear", "macbeth", "othello"].map(show);
    for show in &shows {
        let genesis = Genesis::new(EPOCH, Bytes::from_static(b"a show in a hall"));
        log.create(show, genesis).await.expect("a new stream");
        let own = vec![Bytes::from(show.as_str().to_owned())];
        log.append(show, Known::nothing(EPOCH), own).await.expect("an append");
    }
    let owners: BTreeSet<_> = shows
        .iter()
        .map(|show| cluster.slot_of(&format!("usher:{{{}}}:log", show.as_str())))
        .map(|slot| cluster.owner_of(slot).port())
        .collect();
    assert!(owners.len() > 1, "all on one");
    let url = cluster.url();
    let one = open(url.split(',').next_back().expect("an address")).await;
    assert_eq!(one.streams().await.expect("names"), shows);
    for show in &shows {
        let read = one.read(show, 0, 10).await.expect("a stream");
        assert_eq!(read[0].bytes, show.as_str());
    }
    assert!(one.time().await.expect("an answer").is_some());
    assert_eq!(one.keep("tokens", "a").await.expect("a secret"), "a");
    assert_eq!(log.keep("tokens", "b").await.expect("a secret"), "a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_moves_while_its_show_sells_and_nothing_is_lost_or_doubled() {
    let cluster = Arc::new(RedisCluster::start());
    let (log, other) = (open(&cluster.url()).await, open(&cluster.url()).await);
    let hamlet = begun(&log).await;
    let mut hearing = other.watch(&hamlet).expect("others can append");
    let stop = Arc::new(AtomicBool::new(false));
    let selling = [(0, &log), (1, &other)]
        .map(|(who, log)| tokio::spawn(sell(log.clone(), who, stop.clone())));
    for _ in 0..2 {
        heard(&mut hearing).await;
        let cluster = cluster.clone();
        let moving = tokio::task::spawn_blocking(move || {
            let slot = cluster.slot_of("usher:{hamlet}:log");
            cluster.move_slot(slot, cluster.other_than_owner_of(slot));
        });
        moving.await.expect("it is moved");
    }
    // Heard again where it is now: more than what was under way.
    let at_least = known_now(&log).await.position.seq;
    while heard(&mut hearing).await.position.seq <= at_least {}
    stop.store(true, Ordering::Relaxed);
    let mut sellers = Vec::new();
    for seller in selling {
        sellers.push(seller.await.expect("a seller"));
    }
    judge(&log, sellers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_show_that_has_sold_nothing_yet_sells_and_is_saved_while_its_slot_is_moving() {
    let cluster = Arc::new(RedisCluster::start());
    let log = open(&cluster.url()).await;
    // One that was there before, and one that is begun while it moves.
    for is_there_before in [true, false] {
        let name = if is_there_before { "hamlet" } else { "lear" };
        let stream = show(name);
        let slot = cluster.slot_of(&format!("usher:{{{name}}}:log"));
        let to = cluster.other_than_owner_of(slot);
        let create = async || {
            let genesis = Genesis::new(EPOCH, Bytes::from_static(b"a show in a hall"));
            log.create(&stream, genesis).await.expect("a new stream");
        };
        if is_there_before {
            create().await;
        }
        cluster.begin_to_move_slot(slot, to);
        if !is_there_before {
            create().await;
        }
        let nothing = Known::nothing(EPOCH);
        let chain = Chain::of_genesis(EPOCH, b"a show in a hall");
        let snapshot = Snapshot { known: nothing, chain, bytes: Bytes::from_static(b"empty") };
        assert_eq!(log.load_snapshot(&stream).await.expect("a stream"), None);
        log.save_snapshot(&stream, snapshot.clone()).await.expect("it is saved");
        let position = nothing.position;
        let available = Bytes::from_static(&[1]);
        let view = OutsideView { position, available, orders: vec![], orders_up_to: position.seq };
        log.show_outside(&stream, view).await.expect("it is shown");
        let sold = log.append(&stream, nothing, vec![Bytes::from_static(b"a")]).await;
        let sold = sold.expect("it is sold");
        log.take_over(&stream).await.expect("it is noted who has it");
        assert_eq!(log.load_snapshot(&stream).await.expect("a stream"), Some(snapshot));
        cluster.move_begun_slot(slot, to);
        let all = log.read(&stream, 0, 10).await.expect("a stream");
        assert_eq!(all, sold.since_known);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_dies_is_replaced_and_selling_goes_on_by_itself() {
    let cluster = Arc::new(RedisCluster::start());
    let (log, other) = (open(&cluster.url()).await, open(&cluster.url()).await);
    let hamlet = begun(&log).await;
    let mut hearing = other.watch(&hamlet).expect("others can append");
    let slot = cluster.slot_of("usher:{hamlet}:log");
    let first = log.append(&hamlet, Known::nothing(EPOCH), vec![Bytes::from_static(b"a")]).await;
    let first = first.expect("an append");
    let failing = tokio::task::spawn_blocking({
        let cluster = cluster.clone();
        move || {
            let owner = cluster.owner_of(slot);
            wait_until("its replica has all", || {
                owner.info("slave0").is_some_and(|told| {
                    let offset = owner.info("master_repl_offset").expect("an offset");
                    told.contains(&format!("offset={offset},"))
                })
            });
            cluster.fail_owner_of(slot);
        }
    });
    failing.await.expect("it is replaced");
    let mut last = super::after(&first);
    super::until("it goes on", async || {
        match log.append(&hamlet, last, vec![Bytes::from_static(b"b")]).await {
            Ok(told) => {
                last = super::after(&told);
                true
            }
            Err(AppendError::Unavailable(_)) => false,
            Err(error) => panic!("{error}"),
        }
    })
    .await;
    super::hears_again(&mut hearing, &log, last).await;
    let found = texts(&other).await;
    assert_eq!(found[..1], ["a"]);
    assert!(found.contains(&"b".to_owned()));
}

async fn known_now(log: &RedisLog) -> Known {
    let all = log.read(&show("hamlet"), 0, usize::MAX).await.expect("a stream");
    known(EPOCH, &all)
}

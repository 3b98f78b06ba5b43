//! What other programs see, the house's secrets, and the time.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use usher::config::RedisAddress;
use usher::log::redis::RedisLog;
use usher::log::{
    AppendError, CreateError, Genesis, Known, Log, OutsideOrder, OutsideView, Position,
};

use super::{EPOCH, after, append, begun, entries, open};
use crate::redis_server::{RedisServer, Reply};

fn view(seq: u64, available: &'static [u8], orders: &[(&str, &str)]) -> OutsideView {
    let order = |(id, buyer): &(&str, &str)| OutsideOrder {
        id: (*id).to_owned(),
        buyer: (*buyer).to_owned(),
        json: Bytes::from(format!("{{\"id\":\"{id}\"}}")),
    };
    OutsideView {
        position: Position { epoch: EPOCH, seq },
        available: Bytes::from_static(available),
        orders: orders.iter().map(order).collect(),
        orders_up_to: seq,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_programs_see_the_newest_seats_and_every_order() {
    let redis = RedisServer::start();
    let (log, other) = (open(&redis.url()).await, open(&redis.url()).await);
    let hamlet = begun(&log).await;
    append(&log, Known::nothing(EPOCH), &["a", "b", "c"]).await;
    assert_eq!(log.shown_outside(&hamlet).await.expect("a stream"), Some(0));
    let shown = log.show_outside(&hamlet, view(2, &[0b1010_0000, 0b1000_0000], &[("o1", "ada")]));
    shown.await.expect("it is shown");
    let seat = |nth: &str| redis.ask(&["GETBIT", "usher:{hamlet}:seats", nth]).number();
    assert_eq!(["0", "1", "2", "3", "8", "9"].map(seat), [1, 0, 1, 0, 1, 0]);
    assert_eq!(redis.ask(&["BITCOUNT", "usher:{hamlet}:seats"]), Reply::Number(3));
    // One who is behind changes no seat, and loses no order.
    let older = other.show_outside(&hamlet, view(1, &[0xff, 0xff], &[("o2", "ada")]));
    older.await.expect("it is of this history");
    assert_eq!(redis.ask(&["BITCOUNT", "usher:{hamlet}:seats"]), Reply::Number(3));
    assert_eq!(other.shown_outside(&hamlet).await.expect("a stream"), Some(2));
    // The newest seats, with some of the orders.
    let newer = OutsideView { orders_up_to: 1, ..view(3, &[0, 0], &[("o1", "ada")]) };
    other.show_outside(&hamlet, newer).await.expect("it is shown");
    assert_eq!(other.shown_outside(&hamlet).await.expect("a stream"), Some(2));
    assert_eq!(redis.ask(&["BITCOUNT", "usher:{hamlet}:seats"]), Reply::Number(0));
    assert_eq!(redis.ask(&["HGET", "usher:{hamlet}:meta", "shown"]).text(), "3");
    let order = |id| redis.ask(&["HGET", "usher:{hamlet}:orders", id]).text();
    assert_eq!([order("o1"), order("o2")], ["{\"id\":\"o1\"}", "{\"id\":\"o2\"}"]);
    let mut of_ada = redis.ask(&["SMEMBERS", "usher:buyer:ada"]).list();
    of_ada.sort_by_key(|order| format!("{order:?}"));
    let expected = ["hamlet/o1", "hamlet/o2"].map(|order| Reply::Text(order.to_owned()));
    assert_eq!(of_ada, expected);

    // What is of another life, or ahead of the log, is not shown.
    let strange =
        OutsideView { position: Position { epoch: 8, seq: 3 }, ..view(3, &[0xff, 0xff], &[]) };
    for view in [strange, view(4, &[0xff, 0xff], &[])] {
        let shown = log.show_outside(&hamlet, view).await;
        assert!(matches!(shown, Err(AppendError::Forked)), "{shown:?}");
    }
    assert_eq!(redis.ask(&["BITCOUNT", "usher:{hamlet}:seats"]), Reply::Number(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_the_first_one_that_was_kept_on_every_node() {
    let redis = RedisServer::start();
    let (log, other) = (open(&redis.url()).await, open(&redis.url()).await);
    let (one, two) = tokio::join!(log.keep("tokens", "one"), other.keep("tokens", "two"));
    let kept = one.expect("a secret");
    assert_eq!(kept, two.expect("a secret"));
    assert!(["one", "two"].contains(&&kept[..]), "{kept}");
    assert!(!log.keep_instead("tokens", "three", "four").await.expect("an answer"));
    assert_eq!(log.keep("tokens", "five").await.expect("a secret"), kept);
    assert!(log.keep_instead("tokens", &kept, "four").await.expect("an answer"));
    assert_eq!(other.keep("tokens", "five").await.expect("a secret"), "four");
    assert!(!log.keep_instead("never kept", "a", "b").await.expect("an answer"));
    assert_eq!(redis.ask(&["EXISTS", "usher:kept:never kept"]), Reply::Number(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_is_the_servers() {
    let redis = RedisServer::start();
    let log = open(&redis.url()).await;
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    let before = now();
    let told = u128::from(log.time().await.expect("an answer").expect("a time"));
    assert!((before..=now()).contains(&told), "it is this machine's clock: {told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_only_reads_writes_nothing() {
    let redis = RedisServer::start();
    let log = open(&redis.url()).await;
    let hamlet = begun(&log).await;
    let first = append(&log, Known::nothing(EPOCH), &["a"]).await;
    let address: RedisAddress = redis.url().parse().expect("an address");
    let reader = RedisLog::open_read_only(&address).await.expect("a log");
    let writes = || redis.info("aof_current_size").expect("a size");
    let before = writes();
    assert_eq!(reader.genesis(&hamlet).await.expect("a genesis").lives.now(), EPOCH);
    assert_eq!(reader.read(&hamlet, 0, 10).await.expect("a stream"), first.since_known);
    assert_eq!(reader.load_snapshot(&hamlet).await.expect("a stream"), None);
    let asked = reader.append(&hamlet, Known::nothing(EPOCH), Vec::new()).await;
    assert_eq!(asked.expect("an answer").since_known, first.since_known);
    let appended = reader.append(&hamlet, after(&first), entries(&["b"])).await;
    assert!(matches!(appended, Err(AppendError::Unavailable(_))), "{appended:?}");
    let lear = super::show("lear");
    let made = reader.create(&lear, Genesis::new(7, Bytes::new())).await;
    assert!(matches!(made, Err(CreateError::Unavailable(_))), "{made:?}");
    assert!(reader.renew(&hamlet, EPOCH, 8).await.is_err());
    assert!(reader.show_outside(&hamlet, view(1, &[0], &[("o", "ada")])).await.is_err());
    assert!(reader.keep("tokens", "one").await.is_err());
    assert_eq!(writes(), before, "nothing reached its file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_databases_of_one_server_are_two_houses() {
    let redis = RedisServer::start();
    let (first, second) = (open(&redis.url()).await, open(&format!("{}/1", redis.url())).await);
    let hamlet = begun(&first).await;
    assert!(second.streams().await.expect("names").is_empty());
    begun(&second).await;
    let mut hearing = second.watch(&hamlet).expect("others can append");
    for _ in 0..2 {
        super::next(&mut hearing).await;
    }
    append(&first, Known::nothing(EPOCH), &["of the first"]).await;
    let third = open(&format!("{}/1", redis.url())).await;
    let told = append(&third, Known::nothing(EPOCH), &["of the second"]).await;
    super::heard_of(&mut hearing, &told).await;
}

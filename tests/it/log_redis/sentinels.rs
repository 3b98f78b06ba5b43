//! A primary that Sentinels know: found by its name, and found again after a failover.

use std::net::Ipv4Addr;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use usher::config::Durability;
use usher::log::{Known, Log};

use super::{
    EPOCH, after, append, begun, entries, heard_of, hears_again, next, open, open_at, texts, until,
};
use crate::proxy::Proxy;
use crate::redis_server::{RedisServer, Reply, Sentinel};

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
    hears_again(&mut hearing, &log, last).await;
    let found = texts(&other).await;
    assert_eq!(found[..2], ["a", "b"]);
    assert_eq!(found.len() as i64, super::pages(&replica));
}

/// One that says of the primary what it is told to, as a Sentinel does that knows only one side of a
/// network that fell apart.
struct Witness {
    port: u16,
    says: watch::Sender<(u64, u16)>,
}

impl Witness {
    /// It has this to say of the primary's port, by its config-epoch.
    async fn who_says(epoch: u64, port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let (says, told) = watch::channel((epoch, port));
        let port = listener.local_addr().expect("its address").port();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(answer(socket, told.clone()));
            }
        });
        Self { port, says }
    }

    fn says(&self, epoch: u64, port: u16) {
        self.says.send_replace((epoch, port));
    }
}

/// Each word of a request is a line of its own, and so is its length before it.
async fn answer(socket: TcpStream, told: watch::Receiver<(u64, u16)>) -> Option<()> {
    let (read, mut write) = socket.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Some(count) = lines.next_line().await.ok()? {
        let mut words = Vec::new();
        for _ in 0..count.trim_start_matches('*').parse::<usize>().ok()? {
            lines.next_line().await.ok()?;
            words.push(lines.next_line().await.ok()??.to_uppercase());
        }
        let (epoch, port) = *told.borrow();
        let bulk = |text: &str| format!("${}\r\n{text}\r\n", text.len());
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let answer = match &words[..] {
            ["HELLO", ..] => format!("%1\r\n{}:3\r\n", bulk("proto")),
            ["SENTINEL", "MASTER", ..] => {
                format!("%1\r\n{}{}", bulk("config-epoch"), bulk(&epoch.to_string()))
            }
            ["SENTINEL", ..] => format!("*2\r\n{}{}", bulk("127.0.0.1"), bulk(&port.to_string())),
            _ => "+OK\r\n".to_owned(),
        };
        write.write_all(answer.as_bytes()).await.ok()?;
    }
    Some(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_the_primary_before_is_found_when_it_is_again() {
    let mut first = RedisServer::start();
    let mut second = RedisServer::replica_of(first.port());
    let witness = Witness::who_says(1, first.port()).await;
    let log = open(&format!("redis+sentinel://127.0.0.1:{}/house", witness.port)).await;
    let hamlet = begun(&log).await;
    let mut last = after(&append(&log, Known::nothing(EPOCH), &["a"]).await);
    until("the replica has it", async || super::pages(&second) == 1).await;
    let mut goes_on = async || {
        until("it goes on", async || {
            let told = log.append(&hamlet, last, entries(&["b"])).await;
            told.map(|told| last = after(&told)).is_ok()
        })
        .await;
    };
    first.kill();
    second.promote();
    witness.says(2, second.port());
    goes_on().await;
    first.start_again();
    first.follow(second.port());
    second.kill();
    first.promote();
    witness.says(3, first.port());
    goes_on().await;
    assert_eq!(texts(&log).await.len() as i64, super::pages(&first));
}

/// A primary with two replicas, the line between that can be cut, and two witnesses: one on the
/// primary's side, that comes first in the address, and one on the replicas'.
struct Divided {
    old: RedisServer,
    new: RedisServer,
    third: RedisServer,
    between: Proxy,
    witness: Witness,
    url: String,
}

impl Divided {
    async fn not_yet() -> Self {
        let old = RedisServer::start();
        let between = Proxy::to(old.port());
        let replica = || RedisServer::replica_of(between.port());
        let (new, third) = (replica(), replica());
        let cut_off = Witness::who_says(3, old.port()).await;
        let witness = Witness::who_says(3, old.port()).await;
        let url =
            format!("redis+sentinel://127.0.0.1:{},127.0.0.1:{}/house", cut_off.port, witness.port);
        Self { old, new, third, between, witness, url }
    }

    /// The old primary is left alone with those who ask it, and with the first witness.
    fn divide(&self) {
        self.between.cut();
        self.new.promote();
        self.third.follow(self.new.port());
        self.witness.says(4, self.new.port());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_was_cut_off_from_its_replicas_is_left_for_the_newer_one() {
    let house = Divided::not_yet().await;
    let log = open_at(&house.url, Durability::Replicated { replicas: 1 }).await;
    let hamlet = begun(&log).await;
    let kept = append(&log, Known::nothing(EPOCH), &["a"]).await;
    until("both replicas have it", async || {
        [&house.new, &house.third].into_iter().all(|replica| super::pages(replica) == 1)
    })
    .await;
    house.divide();
    until("it goes on at the new primary", async || {
        log.append(&hamlet, after(&kept), entries(&["b"])).await.is_ok()
    })
    .await;
    assert_eq!(super::pages(&house.third), super::pages(&house.new));
    assert_eq!(texts(&log).await.last().map(String::as_str), Some("b"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_answers_as_before_is_left_when_the_sentinels_name_another() {
    let house = Divided::not_yet().await;
    let log = open(&house.url).await;
    let hamlet = begun(&log).await;
    let hearing = log.watch(&hamlet).expect("others can append");
    append(&log, Known::nothing(EPOCH), &["a"]).await;
    until("the replica has it", async || super::pages(&house.new) == 1).await;
    house.divide();
    until("its streams are asked for at the new one", async || {
        log.try_writing(&hamlet).await.expect("both can be written");
        house.new.ask(&["HEXISTS", "usher:{hamlet}:meta", "asked"]).number() == 1
    })
    .await;
    until("it is heard there", async || {
        house.new.ask(&["PUBSUB", "SHARDNUMSUB", "usher:{hamlet}"]).list()[1] == Reply::Number(1)
    })
    .await;
    // It is the listener's subscription that has moved, while the old primary still stands.
    assert!(house.old.runs());
    drop(hearing);
}

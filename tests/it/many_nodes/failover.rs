//! A replica is promoted that had not heard everything: history that was acknowledged is lost where
//! the house was told that a disk is enough, and never where it waits for replicas.

use std::time::{Duration, Instant};

use rand::RngExt as _;
use rand::rngs::StdRng;
use usher::protocol::rpc::StorageState;
use usher::show::ShowId;

use super::buyers::Counts;
use super::crowd::Crowd;
use super::stage::{NODES, PATIENCE, Stage, until};
use super::{ANSWER_MS_MAX, chance};
use crate::proxy::Proxy;
use crate::redis_server::{RedisServer, Reply};

/// How long until every socket shows the new life, and what a busy machine adds.
const AFRESH_MS_MAX: u128 = 2_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn history_that_a_failover_lost_is_noticed_by_every_node_and_told_to_every_socket() {
    let mut random = chance();
    let primary = RedisServer::start();
    let between = Proxy::to(primary.port());
    let replica = RedisServer::replica_of(between.port());
    let stage = Stage::with_lines_to(primary.port(), "disk");
    let show = stage.a_show().await;
    let crowd = Crowd::come_to_lose(&stage, &show, &mut random).await;

    // Less than all of it is to be lost: where none of it is left, each node may begin a life of its own.
    until("the replica knows some of it", || known_to(&replica, &show) > 0).await;
    // It hears nothing more, and the primary acknowledges on.
    between.stop_all();
    crowd.buy_more(200).await;
    stage.lines().for_each(Proxy::cut);
    replica.promote();
    let promoted = Instant::now();
    for line in stage.lines() {
        line.lead_to(replica.port());
        line.pass();
    }
    until("every viewer is in a new life", || {
        crowd.viewers.iter().all(|viewer| viewer.seen().epochs.len() > 1)
    })
    .await;
    let lives: Vec<_> = crowd.viewers.iter().map(|viewer| viewer.seen().epochs.clone()).collect();
    for epochs in &lives {
        assert_eq!(epochs.len(), 2, "one loss, one new life");
        assert_eq!(epochs[1].1, lives[0][1].1, "the same on every node");
        let after = epochs[1].0.duration_since(promoted).as_millis();
        assert!(after <= AFRESH_MS_MAX, "shown {after} ms after the promotion");
        eprintln!("a socket showed the new life {after} ms after the promotion");
    }
    crowd.buy_more(200).await;
    for node in 0..NODES {
        let told = stage.told(node);
        assert!(
            told.contains("the log is in another life, history known here may be lost"),
            "node {node}: {told}"
        );
        assert!(told.contains("lost, in all"), "what was lost is said: node {node}: {told}");
    }
    assert_eq!(stage.counted("usher_forks_total").await, [1; NODES]);
    let lost = crowd.agree(&replica).await;
    assert!(lost > 0, "nothing was lost, so nothing was proven");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_tail_that_only_one_node_knew_is_missed_although_the_log_outgrew_it() {
    let mut random = chance();
    let primary = RedisServer::start();
    let between = Proxy::to(primary.port());
    let replica = RedisServer::replica_of(between.port());
    let stage = Stage::with_lines_to(primary.port(), "disk");
    let show = stage.a_show().await;
    let crowd = Crowd::come_to_lose(&stage, &show, &mut random).await;

    // Two of the nodes hear nothing more; when the replica knows what they do, nor does it. The third
    // sells on.
    for node in [0, 1] {
        stage.line(node).cut();
    }
    crowd.are_told(&[0, 1], StorageState::Away).await;
    let known = stage.houses().at(0).head(&show).await.expect("a head").seq;
    until("the replica knows as much", || known_to(&replica, &show) >= known).await;
    between.stop_all();
    crowd.buy_more(20).await;
    stage.line(2).cut();
    crowd.are_told(&[2], StorageState::Away).await;
    let known = stage.houses().at(2).head(&show).await.expect("a head");
    replica.promote();
    for node in [0, 1] {
        stage.line(node).lead_to(replica.port());
        stage.line(node).pass();
    }
    // They have lost nothing that they knew, and sell until the log is longer than it was.
    let began = Instant::now();
    loop {
        let head = stage.houses().at(0).head(&show).await.expect("a head");
        assert_eq!(head.epoch, known.epoch, "nobody here noticed anything");
        if head.seq > known.seq + 10 {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "the others do not sell");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(stage.counted("usher_forks_total").await, [0; NODES]);
    stage.line(2).lead_to(replica.port());
    stage.line(2).pass();
    until("every viewer is in a new life", || {
        crowd.viewers.iter().all(|viewer| viewer.seen().epochs.len() > 1)
    })
    .await;
    crowd.buy_more(100).await;
    assert_eq!(stage.counted("usher_forks_total").await, [1; NODES]);
    assert!(crowd.agree(&replica).await > 0, "nothing was lost, so nothing was proven");
}

/// The last place of the show's log that `redis` knows; 0 where it does not know the show.
fn known_to(redis: &RedisServer, show: &ShowId) -> u64 {
    match redis.ask(&["HGET", &format!("usher:{{{show}}}:meta"), "last"]) {
        Reply::Text(last) => {
            let (seq, _) = last.split_once('-').expect("a page's id");
            seq.parse().expect("a place")
        }
        other => {
            assert_eq!(other, Reply::Nothing);
            0
        }
    }
}

/// A primary and its replica, in turns; what is between them can be cut.
struct Pair {
    servers: [RedisServer; 2],
    /// To each of the two.
    between: [Proxy; 2],
    primary: usize,
}

impl Pair {
    fn start() -> Self {
        let first = RedisServer::start();
        let to_first = Proxy::to(first.port());
        let second = RedisServer::replica_of(to_first.port());
        let to_second = Proxy::to(second.port());
        Self { servers: [first, second], between: [to_first, to_second], primary: 0 }
    }

    fn primary(&self) -> &RedisServer {
        &self.servers[self.primary]
    }

    /// The two hear nothing of each other from now on.
    fn part(&self) {
        self.between[self.primary].stop_all();
    }

    /// Promotes the replica.
    fn fail_over(&mut self) {
        self.primary = 1 - self.primary;
        self.primary().promote();
    }

    /// The old primary follows the new one: what only it had is lost.
    fn join(&self) {
        let old = &self.servers[1 - self.primary];
        self.between.iter().for_each(Proxy::pass);
        old.follow(self.between[self.primary].port());
    }
}

/// How many partitions there are: all hundred take some minutes, so the suite makes do with a few
/// unless `USHER_PARTITIONS` says how many.
const PARTITIONS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_replicas_acknowledged_survives_every_partition_with_a_promotion() {
    let mut random = chance();
    let given = std::env::var("USHER_PARTITIONS").ok().and_then(|text| text.parse().ok());
    let partitions = given.unwrap_or(PARTITIONS);
    eprintln!("{partitions} partitions; USHER_PARTITIONS=100 makes them a hundred");
    let mut pair = Pair::start();
    let stage = Stage::with_lines_to(pair.primary().port(), "replicated");
    let show = stage.a_show().await;
    let crowd = Crowd::come(&stage, &show, &mut random).await;
    for _ in 0..partitions {
        one_partition(&mut pair, &stage, &crowd, &mut random).await;
    }
    let acknowledged = Counts::of(&crowd.counts.acknowledged);
    eprintln!("{acknowledged} changes were acknowledged, none is gone");
    assert!(crowd.longest_ms() <= ANSWER_MS_MAX, "somebody waited {} ms", crowd.longest_ms());
    assert_eq!(crowd.agree(pair.primary()).await, 0);
}

async fn one_partition(pair: &mut Pair, stage: &Stage, crowd: &Crowd, random: &mut StdRng) {
    let at_a_random_moment = random.random_range(1..60);
    crowd.buy_more(at_a_random_moment).await;
    let unavailable = Counts::of(&crowd.counts.unavailable);
    pair.part();
    // Clients write on, to a primary that has nobody left to confirm it.
    until("somebody is refused", || Counts::of(&crowd.counts.unavailable) > unavailable).await;
    // Now and then one node stays with the old primary for a while.
    let stays = random.random_range(0..2 * NODES);
    pair.fail_over();
    for (node, line) in stage.lines().enumerate() {
        if node != stays {
            line.lead_to(pair.primary().port());
        }
    }
    pair.join();
    if stays < NODES {
        crowd.buy_more(1).await;
        stage.line(stays).lead_to(pair.primary().port());
    }
    crowd.buy_more(20).await;
}

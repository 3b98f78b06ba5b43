//! A node's line to Redis is cut, or stalls and stutters.

use std::time::Duration;

use rand::RngExt as _;
use usher::client::{Buyer, Picture};
use usher::protocol::rpc::StorageState;
use usher::protocol::seats::Format;
use usher::show::ShowId;

use super::buyers::Counts;
use super::crowd::Crowd;
use super::stage::{NODES, PATIENCE, Stage};
use super::{ANSWER_MS_MAX, chance};
use crate::proxy::Way;
use crate::redis_server::RedisServer;

/// How often a line is made to stutter.
const STUTTERS: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_was_cut_off_is_told_so_and_joins_again() {
    let mut random = chance();
    let redis = RedisServer::start();
    let stage = Stage::with_lines_to(redis.port(), "disk");
    let show = stage.a_show().await;
    let crowd = Crowd::come(&stage, &show, &mut random).await;
    // Once the connection is closed, and once nothing is said any more.
    for silent in [false, true] {
        let line = stage.line(1);
        if silent {
            line.stop_all();
        } else {
            line.cut();
        }
        crowd.are_told(&[1], StorageState::Away).await;
        crowd.buy_more(100).await;
        let others = crowd.viewers.iter().filter(|viewer| viewer.node != 1);
        for viewer in others {
            assert_ne!(viewer.seen().storage_is(), Some(StorageState::Away));
        }
        line.pass();
        crowd.are_told(&[1], StorageState::Ok).await;
        crowd.buy_more(100).await;
    }
    assert_eq!(Counts::of(&crowd.counts.reconnects), 0, "sockets stay open");
    assert!(crowd.longest_ms() <= ANSWER_MS_MAX, "somebody waited {} ms", crowd.longest_ms());
    assert_eq!(crowd.agree(&redis).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_is_cut_off_tells_nobody_less_than_they_know() {
    let redis = RedisServer::start();
    let stage = Stage::with_lines_to(redis.port(), "disk");
    let show = stage.a_show().await;
    let mut buyer = a_buyer(&stage, 0, &show, None).await;
    let session = buyer.identify(None).await.expect("a session").session;
    stage.line(1).stop_all();
    let held = buyer.hold(&[1, 2]).await.expect("seats");
    while buyer.viewer().picture().is_none_or(|seen| seen.seq() < held.seq) {
        buyer.next().await.expect("the seats");
    }
    // That node does not even know yet that its line is dead.
    let known = buyer.into_viewer().into_picture();
    let mut there = a_buyer(&stage, 1, &show, known.clone()).await;
    for _ in 0..2 {
        let told = there.identify(Some(&session)).await.expect_err("it is not known there");
        assert_eq!(told.refusal(), Some("unavailable"), "{told}");
    }
    // Whoever knows nothing of it is told what there is.
    let mut stranger = a_buyer(&stage, 1, &show, None).await;
    assert!(stranger.identify(None).await.expect("a session").holds.is_empty());
    stage.line(1).pass();
    let came = async {
        loop {
            match there.identify(Some(&session)).await {
                Ok(known) => break known.holds,
                Err(error) => assert_eq!(error.refusal(), Some("unavailable"), "{error}"),
            }
        }
    };
    let holds = tokio::time::timeout(PATIENCE, came).await.expect("it comes to know");
    assert_eq!(holds, [held.hold]);
}

async fn a_buyer(stage: &Stage, node: usize, show: &ShowId, known: Option<Picture>) -> Buyer {
    let house = stage.houses().at(node);
    Buyer::connect(&house, show, Format::Binary, known).await.expect("a socket")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_missed_what_was_trimmed_goes_on_from_the_snapshot() {
    let mut random = chance();
    let redis = RedisServer::start();
    let mut stage = Stage::with_lines_to(redis.port(), "disk");
    let show = stage.a_show().await;
    let crowd = Crowd::come(&stage, &show, &mut random).await;
    stage.line(1).cut();
    crowd.are_told(&[1], StorageState::Away).await;
    crowd.buy_more(100).await;
    // A node that stops leaves a snapshot; what came before it is trimmed then.
    stage.terminate(2);
    stage.start_again(2);
    let [log, snapshot] = ["log", "snapshot"].map(|name| format!("usher:{{{show}}}:{name}"));
    let seq = redis.ask(&["HGET", &snapshot, "seq"]).text();
    assert!(redis.ask(&["XTRIM", &log, "MINID", &seq]).number() > 0, "nothing was trimmed");
    stage.line(1).pass();
    crowd.are_told(&[1], StorageState::Ok).await;
    crowd.buy_more(100).await;
    assert!(stage.told(1).contains("what followed was trimmed"), "{}", stage.told(1));
    assert_eq!(stage.counted("usher_forks_total").await, [0; NODES], "it is the same history");
    assert_eq!(crowd.agree_but_for_the_audit().await.lost, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lines_that_stutter_lose_nothing_and_tell_nothing_twice() {
    let redis = RedisServer::start();
    lines_stutter(&redis, "disk").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lines_that_stutter_lose_nothing_where_a_replica_is_waited_for() {
    let redis = RedisServer::start();
    let _replica = RedisServer::replica_of(redis.port());
    lines_stutter(&redis, "replicated").await;
}

async fn lines_stutter(redis: &RedisServer, durability: &str) {
    let mut random = chance();
    let stage = Stage::with_lines_to(redis.port(), durability);
    let show = stage.a_show().await;
    let crowd = Crowd::come(&stage, &show, &mut random).await;
    for _ in 0..STUTTERS {
        let line = stage.line(random.random_range(0..NODES));
        match random.random_range(0..6) {
            0 => line.stop(Way::There),
            1 => line.stop(Way::Back),
            2 => line.stop_all(),
            3 => line.delay(random.random_range(1..400)),
            4 => line.hang_up(),
            _ => line.cut(),
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(1..250))).await;
        // Now and then it goes on while another line is ill already.
        if random.random_bool(0.7) {
            stage.lines().for_each(|line| line.pass());
        }
    }
    stage.lines().for_each(|line| line.pass());
    crowd.buy_more(200).await;
    assert!(crowd.longest_ms() <= ANSWER_MS_MAX, "somebody waited {} ms", crowd.longest_ms());
    assert_eq!(crowd.agree(redis).await, 0);
}

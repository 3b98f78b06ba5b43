//! A node, and Redis itself, killed without warning under load.

use serde_json::json;
use usher::client::{Buyer, Viewer};
use usher::protocol::rpc::StorageState;
use usher::protocol::seats::Format;

use super::buyers::Counts;
use super::crowd::Crowd;
use super::stage::{NODES, Stage, until};
use super::{ANSWER_MS_MAX, chance};
use crate::redis_server::RedisServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_is_killed_takes_nothing_with_it() {
    let mut random = chance();
    let redis = RedisServer::start();
    let mut stage = Stage::with_lines_to(redis.port(), "disk");
    let show = stage.a_show().await;
    let crowd = Crowd::come(&stage, &show, &mut random).await;
    for killed in [1, 0, 2] {
        stage.kill(killed);
        // Those who were there go elsewhere.
        crowd.buy_more(100).await;
        stage.start_again(killed);
        crowd.buy_more(100).await;
    }
    assert!(Counts::of(&crowd.counts.reconnects) > 0, "nobody noticed");
    assert_eq!(Counts::of(&crowd.counts.unavailable), 0, "the others were none the worse");
    assert_eq!(crowd.agree(&redis).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_redis_is_away_everybody_is_told_and_afterwards_everything_goes_on() {
    let mut random = chance();
    let mut redis = RedisServer::start();
    let stage = Stage::with_lines_to(redis.port(), "disk");
    let show = stage.a_show().await;
    let crowd = Crowd::come(&stage, &show, &mut random).await;
    for _ in 0..2 {
        redis.kill();
        crowd.are_told(&[0, 1, 2], StorageState::Away).await;
        let so_far = Counts::of(&crowd.counts.unavailable);
        until("buyers on all nodes hear that it is unavailable", || {
            Counts::of(&crowd.counts.unavailable) >= so_far + 12
        })
        .await;
        redis.start_again();
        crowd.are_told(&[0, 1, 2], StorageState::Ok).await;
        crowd.buy_more(100).await;
    }
    sockets_stayed_open(&crowd);
    assert!(crowd.longest_ms() <= ANSWER_MS_MAX, "somebody waited {} ms", crowd.longest_ms());
    assert_eq!(crowd.agree(&redis).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_stands_still_keeps_nobody_waiting() {
    let mut random = chance();
    let redis = RedisServer::start();
    let stage = Stage::with_lines_to(redis.port(), "disk");
    let show = stage.a_show().await;
    let crowd = Crowd::come(&stage, &show, &mut random).await;
    redis.freeze();
    crowd.are_told(&[0, 1, 2], StorageState::Away).await;
    until("everybody hears that it is unavailable", || Counts::of(&crowd.counts.unavailable) >= 6)
        .await;
    redis.thaw();
    crowd.are_told(&[0, 1, 2], StorageState::Ok).await;
    crowd.buy_more(100).await;
    sockets_stayed_open(&crowd);
    assert!(crowd.longest_ms() <= ANSWER_MS_MAX, "somebody waited {} ms", crowd.longest_ms());
    assert_eq!(crowd.agree(&redis).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_redis_that_comes_back_empty_begins_every_show_again() {
    let mut random = chance();
    let mut redis = RedisServer::start();
    let mut stage = Stage::with_lines_to(redis.port(), "disk");
    let show = stage.a_show().await;
    let crowd = Crowd::come_to_lose(&stage, &show, &mut random).await;
    redis.kill();
    crowd.are_told(&[0, 1, 2], StorageState::Away).await;
    redis.start_again_empty();
    until("every viewer is in a new life", || {
        crowd.viewers.iter().all(|viewer| viewer.seen().epochs.len() > 1)
    })
    .await;
    crowd.buy_more(200).await;
    // Each node that finds nothing of what it knew may begin a life of its own; they meet in the last.
    let forks = stage.counted("usher_forks_total").await;
    assert!(forks.iter().all(|forks| (1..=NODES as u64).contains(forks)), "{forks:?}");
    assert!(crowd.agree(&redis).await > 0, "nothing was lost, so nothing was proven");
    // The programme is there again too: a node that comes new finds the show.
    stage.kill(2);
    stage.start_again(2);
    let [known, found] = [1, 2].map(async |node| stage.houses().at(node).head(&show).await);
    assert_eq!(found.await.expect("a head"), known.await.expect("a head"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hold_lapses_although_the_node_that_granted_it_is_gone() {
    let redis = RedisServer::start();
    let mut stage = Stage::with_lines_to(redis.port(), "disk");
    let policy = json!({"hold_ms": 1_000, "grace_ms": 0});
    let show = stage.a_show_with(10, policy).await;
    let [granting, watching] = [1, 2].map(|node| stage.houses().at(node));
    let viewer = Viewer::follow(&watching, &show, Format::Binary).await;
    let mut viewer = viewer.expect("a first frame");
    let buyer = Buyer::connect(&granting, &show, Format::Binary, None).await;
    let mut buyer = buyer.expect("a socket");
    buyer.identify(None).await.expect("identified");
    buyer.hold(&[3, 4]).await.expect("held");
    stage.kill(1);
    for held in [2, 0] {
        let as_it_should = [10 - held, held, 0, 0];
        while viewer.picture().is_none_or(|seen| seen.counts() != as_it_should) {
            viewer.next().await.expect("the other nodes go on");
        }
    }
}

fn sockets_stayed_open(crowd: &Crowd) {
    assert_eq!(Counts::of(&crowd.counts.reconnects), 0, "a buyer's socket ended");
    for viewer in &crowd.viewers {
        let seen = viewer.seen();
        assert_eq!((seen.reconnects, seen.snapshots), (0, 0), "viewers watched on without a gap");
    }
}

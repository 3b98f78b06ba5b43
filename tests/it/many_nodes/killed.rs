//! A node, and Redis itself, killed without warning under load.

use usher::protocol::rpc::StorageState;

use super::buyers::Counts;
use super::crowd::Crowd;
use super::stage::{Stage, until};
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
    assert_eq!(crowd.agree(&redis.url()).await, 0);
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
    assert_eq!(crowd.agree(&redis.url()).await, 0);
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
    assert_eq!(crowd.agree(&redis.url()).await, 0);
}

fn sockets_stayed_open(crowd: &Crowd) {
    assert_eq!(Counts::of(&crowd.counts.reconnects), 0, "a buyer's socket ended");
    for viewer in &crowd.viewers {
        let seen = viewer.seen();
        assert_eq!((seen.reconnects, seen.snapshots), (0, 0), "viewers watched on without a gap");
    }
}

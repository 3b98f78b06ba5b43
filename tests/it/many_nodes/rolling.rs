//! All nodes are stopped in order and started again, one after another, while people buy.

use super::buyers::Counts;
use super::chance;
use super::crowd::{Crowd, verify};
use super::stage::{NODES, Stage};
use crate::redis_server::RedisServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rolling_restart_costs_nobody_more_than_a_reconnection() {
    let mut random = chance();
    let redis = RedisServer::start();
    let mut stage = Stage::with_lines_to(redis.port(), "disk");
    let show = stage.a_show().await;
    let crowd = Crowd::come(&stage, &show, &mut random).await;
    verify(&redis.url()).await;
    for node in 0..NODES {
        assert_eq!(stage.terminate(node), Some(0), "it ends well");
        crowd.buy_more(100).await;
        stage.start_again(node);
        crowd.buy_more(100).await;
    }
    assert!(Counts::of(&crowd.counts.reconnects) > 0, "nobody noticed");
    assert_eq!(Counts::of(&crowd.counts.unavailable), 0, "no request was refused");
    let snapshots: u64 = crowd.viewers.iter().map(|viewer| viewer.seen().snapshots).sum();
    // A node has a second to catch up, and a busy machine may stand still for one.
    assert!(snapshots <= 1, "{snapshots} of those who came elsewhere had to start afresh");
    assert_eq!(crowd.agree(&redis).await, 0);
}

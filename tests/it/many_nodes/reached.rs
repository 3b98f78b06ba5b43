//! Other ways to a Redis than its bare address: by a Sentinel's word, and with a password.

use usher::protocol::rpc::StorageState;

use super::crowd::{Crowd, verify};
use super::stage::{NODES, Stage};
use super::{ANSWER_MS_MAX, chance};
use crate::redis_server::{RedisServer, Reply, Sentinel};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whom_the_sentinel_puts_in_the_dead_ones_place_is_found_without_being_told() {
    let mut random = chance();
    let mut first = RedisServer::start();
    let second = RedisServer::replica_of(first.port());
    let sentinel = Sentinel::over(&first);
    let stage = Stage::on(&sentinel.url(), "replicated");
    let show = stage.a_show().await;
    let crowd = Crowd::come(&stage, &show, &mut random).await;
    first.kill();
    crowd.are_told(&[0, 1, 2], StorageState::Away).await;
    sentinel.wait_for(&second);
    // Nothing is acknowledged before the dead one comes back as a replica. The Sentinel would make it
    // one, but takes its time on a busy machine.
    first.start_again();
    first.follow(second.port());
    crowd.are_told(&[0, 1, 2], StorageState::Ok).await;
    crowd.buy_more(100).await;
    assert!(crowd.longest_ms() <= ANSWER_MS_MAX, "somebody waited {} ms", crowd.longest_ms());
    assert_eq!(crowd.agree_by(&sentinel.url(), &second).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_password_opens_the_door_and_is_never_said() {
    const PASSWORD: &str = "open-sesame-7";
    let mut random = chance();
    let redis = RedisServer::start();
    let set = redis.ask(&["CONFIG", "SET", "requirepass", PASSWORD]);
    assert_eq!(set, Reply::Text("OK".to_owned()));
    let refused = redis.ask(&["PING"]);
    assert!(matches!(refused, Reply::Refusal(_)), "{refused:?}");
    let url = format!("redis://:{PASSWORD}@127.0.0.1:{}", redis.port());
    let stage = Stage::on(&url, "disk");
    let show = stage.a_show().await;
    let crowd = Crowd::come(&stage, &show, &mut random).await;
    assert_eq!(crowd.agree_but_for_the_audit().await.lost, 0);
    verify(&url).await;
    drop(redis);
    crate::redis_server::wait_until("the nodes say that Redis is away", || {
        (0..NODES).all(|node| stage.told(node).contains("does not answer"))
    });
    for node in 0..NODES {
        assert!(!stage.told(node).contains(PASSWORD), "node {node}: {}", stage.told(node));
    }
}

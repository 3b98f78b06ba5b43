//! A Redis Cluster: shows are spread over it, and move in it while they are sold.

use usher::protocol::rpc::StorageState;

use super::buyers::Counts;
use super::crowd::Crowd;
use super::stage::Stage;
use super::{ANSWER_MS_MAX, chance};
use crate::redis_server::RedisCluster;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_show_moves_in_the_cluster_while_it_and_another_are_sold() {
    let mut random = chance();
    let cluster = RedisCluster::start();
    let stage = Stage::on(&cluster.url(), "disk");
    let slot_of = |show: &usher::show::ShowId| cluster.slot_of(&format!("usher:{{{show}}}:log"));
    let hamlet = stage.a_show().await;
    let here = cluster.owner_of(slot_of(&hamlet));
    // Names are the catalogue's; one of the first few shows is elsewhere.
    let lear = loop {
        let show = stage.a_show().await;
        if cluster.owner_of(slot_of(&show)).port() != here.port() {
            break show;
        }
    };
    let at_hamlet = Crowd::come(&stage, &hamlet, &mut random).await;
    let at_lear = Crowd::come(&stage, &lear, &mut random).await;
    let there = cluster.other_than_owner_of(slot_of(&hamlet));
    cluster.move_slot(slot_of(&hamlet), there);
    at_hamlet.buy_more(100).await;
    cluster.move_slot(slot_of(&hamlet), here);
    at_hamlet.buy_more(100).await;
    at_lear.buy_more(100).await;
    for crowd in [&at_hamlet, &at_lear] {
        assert_eq!(Counts::of(&crowd.counts.unavailable), 0, "nobody noticed");
    }
    assert_eq!(at_hamlet.agree_by(&cluster.url(), here).await, 0);
    assert_eq!(at_lear.agree_by(&cluster.url(), cluster.owner_of(slot_of(&lear))).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_primary_of_the_cluster_that_dies_takes_nothing_with_it_that_a_replica_acknowledged() {
    let mut random = chance();
    let mut cluster = RedisCluster::start();
    let stage = Stage::on(&cluster.url(), "replicated");
    let hamlet = stage.a_show().await;
    let slot = cluster.slot_of(&format!("usher:{{{hamlet}}}:log"));
    let crowd = Crowd::come(&stage, &hamlet, &mut random).await;
    let killed = cluster.kill_owner_of(slot);
    crowd.are_told(&[0, 1, 2], StorageState::Away).await;
    // Its replica has no replica: nothing is acknowledged before the dead one comes back as one.
    cluster.start_again(killed);
    crowd.are_told(&[0, 1, 2], StorageState::Ok).await;
    crowd.buy_more(100).await;
    assert!(crowd.longest_ms() <= ANSWER_MS_MAX, "somebody waited {} ms", crowd.longest_ms());
    assert_eq!(crowd.agree_by(&cluster.url(), cluster.owner_of(slot)).await, 0);
}

//! How many durable attempts a second 1 to 4 nodes carry together on one show and one Redis, what a
//! committed hold costs Redis, and how soon a change made on one node is known on another; beside it,
//! in the same run, the usual way: one Lua script a hold. `cargo bench --bench nodes`.
//!
//! 64 closed-loop clients in the process, spread over the nodes, on 50,000 seats: parties of 1 to 4 at
//! random rows, 70 % bought and the rest released, from fresh to 90 % sold. An attempt is a hold that
//! was asked for, granted or refused. It starts a `redis-server` of its own for each part.

mod house;
mod lua;
mod redis_server;
mod sockets;

use std::time::Duration;

use house::{Offer, Stage};
use redis_server::{Fsync, Redis};
use usher::config::Durability;

const CLIENTS: u64 = 64;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        for (fsync, durability) in
            [(Fsync::EverySecond, Durability::Memory), (Fsync::Always, Durability::Disk)]
        {
            println!("-- appendfsync {}", fsync.name());
            closed_loops(fsync, durability).await;
            far_node(fsync, durability).await;
        }
        heard_elsewhere().await;
    });
}

async fn closed_loops(fsync: Fsync, durability: Durability) {
    let stage = Stage::new();
    for nodes in 1..=4 {
        let redis = Redis::start(fsync).await;
        let usual = lua::run(&redis, nodes, CLIENTS).await;
        usual.print(&format!("{nodes} nodes, one Lua script a hold"));
        drop(redis);
        let redis = Redis::start(fsync).await;
        let logs = redis.logs(nodes, durability, None).await;
        let offer = Offer::AsFastAsTheyCan { clients: CLIENTS / nodes as u64 };
        let cpu = redis.cpu().await;
        let ran = stage.run(logs, offer).await;
        let ran = ran.with_redis_cpu(redis.cpu().await - cpu);
        ran.print(&format!("{nodes} nodes, the log"));
        println!(
            "   {:.2} of the attempts of one script a hold; Redis CPU for a committed hold {:.3} of it",
            ran.attempts_per_second() / usual.attempts_per_second(),
            ran.redis_us_per_hold() / usual.redis_us_per_hold(),
        );
    }
}

/// Four nodes that are offered the same number of attempts, one of them 2 ms further away.
async fn far_node(fsync: Fsync, durability: Durability) {
    let stage = Stage::new();
    let redis = Redis::start(fsync).await;
    let logs = redis.logs(4, durability, Some(Duration::from_millis(2))).await;
    let offer = Offer::SoManyASecond { each: 5_000, seconds: 3 };
    let ran = stage.run(logs, offer).await;
    ran.print("4 nodes offered 5,000 a second each, the last 2 ms further away");
    // A client that waits for its answer waits 2 ms longer there, whatever the node does: with few of
    // them that alone is the share. In a rush it is not.
    for clients in [CLIENTS, 1_024] {
        let redis = Redis::start(fsync).await;
        let logs = redis.logs(4, durability, Some(Duration::from_millis(2))).await;
        let ran = stage.run(logs, Offer::AsFastAsTheyCan { clients }).await;
        ran.print(&format!(
            "4 nodes with {clients} closed-loop clients each, the last 2 ms further away"
        ));
    }
}

/// From the grant's request on node A to the frame in a viewer's socket on node B, at 1,000 holds/s.
async fn heard_elsewhere() {
    let redis = Redis::start(Fsync::Always).await;
    let logs = redis.logs(2, Durability::Disk, None).await;
    let mut times = sockets::run(logs, 1_000, 5_000).await;
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 1_000];
    println!(
        "committed on one node, in a viewer's socket on another, at 1,000 holds/s: p50 {:?}, p99 {:?}, \
         p99.9 {:?} ({} changes)",
        at(500),
        at(990),
        at(999),
        times.len()
    );
}

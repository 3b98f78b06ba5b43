//! An evening on which everything happens to everybody, in any order and at once.

use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::crowd::Crowd;
use super::stage::{NODES, Stage};
use super::{ANSWER_MS_MAX, chance};
use crate::redis_server::RedisServer;

/// How many things happen, unless `USHER_EVENTS` says how many.
const EVENTS: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_happens_on_an_evening_the_house_agrees_in_the_end() {
    let mut random = chance();
    let given = std::env::var("USHER_EVENTS").ok().and_then(|text| text.parse().ok());
    let mut redis = RedisServer::start();
    let mut stage = Stage::with_lines_to(redis.port(), "disk");
    let show = stage.a_show().await;
    let crowd = Crowd::come(&stage, &show, &mut random).await;
    for _ in 0..given.unwrap_or(EVENTS) {
        something_happens(&mut stage, &mut redis, &mut random).await;
        // Now and then the next thing happens before this one is over.
        if random.random_bool(0.6) {
            stage.lines().for_each(|line| line.pass());
            crowd.buy_more(random.random_range(1..100)).await;
        }
    }
    stage.lines().for_each(|line| line.pass());
    crowd.buy_more(200).await;
    assert!(crowd.longest_ms() <= ANSWER_MS_MAX, "somebody waited {} ms", crowd.longest_ms());
    assert_eq!(crowd.agree(&redis).await, 0);
}

async fn something_happens(stage: &mut Stage, redis: &mut RedisServer, random: &mut StdRng) {
    let node = random.random_range(0..NODES);
    let a_while = Duration::from_millis(random.random_range(1..2_000));
    match random.random_range(0..8) {
        0 => {
            stage.kill(node);
            tokio::time::sleep(a_while).await;
            // It starts by a line that works.
            stage.line(node).pass();
            stage.start_again(node);
        }
        1 => {
            assert_eq!(stage.terminate(node), Some(0), "it ends well, whatever is broken");
            stage.line(node).pass();
            stage.start_again(node);
        }
        2 => {
            redis.kill();
            tokio::time::sleep(a_while).await;
            redis.start_again();
        }
        3 => {
            redis.freeze();
            tokio::time::sleep(a_while).await;
            redis.thaw();
        }
        4 => stage.line(node).cut(),
        5 => stage.line(node).stop_all(),
        6 => stage.line(node).delay(random.random_range(1..300)),
        _ => {
            let script = redis.ask(&["SCRIPT", "FLUSH"]);
            assert_eq!(script.text(), "OK");
        }
    }
    tokio::time::sleep(a_while / 4).await;
}

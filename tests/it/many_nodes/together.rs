//! Any node, any show, any socket: it is one house.

use serde_json::json;
use usher::client::{Buyer, HoldId, Notice, Viewer};
use usher::protocol::rpc::Card;
use usher::protocol::seats::Format;
use usher::show::{SeatState, ShowId};

use super::stage::{NODES, Stage, until};
use crate::redis_server::RedisServer;

/// A socket at a node, of this session or a new one.
async fn at(stage: &Stage, node: usize, show: &ShowId, session: Option<&str>) -> (Buyer, String) {
    let connected = Buyer::connect(&stage.houses().at(node), show, Format::Json, None).await;
    let mut buyer = connected.expect("a socket");
    let known = buyer.identify(session).await.expect("its session is good here");
    (buyer, known.session)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_done_at_one_node_is_told_at_every_other() {
    let redis = RedisServer::start();
    let stage = Stage::with_lines_to(redis.port(), "disk");
    let show = stage.a_show_with(10, json!({})).await;
    let (mut here, session) = at(&stage, 0, &show, None).await;
    let (mut there, _) = at(&stage, 1, &show, Some(&session)).await;

    let held = here.hold(&[2, 3]).await.expect("held").hold;
    let Notice::HoldChanged { hold, .. } = there.notice().await.expect("told") else {
        panic!("not told of the hold")
    };
    assert_eq!(hold, held);
    // What was granted at one is changed, and bought, at others.
    let changed = there.change(held.id, &[3, 4]).await.expect("changed").hold;
    let Notice::HoldChanged { hold, .. } = here.notice().await.expect("told") else {
        panic!("not told of the change")
    };
    assert_eq!(hold, changed);
    let (mut third, _) = at(&stage, 2, &show, Some(&session)).await;
    let bought = third.buy(changed.id, Card::Approved, None).await.expect("bought").order;
    for other in [&mut here, &mut there] {
        let Notice::Order { order, .. } = other.notice().await.expect("told") else {
            panic!("not told of the order")
        };
        assert_eq!(order, bought);
    }
    // And it is bought once, wherever it is bought again.
    let again = here.buy(changed.id, Card::Approved, None).await.expect("the same order").order;
    assert_eq!(again, bought);
    for node in 0..NODES {
        let house = stage.houses().at(node);
        let mut viewer = Viewer::follow(&house, &show, Format::Binary).await.expect("a map");
        // A node may hear of it a moment after the buyer.
        while viewer.picture().is_none_or(|seen| seen.state(3) != SeatState::Sold) {
            viewer.next().await.expect("news");
        }
        let picture = viewer.picture().expect("a map");
        assert_eq!(picture.counts(), [8, 0, 2, 0], "node {node}");
    }
    shown_to_programs_outside(&redis, &show, &bought.id.to_string()).await;
}

/// Other programs find the seats and the orders in Redis, within a second or so.
async fn shown_to_programs_outside(redis: &RedisServer, show: &ShowId, order: &str) {
    let seats = format!("usher:{{{show}}}:seats");
    until("the seats are shown to others", || redis.ask(&["BITCOUNT", &seats]).number() == 8).await;
    for (seat, available) in [("2", 1), ("3", 0), ("4", 0), ("5", 1)] {
        assert_eq!(redis.ask(&["GETBIT", &seats, seat]).number(), available, "seat {seat}");
    }
    let orders = format!("usher:{{{show}}}:orders");
    until("the order is shown to others", || redis.ask(&["HEXISTS", &orders, order]).number() == 1)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_comes_from_a_node_that_is_ahead_is_waited_for() {
    let redis = RedisServer::start();
    let stage = Stage::with_lines_to(redis.port(), "disk");
    let show = stage.a_show_with(10, json!({})).await;
    let (mut ahead, _) = at(&stage, 0, &show, None).await;
    // Whatever the second node hears and asks is late.
    stage.line(1).delay(50);
    for seat in [2, 3, 4] {
        let held = ahead.hold(&[seat]).await.expect("held");
        ahead.release(held.hold.id).await.expect("released");
        let held = ahead.hold(&[seat]).await.expect("held");
        let known = ahead.until(held.seq).await.expect("shown").clone();
        let connect =
            Viewer::connect(&stage.houses().at(1), &show, Format::Binary, Some(known.clone()))
                .await;
        let mut viewer = connect.expect("a socket");
        viewer.next().await.expect("a first frame");
        assert_eq!(viewer.counters().snapshots, 0, "it goes on where it was");
        let shown = viewer.picture().expect("a map");
        assert!(shown.seq() >= known.seq(), "{} after {}", shown.seq(), known.seq());
        ahead.release(held.hold.id).await.expect("released");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hold_is_bought_at_a_node_that_has_not_heard_of_it_yet() {
    let redis = RedisServer::start();
    let stage = Stage::with_lines_to(redis.port(), "disk");
    let show = stage.a_show_with(10, json!({})).await;
    let (mut here, session) = at(&stage, 0, &show, None).await;
    let (mut there, _) = at(&stage, 1, &show, Some(&session)).await;
    stage.line(1).delay(50);
    for seat in [2, 3, 4] {
        let held = here.hold(&[seat]).await.expect("held");
        let bought = there.buy(held.hold.id, Card::Approved, None).await;
        assert_eq!(bought.expect("it is there").order.seats, held.hold.seats);
    }
    // One that nobody granted is still refused.
    let nobodys = HoldId(uuid::Uuid::nil());
    let refused = there.release(nobodys).await.expect_err("nobody's hold");
    assert_eq!(refused.refusal(), Some("no_such_hold"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_outlives_every_node() {
    let redis = RedisServer::start();
    let mut stage = Stage::with_lines_to(redis.port(), "disk");
    let show = stage.a_show_with(10, json!({})).await;
    let (mut buyer, session) = at(&stage, 0, &show, None).await;
    let held = buyer.hold(&[2, 3]).await.expect("held").hold;
    drop(buyer);
    for node in 0..NODES {
        stage.kill(node);
    }
    for node in 0..NODES {
        stage.start_again(node);
        let connected = Buyer::connect(&stage.houses().at(node), &show, Format::Json, None).await;
        let known = connected.expect("a socket").identify(Some(&session)).await;
        let known = known.expect("its session is good here");
        assert_eq!(known.session, session, "the same, not a new one");
        assert_eq!(known.holds, std::slice::from_ref(&held));
    }
}

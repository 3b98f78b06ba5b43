//! Time: holds lapse at their deadline and the grace after it, sales begin, and shows begin.

use serde_json::{Value, json};

use super::{Line, NOW, PATIENCE, seq, snapshot};
use crate::open_house::{OpenHouse, small_plan};

/// A show whose holds last a minute and a second.
async fn short_holds(house: &OpenHouse) -> String {
    let policy = json!({"hold_ms": 60_000, "grace_ms": 1_000});
    house.a_show_in(&small_plan(), |show| show["policy"] = policy).await
}

fn buy(hold: &Value) -> Value {
    json!({"hold": hold, "payment": {"method": "test"}})
}

#[tokio::test]
async fn a_hold_lasts_what_the_screen_says_and_the_grace_after_it() {
    let house = OpenHouse::start_at(NOW).await;
    let show = short_holds(&house).await;
    let (mut buyer, _) = Line::identified(&house, &show, None).await;
    let (mut other, _) = Line::identified(&house, &show, None).await;
    let held = buyer.granted("hold", json!({"seats": [0, 1]})).await;
    let hold = &held["hold"];
    assert_eq!(held["now"], NOW.0);
    assert_eq!(hold["expires_at"], NOW.0 + 60_000);

    house.clock().pass(60_999);
    // The request makes the house look at its clock: the last millisecond is the holder's.
    let refused = other.refused("hold", json!({"seats": [0]})).await;
    assert_eq!(refused["reason"], "seats_taken");
    let known = buyer.granted("identify", json!({})).await;
    assert_eq!(known["holds"], json!([hold]));

    house.clock().pass(1);
    assert_eq!(buyer.notice().await["method"], "hold.expired");
    assert_eq!(buyer.until(seq(&held) + 1).await.counts(), [10, 0, 0, 0]);
    other.granted("hold", json!({"seats": [0]})).await;
    for (method, params) in [
        ("buy", buy(&hold["id"])),
        ("release", json!({"hold": hold["id"]})),
        ("change", json!({"hold": hold["id"], "seats": [5]})),
    ] {
        assert_eq!(buyer.refused(method, params).await["reason"], "hold_expired", "{method}");
    }
    buyer.granted("hold", json!({"seats": [1]})).await;
}

#[tokio::test]
async fn a_purchase_within_the_grace_is_not_too_late() {
    let house = OpenHouse::start_at(NOW).await;
    let show = short_holds(&house).await;
    let (mut buyer, _) = Line::identified(&house, &show, None).await;
    let held = buyer.granted("hold", json!({"seats": [0]})).await;
    house.clock().pass(60_999);
    let bought = buyer.granted("buy", buy(&held["hold"]["id"])).await;
    assert_eq!(bought["order"]["seats"], json!([0]));
    assert_eq!(bought["order"]["bought_at"], NOW.0 + 60_999);
}

#[tokio::test]
async fn holds_whose_time_passed_while_the_house_was_closed_lapse_when_it_opens() {
    let house = OpenHouse::start_at(NOW).await;
    let show = short_holds(&house).await;
    let (mut short, passed) = Line::identified(&house, &show, None).await;
    let gone = short.granted("hold", json!({"seats": [0, 1]})).await;
    house.clock().pass(30_000);
    let (mut long, staying) = Line::identified(&house, &show, None).await;
    let stays = long.granted("hold", json!({"seats": [2]})).await;

    drop((short, long));
    let house = house.restart_after(31_000).await;
    let mut watcher = Line::open(&house, &show, None).await;
    let lapsed = watcher.until(seq(&stays) + 1).await.clone();
    assert_eq!(lapsed.counts(), [9, 1, 0, 0]);
    assert_eq!(lapsed, snapshot(&house, &show).await);
    let mut short = Line::open(&house, &show, None).await;
    let known = short.granted("identify", json!({"session": passed})).await;
    assert_eq!(known["holds"], json!([]));
    let late = short.refused("buy", buy(&gone["hold"]["id"])).await;
    assert_eq!(late["reason"], "hold_expired");
    let mut long = Line::open(&house, &show, None).await;
    let known = long.granted("identify", json!({"session": staying})).await;
    assert_eq!(known["holds"], json!([stays["hold"]]), "the deadline is what it was");
}

#[tokio::test]
async fn on_the_machines_own_clock_a_hold_lapses_without_anybody_asking() {
    let house = OpenHouse::start().await;
    let policy = json!({"hold_ms": 1_000, "grace_ms": 100});
    let show = house.a_show_in(&small_plan(), |show| show["policy"] = policy).await;
    let (mut buyer, _) = Line::identified(&house, &show, None).await;
    let held = buyer.granted("hold", json!({"seats": [0]})).await;
    let expired = tokio::time::timeout(PATIENCE, buyer.notice()).await.expect("it lapses");
    assert_eq!(expired["params"], json!({"hold": held["hold"]["id"]}));
    let known = buyer.granted("identify", json!({})).await;
    let due = held["hold"]["expires_at"].as_u64().expect("a time") + 100;
    assert!(known["now"].as_u64().expect("a time") >= due, "too early: {known}");
}

#[tokio::test]
async fn when_the_show_begins_what_is_held_may_be_bought_and_nothing_else_is_held() {
    let house = OpenHouse::start_at(NOW).await;
    let starts_at = NOW.0 + 10_000;
    let show = house.a_show_in(&small_plan(), |show| show["starts_at"] = json!(starts_at)).await;
    let (mut buyer, _) = Line::identified(&house, &show, None).await;
    let (mut late, _) = Line::identified(&house, &show, None).await;
    let mut watcher = Line::open(&house, &show, Some("usher.v1")).await;
    let held = buyer.granted("hold", json!({"seats": [0, 1]})).await;

    house.clock().pass(10_000);
    for line in [&mut buyer, &mut late, &mut watcher] {
        let told = line.notice().await;
        assert_eq!(told["method"], "show.closed");
        assert!(told["params"]["reason"].is_string(), "{told}");
    }
    for (method, params) in [("hold", json!({"seats": [5]})), ("hold_best", json!({"quantity": 1}))]
    {
        assert_eq!(late.refused(method, params).await["reason"], "show_over", "{method}");
    }
    // Before every later reason.
    let refused = buyer.refused("hold", json!({"seats": []})).await;
    assert_eq!(refused["reason"], "show_over");
    let bought = buyer.granted("buy", buy(&held["hold"]["id"])).await;
    assert_eq!(watcher.until(seq(&bought)).await.counts(), [8, 0, 2, 0]);
}

#[tokio::test]
async fn nothing_is_sold_before_sales_begin() {
    let house = OpenHouse::start_at(NOW).await;
    let opens = NOW.0 + 5_000;
    let show = house.a_show_in(&small_plan(), |show| show["on_sale_at"] = json!(opens)).await;
    let (mut buyer, _) = Line::identified(&house, &show, None).await;
    let expected = json!({"reason": "not_on_sale", "on_sale_at": opens, "now": NOW.0});
    assert_eq!(buyer.refused("hold", json!({"seats": []})).await, expected);
    assert_eq!(buyer.refused("hold_best", json!({"quantity": 2})).await, expected);
    house.clock().pass(5_000);
    buyer.granted("hold", json!({"seats": [5]})).await;
}

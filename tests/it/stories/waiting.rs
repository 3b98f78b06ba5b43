//! Waiting: who comes too late for a seat is offered the next, in the order they came.

use serde_json::{Value, json};

use super::{Line, NOW, PATIENCE, seq};
use crate::open_house::{OpenHouse, small_plan};

/// A show of ten seats, of which one buyer may hold all.
async fn a_show(house: &OpenHouse) -> String {
    let policy = json!({"hold_ms": 60_000, "grace_ms": 1_000, "offer_ms": 20_000});
    house.a_show_in(&small_plan(), |show| show["policy"] = policy).await
}

/// Somebody who holds every seat.
async fn full(house: &OpenHouse, show: &str) -> (Line, Value) {
    let (mut holder, _) = Line::identified(house, show, None).await;
    let held = holder.granted("hold", json!({"seats": (0..10).collect::<Vec<_>>()})).await;
    (holder, held["hold"]["id"].clone())
}

/// Somebody who waits for so many seats.
async fn waiter(house: &OpenHouse, show: &str, quantity: u32) -> (Line, String, Value) {
    let (mut line, token) = Line::identified(house, show, None).await;
    let joined = line.granted("waitlist.join", json!({ "quantity": quantity })).await;
    (line, token, joined["waiting"].clone())
}

/// The next notice but of a place in line.
async fn told(line: &mut Line) -> Value {
    loop {
        let notice = line.notice().await;
        if notice["method"] != "waitlist.position" {
            return notice;
        }
    }
}

fn closed(reason: &str) -> Value {
    json!({"jsonrpc": "2.0", "method": "waitlist.closed", "params": {"reason": reason}})
}

#[tokio::test]
async fn what_one_lets_go_is_offered_to_the_first_in_line_who_buys_it() {
    let house = OpenHouse::start_at(NOW).await;
    let show = a_show(&house).await;
    let (mut holder, hold) = full(&house, &show).await;
    let (mut first, token, waiting) = waiter(&house, &show, 2).await;
    let (mut tab, _) = Line::identified(&house, &show, Some(&token)).await;
    let (mut second, _, behind) = waiter(&house, &show, 1).await;
    assert_eq!((&waiting["position"], &behind["position"]), (&json!(1), &json!(2)));
    let head: Value =
        house.get(&format!("/v1/shows/{show}/head")).await.json().await.expect("JSON");
    assert_eq!(behind["head"], head, "a receipt of who came when");

    let keep: Vec<u32> = (2..10).collect();
    let changed = holder.granted("change", json!({"hold": hold, "seats": keep})).await;
    let offer = told(&mut first).await;
    assert_eq!(offer["method"], "waitlist.offer");
    let offered = &offer["params"]["hold"];
    assert_eq!((&offered["seats"], &offered["state"]), (&json!([0, 1]), &json!("offered")));
    assert_eq!(offered["expires_at"], NOW.0 + 20_000);
    assert_eq!(told(&mut tab).await, offer, "every tab of the session is told");
    let seen = second.until(seq(&changed) + 1).await;
    assert_eq!(seen.counts(), [0, 10, 0, 0], "to everybody else they were never free");

    let accepted = first.granted("waitlist.accept", json!({})).await;
    assert_eq!(accepted["hold"]["state"], "held");
    assert_eq!(accepted["hold"]["expires_at"], NOW.0 + 60_000, "a full deadline");
    let changed = told(&mut tab).await;
    assert_eq!(changed["method"], "hold.changed");
    assert_eq!(changed["params"]["hold"], accepted["hold"]);
    assert_eq!(told(&mut tab).await, closed("accepted"));
    assert_eq!(told(&mut first).await, closed("accepted"));
    let place = second.notice().await;
    assert_eq!(place["method"], "waitlist.position");
    assert_eq!(place["params"], json!({"position": 1}));
    let buy = json!({"hold": offered["id"], "payment": {"method": "test"}});
    let bought = first.granted("buy", buy).await;
    assert_eq!(bought["order"]["seats"], json!([0, 1]));
}

#[tokio::test]
async fn what_is_declined_or_lapses_goes_to_the_next_in_line() {
    let house = OpenHouse::start_at(NOW).await;
    let show = a_show(&house).await;
    let (mut holder, hold) = full(&house, &show).await;
    let (mut first, ..) = waiter(&house, &show, 1).await;
    let (mut second, ..) = waiter(&house, &show, 1).await;
    let (mut third, ..) = waiter(&house, &show, 1).await;
    let keep: Vec<u32> = (1..10).collect();
    holder.granted("change", json!({"hold": hold, "seats": keep})).await;
    let offer = told(&mut first).await;
    let (hold, payment) = (&offer["params"]["hold"]["id"], json!({"method": "test"}));
    first.granted("waitlist.decline", json!({})).await;
    assert_eq!(told(&mut first).await, closed("declined"));
    assert_eq!(first.refused("waitlist.accept", json!({})).await["reason"], "no_offer");
    let buy = json!({"hold": hold, "payment": payment});
    assert_eq!(first.refused("buy", buy).await["reason"], "no_such_hold");

    let offer = told(&mut second).await;
    assert_eq!(offer["params"]["hold"]["seats"], json!([0]));
    house.clock().pass(21_000);
    // Asking makes the house look at its clock.
    third.granted("identify", json!({})).await;
    assert_eq!(told(&mut second).await, closed("lapsed"));
    let offer = told(&mut third).await;
    let buy = json!({"hold": offer["params"]["hold"]["id"], "payment": payment});
    let bought = third.granted("buy", buy).await;
    assert_eq!(bought["order"]["seats"], json!([0]), "bought without accepting it first");
    assert_eq!(told(&mut third).await, closed("accepted"));
}

#[tokio::test]
async fn who_can_no_longer_be_seated_is_told_at_once() {
    let house = OpenHouse::start_at(NOW).await;
    let show = a_show(&house).await;
    let (mut holder, hold) = full(&house, &show).await;
    let (mut party, ..) = waiter(&house, &show, 5).await;
    let (mut couple, ..) = waiter(&house, &show, 2).await;
    let keep = json!([0, 1, 2, 3, 5, 6, 7, 8]);
    holder.granted("change", json!({"hold": hold, "seats": keep})).await;
    holder.granted("buy", json!({"hold": hold, "payment": {"method": "test"}})).await;
    assert_eq!(told(&mut party).await, closed("sold_out"), "two seats are left");
    let apart = json!({"jsonrpc": "2.0", "method": "waitlist.apart", "params": {}});
    assert_eq!(told(&mut couple).await, apart, "and no longer side by side");
    let offer = told(&mut couple).await;
    assert_eq!(offer["params"]["hold"]["seats"], json!([4, 9]));
}

#[tokio::test]
async fn an_offer_is_swapped_for_seats_that_are_free_and_stays_an_offer() {
    let house = OpenHouse::start_at(NOW).await;
    let show = a_show(&house).await;
    let (mut holder, hold) = full(&house, &show).await;
    let (mut first, ..) = waiter(&house, &show, 2).await;
    let keep = json!([2, 3, 4, 5, 6, 7]);
    holder.granted("change", json!({"hold": hold, "seats": keep})).await;
    let offer = told(&mut first).await;
    assert_eq!(offer["params"]["hold"]["seats"], json!([0, 1]));
    let offered = &offer["params"]["hold"]["id"];
    let swapped = first.granted("change", json!({"hold": offered, "seats": [8, 9]})).await;
    assert_eq!(swapped["hold"]["state"], "offered");
    assert_eq!(swapped["hold"]["expires_at"], offer["params"]["hold"]["expires_at"]);
    first.granted("release", json!({"hold": offered})).await;
    assert_eq!(told(&mut first).await, closed("declined"), "and by nothing else");
    assert_eq!(first.until(seq(&swapped) + 1).await.counts(), [4, 6, 0, 0]);
}

#[tokio::test]
async fn nobody_waits_longer_than_the_show_says_and_whoever_leaves_is_out() {
    let house = OpenHouse::start_at(NOW).await;
    let policy = json!({"wait_ms": 30_000});
    let show = house.a_show_in(&small_plan(), |show| show["policy"] = policy).await;
    let _holder = full(&house, &show).await;
    let (mut first, ..) = waiter(&house, &show, 2).await;
    let (mut second, _, waiting) = waiter(&house, &show, 2).await;
    assert_eq!(waiting["until"], NOW.0 + 30_000);
    first.granted("waitlist.leave", json!({})).await;
    assert_eq!(told(&mut first).await, closed("left"));
    first.granted("waitlist.leave", json!({})).await;
    house.clock().pass(30_000);
    second.granted("identify", json!({})).await;
    assert_eq!(told(&mut second).await, closed("timeout"));
    let known = second.granted("identify", json!({})).await;
    assert_eq!(known.get("waiting"), None);
}

#[tokio::test]
async fn when_the_show_begins_those_who_wait_are_told() {
    let house = OpenHouse::start_at(NOW).await;
    let show =
        house.a_show_in(&small_plan(), |show| show["starts_at"] = json!(NOW.0 + 1_000)).await;
    let _holder = full(&house, &show).await;
    let (mut first, ..) = waiter(&house, &show, 2).await;
    house.clock().pass(1_000);
    let refused = first.refused("hold", json!({"seats": [1]})).await;
    assert_eq!(refused["reason"], "show_over");
    let mut notices = [told(&mut first).await, told(&mut first).await];
    notices.sort_by_key(|notice| notice["method"].to_string());
    assert_eq!(notices[0]["method"], "show.closed");
    assert_eq!(notices[1], closed("show_over"));
}

#[tokio::test]
async fn a_place_in_line_and_an_offer_survive_a_restart_and_the_absence_of_their_owner() {
    let house = OpenHouse::start_at(NOW).await;
    let show = a_show(&house).await;
    let (mut holder, hold) = full(&house, &show).await;
    let (absent, absent_token, _) = waiter(&house, &show, 2).await;
    let (second, token, waiting) = waiter(&house, &show, 2).await;
    drop(absent);
    let keep: Vec<u32> = (2..10).collect();
    holder.granted("change", json!({"hold": hold, "seats": keep})).await;
    drop((second, holder));

    let house = house.restart_after(5_000).await;
    // By a telephone now, without a socket.
    let ask = |token: String, method: &'static str| {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": {}});
        let (house, show) = (&house, &show);
        async move { house.rpc(show, Some(&token), &request).await["result"].clone() }
    };
    let known = ask(token, "identify").await;
    assert_eq!(known["waiting"]["position"], 2);
    assert_eq!(known["waiting"]["ticket"], waiting["ticket"]);
    assert_eq!(known["waiting"]["head"], waiting["head"]);
    let known = ask(absent_token.clone(), "identify").await;
    assert_eq!(known["waiting"]["position"], 1, "who has an offer counts");
    assert_eq!(known["holds"][0]["seats"], json!([0, 1]));
    assert_eq!(known["holds"][0]["state"], "offered");
    assert_eq!(known["holds"][0]["expires_at"], NOW.0 + 20_000, "the time goes on");
    let accepted = ask(absent_token, "waitlist.accept").await;
    assert_eq!(accepted["hold"]["seats"], json!([0, 1]));
}

#[tokio::test]
async fn an_offer_that_was_due_when_the_house_closed_is_made_when_it_opens() {
    let house = OpenHouse::start_at(NOW).await;
    let show = a_show(&house).await;
    let (_holder, _) = full(&house, &show).await;
    let (line, token, _) = waiter(&house, &show, 2).await;
    drop(line);
    // The hold lapses while nobody is there.
    let house = house.restart_after(61_000).await;
    let (mut line, _) = Line::identified(&house, &show, Some(&token)).await;
    let offered = async {
        loop {
            let known = line.granted("identify", json!({})).await;
            if known["holds"][0]["state"] == "offered" {
                return known;
            }
        }
    };
    let known = tokio::time::timeout(PATIENCE, offered).await.expect("an offer");
    assert_eq!(known["holds"][0]["seats"], json!([0, 1]));
}

#[tokio::test]
async fn a_place_in_line_is_told_when_it_moved_but_not_at_every_move() {
    let house = OpenHouse::start_with(crate::open_house::for_quick_buyers).await;
    let show = house.a_show_in(&small_plan(), |_| {}).await;
    let _holder = full(&house, &show).await;
    let mut others = Vec::new();
    for _ in 0..30 {
        others.push(waiter(&house, &show, 1).await.0);
    }
    let (mut last, ..) = waiter(&house, &show, 1).await;
    let began = std::time::Instant::now();
    for other in &mut others {
        other.granted("waitlist.leave", json!({})).await;
    }
    let mut told: Vec<u64> = Vec::new();
    while told.last() != Some(&1) {
        let notice = last.notice().await;
        assert_eq!(notice["method"], "waitlist.position");
        told.push(notice["params"]["position"].as_u64().expect("a place"));
    }
    assert!(told.is_sorted_by(|before, after| before > after), "it only moves up: {told:?}");
    let seconds = began.elapsed().as_secs() as usize;
    assert!(told.len() <= seconds + 2, "{told:?} within {seconds} s");
}

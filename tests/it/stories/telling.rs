//! Telling: a session's other sockets hear of what one of them did; strangers do not.

use serde_json::json;

use super::{Line, NOW};
use crate::open_house::{OpenHouse, small_plan};

#[tokio::test]
async fn a_second_tab_hears_what_the_first_did_and_a_stranger_hears_nothing() {
    let house = OpenHouse::start_at(NOW).await;
    let policy = json!({"hold_ms": 60_000, "grace_ms": 1_000});
    let show = house.a_show_in(&small_plan(), |show| show["policy"] = policy).await;
    let (mut first, token) = Line::identified(&house, &show, None).await;
    let (mut second, same) = Line::identified(&house, &show, Some(&token)).await;
    assert_eq!(same, token, "a young token is given back as it is");
    let (mut stranger, _) = Line::identified(&house, &show, None).await;
    let mut watcher = Line::open(&house, &show, None).await;

    let held = first.granted("hold", json!({"seats": [0, 1]})).await;
    let told = second.notice().await;
    assert_eq!(told["method"], "hold.changed");
    assert_eq!(told["params"], json!({"hold": held["hold"], "now": held["now"]}));

    let hold = &held["hold"]["id"];
    let changed = first.granted("change", json!({"hold": hold, "seats": [4]})).await;
    let told = second.notice().await;
    assert_eq!(told["method"], "hold.changed");
    assert_eq!(told["params"]["hold"], changed["hold"]);

    // An end is told to all of them, the asker included; and either may ask for it.
    second.granted("release", json!({"hold": hold})).await;
    let expected = json!({"jsonrpc": "2.0", "method": "hold.released",
                          "params": {"hold": hold, "reason": "released"}});
    assert_eq!(first.notice().await, expected);
    assert_eq!(second.notice().await, expected);

    let best = second.granted("hold_best", json!({"quantity": 2})).await;
    assert_eq!(first.notice().await["params"]["hold"], best["hold"]);
    let hold = &best["hold"]["id"];
    let params = json!({"hold": hold, "payment": {"method": "test", "card": "declined"}});
    assert_eq!(first.refused("buy", params).await["reason"], "payment_declined");
    let params = json!({"hold": hold, "payment": {"method": "test"}});
    let bought = first.granted("buy", params).await;
    let told = second.notice().await;
    assert_eq!(told["method"], "order");
    assert_eq!(told["params"], json!({"order": bought["order"], "now": bought["now"]}));

    let last = first.granted("hold", json!({"seats": [9]})).await;
    assert_eq!(second.notice().await["params"]["hold"], last["hold"]);
    house.clock().pass(61_000);
    let expected = json!({"jsonrpc": "2.0", "method": "hold.expired",
                          "params": {"hold": last["hold"]["id"]}});
    assert_eq!(first.notice().await, expected);
    assert_eq!(second.notice().await, expected);

    // Whatever was told before this answer has come before it.
    let lapsed_at = last["seq"].as_u64().expect("a position") + 1;
    for line in [&mut first, &mut second, &mut stranger] {
        line.granted("identify", json!({})).await;
        assert!(line.notices.is_empty(), "{:?}", line.notices);
    }
    watcher.until(lapsed_at).await;
    assert!(watcher.notices.is_empty(), "{:?}", watcher.notices);
}

#[tokio::test]
async fn what_was_asked_without_a_socket_is_told_to_all_of_the_sessions_sockets() {
    let house = OpenHouse::start().await;
    let show = house.a_show().await;
    let (mut line, token) = Line::identified(&house, &show, None).await;
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "hold", "params": {"seats": [3]}});
    let held = house.rpc(&show, Some(&token), &request).await;
    assert_eq!(line.notice().await["params"]["hold"], held["result"]["hold"]);
}

#[tokio::test]
async fn a_session_is_the_same_in_every_show_but_its_holds_are_of_one() {
    let house = OpenHouse::start().await;
    let (one, other) = (house.a_show().await, house.a_show().await);
    let (mut there, token) = Line::identified(&house, &one, None).await;
    there.granted("hold", json!({"seats": [0]})).await;
    let (mut here, _) = Line::identified(&house, &other, Some(&token)).await;
    let held = here.granted("hold", json!({"seats": [0]})).await;
    assert_eq!(held["hold"]["seats"], json!([0]));
    let known = there.granted("identify", json!({})).await;
    assert_eq!(known["holds"].as_array().map(Vec::len), Some(1));
    assert!(there.notices.is_empty(), "{:?}", there.notices);
}

//! Limits: what is too long, too fast, too much or not JSON, and the close code for each.

use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, Message};

use super::{Line, NOW};
use crate::open_house::OpenHouse;

#[tokio::test]
async fn a_message_may_be_so_long_and_no_longer() {
    let house = OpenHouse::start().await;
    let show = house.a_show().await;
    let mut line = Line::open(&house, &show, None).await;
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"identify"}"#;
    line.say(format!("{request:<4096}")).await;
    assert!(line.response().await["result"].is_object());
    line.say(format!("{request:<4097}")).await;
    assert_eq!(line.close_code().await, 1009);
}

#[tokio::test]
async fn a_binary_message_is_not_understood() {
    let house = OpenHouse::start().await;
    let show = house.a_show().await;
    for offered in [Some("usher.v1"), Some("usher.v1.json")] {
        let mut line = Line::open(&house, &show, offered).await;
        line.send(Message::binary(br#"{"jsonrpc":"2.0","id":1,"method":"identify"}"#.to_vec()))
            .await;
        assert_eq!(line.close_code().await, 1003);
    }
}

#[tokio::test]
async fn three_messages_in_a_minute_that_are_not_json_are_abuse() {
    let house = OpenHouse::start_at(NOW).await;
    let show = house.a_show().await;
    let mut line = Line::open(&house, &show, None).await;
    for _ in 0..2 {
        line.say("hello?").await;
        assert_eq!(line.response().await["error"]["code"], -32700);
    }
    // A minute later it is forgotten; and what is JSON but no request does not count.
    house.clock().pass(60_000);
    for _ in 0..2 {
        line.say("hello?").await;
        assert_eq!(line.response().await["error"]["code"], -32700);
    }
    for _ in 0..5 {
        line.say("[]").await;
        assert_eq!(line.response().await["error"]["code"], -32600);
    }
    line.say("hello?").await;
    assert_eq!(line.close_code().await, 1008);
}

#[tokio::test]
async fn who_asks_too_fast_is_told_how_long_to_wait_and_who_does_not_listen_is_closed() {
    // The clock stands still, so that no time refills anything.
    let house = OpenHouse::start_at(NOW).await.restart_with_usual_limits().await;
    let show = house.a_show().await;
    let (mut line, token) = Line::identified(&house, &show, None).await;
    // The session's attempts: a burst of ten, over all its sockets.
    let (mut second, _) = Line::identified(&house, &show, Some(&token)).await;
    for _ in 0..5 {
        for line in [&mut line, &mut second] {
            let refused = line.refused("hold", json!({"seats": []})).await;
            assert_eq!(refused["reason"], "no_seats_named");
        }
    }
    for line in [&mut line, &mut second] {
        let refused = line.refused("hold", json!({"seats": []})).await;
        assert_eq!(refused["reason"], "too_fast");
        let wait = refused["retry_after_ms"].as_u64().expect("a time");
        assert!((1..=500).contains(&wait), "two a second are allowed, so not {wait}");
        line.granted("identify", json!({})).await;
    }
    house.clock().pass(500);
    let refused = line.refused("hold", json!({"seats": []})).await;
    assert_eq!(refused["reason"], "no_seats_named");

    // The socket's messages: a burst of thirty, then ten in a row are one too many.
    let mut hasty = Line::open(&house, &show, None).await;
    for _ in 0..30 {
        hasty.granted("identify", json!({})).await;
    }
    for _ in 0..9 {
        assert_eq!(hasty.refused("identify", json!({})).await["reason"], "too_fast");
    }
    // One that is in time, and the count begins again.
    house.clock().pass(100);
    hasty.granted("identify", json!({})).await;
    for _ in 0..10 {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": "identify"});
        hasty.say(request.to_string()).await;
    }
    assert_eq!(hasty.close_code().await, 1008);
}

#[tokio::test]
async fn an_address_with_too_many_sockets_is_told_so_by_the_close_code() {
    let house = OpenHouse::start_with(|settings| settings.limits.sockets_per_address_max = 2).await;
    let show = house.a_show().await;
    let mut first = Line::open(&house, &show, None).await;
    let mut second = Line::open(&house, &show, None).await;
    for line in [&mut first, &mut second] {
        line.first_frame().await;
    }
    let mut third = Line::open(&house, &show, None).await;
    assert_eq!(third.close_code().await, 4009);
    // A place that is given back is free: known once the house has seen the close.
    first.socket.close(None).await.expect("closed");
    assert_eq!(first.close_code().await, 1000);
    loop {
        let mut fourth = Line::open(&house, &show, None).await;
        if matches!(fourth.next().await, super::Heard::Seats(_)) {
            break;
        }
    }
    second.granted("identify", json!({})).await;
}

#[tokio::test]
async fn a_full_house_asks_to_come_back() {
    let house = OpenHouse::start_with(|settings| {
        settings.limits.sockets_max = 1;
        settings.limits.sockets_per_address_max = 1;
    })
    .await;
    let show = house.a_show().await;
    let mut only = Line::open(&house, &show, None).await;
    only.first_frame().await;
    let stream = TcpStream::connect(house.address()).await.expect("a connection");
    let refused = Line::over(stream, &house, &show, None, "").await.err();
    let Some(tungstenite::Error::Http(response)) = refused else {
        panic!("not turned away: {refused:?}");
    };
    assert_eq!(response.status(), 503);
    let wait = response.headers()["retry-after"].to_str().expect("text");
    assert!(wait.parse::<u64>().expect("seconds") >= 1);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = serde_json::from_slice(response.body().as_deref().unwrap_or_default())
        .unwrap_or_else(|_| json!({"status": 503}));
    assert_eq!(problem["status"], 503);
}

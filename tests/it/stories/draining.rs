//! Draining: a house that closes tells everybody, finishes what is under way, and loses nothing.

use serde_json::json;

use super::{Heard, Line, NOW, PATIENCE};
use crate::open_house::OpenHouse;

#[tokio::test]
async fn a_house_that_closes_finishes_what_is_under_way_and_sends_everybody_away() {
    let mut house = OpenHouse::start_at(NOW).await;
    let show = house.a_show().await;
    let (mut buyer, token) = Line::identified(&house, &show, None).await;
    let mut watcher = Line::open(&house, &show, Some("usher.v1")).await;
    watcher.first_frame().await;
    // Asked for and not waited for: they are under way when the house is told to stop.
    for id in 0..10 {
        let request =
            json!({"jsonrpc": "2.0", "id": id, "method": "hold", "params": {"seats": [id]}});
        buyer.say(request.to_string()).await;
    }
    let first = buyer.response().await;
    assert!(first["result"]["hold"].is_object(), "{first}");

    let told = async {
        let mut answered = 1;
        let code = loop {
            match buyer.next().await {
                Heard::Closed(code) => break code,
                Heard::Said(said) if said.get("id").is_some() => {
                    assert_eq!(said["id"], answered, "in the order asked");
                    answered += 1;
                }
                Heard::Said(notice) => buyer.notices.push_back(notice),
                Heard::Seats(_) => {}
            }
        };
        assert_eq!((code, watcher.close_code().await), (1001, 1001));
    };
    let stopped = tokio::time::timeout(PATIENCE, house.stop());
    let ((), stopped) = tokio::join!(told, stopped);
    stopped.expect("it ends by itself");
    for line in [&mut buyer, &mut watcher] {
        let told = line.notices.pop_front().expect("a word before the close");
        assert_eq!(told["method"], "server.draining");
        assert!(told["params"]["reconnect_after_ms"].is_u64(), "{told}");
    }

    let house = house.restart().await;
    let mut back = Line::open(&house, &show, None).await;
    let known = back.granted("identify", json!({"session": token})).await;
    assert_eq!(known["holds"], json!([first["result"]["hold"]]), "acknowledged is durable");
}

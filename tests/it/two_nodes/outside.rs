//! What programs outside are shown: by one node, for as long as it goes on.

use super::log::Wall;
use super::troubles::{a_node_on, someone_holds};
use super::*;

/// Waits until what is shown outside is so.
async fn until(log: &Deaf, what: &str, mut so: impl FnMut(&Wall) -> bool) {
    let looking = async {
        while !so(&log.wall()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(30), looking).await;
    assert!(in_time.is_ok(), "waited in vain until {what}: {:?}", log.wall());
}

#[tokio::test]
async fn what_another_node_shows_outside_is_left_to_it_until_it_stops() {
    let (log, folder) = (Deaf::new(&MemoryLog::new()), tempfile::tempdir().expect("a folder"));
    log.wall().shown = Some(0);
    let node = a_node_on(&log, folder.path()).await;
    let show = node.a_show().await;
    until(&log, "the first view is there, in any case", |wall| wall.views.len() == 1).await;
    // Each time it looks, another has shown one entry more.
    log.wall().others = true;
    for seat in 1..=4 {
        someone_holds(&node, &show, seat).await;
    }
    until(&log, "all is shown", |wall| wall.shown == Some(4)).await;
    assert_eq!(log.wall().views.len(), 1, "by the other");

    log.wall().others = false;
    let session = node.rpc(&show, None, "identify", json!({})).await;
    let token = session["session"].as_str().expect("a token");
    let held = node.rpc(&show, Some(token), "hold", json!({"seats": [5]})).await;
    let pays = json!({"hold": held["hold"]["id"], "payment": {"method": "test"}});
    let bought = node.rpc(&show, Some(token), "buy", pays).await;
    let seq = bought["seq"].as_u64().expect("a place");
    let has_it = |wall: &Wall| {
        wall.shown >= Some(seq)
            && wall.views.last().is_some_and(|view| {
                view.position.seq >= seq
                    && view.orders.iter().any(|order| bought["order"]["id"] == order.id)
            })
    };
    until(&log, "this node has shown the order", has_it).await;

    // It is lost with the server that had it; the log is not.
    let views = log.wall().views.len();
    log.wall().shown = Some(0);
    someone_holds(&node, &show, 6).await;
    let again = |wall: &Wall| wall.views.len() > views && has_it(wall);
    until(&log, "the order is shown again", again).await;
}

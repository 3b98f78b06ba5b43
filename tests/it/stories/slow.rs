//! A viewer that does not read: it gets fewer frames and the right picture, and delays nobody.

use serde_json::{Value, json};
use tokio::net::TcpSocket;

use super::{Heard, Line, seq, snapshot};
use crate::open_house::{OpenHouse, small_plan};

/// Changes made while the slow viewer looks away.
const CHANGES: u64 = 60;

#[tokio::test]
async fn who_does_not_read_for_a_while_ends_with_the_right_picture_and_delays_nobody() {
    let house = OpenHouse::start().await;
    let mut plan = small_plan();
    plan["zones"][0]["areas"] = json!([{
        "shape": "rectangle", "name": "Floor", "capacity": 60_000, "category": "Stalls",
        "position": {"x": 0, "y": 0}, "rectangle": {"width": 10, "height": 10},
    }]);
    let show = house.a_show_in(&plan, |_| {}).await;

    // As little as the system gives between the two: what does not fit is the hub's to merge.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a small buffer");
    let stream = socket.connect(house.address()).await.expect("a connection");
    let json_frames = Some("usher.v1.json");
    let slow = Line::over(stream, &house, &show, json_frames, "").await;
    let mut slow = slow.expect("an upgrade");
    slow.first_frame().await;
    let mut quick = Line::open(&house, &show, json_frames).await;
    quick.first_frame().await;

    // Every second place: a frame of this is as long as a snapshot, some 20 kB.
    let seats: Vec<u32> = (10..60_010).step_by(2).collect();
    let mut last = 0;
    for nth in 0..CHANGES {
        let path = format!("/v1/shows/{show}/{}", if nth % 2 == 0 { "block" } else { "unblock" });
        let done: Value =
            house.post(&path, &json!({"seats": seats})).await.json().await.expect("JSON");
        last = seq(&done);
        // Seen at once, although a neighbour of the same show reads nothing.
        let counts = quick.until(last).await.counts();
        assert_eq!(counts[3], if nth % 2 == 0 { 30_000 } else { 0 });
    }
    assert_eq!(last, CHANGES);

    let mut frames = 0;
    while slow.picture.as_ref().is_none_or(|seen| seen.seq() < last) {
        match slow.next().await {
            Heard::Seats(_) => frames += 1,
            other => panic!("slowness alone is no reason for {other:?}"),
        }
    }
    assert!(frames < CHANGES / 2, "{frames} frames of {CHANGES}: nothing was merged");
    assert_eq!(slow.picture, Some(snapshot(&house, &show).await));
    // It is a viewer like any other again.
    let path = format!("/v1/shows/{show}/block");
    let done: Value = house.post(&path, &json!({"seats": [0]})).await.json().await.expect("JSON");
    assert_eq!(slow.until(seq(&done)).await.counts()[3], 1);
}

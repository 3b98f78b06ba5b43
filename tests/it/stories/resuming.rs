//! Resuming: who was away learns exactly what happened, or is told to start afresh.

use serde_json::json;
use usher::protocol::seats::SeatFrame;

use super::{Line, NOW, seq, snapshot};
use crate::open_house::OpenHouse;

#[tokio::test]
async fn who_was_away_is_told_exactly_what_happened() {
    let house = OpenHouse::start_at(NOW).await;
    let show = house.a_show().await;
    let (mut buyer, _) = Line::identified(&house, &show, None).await;
    let held = buyer.granted("hold", json!({"seats": [3]})).await;
    for offered in [Some("usher.v1"), Some("usher.v1.json"), None] {
        let mut away = Line::open(&house, &show, offered).await;
        let before = away.until(seq(&held)).await.clone();
        let since = away.since();
        drop(away);
        let hold = &held["hold"]["id"];
        let seats = if before.state(3) == usher::show::SeatState::Held { [4] } else { [3] };
        let changed = buyer.granted("change", json!({"hold": hold, "seats": seats})).await;

        let mut back = Line::resume(&house, &show, offered, &since).await;
        back.picture = Some(before.clone());
        let SeatFrame::Diff { from, to, runs } = back.first_frame().await else {
            panic!("a snapshot, where a diff could tell it");
        };
        assert_eq!((from, to), (before.seq(), seq(&changed)));
        assert_eq!(runs.iter().map(|run| run.length).sum::<u32>(), 2, "{runs:?}");
        assert_eq!(back.picture, Some(snapshot(&house, &show).await));
    }
}

#[tokio::test]
async fn who_missed_nothing_is_told_so() {
    let house = OpenHouse::start_at(NOW).await;
    let show = house.a_show().await;
    let (mut buyer, _) = Line::identified(&house, &show, None).await;
    let at = seq(&buyer.granted("hold", json!({"seats": [3]})).await);
    buyer.until(at).await;
    let (since, picture) = (buyer.since(), buyer.picture.take());
    let nothing = SeatFrame::Diff { from: at, to: at, runs: Vec::new() };
    let mut back = Line::resume(&house, &show, None, &since).await;
    back.picture = picture.clone();
    assert_eq!(back.first_frame().await, nothing);
    // And the line is alive: what happens next is seen.
    let (mut other, _) = Line::identified(&house, &show, None).await;
    let next = seq(&other.granted("hold", json!({"seats": [9]})).await);
    assert_eq!(back.until(next).await.counts(), [8, 2, 0, 0]);

    // Also by the next server on the same data, as long as nothing happened.
    let (now, last) = (back.since(), back.picture.take());
    drop((buyer, back, other));
    let house = house.restart().await;
    let mut again = Line::resume(&house, &show, None, &now).await;
    again.picture = last;
    assert_eq!(again.first_frame().await, SeatFrame::Diff { from: next, to: next, runs: vec![] });
    // And who is further behind ends with the right picture, by whichever frame.
    let mut late = Line::resume(&house, &show, None, &since).await;
    late.picture = picture;
    late.first_frame().await;
    assert_eq!(late.picture, Some(snapshot(&house, &show).await));
}

#[tokio::test]
async fn a_since_that_cannot_be_used_means_a_snapshot() {
    let house = OpenHouse::start_at(NOW).await;
    let show = house.a_show().await;
    let (mut buyer, _) = Line::identified(&house, &show, None).await;
    let at = seq(&buyer.granted("hold", json!({"seats": [3]})).await);
    let epoch = buyer.until(at).await.epoch();
    let asked = snapshot(&house, &show).await;
    for since in [
        format!("{}.{at}", epoch ^ 1),
        format!("{}.0", epoch ^ 1),
        "garbage".to_owned(),
        String::new(),
        format!("{epoch}"),
        format!("{epoch}."),
        format!("{epoch}.-1"),
        format!("{epoch}.1.2"),
        format!("{epoch}.99999999999999999999999"),
        format!("0x{epoch:x}.{at}"),
        "%00.%ff".to_owned(),
    ] {
        let mut line = Line::resume(&house, &show, None, &format!("?since={since}")).await;
        let first = line.first_frame().await;
        assert!(matches!(first, SeatFrame::Snapshot { .. }), "{since}: {first:?}");
        assert_eq!(line.picture.as_ref(), Some(&asked), "{since}");
    }
}

#[tokio::test]
async fn a_since_from_the_future_means_a_snapshot_of_now() {
    let house = OpenHouse::start_at(NOW).await;
    let show = house.a_show().await;
    let asked = snapshot(&house, &show).await;
    let query = format!("?since={}.1000", asked.epoch());
    // A node that is behind catches up first, for at most a second; this one never will.
    let mut line = Line::resume(&house, &show, Some("usher.v1"), &query).await;
    let first = line.first_frame().await;
    assert!(matches!(first, SeatFrame::Snapshot { seq: 0, .. }), "{first:?}");
    assert_eq!(line.picture, Some(asked));
}

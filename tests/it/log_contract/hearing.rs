//! Hearing, on the backends that others can append to: what another appended is told by itself,
//! fast and not surely.

use usher::log::{Heard, Hearing, Known, Recorded};

use super::{Fixture, after, entries, imagined, places, show, told};

/// The next that is heard of entries. Backends may say at any time that something was missed, and
/// must when a line is new; a listener then reads, and hears again what it knows.
async fn heard(hearing: &mut Hearing) -> (Known, Vec<Recorded>) {
    let next = async {
        loop {
            match hearing.next().await {
                Some(Heard::Entries { after: before, entries }) => return (before, entries),
                Some(Heard::Missed) => {}
                None => panic!("the line ended"),
            }
        }
    };
    let patience = std::time::Duration::from_secs(20);
    tokio::time::timeout(patience, next).await.expect("something is heard")
}

/// What is new to who knows `known`, once it is heard of: said by itself, or, where only the place was
/// told that the log goes up to, asked for.
async fn news(log: &Fixture, hearing: &mut Hearing, known: Known) -> Vec<Recorded> {
    loop {
        let (before, said) = heard(hearing).await;
        let place = if said.is_empty() { before } else { last_of(before, &said) };
        if place.position.seq <= known.position.seq {
            // Of what was known before: a word may come late.
            continue;
        }
        if !said.is_empty() {
            assert_eq!(before, known, "the place before, as who appended knew it");
            return said;
        }
        let asked = log.here.append(&show("hamlet"), known, Vec::new()).await;
        let asked = asked.expect("an answer").since_known;
        assert_eq!(last_of(before, &asked), place, "the place that was told");
        return asked;
    }
}

/// The place of the last of them, in the life of `before`.
fn last_of(before: Known, entries: &[Recorded]) -> Known {
    let mut place = after(entries);
    place.position.epoch = before.position.epoch;
    place
}

/// Appends by another node until one is heard here: from then on the line stands.
async fn once_heard(log: &Fixture) -> (Hearing, Known) {
    let hamlet = log.begun().await;
    let mut hearing = log.here.watch(&hamlet).expect("others can append");
    let mut known = log.at(&hamlet, 0).await;
    for nth in 1.. {
        let text = format!("are you there {nth}");
        let appended = log.there.append(&hamlet, known, entries(&[&text])).await;
        known = after(&appended.expect("an append").since_known);
        let soon = std::time::Duration::from_millis(200);
        if tokio::time::timeout(soon, heard(&mut hearing)).await.is_ok() {
            break;
        }
        assert!(nth < 100, "nothing is ever heard");
    }
    (hearing, known)
}

pub(super) async fn what_another_appends_is_heard_with_the_place_before_it(log: Fixture) {
    let (mut hearing, known) = once_heard(&log).await;
    let hamlet = show("hamlet");
    let first = known.position.seq + 1;
    let page = entries(&["a", "b"]);
    let appended = log.there.append(&hamlet, known, page.clone()).await.expect("an append");
    let said = news(&log, &mut hearing, known).await;
    assert_eq!(said, appended.since_known, "as the appender has it, marks and all");
    assert_eq!(places(&said), told(first, &page));
    // The next one's place before is this one's.
    let appended = log.there.append(&hamlet, after(&said), entries(&["c"])).await;
    let appended = appended.expect("an append");
    assert_eq!(news(&log, &mut hearing, after(&said)).await, appended.since_known);
    assert_ne!(after(&said).mark, known.mark, "each append has a mark of its own");
}

pub(super) async fn who_only_asks_is_not_heard(log: Fixture) {
    let (mut hearing, known) = once_heard(&log).await;
    let hamlet = show("hamlet");
    log.there.append(&hamlet, known, Vec::new()).await.expect("an answer");
    let appended = log.there.append(&hamlet, known, entries(&["a"])).await.expect("an append");
    assert_eq!(news(&log, &mut hearing, known).await, appended.since_known);
}

pub(super) async fn of_another_stream_nothing_is_heard(log: Fixture) {
    let (mut hearing, known) = once_heard(&log).await;
    let (hamlet, lear) = (show("hamlet"), show("lear"));
    log.here.create(&lear, super::genesis()).await.expect("a new stream");
    log.there.append(&lear, imagined(0), entries(&["of lear"])).await.expect("an append");
    let appended = log.there.append(&hamlet, known, entries(&["a"])).await.expect("an append");
    assert_eq!(news(&log, &mut hearing, known).await, appended.since_known);
}

pub(super) async fn the_new_life_is_heard_on_the_same_line(log: Fixture) {
    let (mut hearing, known) = once_heard(&log).await;
    let hamlet = show("hamlet");
    log.here.renew(&hamlet, super::EPOCH, 8).await.expect("a new life");
    let now = log.at(&hamlet, known.position.seq).await;
    assert_eq!((now.position.epoch, now.mark), (8, known.mark), "renewing changes no mark");
    let appended = log.there.append(&hamlet, now, entries(&["a"])).await.expect("an append");
    assert_eq!(news(&log, &mut hearing, now).await, appended.since_known);
}

//! Snapshots: kept beside the entries, so that opening need not replay all.

use bytes::Bytes;
use usher::log::{AppendError, Chain, Known, Mark, Position, Snapshot};

use super::{Fixture, imagined};

/// A snapshot at `known`, whatever it says.
pub(super) fn at(known: Known, text: &'static str) -> Snapshot {
    let chain = Chain::of_genesis(known.position.seq, b"any");
    Snapshot { known, chain, bytes: Bytes::from_static(text.as_bytes()) }
}

pub(super) async fn the_newest_is_kept(log: Fixture) {
    let hamlet = log.begun().await;
    log.append(0, &["a", "b"]).await;
    log.append(2, &["c"]).await;
    for (saved, newest) in [(1, 1), (3, 3), (2, 3)] {
        let texts = ["", "one", "two", "three"];
        let [saved, newest] = [saved, newest].map(async |seq: usize| {
            let known = log.at(&hamlet, seq as u64).await;
            at(known, texts[seq])
        });
        let (saved, newest) = (saved.await, newest.await);
        let kept = log.here.save_snapshot(&hamlet, saved).await;
        kept.expect("a snapshot of this history");
        let loaded = log.there.load_snapshot(&hamlet).await.expect("a stream");
        assert_eq!(loaded, Some(newest));
    }
}

pub(super) async fn one_of_another_history_is_refused(log: Fixture) {
    let hamlet = log.begun().await;
    let other_epoch = Position { epoch: 7, seq: 0 };
    let never = [Known { position: other_epoch, mark: Mark::NONE }, imagined(1)];
    for known in never {
        let saved = log.here.save_snapshot(&hamlet, at(known, "of a dream")).await;
        assert!(matches!(saved, Err(AppendError::Forked)), "{saved:?}");
    }
    assert_eq!(log.here.load_snapshot(&hamlet).await.expect("a stream"), None);
}

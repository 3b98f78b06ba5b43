//! Lives: history that was lost, and how the stream goes on after it.

use usher::log::{AppendError, Chain, Genesis, Known, Lives, Mark, Position, ReadError};

use super::snapshots;
use super::{EPOCH, Fixture, entries, genesis, places, show, told};

/// Who knows `seq` in the life `epoch`, with `mark` there.
fn known(epoch: u64, seq: u64, mark: Mark) -> Known {
    Known { position: Position { epoch, seq }, mark }
}

pub(super) async fn a_stream_that_was_created_with_several_lives_keeps_them(log: Fixture) {
    let hamlet = show("hamlet");
    // One that lost all it had, twice, and one that is to be written here from its beginning.
    let twice = Lives::first(7).renewed(8, 0).renewed(9, 0);
    let whole = Genesis { lives: twice.clone(), bytes: genesis().bytes };
    log.here.create(&hamlet, whole.clone()).await.expect("a new stream");
    assert_eq!(log.there.genesis(&hamlet).await.expect("a genesis"), whole);
    for earlier in [7, 8] {
        let nothing = Known::nothing(earlier);
        let appended = log.here.append(&hamlet, nothing, entries(&["a"])).await;
        assert!(matches!(appended, Err(AppendError::Forked)), "{earlier}: {appended:?}");
    }
    let appended = log.here.append(&hamlet, Known::nothing(9), entries(&["a"])).await;
    let appended = appended.expect("it is in its third life");
    assert_eq!(places(&appended.since_known), told(1, &entries(&["a"])));
    assert_eq!(places(&log.all(&hamlet).await), told(1, &entries(&["a"])));
}

pub(super) async fn two_who_noticed_the_same_loss_begin_one_life(log: Fixture) {
    let hamlet = log.begun().await;
    log.append(0, &["a", "b"]).await;
    let lives = log.here.renew(&hamlet, EPOCH, 8).await.expect("a new life");
    assert_eq!(lives, Lives::first(EPOCH).renewed(8, 2));
    let same = log.there.renew(&hamlet, EPOCH, 9).await.expect("the life that began");
    assert_eq!(same, lives);
    assert_eq!(log.there.genesis(&hamlet).await.expect("a genesis").lives, lives);
    // A loss of the new life is another one.
    let third = log.there.renew(&hamlet, 8, 9).await.expect("a new life");
    assert_eq!(third, lives.renewed(9, 2));
    assert_eq!(log.here.genesis(&hamlet).await.expect("a genesis").lives, third);
}

pub(super) async fn a_renewal_that_is_sent_twice_begins_one_life(log: Fixture) {
    let hamlet = log.begun().await;
    log.append(0, &["a", "b"]).await;
    let renewed = Lives::first(EPOCH).renewed(8, 2);
    // Of a life that is known here, and of one that was lost wholly.
    for (lost, epoch, lives) in [(EPOCH, 8, renewed.clone()), (7, 9, renewed.renewed(9, 2))] {
        for log in [&log.here, &log.there] {
            let told = log.renew(&hamlet, lost, epoch).await.expect("a new life");
            assert_eq!(told, lives);
        }
    }
}

pub(super) async fn who_knows_the_life_before_is_forked_and_finds_the_way_into_the_new_one(
    log: Fixture,
) {
    let hamlet = log.begun().await;
    log.append(0, &["a", "b"]).await;
    let before = [log.at(&hamlet, 0).await, log.at(&hamlet, 1).await, log.at(&hamlet, 2).await];
    log.here.renew(&hamlet, EPOCH, 8).await.expect("a new life");
    for known in before {
        for wishes in [entries(&["c"]), Vec::new()] {
            let appended = log.there.append(&hamlet, known, wishes).await;
            assert!(matches!(appended, Err(AppendError::Forked)), "{known:?}: {appended:?}");
        }
    }
    // A place before the new life began is none of the new life's.
    let early = known(8, 1, before[1].mark);
    let appended = log.there.append(&hamlet, early, entries(&["c"])).await;
    assert!(matches!(appended, Err(AppendError::Forked)), "{appended:?}");
    let now = known(8, 2, before[2].mark);
    let appended = log.there.append(&hamlet, now, entries(&["c"])).await.expect("an append");
    assert_eq!((appended.own_first, appended.since_known.len()), (3, 1));
    assert_eq!(places(&log.all(&hamlet).await), told(1, &entries(&["a", "b", "c"])));
}

pub(super) async fn the_snapshot_of_the_common_history_is_loaded_after_a_renewal(log: Fixture) {
    let hamlet = log.begun().await;
    log.append(0, &["a", "b"]).await;
    let common = snapshots::at(log.at(&hamlet, 2).await, "what both lives have behind them");
    log.here.save_snapshot(&hamlet, common.clone()).await.expect("a snapshot");
    log.here.renew(&hamlet, EPOCH, 8).await.expect("a new life");
    let loaded = log.there.load_snapshot(&hamlet).await.expect("a stream");
    assert_eq!(loaded, Some(common.clone()));
    // The next is of the new life, and takes its place.
    log.append(2, &["c"]).await;
    let newer = snapshots::at(log.at(&hamlet, 3).await, "after the renewal");
    assert_eq!(newer.known.position.epoch, 8);
    log.here.save_snapshot(&hamlet, newer.clone()).await.expect("a snapshot");
    assert_eq!(log.there.load_snapshot(&hamlet).await.expect("a stream"), Some(newer));
}

pub(super) async fn the_chain_goes_on_through_a_renewal(log: Fixture) {
    let hamlet = log.begun().await;
    log.append(0, &["a", "b"]).await;
    log.here.renew(&hamlet, EPOCH, 8).await.expect("a new life");
    log.here.renew(&hamlet, 8, 9).await.expect("a new life");
    log.append(2, &["c"]).await;
    log.here.renew(&hamlet, 9, 10).await.expect("a new life");

    let genesis = log.there.genesis(&hamlet).await.expect("a genesis");
    // By hand, as somebody who kept the heads would reckon.
    let beginning = Chain::of_genesis(EPOCH, &genesis.bytes);
    assert_eq!(genesis.beginning(), (EPOCH, beginning));
    let lost = beginning.after(b"a").after(b"b");
    let found = lost.renewed(8).renewed(9).after(b"c").renewed(10);
    // And as a replica does that follows the log, from the beginning and from the middle.
    for (from, began) in [(0, genesis.beginning()), (2, (EPOCH, lost))] {
        let read = log.there.read(&hamlet, from, usize::MAX).await.expect("a stream");
        let (epoch, chain) = read.iter().fold(began, |(epoch, chain), entry| {
            let (epoch, chain) = genesis.lives.onward(entry.seq - 1, epoch, chain);
            (epoch, chain.after(&entry.bytes))
        });
        assert_eq!(genesis.lives.onward(3, epoch, chain), (10, found), "from {from}");
    }
}

pub(super) async fn what_was_never_begun_has_no_life_to_renew(log: Fixture) {
    log.begun().await;
    let renewed = log.here.renew(&show("lear"), EPOCH, 8).await;
    assert!(matches!(renewed, Err(ReadError::NoSuchStream)), "{renewed:?}");
    assert_eq!(log.here.streams().await.expect("names"), [show("hamlet")]);
}

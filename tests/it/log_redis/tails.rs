//! History that was lost in part, trimmed, or missed for long.

use bytes::Bytes;
use usher::log::{AppendError, Chain, Known, Lives, Log, Snapshot};

use super::{EPOCH, after, append, begun, entries, known, open, show, texts};
use crate::proxy::Proxy;
use crate::redis_server::{RedisServer, Reply};

/// A primary whose replica was cut off before the last appends, and a door to whichever is the one.
struct Failover {
    primary: RedisServer,
    replica: RedisServer,
    between: Proxy,
    door: Proxy,
}

impl Failover {
    fn new() -> Self {
        let primary = RedisServer::start();
        let between = Proxy::to(primary.port());
        let replica = RedisServer::replica_of(between.port());
        let door = Proxy::to(primary.port());
        Self { primary, replica, between, door }
    }

    fn cut_off(&self) {
        self.between.cut();
    }

    fn promote(&mut self) {
        self.primary.kill();
        self.replica.promote();
        self.door.lead_to(self.replica.port());
    }
}

/// Waits until the replica has the snapshot, and with it all that was written before.
async fn snapshot_is_replicated(failover: &Failover) {
    super::until("the replica has the snapshot", async || {
        let kept = failover.replica.ask(&["HEXISTS", "usher:{hamlet}:snapshot", "seal"]);
        kept == Reply::Number(1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_tail_is_noticed_by_all_who_knew_it_and_the_history_goes_on_in_a_new_life() {
    let mut redis = Failover::new();
    let (log, other) = (open(&redis.door.url()).await, open(&redis.door.url()).await);
    let hamlet = begun(&log).await;
    let kept = append(&log, Known::nothing(EPOCH), &["a", "b"]).await;
    let snapshot = |known, text| Snapshot {
        known,
        chain: Chain::of_genesis(1, b"any"),
        bytes: Bytes::from_static(text),
    };
    let common = snapshot(after(&kept), b"of what was kept");
    log.save_snapshot(&hamlet, common.clone()).await.expect("a snapshot");
    snapshot_is_replicated(&redis).await;
    redis.cut_off();
    let lost = append(&log, after(&kept), &["lost 1", "lost 2"]).await;
    let of_lost = snapshot(after(&lost), b"of what was lost");
    log.save_snapshot(&hamlet, of_lost.clone()).await.expect("a snapshot");
    redis.promote();

    for asked in [entries(&["c"]), Vec::new()] {
        let appended = log.append(&hamlet, after(&lost), asked).await;
        assert!(matches!(appended, Err(AppendError::Forked)), "{appended:?}");
    }
    // One who did not know what was lost goes on in the same life, and fills the same places.
    let others = append(&other, after(&kept), &["other 1", "other 2"]).await;
    assert_eq!(others.since_known.len(), lost.since_known.len());
    let appended = log.append(&hamlet, after(&lost), entries(&["c"])).await;
    assert!(matches!(appended, Err(AppendError::Forked)), "another mark there: {appended:?}");
    let saved = log.save_snapshot(&hamlet, of_lost).await;
    assert!(matches!(saved, Err(AppendError::Forked)), "{saved:?}");
    assert_eq!(log.load_snapshot(&hamlet).await.expect("a stream"), Some(common));

    let lives = log.renew(&hamlet, EPOCH, 8).await.expect("a new life");
    assert_eq!(lives, Lives::first(EPOCH).renewed(8, 4));
    let appended = other.append(&hamlet, after(&others), entries(&["d"])).await;
    assert!(matches!(appended, Err(AppendError::Forked)), "that life is over: {appended:?}");
    assert_eq!(other.genesis(&hamlet).await.expect("a genesis").lives, lives);
    let now = known(8, &others.since_known);
    append(&log, now, &["e"]).await;
    assert_eq!(texts(&other).await, ["a", "b", "other 1", "other 2", "e"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_knows_what_is_trimmed_opens_anew_from_the_snapshot() {
    let redis = RedisServer::start();
    let log = open(&redis.url()).await;
    let hamlet = begun(&log).await;
    let mut told = vec![append(&log, Known::nothing(EPOCH), &["a"]).await];
    for text in ["b", "c", "d"] {
        told.push(append(&log, after(told.last().expect("one")), &[text]).await);
    }
    let snapshot = Snapshot {
        known: after(&told[2]),
        chain: Chain::of_genesis(1, b"any"),
        bytes: Bytes::from_static(b"after c"),
    };
    log.save_snapshot(&hamlet, snapshot.clone()).await.expect("a snapshot");
    redis.ask(&["XTRIM", "usher:{hamlet}:log", "MAXLEN", "1"]);
    for before in [Known::nothing(EPOCH), after(&told[0]), after(&told[1])] {
        for asked in [entries(&["e"]), Vec::new()] {
            let appended = log.append(&hamlet, before, asked).await;
            assert!(matches!(appended, Err(AppendError::Trimmed)), "{appended:?}");
        }
        let early = Snapshot { known: before, ..snapshot.clone() };
        log.save_snapshot(&hamlet, early).await.ok();
    }
    let loaded = log.load_snapshot(&hamlet).await.expect("a stream").expect("a snapshot");
    assert_eq!(loaded, snapshot, "the newest is kept");
    // What is left begins later, and goes on from the snapshot without a hole.
    let left = log.read(&hamlet, 0, 10).await.expect("a stream");
    assert_eq!(left, told[3].since_known);
    assert_eq!(left[0].seq, loaded.known.position.seq + 1);
    let appended = append(&log, after(&told[3]), &["e"]).await;
    assert_eq!(appended.own_first, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_missed_a_few_large_pages_is_told_them_in_parts_that_hold_nobody_up() {
    /// Two of them are more than is told at a time.
    const LARGE: usize = 3 << 20;
    const PAGES: u8 = 20;
    let redis = RedisServer::start_with(&[]);
    let level = usher::config::Durability::Memory;
    let log = super::open_at(&redis.url(), level).await;
    let other = super::open_at(&redis.url(), level).await;
    let hamlet = begun(&log).await;
    let mut all = append(&log, Known::nothing(EPOCH), &["a"]).await.since_known;
    for nth in 0..PAGES {
        let large = vec![Bytes::from(vec![nth; LARGE])];
        let told = log.append(&hamlet, known(EPOCH, &all), large).await.expect("an append");
        all.extend(told.since_known);
    }
    let calls = || {
        let told = redis.ask(&["INFO", "commandstats"]).text();
        let calls = told.split_once("cmdstat_evalsha:calls=").expect("scripts were called").1;
        calls.split(',').next().expect("a number").parse::<u64>().expect("a number")
    };
    // One who only asks, one who appends, and one who knows nothing at all.
    let first = known(EPOCH, &all[..1]);
    let askers =
        [(first, entries(&[])), (first, entries(&["b"])), (Known::nothing(EPOCH), entries(&["c"]))];
    for (known, asked) in askers {
        let before = calls();
        let own = asked.len();
        let told = other.append(&hamlet, known, asked).await.expect("an append").since_known;
        let (missed, own) = told.split_at(told.len() - own);
        assert_eq!(missed, &all[known.position.seq as usize..]);
        all.extend_from_slice(own);
        let parts = calls() - before;
        assert!(parts >= u64::from(PAGES) / 3, "it was told in {parts} parts");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_is_far_behind_is_told_all_of_it_in_its_order() {
    const PAGES: u64 = 3_000;
    let redis = RedisServer::start_with(&[]);
    let log = super::open_at(&redis.url(), usher::config::Durability::Memory).await;
    let hamlet = begun(&log).await;
    let mut last = Known::nothing(EPOCH);
    let mut all = Vec::new();
    for nth in 0..PAGES {
        let told = append(&log, last, &[&format!("{nth} a"), &format!("{nth} b")]).await;
        last = after(&told);
        all.extend(told.since_known);
    }
    let late = 2 * PAGES;
    for seq in [0, 1, 2, 999, 2_048, 2_049, 4_097, late - 300, late - 100, late - 1] {
        let known = match seq {
            0 => Known::nothing(EPOCH),
            seq => known(EPOCH, &all[..seq as usize]),
        };
        let told = append(&log, known, &["late"]).await;
        let (missed, own) = told.since_known.split_at(all.len() - seq as usize);
        assert_eq!(missed, &all[seq as usize..], "from {seq}");
        assert_eq!((own.len(), told.own_first), (1, all.len() as u64 + 1));
        all.extend_from_slice(own);
    }
    assert_eq!(log.read(&hamlet, 0, usize::MAX).await.expect("a stream"), all);
    assert_eq!(log.streams().await.expect("names"), [show("hamlet")]);
}

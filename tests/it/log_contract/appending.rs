//! Beginning streams, putting entries in, and reading them: the order of things.

use bytes::Bytes;
use usher::log::{
    AppendError, CreateError, Genesis, Known, Mark, Position, ReadError, Recorded, StreamId,
};

use super::{Fixture, after, entries, genesis, imagined, places, show, told};

pub(super) async fn a_stream_is_begun_once(log: Fixture) {
    let hamlet = log.begun().await;
    let other = Genesis::new(2, Bytes::from_static(b"another show"));
    let again = log.there.create(&hamlet, other).await;
    assert!(matches!(again, Err(CreateError::Exists)), "{again:?}");
    assert_eq!(log.there.genesis(&hamlet).await.expect("a genesis"), genesis());
}

pub(super) async fn a_new_stream_is_empty(log: Fixture) {
    let hamlet = log.begun().await;
    assert_eq!(log.here.read(&hamlet, 0, 10).await.expect("a stream"), []);
    assert_eq!(log.here.load_snapshot(&hamlet).await.expect("a stream"), None);
}

pub(super) async fn what_was_never_begun_is_no_stream(log: Fixture) {
    log.begun().await;
    let lear = show("lear");
    assert!(matches!(log.here.genesis(&lear).await, Err(ReadError::NoSuchStream)));
    assert!(matches!(log.here.read(&lear, 0, 10).await, Err(ReadError::NoSuchStream)));
    assert!(matches!(log.here.load_snapshot(&lear).await, Err(ReadError::NoSuchStream)));
    let appended = log.here.append(&lear, imagined(0), entries(&["a"])).await;
    assert!(matches!(appended, Err(AppendError::Forked)), "{appended:?}");
}

pub(super) async fn streams_are_told_by_name_and_do_not_mix(log: Fixture) {
    assert_eq!(log.here.streams().await.expect("names"), []);
    let (lear, catalogue) = (show("lear"), StreamId::catalogue());
    log.here.create(&lear, genesis()).await.expect("a new stream");
    let hamlet = log.begun().await;
    log.here.create(&catalogue, genesis()).await.expect("a new stream");
    let names = log.there.streams().await.expect("names");
    assert_eq!(names, [catalogue, hamlet.clone(), lear.clone()]);
    log.append(0, &["of hamlet"]).await;
    log.here.append(&lear, imagined(0), entries(&["of lear"])).await.expect("an append");
    let of = |text| told(1, &entries(&[text]));
    assert_eq!(places(&log.all(&hamlet).await), of("of hamlet"));
    assert_eq!(places(&log.all(&lear).await), of("of lear"));
}

pub(super) async fn entries_keep_their_order_and_leave_no_hole(log: Fixture) {
    let hamlet = log.begun().await;
    let first = log.append(0, &["a", "b"]).await;
    assert_eq!(places(&first.since_known), told(1, &entries(&["a", "b"])));
    assert_eq!(first.own_first, 1);
    let second = log.append(2, &["c"]).await;
    assert_eq!(places(&second.since_known), told(3, &entries(&["c"])));
    assert_eq!(second.own_first, 3);
    // Whoever reads them finds the marks that the appender was told.
    let all = [first.since_known, second.since_known].concat();
    assert_eq!(log.there.read(&hamlet, 0, 10).await.expect("a stream"), all);
}

pub(super) async fn an_append_of_nothing_only_asks(log: Fixture) {
    let hamlet = log.begun().await;
    let asked = log.there.append(&hamlet, imagined(0), Vec::new()).await.expect("an answer");
    assert_eq!(asked.since_known, []);
    let told = log.append(0, &["a", "b"]).await.since_known;
    let all = [(0, &told[..]), (1, &told[1..]), (2, &[])];
    for (known, missed) in all {
        let known = log.at(&hamlet, known).await;
        let asked = log.there.append(&hamlet, known, Vec::new()).await.expect("an answer");
        assert_eq!(asked.since_known, missed);
    }
    let asked = log.here.append(&hamlet, imagined(3), Vec::new()).await;
    assert!(matches!(asked, Err(AppendError::Forked)), "{asked:?}");
    let asked = log.here.append(&show("lear"), imagined(0), Vec::new()).await;
    assert!(matches!(asked, Err(AppendError::Forked)), "{asked:?}");
    assert_eq!(log.all(&hamlet).await, told, "asking leaves nothing behind");
    assert_eq!(log.append(2, &["c"]).await.own_first, 3);
}

pub(super) async fn who_knows_less_is_told_all_that_came_between(log: Fixture) {
    let hamlet = log.begun().await;
    log.append(0, &["a", "b"]).await;
    log.append(2, &["c"]).await;
    // One that knows the middle of a page, and one that knows nothing.
    for known in [1, 0] {
        let text = format!("by one who knew {known}");
        let behind = log.at(&hamlet, known).await;
        let appended = log.there.append(&hamlet, behind, entries(&[&text])).await;
        let appended = appended.expect("an append");
        let all = log.all(&hamlet).await;
        assert_eq!(appended.since_known, all[known as usize..]);
        assert_eq!(appended.own_first, all.len() as u64);
        assert_eq!(all.last().map(|entry| entry.bytes.clone()), Some(Bytes::from(text)));
    }
}

pub(super) async fn another_history_is_forked(log: Fixture) {
    let hamlet = log.begun().await;
    let first = log.append(0, &["a"]).await.since_known;
    let known = log.at(&hamlet, 1).await;
    let other_epoch = Known { position: Position { epoch: 7, seq: 1 }, ..known };
    let other_mark = Known { mark: Mark(known.mark.0 ^ 1), ..known };
    for known in [other_epoch, other_mark, imagined(2), imagined(u64::MAX)] {
        let appended = log.here.append(&hamlet, known, entries(&["b"])).await;
        assert!(matches!(appended, Err(AppendError::Forked)), "{known:?}: {appended:?}");
    }
    assert_eq!(log.all(&hamlet).await, first);
}

pub(super) async fn a_history_is_read_in_parts(log: Fixture) {
    let hamlet = log.begun().await;
    let mut texts = Vec::new();
    for turn in 0..20_u64 {
        let batch = (0..=turn % 5).map(|nth| format!("{turn}.{nth}")).collect::<Vec<_>>();
        let batch = batch.iter().map(String::as_str).collect::<Vec<_>>();
        log.append(texts.len() as u64, &batch).await;
        texts.extend(entries(&batch));
    }
    for most in [1, 2, 7, 1000] {
        let mut read = Vec::new();
        loop {
            let part = log.here.read(&hamlet, read.len() as u64, most).await.expect("a part");
            if part.is_empty() {
                break;
            }
            assert!(part.len() < most + 5, "{} where {most} were asked for", part.len());
            read.extend(part);
        }
        assert_eq!(places(&read), told(1, &texts));
    }
    assert_eq!(log.here.read(&hamlet, u64::MAX, 10).await.expect("nothing"), []);
}

pub(super) async fn an_entry_may_be_small_or_large(log: Fixture) {
    let hamlet = log.begun().await;
    let sizes = [1, 2, 127, 128, 4_095, 4_096, 16_384, 65_536];
    let own: Vec<_> =
        sizes.iter().map(|&size| Bytes::from(vec![size as u8 ^ 0x5a; size])).collect();
    log.here.append(&hamlet, imagined(0), own.clone()).await.expect("an append");
    assert_eq!(places(&log.all(&hamlet).await), told(1, &own));
}

pub(super) async fn many_at_once_lose_nothing_and_agree_on_one_order(log: Fixture) {
    let hamlet = log.begun().await;
    let appender = |who: usize| {
        let log = if who.is_multiple_of(2) { log.here.clone() } else { log.there.clone() };
        let hamlet = hamlet.clone();
        tokio::spawn(async move {
            let mut seen: Vec<Recorded> = Vec::new();
            for turn in 0..40 {
                let own: Vec<_> =
                    (0..=turn % 3).map(|nth| Bytes::from(format!("{who}.{turn}.{nth}"))).collect();
                let known = if seen.is_empty() { imagined(0) } else { after(&seen) };
                let appended = log.append(&hamlet, known, own.clone()).await.expect("an append");
                seen.extend(appended.since_known);
                let first = appended.own_first as usize - 1;
                let last = seen[first..].iter().map(|entry| entry.bytes.clone());
                assert!(last.eq(own), "the own entries come last, together, and in their order");
            }
            seen
        })
    };
    let appenders: Vec<_> = (0..8).map(appender).collect();
    let mut seen = Vec::new();
    for appender in appenders {
        seen.push(appender.await.expect("an appender"));
    }
    let all = log.here.read(&hamlet, 0, usize::MAX).await.expect("a stream");
    assert!(all.iter().map(|entry| entry.seq).eq(1..=all.len() as u64), "without a hole");
    assert_eq!(all.len(), 8 * (0..40).map(|turn| turn % 3 + 1).sum::<usize>());
    for seen in seen {
        assert_eq!(seen, all[..seen.len()]);
    }
}

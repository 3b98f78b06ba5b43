//! The catalogue's stories, on the log in memory.

use serde_json::json;

use crate::hall::{Category, Place, Row, Section, Size};
use crate::log::memory::MemoryLog;
use crate::log::{Answer, Hearing, Lives, Recorded, Snapshot};

use super::*;

const NOW: Time = Time(1_800_000_000_000);

fn hall(name: &str) -> Hall {
    let place = |number: u32| Place {
        number: number.to_string(),
        x: f64::from(number),
        y: 0.5,
        category: 0,
    };
    let row = Row { label: "A".into(), first: 0, gaps: vec![], seats: (0..3).map(place).collect() };
    Hall {
        name: name.into(),
        categories: vec![Category { name: "Stalls".into(), color: "#9C27B0".into() }],
        sections: vec![Section { name: "Ground floor".into(), rows: vec![row] }],
        areas: vec![],
        decorations: vec![],
        size: Size { width: 10.0, height: 10.0 },
    }
}

fn new_show(hall: &SharedHall, title: &str, in_ms: u64) -> NewShow {
    let body = json!({
        "hall": hall.id, "title": title, "starts_at": NOW.0 + in_ms,
        "currency": "EUR", "prices": {"Stalls": 4500},
    });
    NewShow::from_json(body.to_string().as_bytes()).expect("a good show")
}

#[tokio::test]
async fn a_show_with_doors_has_a_secret_of_its_own_that_is_kept_and_no_other_show_has_one() {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::default());
    let catalogue = Catalogue::open(log.clone()).await.expect("empty");
    let opera = catalogue.add_hall(hall("Opera")).await.expect("added");
    let admission = |doors_at: Option<Time>| crate::show::Admission {
        picking_max: 1,
        pass_ms: 1,
        call_ms: 1,
        doors_at,
    };
    let mut secrets = Vec::new();
    for admission in
        [None, Some(admission(None)), Some(admission(Some(NOW))), Some(admission(Some(NOW)))]
    {
        let mut new = new_show(&opera, "Rush", 1_000);
        new.policy.admission = admission;
        let show = catalogue.add_show(new).await.expect("added");
        let again = Catalogue::open(log.clone()).await.expect("opened again");
        assert_eq!(again.show(&show.id), Some(show.clone()));
        secrets.push(show.draw_secret);
    }
    assert_eq!(secrets[..2], [None, None]);
    assert!(secrets[2].is_some() && secrets[3].is_some() && secrets[2] != secrets[3]);
}

#[tokio::test]
async fn what_was_added_is_there_after_opening_again() {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let catalogue = Catalogue::open(log.clone()).await.expect("an empty log opens");
    assert!(catalogue.is_empty());
    let opera = catalogue.add_hall(hall("Opera House")).await.expect("kept");
    assert_eq!(opera.id.0, "opera-house");
    let show = catalogue.add_show(new_show(&opera, "The Tempest", 5)).await.expect("put on");

    let again = Catalogue::open(log).await.expect("the log opens again");
    assert_eq!(again.hall(&opera.id).expect("the hall is there").hall, opera.hall);
    assert_eq!(again.show(&show.id), Some(show));
}

#[tokio::test]
async fn two_halls_of_one_name_are_two_halls() {
    let catalogue = Catalogue::open(Arc::new(MemoryLog::new())).await.expect("opens");
    let first = catalogue.add_hall(hall("Opera")).await.expect("kept");
    let second = catalogue.add_hall(hall("opera!")).await.expect("kept");
    assert_eq!((first.id.0.as_str(), second.id.0.as_str()), ("opera", "opera-2"));
}

#[tokio::test]
async fn the_list_is_in_order_of_beginning_and_its_pages_leave_nothing_out() {
    let catalogue = Catalogue::open(Arc::new(MemoryLog::new())).await.expect("opens");
    let opera = catalogue.add_hall(hall("Opera")).await.expect("kept");
    for (title, in_ms) in [("c", 30), ("a", 10), ("b", 20), ("b too", 20), ("d", 40)] {
        catalogue.add_show(new_show(&opera, title, in_ms)).await.expect("put on");
    }
    let all: Vec<_> = catalogue.shows();
    assert!(all.is_sorted_by_key(|show| (show.starts_at, show.id.clone())));
    for limit in 1..=6 {
        let mut listed = Vec::new();
        let mut cursor = None;
        loop {
            let (page, next) = catalogue.page(cursor, limit);
            assert!(page.len() <= limit);
            listed.extend(page);
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(listed, all, "in pages of {limit}");
    }
}

#[tokio::test]
async fn a_show_needs_its_hall_and_a_price_for_each_of_its_categories() {
    let catalogue = Catalogue::open(Arc::new(MemoryLog::new())).await.expect("opens");
    let opera = catalogue.add_hall(hall("Opera")).await.expect("kept");
    let paths = |error: AddShowError| match error {
        AddShowError::Faults(faults) => faults.into_iter().map(|f| f.path).collect::<Vec<_>>(),
        AddShowError::Failed(error) => panic!("{error}"),
    };

    let nowhere = NewShow { hall: HallId("nowhere".into()), ..new_show(&opera, "x", 1) };
    let error = catalogue.add_show(nowhere).await.expect_err("no such hall");
    assert_eq!(paths(error), ["/hall"]);

    let prices = vec![("Balcony/left".to_owned(), 1)];
    let unpriced = NewShow { prices, ..new_show(&opera, "x", 1) };
    let error = catalogue.add_show(unpriced).await.expect_err("prices do not fit");
    assert_eq!(paths(error), ["/prices", "/prices/Balcony~1left"]);
    assert!(catalogue.shows().is_empty());
}

/// Two nodes that share a log, which is handed out, too, to be spoilt.
async fn two_nodes() -> (MemoryLog, Catalogue, Catalogue) {
    let log = MemoryLog::new();
    let here = Catalogue::open(Arc::new(log.clone())).await.expect("opens");
    let there = Catalogue::open(Arc::new(log.clone())).await.expect("opens");
    (log, here, there)
}

/// All that a node knows, to be compared.
fn all_of(catalogue: &Catalogue) -> (Vec<(HallId, Hall)>, Vec<Arc<Definition>>) {
    let programme = catalogue.programme();
    let halls = programme.halls.values().map(|hall| (hall.id.clone(), (*hall.hall).clone()));
    (halls.collect(), programme.by_start.values().cloned().collect())
}

#[tokio::test]
async fn two_nodes_that_import_halls_of_one_name_at_once_both_get_their_own() {
    let (_log, here, there) = two_nodes().await;
    let other = Hall { size: Size { width: 99.0, height: 9.0 }, ..hall("Opera") };
    let first = here.add_hall(hall("Opera")).await.expect("kept");
    // It has not heard of the first.
    let second = there.add_hall(other.clone()).await.expect("kept");
    assert_eq!((first.id.0.as_str(), second.id.0.as_str()), ("opera", "opera-2"));
    assert_eq!((&*second.hall, second.floor.seats()), (&other, other.seats()));
    here.catch_up().await.expect("the log answers");
    assert_eq!(all_of(&here), all_of(&there));
}

#[tokio::test]
async fn two_nodes_that_put_shows_on_at_once_both_get_their_own() {
    let (_log, here, there) = two_nodes().await;
    let opera = here.add_hall(hall("Opera")).await.expect("kept");
    // In a hall that came in at the other node.
    let (first, second) = tokio::join!(
        here.add_show(new_show(&opera, "The Tempest", 5)),
        there.add_show(new_show(&opera, "The Tempest", 5)),
    );
    assert_ne!(first.expect("put on").id, second.expect("put on").id);
    here.catch_up().await.expect("the log answers");
    there.catch_up().await.expect("the log answers");
    assert_eq!(all_of(&here), all_of(&there));
    assert_eq!(here.shows().len(), 2);
}

#[tokio::test]
async fn what_one_node_puts_on_the_other_hears() {
    let (_log, here, there) = two_nodes().await;
    let there = Arc::new(there);
    let mut changes = there.changes();
    let following = tokio::spawn({
        let there = there.clone();
        async move { there.follow().await }
    });
    let opera = here.add_hall(hall("Opera")).await.expect("kept");
    let show = here.add_show(new_show(&opera, "The Tempest", 5)).await.expect("put on");
    while there.show(&show.id).is_none() {
        changes.changed().await.expect("the catalogue is there");
    }
    assert_eq!(there.show(&show.id), Some(show));
    following.abort();
}

#[tokio::test]
async fn who_looks_for_what_was_put_on_a_moment_ago_finds_it() {
    let (_log, here, there) = two_nodes().await;
    let opera = here.add_hall(hall("Opera")).await.expect("kept");
    let show = here.add_show(new_show(&opera, "The Tempest", 5)).await.expect("put on");
    let looks = futures_util::future::join_all((0..50).map(|_| there.look_again())).await;
    assert!(looks.iter().all(Result::is_ok));
    assert_eq!(there.show(&show.id), Some(show));
    let asked = there.looked.lock().await.expect("it asked");
    there.look_again().await.expect("the log answers");
    let again = there.looked.lock().await.expect("it asked");
    assert!(again.duration_since(asked).as_millis() >= 50, "nobody makes it ask all the time");
}

#[tokio::test]
async fn what_the_log_lost_is_put_back_by_whoever_knows_it() {
    // How much of the log is lost, where it has three entries: all of it, or the tail.
    for lost in [None, Some(1), Some(2), Some(3)] {
        let (log, here, there) = two_nodes().await;
        let opera = here.add_hall(hall("Opera")).await.expect("kept");
        here.add_hall(hall("Circus")).await.expect("kept");
        here.add_show(new_show(&opera, "The Tempest", 5)).await.expect("put on");
        there.catch_up().await.expect("the log answers");
        let before = all_of(&here);
        match lost {
            None => log.lose_all(),
            Some(entries) => log.lose_tail(&StreamId::catalogue(), entries),
        }
        let (first, second) = tokio::join!(here.catch_up(), there.catch_up());
        // Each of the two may have begun a life under the other's feet.
        for (node, outcome) in [(&here, first), (&there, second)] {
            if outcome.is_err() {
                node.catch_up().await.expect("put back");
            }
        }
        for node in [&here, &there, &here] {
            node.catch_up().await.expect("the log answers");
            let (halls, shows) = node.lost();
            assert!(halls.is_empty() && shows.is_empty(), "nothing is left to be put back");
        }
        let lives = log.genesis(&StreamId::catalogue()).await.expect("a beginning").lives;
        assert!(lives.later().len() <= 2, "a life for each who noticed, and no more: {lives}");
        let fresh = Catalogue::open(Arc::new(log.clone())).await.expect("opens");
        for node in [&here, &there, &fresh] {
            assert_eq!(all_of(node), before, "lost {lost:?}");
        }
        let added = there.add_hall(hall("Opera")).await.expect("it goes on");
        assert_eq!(added.id.0, "opera-2");
    }
}

#[tokio::test]
async fn a_show_whose_log_is_gone_is_left_out_until_it_is_there_again() {
    let (log, here, _) = two_nodes().await;
    let opera = here.add_hall(hall("Opera")).await.expect("kept");
    let show = here.add_show(new_show(&opera, "The Tempest", 5)).await.expect("put on");
    let bytes = log.genesis(&StreamId::show(&show.id)).await.expect("begun").bytes;

    let other = MemoryLog::new();
    let there = Catalogue::open(Arc::new(other.clone())).await.expect("opens");
    let entry = Entry::ShowAdded { id: show.id.clone() }.to_bytes().expect("JSON");
    other.append(&StreamId::catalogue(), there.known(), vec![entry]).await.expect("appended");
    let late = Catalogue::open(Arc::new(other.clone())).await.expect("the others play");
    for node in [&there, &late] {
        node.catch_up().await.expect("the log answers");
        assert_eq!((node.show(&show.id), node.missing()), (None, vec![show.id.clone()]));
    }
    other.create(&StreamId::show(&show.id), Genesis::new(5, bytes)).await.expect("begun again");
    late.catch_up().await.expect("the log answers");
    assert_eq!((late.show(&show.id), late.missing()), (Some(show), vec![]));
}

/// A log that is read while another server takes its place: the first pages are of the old one.
struct Straddled {
    old: MemoryLog,
    new: MemoryLog,
    /// How many pages the old one answers.
    pages: std::sync::atomic::AtomicU32,
}

#[tokio::test]
async fn a_programme_is_never_read_half_from_one_history_and_half_from_another() {
    let (old, new) = (MemoryLog::new(), MemoryLog::new());
    let stream = StreamId::catalogue();
    for (log, name, marks) in [(&old, "Old", 0), (&new, "New", 100)] {
        log.create(&stream, Genesis::new(5, Bytes::from_static(entry::GENESIS)))
            .await
            .expect("begun");
        for _ in 0..marks {
            log.append(&stream, Known::nothing(5), vec![]).await.expect("a mark is used up");
        }
        let catalogue = Catalogue::open(Arc::new(log.clone())).await.expect("opens");
        for _ in 0..50 {
            catalogue.add_hall(hall(name)).await.expect("kept");
        }
    }
    let expected = all_of(&Catalogue::open(Arc::new(new.clone())).await.expect("opens"));
    for pages in 0..=4 {
        let log = Straddled { old: old.clone(), new: new.clone(), pages: pages.into() };
        let read = Catalogue::open(Arc::new(log)).await.expect("opens");
        assert_eq!(all_of(&read), expected, "after {pages} pages");
    }
}

impl Log for Straddled {
    fn read(
        &self,
        stream: &StreamId,
        after: u64,
        most: usize,
    ) -> Answer<'_, Result<Vec<Recorded>, ReadError>> {
        use std::sync::atomic::Ordering::SeqCst;
        let is_old = self.pages.fetch_update(SeqCst, SeqCst, |pages| pages.checked_sub(1)).is_ok();
        if is_old { &self.old } else { &self.new }.read(stream, after, most)
    }

    fn genesis(&self, stream: &StreamId) -> Answer<'_, Result<Genesis, ReadError>> {
        self.new.genesis(stream)
    }

    fn create(&self, stream: &StreamId, genesis: Genesis) -> Answer<'_, Result<(), CreateError>> {
        self.new.create(stream, genesis)
    }

    fn streams(&self) -> Answer<'_, Result<Vec<StreamId>, ReadError>> {
        self.new.streams()
    }

    fn append(
        &self,
        stream: &StreamId,
        known: Known,
        entries: Vec<Bytes>,
    ) -> Answer<'_, Result<Appended, AppendError>> {
        self.new.append(stream, known, entries)
    }

    fn renew(
        &self,
        stream: &StreamId,
        lost: u64,
        epoch: u64,
    ) -> Answer<'_, Result<Lives, ReadError>> {
        self.new.renew(stream, lost, epoch)
    }

    fn watch(&self, stream: &StreamId) -> Option<Hearing> {
        self.new.watch(stream)
    }

    fn save_snapshot(
        &self,
        stream: &StreamId,
        snapshot: Snapshot,
    ) -> Answer<'_, Result<(), AppendError>> {
        self.new.save_snapshot(stream, snapshot)
    }

    fn try_writing(&self, stream: &StreamId) -> Answer<'_, Result<(), AppendError>> {
        self.new.try_writing(stream)
    }

    fn load_snapshot(&self, stream: &StreamId) -> Answer<'_, Result<Option<Snapshot>, ReadError>> {
        self.new.load_snapshot(stream)
    }
}

//! The catalogue's stories, on the log in memory.

use serde_json::json;

use crate::hall::{Category, Place, Row, Section, Size};
use crate::log::memory::MemoryLog;

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

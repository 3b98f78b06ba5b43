//! Logs kept from every released version: what they meant then they mean now.
//!
//! A file under `tests/logs` is never edited. A new version of the entries adds a file.

use std::sync::Arc;

use serde::Deserialize;
use usher::hall::{Floor, HallId, Seat, from_pretix};
use usher::log::Chain;
use usher::show::{
    Currency, Definition, Entry, Head, Outcome, Policy, SeatState, Show, ShowId, Time,
};

/// A log and what it means.
#[derive(Deserialize)]
struct Kept {
    genesis: String,
    entries: Vec<KeptEntry>,
    /// The chain after the last entry.
    chain: String,
}

#[derive(Deserialize)]
struct KeptEntry {
    /// What it is, for people.
    what: String,
    hex: String,
    /// Whether its guard is false.
    void: bool,
    /// The seats after it: `.` free, `h` held, `k` kept for those who wait, `S` sold, `#` blocked.
    seats: String,
}

#[test]
fn a_log_of_version_1_means_what_it_always_meant() {
    means_what_it_meant("tests/logs/version-1.json");
}

#[test]
fn a_log_in_which_people_wait_means_what_it_always_meant() {
    means_what_it_meant("tests/logs/version-2.json");
}

#[test]
fn a_log_in_which_a_party_must_part_and_need_not_any_more_means_what_it_always_meant() {
    means_what_it_meant("tests/logs/version-2-apart.json");
}

/// A snapshot as version 1 wrote it, before anybody could wait.
const SNAPSHOT_1: [&str; 7] = [
    // Version 1, ten seats, the time.
    "010aa09c01",
    // 4 and 5 are sold.
    "3000000000000000",
    // 9 is blocked.
    "0002000000000000",
    // Session 1 holds 0 and 1 as hold 101, and pays.
    "01000000000000000000000000000000650000000000000000000000000000000102000194a0010101d0f001",
    // Session 2 bought 4 and 5 as order 301.
    "010000000000000000000000000000012d0000000000000000000000000000006600000000000000000000000000000002026b31020405d00f455552ac98010270310100010000000000000003",
    // The chain after it.
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    // Hold 103 of session 3 has lapsed.
    "010000000000000000000000000000006700000000000000000000000000000003bc9b01",
];

#[test]
fn a_snapshot_from_before_there_was_a_waitlist_opens_its_show() {
    let bytes = from_hex(&SNAPSHOT_1.concat());
    let (definition, floor) = empty_house(10);
    let read = |bytes: &[u8]| Show::from_snapshot(definition.clone(), floor.clone(), bytes);
    let show = read(&bytes).expect("a snapshot that is still read");
    assert_eq!(picture(&show), "hh..SS...#");
    assert_eq!((show.waiting(), show.holds().count(), show.orders().count()), (0, 1, 1));
    // It is kept on in the newest form, which has a count of tickets.
    let newest = [&[2], &bytes[1..], &[0]].concat();
    assert_eq!(show.to_snapshot(), newest);
    assert!(read(&[&bytes[..], &[0]].concat()).is_err(), "nothing comes after the lapsed holds");
    assert!(read(&[&[3], &newest[1..]].concat()).is_err(), "a newer program's");
}

fn means_what_it_meant(file: &str) {
    let kept = std::fs::read_to_string(file).expect("the kept log");
    let kept: Kept = serde_json::from_str(&kept).expect("a kept log");
    let mut show = empty_show(10);
    let mut chain = Chain::of_genesis(1, kept.genesis.as_bytes());
    for (entry, seq) in kept.entries.iter().zip(1..) {
        let bytes = from_hex(&entry.hex);
        chain = chain.after(&bytes);
        let read = Entry::from_bytes(&bytes).expect("a sound entry");
        assert_eq!(read.to_bytes(), bytes, "{}: it is still written as it was", entry.what);
        let head = Head { epoch: 1, seq, chain: chain.0 };
        let outcome = show.apply(head, &read, &mut Vec::new());
        assert_eq!(outcome == Outcome::Void, entry.void, "{}: {outcome:?}", entry.what);
        assert_eq!(picture(&show), entry.seats, "after {seq}, {}", entry.what);
    }
    assert_eq!(chain.to_string(), kept.chain);
}

fn empty_show(seats: u32) -> Show {
    let (definition, floor) = empty_house(seats);
    Show::new(definition, floor)
}

fn empty_house(seats: u32) -> (Arc<Definition>, Arc<Floor>) {
    let seat = |number: u32| {
        serde_json::json!({
            "seat_number": number.to_string(), "seat_guid": number.to_string(),
            "position": {"x": number * 25, "y": 0}, "category": "All",
        })
    };
    let plan = serde_json::json!({
        "name": "Kept", "size": {"width": 250, "height": 50},
        "categories": [{"name": "All", "color": "#808080"}],
        "zones": [{"name": "House", "position": {"x": 0, "y": 0}, "rows": [{
            "row_number": "A", "position": {"x": 0, "y": 0},
            "seats": (0..seats).map(seat).collect::<Vec<_>>(),
        }]}],
    });
    let plan = from_pretix(plan.to_string().as_bytes(), None, 100).expect("a hall");
    let definition = Definition {
        id: ShowId::parse("kept").expect("a show's name"),
        title: "Kept".to_owned(),
        hall: HallId("kept".to_owned()),
        seats,
        starts_at: Time(10_000_000),
        on_sale_at: None,
        currency: Currency::parse("EUR").expect("a currency"),
        prices: vec![1_000],
        policy: Policy { hold_ms: 1_000, grace_ms: 100, ..Policy::default() },
        draw_secret: None,
    };
    (Arc::new(definition), Arc::new(Floor::new(&plan.hall)))
}

fn picture(show: &Show) -> String {
    let letter = |(seat, state): (u32, SeatState)| match state {
        SeatState::Available => '.',
        SeatState::Held if show.kept().has(Seat(seat)) => 'k',
        SeatState::Held => 'h',
        SeatState::Sold => 'S',
        SeatState::Blocked => '#',
    };
    (0..).zip(show.seat_states()).map(letter).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits");
    (0..text.len()).step_by(2).map(byte).collect()
}

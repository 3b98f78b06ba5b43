//! The core on one thread: proposing and applying, and the first frame of a large house.
//! `cargo bench --bench core`. The bounds of the design: a million holds a second, a snapshot frame of
//! 60,000 seats within 20 µs.

use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use usher::hall::{Floor, Hall, HallId, Seat, stadium};
use usher::protocol::seats::{Format, encode_snapshot};
use usher::protocol::two_bits;
use usher::show::{
    Asked, Command, Currency, Definition, Entry, Head, Outcome, Policy, Proposal, SessionId, Show,
    ShowId, Time, propose,
};
use uuid::Uuid;

/// How many holds of two seats one round grants: half of the house.
const HOLDS: u32 = 15_000;

fn main() {
    divan::main();
}

fn empty_show() -> Show {
    let hall: Hall = stadium();
    let definition = Definition {
        id: ShowId::parse("bench").expect("a show's name"),
        title: "Bench".to_owned(),
        hall: HallId("bench".to_owned()),
        seats: hall.seats(),
        starts_at: Time(u64::MAX),
        on_sale_at: None,
        currency: Currency::parse("EUR").expect("a currency"),
        prices: vec![1_000; hall.categories.len()],
        policy: Policy::default(),
    };
    Show::new(Arc::new(definition), Arc::new(Floor::new(&hall)))
}

/// Two seats for each of many sessions, all over the house.
fn commands() -> Vec<Command> {
    let seats = |hold: u64| {
        let first = (hold * 7_919 % 30_000) * 2;
        vec![first, first + 1]
    };
    let session = |hold: u64| SessionId(Uuid::from_u128(u128::from(hold)));
    (0..u64::from(HOLDS))
        .map(|hold| Command::Hold { session: session(hold + 1), seats: seats(hold) })
        .collect()
}

fn head(seq: u64) -> Head {
    Head { epoch: 1, seq, chain: [0; 32] }
}

#[divan::bench]
fn propose_and_apply_holds(bencher: Bencher<'_, '_>) {
    let commands = commands();
    bencher
        .counter(ItemsCount::new(HOLDS))
        .with_inputs(|| (empty_show_once().clone(), Vec::with_capacity(8)))
        .bench_local_refs(|(show, changes)| {
            let mut asked = Asked::new(show.definition().seats);
            for (command, number) in commands.iter().zip(1..) {
                // A batch of 64 each: what is proposed together is applied together.
                if number % 64 == 1 {
                    asked.clear();
                }
                let fresh = Uuid::from_u128(number);
                let proposed = propose(show, &mut asked, command, Time(1), fresh);
                let Ok(Proposal::Append(entries)) = proposed else { panic!("{proposed:?}") };
                changes.clear();
                let outcome = show.apply(head(number as u64), &entries[0], changes);
                assert_ne!(outcome, Outcome::Void);
            }
        });
}

#[divan::bench]
fn an_entry_to_bytes_and_back(bencher: Bencher<'_, '_>) {
    let show = empty_show_once();
    let mut asked = Asked::new(show.definition().seats);
    let proposed = propose(show, &mut asked, &commands()[0], Time(1), Uuid::from_u128(1));
    let Ok(Proposal::Append(entries)) = proposed else { panic!("{proposed:?}") };
    bencher.bench_local(|| Entry::from_bytes(&entries[0].to_bytes()).expect("an entry"));
}

#[divan::bench]
fn a_snapshot_frame_of_60_000_seats_from_the_show(bencher: Bencher<'_, '_>) {
    let show = half_held();
    bencher.bench_local(|| {
        let two_bits = two_bits::of_sets(show.held(), show.sold(), show.blocked());
        encode_snapshot(Format::Binary, 1, 30_000, show.definition().seats, &two_bits)
    });
}

#[divan::bench]
fn a_refusal_of_seats_that_are_gone(bencher: Bencher<'_, '_>) {
    let show = half_held();
    let taken = show.held().iter().next().unwrap_or(Seat(0));
    let session = SessionId(Uuid::from_u128(u128::MAX));
    let command = Command::Hold { session, seats: vec![u64::from(taken.0)] };
    bencher.bench_local(|| {
        propose(&show, &mut Asked::nothing(), &command, Time(1), Uuid::nil()).expect_err("taken")
    });
}

fn empty_show_once() -> &'static Show {
    static SHOW: std::sync::OnceLock<Show> = std::sync::OnceLock::new();
    SHOW.get_or_init(empty_show)
}

fn half_held() -> Show {
    let mut show = empty_show_once().clone();
    let mut asked = Asked::new(show.definition().seats);
    for (command, number) in commands().iter().zip(1..) {
        asked.clear();
        let proposed = propose(&show, &mut asked, command, Time(1), Uuid::from_u128(number));
        let Ok(Proposal::Append(entries)) = proposed else { panic!("{proposed:?}") };
        show.apply(head(number as u64), &entries[0], &mut Vec::new());
    }
    show
}

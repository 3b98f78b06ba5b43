//! Properties of the core: whatever entries come, in whatever order, a show stays sound.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use crate::hall::{Floor, Hall, HallId, Place, Row, Seat, Section, Size};

use super::*;

const SEATS: u32 = 70;
const ADMISSION: Admission =
    Admission { picking_max: 4, pass_ms: 50, call_ms: 20, doors_at: Some(Time(40)) };

fn floor() -> Arc<Floor> {
    let place = |seat: u32| Place {
        number: seat.to_string(),
        x: f64::from(seat % 10) * 25.0,
        y: f64::from(seat / 10) * 25.0,
        category: 0,
    };
    let row = |row: u32| Row {
        label: row.to_string(),
        first: row * 10,
        gaps: vec![5],
        seats: (row * 10..row * 10 + 10).map(place).collect(),
    };
    let hall = Hall {
        name: String::new(),
        categories: vec![crate::hall::Category {
            name: "All".to_owned(),
            color: "#000".to_owned(),
        }],
        sections: vec![Section {
            name: "All".to_owned(),
            rows: (0..SEATS / 10).map(row).collect(),
        }],
        areas: Vec::new(),
        decorations: Vec::new(),
        size: Size { width: 250.0, height: 250.0 },
    };
    Arc::new(Floor::new(&hall))
}

fn show() -> Show {
    let definition = Definition {
        id: ShowId::parse("any").unwrap(),
        title: String::new(),
        hall: HallId(String::new()),
        seats: SEATS,
        starts_at: Time(u64::MAX),
        on_sale_at: None,
        currency: Currency::parse("EUR").unwrap(),
        prices: vec![100],
        policy: Policy {
            hold_ms: 50,
            grace_ms: 5,
            admission: Some(ADMISSION),
            ..Policy::default()
        },
        draw_secret: Some(DrawSecret([7; 32])),
    };
    Show::new(Arc::new(definition), floor())
}

fn head(seq: u64) -> Head {
    Head { epoch: 7, seq, chain: [0; 32] }
}

/// Few names and few seats, so that entries meet.
fn any_seats() -> impl Strategy<Value = Box<[Seat]>> {
    prop::collection::vec((0..SEATS + 3).prop_map(Seat), 0..6).prop_map(Vec::into_boxed_slice)
}

fn any_fact_of_the_room() -> impl Strategy<Value = RoomFact> {
    // The sessions' own, so that sales end passes, too.
    let alias = || {
        let show = ShowId::parse("any").unwrap();
        (0..5u128).prop_map(move |id| Alias::of(&show, SessionId(Uuid::from_u128(id))))
    };
    let number = || 0..12u64;
    let next = prop::collection::btree_set(number(), 0..3);
    let next = prop_oneof![2 => Just(BTreeSet::new()), 1 => next];
    let until = || (0..300u64).prop_map(Time);
    prop_oneof![
        3 => prop::collection::vec(alias(), 0..4)
            .prop_map(|aliases| RoomFact::NumbersTaken { aliases: aliases.into() }),
        2 => prop_oneof![Just(7u8), 0..9u8]
            .prop_map(|byte| RoomFact::DoorsOpened { secret: DrawSecret([byte; 32]) }),
        6 => (next, number(), until()).prop_map(|(next, upto, until)| {
            RoomFact::NumbersCalled { next: next.into_iter().collect(), upto, until }
        }),
        3 => number().prop_map(|number| RoomFact::NumberReturned { number }),
        6 => (number(), alias(), until())
            .prop_map(|(number, alias, until)| RoomFact::Admitted { number, alias, until }),
        2 => number().prop_map(|number| RoomFact::PlaceGivenBack { number }),
        3 => Just(RoomFact::PlacesLapsed),
    ]
}

fn any_fact() -> impl Strategy<Value = Fact> {
    let hold = || (0..6u128).prop_map(|id| HoldId(Uuid::from_u128(id)));
    let session = (0..5u128).prop_map(|id| SessionId(Uuid::from_u128(id)));
    let sorted = || {
        any_seats().prop_map(|mut seats| {
            seats.sort_unstable();
            seats
        })
    };
    let sale = (hold(), 0..3u32, 0..9u128).prop_map(|(hold, attempt, order)| {
        Fact::SeatsSold(Box::new(Sale {
            hold,
            attempt,
            order: OrderId(Uuid::from_u128(order)),
            key: order.to_string(),
            total: Money { amount: 1, currency: Currency::parse("EUR").unwrap() },
            payment: Payment { id: String::new(), state: PaymentState::Captured },
            customer: None,
        }))
    });
    let ticket = || (0..5u128).prop_map(|id| TicketId(Uuid::from_u128(id)));
    let waiting = (ticket(), 0..5u128, 1..5u32, any::<bool>(), 0..400u64).prop_map(
        |(ticket, session, quantity, together, until)| {
            let session = SessionId(Uuid::from_u128(session));
            let (categories, sections, areas) = (None, None, None);
            let wish = Wish { quantity, together, categories, sections, areas };
            Fact::TicketTaken(Box::new(Joining { ticket, session, until: Time(until), wish }))
        },
    );
    let reason = prop_oneof![0..4u8, Just(5)];
    let reason = reason.prop_map(|number| CloseReason::logged(number).unwrap());
    prop_oneof![
        24 => any_fact_of_the_room().prop_map(Fact::OfRoom),
        4 => waiting,
        2 => (ticket(), hold(), sorted(), 0..300u64).prop_map(|(ticket, hold, seats, at)| {
            Fact::SeatsOffered { ticket, hold, seats, expires_at: Time(at) }
        }),
        1 => (hold(), 0..300u64)
            .prop_map(|(hold, at)| Fact::OfferAccepted { hold, expires_at: Time(at) }),
        1 => ticket().prop_map(|ticket| Fact::TicketParted { ticket }),
        1 => (ticket(), reason).prop_map(|(ticket, reason)| Fact::TicketClosed { ticket, reason }),
        4 => (hold(), session, prop_oneof![3 => sorted().boxed(), 1 => any_seats().boxed()], 0..300u64)
            .prop_map(|(hold, session, seats, at)| Fact::SeatsHeld {
                hold, session, seats, expires_at: Time(at),
            }),
        2 => (hold(), sorted()).prop_map(|(hold, seats)| Fact::SeatsChanged { hold, seats }),
        1 => hold().prop_map(|hold| Fact::HoldReleased { hold }),
        2 => hold().prop_map(|hold| Fact::HoldLapsed { hold }),
        2 => (hold(), 0..3u32, 0..300u64, prop::option::of(sorted())).prop_map(
            |(hold, attempt, pin, seats)| Fact::PaymentBegun {
                hold, attempt, pinned_until: Time(pin), seats,
            },
        ),
        1 => (hold(), 0..3u32).prop_map(|(hold, attempt)| Fact::PaymentDeclined {
            hold, attempt, code: "no".to_owned(),
        }),
        2 => sale,
        1 => sorted().prop_map(|seats| Fact::SeatsBlocked { seats }),
        1 => sorted().prop_map(|seats| Fact::SeatsUnblocked { seats }),
    ]
}

fn any_entry() -> impl Strategy<Value = Entry> {
    (0..300u64, any_fact()).prop_map(|(time, fact)| Entry { time: Time(time), fact })
}

/// No seat in two states, none in none; holds and orders are what the seats say.
fn check(show: &Show) {
    let sets = [show.free(), show.held(), show.kept(), show.sold(), show.blocked()];
    for seat in (0..SEATS).map(Seat) {
        let states = sets.iter().filter(|set| set.has(seat)).count();
        assert_eq!(states, 1, "seat {seat:?} is in {states} states");
    }
    let mut held: Vec<Seat> = show.holds().flat_map(|hold| hold.seats.to_vec()).collect();
    let mut sold: Vec<Seat> = show.orders().flat_map(|order| order.seats.to_vec()).collect();
    held.sort_unstable();
    sold.sort_unstable();
    assert_eq!(held, show.held().iter().collect::<Vec<_>>());
    assert_eq!(sold, show.sold().iter().collect::<Vec<_>>());
    for hold in show.holds() {
        assert_eq!(show.hold_of(hold.session).map(|own| own.id), Some(hold.id));
    }
    show.waiting_room().unwrap().check(&ADMISSION);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn apply_is_total_and_every_seat_is_in_one_state(
        entries in prop::collection::vec(any_entry(), 0..200),
    ) {
        let mut show = show();
        let mut told: Vec<SeatState> = show.seat_states();
        for (entry, seq) in entries.iter().zip(1..) {
            let mut changes = Vec::new();
            let before = (show.seat_states(), show.counts(), show.waiting_room().cloned());
            let outcome = show.apply(head(seq), entry, &mut changes);
            check(&show);
            for (seat, state) in &changes {
                prop_assert_ne!(told[seat.0 as usize], *state, "a change that changes nothing");
                told[seat.0 as usize] = *state;
            }
            prop_assert_eq!(&told, &show.seat_states(), "what is told is what is so");
            if outcome == Outcome::Void {
                let after = (show.seat_states(), show.counts(), show.waiting_room().cloned());
                prop_assert_eq!(before, after);
            }
        }
    }

    #[test]
    fn replay_equals_live_and_a_snapshot_equals_both(
        entries in prop::collection::vec(any_entry(), 0..200),
        cut in 0..200usize,
    ) {
        let replay = |mut show: Show, entries: &[Entry], first: u64| {
            for (entry, seq) in entries.iter().zip(first..) {
                let read = Entry::from_bytes(&entry.to_bytes()).unwrap();
                assert_eq!(&read, entry);
                show.apply(head(seq), &read, &mut Vec::new());
            }
            show
        };
        let cut = cut.min(entries.len());
        let live = replay(show(), &entries, 1);
        let half = replay(show(), &entries[..cut], 1);
        let definition = Arc::new(half.definition().clone());
        let saved = Show::from_snapshot(definition, floor(), &half.to_snapshot()).unwrap();
        prop_assert_eq!(saved.to_snapshot(), half.to_snapshot());
        let resumed = replay(saved, &entries[cut..], cut as u64 + 1);
        prop_assert_eq!(resumed.seat_states(), live.seat_states());
        prop_assert_eq!(resumed.to_snapshot(), live.to_snapshot());
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(entry) = Entry::from_bytes(&bytes) {
            prop_assert_eq!(&entry.to_bytes(), &bytes, "one entry has one form");
        }
        let show = show();
        let definition = Arc::new(show.definition().clone());
        drop(Show::from_snapshot(definition, floor(), &bytes));
    }

    #[test]
    fn a_damaged_entry_is_read_as_another_or_refused_but_never_panics(
        entry in any_entry(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = entry.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = Entry::from_bytes(&bytes) {
            prop_assert_eq!(read.to_bytes(), bytes);
            let mut show = show();
            show.apply(head(1), &read, &mut Vec::new());
            check(&show);
        }
    }
}

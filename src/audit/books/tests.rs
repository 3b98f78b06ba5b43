//! A show that broke a promise would be found out: each lie below is one that a fault in the show
//! itself could tell.

use std::sync::Arc;

use uuid::Uuid;

use crate::hall::HallId;
use crate::log::memory::MemoryLog;
use crate::log::{Genesis, Known, Log, StreamId};
use crate::show::{Currency, Entry, Joining, Policy, ShowId, TicketId, Wish};

use super::super::Replay;
use super::*;

const NOW: Time = Time(1_800_000_000_000);

fn definition() -> Definition {
    Definition {
        id: ShowId::parse("hamlet").expect("a show's name"),
        title: "Hamlet".to_owned(),
        hall: HallId("globe".to_owned()),
        seats: 10,
        starts_at: NOW.plus_ms(1_000_000),
        on_sale_at: None,
        currency: Currency::parse("EUR").expect("a currency"),
        prices: vec![1_000],
        policy: Policy::default(),
        draw_secret: None,
    }
}

fn hold(number: u128) -> HoldId {
    HoldId(Uuid::from_u128(number))
}

fn held(number: u128, seats: &[u32]) -> Fact {
    Fact::SeatsHeld {
        hold: hold(number),
        session: SessionId(Uuid::from_u128(number)),
        seats: seats.iter().map(|seat| Seat(*seat)).collect(),
        expires_at: NOW.plus_ms(definition().policy.hold_ms),
    }
}

/// What the books say of a log of `facts` if the show had made something else of the last one.
async fn found(facts: Vec<Fact>, lie: impl Fn(&mut Step)) -> Result<(), String> {
    let (many, definition) = (facts.len(), definition());
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let stream = StreamId::show(&definition.id);
    let bytes = serde_json::to_vec(&definition).expect("JSON").into();
    log.create(&stream, Genesis::new(1, bytes)).await.expect("a stream");
    let entries = facts.into_iter().map(|fact| Entry { time: NOW, fact }.to_bytes().into());
    let known = Known::nothing(1);
    log.append(&stream, known, entries.collect()).await.expect("an append");

    let mut replay = Replay::open(log, None, &definition.id).await.expect("a show");
    let (mut books, mut tally) = (Books::new(definition), Tally::default());
    let mut said = Ok(());
    for left in (0..many).rev() {
        let mut step = replay.step().await.expect("a step").expect("an entry");
        if left == 0 {
            lie(&mut step);
        }
        said = said.and_then(|()| books.enter(&step, &replay, &mut tally));
    }
    said.and_then(|()| books.close(replay.show(), &mut tally))
}

#[tokio::test]
async fn the_truth_is_passed() {
    assert_eq!(found(vec![held(1, &[3, 4]), held(2, &[4, 5])], |_| {}).await, Ok(()));
}

#[tokio::test]
async fn a_seat_given_twice_is_found() {
    let lie = |step: &mut Step| {
        assert_eq!(step.outcome, Outcome::Void);
        let session = SessionId(Uuid::from_u128(2));
        step.outcome = Outcome::Held { hold: hold(2), session, ticket: None };
    };
    let what = found(vec![held(1, &[3, 4]), held(2, &[4, 5])], lie).await;
    assert_eq!(what, Err(format!("seat 4 is held by {}", hold(1))));
}

#[tokio::test]
async fn a_seat_refused_without_a_reason_is_found() {
    let what = found(vec![held(1, &[3, 4])], |step| step.outcome = Outcome::Void).await;
    assert_eq!(what, Err("it was void, but nothing stood against it".to_owned()));
}

#[tokio::test]
async fn a_party_that_got_only_some_of_its_seats_is_found() {
    let what = found(vec![held(1, &[3, 4])], |step| step.changes.truncate(1)).await;
    assert_eq!(what, Err("not exactly its seats changed".to_owned()));
}

#[tokio::test]
async fn seats_changed_by_what_came_too_late_are_found() {
    let lie = |step: &mut Step| step.changes.push((Seat(5), SeatState::Held));
    let what = found(vec![held(1, &[3, 4]), held(2, &[4, 5])], lie).await;
    assert_eq!(what, Err("it was void, but changed seats".to_owned()));
}

#[tokio::test]
async fn a_hold_that_lapsed_too_soon_is_found() {
    let lie = |step: &mut Step| {
        step.outcome = Outcome::Lapsed { hold: hold(1), session: SessionId(Uuid::from_u128(1)) };
    };
    let what = found(vec![held(1, &[3]), Fact::HoldLapsed { hold: hold(1) }], lie).await;
    assert_eq!(what, Err(format!("hold {} lapsed 305000 ms too soon", hold(1))));
}

#[tokio::test]
async fn seats_that_changed_without_an_entry_are_found_at_the_end() {
    let what = found(vec![held(1, &[3]), Fact::HoldReleased { hold: hold(1) }], |_| {}).await;
    assert_eq!(what, Ok(()));
    let mut books = Books::new(definition());
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let stream = StreamId::show(&definition().id);
    let bytes = serde_json::to_vec(&definition()).expect("JSON").into();
    log.create(&stream, Genesis::new(1, bytes)).await.expect("a stream");
    let replay = Replay::open(log, None, &definition().id).await.expect("a show");
    books.places[7] = Place::Blocked;
    let what = books.close(replay.show(), &mut Tally::default());
    assert_eq!(what, Err("at the end, seat 7 is not what its entries made of it".to_owned()));
}

#[tokio::test]
async fn who_is_passed_over_is_found() {
    let definition = definition();
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let stream = StreamId::show(&definition.id);
    let bytes = serde_json::to_vec(&definition).expect("JSON").into();
    log.create(&stream, Genesis::new(1, bytes)).await.expect("a stream");
    // A show whose seats are all free, and that keeps none of them for anybody.
    let replay = Replay::open(log, None, &definition.id).await.expect("a show");
    let floor = replay.floor();
    for (quantity, together, found) in
        [(1, true, true), (10, true, true), (11, true, false), (11, false, true)]
    {
        let wish = Wish { quantity, categories: None, sections: None, areas: None, together };
        let ticket = TicketId(Uuid::from_u128(7));
        let session = SessionId(Uuid::from_u128(7));
        let mut books = Books::new(definition.clone());
        books.line.join(1, &Joining { ticket, session, until: NOW, wish }, NOW, floor);
        let said = books.line.nobody_is_passed_over(&[], floor);
        assert_eq!(said.is_err(), found, "{quantity}, together: {together}: {said:?}");
    }
}

#[tokio::test]
async fn an_offer_out_of_turn_is_found() {
    let definition = definition();
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let stream = StreamId::show(&definition.id);
    let bytes = serde_json::to_vec(&definition).expect("JSON").into();
    log.create(&stream, Genesis::new(1, bytes)).await.expect("a stream");
    let replay = Replay::open(log, None, &definition.id).await.expect("a show");
    let floor = replay.floor();
    let name = |turn: u64| TicketId(Uuid::from_u128(u128::from(turn)));
    let mut books = Books::new(definition);
    for (turn, quantity) in [(1, 2), (2, 1)] {
        let wish =
            Wish { quantity, categories: None, sections: None, areas: None, together: false };
        let session = SessionId(Uuid::from_u128(u128::from(turn)));
        let joining = Joining { ticket: name(turn), session, until: NOW, wish };
        books.line.join(turn, &joining, NOW, floor);
    }
    // The show keeps a seat for the second, and none for the first.
    let second = books.line.tickets.get_mut(&2).expect("the second");
    second.kept.push(Seat(3));
    books.line.reach.owner.insert(Seat(3), 2);
    let offered = |ticket, seat| books.may_offer(ticket, hold(1), &[Seat(seat)], floor);
    let what = offered(name(2), 3).expect_err("out of turn");
    let (second, first) = (name(2), name(1));
    assert_eq!(what, format!("ticket {second} is offered seats out of turn: {first} is before it"));
    let what = offered(name(2), 4).expect_err("another seat");
    assert_eq!(what, format!("these are not all the seats of ticket {second}'s party"));
    books.line.close(first, NOW);
    assert_eq!(books.may_offer(second, hold(1), &[Seat(3)], floor), Ok(()));
}

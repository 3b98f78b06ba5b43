//! A house that cheats in its waiting room is found out: an honest evening, and what somebody with
//! the log in their hands could make of it. Every entry here passes its guard.

use std::sync::Arc;

use uuid::Uuid;

use crate::audit::{Verdict, verify};
use crate::hall::{HallId, Seat};
use crate::log::memory::MemoryLog;
use crate::log::{Genesis, Known, Log, StreamId};
use crate::show::{
    Currency, DrawSecret, Entry, Fact, HoldId, Money, OrderId, Payment, PaymentState, Policy, Sale,
    SessionId, ShowId, WaitingRoom,
};

use super::*;

const NOON: u64 = 1_800_000_000_000;
const CALL_MS: u64 = 60_000;
const PASS_MS: u64 = 300_000;
const SECRET: DrawSecret = DrawSecret([7; 32]);

fn definition(picking_max: u32, doors_at: Option<Time>) -> Definition {
    let rules = Admission { picking_max, pass_ms: PASS_MS, call_ms: CALL_MS, doors_at };
    Definition {
        id: ShowId::parse("rush").expect("a show's name"),
        title: "Rush".to_owned(),
        hall: HallId("globe".to_owned()),
        seats: 10,
        starts_at: Time(NOON + 100_000_000),
        on_sale_at: None,
        currency: Currency::parse("EUR").expect("a currency"),
        prices: vec![1_000],
        policy: Policy { admission: Some(rules), ..Policy::default() },
        draw_secret: doors_at.map(|_| SECRET),
    }
}

fn session(who: u128) -> SessionId {
    SessionId(Uuid::from_u128(who))
}

fn alias(who: u128) -> Alias {
    Alias::of(&ShowId::parse("rush").expect("a show's name"), session(who))
}

/// A fact, so many milliseconds after noon.
type Happens = (u64, Fact);

fn take(at: u64, people: &[u128]) -> Happens {
    let aliases = people.iter().map(|who| alias(*who)).collect();
    (at, Fact::OfRoom(RoomFact::NumbersTaken { aliases }))
}

fn call_for(at: u64, again: &[u64], upto: u64, ms: u64) -> Happens {
    let until = Time(NOON + at + ms);
    (at, Fact::OfRoom(RoomFact::NumbersCalled { next: again.into(), upto, until }))
}

fn call(at: u64, again: &[u64], upto: u64) -> Happens {
    call_for(at, again, upto, CALL_MS)
}

fn admit_for(at: u64, number: u64, who: u128, ms: u64) -> Happens {
    let until = Time(NOON + at + ms);
    (at, Fact::OfRoom(RoomFact::Admitted { number, alias: alias(who), until }))
}

fn admit(at: u64, number: u64, who: u128) -> Happens {
    admit_for(at, number, who, PASS_MS)
}

fn back(at: u64, number: u64) -> Happens {
    (at, Fact::OfRoom(RoomFact::NumberReturned { number }))
}

fn leave(at: u64, number: u64) -> Happens {
    (at, Fact::OfRoom(RoomFact::PlaceGivenBack { number }))
}

fn lapse(at: u64) -> Happens {
    (at, Fact::OfRoom(RoomFact::PlacesLapsed))
}

fn open(at: u64, secret: DrawSecret) -> Happens {
    (at, Fact::OfRoom(RoomFact::DoorsOpened { secret }))
}

fn hold(at: u64, who: u128) -> Happens {
    hold_as(at, who, who)
}

/// A hold of this name, and of the seat of this number.
fn hold_as(at: u64, who: u128, name: u128) -> Happens {
    let fact = Fact::SeatsHeld {
        hold: HoldId(Uuid::from_u128(name)),
        session: session(who),
        seats: [Seat(name as u32)].into(),
        expires_at: Time(NOON + at + 300_000),
    };
    (at, fact)
}

fn buy(at: u64, who: u128) -> [Happens; 2] {
    let hold = HoldId(Uuid::from_u128(who));
    let pinned_until = Time(NOON + at + 60_000);
    let total = Money { amount: 1_000, currency: Currency::parse("EUR").expect("a currency") };
    let payment = Payment { id: "test_1".to_owned(), state: PaymentState::Captured };
    let (key, order) = ("mine".to_owned(), OrderId(Uuid::from_u128(who)));
    let sale = Sale { hold, attempt: 1, order, key, total, payment, customer: None };
    let begun = Fact::PaymentBegun { hold, attempt: 1, pinned_until, seats: None };
    [(at, begun), (at, Fact::SeatsSold(Box::new(sale)))]
}

/// What the audit says of a log of this.
async fn judged(definition: &Definition, evening: &[Happens]) -> Result<Tally, String> {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let stream = StreamId::show(&definition.id);
    let bytes = serde_json::to_vec(definition).expect("JSON").into();
    log.create(&stream, Genesis::new(1, bytes)).await.expect("a stream");
    let entry = |(at, fact): &Happens| {
        Entry { time: Time(NOON + at), fact: fact.clone() }.to_bytes().into()
    };
    let entries = evening.iter().map(entry).collect();
    log.append(&stream, Known::nothing(1), entries).await.expect("an append");
    match verify(log).await.expect("a verdict") {
        Verdict::Kept(tally) => Ok(tally),
        Verdict::Broken(broken) => Err(broken.what),
    }
}

/// One may pick at once; three come. The first buys, the second is late and comes back, the third
/// leaves.
fn honest() -> Vec<Happens> {
    let evening = [
        vec![take(0, &[1, 2, 3]), call(0, &[], 1), admit(10, 1, 1), hold(500, 1)],
        buy(900, 1).into(),
        vec![call(900, &[], 2), lapse(60_900), call(60_900, &[], 3), admit(60_950, 3, 3)],
        vec![back(61_000, 2), leave(62_000, 3), call(62_000, &[2], 3), admit(62_010, 2, 2)],
        vec![hold(62_500, 2)],
    ];
    evening.concat()
}

/// The honest evening, up to its first `many` entries, and then this.
fn after(many: usize, then: &[Happens]) -> Vec<Happens> {
    [&honest()[..many], then].concat()
}

#[tokio::test]
async fn an_honest_evening_passes_and_is_counted() {
    let tally = judged(&definition(1, None), &honest()).await.expect("an honest evening");
    let counted = [tally.numbers, tally.drawn, tally.admitted, tally.passed_over, tally.picked];
    assert_eq!(counted, [3, 0, 3, 1, 2]);
    assert_eq!(tally.void, 0);
    let said = tally.to_string();
    assert!(said.contains("3 numbers called in order"), "{said}");
}

#[tokio::test]
async fn every_kind_of_cheating_is_found_and_named() {
    let late = 10 + PASS_MS;
    let (second, third) = (alias(2), alias(3));
    let table = [
        (
            "a friend is admitted with another's number",
            after(2, &[admit(10, 1, 3)]),
            format!("number 1 is {}'s, and {third} was admitted", alias(1)),
        ),
        ("a long pass", after(2, &[admit_for(10, 1, 1, 900_000)]), lasts("pass", 900_000, PASS_MS)),
        ("a short pass", after(2, &[admit_for(10, 1, 1, 1_000)]), lasts("pass", 1_000, PASS_MS)),
        ("a short call", after(1, &[call_for(0, &[], 1, 500)]), lasts("call", 500, CALL_MS)),
        (
            "seats for who was not admitted",
            after(4, &[hold(600, 2)]),
            format!("{second} was never admitted"),
        ),
        (
            "seats for who had a pass",
            after(3, &[hold(late + 7, 1)]),
            format!("the pass of {} had ended 7 ms before", alias(1)),
        ),
        (
            "a second purchase with one pass",
            after(6, &[hold_as(900 + 5_001, 1, 9)]),
            format!("{} had given the pass back, or used it up", alias(1)),
        ),
        (
            "a place that is kept free",
            (0..30).fold(after(2, &[leave(10, 1)]), |mut evening, n| {
                evening.push(take(500 * n + 10, &[9]));
                evening
            }),
            "number 2 waits, and a place is free, since 10500 ms in which the house was at work"
                .to_owned(),
        ),
        (
            "a call that is not let end",
            (0..30).fold(after(2, &[]), |mut evening, n| {
                evening.push(take(CALL_MS + 900 * n, &[9]));
                evening
            }),
            "number 1 is past its end, since 10800 ms in which the house was at work".to_owned(),
        ),
    ];
    for (what, evening, expected) in table {
        let said = judged(&definition(1, None), &evening).await;
        let found = said.as_ref().is_err_and(|said| said.ends_with(&expected));
        assert!(found, "{what}: {said:?}");
    }
}

fn lasts(what: &str, ms: u64, right: u64) -> String {
    format!("the {what} lasts {ms} ms, not {right}")
}

#[tokio::test]
async fn what_honest_nodes_do_at_the_same_time_is_no_cheating() {
    let table = [
        (
            "a pass is given back at one node and used at another that has not heard",
            after(4, &[leave(600, 1), hold(700, 4), call(700, &[], 2), admit(710, 2, 2)]),
            false,
        ),
        (
            "the same, by who had it",
            after(3, &[leave(600, 1), hold(700, 1), call(700, &[], 2)]),
            true,
        ),
        (
            "a clock that is ahead ends a pass, one that is behind still takes it for open",
            after(3, &[lapse(10 + PASS_MS), hold(PASS_MS, 1), call(10 + PASS_MS, &[], 2)]),
            true,
        ),
        ("a second node calls, too", after(2, &[call(0, &[], 1), admit(10, 1, 1)]), true),
        ("a second node admits, too", after(3, &[admit(11, 1, 1)]), true),
        (
            "a house that was closed for an hour with a place free",
            after(2, &[leave(10, 1), take(3_600_000, &[4]), call(3_600_000, &[], 2)]),
            true,
        ),
        (
            "a session with two numbers comes with either, one after the other",
            vec![
                take(0, &[1, 1]),
                call(0, &[], 1),
                admit(0, 1, 1),
                leave(5, 1),
                call(5, &[], 2),
                admit(5, 2, 1),
                hold(6, 1),
            ],
            true,
        ),
        ("nobody is called once the show began", after(1, &[take(100_000_000, &[4])]), true),
    ];
    for (what, evening, passes) in table {
        let said = judged(&definition(1, None), &evening).await;
        assert_eq!(said.is_ok(), passes, "{what}: {said:?}");
    }
}

/// With doors a minute after noon for five who come early, and their numbers as they are drawn.
async fn early_evening(opened: u64) -> (Definition, Vec<Happens>, Vec<u64>) {
    let definition = definition(5, Some(Time(NOON + 60_000)));
    let evening = vec![take(0, &[1, 2, 3, 4, 5]), open(opened, SECRET), call(opened, &[], 5)];
    // The draw is made with the head of the second entry.
    let mut chain =
        crate::log::Chain::of_genesis(1, &serde_json::to_vec(&definition).expect("JSON"));
    for (at, fact) in &evening[..2] {
        let entry = Entry { time: Time(NOON + at), fact: fact.clone() };
        chain = chain.after(&entry.to_bytes());
    }
    (definition, evening, drawn(SECRET.0, chain.0, 5))
}

#[tokio::test]
async fn who_came_early_comes_with_the_number_that_was_drawn_and_with_no_other() {
    let (definition, evening, numbers) = early_evening(60_000).await;
    let admitted = |numbers: &[u64]| -> Vec<Happens> {
        let people = numbers.iter().zip(1..);
        people.map(|(number, who)| admit(60_010, *number, who)).collect()
    };
    let right = [evening.clone(), admitted(&numbers)].concat();
    let tally = judged(&definition, &right).await.expect("an honest evening");
    assert_eq!((tally.drawn, tally.admitted), (5, 5));
    let mut swapped = numbers;
    swapped.swap(0, 4);
    let said = judged(&definition, &[evening, admitted(&swapped)].concat()).await;
    assert!(said.as_ref().is_err_and(|said| said.contains("was admitted")), "{said:?}");
}

#[tokio::test]
async fn doors_that_stay_closed_are_found() {
    let (definition, evening, _) = early_evening(60_000).await;
    let closed: Vec<Happens> = (0..20).map(|n| take(60_000 + n * 1_000, &[9])).collect();
    let said = judged(&definition, &[&evening[..1], &closed].concat()).await;
    let found = "the doors are to open, since 11000 ms in which the house was at work";
    assert!(said.as_ref().is_err_and(|said| said.ends_with(found)), "{said:?}");
    let soon = judged(&definition, &[evening[0].clone(), open(59_999, SECRET)]).await;
    assert_eq!(soon.map(|tally| tally.void), Ok(1), "the show takes no notice, nor do the books");
}

#[test]
fn a_show_that_does_not_do_what_its_entries_say_is_found() {
    let definition = definition(1, None);
    let shown = WaitingRoom::default();
    let mut room = Room::of(&definition, None).expect("a waiting room");
    assert_eq!(room.is_as(&shown), Ok(()));
    assert_eq!(room.ends_as(&shown), Ok(()));
    let (_, Fact::OfRoom(taken)) = take(0, &[1]) else { panic!("not of the room") };
    room.change(&taken, Time(NOON), [0; 32], &mut Tally::default());
    let differs = "the waiting room's counters are not what its entries made of them";
    assert_eq!(room.is_as(&shown), Err(differs.to_owned()));
    assert_eq!(room.ends_as(&shown), Err(differs.to_owned()));
}

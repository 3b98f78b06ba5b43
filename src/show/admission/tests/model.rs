//! A rush of anybody who does anything, against a list of people too simple to be wrong.
//!
//! The list knows nothing of entries: it is what the protocol's page says of those who wait, once a
//! step. Everybody has one number, drawn or in the order they came.

use proptest::prelude::*;

use super::*;

/// What becomes of one person, as the rules say it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Turn {
    Ahead,
    Called {
        until: u64,
        forget_at: Option<u64>,
    },
    PassedOver {
        forget_at: u64,
    },
    Next {
        forget_at: u64,
    },
    Picking {
        until: u64,
    },
    /// Bought, left, or away too long.
    Done,
}

#[derive(Clone, Debug)]
struct Person {
    who: u128,
    turn: Turn,
    /// There is a socket of theirs: they come when they are called.
    present: bool,
    /// So it was from the beginning.
    always: bool,
    admitted: bool,
    left: bool,
}

#[derive(Clone, Debug)]
enum Act {
    Come { present: bool },
    Away(prop::sample::Index),
    Back(prop::sample::Index),
    Leave(prop::sample::Index),
    Buy(prop::sample::Index),
    Pass(u64),
}

fn any_act() -> impl Strategy<Value = Act> {
    let one = any::<prop::sample::Index>;
    prop_oneof![
        6 => any::<bool>().prop_map(|present| Act::Come { present }),
        2 => one().prop_map(Act::Away),
        4 => one().prop_map(Act::Back),
        1 => one().prop_map(Act::Leave),
        3 => one().prop_map(Act::Buy),
        3 => (1..90_000u64).prop_map(Act::Pass),
        1 => (90_000..900_000u64).prop_map(Act::Pass),
    ]
}

/// The show, and the list beside it.
struct Beside {
    rush: Rush,
    picking_max: usize,
    /// By number, the first first; before the doors by arrival.
    people: Vec<Person>,
    is_open: bool,
    /// Numbers of those who were always there, as they were admitted.
    admitted: Vec<usize>,
    seat: u64,
}

impl Beside {
    fn new(picking_max: u32, doors: bool) -> Self {
        let doors_at = doors.then(|| NOON.plus_ms(60_000));
        Self {
            rush: Rush::of(show(1_000, rules(picking_max, doors_at))),
            picking_max: picking_max as usize,
            people: Vec::new(),
            is_open: !doors,
            admitted: Vec::new(),
            seat: 0,
        }
    }

    fn act(&mut self, act: &Act) {
        let many = self.people.len();
        match act {
            Act::Come { present } => {
                let who = self.people.len() as u128 + 1;
                self.rush
                    .ask(Command::OfRoom(RoomCommand::TakeNumber { session: session(who) }))
                    .unwrap();
                let (present, always) = (*present, *present);
                let (admitted, left) = (false, false);
                self.people.push(Person {
                    who,
                    turn: Turn::Ahead,
                    present,
                    always,
                    admitted,
                    left,
                });
            }
            Act::Pass(ms) => self.rush.now = self.rush.now.plus_ms(*ms),
            Act::Away(_) | Act::Back(_) | Act::Leave(_) | Act::Buy(_) if self.people.is_empty() => {
            }
            Act::Away(index) => {
                let person = &mut self.people[index.index(many)];
                (person.present, person.always) = (false, false);
            }
            Act::Back(index) => self.people[index.index(many)].present = true,
            Act::Leave(index) => self.leaves(index.index(many)),
            Act::Buy(index) => self.buys(index.index(many)),
        }
        self.follow();
    }

    fn leaves(&mut self, index: usize) {
        // Before the doors there is nothing to give back yet.
        if !self.is_open {
            return;
        }
        let person = &mut self.people[index];
        let give_back =
            RoomCommand::GiveBack { session: session(person.who), number: Some(index as u64 + 1) };
        let given = self.rush.ask(Command::OfRoom(give_back)).unwrap();
        assert_eq!(given == Outcome::Void, person.turn == Turn::Done, "{person:?}");
        (person.turn, person.present) = (Turn::Done, false);
        (person.always, person.left) = (false, true);
    }

    fn buys(&mut self, index: usize) {
        let person = &self.people[index];
        let picking = matches!(person.turn, Turn::Picking { until } if until > self.rush.now.0);
        let who = person.who;
        let held = self.rush.hold(who, self.seat);
        if !picking {
            assert!(matches!(held, Err(Refusal::NotAdmitted)), "{held:?}: {person:?}");
            return;
        }
        self.seat += 1;
        let hold = held.unwrap();
        let payment = Payment { id: String::new(), state: PaymentState::Captured };
        let payment = Decision::Approved(payment);
        let purchase = Box::new(Purchase { key: "k".to_owned(), payment, customer: None });
        self.rush.ask(Command::Buy { session: session(who), hold, purchase }).unwrap();
        self.people[index].turn = Turn::Done;
    }

    /// What follows, here and there, and whoever is called and there comes; until nothing happens.
    fn follow(&mut self) {
        loop {
            self.rush.settle();
            self.open();
            self.lapse();
            self.call();
            self.compare();
            if !self.somebody_appears() {
                break;
            }
        }
        let taken = self.taken();
        assert!(taken <= self.picking_max, "{:?}", self.people);
        let waits = |person: &Person| matches!(person.turn, Turn::Ahead | Turn::Next { .. });
        if self.is_open && taken < self.picking_max {
            assert!(!self.people.iter().any(waits), "a free place and one who waits");
        }
        assert!(self.admitted.is_sorted(), "somebody was overtaken: {:?}", self.admitted);
    }

    /// At the doors the list is put in the order of the draw.
    fn open(&mut self) {
        if self.is_open || self.rush.now < NOON.plus_ms(60_000) {
            return;
        }
        self.is_open = true;
        let draw = self.rush.room().draw().expect("the doors are open").clone();
        assert_eq!(draw.count, self.people.len() as u64);
        let mut drawn: Vec<(u64, Person)> =
            draw.numbers().into_iter().zip(self.people.drain(..)).collect();
        drawn.sort_by_key(|(number, _)| *number);
        self.people = drawn.into_iter().map(|(_, person)| person).collect();
    }

    fn lapse(&mut self) {
        let now = self.rush.now.0;
        for person in &mut self.people {
            person.turn = match person.turn {
                Turn::Called { until, forget_at } if until <= now => {
                    let forget_at = forget_at.unwrap_or(now + 600_000);
                    if forget_at > now { Turn::PassedOver { forget_at } } else { Turn::Done }
                }
                Turn::PassedOver { forget_at } if forget_at <= now => Turn::Done,
                Turn::Picking { until } if until <= now => Turn::Done,
                other => other,
            };
        }
    }

    fn call(&mut self) {
        if !self.is_open {
            return;
        }
        let until = self.rush.now.0 + CALL_MS;
        while self.taken() < self.picking_max {
            let next = self.people.iter().position(|one| matches!(one.turn, Turn::Next { .. }));
            let ahead = || self.people.iter().position(|one| one.turn == Turn::Ahead);
            let Some(index) = next.or_else(ahead) else { break };
            let forget_at = match self.people[index].turn {
                Turn::Next { forget_at } => Some(forget_at),
                _ => None,
            };
            self.people[index].turn = Turn::Called { until, forget_at };
        }
    }

    fn taken(&self) -> usize {
        let takes = |one: &&Person| matches!(one.turn, Turn::Called { .. } | Turn::Picking { .. });
        self.people.iter().filter(takes).count()
    }

    /// As an office with their sockets would: the first who is called, or was passed over, and is
    /// there.
    fn somebody_appears(&mut self) -> bool {
        let comes = |one: &Person| {
            let may_come = matches!(one.turn, Turn::Called { .. } | Turn::PassedOver { .. });
            one.present && may_come
        };
        let Some(index) = self.people.iter().position(comes) else { return false };
        let number = index as u64 + 1;
        let person = &mut self.people[index];
        let appear = RoomCommand::Appear { session: session(person.who), number };
        let appeared = self.rush.ask(Command::OfRoom(appear)).unwrap();
        assert_ne!(appeared, Outcome::Void, "{person:?}");
        if let Turn::PassedOver { forget_at } = person.turn {
            person.turn = Turn::Next { forget_at };
        } else {
            assert!(!person.admitted, "nobody is admitted twice with one number");
            person.admitted = true;
            person.turn = Turn::Picking { until: self.rush.now.0 + PASS_MS };
            if person.always {
                self.admitted.push(index);
            }
        }
        true
    }

    /// The show's room is what the list says.
    fn compare(&self) {
        let room = self.rush.room();
        let count = self.people.len() as u64;
        let counted = if self.is_open { room.numbers() } else { room.arrivals() };
        assert_eq!(counted, count, "nobody is lost");
        for (number, person) in (1..).zip(&self.people) {
            let expected = match person.turn {
                Turn::Ahead | Turn::Done => None,
                Turn::Called { until, forget_at } => {
                    Some(Place::Called { until: Time(until), forget_at: forget_at.map(Time) })
                }
                Turn::PassedOver { forget_at } => {
                    Some(Place::PassedOver { forget_at: Time(forget_at) })
                }
                Turn::Next { forget_at } => Some(Place::Next { forget_at: Time(forget_at) }),
                Turn::Picking { until } => {
                    let alias = self.rush.alias(person.who);
                    Some(Place::Pass { alias, until: Time(until) })
                }
            };
            assert_eq!(room.place(number), expected, "number {number}: {person:?}");
            let ahead = self.is_open && person.turn == Turn::Ahead;
            assert_eq!(room.is_ahead(number), ahead, "number {number}: {person:?}");
            if ahead {
                continue;
            }
            let picks = matches!(person.turn, Turn::Picking { .. });
            let may = self.rush.show.is_admitted(session(person.who), self.rush.now);
            assert_eq!(may, picks, "number {number}: {person:?}");
        }
    }

    /// Everybody comes who was away, and as much time passes as it takes.
    fn drain(&mut self) {
        self.people.iter_mut().for_each(|one| one.present = !one.left);
        for _ in 0..self.people.len() + 2 {
            self.act(&Act::Pass(PASS_MS));
        }
        for person in &self.people {
            assert_eq!(person.turn, Turn::Done, "somebody is forgotten: {person:?}");
            assert!(person.admitted || person.left || !person.always, "never served: {person:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn nobody_overtakes_nobody_is_lost_and_no_place_is_empty_while_somebody_waits(
        picking_max in 1..5u32,
        doors in any::<bool>(),
        acts in prop::collection::vec(any_act(), 0..120),
    ) {
        let mut beside = Beside::new(picking_max, doors);
        acts.iter().for_each(|act| beside.act(act));
        beside.drain();
    }
}

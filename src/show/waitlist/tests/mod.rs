//! The waitlist's rules: as tables, and against a model too simple to be clever.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test names the one case it expects")]

mod anything;
mod batches;
mod model;
mod tables;

use std::sync::Arc;

use uuid::Uuid;

use crate::hall::{
    Area, Category, Decoration, Floor, Hall, HallId, Place, Row, Seat, Section, Shape, Size,
};

use super::super::*;

pub(super) const STARTS: Time = Time(10_000_000);
pub(super) const OPENS: Time = Time(1_000_000);

/// Section 0 has a row of 8 (with an aisle before its seat 4) and a row of 4, section 1 a row of 6:
/// seats 0..=7, 8..=11, 12..=17; areas of 5 and of 3: 18..=22, 23..=25. Even seats of rows are of
/// category 0, odd ones of 1; areas of 2.
pub(super) fn hall() -> Hall {
    let row = |label: &str, first: u32, count: u32, gaps: Vec<u32>| Row {
        label: label.to_owned(),
        first,
        gaps,
        seats: (0..count)
            .map(|seat| Place {
                number: (seat + 1).to_string(),
                x: f64::from(seat) * 25.0,
                y: f64::from(first) * 10.0,
                category: (seat % 2) as u16,
            })
            .collect(),
    };
    let area = |name: &str, first: u32, count: u32| Area {
        name: name.to_owned(),
        category: 2,
        first,
        count,
        shape: Decoration {
            shape: Shape::Circle { x: 50.0, y: 300.0, radius: 20.0 },
            rotation: 0.0,
            color: None,
            border_color: None,
            text: None,
        },
    };
    let category = |name: &str| Category { name: name.to_owned(), color: "#123456".to_owned() };
    let section = |name: &str, rows| Section { name: name.to_owned(), rows };
    Hall {
        name: "Little house".to_owned(),
        categories: ["Even", "Odd", "Floor"].map(category).into(),
        sections: vec![
            section("Stalls", vec![row("A", 0, 8, vec![4]), row("B", 8, 4, Vec::new())]),
            section("Circle", vec![row("C", 12, 6, Vec::new())]),
        ],
        areas: vec![area("Floor", 18, 5), area("Bar", 23, 3)],
        decorations: Vec::new(),
        size: Size { width: 200.0, height: 400.0 },
    }
}

pub(super) fn session(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(number))
}

/// A show being tried out; every step is checked by the model.
pub(super) struct House {
    pub(super) show: Show,
    pub(super) now: Time,
    head: Head,
    names: u128,
    model: model::Model,
}

impl House {
    pub(super) fn new() -> Self {
        let hall = hall();
        let policy = Policy { hold_ms: 1_000, grace_ms: 100, offer_ms: 500, ..Policy::default() };
        let definition = Definition {
            id: ShowId::parse("little").unwrap(),
            title: "Little".to_owned(),
            hall: HallId("little".to_owned()),
            seats: hall.seats(),
            starts_at: STARTS,
            on_sale_at: Some(OPENS),
            currency: Currency::parse("EUR").unwrap(),
            prices: vec![1_000, 1_000, 300],
            policy,
            draw_secret: None,
        };
        let show = Show::new(Arc::new(definition), Arc::new(Floor::new(&hall)));
        let head = Head { epoch: 1, seq: 0, chain: [0; 32] };
        Self { show, now: OPENS, head, names: 1_000, model: model::Model::default() }
    }

    pub(super) fn fresh(&mut self) -> Uuid {
        self.names += 1;
        Uuid::from_u128(self.names)
    }

    pub(super) fn apply(&mut self, fact: Fact) -> Outcome {
        let entry = Entry { time: self.now, fact };
        self.head.seq += 1;
        let entry = Entry::from_bytes(&entry.to_bytes()).unwrap();
        let (mut told, mut changes) = (self.show.seat_states(), Vec::new());
        let outcome = self.show.apply(self.head, &entry, &mut changes);
        for (seat, state) in changes {
            assert_ne!(told[seat.0 as usize], state, "a change that changes nothing");
            told[seat.0 as usize] = state;
        }
        assert_eq!(told, self.show.seat_states(), "what is told is what is so");
        self.model.judge(&self.show);
        self.same_after_a_restart();
        outcome
    }

    fn same_after_a_restart(&self) {
        let show = &self.show;
        let bytes = show.to_snapshot();
        let read = Show::from_snapshot(show.definition.clone(), show.floor.clone(), &bytes);
        let read = read.unwrap();
        assert_eq!(read.to_snapshot(), bytes);
        assert_eq!(read.seat_states(), show.seat_states());
        assert_eq!(read.follow_ups(self.now, 99), show.follow_ups(self.now, 99));
        for (ticket, position) in read.tickets().zip(1..) {
            assert_eq!(read.position(ticket), position);
            assert_eq!(show.position(show.ticket(ticket.id).unwrap()), position);
        }
    }

    pub(super) fn ask(&mut self, command: &Command) -> Result<Outcome, Refusal> {
        let mut asked = Asked::new(self.show.definition().seats);
        let fresh = self.fresh();
        match propose(&self.show, &mut asked, command, self.now, fresh)? {
            Proposal::Append(entries) => {
                let mut last = Outcome::Void;
                for entry in entries {
                    last = self.apply(entry.fact);
                    // Else it would be proposed again, and again.
                    assert_ne!(last, Outcome::Void, "{command:?} was proposed, but void");
                }
                Ok(last)
            }
            Proposal::AlreadySo => Ok(Outcome::Void),
            other => panic!("{other:?}"),
        }
    }

    /// What follows, until nothing does; each outcome.
    pub(super) fn follow(&mut self) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        loop {
            let due = self.show.follow_ups(self.now, 1);
            let Some(command) = due.first() else { break };
            let outcome = self.ask(command).unwrap();
            assert_ne!(outcome, Outcome::Void, "{command:?} came to nothing");
            outcomes.push(outcome);
            assert!(outcomes.len() < 1_000, "there is no end to what follows");
        }
        self.nobody_waits_in_vain();
        outcomes
    }

    fn nobody_waits_in_vain(&self) {
        let show = &self.show;
        let mut hoped = show.free().clone();
        hoped.insert_all(show.held());
        hoped.insert_all(show.kept());
        for ticket in show.tickets().filter(|ticket| ticket.offer.is_none()) {
            let wish = &ticket.wish;
            assert!(count_of_wish(&show.floor, &hoped, wish) >= wish.quantity, "sold out");
            if wish.together {
                assert!(can_ever_sit_together(&show.floor, &hoped, wish), "never together");
            }
            assert!(ticket.kept().len() < wish.quantity as usize, "whole, and not offered");
        }
    }

    pub(super) fn hold(&mut self, who: u128, seats: &[u64]) -> HoldId {
        let command = Command::Hold { session: session(who), seats: seats.to_vec() };
        match self.ask(&command).unwrap() {
            Outcome::Held { hold, .. } => hold,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn release(&mut self, hold: HoldId) {
        assert!(matches!(self.apply(Fact::HoldReleased { hold }), Outcome::Released { .. }));
    }

    pub(super) fn buy(&mut self, hold: HoldId) -> Outcome {
        let session = self.show.hold(hold).unwrap().session;
        let payment = Payment { id: "test".to_owned(), state: PaymentState::Captured };
        let purchase = Box::new(Purchase {
            key: hold.to_string(),
            payment: Decision::Approved(payment),
            customer: None,
        });
        self.ask(&Command::Buy { session, hold, purchase }).unwrap()
    }

    pub(super) fn join(&mut self, who: u128, wish: Wish) -> Result<TicketId, Refusal> {
        match self.ask(&Command::Join { session: session(who), wish })? {
            Outcome::Joined { ticket, .. } => Ok(ticket),
            other => panic!("{other:?}"),
        }
    }

    /// The seats kept for a session's ticket.
    pub(super) fn kept(&self, who: u128) -> Vec<u32> {
        let ticket = self.show.ticket_of(session(who)).unwrap();
        ticket.kept().iter().map(|seat| seat.0).collect()
    }

    /// The seats a session holds or is offered.
    pub(super) fn has(&self, who: u128) -> (Vec<u32>, Option<HoldState>) {
        match self.show.hold_of(session(who)) {
            Some(hold) => (hold.seats.iter().map(|seat| seat.0).collect(), Some(hold.state)),
            None => (Vec::new(), None),
        }
    }

    pub(super) fn take_all(&mut self) {
        // By people 100 and up, one seat each.
        for seat in 0..u64::from(self.show.definition().seats) {
            if self.show.free().has(Seat(seat as u32)) {
                self.hold(100 + u128::from(seat), &[seat]);
            }
        }
    }

    /// The hold of whoever took this seat with [`House::take_all`].
    pub(super) fn of(&self, seat: u32) -> HoldId {
        self.show.hold_of(session(100 + u128::from(seat))).unwrap().id
    }
}

pub(super) fn party(quantity: u32) -> Wish {
    Wish { quantity, categories: None, sections: None, areas: None, together: true }
}

pub(super) fn apart(quantity: u32) -> Wish {
    Wish { together: false, ..party(quantity) }
}

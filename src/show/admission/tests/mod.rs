//! The waiting room as tables: who comes, who is called, and who may pick.
//!
//! A [`Rush`] is a show with a waiting room, a clock and as many people as a test names; every step
//! goes through propose and apply, as at the box office, and what must follow by itself follows.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test names the one case it expects")]

mod asking;
mod drawing;
mod guards;
mod model;
mod saving;

use std::sync::Arc;

use uuid::Uuid;

use crate::hall::{Area, Category, Decoration, Floor, Hall, HallId, Shape, Size};

use super::super::*;
use super::RETURN_MS;

const NOON: Time = Time(1_000_000_000);
const STARTS: Time = Time(NOON.0 + 100_000_000);
const PASS_MS: u64 = 300_000;
const CALL_MS: u64 = 60_000;
const SECRET: DrawSecret = DrawSecret([7; 32]);

/// A show in whose waiting room things happen.
struct Rush {
    show: Show,
    head: Head,
    now: Time,
    names: u128,
}

/// Whose commands: small numbers for people.
fn session(who: u128) -> SessionId {
    SessionId(Uuid::from_u128(1 << 100 | who))
}

fn floor(seats: u32) -> Arc<Floor> {
    let shape = Decoration {
        shape: Shape::Text { x: 0.0, y: 0.0 },
        rotation: 0.0,
        color: None,
        border_color: None,
        text: None,
    };
    let hall = Hall {
        name: String::new(),
        categories: vec![Category { name: "All".to_owned(), color: "#000".to_owned() }],
        sections: Vec::new(),
        areas: vec![Area { name: "Floor".to_owned(), category: 0, first: 0, count: seats, shape }],
        decorations: Vec::new(),
        size: Size { width: 0.0, height: 0.0 },
    };
    Arc::new(Floor::new(&hall))
}

fn show(seats: u32, admission: Option<Admission>) -> Show {
    let draw_secret = admission.as_ref().and_then(|rules| rules.doors_at).map(|_| SECRET);
    let definition = Definition {
        id: ShowId::parse("rush").unwrap(),
        title: String::new(),
        hall: HallId(String::new()),
        seats,
        starts_at: STARTS,
        on_sale_at: None,
        currency: Currency::parse("EUR").unwrap(),
        prices: vec![100],
        policy: Policy { admission, ..Policy::default() },
        draw_secret,
    };
    Show::new(Arc::new(definition), floor(seats))
}

fn rules(picking_max: u32, doors_at: Option<Time>) -> Option<Admission> {
    Some(Admission { picking_max, pass_ms: PASS_MS, call_ms: CALL_MS, doors_at })
}

impl Rush {
    /// So many may pick at once, and the doors are open.
    fn for_many(picking_max: u32) -> Self {
        Self::of(show(100, rules(picking_max, None)))
    }

    /// The doors open a minute after noon.
    fn with_doors(picking_max: u32) -> Self {
        Self::of(show(100, rules(picking_max, Some(NOON.plus_ms(60_000)))))
    }

    fn of(show: Show) -> Self {
        let head = Head { epoch: 1, seq: 0, chain: [0; 32] };
        Self { show, head, now: NOON, names: 0 }
    }

    fn room(&self) -> &WaitingRoom {
        self.show.waiting_room().unwrap()
    }

    fn alias(&self, who: u128) -> Alias {
        self.show.alias_of(session(who)).unwrap()
    }

    /// A fact as another node may have put it into the log, without a question to anyone.
    fn happens(&mut self, fact: RoomFact) -> Outcome {
        self.apply(&Entry { time: self.now, fact: Fact::OfRoom(fact) })
    }

    fn apply(&mut self, entry: &Entry) -> Outcome {
        self.head.seq += 1;
        self.head.chain[0] = self.head.seq as u8;
        let before = self.show.waiting_room().cloned();
        let entry = Entry::from_bytes(&entry.to_bytes()).unwrap();
        let outcome = self.show.apply(self.head, &entry, &mut Vec::new());
        if let (Some(room), Some(rules)) = (&self.show.room, &self.show.definition.policy.admission)
        {
            room.check(rules);
        }
        if outcome == Outcome::Void {
            assert_eq!(self.show.waiting_room().cloned(), before, "what is void changes nothing");
        }
        outcome
    }

    fn ask(&mut self, command: Command) -> Result<Outcome, Refusal> {
        let mut asked = Asked::new(self.show.definition().seats);
        self.names += 1;
        let fresh = Uuid::from_u128(self.names);
        match propose(&self.show, &mut asked, &command, self.now, fresh)? {
            Proposal::Append(entries) => {
                let outcomes: Vec<_> = entries.iter().map(|entry| self.apply(entry)).collect();
                assert!(
                    !outcomes.contains(&Outcome::Void),
                    "what is proposed is true: {command:?}"
                );
                Ok(*outcomes.last().unwrap())
            }
            Proposal::AlreadySo => Ok(Outcome::Void),
            other => panic!("{other:?}"),
        }
    }

    /// What must follow by itself, until nothing is left to follow.
    fn settle(&mut self) {
        for _ in 0..1_000 {
            let Some(command) = self.show.follow_ups(self.now, 1).into_iter().next() else {
                return;
            };
            let done = self.ask(command.clone()).unwrap();
            assert_ne!(done, Outcome::Void, "{command:?} follows, but there is nothing to do");
        }
        panic!("there is no end of what follows");
    }

    /// So much time passes, and what is due at its end is done.
    fn pass(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        self.settle();
    }

    fn of_room(&mut self, command: RoomCommand) -> Result<Outcome, Refusal> {
        let done = self.ask(Command::OfRoom(command));
        self.settle();
        done
    }

    /// These come, one after another, and each takes a number.
    fn come(&mut self, people: impl IntoIterator<Item = u128>) {
        for who in people {
            self.of_room(RoomCommand::TakeNumber { session: session(who) }).unwrap();
        }
    }

    fn appear(&mut self, who: u128, number: u64) -> Outcome {
        self.of_room(RoomCommand::Appear { session: session(who), number }).unwrap()
    }

    fn leave(&mut self, who: u128, number: Option<u64>) -> Outcome {
        self.of_room(RoomCommand::GiveBack { session: session(who), number }).unwrap()
    }

    fn hold(&mut self, who: u128, seat: u64) -> Result<HoldId, Refusal> {
        match self.ask(Command::Hold { session: session(who), seats: vec![seat] })? {
            Outcome::Held { hold, .. } => Ok(hold),
            other => panic!("{other:?}"),
        }
    }

    fn buy(&mut self, who: u128, hold: HoldId) -> Result<Outcome, Refusal> {
        let payment = Payment { id: String::new(), state: PaymentState::Captured };
        let payment = Decision::Approved(payment);
        let purchase = Box::new(Purchase { key: who.to_string(), payment, customer: None });
        let bought = self.ask(Command::Buy { session: session(who), hold, purchase });
        self.settle();
        bought
    }

    /// The room in a few letters: `c` called, `p` passed over, `n` comes next, `P` has a pass, `.`
    /// none of these; a number each.
    fn picture(&self) -> String {
        let letter = |number| match self.room().place(number) {
            None => '.',
            Some(Place::Called { .. }) => 'c',
            Some(Place::PassedOver { .. }) => 'p',
            Some(Place::Next { .. }) => 'n',
            Some(Place::Pass { .. }) => 'P',
        };
        (1..=self.room().numbers()).map(letter).collect()
    }
}

impl WaitingRoom {
    /// What must be true of every waiting room at every time.
    pub(in crate::show) fn check(&self, rules: &Admission) {
        let taking = self.places.values().filter(|place| place.takes_one()).count() as u64;
        assert_eq!(self.taken, taking);
        assert!(self.taken <= u64::from(rules.picking_max), "{self:?}");
        assert!(self.serving <= self.numbers, "{self:?}");
        assert!(self.places.keys().all(|number| (1..=self.serving).contains(number)), "{self:?}");
        let ahead = self.serving + 1..=self.numbers;
        assert!(self.given_back.iter().all(|number| ahead.contains(number)), "{self:?}");
        let ends = self.places.iter().filter_map(|(number, place)| Some((place.end()?, *number)));
        assert_eq!(self.ends, ends.collect());
        let next = self.places.iter().filter(|(_, place)| matches!(place, Place::Next { .. }));
        assert_eq!(self.next, next.map(|(number, _)| *number).collect());
        let passes = self.places.iter().filter_map(|(number, place)| match place {
            Place::Pass { alias, .. } => Some((*alias, *number)),
            Place::Called { .. } | Place::PassedOver { .. } | Place::Next { .. } => None,
        });
        let passes: Vec<(Alias, u64)> = passes.collect();
        assert_eq!(passes.len(), self.by_alias.len(), "one pass each");
        assert_eq!(self.by_alias, passes.into_iter().collect());
        match &self.draw {
            Some(draw) => assert!(draw.count == self.arrivals && draw.count <= self.numbers),
            None if rules.doors_at.is_some() => assert_eq!(self.numbers, 0, "the doors are closed"),
            None => assert_eq!(self.arrivals, 0, "there are no doors to come before"),
        }
    }
}

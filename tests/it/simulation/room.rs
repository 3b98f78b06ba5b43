//! The waiting room as a list of people, each with what became of them: no counters, no sets, nothing
//! forgotten. It hears every entry of the log, and judges whether that may have happened.

use usher::box_office::Shown;
use usher::show::{
    Admission, Alias, Draw, Entry, Fact, Outcome, Place, RETURN_MS, RoomFact, RoomOutcome,
    SessionId, Show, ShowId, Time, WaitingRoom,
};

/// What became of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Ahead,
    /// Its owner left before its turn.
    LeftAhead,
    Called {
        until: Time,
        forget_at: Option<Time>,
    },
    PassedOver {
        forget_at: Time,
    },
    Back {
        forget_at: Time,
    },
    Picking {
        until: Time,
    },
    Done,
}

#[derive(Clone, Copy, Debug)]
struct Person {
    alias: Alias,
    is: Is,
    was_let_in: bool,
}

/// What happened, counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) draws: u64,
    pub(crate) numbers: u64,
    pub(crate) let_in: u64,
    pub(crate) passed_over: u64,
    pub(crate) forgotten: u64,
    pub(crate) came_back: u64,
    pub(crate) left: u64,
}

impl Counts {
    /// Both together.
    pub(crate) fn add(&mut self, other: Self) {
        self.draws += other.draws;
        self.numbers += other.numbers;
        self.let_in += other.let_in;
        self.passed_over += other.passed_over;
        self.forgotten += other.forgotten;
        self.came_back += other.came_back;
        self.left += other.left;
    }

    /// A world in which nothing happens proves nothing.
    pub(crate) fn assert_all_happened(&self) {
        let Self { draws, numbers, let_in, passed_over, forgotten, came_back, left } = *self;
        for count in [draws, numbers, let_in, passed_over, forgotten, came_back, left] {
            assert!(count > 0, "some of what may happen in a waiting room never did: {self:?}");
        }
    }
}

/// One show's waiting room.
#[derive(Debug)]
pub(crate) struct NaiveRoom {
    show: ShowId,
    policy: Admission,
    /// Whether there is one node alone, so that what is proposed is what is so.
    alone: bool,
    time: Time,
    arrivals: Vec<Alias>,
    is_drawn: bool,
    /// The person with number 1 first.
    people: Vec<Person>,
    serving: u64,
    pub(crate) counts: Counts,
}

impl NaiveRoom {
    /// An empty one; none where the show has no waiting room.
    pub(crate) fn of(show: &Show, alone: bool) -> Option<Self> {
        let definition = show.definition();
        Some(Self {
            show: definition.id.clone(),
            policy: definition.policy.admission.clone()?,
            alone,
            time: Time(0),
            arrivals: Vec::new(),
            is_drawn: false,
            people: Vec::new(),
            serving: 0,
            counts: Counts::default(),
        })
    }

    /// An entry of the log, what it did, and the draw as it is after it.
    pub(crate) fn hears(&mut self, entry: &Entry, outcome: Outcome, draw: Option<&Draw>) {
        self.time = self.time.max(entry.time);
        match (outcome, &entry.fact) {
            (Outcome::Held { session, .. }, _) => {
                assert!(!self.alone || self.may_pick(session), "seats without a pass");
            }
            (Outcome::Joined { session, .. }, _) => {
                assert!(!self.alone || self.may_pick(session), "a place in line without a pass");
                self.needs_no_place(session);
            }
            (Outcome::Sold { session, .. }, _) => self.needs_no_place(session),
            (Outcome::OfRoom(outcome), Fact::OfRoom(fact)) => {
                self.hears_of_the_room(outcome, fact, entry.time, draw);
            }
            _ => {}
        }
        assert!(self.taken() <= u64::from(self.policy.picking_max), "too many pick at once");
    }

    fn hears_of_the_room(
        &mut self,
        outcome: RoomOutcome,
        fact: &RoomFact,
        asked_at: Time,
        draw: Option<&Draw>,
    ) {
        match (outcome, fact) {
            (
                RoomOutcome::NumbersTaken { first, count, early },
                RoomFact::NumbersTaken { aliases },
            ) => {
                assert_eq!(count, aliases.len() as u64);
                assert_eq!(early, !self.is_open(), "arrivals before the doors, numbers after");
                let before = if early { self.arrivals.len() } else { self.people.len() };
                assert_eq!(first, before as u64 + 1, "each number once, and none left out");
                if early {
                    self.arrivals.extend(aliases);
                } else {
                    self.people.extend(aliases.iter().map(|alias| Person::new(*alias)));
                }
                self.counts.numbers += count;
            }
            (RoomOutcome::DoorsOpened, RoomFact::DoorsOpened { .. }) => {
                self.draws(draw.expect("the doors are open"));
            }
            (
                RoomOutcome::NumbersCalled { before, upto },
                RoomFact::NumbersCalled { next, upto: also_upto, until },
            ) => {
                assert_eq!((before, upto), (self.serving, *also_upto));
                assert_eq!(*until, asked_at.plus_ms(self.policy.call_ms));
                self.calls(next, *also_upto, *until);
            }
            (
                RoomOutcome::NumberReturned { number: outcome },
                RoomFact::NumberReturned { number },
            ) => {
                assert_eq!(outcome, *number);
                let Is::PassedOver { forget_at } = self.person(outcome).is else {
                    panic!("{outcome} came back, and was not passed over")
                };
                assert!(forget_at > self.time, "{outcome} came back too late");
                self.person(outcome).is = Is::Back { forget_at };
                self.counts.came_back += 1;
            }
            (RoomOutcome::Admitted { .. }, RoomFact::Admitted { number, alias, until }) => {
                assert_eq!(*until, asked_at.plus_ms(self.policy.pass_ms));
                self.lets_in(*number, *alias, *until);
            }
            (RoomOutcome::PlaceGivenBack { number }, RoomFact::PlaceGivenBack { .. }) => {
                let person = self.person(number);
                person.is = match person.is {
                    Is::Ahead => Is::LeftAhead,
                    Is::LeftAhead | Is::Done => panic!("{number} left twice"),
                    _ => Is::Done,
                };
                self.counts.left += 1;
            }
            (RoomOutcome::PlacesLapsed, RoomFact::PlacesLapsed) => self.lapses(),
            (outcome, fact) => panic!("{fact:?} did {outcome:?}"),
        }
    }

    /// Everybody who came early has one number, no two the same.
    fn draws(&mut self, draw: &Draw) {
        assert!(!self.is_open() && self.policy.doors_at.is_some_and(|at| at <= self.time));
        assert_eq!(draw.count, self.arrivals.len() as u64);
        let mut drawn = vec![None; self.arrivals.len()];
        let numbers = draw.numbers();
        for ((arrival, alias), number) in (1..).zip(&self.arrivals).zip(numbers) {
            assert_eq!(draw.number_of(arrival), Some(number));
            let whose = drawn.get_mut(number as usize - 1).expect("one of so many numbers");
            assert_eq!(whose.replace(Person::new(*alias)).map(|other| other.alias), None);
        }
        assert!(self.people.is_empty(), "a number before the doors opened");
        self.people = drawn.into_iter().flatten().collect();
        self.is_drawn = true;
        self.counts.draws += 1;
    }

    /// In the order of the numbers; before new ones those who came back.
    fn calls(&mut self, next: &[u64], upto: u64, until: Time) {
        assert!(self.is_open(), "a call behind closed doors");
        let mut back: Vec<u64> = self.numbers_that(|is| matches!(is, Is::Back { .. })).collect();
        if upto == self.serving && self.alone {
            back.truncate(next.len());
        }
        if upto > self.serving || self.alone {
            assert_eq!(back, next, "somebody who came back was overtaken");
        }
        for number in next {
            let Is::Back { forget_at } = self.person(*number).is else {
                panic!("{number} is called again, and did not come back")
            };
            self.person(*number).is = Is::Called { until, forget_at: Some(forget_at) };
        }
        for number in self.serving + 1..=upto {
            let person = self.person(number);
            person.is = match person.is {
                Is::Ahead => Is::Called { until, forget_at: None },
                Is::LeftAhead => Is::Done,
                _ => panic!("{number} is called twice"),
            };
        }
        self.serving = upto;
    }

    fn lets_in(&mut self, number: u64, alias: Alias, until: Time) {
        let pass = |person: &Person| person.alias == alias && person.picks();
        assert!(!self.people.iter().any(pass), "two passes of one");
        let person = self.person(number);
        assert_eq!(person.alias, alias, "{number} is somebody else's");
        assert!(matches!(person.is, Is::Called { .. }), "{number} was not called");
        (person.is, person.was_let_in) = (Is::Picking { until }, true);
        self.counts.let_in += 1;
    }

    fn lapses(&mut self) {
        let now = self.time;
        for person in &mut self.people {
            person.is = match person.is {
                Is::Called { until, forget_at } if until <= now => {
                    self.counts.passed_over += 1;
                    let forget_at = forget_at.unwrap_or(now.plus_ms(RETURN_MS));
                    if forget_at > now { Is::PassedOver { forget_at } } else { Is::Done }
                }
                Is::PassedOver { forget_at } if forget_at <= now => {
                    self.counts.forgotten += 1;
                    Is::Done
                }
                Is::Picking { until } if until <= now => Is::Done,
                is => is,
            };
        }
    }

    fn needs_no_place(&mut self, session: SessionId) {
        let alias = Alias::of(&self.show, session);
        for person in &mut self.people {
            if person.alias == alias && person.picks() {
                person.is = Is::Done;
            }
        }
    }
}

impl NaiveRoom {
    fn is_open(&self) -> bool {
        self.is_drawn || self.policy.doors_at.is_none()
    }

    fn taken(&self) -> u64 {
        self.people.iter().filter(|person| person.picks() || person.is_called()).count() as u64
    }

    fn person(&mut self, number: u64) -> &mut Person {
        self.people.get_mut(number as usize - 1).expect("a number that somebody has")
    }

    fn numbers_that(&self, so: impl Fn(Is) -> bool) -> impl Iterator<Item = u64> {
        let numbered = (1..).zip(&self.people);
        numbered.filter(move |(_, person)| so(person.is)).map(|(number, _)| number)
    }

    /// Whose it is that was taken as this.
    pub(crate) fn owner(&self, taken: Shown) -> Option<Alias> {
        match taken {
            Shown::Arrival(arrival) => self.arrivals.get(arrival as usize - 1).copied(),
            Shown::Number(number) => Some(self.people.get(number as usize - 1)?.alias),
        }
    }

    fn may_pick(&self, session: SessionId) -> bool {
        let alias = Alias::of(&self.show, session);
        let pass = |person: &Person| match person.is {
            Is::Picking { until } => person.alias == alias && until > self.time,
            _ => false,
        };
        self.people.iter().any(pass)
    }

    /// Who picks.
    pub(crate) fn picking(&self) -> impl Iterator<Item = Alias> {
        self.people.iter().filter(|person| person.picks()).map(|person| person.alias)
    }

    /// Whether this number was ever let in.
    pub(crate) fn was_let_in(&self, number: u64) -> bool {
        self.people.get(number as usize - 1).is_some_and(|person| person.was_let_in)
    }

    /// The room says the same of everybody.
    pub(crate) fn agrees(&self, room: &WaitingRoom) {
        assert_eq!(room.arrivals(), self.arrivals.len() as u64);
        assert_eq!(room.draw().is_some(), self.is_drawn);
        assert_eq!((room.numbers(), room.serving()), (self.people.len() as u64, self.serving));
        assert_eq!(room.taken(), self.taken());
        for (number, person) in (1..).zip(&self.people) {
            let place = match person.is {
                Is::Ahead | Is::LeftAhead | Is::Done => None,
                Is::Called { until, forget_at } => Some(Place::Called { until, forget_at }),
                Is::PassedOver { forget_at } => Some(Place::PassedOver { forget_at }),
                Is::Back { forget_at } => Some(Place::Next { forget_at }),
                Is::Picking { until } => Some(Place::Pass { alias: person.alias, until }),
            };
            assert_eq!(room.place(number), place, "number {number}");
            assert_eq!(room.is_ahead(number), person.is == Is::Ahead, "number {number}");
            if let Is::Picking { until } = person.is {
                assert_eq!(room.pass_of(&person.alias), Some((number, until)));
            }
        }
    }

    /// After a turn in which all was done: nothing is past its end, and no place is free while somebody
    /// waits for one.
    pub(crate) fn is_settled(&self, now: Time) {
        for Person { is, .. } in &self.people {
            let (Is::Called { until: end, .. }
            | Is::Picking { until: end }
            | Is::PassedOver { forget_at: end }) = *is
            else {
                continue;
            };
            assert!(end > now, "{is:?} is past its end");
        }
        let waits = |is| matches!(is, Is::Ahead | Is::Back { .. });
        if self.is_open() && self.taken() < u64::from(self.policy.picking_max) {
            assert_eq!(self.numbers_that(waits).next(), None, "a place is free, and they wait");
        }
        let is_due = self.policy.doors_at.is_some_and(|at| at <= now);
        assert!(self.is_open() || !is_due, "the doors are still closed");
    }
}

impl Person {
    fn new(alias: Alias) -> Self {
        Self { alias, is: Is::Ahead, was_let_in: false }
    }

    fn picks(&self) -> bool {
        matches!(self.is, Is::Picking { .. })
    }

    fn is_called(&self) -> bool {
        matches!(self.is, Is::Called { .. })
    }
}

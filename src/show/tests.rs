//! The rules of a show as tables: who asks for what, and what is answered.
//!
//! A [`House`] is one row of seats drawn as a text, a clock and a few sessions; every step goes
//! through propose and apply, as at the box office.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test names the one case it expects")]

use std::sync::Arc;

use uuid::Uuid;

use crate::hall::{
    Area, Category, Decoration, Floor, Hall, HallId, Place, Row, Section, Shape, Size,
};

use super::*;

const STARTS: Time = Time(100_000_000);
const OPENS: Time = Time(1_000_000);

/// Two rows, of 8 (with an aisle before its seat 4) and of 4, and an area of 5: seats 0..=7, 8..=11,
/// 12..=16. Rows are category 0 and cost 1,000; the area is category 1 and costs 300.
fn hall() -> Hall {
    let row = |label: &str, first: u32, count: u32, gaps: Vec<u32>, y: f64| Row {
        label: label.to_owned(),
        first,
        gaps,
        seats: (0..count)
            .map(|seat| Place {
                number: (seat + 1).to_string(),
                x: f64::from(seat) * 25.0,
                y,
                category: 0,
            })
            .collect(),
    };
    let shape = Decoration {
        shape: Shape::Circle { x: 50.0, y: 300.0, radius: 20.0 },
        rotation: 0.0,
        color: None,
        border_color: None,
        text: None,
    };
    let category = |name: &str| Category { name: name.to_owned(), color: "#123456".to_owned() };
    Hall {
        name: "Little house".to_owned(),
        categories: vec![category("Seats"), category("Floor")],
        sections: vec![Section {
            name: "Stalls".to_owned(),
            rows: vec![row("A", 0, 8, vec![4], 100.0), row("B", 8, 4, Vec::new(), 125.0)],
        }],
        areas: vec![Area { name: "Floor".to_owned(), category: 1, first: 12, count: 5, shape }],
        decorations: Vec::new(),
        size: Size { width: 200.0, height: 400.0 },
    }
}

/// A show being tried out.
struct House {
    show: Show,
    head: Head,
    now: Time,
    names: u128,
}

/// Whose commands: small numbers for people.
fn session(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(number))
}

impl House {
    fn new(policy: Policy) -> Self {
        let hall = hall();
        let definition = Definition {
            id: ShowId::parse("little").unwrap(),
            title: "Little".to_owned(),
            hall: HallId("little".to_owned()),
            seats: hall.seats(),
            starts_at: STARTS,
            on_sale_at: Some(OPENS),
            currency: Currency::parse("EUR").unwrap(),
            prices: vec![1_000, 300],
            policy,
            draw_secret: None,
        };
        let show = Show::new(Arc::new(definition), Arc::new(Floor::new(&hall)));
        let head = Head { epoch: 1, seq: 0, chain: [0; 32] };
        Self { show, head, now: OPENS, names: 1_000 }
    }

    fn open() -> Self {
        Self::new(Policy::default())
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
    }

    fn fresh(&mut self) -> Uuid {
        self.names += 1;
        Uuid::from_u128(self.names)
    }

    fn apply(&mut self, entry: &Entry) -> Outcome {
        self.head.seq += 1;
        // Through bytes and back: an entry is what the log keeps of it.
        let entry = Entry::from_bytes(&entry.to_bytes()).unwrap();
        let outcome = self.show.apply(self.head, &entry, &mut Vec::new());
        self.check();
        outcome
    }

    fn ask(&mut self, command: Command) -> Result<Outcome, Refusal> {
        let mut asked = Asked::new(self.show.definition().seats);
        let fresh = self.fresh();
        match propose(&self.show, &mut asked, &command, self.now, fresh)? {
            Proposal::Append(entries) => {
                Ok(entries.iter().map(|entry| self.apply(entry)).last().unwrap())
            }
            Proposal::Bought(order) => {
                let session = self.show.order(order).unwrap().session;
                Ok(Outcome::Sold { order, session })
            }
            Proposal::AlreadySo => Ok(Outcome::Void),
            Proposal::AskAgain => panic!("there is nothing to wait for in a batch of one"),
        }
    }

    fn hold(&mut self, who: u128, seats: &[u64]) -> Result<HoldId, Refusal> {
        let held = self.ask(Command::Hold { session: session(who), seats: seats.to_vec() })?;
        let Outcome::Held { hold, .. } = held else { panic!("{held:?}") };
        Ok(hold)
    }

    fn best(&mut self, who: u128, wish: Wish) -> Result<Vec<u32>, Refusal> {
        let held = self.ask(Command::HoldBest { session: session(who), wish })?;
        let Outcome::Held { hold, .. } = held else { panic!("{held:?}") };
        Ok(self.seats_of(hold))
    }

    fn change(&mut self, who: u128, hold: HoldId, seats: &[u64]) -> Result<Vec<u32>, Refusal> {
        self.ask(Command::Change { session: session(who), hold, seats: seats.to_vec() })?;
        Ok(self.seats_of(hold))
    }

    fn release(&mut self, who: u128, hold: HoldId) -> Result<Outcome, Refusal> {
        self.ask(Command::Release { session: session(who), hold })
    }

    fn buy(&mut self, who: u128, hold: HoldId, key: &str) -> Result<OrderId, Refusal> {
        let payment = Payment { id: "test_1".to_owned(), state: PaymentState::Captured };
        let bought = self.purchase(who, hold, key, Decision::Approved(payment))?;
        let Outcome::Sold { order, .. } = bought else { panic!("{bought:?}") };
        Ok(order)
    }

    fn purchase(
        &mut self,
        who: u128,
        hold: HoldId,
        key: &str,
        payment: Decision,
    ) -> Result<Outcome, Refusal> {
        let purchase = Box::new(Purchase { key: key.to_owned(), payment, customer: None });
        self.ask(Command::Buy { session: session(who), hold, purchase })
    }

    fn lapse_all(&mut self) -> usize {
        let due: Vec<HoldId> = self.show.ended_at(self.now).collect();
        due.iter().for_each(|hold| {
            self.ask(Command::Lapse { hold: *hold }).unwrap();
        });
        due.len()
    }

    fn seats_of(&self, hold: HoldId) -> Vec<u32> {
        self.show.hold(hold).unwrap().seats.iter().map(|seat| seat.0).collect()
    }

    /// The seats as a picture: `.` free, `h` held, `S` sold, `#` blocked.
    fn picture(&self) -> String {
        let letter = |state: SeatState| match state {
            SeatState::Available => '.',
            SeatState::Held => 'h',
            SeatState::Sold => 'S',
            SeatState::Blocked => '#',
        };
        self.show.seat_states().into_iter().map(letter).collect()
    }

    /// What must be true of every show at every time.
    fn check(&self) {
        let show = &self.show;
        let sets = [show.free(), show.held(), show.sold(), show.blocked()];
        assert_eq!(sets.map(|set| set.count()).iter().sum::<u32>(), show.definition().seats);
        let mut held: Vec<_> = show.holds().flat_map(|hold| hold.seats.iter().copied()).collect();
        held.sort_unstable();
        assert_eq!(held, show.held().iter().collect::<Vec<_>>(), "held seats are those of holds");
        let mut sold: Vec<_> = show.orders().flat_map(|order| order.seats.to_vec()).collect();
        sold.sort_unstable();
        assert_eq!(sold, show.sold().iter().collect::<Vec<_>>(), "sold seats are those of orders");
    }
}

fn wish(quantity: u32) -> Wish {
    Wish { quantity, categories: None, sections: None, areas: None, together: true }
}

fn seats(numbers: &[u32]) -> Vec<crate::hall::Seat> {
    numbers.iter().map(|number| crate::hall::Seat(*number)).collect()
}

#[test]
fn a_seat_held_by_one_buyer_is_refused_to_another() {
    let mut house = House::open();
    house.hold(1, &[2, 3]).unwrap();
    assert_eq!(house.hold(2, &[3, 4]), Err(Refusal::SeatsTaken { seats: seats(&[3]) }));
    assert_eq!(house.picture(), "..hh.............", "all or none");
}

#[test]
fn the_first_refusal_of_the_ladder_that_is_true_is_the_one_that_is_said() {
    let mut house = House::open();
    house.ask(Command::Block { seats: vec![11] }).unwrap();
    let own = house.hold(1, &[0]).unwrap();
    let seats_max = Policy::default().seats_max;
    let eleven: Vec<u64> = (0..11).collect();
    for (who, named, refusal) in [
        (1, vec![], Refusal::AlreadyHolding { hold: own }),
        (2, vec![], Refusal::NoSeatsNamed),
        (2, vec![99, 5, 99, 5, 5], Refusal::SeatNamedTwice { seats: vec![5, 99] }),
        (2, [&eleven[..], &[99]].concat(), Refusal::TooManySeats { max: seats_max }),
        (2, vec![11, 17, 0, u64::MAX], Refusal::UnknownSeat { seats: vec![17, u64::MAX] }),
        (2, vec![0, 11], Refusal::SeatBlocked { seats: seats(&[11]) }),
        (2, vec![1, 0], Refusal::SeatsTaken { seats: seats(&[0]) }),
    ] {
        assert_eq!(house.hold(who, &named), Err(refusal), "session {who} asked for {named:?}");
    }
    house.now = STARTS;
    assert_eq!(house.hold(2, &[]), Err(Refusal::ShowOver));
    house.now = Time(OPENS.0 - 1);
    let early = House { now: Time(OPENS.0 - 1), ..House::open() }.hold(2, &[]);
    assert_eq!(early, Err(Refusal::NotOnSale { on_sale_at: OPENS }));
}

#[test]
fn what_is_held_when_the_show_starts_may_still_be_bought() {
    let mut house = House::open();
    house.now = Time(STARTS.0 - 1);
    let hold = house.hold(1, &[0]).unwrap();
    house.now = STARTS;
    house.buy(1, hold, "k").unwrap();
    assert_eq!(house.picture(), "S................");
}

#[test]
fn a_hold_lapses_when_its_deadline_and_the_buffer_have_passed_and_not_before() {
    let mut house = House::open();
    let policy = Policy::default();
    let hold = house.hold(1, &[5]).unwrap();
    assert_eq!(house.show.hold(hold).unwrap().expires_at, OPENS.plus_ms(policy.hold_ms));
    house.pass(policy.hold_ms + policy.grace_ms - 1);
    assert_eq!(house.lapse_all(), 0);
    assert_eq!(house.hold(2, &[5]), Err(Refusal::SeatsTaken { seats: seats(&[5]) }));
    house.pass(1);
    assert_eq!(house.buy(1, hold, "late"), Err(Refusal::HoldExpired), "though not yet freed");
    assert_eq!(house.lapse_all(), 1);
    assert_eq!(house.release(1, hold), Err(Refusal::HoldExpired));
    assert_eq!(house.release(2, hold), Err(Refusal::NoSuchHold), "another's is not told");
    house.hold(2, &[5]).unwrap();
}

#[test]
fn that_a_hold_lapsed_is_known_for_an_hour() {
    let mut house = House::open();
    let hold = house.hold(1, &[5]).unwrap();
    house.pass(305_000);
    house.lapse_all();
    house.pass(LAPSED_KNOWN_MS);
    house.hold(2, &[6]).unwrap();
    assert_eq!(house.release(1, hold), Err(Refusal::HoldExpired));
    house.pass(1);
    house.hold(3, &[7]).unwrap();
    assert_eq!(house.release(1, hold), Err(Refusal::NoSuchHold));
}

#[test]
fn a_purchase_sent_in_the_last_moment_of_the_buffer_succeeds() {
    let mut house = House::open();
    let hold = house.hold(1, &[5]).unwrap();
    house.pass(304_999);
    house.buy(1, hold, "k").unwrap();
}

#[test]
fn the_same_key_gives_the_same_order_and_a_sold_hold_is_gone() {
    let mut house = House::open();
    let hold = house.hold(1, &[0, 1, 12]).unwrap();
    let order = house.buy(1, hold, "k").unwrap();
    let seq = house.head.seq;
    assert_eq!(house.buy(1, hold, "k"), Ok(order), "a lost reply is asked for again");
    assert_eq!(house.head.seq, seq, "without a new entry");
    assert_eq!(house.buy(1, hold, "other"), Err(Refusal::NoSuchHold));
    assert_eq!(house.buy(2, hold, "k"), Err(Refusal::NoSuchHold), "keys are each session's own");
    let order = house.show.order(order).unwrap();
    assert_eq!((order.total.amount, order.head.seq), (2_300, seq));
    let next = house.hold(1, &[2]).unwrap();
    house.buy(1, next, "k2").unwrap();
    assert_eq!(house.show.orders_of(session(1)).count(), 2);
}

#[test]
fn after_a_decline_the_hold_goes_on_and_the_same_key_is_a_new_attempt() {
    let mut house = House::open();
    let hold = house.hold(1, &[0]).unwrap();
    let no = Decision::Declined { code: "card_declined".to_owned() };
    let outcome = house.purchase(1, hold, "k", no).unwrap();
    assert_eq!(outcome, Outcome::PaymentDeclined { hold, session: session(1) });
    assert_eq!(house.picture(), "h................");
    house.buy(1, hold, "k").unwrap();
    assert_eq!(house.picture(), "S................");
}

#[test]
fn a_payment_for_seats_that_were_swapped_meanwhile_does_not_begin() {
    let mut house = House::open();
    let hold = house.hold(1, &[0]).unwrap();
    let begin = |house: &House, seats: &[u32]| {
        let seats = Some(seats.iter().map(|seat| crate::hall::Seat(*seat)).collect());
        let pinned_until = house.now.plus_ms(60_000);
        let fact = Fact::PaymentBegun { hold, attempt: 1, pinned_until, seats };
        Entry { time: house.now, fact }
    };
    let before = begin(&house, &[0]);
    // At another node, and first in the log.
    house.change(1, hold, &[1, 2]).unwrap();
    assert_eq!(house.apply(&before), Outcome::Void, "seat 0 was to be paid for");
    let begun = begin(&house, &[1, 2]);
    assert_eq!(Entry::from_bytes(&begun.to_bytes()), Ok(begun.clone()));
    assert_ne!(house.apply(&begun), Outcome::Void);
}

#[test]
fn a_payment_under_way_pins_the_hold_once_and_for_a_bounded_time() {
    let mut house = House::open();
    let hold = house.hold(1, &[0]).unwrap();
    house.pass(290_000);
    let begin = |house: &House, attempt| {
        let fact = Fact::PaymentBegun {
            hold,
            attempt,
            pinned_until: house.now.plus_ms(60_000),
            seats: None,
        };
        Entry { time: house.now, fact }
    };
    let begun = begin(&house, 1);
    assert_ne!(house.apply(&begun), Outcome::Void);
    assert_eq!(house.apply(&begun), Outcome::Void, "a repeat is void");
    for refused in [
        house.release(1, hold).map(|_| ()),
        house.change(1, hold, &[1]).map(|_| ()),
        house.buy(1, hold, "other").map(|_| ()),
    ] {
        assert_eq!(refused, Err(Refusal::PaymentInProgress));
    }
    house.pass(20_000);
    assert_eq!(house.lapse_all(), 0, "past its deadline and the buffer, but pinned");
    let declined = Fact::PaymentDeclined { hold, attempt: 1, code: "no".to_owned() };
    assert_ne!(house.apply(&Entry { time: house.now, fact: declined }), Outcome::Void);
    assert_eq!(house.lapse_all(), 1, "the pin was for the payment");

    let mut house = House::open();
    let slow = house.hold(1, &[0]).unwrap();
    let fact = Fact::PaymentBegun {
        hold: slow,
        attempt: 1,
        pinned_until: OPENS.plus_ms(310_000),
        seats: None,
    };
    house.apply(&Entry { time: house.now, fact });
    house.pass(309_999);
    assert_eq!(house.lapse_all(), 0);
    house.pass(1);
    assert_eq!(house.lapse_all(), 1);
}

#[test]
fn seats_are_swapped_in_one_step_and_the_deadline_does_not_move() {
    let mut house = House::open();
    let hold = house.hold(1, &[0, 1]).unwrap();
    house.hold(2, &[3]).unwrap();
    let expires_at = house.show.hold(hold).unwrap().expires_at;
    house.pass(10_000);
    assert_eq!(house.change(1, hold, &[2, 1]), Ok(vec![1, 2]));
    assert_eq!(house.change(1, hold, &[2, 3]), Err(Refusal::SeatsTaken { seats: seats(&[3]) }));
    assert_eq!(house.picture(), ".hhh.............", "a refused swap changes nothing");
    assert_eq!(house.show.hold(hold).unwrap().expires_at, expires_at);
    assert_eq!(house.change(2, hold, &[4]), Err(Refusal::NoSuchHold));
}

#[test]
fn who_finds_too_little_is_told_why() {
    let sold_out = || Refusal::SoldOut { seats: Vec::new() };
    let others = || Refusal::OthersAreHolding { seats: Vec::new() };
    let apart = || Refusal::NotTogether { seats: Vec::new() };
    let row_b =
        |quantity| Wish { sections: Some(vec![0]), categories: Some(vec![0]), ..wish(quantity) };
    // Row A is 4 and 4 across an aisle, row B is 4.
    let mut house = House::open();
    assert_eq!(house.best(1, row_b(5)), Err(apart()), "no five are neighbours in this house");
    assert_eq!(house.best(1, row_b(0)), Err(Refusal::NoSeatsNamed));
    assert_eq!(house.best(1, row_b(11)), Err(Refusal::TooManySeats { max: 10 }));
    assert_eq!(house.best(1, Wish { areas: Some(vec![0]), ..wish(6) }), Err(sold_out()));
    house.hold(2, &[1, 5, 9]).unwrap();
    assert_eq!(house.best(1, row_b(3)), Err(apart()), "each row of four has a hole");
    let sold = house.hold(3, &[0, 2, 3, 4, 6, 7]).unwrap();
    house.buy(3, sold, "k").unwrap();
    assert_eq!(house.best(1, row_b(4)), Err(others()), "row B, if seat 9 comes free");
    let sold = house.hold(4, &[10]).unwrap();
    house.buy(4, sold, "k").unwrap();
    assert_eq!(house.best(1, row_b(4)), Err(apart()), "never again, though five are left");
    assert_eq!(house.best(1, row_b(6)), Err(sold_out()));
    assert_eq!(house.picture(), "ShSSShSS.hS......");
}

#[test]
fn named_seats_that_are_gone_are_counted_over_the_whole_show() {
    let mut house = House::open();
    let half = house.hold(1, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
    house.hold(2, &[10, 11, 12, 13, 14]).unwrap();
    let gone = |named: &[u32]| seats(named);
    assert_eq!(house.hold(3, &[0, 1]), Err(Refusal::SeatsTaken { seats: gone(&[0, 1]) }));
    assert_eq!(
        house.hold(3, &[0, 15, 16]),
        Err(Refusal::OthersAreHolding { seats: gone(&[0]) }),
        "two are available, three were asked for"
    );
    house.buy(1, half, "k").unwrap();
    assert_eq!(
        house.hold(3, &[0, 1, 2, 3, 4, 5, 6, 7]),
        Err(Refusal::SoldOut { seats: gone(&[0, 1, 2, 3, 4, 5, 6, 7]) }),
        "seven are not sold, eight were asked for"
    );
}

#[test]
fn a_single_seat_may_not_be_left_alone_where_the_show_forbids_it() {
    let mut house = House::new(Policy { orphans: Orphans::Forbid, ..Policy::default() });
    assert_eq!(house.hold(1, &[1, 2]), Err(Refusal::OrphanSeat { seats: seats(&[0, 3]) }));
    let three = house.hold(2, &[8, 9, 10]).unwrap();
    assert_eq!(house.picture(), "........hhh......", "rows of four: three cannot but leave one");
    house.release(2, three).unwrap();
    let hold = house.hold(1, &[0, 1]).unwrap();
    assert_eq!(house.change(1, hold, &[1, 2]), Err(Refusal::OrphanSeat { seats: seats(&[0, 3]) }));
    assert_eq!(house.change(1, hold, &[2, 3]), Ok(vec![2, 3]), "its own seats count as free");
    house.hold(2, &[12]).unwrap();
}

#[test]
fn the_house_blocks_what_is_free_and_nothing_of_what_is_not() {
    let mut house = House::open();
    house.hold(1, &[1]).unwrap();
    let taken = Refusal::SeatsTaken { seats: seats(&[1]) };
    assert_eq!(house.ask(Command::Block { seats: vec![0, 1] }), Err(taken.clone()));
    assert_eq!(house.picture(), ".h...............");
    house.ask(Command::Block { seats: vec![0, 2, 2] }).unwrap();
    assert_eq!(house.picture(), "#h#..............");
    let seq = house.head.seq;
    assert_eq!(house.ask(Command::Block { seats: vec![0] }), Ok(Outcome::Void), "already so");
    assert_eq!(house.head.seq, seq, "nothing happens");
    assert_eq!(house.ask(Command::Unblock { seats: vec![0, 1] }), Err(taken));
    house.ask(Command::Unblock { seats: vec![0, 3] }).unwrap();
    assert_eq!(house.picture(), ".h#..............");
    let unknown = Refusal::UnknownSeat { seats: vec![17] };
    assert_eq!(house.ask(Command::Block { seats: vec![3, 17] }), Err(unknown));
}

#[test]
fn proposals_of_one_batch_spread_over_the_house_and_wait_for_each_other() {
    let house = House::open();
    let mut asked = Asked::new(17);
    let mut propose_for = |who: u128, command: &dyn Fn(SessionId) -> Command| {
        propose(&house.show, &mut asked, &command(session(who)), house.now, Uuid::from_u128(who))
            .unwrap()
    };
    let seats_of = |proposal: &Proposal| match proposal {
        Proposal::Append(entries) => match &entries[0].fact {
            Fact::SeatsHeld { seats, .. } => seats.to_vec(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let best = |session| Command::HoldBest { session, wish: wish(4) };
    let first = seats_of(&propose_for(1, &best));
    let second = seats_of(&propose_for(2, &best));
    assert!(first.iter().all(|seat| !second.contains(seat)), "{first:?} and {second:?}");
    let same = |session| Command::Hold { session, seats: vec![u64::from(first[0].0)] };
    assert_eq!(propose_for(3, &same), Proposal::AskAgain, "it depends on the first");
    let more = |session| Command::Hold { session, seats: vec![16] };
    assert_eq!(propose_for(1, &more), Proposal::AskAgain, "one hold at a time");
}

#[test]
fn two_choices_of_one_batch_do_not_leave_a_seat_alone_between_them() {
    let mut house = House::new(Policy { orphans: Orphans::Forbid, ..Policy::default() });
    house.hold(9, &[0, 1]).unwrap();
    let mut asked = Asked::new(17);
    let mut choose = |who: u128, seats: &[u64]| {
        let command = Command::Hold { session: session(who), seats: seats.to_vec() };
        propose(&house.show, &mut asked, &command, house.now, Uuid::from_u128(who)).unwrap()
    };
    assert!(matches!(choose(1, &[4, 5]), Proposal::Append(_)));
    assert_eq!(choose(2, &[7]), Proposal::AskAgain, "alone it would leave 4 to 6, now only 6");
    assert!(matches!(choose(3, &[2, 3]), Proposal::Append(_)));
}

#[test]
fn of_two_entries_for_one_seat_the_first_in_the_log_is_done_and_the_second_is_void() {
    let mut house = House::open();
    let held = |who: u128, seat: u32| Entry {
        time: OPENS,
        fact: Fact::SeatsHeld {
            hold: HoldId(Uuid::from_u128(who)),
            session: session(who),
            seats: seats(&[seat]).into(),
            expires_at: OPENS.plus_ms(1),
        },
    };
    assert_ne!(house.apply(&held(1, 3)), Outcome::Void);
    assert_eq!(house.apply(&held(2, 3)), Outcome::Void);
    assert_eq!(house.apply(&held(1, 4)), Outcome::Void, "one hold per session");
}

#[test]
fn time_never_goes_back_in_a_log() {
    let mut house = House::open();
    house.pass(1_000);
    house.hold(1, &[0]).unwrap();
    let then = house.now;
    house.now = OPENS;
    let hold = house.hold(2, &[1]).unwrap();
    assert_eq!(house.show.time(), then);
    assert_eq!(house.show.hold(hold).unwrap().expires_at, then.plus_ms(300_000));
}

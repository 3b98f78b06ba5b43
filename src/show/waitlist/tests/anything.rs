//! Anything that may happen while people wait, in any order.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// What happens next, with numbers to choose by.
type Step = (u8, u8, u8, u8);

pub(super) fn wish(a: u8, b: u8) -> Wish {
    let list = |bits: u8, most: u16| -> Option<Vec<u16>> {
        (bits & 1 == 1).then(|| (0..most).filter(|at| bits >> (at + 1) & 1 == 1).collect())
    };
    Wish {
        quantity: u32::from(a % 4) + 1,
        together: a & 16 != 0,
        categories: if a & 32 != 0 { list(b, 3) } else { None },
        sections: if a & 64 != 0 { list(b >> 2, 2) } else { None },
        areas: if a & 128 != 0 { list(b >> 4, 2) } else { None },
    }
}

fn any_hold(house: &House, a: u8) -> Option<HoldId> {
    let holds: Vec<HoldId> = house.show.holds().map(|hold| hold.id).collect();
    holds.get(usize::from(a) % holds.len().max(1)).copied()
}

fn any_ticket(house: &House, a: u8) -> Option<TicketId> {
    let tickets: Vec<TicketId> = house.show.tickets().map(|ticket| ticket.id).collect();
    tickets.get(usize::from(a) % tickets.len().max(1)).copied()
}

fn seats(a: u8, b: u8) -> Box<[Seat]> {
    let first = u32::from(a) % 26;
    (first..(first + 1 + u32::from(b) % 5).min(26)).map(Seat).collect()
}

/// Something asked for by the rules: what is proposed for it on the state as it is must count.
fn command(house: &House, session: SessionId, a: u8, b: u8, c: u8) -> Command {
    let seats = seats(b, c).iter().map(|seat| u64::from(seat.0)).collect();
    let hold = house.show.hold_of(session).map(|hold| hold.id);
    match (a % 10, hold) {
        (0, _) => Command::Join { session, wish: wish(b, c) },
        (1, _) => Command::Leave { session },
        (2, _) => Command::Accept { session },
        (3, _) => Command::Decline { session },
        (4, _) => Command::Block { seats },
        (5, _) => Command::Unblock { seats },
        (6, Some(hold)) => Command::Change { session, hold, seats },
        (7, Some(hold)) => Command::Release { session, hold },
        (8, Some(hold)) => {
            let payment = Payment { id: String::new(), state: PaymentState::Captured };
            let payment = Decision::Approved(payment);
            let purchase = Purchase { key: hold.to_string(), payment, customer: None };
            Command::Buy { session, hold, purchase: Box::new(purchase) }
        }
        (9, _) => Command::HoldBest { session, wish: wish(b, c) },
        _ => Command::Hold { session, seats },
    }
}

fn step(house: &mut House, (what, a, b, c): Step) {
    house.now = house.now.plus_ms(u64::from(c) * 2);
    let fresh = house.fresh();
    let expires_at = house.now.plus_ms(1_000);
    let who = session(u128::from(a) % 12);
    match what % 20 {
        16..=19 => drop(house.ask(&command(house, who, a, b, c))),
        0..=3 => {
            let fact = Fact::SeatsHeld {
                hold: HoldId(fresh),
                session: who,
                seats: seats(b, c),
                expires_at,
            };
            house.apply(fact);
        }
        4..=6 => {
            let joining = Joining {
                ticket: TicketId(fresh),
                session: who,
                until: house.now.plus_ms(3_000),
                wish: wish(b, c),
            };
            house.apply(Fact::TicketTaken(Box::new(joining)));
        }
        7 | 8 => {
            let Some(hold) = any_hold(house, a) else { return };
            house.apply(Fact::HoldReleased { hold });
        }
        9 => {
            let Some(hold) = any_hold(house, a) else { return };
            house.apply(Fact::HoldLapsed { hold });
        }
        10 => {
            let Some(hold) = any_hold(house, a) else { return };
            house.apply(Fact::SeatsChanged { hold, seats: seats(b, c) });
        }
        11 | 12 => {
            let Some(hold) = any_hold(house, a) else { return };
            let pinned_until = expires_at;
            house.apply(Fact::OfferAccepted { hold, expires_at });
            house.apply(Fact::PaymentBegun { hold, attempt: 1, pinned_until, seats: None });
            house.apply(Fact::SeatsSold(Box::new(Sale {
                hold,
                attempt: 1,
                order: OrderId(fresh),
                key: fresh.to_string(),
                total: Money { amount: 1, currency: Currency::parse("EUR").unwrap() },
                payment: Payment { id: String::new(), state: PaymentState::Captured },
                customer: None,
            })));
        }
        13 => {
            let seats = seats(b, c);
            let fact = if a % 3 == 0 {
                Fact::SeatsBlocked { seats }
            } else {
                Fact::SeatsUnblocked { seats }
            };
            house.apply(fact);
        }
        14 => {
            let Some(ticket) = any_ticket(house, a) else { return };
            let reason = CloseReason::logged([0, 1, 2, 3, 5][usize::from(b % 5)]).unwrap();
            house.apply(Fact::TicketClosed { ticket, reason });
            house.apply(Fact::TicketParted { ticket });
        }
        _ => drop(house.follow()),
    }
}

/// Every wish that can be made in the little house, for a party of two.
fn all_wishes() -> Vec<Wish> {
    let lists = |most: u16| {
        let of = move |bits: u16| (0..most).filter(|at| bits >> at & 1 == 1).collect();
        std::iter::once(None).chain((0..1u16 << most).map(move |bits| Some(of(bits))))
    };
    let mut all = Vec::new();
    for categories in lists(3) {
        for sections in lists(2) {
            for areas in lists(2) {
                let (categories, sections) = (categories.clone(), sections.clone());
                all.push(Wish { categories, sections, areas, ..party(2) });
            }
        }
    }
    all
}

#[test]
fn all_that_allow_the_same_seats_to_the_same_party_are_one_wish() {
    let floor = Floor::new(&hall());
    let mut forms: BTreeMap<Vec<u64>, Wish> = BTreeMap::new();
    for wish in all_wishes() {
        let allows = |wish: &Wish| {
            let all = crate::hall::SeatSet::full(floor.seats());
            wish.mask(&floor).unwrap_or(all).words().to_vec()
        };
        let form = wish.clone().in_normal_form(&floor);
        assert_eq!(allows(&form), allows(&wish), "{wish:?} became {form:?}");
        assert_eq!(form, form.clone().in_normal_form(&floor));
        assert_eq!(form, form.clone().in_order());
        let same = forms.entry(allows(&wish)).or_insert_with(|| form.clone());
        assert_eq!(*same, form, "for {wish:?}");
    }
    let anywhere: Vec<Wish> = all_wishes()
        .into_iter()
        .map(|wish| wish.in_normal_form(&floor))
        .filter(|wish| *wish == party(2))
        .collect();
    assert!(anywhere.len() > 1, "a list of everything is none");
    assert_eq!(party(1).in_normal_form(&floor), apart(1), "one alone is together");
}

fn check(show: &Show) {
    let sets = [show.free(), show.held(), show.kept(), show.sold(), show.blocked()];
    for seat in (0..show.definition().seats).map(Seat) {
        assert_eq!(sets.iter().filter(|set| set.has(seat)).count(), 1, "seat {seat:?}");
    }
    for hold in show.holds().filter(|hold| hold.state == HoldState::Offered) {
        let ticket = show.ticket_of(hold.session).unwrap();
        assert_eq!(ticket.offer, Some(hold.id));
    }
    for ticket in show.tickets() {
        let offered = show.hold_of(ticket.session).map(|hold| hold.id);
        assert_eq!(offered, ticket.offer, "one waits, or has an offer");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_happens_everybody_has_what_the_rules_on_paper_give_them(
        steps in prop::collection::vec(any::<Step>(), 0..120),
    ) {
        let mut house = House::new();
        // Most of the house is held to begin with, so that people wait.
        for seat in (0..26).step_by(2) {
            house.hold(200 + seat, &[seat as u64, seat as u64 + 1]);
        }
        for next in steps {
            step(&mut house, next);
            check(&house.show);
        }
        house.follow();
        check(&house.show);
    }
}

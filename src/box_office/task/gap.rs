//! What sessions missed: the difference between two states of a show, when what lies between them was
//! not heard. Pure; whom it is told is [`recovery`](super::recovery)'s.

use std::collections::BTreeSet;

use crate::protocol::rpc::{Notice, OrderView, ReleaseReason};
use crate::show::{CloseReason, Hold, HoldId, HoldState, Order, SessionId, Show, Ticket, Time};

use super::super::telling::view_of;

/// What became of what sessions had.
#[derive(Debug)]
pub(super) struct Changed<'a> {
    /// Who is to be told what.
    pub(super) notices: Vec<(SessionId, Notice)>,
    /// Orders that were known and are not there.
    pub(super) lost_orders: Vec<&'a Order>,
    /// Holds that were known, and are neither there nor sold nor lapsed: lost, or given back.
    pub(super) gone_holds: Vec<&'a Hold>,
}

impl<'a> Changed<'a> {
    /// From what was `known` to what is `there`.
    pub(super) fn between(known: &'a Show, there: &Show, now: Time) -> Self {
        let mut notices = Vec::new();
        let mut gone_holds = Vec::new();
        let orders = there.orders().filter(|order| known.order(order.id).is_none());
        let orders: Vec<&Order> = orders.collect();
        let bought: BTreeSet<HoldId> = orders.iter().map(|order| order.hold).collect();
        for hold in known.holds() {
            if there.hold(hold.id).is_some() || bought.contains(&hold.id) {
                continue;
            }
            if hold.state == HoldState::Offered {
                // An offer that ends is told by the end of its ticket alone.
                continue;
            }
            let notice = if there.has_lapsed(hold.id, hold.session) {
                Notice::HoldExpired { hold: hold.id }
            } else {
                gone_holds.push(hold);
                Notice::HoldReleased { hold: hold.id, reason: ReleaseReason::Released }
            };
            notices.push((hold.session, notice));
        }
        for hold in there.holds().filter(|hold| known.hold(hold.id) != Some(*hold)) {
            let hold_view = view_of(there, hold);
            let notice = match hold.state {
                HoldState::Offered if known.hold(hold.id).is_none() => {
                    Notice::WaitlistOffer { hold: hold_view, now }
                }
                HoldState::Held | HoldState::Paying | HoldState::Offered => {
                    Notice::HoldChanged { hold: hold_view, now }
                }
            };
            notices.push((hold.session, notice));
        }
        for ticket in known.tickets().filter(|ticket| there.ticket(ticket.id).is_none()) {
            let reason = why_closed(ticket, there, &orders).word().into();
            notices.push((ticket.session, Notice::WaitlistClosed { reason }));
        }
        for order in orders {
            let view = OrderView::of(order, &there.definition().id);
            notices.push((order.session, Notice::Order { order: view, now }));
        }
        let lost_orders = known.orders().filter(|order| there.order(order.id).is_none()).collect();
        Self { notices, lost_orders, gone_holds }
    }
}

/// Why a ticket is no longer there, as far as can be told. Who waited and has seats now was offered
/// them and accepted, or was granted them by another node: either way it has what it came for. Of
/// who has none, because history was lost or for another reason, it is said that they left: they may
/// join again.
fn why_closed(ticket: &Ticket, there: &Show, orders: &[&Order]) -> CloseReason {
    let bought = |hold| orders.iter().any(|order| order.hold == hold);
    let has_seats = || {
        there.hold_of(ticket.session).is_some()
            || orders.iter().any(|order| order.session == ticket.session)
    };
    match ticket.offer {
        Some(hold) if there.hold(hold).is_some() || bought(hold) => CloseReason::Accepted,
        Some(hold) if there.has_lapsed(hold, ticket.session) => CloseReason::Lapsed,
        None if has_seats() => CloseReason::Accepted,
        Some(_) | None => CloseReason::Left,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;
    use crate::hall::{Floor, HallId, Seat, theatre};
    use crate::show::{
        Currency, Definition, Entry, Fact, Head, Joining, Money, OrderId, Payment, PaymentState,
        Policy, Sale, ShowId, TicketId, Wish,
    };

    const NOW: Time = Time(1_000);

    /// A show after these facts.
    fn after(facts: Vec<Fact>) -> Show {
        let hall = theatre();
        let definition = Definition {
            id: ShowId::parse("gap").expect("a name"),
            title: "Gap".to_owned(),
            hall: HallId("theatre".to_owned()),
            seats: hall.seats(),
            starts_at: Time(u64::MAX),
            on_sale_at: None,
            currency: Currency::parse("EUR").expect("a currency"),
            prices: vec![1_000; hall.categories.len()],
            policy: Policy::default(),
            draw_secret: None,
        };
        let mut show = Show::new(Arc::new(definition), Arc::new(Floor::new(&hall)));
        for (seq, fact) in (1..).zip(facts) {
            let time = if matches!(fact, Fact::HoldLapsed { .. }) { Time(900_000) } else { NOW };
            let head = Head { epoch: 1, seq, chain: [0; 32] };
            show.apply(head, &Entry { time, fact }, &mut Vec::new());
        }
        show
    }

    fn hold(number: u128) -> HoldId {
        HoldId(Uuid::from_u128(number))
    }

    fn session(number: u128) -> SessionId {
        SessionId(Uuid::from_u128(number))
    }

    fn held(number: u32) -> Fact {
        Fact::SeatsHeld {
            hold: hold(u128::from(number)),
            session: session(u128::from(number)),
            seats: [Seat(number)].into(),
            expires_at: Time(300_000),
        }
    }

    fn sold(number: u32) -> [Fact; 2] {
        let of = hold(u128::from(number));
        let begun = Fact::PaymentBegun { hold: of, attempt: 1, pinned_until: NOW, seats: None };
        let total = Money { amount: 1, currency: Currency::parse("EUR").expect("a currency") };
        let sale = Sale {
            hold: of,
            attempt: 1,
            order: OrderId(Uuid::from_u128(u128::from(number))),
            key: "k".to_owned(),
            total,
            payment: Payment { id: "p".to_owned(), state: PaymentState::Captured },
            customer: None,
        };
        [begun, Fact::SeatsSold(Box::new(sale))]
    }

    fn told(changed: &Changed<'_>) -> Vec<(u128, &'static str)> {
        let word = |notice: &Notice| match notice {
            Notice::HoldChanged { .. } => "changed",
            Notice::HoldExpired { .. } => "expired",
            Notice::HoldReleased { .. } => "released",
            Notice::Order { .. } => "order",
            _ => "another",
        };
        let notices = changed.notices.iter();
        notices.map(|(session, notice)| (session.0.as_u128(), word(notice))).collect()
    }

    #[test]
    fn each_session_hears_what_became_of_what_it_had() {
        let known = after((1..=5).map(held).collect());
        let mut facts: Vec<Fact> = (1..=4).map(held).collect();
        let seats = [Seat(20)].into();
        facts.push(Fact::SeatsChanged { hold: hold(2), seats });
        facts.extend(sold(3));
        facts.push(held(6));
        facts.push(Fact::HoldLapsed { hold: hold(4) });
        let there = after(facts);
        let changed = Changed::between(&known, &there, NOW);
        let expected =
            [(4, "expired"), (5, "released"), (2, "changed"), (6, "changed"), (3, "order")];
        assert_eq!(told(&changed), expected, "and 1, whose hold is as it was, nothing");
        assert_eq!(changed.gone_holds.iter().map(|gone| gone.id).collect::<Vec<_>>(), [hold(5)]);
        assert!(changed.lost_orders.is_empty());
    }

    /// Session 9 waits for a seat, which is kept for it: there are enough.
    fn waits() -> Fact {
        let wish =
            Wish { quantity: 1, categories: None, sections: None, areas: None, together: false };
        let until = Time(3_600_000);
        let joining = Joining { ticket: ticket(), session: session(9), until, wish };
        Fact::TicketTaken(Box::new(joining))
    }

    fn ticket() -> TicketId {
        TicketId(Uuid::from_u128(90))
    }

    #[test]
    fn who_waited_is_told_why_not_any_more() {
        let expires_at = Time(120_000);
        let seats: Box<[Seat]> = [Seat(0)].into();
        let offered = Fact::SeatsOffered { ticket: ticket(), hold: hold(9), seats, expires_at };
        let accepted = Fact::OfferAccepted { hold: hold(9), expires_at };
        let [begun, bought] = sold(9);
        let other_node = Fact::SeatsHeld {
            hold: hold(9),
            session: session(9),
            seats: [Seat(50)].into(),
            expires_at: Time(300_000),
        };
        let left = Fact::TicketClosed { ticket: ticket(), reason: CloseReason::Left };
        let (lapsed, declined) =
            (Fact::HoldLapsed { hold: hold(9) }, Fact::HoldReleased { hold: hold(9) });
        let of = |facts: &[&Fact]| -> Vec<Fact> { facts.iter().copied().cloned().collect() };
        let table = [
            (of(&[]), of(&[&offered, &accepted]), "accepted"),
            (of(&[]), of(&[&offered, &accepted, &begun, &bought]), "accepted"),
            (of(&[]), of(&[&other_node]), "accepted"),
            (of(&[]), of(&[&left]), "left"),
            (of(&[]), of(&[&offered, &declined]), "left"),
            (of(&[&offered]), of(&[&accepted]), "accepted"),
            (of(&[&offered]), of(&[&accepted, &begun, &bought]), "accepted"),
            (of(&[&offered]), of(&[&lapsed]), "lapsed"),
            (of(&[&offered]), of(&[&declined]), "left"),
        ];
        for (known, since, expected) in table {
            let known = [vec![waits()], known].concat();
            let there = after([known.clone(), since.clone()].concat());
            let known = after(known);
            assert_eq!(known.waiting(), 1);
            let changed = Changed::between(&known, &there, NOW);
            let closed = |(_, notice): &(SessionId, Notice)| match notice {
                Notice::WaitlistClosed { reason } => Some(reason.to_string()),
                _ => None,
            };
            let told: Vec<String> = changed.notices.iter().filter_map(closed).collect();
            assert_eq!(told, [expected], "after {since:?}");
        }
        // Of a history that was lost nobody has anything.
        let (known, there) = (after(vec![waits()]), after(Vec::new()));
        let changed = Changed::between(&known, &there, NOW);
        let reason = changed.notices.into_iter().map(|(_, notice)| notice).next();
        let Some(Notice::WaitlistClosed { reason }) = reason else { panic!("{reason:?}") };
        assert_eq!(&*reason, "left");
    }

    #[test]
    fn an_order_that_is_no_more_is_named() {
        let mut facts = vec![held(1)];
        facts.extend(sold(1));
        let (known, there) = (after(facts), after(Vec::new()));
        let changed = Changed::between(&known, &there, NOW);
        assert_eq!(changed.lost_orders.len(), 1);
        assert!(changed.notices.is_empty() && changed.gone_holds.is_empty());
    }
}

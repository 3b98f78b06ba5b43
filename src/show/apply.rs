//! Applying entries: the only place where a show changes.
//!
//! Each kind of entry has one small guard. True: the change is made, wholly. False: the entry is
//! void and nothing changes. The guards are frozen: replaying yesterday's log with tomorrow's
//! program must give the same seats, so what a guard says is never edited, and a new rule is a new
//! kind of entry. Applying is total: any entry of any bytes leaves a sound show.

use crate::hall::Seat;

use super::entry::{Entry, Fact, Sale};
use super::hold::{Hold, HoldState};
use super::order::Order;
use super::waitlist::{CloseReason, Moved};
use super::{Alias, Head, HoldId, OrderId, SeatState, SessionId, Show, TicketId, Time};

/// What an entry did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant's sentence says what its fields are")]
pub enum Outcome {
    /// Its guard was false: nothing.
    Void,
    /// A hold was granted, and with it the ticket was closed that its session had.
    Held { hold: HoldId, session: SessionId, ticket: Option<TicketId> },
    /// A hold's seats were swapped.
    Changed { hold: HoldId, session: SessionId },
    /// A hold was given back.
    Released { hold: HoldId, session: SessionId },
    /// A hold lapsed.
    Lapsed { hold: HoldId, session: SessionId },
    /// A payment began.
    PaymentBegun { hold: HoldId, session: SessionId },
    /// A payment was declined; the hold goes on.
    PaymentDeclined { hold: HoldId, session: SessionId },
    /// Seats were sold.
    Sold { order: OrderId, session: SessionId },
    /// The house blocked or unblocked seats.
    Blocking,
    /// A session took a ticket.
    Joined { ticket: TicketId, session: SessionId },
    /// A ticket was offered its seats.
    Offered { ticket: TicketId, hold: HoldId, session: SessionId },
    /// An offer was accepted.
    Accepted { ticket: TicketId, hold: HoldId, session: SessionId },
    /// A ticket goes on waiting for seats apart.
    Parted { ticket: TicketId, session: SessionId },
    /// A ticket was closed, and its offer, if it had one, with it.
    Closed { ticket: TicketId, session: SessionId, reason: CloseReason },
    /// Something happened in the waiting room.
    OfRoom(RoomOutcome),
}

/// What an entry of the waiting room did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant's sentence says what its fields are")]
pub enum RoomOutcome {
    /// Numbers were taken, from `first` on; `early`: they are arrivals, before the doors open.
    NumbersTaken { first: u64, count: u64, early: bool },
    /// The doors opened.
    DoorsOpened,
    /// It is the turn of the numbers after `before` up to `upto`, and perhaps of some who came back.
    NumbersCalled { before: u64, upto: u64 },
    /// One who was passed over came back.
    NumberReturned { number: u64 },
    /// Somebody may pick seats.
    Admitted { number: u64, alias: Alias },
    /// Somebody left the waiting room, or those who pick.
    PlaceGivenBack { number: u64 },
    /// What was past its end in the waiting room ended.
    PlacesLapsed,
}

impl Outcome {
    /// The ticket that is no longer open, whatever closed it.
    pub fn closed_ticket(&self) -> Option<TicketId> {
        match self {
            Self::Held { ticket, .. } => *ticket,
            Self::Accepted { ticket, .. } | Self::Closed { ticket, .. } => Some(*ticket),
            Self::Void
            | Self::Changed { .. }
            | Self::Released { .. }
            | Self::Lapsed { .. }
            | Self::PaymentBegun { .. }
            | Self::PaymentDeclined { .. }
            | Self::Sold { .. }
            | Self::Blocking
            | Self::Joined { .. }
            | Self::Offered { .. }
            | Self::Parted { .. }
            | Self::OfRoom(_) => None,
        }
    }
}

/// A seat and what it became.
pub type SeatChange = (Seat, SeatState);

impl Show {
    /// Applies the next entry of the log. `head` is the log's head after it. What became of seats
    /// is added to `changes`.
    pub fn apply(&mut self, head: Head, entry: &Entry, changes: &mut Vec<SeatChange>) -> Outcome {
        self.time = self.time.max(entry.time);
        let now = self.time;
        self.lapsed.forget_before(now);
        let mut moved = Moved::default();
        let done = self.done(head, &entry.fact, now, &mut moved);
        self.settle(moved, changes);
        done.unwrap_or(Outcome::Void)
    }

    /// What a fact does, but for those who wait; none where its guard is false.
    fn done(&mut self, head: Head, fact: &Fact, now: Time, moved: &mut Moved) -> Option<Outcome> {
        match fact {
            Fact::SeatsHeld { hold, session, seats, expires_at } => {
                self.seats_held(*hold, *session, seats, *expires_at, moved)
            }
            Fact::SeatsChanged { hold, seats } => self.seats_changed(*hold, seats, moved),
            Fact::HoldReleased { hold } => self.hold_released(*hold, moved),
            Fact::HoldLapsed { hold } => self.hold_lapsed(*hold, now, moved),
            Fact::PaymentBegun { hold, attempt, pinned_until, seats } => {
                self.payment_begun(*hold, *attempt, *pinned_until, seats.as_deref())
            }
            Fact::PaymentDeclined { hold, attempt, .. } => self.payment_declined(*hold, *attempt),
            Fact::SeatsSold(sale) => self.seats_sold(sale, head, now, moved),
            Fact::SeatsBlocked { seats } => self.seats_blocked(seats, moved),
            Fact::SeatsUnblocked { seats } => self.seats_unblocked(seats, moved),
            Fact::TicketTaken(joining) => self.ticket_taken(joining, head, now, moved),
            Fact::SeatsOffered { ticket, hold, seats, expires_at } => {
                self.seats_offered(*ticket, *hold, seats, *expires_at)
            }
            Fact::OfferAccepted { hold, expires_at } => self.offer_accepted(*hold, *expires_at),
            Fact::TicketParted { ticket } => self.ticket_parted(*ticket, moved),
            Fact::TicketClosed { ticket, reason } => {
                self.ticket_closed(*ticket, *reason, now, moved)
            }
            Fact::OfRoom(fact) => self.done_in_the_room(fact, head, now).map(Outcome::OfRoom),
        }
    }

    /// Guard: at least one seat, all different and free; the session holds nothing; the name is new.
    fn seats_held(
        &mut self,
        hold: HoldId,
        session: SessionId,
        seats: &[Seat],
        expires_at: Time,
        moved: &mut Moved,
    ) -> Option<Outcome> {
        let fits = ascending(seats)
            && seats.iter().all(|seat| self.free.has(*seat))
            && self.holds.of_session(session).is_none()
            && self.holds.get(hold).is_none();
        if !fits {
            return None;
        }
        self.take(seats, moved);
        self.holds.insert(Hold {
            id: hold,
            session,
            seats: seats.into(),
            expires_at,
            state: HoldState::Held,
            attempts: 0,
            pinned_until: None,
        });
        let ticket = self.no_longer_waits(session, moved);
        Some(Outcome::Held { hold, session, ticket })
    }

    /// Guard: the hold stands and is not being paid; at least one seat, all different, each free or
    /// the hold's own. An offered hold is one that is not being paid, here and for its release.
    fn seats_changed(&mut self, id: HoldId, seats: &[Seat], moved: &mut Moved) -> Option<Outcome> {
        let hold = self.holds.get(id).filter(|hold| hold.state != HoldState::Paying)?;
        let own = |seat: &Seat| hold.seats.binary_search(seat).is_ok();
        if !ascending(seats) || !seats.iter().all(|seat| self.free.has(*seat) || own(seat)) {
            return None;
        }
        let session = hold.session;
        let taken: Vec<Seat> = seats.iter().copied().filter(|seat| !own(seat)).collect();
        let given: Vec<Seat> =
            hold.seats.iter().copied().filter(|seat| seats.binary_search(seat).is_err()).collect();
        self.take(&taken, moved);
        self.give_back(&given, moved);
        self.holds.change(id, |hold| hold.seats = seats.into());
        Some(Outcome::Changed { hold: id, session })
    }

    /// Guard: the hold stands and is not being paid.
    fn hold_released(&mut self, id: HoldId, moved: &mut Moved) -> Option<Outcome> {
        self.holds.get(id).filter(|hold| hold.state != HoldState::Paying)?;
        let hold = self.holds.remove(id)?;
        self.give_back(&hold.seats, moved);
        if hold.state == HoldState::Offered {
            return Some(self.offer_ended(&hold, CloseReason::Declined));
        }
        Some(Outcome::Released { hold: id, session: hold.session })
    }

    /// Guard: the hold stands, and its end (deadline plus buffer, or pin) has come.
    fn hold_lapsed(&mut self, id: HoldId, now: Time, moved: &mut Moved) -> Option<Outcome> {
        let grace_ms = self.definition.policy.grace_ms;
        self.holds.get(id).filter(|hold| hold.frees_at(grace_ms) <= now)?;
        let hold = self.holds.remove(id)?;
        self.give_back(&hold.seats, moved);
        self.lapsed.insert(id, hold.session, now);
        if hold.state == HoldState::Offered {
            return Some(self.offer_ended(&hold, CloseReason::Lapsed));
        }
        Some(Outcome::Lapsed { hold: id, session: hold.session })
    }

    /// Guard: the hold stands, is not being paid, this is its next attempt, and it has the seats that
    /// are named, if any are. An offer is accepted first.
    fn payment_begun(
        &mut self,
        id: HoldId,
        attempt: u32,
        pinned_until: Time,
        seats: Option<&[Seat]>,
    ) -> Option<Outcome> {
        let next = |hold: &&Hold| {
            hold.state == HoldState::Held
                && hold.attempts.checked_add(1) == Some(attempt)
                && seats.is_none_or(|seats| *seats == *hold.seats)
        };
        let session = self.holds.get(id).filter(next)?.session;
        self.holds.change(id, |hold| {
            hold.state = HoldState::Paying;
            hold.attempts = attempt;
            hold.pinned_until.get_or_insert(pinned_until);
        });
        Some(Outcome::PaymentBegun { hold: id, session })
    }

    /// Guard: the hold stands and this attempt is under way.
    fn payment_declined(&mut self, id: HoldId, attempt: u32) -> Option<Outcome> {
        let session = self.paying(id, attempt)?.session;
        self.holds.change(id, |hold| hold.state = HoldState::Held);
        Some(Outcome::PaymentDeclined { hold: id, session })
    }

    /// Guard: the hold stands and this attempt is under way; the order's name is new.
    fn seats_sold(
        &mut self,
        sale: &Sale,
        head: Head,
        now: Time,
        moved: &mut Moved,
    ) -> Option<Outcome> {
        self.paying(sale.hold, sale.attempt)?;
        if self.orders.get(sale.order).is_some() {
            return None;
        }
        let hold = self.holds.remove(sale.hold)?;
        for seat in &hold.seats {
            self.held.remove(*seat);
            self.sold.insert(*seat);
            moved.was(*seat, SeatState::Held);
            moved.gone.push(*seat);
        }
        self.orders.insert(Order {
            id: sale.order,
            hold: sale.hold,
            session: hold.session,
            key: sale.key.clone(),
            seats: hold.seats,
            total: sale.total,
            bought_at: now,
            payment: sale.payment.clone(),
            customer: sale.customer.clone(),
            head,
        });
        self.leaves_the_waiting_room(hold.session);
        Some(Outcome::Sold { order: sale.order, session: hold.session })
    }

    /// Guard: at least one seat, all different, each free or blocked already.
    fn seats_blocked(&mut self, seats: &[Seat], moved: &mut Moved) -> Option<Outcome> {
        self.can_be_blocked(seats).then_some(())?;
        for seat in seats.iter().filter(|seat| self.free.has(**seat)) {
            moved.was(*seat, SeatState::Available);
            moved.gone.push(*seat);
        }
        for seat in seats {
            self.free.remove(*seat);
            self.blocked.insert(*seat);
        }
        Some(Outcome::Blocking)
    }

    /// Guard: at least one seat, all different, each blocked or free already.
    fn seats_unblocked(&mut self, seats: &[Seat], moved: &mut Moved) -> Option<Outcome> {
        self.can_be_blocked(seats).then_some(())?;
        for seat in seats.iter().filter(|seat| self.blocked.has(**seat)) {
            moved.was(*seat, SeatState::Blocked);
            moved.regained.push(*seat);
            moved.freed.push(*seat);
        }
        for seat in seats {
            self.blocked.remove(*seat);
            self.free.insert(*seat);
        }
        Some(Outcome::Blocking)
    }

    fn can_be_blocked(&self, seats: &[Seat]) -> bool {
        ascending(seats) && seats.iter().all(|seat| self.free.has(*seat) || self.blocked.has(*seat))
    }

    fn paying(&self, id: HoldId, attempt: u32) -> Option<&Hold> {
        let under_way = |hold: &&Hold| hold.state == HoldState::Paying && hold.attempts == attempt;
        self.holds.get(id).filter(under_way)
    }

    fn take(&mut self, seats: &[Seat], moved: &mut Moved) {
        for seat in seats {
            self.free.remove(*seat);
            self.held.insert(*seat);
            moved.was(*seat, SeatState::Available);
        }
    }

    pub(super) fn give_back(&mut self, seats: &[Seat], moved: &mut Moved) {
        for seat in seats {
            self.held.remove(*seat);
            self.free.insert(*seat);
            moved.was(*seat, SeatState::Held);
            moved.freed.push(*seat);
        }
    }
}

/// At least one seat, each after the one before: so all are different.
fn ascending(seats: &[Seat]) -> bool {
    !seats.is_empty() && seats.is_sorted_by(|a, b| a < b)
}

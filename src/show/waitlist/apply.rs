//! What entries do to the waitlist: the guards of its own kinds, and who gets what came free.

use std::collections::BTreeSet;

use crate::hall::Seat;

use super::super::apply::Outcome;
use super::super::hold::{Hold, HoldState};
use super::super::{Head, HoldId, SeatState, Show, TicketId, Time};
use super::{CloseReason, House, Joining, Kind, Ticket};

/// What one entry moved, noted while it is applied.
#[derive(Debug, Default)]
pub(in crate::show) struct Moved {
    /// Seats that may have changed, each with what it was; the first note of a seat counts.
    before: Vec<(Seat, SeatState)>,
    /// Seats that came free.
    pub(in crate::show) freed: Vec<Seat>,
    /// Seats that were sold or blocked.
    pub(in crate::show) gone: Vec<Seat>,
    /// Seats that were blocked and are no longer.
    pub(in crate::show) regained: Vec<Seat>,
    /// Tickets that are to look at the whole house.
    looking: BTreeSet<u64>,
}

impl Moved {
    /// Notes what a seat was before it changed.
    pub(in crate::show) fn was(&mut self, seat: Seat, state: SeatState) {
        self.before.push((seat, state));
    }
}

impl Show {
    /// The seats that came free go to those who wait; then, what became of all that moved.
    pub(in crate::show) fn settle(
        &mut self,
        mut moved: Moved,
        changes: &mut Vec<super::super::SeatChange>,
    ) {
        if !self.queue.nobody_waits() {
            self.serve_queue(&mut moved);
        }
        let Moved { mut before, .. } = moved;
        before.sort_by_key(|(seat, _)| *seat);
        before.dedup_by_key(|(seat, _)| *seat);
        for (seat, was) in before {
            let is = self.seat_state(seat);
            if is != was {
                changes.push((seat, is));
            }
        }
    }

    fn serve_queue(&mut self, moved: &mut Moved) {
        let mut house = House {
            floor: &self.floor,
            free: &mut self.free,
            sold: &self.sold,
            blocked: &self.blocked,
        };
        if !moved.regained.is_empty() {
            self.queue.regained(&house, &mut moved.looking);
        }
        if !moved.gone.is_empty() {
            self.queue.lost(&moved.gone, &house, &mut moved.looking);
            moved.looking.extend(self.queue.broken_by(&moved.gone, &house));
        }
        let freed = std::mem::take(&mut moved.freed);
        let looking = std::mem::take(&mut moved.looking);
        let mut kept = Vec::new();
        self.queue.serve(&mut house, freed, looking, &mut kept);
        for (seat, was_free) in kept {
            moved.was(seat, if was_free { SeatState::Available } else { SeatState::Held });
        }
    }

    /// Seats kept for a ticket come free.
    fn let_go(&mut self, seats: Vec<Seat>, moved: &mut Moved) {
        for seat in seats {
            moved.was(seat, SeatState::Held);
            self.free.insert(seat);
            moved.freed.push(seat);
        }
    }

    /// Guard: at least one seat is wanted; the session neither holds nor waits; the name is new.
    pub(in crate::show) fn ticket_taken(
        &mut self,
        joining: &Joining,
        head: Head,
        now: Time,
        moved: &mut Moved,
    ) -> Option<Outcome> {
        let Joining { ticket, session, until, ref wish } = *joining;
        let fits = wish.quantity > 0
            && self.holds.of_session(session).is_none()
            && self.queue.of_session(session).is_none()
            && self.queue.get(ticket).is_none();
        if !fits {
            return None;
        }
        let taken = Ticket {
            id: ticket,
            session,
            wish: wish.clone().in_order(),
            since: now,
            until,
            head,
            offer: None,
            kept: Vec::new(),
            run: None,
            ordinal: 0,
        };
        let house = House {
            floor: &self.floor,
            free: &mut self.free,
            sold: &self.sold,
            blocked: &self.blocked,
        };
        let wish = taken.wish.clone();
        self.queue.join(taken, &house);
        // One of its kind for whom nothing is kept has looked before it, may have more than it, and
        // found nothing.
        let blank = self.queue.kinds.get(&wish).and_then(|kind| kind.blank.first());
        if blank == Some(&head.seq) {
            moved.looking.insert(head.seq);
        }
        self.leaves_the_waiting_room(session);
        Some(Outcome::Joined { ticket, session })
    }

    /// Guard: the ticket has no offer, and need not part first; these are the seats kept for it, and
    /// as many as its party; its session holds nothing; the hold's name is new.
    pub(in crate::show) fn seats_offered(
        &mut self,
        id: TicketId,
        hold: HoldId,
        seats: &[Seat],
        expires_at: Time,
    ) -> Option<Outcome> {
        let ticket = self.queue.get(id).filter(|ticket| ticket.offer.is_none())?;
        let (turn, session) = (ticket.head.seq, ticket.session);
        let fits = !ticket.lacks()
            && !self.may_part(ticket)
            && ticket.kept == seats
            && self.holds.get(hold).is_none()
            && self.holds.of_session(session).is_none();
        if !fits {
            return None;
        }
        for seat in self.queue.end_waiting(turn) {
            self.held.insert(seat);
        }
        self.queue.offer(turn, hold);
        self.holds.insert(Hold {
            id: hold,
            session,
            seats: seats.into(),
            expires_at,
            state: HoldState::Offered,
            attempts: 0,
            pinned_until: None,
        });
        Some(Outcome::Offered { ticket: id, hold, session })
    }

    /// Guard: the hold stands and is an offer.
    pub(in crate::show) fn offer_accepted(
        &mut self,
        id: HoldId,
        expires_at: Time,
    ) -> Option<Outcome> {
        let hold = self.holds.get(id).filter(|hold| hold.state == HoldState::Offered)?;
        let session = hold.session;
        let turn = self.queue.of_offer(id)?.head.seq;
        let (ticket, _) = self.queue.close(turn)?;
        self.holds.change(id, |hold| {
            hold.state = HoldState::Held;
            hold.expires_at = expires_at;
        });
        Some(Outcome::Accepted { ticket: ticket.id, hold: id, session })
    }

    /// An offer ends with its hold, which is gone already: its ticket closes.
    pub(in crate::show) fn offer_ended(&mut self, hold: &Hold, reason: CloseReason) -> Outcome {
        let turn = self.queue.of_offer(hold.id).map(|ticket| ticket.head.seq);
        match turn.and_then(|turn| self.queue.close(turn)) {
            Some((ticket, _)) => {
                Outcome::Closed { ticket: ticket.id, session: hold.session, reason }
            }
            // An offer without a ticket cannot be; should it be, it ends like a hold.
            None => Outcome::Released { hold: hold.id, session: hold.session },
        }
    }

    /// Guard: the ticket has no offer, wants to sit together, never can, but could apart.
    pub(in crate::show) fn ticket_parted(
        &mut self,
        id: TicketId,
        moved: &mut Moved,
    ) -> Option<Outcome> {
        let ticket = self.queue.get(id).filter(|ticket| self.may_part(ticket))?;
        let (turn, session) = (ticket.head.seq, ticket.session);
        let house = House {
            floor: &self.floor,
            free: &mut self.free,
            sold: &self.sold,
            blocked: &self.blocked,
        };
        self.queue.part(turn, &house);
        moved.looking.insert(turn);
        Some(Outcome::Parted { ticket: id, session })
    }

    /// Guard: the ticket is open, and the reason is true: too few unsold seats of its wish, its time
    /// is up, the show has begun; each only without an offer. Its owner declines an offer where there
    /// is one, and may leave in any case; an offer is given back with either.
    pub(in crate::show) fn ticket_closed(
        &mut self,
        id: TicketId,
        reason: CloseReason,
        now: Time,
        moved: &mut Moved,
    ) -> Option<Outcome> {
        let ticket = self.queue.get(id)?;
        let (turn, session, offer) = (ticket.head.seq, ticket.session, ticket.offer);
        if !self.may_close(ticket, reason, now) {
            return None;
        }
        let (_, seats) = self.queue.close(turn)?;
        self.let_go(seats, moved);
        if let Some(hold) = offer.and_then(|hold| self.holds.remove(hold)) {
            self.give_back(&hold.seats, moved);
        }
        Some(Outcome::Closed { ticket: id, session, reason })
    }

    /// Whether a reason to close a ticket is true.
    pub(super) fn may_close(&self, ticket: &Ticket, reason: CloseReason, now: Time) -> bool {
        let waits = ticket.offer.is_none();
        match reason {
            CloseReason::SoldOut => {
                let kind = self.queue.kinds.get(&ticket.wish);
                waits && kind.is_some_and(Kind::is_sold_out)
            }
            CloseReason::Timeout => waits && ticket.until <= now,
            CloseReason::ShowOver => waits && self.definition.starts_at <= now,
            CloseReason::Left => true,
            CloseReason::Declined => !waits,
            CloseReason::Lapsed | CloseReason::Accepted => false,
        }
    }

    /// Whether a ticket must go on as one that may sit apart.
    pub(super) fn may_part(&self, ticket: &Ticket) -> bool {
        let kind = self.queue.kinds.get(&ticket.wish);
        ticket.offer.is_none() && kind.is_some_and(Kind::must_part)
    }

    /// A session was given a hold while it waited: two nodes were asked at once. It has what it came
    /// for. The answer is the ticket it had.
    pub(in crate::show) fn no_longer_waits(
        &mut self,
        session: super::super::SessionId,
        moved: &mut Moved,
    ) -> Option<TicketId> {
        let turn = self.queue.of_session(session)?.head.seq;
        let (ticket, seats) = self.queue.close(turn)?;
        self.let_go(seats, moved);
        Some(ticket.id)
    }
}

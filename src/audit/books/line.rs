//! Those who wait, in the books: who stands where, which seats the show keeps for whom, and that
//! nobody is passed over.
//!
//! How the show shares out what comes free is not repeated here. It is asked after every entry what
//! it keeps for whom, and held to what was promised: nothing is free, or kept for one further
//! behind, with which somebody in front of them could be seated.

use std::collections::{BTreeMap, BTreeSet};

use crate::hall::{Floor, Seat, SeatSet};
use crate::show::{
    CloseReason, Fact, HoldId, Joining, SeatState, SessionId, Show, TicketId, Time, Wish,
    can_ever_sit_together,
};

use super::super::{Replay, Tally};
use super::{Books, Place, Standing, state};

/// Everybody who waits.
#[derive(Default)]
pub(super) struct Line {
    /// In the order they came: by the entry that took the ticket.
    tickets: BTreeMap<u64, Waiting>,
    /// What the show kept for whom after the last entry.
    kept: BTreeMap<Seat, TicketId>,
}

/// One who waits.
pub(super) struct Waiting {
    id: TicketId,
    session: SessionId,
    wish: Wish,
    until: Time,
    offer: Option<HoldId>,
}

impl Line {
    pub(super) fn keeps(&self, seat: Seat) -> Option<TicketId> {
        self.kept.get(&seat).copied()
    }

    pub(super) fn has_session(&self, session: SessionId) -> bool {
        self.tickets.values().any(|waiting| waiting.session == session)
    }

    fn find(&self, id: TicketId) -> Option<(u64, &Waiting)> {
        let found = self.tickets.iter().find(|(_, waiting)| waiting.id == id);
        found.map(|(turn, waiting)| (*turn, waiting))
    }

    fn kept_for(&self, id: TicketId) -> Vec<Seat> {
        self.kept.iter().filter(|(_, own)| **own == id).map(|(seat, _)| *seat).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.tickets.len()
    }

    pub(super) fn join(&mut self, turn: u64, joining: &Joining) {
        let waiting = Waiting {
            id: joining.ticket,
            session: joining.session,
            wish: joining.wish.clone(),
            until: joining.until,
            offer: None,
        };
        self.tickets.insert(turn, waiting);
    }

    pub(super) fn offer(&mut self, ticket: TicketId, hold: HoldId) -> Option<SessionId> {
        let waiting = self.tickets.values_mut().find(|waiting| waiting.id == ticket)?;
        waiting.offer = Some(hold);
        Some(waiting.session)
    }

    pub(super) fn part(&mut self, ticket: TicketId) {
        if let Some(waiting) = self.tickets.values_mut().find(|waiting| waiting.id == ticket) {
            waiting.wish.together = false;
        }
    }

    /// A ticket is closed; the answer is its offer.
    pub(super) fn close(&mut self, ticket: TicketId) -> Option<HoldId> {
        let turn = self.find(ticket)?.0;
        self.tickets.remove(&turn)?.offer
    }

    pub(super) fn close_of_session(&mut self, session: SessionId) {
        self.tickets.retain(|_, waiting| waiting.session != session);
    }

    pub(super) fn close_of_offer(&mut self, hold: HoldId) {
        self.tickets.retain(|_, waiting| waiting.offer != Some(hold));
    }
}

impl Books {
    /// Whether a session may take a ticket.
    pub(super) fn may_join(&self, joining: &Joining) -> Result<(), String> {
        let Joining { ticket, session, .. } = joining;
        if joining.wish.quantity == 0 {
            return Err("nobody waits for no seats".to_owned());
        }
        if self.sessions.contains(session) {
            return Err(format!("session {session} has a hold already"));
        }
        if self.line.has_session(*session) || self.line.find(*ticket).is_some() {
            return Err(format!("session {session} waits already, or as {ticket}"));
        }
        Ok(())
    }

    /// Whether seats may be offered to a ticket: all those that are kept for it, its whole party.
    pub(super) fn may_offer(
        &self,
        ticket: TicketId,
        hold: HoldId,
        seats: &[Seat],
    ) -> Result<(), String> {
        let waiting = self.waits(ticket)?;
        if self.line.kept_for(ticket) != seats
            || seats.len() as u64 != u64::from(waiting.wish.quantity)
        {
            return Err(format!("these are not all the seats of ticket {ticket}'s party"));
        }
        if self.holds.contains_key(&hold) || self.sessions.contains(&waiting.session) {
            return Err(format!("hold {hold}, or one of its session, stands already"));
        }
        Ok(())
    }

    /// Whether a party that wants to sit together must go on apart.
    pub(super) fn may_part(&self, ticket: TicketId, floor: &Floor) -> Result<(), String> {
        let wish = &self.waits(ticket)?.wish;
        let unsold = self.unsold(floor);
        if !wish.together || self.left_for(wish, floor) < wish.quantity {
            return Err(format!("ticket {ticket} has nobody to part"));
        }
        if can_ever_sit_together(floor, &unsold, wish) {
            return Err(format!("ticket {ticket} could still sit together"));
        }
        Ok(())
    }

    /// Whether a reason to close a ticket is true.
    pub(super) fn may_close(
        &self,
        ticket: TicketId,
        reason: CloseReason,
        floor: &Floor,
    ) -> Result<(), String> {
        let open = self.line.find(ticket);
        let (_, open) = open.ok_or_else(|| format!("ticket {ticket} is not open"))?;
        let waits = open.offer.is_none();
        let is_true = match reason {
            CloseReason::Left => true,
            CloseReason::SoldOut => waits && self.left_for(&open.wish, floor) < open.wish.quantity,
            CloseReason::Timeout => waits && self.time >= open.until,
            CloseReason::ShowOver => waits && self.time >= self.definition.starts_at,
            CloseReason::Declined => !waits,
            CloseReason::Lapsed | CloseReason::Accepted => false,
        };
        let word = reason.word();
        if is_true { Ok(()) } else { Err(format!("it is not true of ticket {ticket}: {word}")) }
    }

    fn waits(&self, ticket: TicketId) -> Result<&Waiting, String> {
        let found = self.line.find(ticket).map(|(_, waiting)| waiting);
        let waits = found.filter(|waiting| waiting.offer.is_none());
        waits.ok_or_else(|| format!("ticket {ticket} does not wait"))
    }

    fn unsold(&self, floor: &Floor) -> SeatSet {
        let mut unsold = SeatSet::empty(floor.seats());
        for (seat, place) in self.places.iter().enumerate() {
            if matches!(place, Place::Free | Place::Held(_)) {
                unsold.insert(Seat(seat as u32));
            }
        }
        unsold
    }

    /// How many seats of a wish are neither sold nor blocked.
    fn left_for(&self, wish: &Wish, floor: &Floor) -> u32 {
        let unsold = self.unsold(floor);
        wish.mask(floor).map_or_else(|| unsold.count(), |mask| mask.count_and(&unsold))
    }

    /// What everybody may see of a seat.
    pub(super) fn seen(&self, seat: Seat) -> SeatState {
        match self.places[seat.0 as usize] {
            Place::Free if self.line.kept.contains_key(&seat) => SeatState::Held,
            place => state(place),
        }
    }

    /// Takes over what the show keeps for whom, and judges it. The answer is the seats that were
    /// kept before or are now.
    pub(super) fn keep(&mut self, replay: &Replay, tally: &mut Tally) -> Result<Vec<Seat>, String> {
        if self.line.tickets.is_empty() && self.line.kept.is_empty() {
            return Ok(Vec::new());
        }
        let mut touched: Vec<Seat> = self.line.kept.keys().copied().collect();
        self.line.kept.clear();
        let mut open = self.line.tickets.iter();
        for ticket in replay.show().tickets() {
            let Some((turn, waiting)) = open.next() else {
                return Err("the show has tickets that nobody took".to_owned());
            };
            if (*turn, waiting.id) != (ticket.head.seq, ticket.id) {
                return Err(format!("ticket {} is not where it stood in line", ticket.id));
            }
            if ticket.kept().len() as u64 > u64::from(waiting.wish.quantity) {
                return Err(format!("more is kept for ticket {} than its party", ticket.id));
            }
            for seat in ticket.kept() {
                let is_free = matches!(self.places.get(seat.0 as usize), Some(Place::Free));
                if !is_free || self.line.kept.insert(*seat, ticket.id).is_some() {
                    return Err(format!("seat {} cannot be kept for ticket {}", seat.0, ticket.id));
                }
                touched.push(*seat);
            }
        }
        if open.next().is_some() {
            return Err("the show has forgotten a ticket".to_owned());
        }
        self.nobody_is_passed_over(replay.show(), replay.floor())?;
        tally.looked_down_the_line += 1;
        Ok(touched)
    }

    /// Of each wish the first who lacks seats: there is nothing, free or kept for one behind, with
    /// which they could be seated, or come nearer to it.
    pub(super) fn nobody_is_passed_over(&self, show: &Show, floor: &Floor) -> Result<(), String> {
        let mut wishes: BTreeSet<&Wish> = BTreeSet::new();
        let mut reach = show.free().clone();
        reach.insert_all(show.kept());
        // Down the line: what is kept for those in front is out of reach for those behind.
        for waiting in self.line.tickets.values().filter(|waiting| waiting.offer.is_none()) {
            let kept = show.ticket(waiting.id).map_or(&[][..], |ticket| ticket.kept());
            let wish = &waiting.wish;
            let lacks = (kept.len() as u64) < u64::from(wish.quantity);
            if lacks && wishes.insert(wish) {
                let passed_over = if wish.together {
                    can_ever_sit_together(floor, &reach, wish)
                } else {
                    let mut more = wish.mask(floor).unwrap_or_else(|| SeatSet::full(floor.seats()));
                    more.keep_only(&reach);
                    kept.iter().for_each(|seat| more.remove(*seat));
                    !more.is_empty()
                };
                if passed_over {
                    return Err(format!("ticket {} is passed over", waiting.id));
                }
            }
            kept.iter().for_each(|seat| reach.remove(*seat));
        }
        Ok(())
    }

    /// Makes the change that a fact of the waitlist is, and says which seats it touched.
    pub(super) fn change_the_line(
        &mut self,
        fact: &Fact,
        seq: u64,
        tally: &mut Tally,
    ) -> Vec<Seat> {
        match fact {
            Fact::TicketTaken(joining) => {
                tally.joins += 1;
                self.line.join(seq, joining);
                Vec::new()
            }
            Fact::SeatsOffered { ticket, hold, seats, expires_at } => {
                tally.offers += 1;
                self.offer(*ticket, *hold, seats, *expires_at)
            }
            Fact::OfferAccepted { hold, expires_at } => {
                tally.accepted += 1;
                self.line.close_of_offer(*hold);
                if let Some(standing) = self.holds.get_mut(hold) {
                    (standing.offered, standing.expires_at) = (false, *expires_at);
                }
                Vec::new()
            }
            Fact::TicketParted { ticket } => {
                self.line.part(*ticket);
                Vec::new()
            }
            Fact::TicketClosed { ticket, reason } => {
                match reason {
                    CloseReason::Left => {}
                    CloseReason::Declined => tally.releases += 1,
                    _ => tally.dismissed += 1,
                }
                let offer = self.line.close(*ticket);
                offer.map_or_else(Vec::new, |hold| self.end(hold, Place::Free))
            }
            _ => Vec::new(),
        }
    }

    /// A ticket's seats become a hold of its own kind.
    fn offer(
        &mut self,
        ticket: TicketId,
        hold: HoldId,
        seats: &[Seat],
        expires_at: Time,
    ) -> Vec<Seat> {
        let Some(session) = self.line.offer(ticket, hold) else { return Vec::new() };
        self.sessions.insert(session);
        let standing = Standing {
            session,
            seats: seats.to_vec(),
            expires_at,
            pinned_until: None,
            attempts: 0,
            paying: false,
            offered: true,
        };
        self.holds.insert(hold, standing);
        self.put(seats, Place::Held(hold))
    }
}

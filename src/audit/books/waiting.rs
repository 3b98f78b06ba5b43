//! What may become of those who wait, in the books: the promises behind the waitlist's own entries,
//! and the changes that they are.

use crate::hall::{Floor, Seat, SeatSet};
use crate::show::{CloseReason, Fact, HoldId, Joining, TicketId, can_ever_sit_together};

use super::super::{Replay, Tally};
use super::line::{Waiting, Wanted};
use super::{Books, Place, Standing};

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

    /// Whether seats may be offered to a ticket: all those that are kept for it, its whole party, and
    /// nobody in front wants them.
    pub(super) fn may_offer(
        &self,
        ticket: TicketId,
        hold: HoldId,
        seats: &[Seat],
        floor: &Floor,
    ) -> Result<(), String> {
        let (turn, waiting) = self.waits(ticket)?;
        if waiting.kept != seats || seats.len() as u64 != u64::from(waiting.wish.quantity) {
            return Err(format!("these are not all the seats of ticket {ticket}'s party"));
        }
        let mut own = SeatSet::empty(floor.seats());
        seats.iter().for_each(|seat| own.insert(*seat));
        if waiting.wish.together && !can_ever_sit_together(floor, &own, &waiting.wish) {
            return Err(format!("ticket {ticket} wants to sit together, and these are apart"));
        }
        if let Some(first) = self.line.first_who_wants(seats, turn, floor) {
            let first = self.line.name_of(first);
            return Err(format!(
                "ticket {ticket} is offered seats out of turn: {first} is before it"
            ));
        }
        if self.holds.contains_key(&hold) || self.sessions.contains(&waiting.session()) {
            return Err(format!("hold {hold}, or one of its session, stands already"));
        }
        Ok(())
    }

    /// Whether a party that wants to sit together must go on apart.
    pub(super) fn may_part(&self, ticket: TicketId) -> Result<(), String> {
        let (_, waiting) = self.waits(ticket)?;
        match self.line.wanted.get(&waiting.wish) {
            Some(wanted) if wanted.is_parted(&waiting.wish) => Ok(()),
            Some(_) if !waiting.wish.together => Err(format!("ticket {ticket} has nobody to part")),
            _ => Err(format!("ticket {ticket} could still sit together, or not at all")),
        }
    }

    /// Whether a reason to close a ticket is true.
    pub(super) fn may_close(&self, ticket: TicketId, reason: CloseReason) -> Result<(), String> {
        let open = self.line.find(ticket);
        let (_, open) = open.ok_or_else(|| format!("ticket {ticket} is not open"))?;
        let waits = open.offer.is_none();
        let sold_out = |wanted: &Wanted| wanted.is_sold_out(&open.wish);
        let is_true = match reason {
            CloseReason::Left => true,
            CloseReason::SoldOut => waits && self.line.wanted.get(&open.wish).is_some_and(sold_out),
            CloseReason::Timeout => waits && self.time >= open.until(),
            CloseReason::ShowOver => waits && self.time >= self.definition.starts_at,
            CloseReason::Declined => !waits,
            CloseReason::Lapsed | CloseReason::Accepted => false,
        };
        if is_true { Ok(()) } else { Err(format!("ticket {ticket} has no reason to close")) }
    }

    fn waits(&self, ticket: TicketId) -> Result<(u64, &Waiting), String> {
        let found = self.line.find(ticket);
        let waits = found.filter(|(_, waiting)| waiting.offer.is_none());
        waits.ok_or_else(|| format!("ticket {ticket} does not wait"))
    }

    /// Takes over what the show keeps for whom after an entry that touched these seats, and judges it.
    /// The answer is the seats that may look another way to everybody.
    pub(super) fn keep(
        &mut self,
        mut touched: Vec<Seat>,
        replay: &Replay,
        tally: &mut Tally,
    ) -> Result<Vec<Seat>, String> {
        let floor = replay.floor();
        let somebody_waits = self.line.len() > 0;
        self.line.take_over(replay.show(), self.time, &mut touched)?;
        touched.sort_unstable();
        touched.dedup();
        let mut moved = Vec::new();
        for seat in &touched {
            let place = self.places.get(seat.0 as usize).ok_or("it touched no seat of the hall")?;
            let is_free = matches!(place, Place::Free);
            moved.extend(self.line.reach.note(*seat, is_free)?);
            let is_unsold = is_free || matches!(place, Place::Held(_));
            self.line.note_unsold(*seat, is_unsold, self.time, floor);
        }
        self.line.nobody_is_passed_over(&moved, floor)?;
        tally.looked_down_the_line += u64::from(somebody_waits);
        Ok(touched)
    }

    /// Makes the change that a fact of the waitlist is, and says which seats it touched.
    pub(super) fn change_the_line(
        &mut self,
        fact: &Fact,
        seq: u64,
        floor: &Floor,
        tally: &mut Tally,
    ) -> Vec<Seat> {
        let now = self.time;
        match fact {
            Fact::TicketTaken(joining) => {
                tally.joins += 1;
                self.line.join(seq, joining, now, floor);
                Vec::new()
            }
            Fact::SeatsOffered { ticket, hold, seats, expires_at } => {
                tally.offers += 1;
                let Some(session) = self.line.offer(*ticket, *hold, now) else { return Vec::new() };
                self.sessions.insert(session);
                let standing = Standing {
                    session,
                    seats: seats.to_vec(),
                    expires_at: *expires_at,
                    pinned_until: None,
                    attempts: 0,
                    paying: false,
                    offered: true,
                };
                self.holds.insert(*hold, standing);
                self.put(seats, Place::Held(*hold))
            }
            Fact::OfferAccepted { hold, expires_at } => {
                tally.accepted += 1;
                self.line.close_of_offer(*hold, now);
                if let Some(standing) = self.holds.get_mut(hold) {
                    (standing.offered, standing.expires_at) = (false, *expires_at);
                }
                Vec::new()
            }
            Fact::TicketParted { ticket } => {
                self.line.part(*ticket, now, floor);
                Vec::new()
            }
            Fact::TicketClosed { ticket, reason } => {
                match reason {
                    CloseReason::Left => {}
                    CloseReason::Declined => tally.releases += 1,
                    _ => tally.dismissed += 1,
                }
                let kept = self.line.find(*ticket).map(|(_, own)| own.kept.clone());
                let mut touched = kept.unwrap_or_default();
                let offer = self.line.close(*ticket, now);
                touched.extend(offer.map_or_else(Vec::new, |hold| self.end(hold, Place::Free)));
                touched
            }
            _ => Vec::new(),
        }
    }
}

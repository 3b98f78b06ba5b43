//! What may be asked of the waitlist, and what is answered; the ladder is the protocol's.

use uuid::Uuid;

use crate::hall::SeatSet;

use super::super::asked::Asked;
use super::super::best::{best_seats, can_ever_sit_together, count_of_wish};
use super::super::entry::{Entry, Fact};
use super::super::hold::{Hold, HoldState};
use super::super::propose::Proposal;
use super::super::{HoldId, Orphans, Refusal, SessionId, Show, TicketId, Time, Wish};
use super::{CloseReason, Joining};

impl Show {
    /// A place in line, where the party cannot be seated now but could still be.
    pub(in crate::show) fn joining(
        &self,
        session: SessionId,
        wish: &Wish,
        asked: &Asked,
        now: Time,
        fresh: Uuid,
    ) -> Result<Proposal, Refusal> {
        self.may_hold(session, now)?;
        self.fits_a_party(wish)?;
        let Some(need) = self.need_to_wait(wish, asked) else {
            return Ok(Proposal::AskAgain);
        };
        need?;
        let joining = Joining {
            ticket: TicketId(fresh),
            session,
            until: now.plus_ms(self.definition.policy.wait_ms),
            wish: wish.clone().in_normal_form(&self.floor),
        };
        Ok(one(now, Fact::TicketTaken(Box::new(joining))))
    }

    /// Whether there is any need to wait for `wish`, and any hope; none where that hangs on what this
    /// batch asked for: whoever came before in the same turn may take what is free, have it kept for
    /// them, or buy what was hoped for.
    ///
    /// What those before give back does not count: who joins because it comes a moment later is
    /// offered it in the same turn.
    fn need_to_wait(&self, wish: &Wish, asked: &Asked) -> Option<Result<(), Refusal>> {
        let mut hoped = self.free.clone();
        hoped.insert_all(&self.held);
        hoped.insert_all(self.kept());
        let (mut free, mut least_hoped) = (self.free.clone(), hoped.clone());
        for taken in [&asked.seats, &asked.waited_for] {
            free.remove_all(taken);
        }
        least_hoped.remove_all(&asked.gone);
        hoped.insert_all(&asked.regained);
        let least = self.judged(wish, &free, &least_hoped);
        // Sets only grow from the least to the most, and so does what can be had: where both come to
        // the same, so does all between.
        let same = (free == self.free && least_hoped == hoped)
            || self.judged(wish, &self.free, &hoped) == least;
        same.then_some(least)
    }

    /// Whether one waits for `wish` where these seats are free, and no others can be hoped for.
    fn judged(&self, wish: &Wish, free: &SeatSet, hoped: &SeatSet) -> Result<(), Refusal> {
        if count_of_wish(&self.floor, hoped, wish) < wish.quantity {
            return Err(Refusal::SoldOut { seats: Vec::new() });
        }
        if wish.together && !can_ever_sit_together(&self.floor, hoped, wish) {
            return Err(Refusal::NotTogether { seats: Vec::new() });
        }
        match best_seats(&self.floor, free, wish, Orphans::Allow) {
            Some(_) => Err(Refusal::SeatsAvailable),
            None => Ok(()),
        }
    }

    pub(in crate::show) fn leaving(&self, session: SessionId, now: Time) -> Proposal {
        match self.queue.of_session(session) {
            Some(ticket) => {
                let reason = CloseReason::Left;
                one(now, Fact::TicketClosed { ticket: ticket.id, reason })
            }
            None => Proposal::AlreadySo,
        }
    }

    pub(in crate::show) fn accepting(
        &self,
        session: SessionId,
        now: Time,
    ) -> Result<Proposal, Refusal> {
        let hold = self.offer_to(session, now)?;
        Ok(one(now, self.acceptance(hold.id, now)))
    }

    pub(in crate::show) fn acceptance(&self, hold: HoldId, now: Time) -> Fact {
        let expires_at = now.plus_ms(self.definition.policy.hold_ms);
        Fact::OfferAccepted { hold, expires_at }
    }

    pub(in crate::show) fn declining(
        &self,
        session: SessionId,
        now: Time,
    ) -> Result<Proposal, Refusal> {
        let hold = self.offer_to(session, now)?;
        let ticket = self.queue.of_offer(hold.id).ok_or(Refusal::NoOffer)?;
        // Not the release of its hold: an acceptance may come before it in the log, by another node,
        // and what was accepted is not given back by a decline.
        Ok(one(now, Fact::TicketClosed { ticket: ticket.id, reason: CloseReason::Declined }))
    }

    fn offer_to(&self, session: SessionId, now: Time) -> Result<&Hold, Refusal> {
        let hold = self.holds.of_session(session);
        let hold = hold.filter(|hold| hold.state == HoldState::Offered).ok_or(Refusal::NoOffer)?;
        if hold.frees_at(self.definition.policy.grace_ms) <= now {
            return Err(Refusal::HoldExpired);
        }
        Ok(hold)
    }

    /// The seats kept for a ticket are offered, if its party is whole.
    pub(in crate::show) fn offering(&self, id: TicketId, now: Time, fresh: Uuid) -> Proposal {
        match self.queue.get(id).filter(|ticket| ticket.offer.is_none() && !ticket.lacks()) {
            Some(ticket) => one(
                now,
                Fact::SeatsOffered {
                    ticket: id,
                    hold: HoldId(fresh),
                    seats: ticket.kept.as_slice().into(),
                    expires_at: now.plus_ms(self.definition.policy.offer_ms),
                },
            ),
            None => Proposal::AlreadySo,
        }
    }

    pub(in crate::show) fn parting(&self, ticket: TicketId, now: Time) -> Proposal {
        match self.queue.get(ticket).filter(|own| self.may_part(own)) {
            Some(_) => one(now, Fact::TicketParted { ticket }),
            None => Proposal::AlreadySo,
        }
    }

    pub(in crate::show) fn dismissing(
        &self,
        ticket: TicketId,
        reason: CloseReason,
        now: Time,
    ) -> Proposal {
        match self.queue.get(ticket).filter(|own| self.may_close(own, reason, now)) {
            Some(_) => one(now, Fact::TicketClosed { ticket, reason }),
            None => Proposal::AlreadySo,
        }
    }
}

fn one(now: Time, fact: Fact) -> Proposal {
    Proposal::Append(vec![Entry { time: now, fact }])
}

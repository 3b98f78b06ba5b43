//! What must follow from what was applied: offers, dismissals, parties that must part.
//!
//! Whoever applied the cause proposes these at once; several nodes may, and a repeat is void.

use super::super::{Command, Show, Time};
use super::CloseReason;

impl Show {
    /// Up to `most` commands of the house's own that are due at `now`; none where nobody waits in
    /// vain and every whole party has its offer.
    pub fn follow_ups(&self, now: Time, most: usize) -> Vec<Command> {
        let mut follows: Vec<Command> = self.waiting_room_follows(now).collect();
        follows.extend(self.waitlist_follows(now, most.saturating_sub(follows.len())));
        follows
    }

    fn waitlist_follows(&self, now: Time, most: usize) -> Vec<Command> {
        let queue = &self.queue;
        if queue.nobody_waits() {
            return Vec::new();
        }
        let dismissing = |turn: &u64, reason| {
            queue.tickets.get(turn).map(|ticket| Command::Dismiss { ticket: ticket.id, reason })
        };
        if now >= self.definition.starts_at {
            let waiting = queue.by_until.iter().map(|(_, turn)| turn);
            let over = waiting.filter_map(|turn| dismissing(turn, CloseReason::ShowOver));
            return over.take(most).collect();
        }
        let kinds = || queue.hope.hopeless().filter_map(|wish| queue.kinds.get(wish));
        let sold_out = kinds().filter(|kind| kind.is_sold_out()).flat_map(|kind| &kind.members);
        let sold_out = sold_out.filter_map(|turn| dismissing(turn, CloseReason::SoldOut));
        let parting = kinds().filter(|kind| kind.must_part()).flat_map(|kind| &kind.members);
        let parting = parting.filter_map(|turn| queue.tickets.get(turn));
        let parting = parting.map(|ticket| Command::Part { ticket: ticket.id });
        let whole = queue.whole.iter().filter_map(|turn| queue.tickets.get(turn));
        let offers = whole.filter(|ticket| ticket.until > now && !self.may_part(ticket));
        let offers = offers.map(|ticket| Command::Offer { ticket: ticket.id });
        let late = queue.by_until.iter().take_while(|(until, _)| *until <= now);
        let late = late.filter_map(|(_, turn)| dismissing(turn, CloseReason::Timeout));
        sold_out.chain(late).chain(parting).chain(offers).take(most).collect()
    }

    /// When the next ticket's time is up, or something is due in the waiting room: then there will be
    /// something to follow.
    pub fn next_timeout(&self) -> Option<Time> {
        let ticket = self.queue.by_until.first().map(|(until, _)| *until);
        ticket.into_iter().chain(self.next_in_waiting_room()).min()
    }
}

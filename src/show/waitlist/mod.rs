//! The waitlist: who waits for what, and which seats are kept for whom.
//!
//! Owns the tickets and the rule by which seats that come free go to them ([`serve`]); the seats
//! themselves are the show's. Everything here is worked out again at every replay, so none of it
//! may ever change what it comes to: it is as frozen as a guard.

mod apply;
mod follow;
mod hope;
mod kind;
mod propose;
mod ranks;
mod serve;
#[cfg(test)]
mod tests;
mod ticket;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::hall::{Seat, SeatSet};

use super::codec::{CodecError, Reader, Writer};
use super::{HoldId, SessionId, TicketId, Time, Wish};
pub(super) use apply::Moved;
use hope::Hope;
pub(super) use kind::House;
use kind::{Kind, Places};
use ranks::Ranks;
pub use ticket::{CloseReason, Joining, Ticket};
use ticket::{Run, read_ticket, write_ticket};
pub(super) use ticket::{read_wish, write_wish};

/// All open tickets of a show. They go by their turn, the position of the entry that took them.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    tickets: BTreeMap<u64, Ticket>,
    by_id: BTreeMap<TicketId, u64>,
    by_session: BTreeMap<SessionId, u64>,
    by_offer: BTreeMap<HoldId, u64>,
    /// Those without an offer, by when they end by themselves.
    by_until: BTreeSet<(Time, u64)>,
    /// Those without an offer, by what they want.
    kinds: BTreeMap<Arc<Wish>, Kind>,
    /// When to look at which of them again.
    hope: Hope,
    /// Of each kind the first who lacks seats and the first for whom nothing is kept, with what the
    /// kind allows.
    fronts: BTreeMap<u64, Arc<Places>>,
    /// Those whose party is whole, to be offered.
    whole: BTreeSet<u64>,
    /// The seats kept for tickets, and for which.
    kept: SeatSet,
    owner: BTreeMap<Seat, u64>,
    /// Where parties gather.
    runs: BTreeSet<(Run, u64)>,
    ranks: Ranks,
}

impl Queue {
    pub(super) fn new(seats: u32) -> Self {
        Self {
            tickets: BTreeMap::new(),
            by_id: BTreeMap::new(),
            by_session: BTreeMap::new(),
            by_offer: BTreeMap::new(),
            by_until: BTreeSet::new(),
            kinds: BTreeMap::new(),
            hope: Hope::default(),
            fronts: BTreeMap::new(),
            whole: BTreeSet::new(),
            kept: SeatSet::empty(seats),
            owner: BTreeMap::new(),
            runs: BTreeSet::new(),
            ranks: Ranks::default(),
        }
    }

    /// The seats kept for those who wait.
    pub(super) fn kept(&self) -> &SeatSet {
        &self.kept
    }

    pub(super) fn len(&self) -> usize {
        self.tickets.len()
    }

    /// Whether nobody waits, but perhaps for the answer to an offer.
    pub(super) fn nobody_waits(&self) -> bool {
        self.kinds.is_empty()
    }

    /// The open tickets, the first in line first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Ticket> {
        self.tickets.values()
    }

    pub(super) fn get(&self, id: TicketId) -> Option<&Ticket> {
        self.tickets.get(self.by_id.get(&id)?)
    }

    pub(super) fn of_session(&self, session: SessionId) -> Option<&Ticket> {
        self.tickets.get(self.by_session.get(&session)?)
    }

    pub(super) fn of_offer(&self, hold: HoldId) -> Option<&Ticket> {
        self.tickets.get(self.by_offer.get(&hold)?)
    }

    /// A ticket's place in line: 1 for the first.
    pub(super) fn position(&self, ticket: &Ticket) -> u32 {
        self.ranks.before(ticket.ordinal) + 1
    }

    /// A ticket at the end of the line. Nothing is kept for it yet.
    fn join(&mut self, mut ticket: Ticket, house: &House<'_>) {
        let turn = ticket.head.seq;
        ticket.ordinal = self.ranks.join();
        self.by_id.insert(ticket.id, turn);
        self.by_session.insert(ticket.session, turn);
        match ticket.offer {
            Some(hold) => drop(self.by_offer.insert(hold, turn)),
            None => self.begin_waiting(&ticket, house),
        }
        self.tickets.insert(turn, ticket);
    }

    fn begin_waiting(&mut self, ticket: &Ticket, house: &House<'_>) {
        let turn = ticket.head.seq;
        self.by_until.insert((ticket.until, turn));
        let wish = &ticket.wish;
        if !self.kinds.contains_key(wish) {
            let (wish, mut kind) = (Arc::new(wish.clone()), Kind::new(wish, house));
            self.hope.begin(&wish, &mut kind);
            self.kinds.insert(wish, kind);
        }
        file(&mut self.kinds, &mut self.fronts, wish, |kind| {
            kind.members.insert(turn);
            kind.hungry.insert(turn);
            kind.blank.insert(turn);
        });
    }

    /// A ticket waits no longer for seats: the answer is those that were kept for it.
    fn end_waiting(&mut self, turn: u64) -> Vec<Seat> {
        let seats = self.keep(turn, Vec::new(), None);
        let Some(ticket) = self.tickets.get(&turn) else { return seats };
        self.by_until.remove(&(ticket.until, turn));
        file(&mut self.kinds, &mut self.fronts, &ticket.wish, |kind| {
            kind.members.remove(&turn);
            kind.hungry.remove(&turn);
            kind.blank.remove(&turn);
        });
        if self.kinds.get(&ticket.wish).is_some_and(|kind| kind.members.is_empty())
            && let Some((wish, kind)) = self.kinds.remove_entry(&ticket.wish)
        {
            self.hope.end(&wish, &kind);
        }
        seats
    }

    /// A ticket that no longer waits for seats has them offered.
    fn offer(&mut self, turn: u64, hold: HoldId) {
        if let Some(ticket) = self.tickets.get_mut(&turn) {
            ticket.offer = Some(hold);
            self.by_offer.insert(hold, turn);
        }
    }

    /// A ticket goes on as one that may sit apart, with what was kept for it.
    fn part(&mut self, turn: u64, house: &House<'_>) {
        let seats = self.end_waiting(turn);
        if let Some(mut ticket) = self.tickets.remove(&turn) {
            ticket.wish.together = false;
            self.begin_waiting(&ticket, house);
            self.tickets.insert(turn, ticket);
            self.keep(turn, seats, None);
        }
    }

    /// Removes a ticket; the answer has the seats that were kept for it.
    fn close(&mut self, turn: u64) -> Option<(Ticket, Vec<Seat>)> {
        let waits = self.tickets.get(&turn)?.offer.is_none();
        let seats = if waits { self.end_waiting(turn) } else { Vec::new() };
        let ticket = self.tickets.remove(&turn)?;
        self.by_id.remove(&ticket.id);
        self.by_session.remove(&ticket.session);
        if let Some(hold) = ticket.offer {
            self.by_offer.remove(&hold);
        }
        self.ranks.leave(ticket.ordinal);
        Some((ticket, seats))
    }

    /// Keeps exactly these seats, in this run, for a ticket that waits; the answer is what was kept
    /// before and no longer is. Whoever had them before must have lost them first.
    fn keep(&mut self, turn: u64, seats: Vec<Seat>, run: Option<Run>) -> Vec<Seat> {
        let Some(ticket) = self.tickets.get_mut(&turn) else { return Vec::new() };
        let before = std::mem::replace(&mut ticket.kept, seats);
        let run = run.filter(|_| !ticket.kept.is_empty());
        if ticket.run != run {
            if let Some(old) = std::mem::replace(&mut ticket.run, run) {
                self.runs.remove(&(old, turn));
            }
            self.runs.extend(run.map(|run| (run, turn)));
        }
        let mut given_up = Vec::new();
        for seat in before {
            if ticket.kept.binary_search(&seat).is_err() {
                self.kept.remove(seat);
                self.owner.remove(&seat);
                given_up.push(seat);
            }
        }
        for seat in &ticket.kept {
            self.kept.insert(*seat);
            self.owner.insert(*seat, turn);
        }
        let put = |set: &mut BTreeSet<u64>, is: bool| {
            if is { set.insert(turn) } else { set.remove(&turn) }
        };
        put(&mut self.whole, !ticket.lacks() && !ticket.kept.is_empty());
        file(&mut self.kinds, &mut self.fronts, &ticket.wish, |kind| {
            put(&mut kind.hungry, ticket.lacks());
            put(&mut kind.blank, ticket.kept.is_empty());
        });
        given_up
    }

    /// Writes every open ticket, the first in line first.
    pub(super) fn write(&self, to: &mut Writer) {
        to.number(self.tickets.len() as u64);
        self.tickets.values().for_each(|ticket| write_ticket(ticket, to));
    }

    /// Reads what [`Queue::write`] wrote. The house's free seats have the kept ones among them, and
    /// lose them here.
    pub(super) fn read(from: &mut Reader<'_>, house: &mut House<'_>) -> Result<Self, CodecError> {
        let mut queue = Self::new(house.floor.seats());
        for _ in 0..from.length()? {
            let mut ticket = read_ticket(from)?;
            let (kept, run) = (std::mem::take(&mut ticket.kept), ticket.run.take());
            let turn = ticket.head.seq;
            if queue.tickets.last_key_value().is_some_and(|(last, _)| *last >= turn)
                || queue.by_id.contains_key(&ticket.id)
                || queue.by_session.contains_key(&ticket.session)
                || kept.len() as u64 > u64::from(ticket.wish.quantity)
                || !kept.is_sorted_by(|a, b| a < b)
                || kept.iter().any(|seat| !house.free.has(*seat))
                || (!kept.is_empty() && (ticket.offer.is_some() || ticket.wish.quantity == 0))
                || (run.is_some() && (!ticket.wish.together || kept.is_empty()))
            {
                return Err(CodecError::Value("a ticket that cannot be"));
            }
            queue.join(ticket, house);
            kept.iter().for_each(|seat| house.free.remove(*seat));
            if !kept.is_empty() {
                queue.keep(turn, kept, run);
            }
        }
        Ok(queue)
    }
}

/// Changes who is of a kind and lacks what, and notes who stands in front then.
fn file(
    kinds: &mut BTreeMap<Arc<Wish>, Kind>,
    fronts: &mut BTreeMap<u64, Arc<Places>>,
    wish: &Wish,
    change: impl FnOnce(&mut Kind),
) {
    let Some(kind) = kinds.get_mut(wish) else { return };
    let before = kind.fronts();
    change(kind);
    let after = kind.fronts();
    if before != after {
        before.iter().flatten().for_each(|turn| drop(fronts.remove(turn)));
        fronts.extend(after.into_iter().flatten().map(|turn| (turn, kind.places.clone())));
    }
}

//! Those who wait, in the books: who stands where, for what, and which seats the show keeps for whom.
//!
//! How the show shares out what comes free is not repeated here. It is asked after every entry what
//! it keeps for whom, and held to what was promised: that nobody is passed over (`fair.rs`), and that
//! nobody waits in vain (`due.rs`).

use std::collections::{BTreeMap, BTreeSet};

use crate::hall::{Floor, Seat, SeatSet};
use crate::show::{HoldId, Joining, Orphans, SessionId, Show, TicketId, Time, Wish, best_seats};

use super::due::{Due, Dues};
use super::fair::Reach;

/// Everybody who waits.
pub(super) struct Line {
    /// In the order they came: by the entry that took the ticket, the ticket's turn.
    pub(super) tickets: BTreeMap<u64, Waiting>,
    by_id: BTreeMap<TicketId, u64>,
    by_session: BTreeMap<SessionId, u64>,
    by_offer: BTreeMap<HoldId, u64>,
    /// Those without an offer, by what they wait for.
    pub(super) wanted: BTreeMap<Wish, Wanted>,
    pub(super) reach: Reach,
    pub(super) dues: Dues,
}

/// One who waits.
pub(super) struct Waiting {
    pub(super) id: TicketId,
    session: SessionId,
    pub(super) wish: Wish,
    until: Time,
    pub(super) offer: Option<HoldId>,
    /// What the show kept for it after the last entry.
    pub(super) kept: Vec<Seat>,
}

/// All who wait for the same, without an offer.
pub(super) struct Wanted {
    /// The seats that would do.
    pub(super) seats: SeatSet,
    pub(super) members: BTreeSet<u64>,
    /// Those of them whose party is not whole.
    pub(super) lacking: BTreeSet<u64>,
    /// Of whom it was last seen that nothing in reach would seat them: the first that lacked seats.
    pub(super) judged: Option<u64>,
    /// How many of the seats are neither sold nor blocked.
    pub(super) left: u32,
    /// Where a party could sit side by side yet; none where nowhere, or where it need not.
    pub(super) side_by_side: Option<Vec<Seat>>,
}

impl Wanted {
    fn of(wish: &Wish, unsold: &SeatSet, floor: &Floor) -> Self {
        let seats = wish.mask(floor).unwrap_or_else(|| SeatSet::full(floor.seats()));
        let mut wanted = Self {
            left: seats.count_and(unsold),
            seats,
            members: BTreeSet::new(),
            lacking: BTreeSet::new(),
            judged: None,
            side_by_side: None,
        };
        wanted.look_side_by_side(wish, unsold, floor);
        wanted
    }

    fn look_side_by_side(&mut self, wish: &Wish, unsold: &SeatSet, floor: &Floor) {
        if wish.together {
            self.side_by_side = best_seats(floor, unsold, wish, Orphans::Allow);
        }
    }

    /// Whether its parties can never be seated.
    pub(super) fn is_sold_out(&self, wish: &Wish) -> bool {
        self.left < wish.quantity
    }

    /// Whether its parties can never again sit together, but could apart.
    pub(super) fn is_parted(&self, wish: &Wish) -> bool {
        wish.together && self.side_by_side.is_none() && !self.is_sold_out(wish)
    }
}

impl Waiting {
    pub(super) fn session(&self) -> SessionId {
        self.session
    }

    pub(super) fn until(&self) -> Time {
        self.until
    }
}

impl Line {
    pub(super) fn new(seats: u32) -> Self {
        Self {
            tickets: BTreeMap::new(),
            by_id: BTreeMap::new(),
            by_session: BTreeMap::new(),
            by_offer: BTreeMap::new(),
            wanted: BTreeMap::new(),
            reach: Reach::new(seats),
            dues: Dues::default(),
        }
    }

    /// For whom a seat is kept.
    pub(super) fn keeps(&self, seat: Seat) -> Option<TicketId> {
        let turn = self.reach.owner.get(&seat)?;
        self.tickets.get(turn).map(|waiting| waiting.id)
    }

    pub(super) fn has_session(&self, session: SessionId) -> bool {
        self.by_session.contains_key(&session)
    }

    pub(super) fn find(&self, id: TicketId) -> Option<(u64, &Waiting)> {
        let turn = *self.by_id.get(&id)?;
        Some((turn, self.tickets.get(&turn)?))
    }

    /// What is kept for a session's ticket, if it has one.
    pub(super) fn kept_for(&self, session: SessionId) -> Vec<Seat> {
        let own = self.by_session.get(&session).and_then(|turn| self.tickets.get(turn));
        own.map(|own| own.kept.clone()).unwrap_or_default()
    }

    /// The name of the ticket of this turn, to be told.
    pub(super) fn name_of(&self, turn: u64) -> String {
        self.tickets.get(&turn).map_or_else(String::new, |waiting| waiting.id.to_string())
    }

    pub(super) fn len(&self) -> usize {
        self.tickets.len()
    }

    /// The first who waits without an offer.
    pub(super) fn first_waiting(&self) -> Option<u64> {
        self.wanted.values().filter_map(|wanted| wanted.members.first().copied()).min()
    }

    pub(super) fn join(&mut self, turn: u64, joining: &Joining, now: Time, floor: &Floor) {
        self.by_id.insert(joining.ticket, turn);
        self.by_session.insert(joining.session, turn);
        let waiting = Waiting {
            id: joining.ticket,
            session: joining.session,
            wish: joining.wish.clone(),
            until: joining.until,
            offer: None,
            kept: Vec::new(),
        };
        self.dues.ends_at(turn, joining.until);
        self.want(turn, joining.wish.clone(), now, floor);
        self.tickets.insert(turn, waiting);
        self.dues.waiting = self.tickets.len() as u64;
    }

    fn want(&mut self, turn: u64, wish: Wish, now: Time, floor: &Floor) {
        let unsold = &self.reach.unsold;
        let wanted = self.wanted.entry(wish.clone());
        let wanted = wanted.or_insert_with(|| Wanted::of(&wish, unsold, floor));
        wanted.members.insert(turn);
        wanted.lacking.insert(turn);
        self.judge_hope(&wish, now);
    }

    fn want_no_more(&mut self, turn: u64, wish: &Wish, now: Time) {
        self.dues.settle(&Due::Offer(turn));
        let Some(wanted) = self.wanted.get_mut(wish) else { return };
        wanted.members.remove(&turn);
        wanted.lacking.remove(&turn);
        if wanted.members.is_empty() {
            self.wanted.remove(wish);
        }
        self.judge_hope(wish, now);
    }

    /// Notes whether those who want this are to be told that they wait in vain.
    fn judge_hope(&mut self, wish: &Wish, now: Time) {
        let wanted = self.wanted.get(wish);
        let in_vain = wanted.is_some_and(|own| own.is_sold_out(wish) || own.is_parted(wish));
        let due = Due::Hopeless(wish.clone());
        if in_vain { self.dues.owe(due, now) } else { self.dues.settle(&due) }
    }

    pub(super) fn offer(&mut self, ticket: TicketId, hold: HoldId, now: Time) -> Option<SessionId> {
        let turn = *self.by_id.get(&ticket)?;
        let waiting = self.tickets.get_mut(&turn)?;
        waiting.offer = Some(hold);
        let (session, wish, until) = (waiting.session, waiting.wish.clone(), waiting.until);
        self.by_offer.insert(hold, turn);
        self.dues.outlives(turn, until);
        self.want_no_more(turn, &wish, now);
        Some(session)
    }

    pub(super) fn part(&mut self, ticket: TicketId, now: Time, floor: &Floor) {
        let Some(turn) = self.by_id.get(&ticket).copied() else { return };
        let Some(waiting) = self.tickets.get_mut(&turn) else { return };
        let wish = waiting.wish.clone();
        waiting.wish.together = false;
        let apart = waiting.wish.clone();
        self.want_no_more(turn, &wish, now);
        self.want(turn, apart, now, floor);
        self.note_whole(turn, now);
    }

    /// A ticket is closed; the answer is its offer.
    pub(super) fn close(&mut self, ticket: TicketId, now: Time) -> Option<HoldId> {
        let turn = self.by_id.get(&ticket).copied()?;
        self.close_turn(turn, now)?.offer
    }

    pub(super) fn close_of_session(&mut self, session: SessionId, now: Time) {
        if let Some(turn) = self.by_session.get(&session).copied() {
            self.close_turn(turn, now);
        }
    }

    pub(super) fn close_of_offer(&mut self, hold: HoldId, now: Time) {
        if let Some(turn) = self.by_offer.get(&hold).copied() {
            self.close_turn(turn, now);
        }
    }

    fn close_turn(&mut self, turn: u64, now: Time) -> Option<Waiting> {
        let waiting = self.tickets.remove(&turn)?;
        self.dues.waiting = self.tickets.len() as u64;
        self.by_id.remove(&waiting.id);
        self.by_session.remove(&waiting.session);
        match waiting.offer {
            Some(hold) => drop(self.by_offer.remove(&hold)),
            None => {
                self.dues.outlives(turn, waiting.until);
                self.want_no_more(turn, &waiting.wish, now);
            }
        }
        self.reach.forget(turn, &waiting.kept);
        Some(waiting)
    }

    /// Whether a party is whole now, and is to be offered its seats.
    fn note_whole(&mut self, turn: u64, now: Time) {
        let Some(waiting) = self.tickets.get(&turn).filter(|own| own.offer.is_none()) else {
            return;
        };
        let whole = waiting.kept.len() as u64 == u64::from(waiting.wish.quantity);
        let due = Due::Offer(turn);
        if whole {
            self.dues.owe(due, now)
        } else {
            self.dues.settle(&due)
        }
        if let Some(wanted) = self.wanted.get_mut(&waiting.wish) {
            if whole {
                wanted.lacking.remove(&turn)
            } else {
                wanted.lacking.insert(turn)
            };
        }
    }

    /// Takes over what the show keeps for whom. The seats that are kept for another than before, or
    /// no longer, are added to `moved`.
    pub(super) fn take_over(
        &mut self,
        show: &Show,
        now: Time,
        moved: &mut Vec<Seat>,
    ) -> Result<(), String> {
        let mut other = Vec::new();
        let mut open = self.tickets.iter();
        for ticket in show.tickets() {
            let Some((turn, waiting)) = open.next() else {
                return Err("the show has tickets that nobody took".to_owned());
            };
            if (*turn, waiting.id) != (ticket.head.seq, ticket.id) {
                return Err(format!("ticket {} is not where it stood in line", ticket.id));
            }
            if waiting.kept != ticket.kept() {
                other.push((*turn, ticket.kept()));
            }
        }
        if open.next().is_some() {
            return Err("the show has forgotten a ticket".to_owned());
        }
        for (turn, _) in &other {
            let Some(waiting) = self.tickets.get_mut(turn) else { continue };
            let before = std::mem::take(&mut waiting.kept);
            self.reach.forget(*turn, &before);
            moved.extend(before);
        }
        for (turn, kept) in other {
            let Some(waiting) = self.tickets.get_mut(&turn) else { continue };
            if kept.len() as u64 > u64::from(waiting.wish.quantity) {
                return Err(format!("more is kept for ticket {} than its party", waiting.id));
            }
            if !kept.is_empty() && waiting.offer.is_some() {
                return Err(format!("seats are kept for ticket {}, which has some", waiting.id));
            }
            for seat in kept {
                if self.reach.owner.insert(*seat, turn).is_some() {
                    return Err(format!(
                        "seat {} is kept for ticket {} and another",
                        seat.0, waiting.id
                    ));
                }
            }
            waiting.kept = kept.to_vec();
            moved.extend(kept);
            self.note_whole(turn, now);
        }
        Ok(())
    }

    /// A seat was sold or blocked, or is for sale again.
    pub(super) fn note_unsold(&mut self, seat: Seat, is_unsold: bool, now: Time, floor: &Floor) {
        if self.reach.unsold.has(seat) == is_unsold {
            return;
        }
        match is_unsold {
            true => self.reach.unsold.insert(seat),
            false => self.reach.unsold.remove(seat),
        }
        let mut touched = Vec::new();
        for (wish, wanted) in self.wanted.iter_mut().filter(|(_, own)| own.seats.has(seat)) {
            if is_unsold {
                wanted.left += 1
            } else {
                wanted.left -= 1
            }
            let is_there = |seats: &Vec<Seat>| seats.iter().all(|own| self.reach.unsold.has(*own));
            if !wanted.side_by_side.as_ref().is_some_and(is_there) {
                wanted.look_side_by_side(wish, &self.reach.unsold, floor);
            }
            touched.push(wish.clone());
        }
        touched.iter().for_each(|wish| self.judge_hope(wish, now));
    }
}

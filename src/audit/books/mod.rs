//! The books: who has which seat, kept a second time, in lists, without a look at how the show
//! itself does it.
//!
//! For every entry they say on their own whether it may count, and why not. Where the show says
//! otherwise, one of the two is wrong and somebody would have got or lost a seat by it. They also
//! hold what counted to rules that the show trusts its proposals for: how many seats, how long,
//! how much. Every kind of entry is named here, so that a new one cannot be forgotten.

mod admitted;
mod due;
mod fair;
mod guards;
mod line;
mod room;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};

use crate::hall::{Floor, Seat};
use crate::show::{
    Definition, Fact, HoldId, OrderId, Outcome, Sale, SeatState, SessionId, Show, Time,
};

use super::{Replay, Step, Tally};
use line::Line;
pub(super) use room::{Room, commitment};

/// Who has a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Free,
    Held(HoldId),
    Sold(OrderId),
    Blocked,
}

/// A hold that stands.
#[derive(Clone, Debug)]
struct Standing {
    session: SessionId,
    seats: Vec<Seat>,
    expires_at: Time,
    pinned_until: Option<Time>,
    attempts: u32,
    paying: bool,
    /// It is offered to one who waits, and not yet accepted.
    offered: bool,
}

/// One show's books.
pub(super) struct Books {
    definition: Definition,
    places: Vec<Place>,
    holds: BTreeMap<HoldId, Standing>,
    sessions: BTreeSet<SessionId>,
    orders: BTreeSet<OrderId>,
    line: Line,
    /// There is one where the show says so.
    room: Option<Room>,
    /// What everybody was last told of each seat.
    shown: Vec<SeatState>,
    time: Time,
}

/// What a place is to everybody.
fn state(place: Place) -> SeatState {
    match place {
        Place::Free => SeatState::Available,
        Place::Held(_) => SeatState::Held,
        Place::Sold(_) => SeatState::Sold,
        Place::Blocked => SeatState::Blocked,
    }
}

impl Books {
    pub(super) fn new(definition: Definition) -> Self {
        let committed = definition.draw_secret.map(|secret| commitment(secret.0));
        Self {
            places: vec![Place::Free; definition.seats as usize],
            holds: BTreeMap::new(),
            sessions: BTreeSet::new(),
            orders: BTreeSet::new(),
            line: Line::new(definition.seats),
            room: Room::of(&definition, committed),
            shown: vec![SeatState::Available; definition.seats as usize],
            time: Time(0),
            definition,
        }
    }

    /// Enters what the show, already at `replay`, made of an entry; or says which promise that
    /// breaks.
    pub(super) fn enter(
        &mut self,
        step: &Step,
        replay: &Replay,
        tally: &mut Tally,
    ) -> Result<(), String> {
        self.enter_one(step, replay, tally)?;
        self.room_is_sound(replay.show())
    }

    fn enter_one(&mut self, step: &Step, replay: &Replay, tally: &mut Tally) -> Result<(), String> {
        tally.late += u64::from(step.entry.time < self.time);
        if step.entry.time > self.time {
            self.time = step.entry.time;
            self.line.nothing_is_overdue(self.time, self.definition.starts_at)?;
        }
        if replay.show().time() != self.time {
            return Err(format!("the show's time went to {}", replay.show().time()));
        }
        let may = self.may(&step.entry, replay);
        if step.outcome == Outcome::Void {
            tally.void += 1;
            return match may {
                Ok(()) => Err("it was void, but nothing stood against it".to_owned()),
                Err(_) if step.changes.is_empty() => Ok(()),
                Err(_) => Err("it was void, but changed seats".to_owned()),
            };
        }
        may?;
        self.fits_the_rules(&step.entry, replay)?;
        self.change_the_room(&step.entry.fact, replay, tally);
        let touched = self.change(&step.entry.fact, step.recorded.seq, replay.floor(), tally);
        let touched = self.keep(touched, replay, tally)?;
        if let Fact::SeatsSold(sale) = &step.entry.fact {
            self.order_is_as_sold(sale, replay)?;
            tally.totals += u64::from(replay.hall().is_some());
        }
        let mut changed = Vec::new();
        for seat in touched {
            let seen = self.seen(seat);
            let shown = &mut self.shown[seat.0 as usize];
            if *shown != seen {
                *shown = seen;
                changed.push((seat, seen));
            }
        }
        let mut told = step.changes.clone();
        changed.sort_unstable();
        told.sort_unstable();
        if changed == told { Ok(()) } else { Err("not exactly its seats changed".to_owned()) }
    }

    /// At the log's end: the show's seats, holds and orders are those of the books.
    pub(super) fn close(&self, show: &Show, tally: &mut Tally) -> Result<(), String> {
        let differs = |seat: &Seat| show.seat_state(*seat) != self.seen(*seat);
        if let Some(Seat(seat)) = (0..self.definition.seats).map(Seat).find(differs) {
            return Err(format!("at the end, seat {seat} is not what its entries made of it"));
        }
        if show.counts() != (self.holds.len(), self.orders.len()) {
            return Err("at the end, there are other holds or orders than entries made".to_owned());
        }
        if show.waiting() != self.line.len() {
            return Err("at the end, others wait than took a ticket".to_owned());
        }
        self.room_ends_as(show)?;
        let sold = self.places.iter().filter(|place| matches!(place, Place::Sold(_))).count();
        let in_orders: usize = show.orders().map(|order| order.seats.len()).sum();
        if sold != in_orders {
            return Err(format!(
                "at the end, {sold} seats are sold, but {in_orders} are in orders"
            ));
        }
        tally.seats_sold += sold as u64;
        Ok(())
    }

    /// The order the show made is the sale's, with all of its hold's seats and the log's head.
    fn order_is_as_sold(&self, sale: &Sale, replay: &Replay) -> Result<(), String> {
        let order = replay.show().order(sale.order).ok_or("the sale made no order")?;
        let bought = |seat: &Seat| self.places[seat.0 as usize] == Place::Sold(sale.order);
        let whole = order.seats.iter().all(bought)
            && order.hold == sale.hold
            && order.total == sale.total
            && order.bought_at == self.time
            && order.head == replay.head();
        if whole { Ok(()) } else { Err(format!("order {} is not the sale's", sale.order)) }
    }

    /// What everybody may see of a seat.
    fn seen(&self, seat: Seat) -> SeatState {
        match self.places[seat.0 as usize] {
            Place::Free if self.line.keeps(seat).is_some() => SeatState::Held,
            place => state(place),
        }
    }

    /// Makes the change of the entry at `seq`, and says which seats it touched.
    fn change(&mut self, fact: &Fact, seq: u64, floor: &Floor, tally: &mut Tally) -> Vec<Seat> {
        let now = self.time;
        match fact {
            Fact::SeatsHeld { hold, session, seats, expires_at } => {
                tally.holds += 1;
                let mut given_up = self.line.kept_for(*session);
                self.line.close_of_session(*session, now);
                self.sessions.insert(*session);
                let standing = Standing {
                    session: *session,
                    seats: seats.to_vec(),
                    expires_at: *expires_at,
                    pinned_until: None,
                    attempts: 0,
                    paying: false,
                    offered: false,
                };
                self.holds.insert(*hold, standing);
                given_up.extend(self.put(seats, Place::Held(*hold)));
                given_up
            }
            Fact::SeatsChanged { hold, seats } => {
                tally.swaps += 1;
                let before = match self.holds.get_mut(hold) {
                    Some(standing) => std::mem::replace(&mut standing.seats, seats.to_vec()),
                    None => Vec::new(),
                };
                let given: Vec<Seat> =
                    before.into_iter().filter(|seat| !seats.contains(seat)).collect();
                let mut changed = self.put(&given, Place::Free);
                changed.extend(self.put(seats, Place::Held(*hold)));
                changed
            }
            Fact::HoldReleased { hold } | Fact::HoldLapsed { hold } => {
                let lapsed = matches!(fact, Fact::HoldLapsed { .. });
                *if lapsed { &mut tally.lapses } else { &mut tally.releases } += 1;
                self.line.close_of_offer(*hold, now);
                self.end(*hold, Place::Free)
            }
            Fact::PaymentBegun { hold, attempt, pinned_until, .. } => {
                if let Some(standing) = self.holds.get_mut(hold) {
                    standing.attempts = *attempt;
                    standing.paying = true;
                    standing.pinned_until = standing.pinned_until.or(Some(*pinned_until));
                }
                Vec::new()
            }
            Fact::PaymentDeclined { hold, .. } => {
                tally.declined += 1;
                if let Some(standing) = self.holds.get_mut(hold) {
                    standing.paying = false;
                }
                Vec::new()
            }
            Fact::SeatsSold(sale) => {
                tally.orders += 1;
                self.orders.insert(sale.order);
                self.end(sale.hold, Place::Sold(sale.order))
            }
            Fact::SeatsBlocked { seats } => self.put(seats, Place::Blocked),
            Fact::SeatsUnblocked { seats } => self.put(seats, Place::Free),
            Fact::TicketTaken(_)
            | Fact::SeatsOffered { .. }
            | Fact::OfferAccepted { .. }
            | Fact::TicketParted { .. }
            | Fact::TicketClosed { .. } => self.change_the_line(fact, seq, floor, tally),
            Fact::OfRoom(_) => Vec::new(),
        }
    }

    /// Seats change hands; the answer is those that did.
    fn put(&mut self, seats: &[Seat], to: Place) -> Vec<Seat> {
        let mut changed = Vec::new();
        for seat in seats {
            let place = &mut self.places[seat.0 as usize];
            if *place != to {
                *place = to;
                changed.push(*seat);
            }
        }
        changed
    }

    /// A hold ends, and its seats go where they go.
    fn end(&mut self, hold: HoldId, to: Place) -> Vec<Seat> {
        let Some(ended) = self.holds.remove(&hold) else { return Vec::new() };
        self.sessions.remove(&ended.session);
        self.put(&ended.seats, to)
    }
}

#[cfg(test)]
mod tests;

//! A show's state: which seats are free, held, sold and blocked, and for whom.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::hall::{Floor, Seat, SeatSet};

use super::admission::WaitingRoom;
use super::hold::{Hold, Holds};
use super::order::{Order, Orders};
use super::waitlist::{Queue, Ticket};
use super::{Definition, HoldId, Money, OrderId, SeatState, SessionId, TicketId, Time};

/// For how long a lapsed hold is told from one that never was: the protocol promises an hour.
pub const LAPSED_KNOWN_MS: u64 = 3_600_000;

/// One show. Changed by [`Show::apply`] alone; asked by [`super::propose()`].
#[derive(Clone, Debug)]
pub struct Show {
    pub(super) definition: Arc<Definition>,
    pub(super) floor: Arc<Floor>,
    pub(super) free: SeatSet,
    pub(super) held: SeatSet,
    pub(super) sold: SeatSet,
    pub(super) blocked: SeatSet,
    pub(super) holds: Holds,
    pub(super) orders: Orders,
    pub(super) lapsed: Lapsed,
    pub(super) queue: Queue,
    /// There is one where the policy says so.
    pub(super) room: Option<WaitingRoom>,
    /// The time of the last entry: time only moves forward in a log.
    pub(super) time: Time,
}

/// Holds that lapsed within the last hour. Bounded by itself: each seat can lapse at most once in
/// a hold's length, so there are at most seats times (hour / hold length) of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lapsed {
    by_id: BTreeMap<HoldId, SessionId>,
    by_time: VecDeque<(Time, HoldId)>,
}

impl Lapsed {
    pub(super) fn was_of(&self, hold: HoldId, session: SessionId) -> bool {
        self.by_id.get(&hold) == Some(&session)
    }

    pub(super) fn insert(&mut self, hold: HoldId, session: SessionId, at: Time) {
        self.by_id.insert(hold, session);
        self.by_time.push_back((at, hold));
    }

    pub(super) fn forget_before(&mut self, now: Time) {
        while let Some(&(at, hold)) = self.by_time.front()
            && now.ms_since(at) > LAPSED_KNOWN_MS
        {
            self.by_time.pop_front();
            self.by_id.remove(&hold);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (HoldId, SessionId, Time)> + '_ {
        self.by_time.iter().filter_map(|(at, hold)| Some((*hold, *self.by_id.get(hold)?, *at)))
    }

    pub(super) fn len(&self) -> usize {
        self.by_time.len()
    }
}

impl Show {
    /// A show nothing has happened to. The floor must be that of the definition's hall.
    pub fn new(definition: Arc<Definition>, floor: Arc<Floor>) -> Self {
        let seats = definition.seats;
        Self {
            free: SeatSet::full(seats),
            held: SeatSet::empty(seats),
            sold: SeatSet::empty(seats),
            blocked: SeatSet::empty(seats),
            holds: Holds::new(definition.policy.grace_ms),
            orders: Orders::default(),
            lapsed: Lapsed::default(),
            queue: Queue::new(seats),
            room: definition.policy.admission.as_ref().map(|_| WaitingRoom::default()),
            time: Time(0),
            definition,
            floor,
        }
    }

    /// What the show is.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The time of the last entry.
    pub fn time(&self) -> Time {
        self.time
    }

    /// The seats anyone may hold.
    pub fn free(&self) -> &SeatSet {
        &self.free
    }

    /// The seats somebody holds.
    pub fn held(&self) -> &SeatSet {
        &self.held
    }

    /// The seats kept for those who wait: nobody holds them, and nobody else may.
    pub fn kept(&self) -> &SeatSet {
        self.queue.kept()
    }

    /// The seats that are bought.
    pub fn sold(&self) -> &SeatSet {
        &self.sold
    }

    /// The seats not for sale.
    pub fn blocked(&self) -> &SeatSet {
        &self.blocked
    }

    /// What everybody may see of a seat of this hall.
    pub fn seat_state(&self, seat: Seat) -> SeatState {
        if self.free.has(seat) {
            SeatState::Available
        } else if self.held.has(seat) || self.queue.kept().has(seat) {
            SeatState::Held
        } else if self.sold.has(seat) {
            SeatState::Sold
        } else {
            SeatState::Blocked
        }
    }

    /// What everybody may see, seat by seat.
    pub fn seat_states(&self) -> Vec<SeatState> {
        (0..self.definition.seats).map(|seat| self.seat_state(Seat(seat))).collect()
    }

    /// A hold, while it stands.
    pub fn hold(&self, id: HoldId) -> Option<&Hold> {
        self.holds.get(id)
    }

    /// The hold of a session, if it has one.
    pub fn hold_of(&self, session: SessionId) -> Option<&Hold> {
        self.holds.of_session(session)
    }

    /// All holds that stand, in no meaningful order.
    pub fn holds(&self) -> impl Iterator<Item = &Hold> {
        self.holds.iter()
    }

    /// Whether this hold lapsed, within the last hour.
    pub fn has_lapsed(&self, hold: HoldId, session: SessionId) -> bool {
        self.lapsed.was_of(hold, session)
    }

    /// The open tickets, the first in line first.
    pub fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        self.queue.iter()
    }

    /// How many tickets are open.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// An open ticket.
    pub fn ticket(&self, id: TicketId) -> Option<&Ticket> {
        self.queue.get(id)
    }

    /// The open ticket of a session, if it has one.
    pub fn ticket_of(&self, session: SessionId) -> Option<&Ticket> {
        self.queue.of_session(session)
    }

    /// A ticket's place in line, which is 1 for the first; those with an offer count.
    pub fn position(&self, ticket: &Ticket) -> u32 {
        self.queue.position(ticket)
    }

    /// An order.
    pub fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(id)
    }

    /// A session's orders, the oldest first.
    pub fn orders_of(&self, session: SessionId) -> impl Iterator<Item = &Order> {
        self.orders.of_session(session)
    }

    /// All orders, in no meaningful order.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.iter()
    }

    /// How many holds stand and how many orders there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.holds.len(), self.orders.len())
    }

    /// When the next hold ends by itself, and which.
    pub fn next_end(&self) -> Option<(Time, HoldId)> {
        self.holds.first_end()
    }

    /// The holds that are past their end at `now`.
    pub fn ended_at(&self, now: Time) -> impl Iterator<Item = HoldId> + '_ {
        self.holds.ended_at(now)
    }

    /// What these seats cost.
    pub fn total(&self, seats: &[Seat]) -> Money {
        let prices = &self.definition.prices;
        let price = |seat: &Seat| {
            let category = self.floor.category_of(*seat).map(usize::from);
            category.and_then(|category| prices.get(category)).copied().unwrap_or(0)
        };
        Money { amount: seats.iter().map(price).sum(), currency: self.definition.currency }
    }
}

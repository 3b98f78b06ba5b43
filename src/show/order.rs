//! Orders: seats bought, for good.

use std::collections::BTreeMap;

use crate::hall::Seat;

use super::{Head, HoldId, Money, OrderId, SessionId, Time};

/// Who bought, as far as they said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// A name.
    pub name: String,
    /// An address to write to.
    pub email: String,
}

/// Where the money is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PaymentState {
    /// Promised by the bank, not yet taken.
    Authorised = 0,
    /// Taken.
    Captured = 1,
}

/// The payment an order was bought with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The gateway's name for it.
    pub id: String,
    /// Where the money is.
    pub state: PaymentState,
}

/// Seats bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its name.
    pub id: OrderId,
    /// The hold it was bought from.
    pub hold: HoldId,
    /// Who bought.
    pub session: SessionId,
    /// The buyer's own name for the purchase: asked again with it, the same order is answered.
    pub key: String,
    /// Which seats, ascending.
    pub seats: Box<[Seat]>,
    /// What was paid.
    pub total: Money,
    /// When.
    pub bought_at: Time,
    /// With what.
    pub payment: Payment,
    /// Who, as far as they said.
    pub customer: Option<Customer>,
    /// The log's head as it was after the entry that made this order.
    pub head: Head,
}

/// All orders of a show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Orders {
    by_id: BTreeMap<OrderId, Order>,
    by_session: BTreeMap<SessionId, Vec<OrderId>>,
    /// Each session's purchases by its own names for them: asked at every purchase, of sessions that
    /// may have made thousands.
    by_key: BTreeMap<SessionId, BTreeMap<String, OrderId>>,
}

impl Orders {
    pub(crate) fn get(&self, id: OrderId) -> Option<&Order> {
        self.by_id.get(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Order> {
        self.by_id.values()
    }

    /// A session's orders, the oldest first.
    pub(crate) fn of_session(&self, session: SessionId) -> impl Iterator<Item = &Order> {
        let ids = self.by_session.get(&session).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.by_id.get(id))
    }

    /// The order that a session's purchase of this name made.
    pub(crate) fn of_key(&self, session: SessionId, key: &str) -> Option<OrderId> {
        self.by_key.get(&session)?.get(key).copied()
    }

    pub(crate) fn insert(&mut self, order: Order) {
        // The first of a name is the one that is answered with.
        let named = self.by_key.entry(order.session).or_default();
        named.entry(order.key.clone()).or_insert(order.id);
        self.by_session.entry(order.session).or_default().push(order.id);
        self.by_id.insert(order.id, order);
    }
}

//! What holders and buyers are told: a show's holds and orders as the wire has them.

use crate::protocol::rpc::{HeadView, HoldState, HoldView, OrderView, PaymentState, PaymentView};
use crate::show::{self, Hold, Order, Show, ShowId};

/// A hold, as its holder sees it.
pub fn hold_view(show: &Show, hold: &Hold) -> HoldView {
    HoldView {
        id: hold.id,
        seats: hold.seats.to_vec(),
        expires_at: hold.expires_at,
        total: show.total(&hold.seats),
        state: match hold.state {
            show::HoldState::Held => HoldState::Held,
            show::HoldState::Paying => HoldState::Paying,
        },
    }
}

/// An order, as its buyer sees it.
pub fn order_view(show: &ShowId, order: &Order) -> OrderView {
    OrderView {
        id: order.id,
        show: show.clone(),
        seats: order.seats.to_vec(),
        total: order.total,
        bought_at: order.bought_at,
        payment: PaymentView {
            id: order.payment.id.clone(),
            state: match order.payment.state {
                show::PaymentState::Authorised => PaymentState::Authorised,
                show::PaymentState::Captured => PaymentState::Captured,
            },
        },
        head: HeadView {
            epoch: order.head.epoch,
            seq: order.head.seq,
            chain: order.head.chain,
        },
    }
}

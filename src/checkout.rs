//! Checkout: what a payment gateway says to a purchase.
//!
//! Only the `test` gateway so far: its cards do what they are called, at once and without asking
//! anyone, so its answer is known before anything is appended. It may use the protocol's words for
//! payments and the show's; it touches no log.

use uuid::Uuid;

use crate::protocol::rpc::{Card, PaymentMethod};
use crate::show::{Decision, Payment, PaymentState};

/// What the card of the `test` gateway that declines says.
const DECLINED_CODE: &str = "card_declined";

/// What the gateway says. `fresh` names the payment, if there is one.
pub fn decide(payment: PaymentMethod, fresh: Uuid) -> Decision {
    match payment {
        PaymentMethod::Test { card: Card::Declined } => {
            Decision::Declined { code: DECLINED_CODE.to_owned() }
        }
        PaymentMethod::Test { card: Card::Approved } => Decision::Approved(Payment {
            id: format!("test_{}", fresh.simple()),
            state: PaymentState::Captured,
        }),
    }
}

//! Commands: what is asked of a show, parsed, in the imperative.

use super::order::{Customer, Payment};
use super::{HoldId, SessionId, Wish};

/// One thing asked of a show. Seat numbers are as the asker named them: whether the hall has such
/// seats is for [`super::propose()`] to say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant's sentence says what its fields are")]
pub enum Command {
    /// Hold these seats, all or none.
    Hold { session: SessionId, seats: Vec<u64> },
    /// Hold the best seats for this wish.
    HoldBest { session: SessionId, wish: Wish },
    /// Swap a hold's seats for these.
    Change { session: SessionId, hold: HoldId, seats: Vec<u64> },
    /// Give a hold's seats back.
    Release { session: SessionId, hold: HoldId },
    /// Buy a hold's seats with a payment whose outcome is known already.
    Buy { session: SessionId, hold: HoldId, purchase: Box<Purchase> },
    /// Take seats off sale.
    Block { seats: Vec<u64> },
    /// Put seats back on sale.
    Unblock { seats: Vec<u64> },
    /// Free the seats of a hold that is past its end.
    Lapse { hold: HoldId },
}

/// How a hold is bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// The buyer's own name for it; the same name gives the same order.
    pub key: String,
    /// What the gateway said.
    pub payment: Decision,
    /// Who buys, as far as they said.
    pub customer: Option<Customer>,
}

/// What a payment gateway said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant's sentence says what its fields are")]
pub enum Decision {
    /// Yes.
    Approved(Payment),
    /// No, for this reason.
    Declined { code: String },
}

impl Command {
    /// The hold that its asker says is theirs, where it is about one.
    pub fn names(&self) -> Option<HoldId> {
        match self {
            Self::Change { hold, .. } | Self::Release { hold, .. } | Self::Buy { hold, .. } => {
                Some(*hold)
            }
            Self::Hold { .. }
            | Self::HoldBest { .. }
            | Self::Block { .. }
            | Self::Unblock { .. }
            | Self::Lapse { .. } => None,
        }
    }

    /// Whose command it is; the house's own have no session.
    pub fn session(&self) -> Option<SessionId> {
        match self {
            Self::Hold { session, .. }
            | Self::HoldBest { session, .. }
            | Self::Change { session, .. }
            | Self::Release { session, .. }
            | Self::Buy { session, .. } => Some(*session),
            Self::Block { .. } | Self::Unblock { .. } | Self::Lapse { .. } => None,
        }
    }
}

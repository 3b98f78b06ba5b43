//! Commands: what is asked of a show, parsed, in the imperative.

use super::order::{Customer, Payment};
use super::{CloseReason, HoldId, SessionId, TicketId, Wish};

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
    /// Wait for seats of this wish.
    Join { session: SessionId, wish: Wish },
    /// Wait no longer.
    Leave { session: SessionId },
    /// Take what is offered.
    Accept { session: SessionId },
    /// Let the next have what is offered.
    Decline { session: SessionId },
    /// Take seats off sale.
    Block { seats: Vec<u64> },
    /// Put seats back on sale.
    Unblock { seats: Vec<u64> },
    /// Free the seats of a hold that is past its end.
    Lapse { hold: HoldId },
    /// Offer a ticket the seats that are kept for it, its whole party.
    Offer { ticket: TicketId },
    /// Seat a party apart that can never again sit together.
    Part { ticket: TicketId },
    /// Dismiss a ticket.
    Dismiss { ticket: TicketId, reason: CloseReason },
    /// Something of the waiting room.
    OfRoom(RoomCommand),
}

/// One thing asked of a show's waiting room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant's sentence says what its fields are")]
pub enum RoomCommand {
    /// Take the next number.
    TakeNumber { session: SessionId },
    /// Come when one's number is called, or come back.
    Appear { session: SessionId, number: u64 },
    /// Give the pass back, or else this number.
    GiveBack { session: SessionId, number: Option<u64> },
    /// Open the doors, and draw.
    OpenDoors,
    /// Call as many numbers as there are places.
    CallNumbers,
    /// End what is past its end.
    LapsePlaces,
}

impl RoomCommand {
    fn session(self) -> Option<SessionId> {
        match self {
            Self::TakeNumber { session }
            | Self::Appear { session, .. }
            | Self::GiveBack { session, .. } => Some(session),
            Self::OpenDoors | Self::CallNumbers | Self::LapsePlaces => None,
        }
    }
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
            | Self::Join { .. }
            | Self::Leave { .. }
            | Self::Accept { .. }
            | Self::Decline { .. }
            | Self::Block { .. }
            | Self::Unblock { .. }
            | Self::Lapse { .. }
            | Self::Offer { .. }
            | Self::Part { .. }
            | Self::Dismiss { .. }
            | Self::OfRoom(_) => None,
        }
    }

    /// Whose command it is; the house's own have no session.
    pub fn session(&self) -> Option<SessionId> {
        match self {
            Self::Hold { session, .. }
            | Self::HoldBest { session, .. }
            | Self::Change { session, .. }
            | Self::Release { session, .. }
            | Self::Buy { session, .. }
            | Self::Join { session, .. }
            | Self::Leave { session }
            | Self::Accept { session }
            | Self::Decline { session } => Some(*session),
            Self::OfRoom(command) => command.session(),
            Self::Block { .. }
            | Self::Unblock { .. }
            | Self::Lapse { .. }
            | Self::Offer { .. }
            | Self::Part { .. }
            | Self::Dismiss { .. } => None,
        }
    }
}

//! The show: who holds and who bought which seats, and by which rules.
//!
//! Commands are proposed against the state this node has ([`propose()`]); what comes of it is an
//! [`Entry`], a plain fact; entries are applied in the log's order ([`Show::apply`]), the same on
//! every node. This room is pure: it has no clock, no randomness, no I/O and no async; whatever it
//! needs to know comes in as an argument. It may use the hall, and nothing else of the house.
#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::wildcard_enum_match_arm)]

mod admission;
mod apply;
mod asked;
mod best;
mod codec;
mod command;
mod definition;
mod entry;
mod head;
mod hold;
mod ids;
mod money;
mod order;
mod policy;
mod propose;
mod refusal;
mod snapshot;
mod state;
mod time;
mod waitlist;
mod wish;
mod wishing;

pub use admission::{
    Alias, Commitment, Draw, DrawSecret, GIVEN_BACK_MAX, Place, RETURN_MS, RoomFact, WaitingRoom,
};
pub use apply::{Outcome, RoomOutcome, SeatChange};
pub use asked::Asked;
pub use best::{best_seats, can_ever_sit_together, count_of_wish, leaves_orphans};
pub use codec::CodecError;
pub use command::{Command, Decision, Purchase, RoomCommand};
pub use definition::Definition;
pub use entry::{ENTRY_VERSION, Entry, Fact, Sale};
pub use head::Head;
pub use hold::{Hold, HoldState};
pub use ids::{HoldId, OrderId, SessionId, ShowId, TicketId};
pub use money::{Currency, Money};
pub use order::{Customer, Order, Payment, PaymentState};
pub use policy::{Admission, CALL_MS, Orphans, Policy};
pub use propose::{Proposal, propose};
pub use refusal::Refusal;
pub use state::{LAPSED_KNOWN_MS, Show};
pub use time::Time;
pub use waitlist::{CloseReason, Joining, Ticket};
pub use wish::Wish;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

/// What everybody may see of a seat. The numbers are the wire's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum SeatState {
    /// Anyone may hold it.
    Available = 0,
    /// Held by somebody, or kept for those who wait.
    Held = 1,
    /// Bought.
    Sold = 2,
    /// Not for sale.
    Blocked = 3,
}

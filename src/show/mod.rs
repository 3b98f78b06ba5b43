//! The show: who holds and who bought which seats, and by which rules.
//!
//! Commands are proposed against the state this node has ([`propose`]); what comes of it is an
//! [`Entry`], a plain fact; entries are applied in the log's order ([`Show::apply`]), the same on
//! every node. This room is pure: it has no clock, no randomness, no I/O and no async; whatever it
//! needs to know comes in as an argument. It may use the hall, and nothing else of the house.
#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::wildcard_enum_match_arm)]

mod best;
mod definition;
mod ids;
mod money;
mod policy;
mod refusal;
mod time;
mod wish;

pub use best::{best_seats, can_ever_sit_together, count_of_wish, leaves_orphans};
pub use definition::Definition;
pub use ids::{HoldId, OrderId, SessionId, ShowId};
pub use money::{Currency, Money};
pub use policy::{Admission, Orphans, Policy};
pub use refusal::Refusal;
pub use time::Time;
pub use wish::Wish;

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

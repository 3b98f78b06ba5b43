//! A show's log for everybody: what happened, without who they are; and how anyone checks it.
//!
//! Sessions are replaced by their aliases; customers, payments and the buyers' own names for their
//! purchases are left out. What happens in the waiting room names nobody and is given byte for byte,
//! so that there the chain can be worked out again. The format is written down in
//! `docs/log-format.md`, with what can be proven from it and what cannot.

mod check;
mod hex;
mod line;
mod ticket;

pub use check::{Checked, Doubt, check};
pub use hex::array_of_hex;
pub use line::{entry_line, first_line, told};
pub use ticket::PublicTicket;

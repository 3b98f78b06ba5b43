//! The wire: frames and JSON-RPC messages to and from bytes, and the close codes.
//!
//! Every byte that a client sees or sends is made or read here, and nowhere else. The contract is
//! told to client authors in `docs/protocol.md`. This room knows no socket, no task and no clock:
//! it turns values into messages and messages into values.

pub mod picture;
pub mod rpc;
pub mod seats;
pub mod two_bits;
pub mod varint;
pub mod websocket;

// The core's types that stand in messages: a client needs this room and no other.
pub use crate::hall::Seat;
pub use crate::show::{
    Commitment, Currency, DrawSecret, HoldId, Money, OrderId, SeatState, ShowId, Time, Wish,
};

#[cfg(test)]
mod vectors;

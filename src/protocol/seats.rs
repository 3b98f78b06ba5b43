//! Seat frames: snapshots and diffs, binary and JSON, to and from bytes.

use crate::show::SeatState;

/// How a socket wants its seat frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `usher.v1`: binary messages.
    Binary,
    /// `usher.v1.json`: JSON-RPC notifications.
    Json,
}

/// Seats next to one another that have one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// How many seats are left alone after the end of the last run (the first: from seat 0).
    pub gap: u32,
    /// How many seats it sets, at least 1.
    pub length: u32,
    /// To what.
    pub state: SeatState,
}

/// A snapshot, as it stands in the message. `two_bits` is ceil(n/4) bytes, two bits a seat.
pub fn encode_snapshot(
    _format: Format,
    _epoch: u64,
    _seq: u64,
    _seats: u32,
    _two_bits: &[u8],
) -> Vec<u8> {
    Vec::new()
}

/// A diff, as it stands in the message.
pub fn encode_diff(_format: Format, _from: u64, _to: u64, _runs: &[Run]) -> Vec<u8> {
    Vec::new()
}

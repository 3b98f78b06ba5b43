//! A seat frame, encoded once and shared.

use bytes::Bytes;

use crate::protocol::seats::{Format, encode_diff, encode_snapshot};
use crate::protocol::websocket::{Opcode, frame, header_length};

use super::Place;

/// What stands around the `params` of a JSON notification.
const SNAPSHOT_HEAD: &str = r#"{"jsonrpc":"2.0","method":"snapshot","params":"#;
const DIFF_HEAD: &str = r#"{"jsonrpc":"2.0","method":"diff","params":"#;
const TAIL: &str = "}";

/// A snapshot or diff, ready to be sent. Cloning it shares the bytes.
#[derive(Clone, Debug)]
pub struct SeatFrame {
    place: Place,
    is_snapshot: bool,
    format: Format,
    framed: Bytes,
    payload_at: u8,
}

impl SeatFrame {
    pub(super) fn snapshot(format: Format, place: Place, seats: u32, two_bits: &[u8]) -> Self {
        let payload = encode_snapshot(format, place.0, place.1, seats, two_bits);
        Self::of(place, true, format, &payload)
    }

    pub(super) fn diff(
        format: Format,
        from: u64,
        place: Place,
        runs: &[crate::protocol::seats::Run],
    ) -> Self {
        Self::of(place, false, format, &encode_diff(format, from, place.1, runs))
    }

    fn of(place: Place, is_snapshot: bool, format: Format, payload: &[u8]) -> Self {
        let opcode = match format {
            Format::Binary => Opcode::Binary,
            Format::Json => Opcode::Text,
        };
        Self {
            place,
            is_snapshot,
            format,
            framed: frame(opcode, payload),
            payload_at: header_length(payload.len()) as u8,
        }
    }

    /// Where it leads: who has read it is there.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Whether it replaces everything.
    pub fn is_snapshot(&self) -> bool {
        self.is_snapshot
    }

    /// The message as HTTP gives it: the binary frame, or the whole JSON notification.
    pub fn payload(&self) -> Bytes {
        self.framed.slice(usize::from(self.payload_at)..)
    }

    /// The `params` of the JSON notification alone; of a binary frame, the frame.
    pub fn params(&self) -> Bytes {
        let payload = self.payload();
        match self.format {
            Format::Binary => payload,
            Format::Json => {
                let head = if self.is_snapshot { SNAPSHOT_HEAD } else { DIFF_HEAD };
                debug_assert!(payload.starts_with(head.as_bytes()));
                payload.slice(head.len()..payload.len() - TAIL.len())
            }
        }
    }

    /// The message in its WebSocket frame.
    pub fn framed(&self) -> &Bytes {
        &self.framed
    }
}

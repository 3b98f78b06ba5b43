//! Close codes: why a socket ends, and whether its client should come back.
//!
//! It owns the one list of codes this server sends. A reason never carries anything internal.

use bytes::Bytes;

use super::{CONTROL_BYTES_MAX, Opcode, frame};

/// The longest reason that fits a close frame, in bytes: a control frame's payload less the code.
pub const CLOSE_REASON_BYTES_MAX: usize = CONTROL_BYTES_MAX - 2;

/// Why the server closes a socket. The numbers are the wire's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// The client closed it, or is done with it. Stay away until somebody wants the show again.
    Normal = 1000,
    /// This node goes away, or the show was opened afresh. Come back at once.
    GoingAway = 1001,
    /// What came is not WebSocket. Stay away: it would happen again.
    ProtocolError = 1002,
    /// A binary message was sent to the server, which has no use for one. Stay away.
    Unsupported = 1003,
    /// A text message was not UTF-8. Stay away.
    NotUtf8 = 1007,
    /// Abuse: too many messages, too many that are nonsense. Stay away.
    Abuse = 1008,
    /// A message was longer than the limit. Stay away: it would happen again.
    TooLong = 1009,
    /// This show met a fault here. Come back.
    Fault = 1011,
    /// Nothing was heard: no pong, or a frame was begun and not finished in time. Come back.
    Idle = 4008,
    /// Too many sockets from this address. Stay away until others of them are closed.
    TooManySockets = 4009,
}

impl CloseCode {
    /// Every code there is, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Normal,
        Self::GoingAway,
        Self::ProtocolError,
        Self::Unsupported,
        Self::NotUtf8,
        Self::Abuse,
        Self::TooLong,
        Self::Fault,
        Self::Idle,
        Self::TooManySockets,
    ];

    /// The number on the wire.
    pub fn number(self) -> u16 {
        self as u16
    }

    /// The code of a number; none where this server never sends it.
    pub fn of(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }

    /// Whether a client does right to come back by itself (with its usual pause), or should stay
    /// away until a person asks.
    pub fn come_back(self) -> bool {
        matches!(self, Self::GoingAway | Self::Fault | Self::Idle)
    }
}

/// A close frame. A reason beyond [`CLOSE_REASON_BYTES_MAX`] is cut at a character's end.
pub fn close_frame(code: CloseCode, reason: &str) -> Bytes {
    let reason = &reason[..reason.floor_char_boundary(CLOSE_REASON_BYTES_MAX)];
    let mut payload = Vec::with_capacity(2 + reason.len());
    payload.extend_from_slice(&code.number().to_be_bytes());
    payload.extend_from_slice(reason.as_bytes());
    frame(Opcode::Close, &payload)
}

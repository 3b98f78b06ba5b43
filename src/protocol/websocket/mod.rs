//! WebSocket frames (RFC 6455), to and from bytes.
//!
//! It owns what a frame looks like and which faults a client can make in one; it reads and writes
//! nothing itself, so it can be tried with any bytes. Only the hub may join it to a stream. There
//! are no extensions: no compression, hence no compression bombs.

mod close;
mod reader;

#[cfg(test)]
mod tests;

pub use close::{CLOSE_REASON_BYTES_MAX, CloseCode, close_frame};
pub use reader::{Fault, Message, Reader};

use bytes::{BufMut, Bytes, BytesMut};

/// The longest message a client may send unless the server's owner says otherwise, in bytes: a
/// hold of two hundred seats with their numbers written out fits.
pub const MESSAGE_BYTES_MAX: usize = 4096;

/// The longest payload a control frame may have (RFC 6455, 5.5).
pub const CONTROL_BYTES_MAX: usize = 125;

/// The most bytes a server's frame header takes: two, and eight for a length beyond 65,535.
pub const HEADER_BYTES_MAX: usize = 10;

/// What a frame is. The numbers are the wire's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// More of the message begun before.
    Continuation = 0x0,
    /// A text message, UTF-8.
    Text = 0x1,
    /// A binary message.
    Binary = 0x2,
    /// The last frame in its direction.
    Close = 0x8,
    /// To be answered by a pong with the same payload.
    Ping = 0x9,
    /// The answer to a ping.
    Pong = 0xA,
}

impl Opcode {
    /// The opcode of a frame's first byte; none for those RFC 6455 keeps for later.
    pub fn of(first: u8) -> Option<Self> {
        match first & 0x0F {
            0x0 => Some(Self::Continuation),
            0x1 => Some(Self::Text),
            0x2 => Some(Self::Binary),
            0x8 => Some(Self::Close),
            0x9 => Some(Self::Ping),
            0xA => Some(Self::Pong),
            _ => None,
        }
    }

    /// Whether it is about the connection and not part of a message: short, whole, and allowed
    /// between the fragments of one.
    pub fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A whole frame as a server sends it: final and unmasked. The payload is what lies behind
/// [`header_length`] bytes, so one allocation serves those who want it bare, too.
pub fn frame(opcode: Opcode, payload: &[u8]) -> Bytes {
    let length = payload.len();
    let mut bytes = BytesMut::with_capacity(header_length(length) + length);
    bytes.put_u8(0x80 | opcode as u8);
    match length {
        0..=125 => bytes.put_u8(length as u8),
        126..=0xFFFF => {
            bytes.put_u8(126);
            bytes.put_u16(length as u16);
        }
        _ => {
            bytes.put_u8(127);
            bytes.put_u64(length as u64);
        }
    }
    bytes.put_slice(payload);
    bytes.freeze()
}

/// How many bytes a server's frame has before a payload of `length`.
pub fn header_length(length: usize) -> usize {
    match length {
        0..=125 => 2,
        126..=0xFFFF => 4,
        _ => HEADER_BYTES_MAX,
    }
}

//! The incremental reader of a client's frames.
//!
//! It owns the bytes of one incomplete frame and the fragments of one incomplete message, never
//! more than the limit and one read's worth behind it; between messages it owns no memory at all,
//! because ten thousand sockets mostly say nothing. It knows no stream and no clock.

use super::{CONTROL_BYTES_MAX, CloseCode, Opcode};

/// A message or control frame, whole and unmasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text, known to be UTF-8.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// To be answered with the same bytes.
    Ping(Vec<u8>),
    /// The answer to a ping.
    Pong,
    /// The peer's last frame, with its code if it gave one.
    Close(Option<u16>),
}

/// What a client did wrong. Nothing after it can be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not WebSocket as a client must speak it.
    #[error("not a WebSocket frame a client may send")]
    Malformed,
    /// Text or a close reason is not UTF-8.
    #[error("text that is not UTF-8")]
    NotUtf8,
    /// The message is longer than the limit.
    #[error("a message longer than the limit")]
    TooLong,
}

impl Fault {
    /// The code to close with.
    pub fn close_code(self) -> CloseCode {
        match self {
            Self::Malformed => CloseCode::ProtocolError,
            Self::NotUtf8 => CloseCode::NotUtf8,
            Self::TooLong => CloseCode::TooLong,
        }
    }
}

/// Reads frames from bytes that come in any pieces.
#[derive(Debug)]
pub struct Reader {
    /// Bytes not understood yet; those before `read_to` already are.
    waiting: Vec<u8>,
    read_to: usize,
    /// The fragments so far of a message whose last has not come.
    begun: Option<Begun>,
    message_bytes_max: u32,
}

#[derive(Debug)]
struct Begun {
    is_text: bool,
    payload: Vec<u8>,
}

/// A frame's header, understood.
struct Header {
    is_final: bool,
    opcode: Opcode,
    mask: [u8; 4],
    /// How many bytes the header has, and how many follow it.
    length: usize,
    payload_length: usize,
}

impl Reader {
    /// A reader that has read nothing. `message_bytes_max` bounds a message, all fragments
    /// together.
    pub fn new(message_bytes_max: usize) -> Self {
        Self {
            waiting: Vec::new(),
            read_to: 0,
            begun: None,
            message_bytes_max: u32::try_from(message_bytes_max).unwrap_or(u32::MAX),
        }
    }

    /// The next message complete with `bytes`, if there is one. The rest is kept: call again, with
    /// no bytes, until there is none. After a fault the reader must not be used again.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Option<Message>, Fault> {
        // Almost always nothing is waiting and one whole frame comes in one read: that one is
        // read in place.
        let kept = std::mem::take(&mut self.waiting);
        if kept.is_empty() {
            let (message, used) = self.parse(bytes)?;
            if used < bytes.len() {
                self.waiting = bytes[used..].to_vec();
            }
            return Ok(message);
        }
        let mut waiting = kept;
        waiting.extend_from_slice(bytes);
        let (message, used) = self.parse(&waiting[self.read_to..])?;
        self.read_to += used;
        if self.read_to == waiting.len() {
            self.read_to = 0;
        } else {
            // Moving the rest forward only once no message is left keeps a read full of tiny
            // frames linear.
            if message.is_none() {
                waiting.drain(..self.read_to);
                self.read_to = 0;
            }
            self.waiting = waiting;
        }
        Ok(message)
    }

    /// Whether bytes are kept that [`read`](Self::read) has not looked at to their end, or a frame
    /// or message is begun: the peer owes its end.
    pub fn is_within_message(&self) -> bool {
        !self.waiting.is_empty() || self.begun.is_some()
    }

    /// Reads frames until a message is whole; also tells how many bytes it understood.
    fn parse(&mut self, bytes: &[u8]) -> Result<(Option<Message>, usize), Fault> {
        let mut used = 0;
        loop {
            let Some(header) = self.header(&bytes[used..])? else { return Ok((None, used)) };
            let start = used + header.length;
            let end = start + header.payload_length;
            if bytes.len() < end {
                return Ok((None, used));
            }
            let payload = &bytes[start..end];
            used = end;
            if let Some(message) = self.frame(&header, payload)? {
                return Ok((Some(message), used));
            }
        }
    }

    /// The header at the start of `bytes`, or none yet. Faults are told as soon as they can be
    /// seen: a frame too long is refused before its payload comes.
    fn header(&self, bytes: &[u8]) -> Result<Option<Header>, Fault> {
        let &[first, ref rest @ ..] = bytes else { return Ok(None) };
        // The reserved bits belong to extensions, and none is ever negotiated.
        if first & 0x70 != 0 {
            return Err(Fault::Malformed);
        }
        let opcode = Opcode::of(first).ok_or(Fault::Malformed)?;
        let is_final = first & 0x80 != 0;
        let &[second, ref rest @ ..] = rest else { return Ok(None) };
        if second & 0x80 == 0 {
            return Err(Fault::Malformed);
        }
        let (payload_length, extended) = match second & 0x7F {
            126 => match rest.first_chunk() {
                Some(&bytes) => (u64::from(u16::from_be_bytes(bytes)), 2),
                None => return Ok(None),
            },
            127 => match rest.first_chunk() {
                Some(&bytes) => (u64::from_be_bytes(bytes), 8),
                None => return Ok(None),
            },
            short => (u64::from(short), 0),
        };
        let is_shortest = match extended {
            2 => payload_length > 125,
            8 => payload_length > 0xFFFF && payload_length >> 63 == 0,
            _ => true,
        };
        let fits_its_kind =
            !opcode.is_control() || (is_final && payload_length <= CONTROL_BYTES_MAX as u64);
        // A continuation continues something, and nothing else may begin in between.
        let in_order =
            opcode.is_control() || (opcode == Opcode::Continuation) == self.begun.is_some();
        if !is_shortest || !fits_its_kind || !in_order {
            return Err(Fault::Malformed);
        }
        let so_far = self.begun.as_ref().map_or(0, |begun| begun.payload.len() as u64);
        if !opcode.is_control() && payload_length + so_far > u64::from(self.message_bytes_max) {
            return Err(Fault::TooLong);
        }
        let Some(&mask) = rest[extended..].first_chunk() else { return Ok(None) };
        let length = 2 + extended + mask.len();
        Ok(Some(Header { is_final, opcode, mask, length, payload_length: payload_length as usize }))
    }

    /// Takes a whole frame; gives the message it completes.
    fn frame(&mut self, header: &Header, masked: &[u8]) -> Result<Option<Message>, Fault> {
        let payload = unmasked(masked, header.mask);
        let is_text = match header.opcode {
            Opcode::Ping => return Ok(Some(Message::Ping(payload))),
            Opcode::Pong => return Ok(Some(Message::Pong)),
            Opcode::Close => return close(&payload).map(Some),
            Opcode::Text => true,
            Opcode::Binary | Opcode::Continuation => false,
        };
        let whole = match self.begun.take() {
            None => Begun { is_text, payload },
            Some(mut begun) => {
                begun.payload.extend_from_slice(&payload);
                begun
            }
        };
        if !header.is_final {
            self.begun = Some(whole);
            return Ok(None);
        }
        if !whole.is_text {
            return Ok(Some(Message::Binary(whole.payload)));
        }
        String::from_utf8(whole.payload)
            .map(|text| Some(Message::Text(text)))
            .map_err(|_| Fault::NotUtf8)
    }
}

/// Takes the mask off, eight bytes at a time.
fn unmasked(masked: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut payload = masked.to_vec();
    let mut words = payload.chunks_exact_mut(8);
    for word in &mut words {
        if let Ok(bytes) = <[u8; 8]>::try_from(&*word) {
            word.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ wide).to_ne_bytes());
        }
    }
    for (byte, mask) in words.into_remainder().iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
    payload
}

/// What a close frame says.
fn close(payload: &[u8]) -> Result<Message, Fault> {
    let code = match payload {
        [] => return Ok(Message::Close(None)),
        [_] => return Err(Fault::Malformed),
        [high, low, reason @ ..] => {
            std::str::from_utf8(reason).map_err(|_| Fault::NotUtf8)?;
            u16::from_be_bytes([*high, *low])
        }
    };
    // 1004 to 1006 and 1015 may not be sent (RFC 6455, 7.4.1), nor those nobody has registered.
    match code {
        1000..=1003 | 1007..=1014 | 3000..=4999 => Ok(Message::Close(Some(code))),
        _ => Err(Fault::Malformed),
    }
}

#[cfg(test)]
impl Reader {
    /// How much memory is kept for bytes not understood yet.
    pub(super) fn waiting_capacity(&self) -> usize {
        self.waiting.capacity()
    }
}

//! The bytes entries and snapshots are made of: varints, ids, texts, lists of seats.
//!
//! Written down in `docs/log-format.md`. Nothing here may ever change: yesterday's log is read with
//! tomorrow's program. Reading is strict and total: any bytes give a value or a fault, never a panic.

use uuid::Uuid;

use crate::hall::Seat;

use super::Time;

/// Why bytes are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// They end too soon.
    #[error("the bytes end in the middle")]
    Short,
    /// There are bytes left over.
    #[error("{0} bytes are left over")]
    Long(usize),
    /// A number does not fit its type, or is not in its shortest form.
    #[error("a number is malformed")]
    Number,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    Text,
    /// Written by a newer program.
    #[error("version {0} is newer than this program knows")]
    Version(u8),
    /// A kind this version does not have.
    #[error("kind {0} is unknown")]
    Kind(u8),
    /// A value no show can have.
    #[error("{0}")]
    Value(&'static str),
}

/// Bytes being written.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Unsigned LEB128, shortest form.
    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    pub(crate) fn time(&mut self, time: Time) {
        self.number(time.0);
    }

    pub(crate) fn id(&mut self, id: Uuid) {
        self.0.extend_from_slice(id.as_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// A list of seats: their number, then each as it is.
    pub(crate) fn seats(&mut self, seats: &[Seat]) {
        self.number(seats.len() as u64);
        for seat in seats {
            self.number(u64::from(seat.0));
        }
    }
}

/// Bytes being read.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Nothing may be left.
    pub(crate) fn finish(self) -> Result<(), CodecError> {
        if self.0.is_empty() { Ok(()) } else { Err(CodecError::Long(self.0.len())) }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, CodecError> {
        let (&first, rest) = self.0.split_first().ok_or(CodecError::Short)?;
        self.0 = rest;
        Ok(first)
    }

    pub(crate) fn number(&mut self) -> Result<u64, CodecError> {
        let mut number = 0u64;
        for place in 0..10 {
            let byte = self.byte()?;
            if place == 9 && byte > 1 || place > 0 && byte == 0 {
                return Err(CodecError::Number);
            }
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(CodecError::Number)
    }

    pub(crate) fn small(&mut self) -> Result<u32, CodecError> {
        u32::try_from(self.number()?).map_err(|_| CodecError::Number)
    }

    pub(crate) fn time(&mut self) -> Result<Time, CodecError> {
        Ok(Time(self.number()?))
    }

    pub(crate) fn id(&mut self) -> Result<Uuid, CodecError> {
        Ok(Uuid::from_bytes(self.array()?))
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (bytes, rest) = self.0.split_first_chunk::<N>().ok_or(CodecError::Short)?;
        self.0 = rest;
        Ok(*bytes)
    }

    pub(crate) fn text(&mut self) -> Result<String, CodecError> {
        let length = usize::try_from(self.number()?).map_err(|_| CodecError::Number)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(CodecError::Short)?;
        self.0 = rest;
        Ok(std::str::from_utf8(bytes).map_err(|_| CodecError::Text)?.to_owned())
    }

    /// A list's length; each of its items takes at least one byte, so that a lie about the length
    /// cannot make the reader allocate more than it was given.
    pub(crate) fn length(&mut self) -> Result<usize, CodecError> {
        let length = usize::try_from(self.number()?).map_err(|_| CodecError::Number)?;
        if length > self.0.len() { Err(CodecError::Short) } else { Ok(length) }
    }

    pub(crate) fn seats(&mut self) -> Result<Box<[Seat]>, CodecError> {
        let length = self.length()?;
        let mut seats = Vec::with_capacity(length);
        for _ in 0..length {
            seats.push(Seat(self.small()?));
        }
        Ok(seats.into_boxed_slice())
    }
}

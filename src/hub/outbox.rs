//! What waits for one socket: nothing, for all but the slow.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// Pieces handed to the kernel in one write.
const PIECES_PER_WRITE: usize = 16;

/// Messages in their order, the first maybe begun. Empty, it owns no memory.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pieces: VecDeque<Piece>,
    has_seat_frame: bool,
}

#[derive(Debug)]
struct Piece {
    rest: Bytes,
    is_seat_frame: bool,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// How many messages wait.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Whether a seat frame waits: then no other is put in, which is what keeps a slow viewer's
    /// memory constant.
    pub(super) fn has_seat_frame(&self) -> bool {
        self.has_seat_frame
    }

    /// Puts a message, or what is left of it, behind the others.
    pub(super) fn push(&mut self, rest: Bytes, is_seat_frame: bool) {
        self.has_seat_frame |= is_seat_frame;
        self.pieces.push_back(Piece { rest, is_seat_frame });
    }

    /// Writes as much as `write` takes at once; tells how many bytes it took.
    pub(super) fn write_with<E>(
        &mut self,
        write: impl FnOnce(&[IoSlice<'_>]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let mut slices = [IoSlice::new(&[]); PIECES_PER_WRITE];
        let count = self.pieces.len().min(PIECES_PER_WRITE);
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(&piece.rest);
        }
        let written = write(&slices[..count])?;
        self.drop_written(written);
        Ok(written)
    }

    fn drop_written(&mut self, mut written: usize) {
        while let Some(first) = self.pieces.front_mut() {
            if first.rest.len() > written {
                first.rest.advance(written);
                return;
            }
            written -= first.rest.len();
            self.has_seat_frame &= !first.is_seat_frame;
            self.pieces.pop_front();
        }
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_leave_in_order_however_little_is_taken_at_a_time() {
        let mut outbox = Outbox::default();
        outbox.push(Bytes::from_static(b"snapshot"), true);
        outbox.push(Bytes::from_static(b"answer"), false);
        outbox.push(Bytes::from_static(b"notice"), false);
        let mut taken = Vec::new();
        while !outbox.is_empty() {
            assert_eq!(outbox.has_seat_frame(), taken.len() < "snapshot".len());
            let wrote: Result<usize, ()> = outbox.write_with(|slices| {
                let all: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
                let some = &all[..all.len().min(5)];
                taken.extend_from_slice(some);
                Ok(some.len())
            });
            assert!(wrote.is_ok_and(|wrote| wrote > 0));
        }
        assert_eq!(taken, b"snapshotanswernotice");
        assert_eq!(outbox.pieces.capacity(), 0);
    }
}

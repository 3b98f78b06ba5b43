//! What a client knows of a show: every seat's state, and the position it is of.
//!
//! The rules of applying frames, once, for the Rust client, the terminal and the tests.

use crate::show::SeatState;

use super::seats::{Run, SeatFrame};
use super::two_bits;

/// Every seat's state at one position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    epoch: u64,
    seq: u64,
    seats: u32,
    two_bits: Vec<u8>,
}

/// What a frame did to a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The picture is new from the ground up.
    Replaced,
    /// The picture moved on.
    Moved,
    /// All of it was known already.
    Known,
}

/// Why the picture can no longer be trusted: close, and open again without `since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// A diff came before any snapshot.
    #[error("a diff came before any snapshot")]
    NoSnapshot,
    /// A diff starts after the position the picture is of.
    #[error("a gap: the picture is of {known}, the diff starts from {from}")]
    Gap {
        /// The position the picture is of.
        known: u64,
        /// The position the diff starts from.
        from: u64,
    },
    /// A diff names a seat that the show does not have.
    #[error("a diff reaches past the last seat")]
    PastTheEnd,
    /// A snapshot of the same epoch is older than what was seen on this socket.
    #[error("went back within an epoch, from {known} to {given}")]
    WentBack {
        /// The position the picture is of.
        known: u64,
        /// The snapshot's.
        given: u64,
    },
}

impl Picture {
    /// Applies `frame` to what is known, which may be nothing yet.
    ///
    /// Runs must lie inside the show; after an error the picture is as it was, and not to be used
    /// further.
    pub fn apply(known: &mut Option<Self>, frame: SeatFrame) -> Result<Applied, Lost> {
        match (frame, known.as_mut()) {
            (SeatFrame::Snapshot { epoch, seq, seats, two_bits }, before) => {
                if let Some(before) = before
                    && before.epoch == epoch
                    && seq < before.seq
                {
                    return Err(Lost::WentBack { known: before.seq, given: seq });
                }
                *known = Some(Self { epoch, seq, seats, two_bits });
                Ok(Applied::Replaced)
            }
            (SeatFrame::Diff { .. }, None) => Err(Lost::NoSnapshot),
            (SeatFrame::Diff { from, to, runs }, Some(picture)) => picture.advance(from, to, &runs),
        }
    }

    fn advance(&mut self, from: u64, to: u64, runs: &[Run]) -> Result<Applied, Lost> {
        if to <= self.seq {
            return Ok(Applied::Known);
        }
        if self.seq < from {
            return Err(Lost::Gap { known: self.seq, from });
        }
        let reach: u64 = runs.iter().map(|run| u64::from(run.gap) + u64::from(run.length)).sum();
        if reach > u64::from(self.seats) {
            return Err(Lost::PastTheEnd);
        }
        let mut seat = 0;
        for run in runs {
            seat += run.gap;
            two_bits::set_run(&mut self.two_bits, seat, run.length, run.state);
            seat += run.length;
        }
        self.seq = to;
        Ok(Applied::Moved)
    }

    /// The life of the log that [`Picture::seq`] counts in.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The position this is a picture of.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// How many seats the show has.
    pub fn seats(&self) -> u32 {
        self.seats
    }

    /// The states as a snapshot carries them.
    pub fn two_bits(&self) -> &[u8] {
        &self.two_bits
    }

    /// The state of one seat; available for a seat the show does not have.
    pub fn state(&self, seat: u32) -> SeatState {
        two_bits::state_at(&self.two_bits, seat)
    }

    /// Every seat's state, in order.
    pub fn states(&self) -> impl Iterator<Item = SeatState> + '_ {
        two_bits::states(&self.two_bits, self.seats)
    }

    /// How many seats are in each state: available, held, sold, blocked.
    pub fn counts(&self) -> [u32; 4] {
        two_bits::counts(&self.two_bits, self.seats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(from: u64, to: u64, runs: &[(u32, u32, SeatState)]) -> SeatFrame {
        let runs = runs.iter().map(|&(gap, length, state)| Run { gap, length, state }).collect();
        SeatFrame::Diff { from, to, runs }
    }

    fn snapshot(epoch: u64, seq: u64) -> SeatFrame {
        SeatFrame::Snapshot { epoch, seq, seats: 5, two_bits: vec![0, 0] }
    }

    #[test]
    fn a_diff_that_overlaps_is_applied_and_an_old_one_is_not() {
        let mut known = None;
        assert_eq!(Picture::apply(&mut known, snapshot(1, 7)), Ok(Applied::Replaced));
        let overlapping = diff(5, 9, &[(1, 2, SeatState::Held)]);
        assert_eq!(Picture::apply(&mut known, overlapping), Ok(Applied::Moved));
        let old = diff(7, 9, &[(0, 5, SeatState::Sold)]);
        assert_eq!(Picture::apply(&mut known, old), Ok(Applied::Known));
        let picture = known.unwrap();
        assert_eq!((picture.seq(), picture.counts()), (9, [3, 2, 0, 0]));
        assert_eq!(picture.state(1), SeatState::Held);
    }

    #[test]
    fn a_picture_that_cannot_be_right_is_given_up() {
        let mut known = None;
        assert_eq!(Picture::apply(&mut known, diff(0, 1, &[])), Err(Lost::NoSnapshot));
        Picture::apply(&mut known, snapshot(1, 7)).unwrap();
        let gap = Lost::Gap { known: 7, from: 8 };
        assert_eq!(Picture::apply(&mut known, diff(8, 9, &[])), Err(gap));
        let too_far = diff(7, 8, &[(4, 2, SeatState::Held)]);
        assert_eq!(Picture::apply(&mut known, too_far), Err(Lost::PastTheEnd));
        let back = Lost::WentBack { known: 7, given: 6 };
        assert_eq!(Picture::apply(&mut known, snapshot(1, 6)), Err(back));
        assert_eq!(Picture::apply(&mut known, snapshot(2, 0)), Ok(Applied::Replaced));
    }
}

//! What is behind the board's lock: the seats, when each last changed, and the frames made so far.

use crate::hall::Seat;
use crate::protocol::seats::{Format, Run, snapshot_length_at_most};
use crate::protocol::two_bits;
use crate::show::SeatState;

use super::{Place, SeatFrame};

/// How many frames to the current position are kept: one for each place that many viewers are
/// usually at after a round (see the sweep's slices), in both formats. Whoever else comes from
/// elsewhere has a frame made for it.
const FRAMES_KEPT_MAX: usize = 16;

/// Seats in a word: the changes are searched word by word.
const WORD_SEATS: usize = 64;

#[derive(Debug)]
pub(super) struct Face {
    epoch: u64,
    seq: u64,
    /// The oldest seq from which a diff can be told.
    exact_since: u64,
    seats: u32,
    two_bits: Vec<u8>,
    /// The seq of each seat's last change; 0 where none is known of.
    changed_at: Vec<u64>,
    /// The latest of each word's seats.
    word_changed_at: Vec<u64>,
    /// Frames that lead to `seq`, by where they start (none: a snapshot).
    kept: Vec<(Option<u64>, Format, SeatFrame)>,
}

impl Face {
    pub(super) fn new(epoch: u64, seq: u64, exact_since: u64, states: &[SeatState]) -> Self {
        let changed = if exact_since < seq { seq } else { 0 };
        Self {
            epoch,
            seq,
            exact_since,
            seats: states.len() as u32,
            two_bits: two_bits::of_states(states),
            changed_at: vec![changed; states.len()],
            word_changed_at: vec![changed; states.len().div_ceil(WORD_SEATS)],
            kept: Vec::new(),
        }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    pub(super) fn seats(&self) -> u32 {
        self.seats
    }

    /// Moves on to `to`; tells whether a seat changed.
    pub(super) fn publish(&mut self, to: u64, changes: &[(Seat, SeatState)]) -> bool {
        debug_assert!(to > self.seq, "published {to} after {}", self.seq);
        if to <= self.seq {
            return false;
        }
        self.seq = to;
        self.kept.clear();
        let mut has_changed = false;
        for &(seat, state) in changes {
            let index = seat.0 as usize;
            debug_assert!(seat.0 < self.seats, "seat {} of {}", seat.0, self.seats);
            if seat.0 >= self.seats || two_bits::state_at(&self.two_bits, seat.0) == state {
                continue;
            }
            two_bits::set_run(&mut self.two_bits, seat.0, 1, state);
            self.changed_at[index] = to;
            self.word_changed_at[index / WORD_SEATS] = to;
            has_changed = true;
        }
        has_changed
    }

    pub(super) fn frame_since(
        &mut self,
        since: Option<Place>,
        format: Format,
    ) -> Option<SeatFrame> {
        if since == Some((self.epoch, self.seq)) {
            return None;
        }
        Some(self.first_frame(since, format))
    }

    pub(super) fn first_frame(&mut self, since: Option<Place>, format: Format) -> SeatFrame {
        let from = since
            .filter(|(epoch, _)| *epoch == self.epoch)
            .map(|(_, seq)| seq)
            .filter(|seq| (self.exact_since..=self.seq).contains(seq));
        let kept = self.kept.iter().find(|kept| kept.0 == from && kept.1 == format);
        if let Some((_, _, frame)) = kept {
            return frame.clone();
        }
        let frame = match from {
            Some(from) => self.diff_or_snapshot(from, format),
            None => self.snapshot(format),
        };
        if self.kept.len() < FRAMES_KEPT_MAX {
            self.kept.push((from, format, frame.clone()));
        }
        frame
    }

    fn snapshot(&self, format: Format) -> SeatFrame {
        SeatFrame::snapshot(format, (self.epoch, self.seq), self.seats, &self.two_bits)
    }

    /// The shorter of the two.
    fn diff_or_snapshot(&mut self, from: u64, format: Format) -> SeatFrame {
        let place = (self.epoch, self.seq);
        let runs = self.runs_since(from);
        // A run takes at least two bytes, so this many need not be written out to be judged.
        if runs.len() * 2 > snapshot_length_at_most(format, self.seats) {
            return self.first_frame(None, format);
        }
        let diff = SeatFrame::diff(format, from, place, &runs);
        // The packed seats alone are shorter than any snapshot; most diffs are shorter than those.
        if diff.framed().len() <= self.two_bits.len() {
            return diff;
        }
        let snapshot = self.first_frame(None, format);
        if diff.framed().len() <= snapshot.framed().len() { diff } else { snapshot }
    }

    /// What changed after `from`, as it is now.
    fn runs_since(&self, from: u64) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let mut end = 0;
        for (word, _) in self.word_changed_at.iter().enumerate().filter(|(_, at)| **at > from) {
            let first = word * WORD_SEATS;
            let last = (first + WORD_SEATS).min(self.changed_at.len());
            for seat in (first..last).filter(|&seat| self.changed_at[seat] > from) {
                let seat = seat as u32;
                let state = two_bits::state_at(&self.two_bits, seat);
                match runs.last_mut() {
                    Some(run) if end == seat && run.state == state => run.length += 1,
                    _ => runs.push(Run { gap: seat - end, length: 1, state }),
                }
                end = seat + 1;
            }
        }
        runs
    }
}

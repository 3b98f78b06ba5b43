//! The viewers of one board on one shard.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use tokio::time::Instant;

use super::Shard;
use super::board::{Bell, Board};
use super::viewer::Viewer;
use crate::show::ShowId;

pub(super) struct Audience {
    pub(super) show: ShowId,
    pub(super) board: Arc<Board>,
    pub(super) bell: Arc<Bell>,
    pub(super) shard: Rc<Shard>,
    pub(super) pace: Cell<Pace>,
    /// When the next round may begin.
    pub(super) not_before: Cell<Instant>,
    /// Where the next round begins: another place each time, so that nobody is always last.
    pub(super) next_start: Cell<usize>,
    seats: RefCell<Seats>,
}

/// Whether a round is wanted or under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Everybody was shown the latest.
    Quiet,
    /// Something is new, and the round waits for its time.
    Due,
    /// A round is under way; `again` if something is new since it began.
    InRound {
        /// Another round is wanted after it.
        again: bool,
    },
}

/// A viewer stays where it sits until it leaves, so that a round under way can neither miss nor
/// repeat one when another leaves.
#[derive(Default)]
struct Seats {
    taken: Vec<Option<Rc<Viewer>>>,
    free: Vec<usize>,
}

impl Audience {
    pub(super) fn new(show: ShowId, board: Arc<Board>, bell: Arc<Bell>, shard: Rc<Shard>) -> Self {
        Self {
            show,
            board,
            bell,
            shard,
            pace: Cell::new(Pace::Quiet),
            not_before: Cell::new(Instant::now()),
            next_start: Cell::new(0),
            seats: RefCell::default(),
        }
    }

    /// Gives the viewer a place.
    pub(super) fn enter(&self, viewer: Rc<Viewer>) -> usize {
        let mut seats = self.seats.borrow_mut();
        let place = seats.free.pop().unwrap_or(seats.taken.len());
        match seats.taken.get_mut(place) {
            Some(seat) => *seat = Some(viewer),
            None => seats.taken.push(Some(viewer)),
        }
        place
    }

    /// Frees the place; tells whether nobody is left.
    pub(super) fn leave(&self, place: usize) -> bool {
        let mut seats = self.seats.borrow_mut();
        if seats.taken.get_mut(place).and_then(Option::take).is_some() {
            seats.free.push(place);
        }
        seats.free.len() == seats.taken.len()
    }

    /// How many places there are, free ones included.
    pub(super) fn places(&self) -> usize {
        self.seats.borrow().taken.len()
    }

    /// Does something with each viewer of `count` places from `start` on, up to the last. It must not
    /// let anyone in or out.
    pub(super) fn each(&self, start: usize, count: usize, act: impl FnMut(&Rc<Viewer>)) {
        self.with([start..self.places().min(start + count), 0..0], |viewers| viewers.for_each(act));
    }

    /// The viewers of some places, all of them together.
    pub(super) fn with(
        &self,
        places: [Range<usize>; 2],
        act: impl FnOnce(&mut dyn Iterator<Item = &Rc<Viewer>>),
    ) {
        let seats = self.seats.borrow();
        let [first, second] = places.map(|range| seats.taken.get(range).unwrap_or_default());
        act(&mut first.iter().chain(second).flatten());
    }
}

/// One time around the places there were at its beginning, in slices.
///
/// Newcomers are not of it, though they sit behind the last of its places: were they counted, the
/// slice that goes round the end would cover them instead of as many of the first, who would stay
/// behind until the next change. They are up to date by their first frame.
#[derive(Clone, Debug)]
pub(super) struct Lap {
    places: usize,
    next: usize,
    left: usize,
}

impl Lap {
    /// Around `places`, from `start` on.
    pub(super) fn new(places: usize, start: usize) -> Self {
        Self { places, next: start % places.max(1), left: places }
    }

    /// Where it goes on.
    pub(super) fn next(&self) -> usize {
        self.next
    }

    /// Whether all places had their turn.
    pub(super) fn is_done(&self) -> bool {
        self.left == 0
    }

    /// The next `count` places, or what is left: up to the end, and on from the first.
    pub(super) fn slice(&mut self, count: usize) -> [Range<usize>; 2] {
        let count = count.min(self.left);
        let end = (self.next + count).min(self.places);
        let round = self.next + count - end;
        let places = [self.next..end, 0..round];
        self.left -= count;
        self.next = (self.next + count) % self.places.max(1);
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lap_comes_to_every_place_once_wherever_it_starts() {
        for places in [0, 1, 255, 256, 257, 600, 1_000] {
            for start in [0, 1, 23, 256, 599, 5_000] {
                let mut lap = Lap::new(places, start);
                let mut came = vec![0; places];
                while !lap.is_done() {
                    lap.slice(256).into_iter().flatten().for_each(|place| came[place] += 1);
                }
                assert_eq!(came, vec![1; places], "{places} places from {start}");
            }
        }
    }
}

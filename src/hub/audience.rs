//! The viewers of one board on one shard.

use std::cell::{Cell, RefCell};
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

    /// Does something with each viewer of `count` places from `start` on, round the end. It must
    /// not let anyone in or out.
    pub(super) fn each(&self, start: usize, count: usize, act: impl FnMut(&Rc<Viewer>)) {
        self.with(start, count, |viewers| viewers.for_each(act));
    }

    /// As [`each`](Self::each), all of them together.
    pub(super) fn with(
        &self,
        start: usize,
        count: usize,
        act: impl FnOnce(&mut dyn Iterator<Item = &Rc<Viewer>>),
    ) {
        let seats = self.seats.borrow();
        let (before, after) = seats.taken.split_at(start.min(seats.taken.len()));
        act(&mut after.iter().chain(before).take(count).flatten());
    }
}

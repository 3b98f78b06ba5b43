//! The board: what everybody may see of one open show, and every frame that tells it.
//!
//! The box office writes it, shards and long polls read it. There is no queue per viewer and no
//! ring to fall off: a viewer is a position, and the frame it needs is a function of that
//! position, made from when each seat last changed. So a slow viewer costs what a fast one does,
//! and whoever asks from the same position shares the same bytes. It knows no sockets; shards are
//! told by their [`Bell`]s.

mod bell;
mod face;
mod frame;

#[cfg(test)]
mod tests;

pub(super) use bell::Bell;
pub use frame::SeatFrame;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::hall::Seat;
use crate::protocol::seats::Format;
use crate::show::SeatState;

use face::Face;

/// A place in a show's story: epoch and seq.
pub type Place = (u64, u64);

/// Names a board among all of this process, so that a show opened afresh is not its former self.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct BoardId(u64);

/// One open show's seats, as everybody may see them.
#[derive(Debug)]
pub struct Board {
    id: BoardId,
    /// A plain lock: it is held for the copying of a few kilobytes at most, never across an await.
    face: Mutex<Face>,
    /// Those to ring when something changed: one for each shard with viewers of this show.
    bells: Mutex<Vec<Arc<Bell>>>,
    changed: watch::Sender<Place>,
}

impl Board {
    /// A board that shows `states`, as they are at `seq`.
    ///
    /// `exact_since` is the oldest seq that a viewer may resume from with a diff; between it and
    /// `seq` every seat is taken to have changed, which is never wrong. Usually it is `seq` itself,
    /// the place of the snapshot that the show was opened from, and the entries after it are then
    /// [published](Self::publish) one by one.
    pub fn new(epoch: u64, seq: u64, exact_since: u64, states: &[SeatState]) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            id: BoardId(NEXT.fetch_add(1, Ordering::Relaxed)),
            face: Mutex::new(Face::new(epoch, seq, exact_since, states)),
            bells: Mutex::default(),
            changed: watch::Sender::new((epoch, seq)),
        }
    }

    /// Takes in what was committed up to `to`: the seats that changed, and to what. Without
    /// changes only the position moves, and viewers hear of it within a second. A `to` that is not
    /// ahead of the board is a fault of the caller and changes nothing.
    pub fn publish(&self, to: u64, changes: &[(Seat, SeatState)]) {
        let (place, has_changed) = {
            let mut face = self.face();
            (face.epoch(), face.publish(to, changes))
        };
        if has_changed {
            // Readers only compare places, so a value put out a moment late does no harm.
            self.changed.send_replace((place, to));
        }
        self.ring(has_changed);
    }

    /// Shows another story: history was lost or forked, or a part of it was not heard, and everybody
    /// gets a snapshot. Within an epoch it never goes back.
    pub fn replace(&self, epoch: u64, seq: u64, states: &[SeatState]) {
        {
            let mut face = self.face();
            debug_assert!(face.epoch() != epoch || face.seq() <= seq, "it went back in its epoch");
            *face = Face::new(epoch, seq, seq, states);
        }
        self.changed.send_replace((epoch, seq));
        self.ring(true);
    }

    /// The one frame that brings a viewer from `since` to now: a diff where it can be told exactly
    /// and is not longer than the snapshot, else a snapshot. None where there is nothing new.
    pub fn frame_since(&self, since: Option<Place>, format: Format) -> Option<SeatFrame> {
        self.face().frame_since(since, format)
    }

    /// The frame a new viewer gets unasked: as [`frame_since`](Self::frame_since), and a diff
    /// without runs for one who missed nothing, so that it hears that it is up to date.
    pub fn first_frame(&self, since: Option<Place>, format: Format) -> SeatFrame {
        self.face().first_frame(since, format)
    }

    /// Where the story is now.
    pub fn position(&self) -> Place {
        let face = self.face();
        (face.epoch(), face.seq())
    }

    /// How many seats the show has.
    pub fn seats(&self) -> u32 {
        self.face().seats()
    }

    /// The place at which a seat last changed, to wait for the next: for long polling.
    pub fn changed(&self) -> watch::Receiver<Place> {
        self.changed.subscribe()
    }

    /// What tells this board from others.
    pub(super) fn id(&self) -> BoardId {
        self.id
    }

    /// From now on `bell` is rung. Look at the board only after: what is published in between
    /// would else be seen by nobody.
    pub(super) fn hang(&self, bell: Arc<Bell>) {
        self.bells().push(bell);
    }

    /// `bell` is rung no more.
    pub(super) fn take_down(&self, bell: &Arc<Bell>) {
        self.bells().retain(|hung| !Arc::ptr_eq(hung, bell));
    }

    fn ring(&self, has_changed: bool) {
        for bell in self.bells().iter() {
            if has_changed { bell.ring() } else { bell.note() }
        }
    }

    fn face(&self) -> MutexGuard<'_, Face> {
        // Nothing in there panics halfway through a change, so a poisoned lock is still right.
        self.face.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bells(&self) -> MutexGuard<'_, Vec<Arc<Bell>>> {
        self.bells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The box office: one task per open show that proposes, appends, applies and tells.
//!
//! It is the only owner of the clock: what time it is, is asked once per turn. All commands waiting
//! at a show go into its log in one append. Nothing else changes a show, and nothing is answered
//! before the log has it. This room may use the show, the log, the hub and the protocol; it knows
//! nothing of HTTP or of how a socket speaks.

mod clock;
mod counters;
mod desk;
mod lobby;
mod open_show;
mod pace;
mod pending;
mod replica;
mod takers;
mod task;
mod telling;

use std::sync::Arc;

use dashmap::DashMap;
use uuid::Uuid;

use crate::hall::{Floor, Hall};
use crate::hub::{Board, Hub};
use crate::log::{AppendError, Log, ReadError, StreamId};
use crate::show::ShowId;
use crate::tokens::Tokens;

pub use clock::Clock;
pub use counters::{APPEND_ENTRIES_BOUNDS, APPEND_US_BOUNDS, Counters, Histogram};
pub use desk::{Desk, Settled, Shared};
pub use lobby::{Lobby, Presence, Shown};
pub use open_show::{Looked, OpenShow, Stands};
pub use pending::{Answer, Pending, Refused, Reply, Told};
pub use replica::{News, OpenError, Replica};

/// All open shows of this node.
#[derive(Clone)]
pub struct BoxOffices {
    /// Show to its handle, no more: nothing is ever awaited while a guard of this map is held.
    shows: Arc<DashMap<ShowId, Arc<OpenShow>>>,
    log: Arc<dyn Log>,
    hub: Arc<Hub>,
    clock: Clock,
    counters: Arc<Counters>,
    tokens: Tokens,
}

impl BoxOffices {
    /// An office with no show open. Passes are signed by `tokens`.
    pub fn new(log: Arc<dyn Log>, hub: Arc<Hub>, clock: Clock, tokens: Tokens) -> Self {
        Self { shows: Arc::default(), log, hub, clock, counters: Arc::default(), tokens }
    }

    /// Opens a show whose log has begun: replays it and starts its task. Holds whose time passed
    /// while nobody was there lapse at once. A show that is open already is left as it is.
    ///
    /// # Errors
    /// Where the log does not answer, or holds what this program cannot replay.
    pub async fn open(
        &self,
        show: &ShowId,
        hall: Arc<Hall>,
        floor: Arc<Floor>,
    ) -> Result<Arc<OpenShow>, OpenError> {
        if let Some(open) = self.show(show) {
            return Ok(open);
        }
        // Heard from before what is read on, so that nothing falls between the two.
        let stream = StreamId::show(show);
        let hearing = self.log.watch(&stream);
        self.log.take_over(&stream).await?;
        self.notice_what_was_lost(&stream, show).await?;
        let shown_outside = self.log.shown_outside(&stream).await?;
        let mut replica = Replica::at_snapshot(&*self.log, show, floor.clone()).await?;
        let (head, states) = (replica.head(), replica.show().seat_states());
        // What the replay changes is told to the board as it was told to the viewers of old, so
        // that one who was away through a restart can still resume without a snapshot.
        let board = Arc::new(Board::new(head.epoch, head.seq, head.seq, &states));
        replica.replay(&*self.log, |seq, changes| board.publish(seq, changes)).await?;
        let now = replica.head();
        if board.position() != (now.epoch, now.seq) {
            // Since the snapshot a new life began: what viewers of the old one know is another story.
            board.replace(now.epoch, now.seq, &replica.show().seat_states());
        }
        let open = task::start(task::Parts {
            replica,
            saved: head.seq,
            board,
            hall,
            floor,
            log: self.log.clone(),
            hearing,
            shown_outside,
            hub: self.hub.clone(),
            clock: self.clock.clone(),
            counters: self.counters.clone(),
            tokens: self.tokens.clone(),
        });
        self.shows.insert(show.clone(), open.clone());
        Ok(open)
    }

    /// Where the show was open here before, and its task ended: viewers know what it knew. Does the log
    /// not have that any more, then it goes on in a new life, as the task would have seen to.
    async fn notice_what_was_lost(
        &self,
        stream: &StreamId,
        show: &ShowId,
    ) -> Result<(), ReadError> {
        let before = self.shows.get(show).map(|ended| ended.replica.read().known());
        let Some(known) = before else { return Ok(()) };
        match self.log.append(stream, known, Vec::new()).await {
            Ok(_) | Err(AppendError::Trimmed) => Ok(()),
            Err(AppendError::Forked) => {
                let epoch = Uuid::new_v4().as_u64_pair().0;
                self.log.renew(stream, known.position.epoch, epoch).await.map(drop)
            }
            Err(AppendError::Unavailable(error)) => Err(ReadError::Unavailable(error)),
        }
    }

    /// An open show; none where it was never opened or has ended.
    pub fn show(&self, show: &ShowId) -> Option<Arc<OpenShow>> {
        self.shows.get(show).map(|open| open.clone()).filter(|open| !open.has_ended())
    }

    /// All open shows, in no meaningful order.
    pub fn all(&self) -> Vec<Arc<OpenShow>> {
        self.shows.iter().map(|open| open.clone()).collect()
    }

    /// Whether the log of a show does not answer just now, so that nothing can be changed there. Shows
    /// may be kept by different servers: the others may well go on.
    pub fn log_is_away(&self) -> bool {
        self.shows.iter().any(|open| !open.has_ended() && open.is_away())
    }

    /// Whether it is so of every show, and there is one.
    pub fn log_is_away_for_all(&self) -> bool {
        let mut open = self.shows.iter().filter(|open| !open.has_ended()).peekable();
        open.peek().is_some() && open.all(|open| open.is_away())
    }

    /// What the offices did since the start.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// The time here.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Closes every show: what was asked before is finished and answered, then each show's state is
    /// saved, so that the next start need not replay.
    pub async fn stop(&self) {
        for show in self.all() {
            show.stop().await;
        }
        self.shows.clear();
    }
}

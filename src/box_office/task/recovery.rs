//! What a show's task does when the log is not there, or tells another story than it did.
//!
//! While the log does not answer, watching goes on from memory and changes are refused. When it
//! answers again everything goes on by itself. Where it has lost what was known here, the show goes
//! on from what is left, in a new life; what was lost is said loudly, and everybody is shown the map
//! afresh.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use uuid::Uuid;

use crate::log::{AppendError, CreateError, Genesis, ReadError};
use crate::protocol::rpc::{Notice, StorageState};
use crate::show::Time;

use super::super::counters::Counters;
use super::super::replica::{OpenError, Replica};
use super::gap::Changed;
use super::outside::Outside;
use super::{End, Task, saving};

/// How long after a failed append the log is asked again; doubled each time up to a second.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(1);
/// How many lost orders, and how many lost holds, are named in the log of operations, each a line.
/// All are counted.
const LOST_NAMED_MAX: usize = 1_000;

impl Task {
    /// Whether the appended entries are in the log is unknown: everybody is told so, and the log is
    /// asked before anything else is proposed.
    pub(super) fn log_is_away(&mut self, error: &anyhow::Error, now: Time) {
        Counters::count(&self.counters.unavailable);
        self.desk.unavailable(now);
        self.desk.refuse_unavailable(std::mem::take(&mut self.looking), now);
        let wait = match self.away {
            None => {
                tracing::error!(
                    show = %self.show, error = format!("{error:#}"),
                    "the log does not answer: changes are refused as unavailable until it does"
                );
                // Known before it is told: a socket that opens in between finds it out by itself.
                self.is_away.store(true, Ordering::Relaxed);
                self.tell_storage(StorageState::Away);
                RETRY_FIRST
            }
            Some((_, wait)) => (wait * 2).min(RETRY_MAX),
        };
        self.away = Some((Instant::now() + wait, wait));
    }

    /// Asks the log what came after the position known here; whether it answered. First something is
    /// written: a full disk can be read, and what a failed write left behind is not to be believed
    /// before a write has succeeded.
    pub(super) async fn catch_up(&mut self, now: Time) -> Result<bool, End> {
        if self.away.is_some_and(|(retry_at, _)| Instant::now() < retry_at) {
            return Ok(false);
        }
        let known = self.desk.replica().read().known();
        let told = match self.log.try_writing(&self.stream).await {
            Ok(()) => self.log.append(&self.stream, known, Vec::new()).await,
            Err(error) => Err(error),
        };
        let before = self.away;
        match told {
            Ok(appended) => {
                self.settle(&appended, now)?;
                self.look_what_is_shown().await;
            }
            Err(AppendError::Forked) => self.forked(now).await?,
            Err(AppendError::Trimmed) => self.trimmed(now).await?,
            Err(AppendError::Unavailable(error)) => self.log_is_away(&error, now),
        }
        if self.away != before {
            return Ok(false);
        }
        self.away = None;
        (self.asked_at, self.look) = (Instant::now(), false);
        self.is_away.store(false, Ordering::Relaxed);
        tracing::info!(show = %self.show, seq = self.head().seq, "the log answers again");
        self.tell_storage(StorageState::Ok);
        self.let_in_all();
        Ok(true)
    }

    /// History was lost: the show goes on in a new life from what the log has now.
    pub(super) async fn forked(&mut self, now: Time) -> Result<(), End> {
        let reopened = match self.renew().await {
            Ok(()) => self.reopen().await,
            Err(error) => Err(error.into()),
        };
        self.start_afresh(reopened, now)
    }

    /// The log no longer keeps what followed: the show goes on from the snapshot, in the same life.
    pub(super) async fn trimmed(&mut self, now: Time) -> Result<(), End> {
        tracing::warn!(show = %self.show, seq = self.head().seq, "what followed was trimmed");
        let reopened = self.reopen().await;
        self.start_afresh(reopened, now)
    }

    /// Sees to it that the stream is in another life than the one known here.
    async fn renew(&self) -> Result<(), ReadError> {
        let lost = self.head().epoch;
        let epoch = Uuid::new_v4().as_u64_pair().0;
        match self.log.renew(&self.stream, lost, epoch).await {
            Err(ReadError::NoSuchStream) => {}
            other => return other.map(drop),
        }
        // All of it is gone. The show is still on the programme, so it begins again, empty.
        tracing::error!(show = %self.show, "the log has lost this show wholly: it begins again");
        let definition = self.desk.replica().read().show().definition().clone();
        let bytes = serde_json::to_vec(&definition)
            .map_err(|error| ReadError::Damaged(error.to_string()))?;
        match self.log.create(&self.stream, Genesis::new(epoch, bytes.into())).await {
            // Another node was quicker.
            Ok(()) | Err(CreateError::Exists) => Ok(()),
            Err(CreateError::Unavailable(error)) => Err(ReadError::Unavailable(error)),
        }
    }

    async fn reopen(&self) -> Result<Replica, OpenError> {
        Replica::open(&*self.log, &self.show, self.floor.clone()).await
    }

    /// Goes on with what was opened again; who asked meanwhile hears that nothing is known.
    fn start_afresh(&mut self, reopened: Result<Replica, OpenError>, now: Time) -> Result<(), End> {
        let replica = match reopened {
            Ok(replica) if replica.is_behind(self.head()) => {
                // A failover after the failover: what answered is not what was asked to begin a new
                // life. Viewers know positions of this one: to go back in it would tell them lies.
                let known = self.head().seq;
                self.log_is_away(&OpenError::WentBack { known }.into(), now);
                return Ok(());
            }
            Ok(replica) => replica,
            Err(OpenError::Log(ReadError::Unavailable(error))) => {
                self.log_is_away(&error, now);
                return Ok(());
            }
            Err(error @ OpenError::Changed { .. }) => {
                self.log_is_away(&error.into(), now);
                return Ok(());
            }
            Err(error) => return Err(End::Broken(error)),
        };
        self.desk.unavailable(now);
        let (lost, head) = (self.head(), replica.head());
        if head.epoch != lost.epoch {
            Counters::count(&self.counters.forks);
            tracing::error!(
                show = %self.show, epoch = lost.epoch, seq = lost.seq,
                new_epoch = head.epoch, new_seq = head.seq,
                "the log is in another life, history known here may be lost: every viewer starts afresh"
            );
        }
        self.tell_what_changed(&replica, head.epoch != lost.epoch, now);
        self.outside = self.outside.as_ref().map(|_| Outside::since(0, &replica));
        (self.asked_at, self.look) = (Instant::now(), false);
        (self.saved, self.save_due) = (0, saving::is_due_after(head.seq));
        self.positions.begin_anew();
        let states = replica.show().seat_states();
        // First what the board's position stands for: who waits for that looks here next.
        self.desk.replica().replace(replica);
        self.board.replace(head.epoch, head.seq, &states);
        // In the old history it was their turn.
        self.present.clear();
        self.room_begins_anew();
        Ok(())
    }

    /// What happened between what was known here and `replica` was heard by nobody here: tells every
    /// session what became of what it had. In another life, says which orders are no more.
    fn tell_what_changed(&self, replica: &Replica, is_another_life: bool, now: Time) {
        let known = self.desk.replica().read();
        let changed = Changed::between(known.show(), replica.show(), now);
        for (session, notice) in changed.notices {
            if self.hub.hears(&self.show, session, None) {
                self.hub.notify(&self.show, session, None, Bytes::from(notice.encode()));
            }
        }
        if !is_another_life {
            // The same history: what is gone was given back, in entries that are no longer kept.
            return;
        }
        for order in changed.lost_orders.iter().take(LOST_NAMED_MAX) {
            tracing::error!(
                show = %self.show, order = %order.id, seats = ?order.seats, payment = %order.payment.id,
                seq = order.head.seq, "an order was lost with the log's history"
            );
        }
        for hold in changed.gone_holds.iter().take(LOST_NAMED_MAX) {
            tracing::warn!(show = %self.show, hold = %hold.id, seats = ?hold.seats, "a hold is gone");
        }
        let (orders, holds) = (changed.lost_orders.len(), changed.gone_holds.len());
        self.counters.lost_orders.fetch_add(orders as u64, Ordering::Relaxed);
        self.counters.lost_holds.fetch_add(holds as u64, Ordering::Relaxed);
        if orders + holds > 0 {
            tracing::error!(show = %self.show, orders, holds, "lost, in all");
        } else {
            tracing::info!(show = %self.show, "no order and no hold known here was lost");
        }
    }

    fn tell_storage(&self, storage: StorageState) {
        let notice = Notice::ServerStatus { storage };
        self.hub.broadcast(&self.show, Bytes::from(notice.encode()));
    }
}

//! The task of one open show: take all that waits, propose, append, apply, publish, answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::hall::{Floor, Hall};
use crate::hub::{Board, Hub};
use crate::log::{AppendError, Appended, Log, StreamId};
use crate::protocol::rpc::{Notice, StorageState};
use crate::protocol::websocket::CloseCode;
use crate::show::{Head, Outcome, ShowId, Time};

use super::clock::Clock;
use super::counters::Counters;
use super::desk::{Desk, Settled, Shared};
use super::open_show::{Ask, OpenShow};
use super::replica::{OpenError, Replica};

/// How many asks may wait at one show; who comes then waits to get in.
const ASKS_MAX: usize = 4_096;
/// How many commands go into one append at most: a batch of this size takes about a millisecond to
/// apply, and what comes meanwhile waits no longer than that.
const BATCH_MAX: usize = 1_024;
/// How many entries may follow a snapshot before the next is saved: replaying so many takes some
/// 50 ms.
const SNAPSHOT_ENTRIES: u64 = 50_000;
/// The longest the task sleeps without looking at the clock: timers stand still while a machine is
/// suspended, and the wall clock may jump.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// How long after a failed append the log is asked again; doubled each time up to a second.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(1);

/// What a show's task is made of.
pub(super) struct Parts {
    pub(super) replica: Replica,
    /// The position of the snapshot it was opened from; 0 where there was none.
    pub(super) saved: u64,
    pub(super) board: Arc<Board>,
    pub(super) hall: Arc<Hall>,
    pub(super) floor: Arc<Floor>,
    pub(super) log: Arc<dyn Log>,
    pub(super) hub: Arc<Hub>,
    pub(super) clock: Clock,
    pub(super) counters: Arc<Counters>,
}

/// Starts a show's task.
pub(super) fn start(parts: Parts) -> Arc<OpenShow> {
    let Parts { replica, saved, board, hall, floor, log, hub, clock, counters } = parts;
    let definition = Arc::new(replica.show().definition().clone());
    let replica = Shared::new(replica);
    let is_away = Arc::new(AtomicBool::new(false));
    let (asks, inbox) = mpsc::channel(ASKS_MAX);
    let open = Arc::new(OpenShow {
        definition: definition.clone(),
        hall,
        floor: floor.clone(),
        board: board.clone(),
        clock: clock.clone(),
        asks,
        replica: replica.clone(),
        is_away: is_away.clone(),
    });
    let task = Task {
        show: definition.id.clone(),
        stream: StreamId::show(&definition.id),
        starts_at: definition.starts_at,
        saved,
        saving: Arc::default(),
        closed: clock.now() >= definition.starts_at,
        desk: Desk::new(replica),
        floor,
        log,
        hub,
        clock,
        counters,
        board,
        is_away,
        away: None,
    };
    let (hub, show) = (task.hub.clone(), task.show.clone());
    let running = tokio::spawn(task.run(inbox));
    tokio::spawn(async move {
        if let Err(error) = running.await {
            tracing::error!(%show, %error, "this show is stopped: its task panicked");
            hub.close_show(&show, CloseCode::Fault);
        }
    });
    open
}

struct Task {
    show: ShowId,
    stream: StreamId,
    starts_at: Time,
    desk: Desk,
    floor: Arc<Floor>,
    log: Arc<dyn Log>,
    hub: Arc<Hub>,
    clock: Clock,
    counters: Arc<Counters>,
    board: Arc<Board>,
    /// The position of the last snapshot that was asked for.
    saved: u64,
    /// Held while a snapshot is being saved: one at a time.
    saving: Arc<tokio::sync::Mutex<()>>,
    /// Whether it was told that the show has begun.
    closed: bool,
    /// The same as `away`, for the handle.
    is_away: Arc<AtomicBool>,
    /// While the log does not answer: when to ask it again, and how long to wait after that.
    away: Option<(Instant, Duration)>,
}

/// Why a show's task goes no further.
enum End {
    /// It was told to.
    Stopped(oneshot::Sender<()>),
    /// Something is not as it must be.
    Broken(OpenError),
}

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<Ask>) {
        let mut asks = Vec::new();
        let end = loop {
            if self.desk.has_more() {
                // What waits is proposed first; who comes meanwhile goes into the same turn, so that
                // one session's queue of commands keeps nobody else out.
                while asks.len() < BATCH_MAX
                    && let Ok(ask) = inbox.try_recv()
                {
                    asks.push(ask);
                }
            } else {
                let received =
                    tokio::time::timeout(self.sleep(), inbox.recv_many(&mut asks, BATCH_MAX)).await;
                if received == Ok(0) {
                    return;
                }
            }
            if let Err(end) = self.turn(&mut asks).await {
                break end;
            }
        };
        match end {
            End::Stopped(done) => {
                while self.desk.has_more() && self.turn(&mut asks).await.is_ok() {}
                self.save_last().await;
                // Who asked may have given up waiting.
                let _gone = done.send(());
            }
            End::Broken(error) => {
                tracing::error!(
                    show = %self.show, seq = self.head().seq, %error,
                    "this show is stopped: its log cannot be followed; run `usher verify`"
                );
                self.hub.close_show(&self.show, CloseCode::Fault);
            }
        }
    }

    /// How long until something is due by itself.
    fn sleep(&self) -> Duration {
        if let Some((retry_at, _)) = self.away {
            // Nothing can be done before, whatever is due.
            return retry_at.saturating_duration_since(Instant::now()).min(SLEEP_MAX);
        }
        let now = self.clock.now();
        let next_end = self.desk.replica().read().show().next_end().map(|(at, _)| at);
        let starts_at = (!self.closed).then_some(self.starts_at);
        let due = next_end.into_iter().chain(starts_at).min();
        let due = due.map_or(SLEEP_MAX, |at| Duration::from_millis(at.ms_since(now)));
        due.min(SLEEP_MAX)
    }

    async fn turn(&mut self, asks: &mut Vec<Ask>) -> Result<(), End> {
        let now = self.clock.now();
        let mut inbox = Vec::new();
        let mut stop = None;
        for ask in asks.drain(..) {
            match ask {
                Ask::Command(pending) => inbox.push(pending),
                Ask::Stop { done } => stop = Some(done),
            }
        }
        if self.away.is_some() && !self.catch_up(now).await? {
            self.desk.refuse_unavailable(inbox, now);
        } else {
            let entries = self.desk.propose(&mut inbox, now);
            if !entries.is_empty() {
                self.append(entries, now).await?;
            }
        }
        self.close_at_start(now);
        self.save_if_due();
        stop.map_or(Ok(()), |done| Err(End::Stopped(done)))
    }

    async fn append(&mut self, entries: Vec<Bytes>, now: Time) -> Result<(), End> {
        let (count, began) = (entries.len(), Instant::now());
        let known = self.desk.replica().read().known();
        match self.log.append(&self.stream, known, entries).await {
            Ok(appended) => {
                self.counters.appended(count, began.elapsed());
                self.settle(&appended, now)
            }
            Err(AppendError::Forked | AppendError::Trimmed) => self.forked(now).await,
            Err(AppendError::Unavailable(error)) => {
                self.log_is_away(&error, now);
                Ok(())
            }
        }
    }

    fn settle(&mut self, appended: &Appended, now: Time) -> Result<(), End> {
        let (hub, show) = (&self.hub, &self.show);
        let hears = |session, except| hub.hears(show, session, except);
        let settled = self.desk.settle(appended, now, &hears).map_err(End::Broken)?;
        self.publish(settled);
        Ok(())
    }

    fn publish(&self, settled: Settled) {
        self.board.publish(self.head().seq, &settled.changes);
        for told in settled.told {
            let text = Bytes::from(told.notice.encode());
            self.hub.notify(&self.show, told.session, told.except, text);
        }
        for outcome in settled.outcomes {
            match outcome {
                Outcome::Void => Counters::count(&self.counters.voids),
                Outcome::Held { .. } => Counters::count(&self.counters.holds),
                Outcome::Released { .. } => Counters::count(&self.counters.releases),
                Outcome::Lapsed { .. } => Counters::count(&self.counters.lapses),
                Outcome::Sold { .. } => Counters::count(&self.counters.sales),
                Outcome::Changed { .. }
                | Outcome::PaymentBegun { .. }
                | Outcome::PaymentDeclined { .. }
                | Outcome::Blocking => {}
            }
        }
    }

    /// Whether the appended entries are in the log is unknown: everybody is told so, and the log is
    /// read before anything else is proposed.
    fn log_is_away(&mut self, error: &anyhow::Error, now: Time) {
        Counters::count(&self.counters.unavailable);
        self.desk.unavailable(now);
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

    /// Reads what the log has after the position known here; whether it answered. First something is
    /// written: a full disk can be read, and what a failed write left behind is not to be believed
    /// before a write has succeeded.
    async fn catch_up(&mut self, now: Time) -> Result<bool, End> {
        if self.away.is_some_and(|(retry_at, _)| Instant::now() < retry_at) {
            return Ok(false);
        }
        let snapshot = self.desk.replica().read().to_snapshot();
        let probe = self.log.save_snapshot(&self.stream, snapshot).await;
        if let Err(AppendError::Unavailable(error)) = probe {
            self.log_is_away(&error, now);
            return Ok(false);
        }
        loop {
            let after = self.head().seq;
            match self.log.read(&self.stream, after, BATCH_MAX).await {
                Ok(page) if page.is_empty() => {
                    self.away = None;
                    self.is_away.store(false, Ordering::Relaxed);
                    tracing::info!(show = %self.show, seq = after, "the log answers again");
                    self.tell_storage(StorageState::Ok);
                    return Ok(true);
                }
                Ok(since_known) => {
                    self.settle(&Appended { since_known, own_first: u64::MAX }, now)?;
                }
                Err(error) => {
                    self.log_is_away(&error.into(), now);
                    return Ok(false);
                }
            }
        }
    }

    /// History was lost: the show goes on from what the log has now, and everybody gets a snapshot.
    async fn forked(&mut self, now: Time) -> Result<(), End> {
        let lost = self.head();
        self.desk.unavailable(now);
        let replica = Replica::open(&*self.log, &self.show, self.floor.clone()).await;
        let replica = replica.map_err(End::Broken)?;
        Counters::count(&self.counters.forks);
        tracing::error!(
            show = %self.show, epoch = lost.epoch, seq = lost.seq,
            new_epoch = replica.head().epoch, new_seq = replica.head().seq,
            "the log lost history that was known here: every viewer starts afresh"
        );
        let head = replica.head();
        if head.epoch == lost.epoch {
            // Viewers know positions of this epoch: to go on in it would tell them wrong diffs.
            return Err(End::Broken(OpenError::WentBack { known: lost.seq }));
        }
        self.board.replace(head.epoch, head.seq, &replica.show().seat_states());
        self.desk.replica().replace(replica);
        Ok(())
    }

    fn close_at_start(&mut self, now: Time) {
        if !self.closed && now >= self.starts_at {
            self.closed = true;
            let notice = Notice::ShowClosed { reason: "show_over".to_owned() };
            self.hub.broadcast(&self.show, Bytes::from(notice.encode()));
        }
    }

    fn tell_storage(&self, storage: StorageState) {
        let notice = Notice::ServerStatus { storage };
        self.hub.broadcast(&self.show, Bytes::from(notice.encode()));
    }

    /// Saves the state now and then, beside the task: opening reads it instead of replaying all.
    fn save_if_due(&mut self) {
        let seq = self.head().seq;
        if seq.saturating_sub(self.saved) < SNAPSHOT_ENTRIES {
            return;
        }
        let Ok(alone) = self.saving.clone().try_lock_owned() else { return };
        self.saved = seq;
        let (log, stream) = (self.log.clone(), self.stream.clone());
        let snapshot = self.desk.replica().read().to_snapshot();
        tokio::spawn(async move {
            if let Err(error) = log.save_snapshot(&stream, snapshot).await {
                tracing::warn!(show = stream.as_str(), %error, "a snapshot was not saved");
            }
            drop(alone);
        });
    }

    async fn save_last(&self) {
        let _alone = self.saving.lock().await;
        if self.head().seq == self.saved {
            return;
        }
        let snapshot = self.desk.replica().read().to_snapshot();
        if let Err(error) = self.log.save_snapshot(&self.stream, snapshot).await {
            tracing::warn!(show = %self.show, %error, "the last snapshot was not saved");
        }
    }

    fn head(&self) -> Head {
        self.desk.replica().read().head()
    }
}

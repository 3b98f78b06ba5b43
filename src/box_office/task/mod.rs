//! The task of one open show: take all that waits, propose, append, apply, publish, answer.
//!
//! What other nodes append is heard and applied between the turns. What it does when the log is not
//! there, or tells another story than it did, is in [`recovery`].

mod gap;
mod others;
mod outside;
mod positions;
mod publishing;
mod recovery;
mod room;
mod saving;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::RngExt;
use tokio::sync::{mpsc, oneshot};

use crate::hall::{Floor, Hall};
use crate::hub::{Board, Hub};
use crate::log::{AppendError, Appended, Heard, Hearing, Log, StreamId};
use crate::protocol::rpc::Notice;
use crate::protocol::websocket::CloseCode;
use crate::show::{Head, ShowId, Time};
use crate::tokens::Tokens;

use super::clock::Clock;
use super::counters::Counters;
use super::desk::{Desk, Shared};
use super::lobby::Lobby;
use super::open_show::{Ask, OpenShow};
use super::pace::Pace;
use super::pending::Pending;
use super::replica::{OpenError, Replica};
use outside::Outside;
use positions::Positions;
use room::Announced;

/// How many asks may wait at one show; who comes then waits to get in.
const ASKS_MAX: usize = 4_096;
/// How many commands go into one append at most: a batch of this size takes about a millisecond to
/// apply, and what comes meanwhile waits no longer than that.
const BATCH_MAX: usize = 1_024;
/// How many times a turn appends what follows from what it appended.
const FOLLOW_UPS_MAX: usize = 4;
/// The longest the task sleeps without looking at the clock: timers stand still while a machine is
/// suspended, and the wall clock may jump.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// Where others append too, the log is asked what came when nothing was heard of it for so long:
/// what is heard may be lost on the way, and a history that went back says nothing of it.
const SILENCE_MAX: Duration = Duration::from_secs(1);
/// Where others append too, a node that only wants to know what came rests for so many times as long
/// as the log took to answer last. In a rush it hears of more the whole time: the busier the log, the
/// less it is asked.
const LOOKS_REST: u32 = 2;
/// Where others append too, each node proposes an end up to so much later than it is due, each by
/// another chance, so that mostly one of them does and the others hear of it.
const PATIENCE_MS_MAX: u64 = 25;

/// What a show's task is made of.
pub(super) struct Parts {
    pub(super) replica: Replica,
    /// The position of the snapshot it was opened from; 0 where there was none.
    pub(super) saved: u64,
    pub(super) board: Arc<Board>,
    pub(super) hall: Arc<Hall>,
    pub(super) floor: Arc<Floor>,
    pub(super) log: Arc<dyn Log>,
    /// What others append, where others can.
    pub(super) hearing: Option<Hearing>,
    /// Up to where orders were shown outside, where anything is.
    pub(super) shown_outside: Option<u64>,
    pub(super) hub: Arc<Hub>,
    pub(super) clock: Clock,
    pub(super) counters: Arc<Counters>,
    /// Signs passes.
    pub(super) tokens: Tokens,
}

/// Starts a show's task.
pub(super) fn start(parts: Parts) -> Arc<OpenShow> {
    let Parts { replica, saved, board, hall, floor, log, hearing, shown_outside, .. } = parts;
    let Parts { hub, clock, counters, tokens, .. } = parts;
    let outside = shown_outside.map(|shown| Outside::since(shown, &replica));
    let definition = Arc::new(replica.show().definition().clone());
    let save_due = saving::is_due_after(replica.head().seq.saturating_sub(saved));
    let replica = Shared::new(replica);
    let is_away = Arc::new(AtomicBool::new(false));
    let (asks, inbox) = mpsc::channel(ASKS_MAX);
    let (lobby, pace) = (Arc::<Lobby>::default(), Arc::<Pace>::default());
    let own_asks = asks.downgrade();
    let open = Arc::new(OpenShow {
        definition: definition.clone(),
        hall,
        floor: floor.clone(),
        board: board.clone(),
        clock: clock.clone(),
        asks,
        replica: replica.clone(),
        is_away: is_away.clone(),
        lobby: lobby.clone(),
        pace: pace.clone(),
    });
    let task = Task {
        show: definition.id.clone(),
        stream: StreamId::show(&definition.id),
        starts_at: definition.starts_at,
        saved,
        save_due,
        saving: Arc::default(),
        closed: clock.now() >= definition.starts_at,
        desk: Desk::new(replica, hearing.as_ref().map_or(0, |_| some_patience_ms())),
        floor,
        log,
        hearing,
        asked_at: Instant::now(),
        look: false,
        look_after: Instant::now(),
        outside,
        positions: Positions::default(),
        lobby,
        pace,
        tokens,
        announced: Announced::default(),
        present: Vec::new(),
        own_asks,
        hub,
        clock,
        counters,
        board,
        looking: Vec::new(),
        lookers: Vec::new(),
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
    /// What others append; none where nobody else can.
    hearing: Option<Hearing>,
    /// When the log last told or was heard to tell how it goes on.
    asked_at: Instant,
    /// Whether the log is to be asked what came, as soon as its pace allows.
    look: bool,
    /// When the log may be asked for that alone again.
    look_after: Instant,
    /// What programs outside are shown; none where the log has no place for it.
    outside: Option<Outside>,
    /// What was told of places in line.
    positions: Positions,
    /// Those who wait here for their numbers, how fast these are called, and what was told of it.
    lobby: Arc<Lobby>,
    pace: Arc<Pace>,
    tokens: Tokens,
    announced: Announced,
    /// Those of the lobby whose turn has come, to be proposed next.
    present: Vec<Pending>,
    /// The way into its own inbox, for what is worked out beside it.
    own_asks: mpsc::WeakSender<Ask>,
    hub: Arc<Hub>,
    clock: Clock,
    counters: Arc<Counters>,
    board: Arc<Board>,
    /// The position of the last snapshot that was asked for, and whether the next is to be.
    saved: u64,
    save_due: bool,
    /// Held while a snapshot is being saved: one at a time.
    saving: Arc<tokio::sync::Mutex<()>>,
    /// Whether it was told that the show has begun.
    closed: bool,
    /// Commands about holds that are not known here, until the log was asked.
    looking: Vec<Pending>,
    /// Who is to be told when the log was asked.
    lookers: Vec<oneshot::Sender<()>>,
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
            // Whoever was answered just now may ask again at once: so it goes into this append.
            tokio::task::yield_now().await;
            if self.has_more() {
                // What waits is proposed first; who comes meanwhile goes into the same turn, so that
                // one session's queue of commands keeps nobody else out.
                while asks.len() < BATCH_MAX
                    && let Ok(ask) = inbox.try_recv()
                {
                    asks.push(ask);
                }
            } else {
                let sleep = self.sleep();
                tokio::select! {
                    received = inbox.recv_many(&mut asks, BATCH_MAX) => if received == 0 { return },
                    heard = hear(&mut self.hearing) => if let Err(end) = self.heard(heard) {
                        break end;
                    },
                    () = tokio::time::sleep(sleep) => {}
                }
            }
            if let Err(end) = self.turn(&mut asks).await {
                break end;
            }
        };
        match end {
            End::Stopped(done) => {
                while self.has_more() && self.turn(&mut asks).await.is_ok() {}
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

    /// Whether commands wait for the next turn.
    fn has_more(&self) -> bool {
        self.desk.has_more() || !self.looking.is_empty() || !self.present.is_empty()
    }

    /// How long until something is due by itself.
    fn sleep(&self) -> Duration {
        if let Some((retry_at, _)) = self.away {
            // Nothing can be done before, whatever is due.
            return retry_at.saturating_duration_since(Instant::now()).min(SLEEP_MAX);
        }
        let now = self.clock.now();
        let next_end = self.desk.next_end();
        let starts_at = (!self.closed).then_some(self.starts_at);
        let due = next_end.into_iter().chain(starts_at).min();
        let due = due.map(|at| Duration::from_millis(at.ms_since(now)));
        let silent = self.hearing.as_ref().map(|_| self.silent_for());
        let outside = self.outside.as_ref().and_then(Outside::due_in);
        let positions = self.positions.due_in();
        let announced = self.announced.due_in();
        let told = positions.into_iter().chain(announced);
        due.into_iter().chain(silent).chain(outside).chain(told).fold(SLEEP_MAX, Duration::min)
    }

    async fn turn(&mut self, asks: &mut Vec<Ask>) -> Result<(), End> {
        let now = self.clock.now();
        let mut inbox = Vec::new();
        let mut stop = None;
        for ask in asks.drain(..) {
            match ask {
                Ask::Command(pending) => inbox.push(pending),
                Ask::Look { told } => {
                    // Where nobody else appends, all there is is known.
                    self.look |= self.hearing.is_some();
                    self.lookers.push(told);
                }
                Ask::LetIn => self.let_in_all(),
                Ask::Stop { done } => stop = Some(done),
            }
        }
        if self.away.is_some() && !self.catch_up(now).await? {
            self.desk.refuse_unavailable(inbox, now);
            // They are looked for again when the log is there.
            self.present.clear();
        } else {
            let mut asked = self.set_aside(inbox, now);
            let entries = self.desk.propose(&mut asked, now);
            let silent = self.hearing.is_some() && self.silent_for().is_zero();
            if !entries.is_empty() || silent || !self.looking.is_empty() {
                self.append(entries, now).await?;
            }
            self.follow_up(now).await?;
        }
        self.tell_lookers();
        self.close_at_start(now);
        self.tell_positions_if_due();
        self.tell_serving_if_due(now);
        self.show_outside_if_due().await;
        self.save_if_due();
        stop.map_or(Ok(()), |done| Err(End::Stopped(done)))
    }

    /// Offers, dismissals and calls follow in the same turn from what caused them, and so do those in who
    /// were called and are here. Of very many the rest follows in the next, so that buyers are not kept
    /// waiting.
    async fn follow_up(&mut self, now: Time) -> Result<(), End> {
        for _ in 0..FOLLOW_UPS_MAX {
            let mut present = std::mem::take(&mut self.present);
            if self.away.is_some() || (present.is_empty() && !self.desk.follows()) {
                break;
            }
            let entries = self.desk.propose(&mut present, now);
            if !entries.is_empty() {
                self.append(entries, now).await?;
            }
        }
        Ok(())
    }

    async fn append(&mut self, entries: Vec<Bytes>, now: Time) -> Result<(), End> {
        let (count, began) = (entries.len(), Instant::now());
        let known = self.desk.replica().read().known();
        match self.log.append(&self.stream, known, entries).await {
            Ok(appended) => {
                if count > 0 {
                    self.counters.appended(count, began.elapsed());
                } else if let Some(outside) = &mut self.outside {
                    outside.leave_to_others();
                }
                (self.asked_at, self.look) = (Instant::now(), false);
                self.look_after = self.asked_at + LOOKS_REST * (self.asked_at - began);
                self.settle(&appended, now)
            }
            Err(AppendError::Forked) => self.forked(now).await,
            Err(AppendError::Trimmed) => self.trimmed(now).await,
            Err(AppendError::Unavailable(error)) => {
                self.log_is_away(&error, now);
                Ok(())
            }
        }
    }

    fn settle(&mut self, appended: &Appended, now: Time) -> Result<(), End> {
        let (hub, show) = (&self.hub, &self.show);
        let hears = |session, except| hub.hears(show, session, except);
        let before = self.head().seq;
        let settled = self.desk.settle(appended, now, &hears).map_err(End::Broken)?;
        self.save_due |= saving::is_due_here(before, self.head().seq, appended.own_first);
        self.room_changed(&settled, now);
        self.publish(settled);
        Ok(())
    }

    fn close_at_start(&mut self, now: Time) {
        if !self.closed && now >= self.starts_at {
            self.closed = true;
            let notice = Notice::ShowClosed { reason: "show_over".to_owned() };
            self.hub.broadcast(&self.show, Bytes::from(notice.encode()));
        }
    }

    fn head(&self) -> Head {
        self.desk.replica().read().head()
    }
}

/// The next that is heard; for ever nothing where nobody speaks.
async fn hear(hearing: &mut Option<Hearing>) -> Option<Heard> {
    match hearing {
        Some(hearing) => hearing.next().await,
        None => std::future::pending().await,
    }
}

/// What is left of `whole` since `since`.
fn left_of(whole: Duration, since: Instant) -> Duration {
    whole.saturating_sub(since.elapsed())
}

/// How long after its time this node proposes an end.
fn some_patience_ms() -> u64 {
    rand::rng().random_range(0..=PATIENCE_MS_MAX)
}

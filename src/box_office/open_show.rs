//! The handle to an open show: what the rest of the house asks the box office through.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::hall::{Floor, Hall};
use crate::hub::{Board, SocketId};
use crate::protocol::rpc::{HoldView, OrderView, WaitingView};
use crate::show::{
    Asked, Command, Definition, Head, Place, Refusal, SessionId, Time, WaitingRoom, propose,
};

use super::clock::Clock;
use super::desk::Shared;
use super::lobby::{Lobby, Presence, Shown};
use super::pace::Pace;
use super::pending::{Pending, Refused, Reply};
use super::telling::{view_of, waiting_of};

/// How long an asker waits for the log before hearing `unavailable`: as long as a buyer looks at a
/// button that does nothing.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// What goes to a show's task.
#[derive(Debug)]
pub(super) enum Ask {
    /// A command.
    Command(Pending),
    /// Ask the log what came, and say so when it has answered: somebody knows of more than is known
    /// here. Where the log does not answer, what says so is dropped.
    Look { told: oneshot::Sender<()> },
    /// See who is in the lobby whose turn has come.
    LetIn,
    /// Finish what was asked before, save, and end.
    Stop { done: oneshot::Sender<()> },
}

/// What a session has in a show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Its holds.
    pub holds: Vec<HoldView>,
    /// Its orders, the oldest first.
    pub orders: Vec<OrderView>,
    /// Its place in the waitlist.
    pub waiting: Option<WaitingView>,
    /// The clock.
    pub now: Time,
}

/// What a session is in the waiting room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant's sentence says what its fields are")]
pub enum Stands {
    /// The doors are closed.
    Early { arrival: u64 },
    /// Others come first. `soon`: perhaps nobody, there may be a place already.
    Waiting { number: u64, soon: bool },
    /// It is its turn, or it may come back.
    Called { number: u64 },
    /// It may pick seats.
    Admitted { number: u64, until: Time },
}

/// One open show.
#[derive(Debug)]
pub struct OpenShow {
    pub(super) definition: Arc<Definition>,
    pub(super) hall: Arc<Hall>,
    pub(super) floor: Arc<Floor>,
    pub(super) board: Arc<Board>,
    pub(super) clock: Clock,
    pub(super) asks: mpsc::Sender<Ask>,
    pub(super) replica: Shared,
    pub(super) is_away: Arc<AtomicBool>,
    pub(super) lobby: Arc<Lobby>,
    pub(super) pace: Arc<Pace>,
}

impl OpenShow {
    /// What the show is.
    pub fn definition(&self) -> &Arc<Definition> {
        &self.definition
    }

    /// Where it plays.
    pub fn hall(&self) -> &Arc<Hall> {
        &self.hall
    }

    /// The hall as masks.
    pub fn floor(&self) -> &Arc<Floor> {
        &self.floor
    }

    /// The seats as everybody sees them.
    pub fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// The time at this box office.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// The head of the show's log, as far as it was applied here.
    pub fn head(&self) -> Head {
        self.replica.read().head()
    }

    /// How many seats anyone may hold just now.
    pub fn available(&self) -> u32 {
        self.replica.read().show().free().count()
    }

    /// Looks into the waiting room; none where the show has none.
    pub fn in_waiting_room<T>(&self, look: impl FnOnce(&WaitingRoom) -> T) -> Option<T> {
        self.replica.read().show().waiting_room().map(look)
    }

    /// Whether the log does not answer just now: changes are refused, watching goes on.
    pub fn is_away(&self) -> bool {
        self.is_away.load(Ordering::Relaxed)
    }

    /// Whether the show's task has ended: it was stopped, or its log could not be followed.
    pub fn has_ended(&self) -> bool {
        self.asks.is_closed()
    }

    /// Whether all that somebody knows who was shown `seq` in `epoch` is known here. A client that was at
    /// another node may be ahead of this one, or in a newer life: then the log is asked first, for at
    /// most `within`. False where it does not answer in that time: what is known here may be old.
    pub async fn knows(&self, (epoch, seq): (u64, u64), within: Duration) -> bool {
        let (here, at) = self.board.position();
        if here == epoch && at >= seq {
            return true;
        }
        // Once the log has answered, what is not known here is in no history that counts.
        self.looks_again(within).await
    }

    /// Asks the log what came, for at most `within`. False where it does not answer in that time.
    pub async fn looks_again(&self, within: Duration) -> bool {
        let asked = async {
            let (told, answered) = oneshot::channel();
            self.asks.send(Ask::Look { told }).await.ok()?;
            answered.await.ok()
        };
        matches!(tokio::time::timeout(within, asked).await, Ok(Some(())))
    }

    /// Whether the entry at `head` is in the history known here. What somebody was given in one that was
    /// lost is nothing any more: another may have it by now.
    pub fn has(&self, head: Head) -> bool {
        self.replica.read().has(head)
    }

    /// Asks for something. `socket` is the asking socket, if there is one: what it is answered, the
    /// session's other sockets are told.
    ///
    /// # Errors
    /// The refusal, `unavailable` among them: then whether it was done is unknown.
    pub async fn ask(&self, command: Command, socket: Option<SocketId>) -> Result<Reply, Refused> {
        if let Some(refused) = self.obvious_refusal(&command) {
            return Err(refused);
        }
        let (answer, answered) = oneshot::channel();
        let pending = Pending { command, socket, answer: Some(answer) };
        let asked = async {
            self.asks.send(Ask::Command(pending)).await.ok()?;
            answered.await.ok()
        };
        match tokio::time::timeout(ANSWER_WITHIN, asked).await {
            Ok(Some(answer)) => answer,
            Ok(None) | Err(_) => Err(self.unavailable()),
        }
    }

    /// In a rush most who click are too late: where seats were named and are gone, that is said
    /// from memory, here and now. It costs neither the task a turn nor the log an entry.
    fn obvious_refusal(&self, command: &Command) -> Option<Refused> {
        // While the log is away, that comes before every other refusal: the task says it.
        if !matches!(command, Command::Hold { .. }) || self.is_away() {
            return None;
        }
        let now = self.clock.now();
        let replica = self.replica.read();
        let show = replica.show();
        let refusal = propose(show, &mut Asked::nothing(), command, now, Uuid::nil()).err()?;
        Some(Refused::of(show, refusal, now))
    }

    /// What a session has here.
    pub fn look(&self, session: SessionId) -> Looked {
        let now = self.clock.now();
        let replica = self.replica.read();
        let show = replica.show();
        let orders = show.orders_of(session);
        Looked {
            holds: show.hold_of(session).map(|hold| view_of(show, hold)).into_iter().collect(),
            orders: orders.map(|order| OrderView::of(order, &self.definition.id)).collect(),
            waiting: show.ticket_of(session).map(|ticket| waiting_of(show, ticket)),
            now,
        }
    }

    /// Whether there is a waiting room.
    pub fn has_waiting_room(&self) -> bool {
        self.definition.policy.admission.is_some()
    }

    /// What a session is in the waiting room, by its pass or by what it showed; none where it is nothing
    /// there, or no longer. The doors may have opened since an arrival was given.
    pub fn stands(&self, session: SessionId, shown: Option<Shown>) -> Option<Stands> {
        let now = self.clock.now();
        let (pass, draw) = {
            let replica = self.replica.read();
            let room = replica.show().waiting_room()?;
            let alias = replica.show().alias_of(session)?;
            (room.pass_of(&alias), room.draw().cloned())
        };
        if let Some((number, until)) = pass.filter(|(_, until)| *until > now) {
            return Some(Stands::Admitted { number, until });
        }
        // Working a number out takes a while: not while others wait to read.
        let number = match (shown?, draw) {
            (Shown::Arrival(arrival), None) => return Some(Stands::Early { arrival }),
            (Shown::Arrival(arrival), Some(draw)) => draw.number_of(arrival)?,
            (Shown::Number(number), _) => number,
        };
        let replica = self.replica.read();
        let room = replica.show().waiting_room()?;
        match room.place(number) {
            Some(Place::Called { .. }) => Some(Stands::Called { number }),
            Some(Place::PassedOver { forget_at }) if forget_at > now => {
                Some(Stands::Called { number })
            }
            Some(Place::Next { .. }) => Some(Stands::Waiting { number, soon: true }),
            None if room.is_ahead(number) => {
                let most = self.definition.policy.admission.as_ref().map_or(0, |it| it.picking_max);
                let soon = room.taken() < u64::from(most) || room.serving() >= number;
                Some(Stands::Waiting { number, soon })
            }
            Some(Place::PassedOver { .. } | Place::Pass { .. }) | None => None,
        }
    }

    /// A waiting socket of this session is here, with what it showed, for as long as this is kept: it is
    /// let in as soon as its number is called. `given` is the log's head when it was given.
    pub fn is_here(&self, shown: Shown, given: Head, session: SessionId) -> Presence {
        self.lobby.enter(shown, given, session)
    }

    /// Whether a socket waits here with this number.
    pub fn is_in_the_lobby(&self, number: u64) -> bool {
        self.lobby.who_has(number).is_some()
    }

    /// Up to where the waiting room's numbers were called, and how many a minute, where that is known.
    pub fn serving(&self) -> Option<(u64, Option<u64>)> {
        let serving = self.replica.read().show().waiting_room()?.serving();
        Some((serving, self.pace.per_minute(serving, self.clock.now())))
    }

    pub(super) async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.asks.send(Ask::Stop { done }).await.is_ok() {
            // An error means that the task has ended already.
            drop(stopped.await);
        }
    }

    fn unavailable(&self) -> Refused {
        Refused { refusal: Refusal::Unavailable, holding: None, now: self.clock.now() }
    }
}

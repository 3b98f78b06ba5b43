//! The desk: one turn of the box office, without waiting.
//!
//! What is asked is proposed in the order it came; then, when the log has answered, everything is
//! applied and every asker gets an answer. The waiting in between is the task's (`task.rs`), so that
//! the simulation can drive a desk step by step.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::hub::SocketId;
use crate::log::Appended;
use crate::protocol::rpc::{HoldView, Notice, OrderView, ReleaseReason};
use crate::show::{
    Asked, Command, Decision, Hold, HoldId, Outcome, Proposal, Refusal, SeatChange, SessionId,
    Show, Time, propose,
};

use super::replica::{OpenError, Replica};

/// How many lapses one turn proposes at most, so that a house full of them does not keep buyers
/// waiting.
const LAPSES_MAX: usize = 512;

/// What a command that was granted is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A hold, as it is now.
    Hold(HoldView),
    /// It is done; there is no more to say.
    Done,
    /// An order.
    Order(OrderView),
}

/// A grant, and where and when it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What.
    pub answer: Answer,
    /// The position of the change.
    pub seq: u64,
    /// The clock.
    pub now: Time,
}

/// A refusal, and what is needed to tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why not.
    pub refusal: Refusal,
    /// The hold that `already_holding` speaks of.
    pub holding: Option<HoldView>,
    /// The clock.
    pub now: Time,
}

/// One command waiting at the desk.
#[derive(Debug)]
pub struct Pending {
    /// What is asked.
    pub command: Command,
    /// The socket that asked, if one did: it gets the answer, not the notice.
    pub socket: Option<SocketId>,
    /// Who waits for the answer; the house's own commands wait for none.
    pub answer: Option<oneshot::Sender<Result<Reply, Refused>>>,
}

/// Something a session is to be told on its sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Whom.
    pub session: SessionId,
    /// Not on this one: it gets the answer.
    pub except: Option<SocketId>,
    /// What.
    pub notice: Notice,
}

/// What became of a turn.
#[derive(Debug, Default)]
pub struct Settled {
    /// Seats that changed, in order.
    pub changes: Vec<SeatChange>,
    /// What each applied entry did, in order.
    pub outcomes: Vec<Outcome>,
    /// What is to be told.
    pub told: Vec<Told>,
}

/// A command whose entries are being appended.
#[derive(Debug)]
struct Appending {
    pending: Pending,
    /// Its entries' places, counted from the first of the turn's own.
    first: usize,
    count: usize,
}

/// A replica that many may read and one desk changes. It shows only what the log has: whoever reads
/// it sees nothing that could still be lost.
#[derive(Clone, Debug)]
pub struct Shared(Arc<RwLock<Replica>>);

impl Shared {
    /// Shares a replica.
    pub fn new(replica: Replica) -> Self {
        Self(Arc::new(RwLock::new(replica)))
    }

    /// Reads it. Keep the guard for a few microseconds, and never across an await: the desk waits.
    pub fn read(&self) -> RwLockReadGuard<'_, Replica> {
        // A panic while applying stops the show's task, which is then not heard of again; what was
        // applied before is still true.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts another replica in its place: the log's history is another than was known.
    pub fn replace(&self, replica: Replica) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = replica;
    }
}

/// One show's desk.
#[derive(Debug)]
pub struct Desk {
    replica: Shared,
    asked: Asked,
    appending: Vec<Appending>,
    /// Commands that wait for the outcome of this turn, to be proposed first in the next.
    again: Vec<Pending>,
    /// How long after its time a hold's end is proposed.
    patience_ms: u64,
}

impl Desk {
    /// The desk that changes `replica`; there must be no other. It proposes the end of a hold
    /// `patience_ms` after its time: where there are other nodes, one of them may be quicker.
    pub fn new(replica: Shared, patience_ms: u64) -> Self {
        let asked = Asked::new(replica.read().show().definition().seats);
        Self { replica, asked, appending: Vec::new(), again: Vec::new(), patience_ms }
    }

    /// When it will have the next end to propose.
    pub fn next_end(&self) -> Option<Time> {
        let next_end = self.replica.read().show().next_end();
        next_end.map(|(at, _)| at.plus_ms(self.patience_ms))
    }

    /// The state.
    pub fn replica(&self) -> &Shared {
        &self.replica
    }

    /// Whether commands wait for the next turn.
    pub fn has_more(&self) -> bool {
        !self.again.is_empty()
    }

    /// Proposes the lapses that are due, what waits from the last turn, and all of `inbox`, and answers
    /// with the entries to append. What needs no entry is answered here. A hold's end is proposed
    /// like anything else, by whoever's clock says so.
    pub fn propose(&mut self, inbox: &mut Vec<Pending>, now: Time) -> Vec<Bytes> {
        self.asked.clear();
        let mut entries = Vec::new();
        let waited = std::mem::take(&mut self.again);
        let replica = self.replica.clone();
        let replica = replica.read();
        let due = Time(now.0.saturating_sub(self.patience_ms));
        let ended = replica.show().ended_at(due).take(LAPSES_MAX);
        let lapse = |hold| Pending { command: Command::Lapse { hold }, socket: None, answer: None };
        for pending in ended.map(lapse).chain(waited).chain(inbox.drain(..)) {
            self.propose_one(&replica, pending, now, &mut entries);
        }
        entries
    }

    fn propose_one(
        &mut self,
        replica: &Replica,
        pending: Pending,
        now: Time,
        entries: &mut Vec<Bytes>,
    ) {
        if pending.answer.as_ref().is_some_and(oneshot::Sender::is_closed) {
            // Its asker was told `unavailable` and may be gone: nobody is left to want these seats.
            return;
        }
        let show = replica.show();
        match propose(show, &mut self.asked, &pending.command, now, Uuid::new_v4()) {
            Ok(Proposal::Append(own)) => {
                self.appending.push(Appending { pending, first: entries.len(), count: own.len() });
                entries.extend(own.iter().map(|entry| Bytes::from(entry.to_bytes())));
            }
            Ok(Proposal::AskAgain) => self.again.push(pending),
            Ok(Proposal::AlreadySo) => {
                let seq = replica.head().seq;
                pending.answered(Ok(Reply { answer: Answer::Done, seq, now }));
            }
            Ok(Proposal::Bought(id)) => match show.order(id) {
                Some(order) => {
                    let answer = Answer::Order(OrderView::of(order, &show.definition().id));
                    pending.answered(Ok(Reply { answer, seq: order.head.seq, now }));
                }
                None => refuse(show, pending, Refusal::NoSuchHold, now),
            },
            Err(refusal) => refuse(show, pending, refusal, now),
        }
    }

    /// Applies what the log answered and answers everybody whose entry was in it. A command whose
    /// entry was void is proposed again in the next turn, before all others: it will get what it
    /// asked for or the refusal that is true by then. `hears` says whether a session has a socket
    /// here, other than the one that asked: only then is it told anything.
    ///
    /// # Errors
    /// Where the log holds what cannot be applied: the show must not go on.
    pub fn settle(
        &mut self,
        appended: &Appended,
        now: Time,
        hears: &dyn Fn(SessionId, Option<SocketId>) -> bool,
    ) -> Result<Settled, OpenError> {
        let mut settled = Settled::default();
        let mut own = Vec::new();
        let mut appending = std::mem::take(&mut self.appending).into_iter().peekable();
        let mut answers = Vec::with_capacity(appending.len());
        let mut replica = self.replica.0.write().unwrap_or_else(PoisonError::into_inner);
        for recorded in &appended.since_known {
            let outcome = replica.apply(recorded, &mut settled.changes)?;
            settled.outcomes.push(outcome);
            let place = recorded.seq.checked_sub(appended.own_first).map(|place| place as usize);
            let mine = |next: &&Appending| {
                place.is_some_and(|place| (next.first..next.first + next.count).contains(&place))
            };
            let asker = appending.peek().filter(mine);
            let except = asker.and_then(|next| next.pending.socket);
            settled.told.extend(told(replica.show(), outcome, except, now, hears));
            if asker.is_some() {
                own.push(outcome);
                if let Some(next) = appending.next_if(|next| own.len() == next.count) {
                    let answer = answer(replica.show(), &next.pending.command, &own, now);
                    answers.push((next.pending, answer, recorded.seq));
                    own.clear();
                }
            }
        }
        // Answered once all may read what is answered.
        drop(replica);
        for (pending, answer, seq) in answers {
            match answer {
                Some(Ok(answer)) => {
                    let unheard = pending.granted(Reply { answer, seq, now });
                    settled.told.extend(unheard.filter(|told| hears(told.session, None)));
                }
                Some(Err(refused)) => drop(pending.answered(Err(refused))),
                None => self.again.push(pending),
            }
        }
        Ok(settled)
    }

    /// The log did not answer: whether the entries are in it is unknown, and so are told who asked.
    pub fn unavailable(&mut self, now: Time) {
        let appending = std::mem::take(&mut self.appending).into_iter().map(|next| next.pending);
        let waiting = appending.chain(std::mem::take(&mut self.again)).collect();
        self.refuse_unavailable(waiting, now);
    }

    /// Tells everybody in `inbox` that the log does not answer; nothing of theirs was proposed.
    pub fn refuse_unavailable(&self, inbox: Vec<Pending>, now: Time) {
        let replica = self.replica.read();
        let show = replica.show();
        inbox.into_iter().for_each(|pending| refuse(show, pending, Refusal::Unavailable, now));
    }
}

/// What is answered to a command whose entries had these outcomes; none where they were void.
fn answer(
    show: &Show,
    command: &Command,
    outcomes: &[Outcome],
    now: Time,
) -> Option<Result<Answer, Refused>> {
    let hold = |id: HoldId| show.hold(id).map(|hold| Ok(Answer::Hold(view_of(show, hold))));
    match outcomes.last()? {
        Outcome::Void => None,
        Outcome::Held { hold: id, .. } | Outcome::Changed { hold: id, .. } => hold(*id),
        Outcome::Sold { order, .. } => show
            .order(*order)
            .map(|order| Ok(Answer::Order(OrderView::of(order, &show.definition().id)))),
        Outcome::PaymentDeclined { .. } => {
            let refusal = Refusal::PaymentDeclined { code: declined_code(command) };
            Some(Err(Refused::of(show, refusal, now)))
        }
        Outcome::Released { .. }
        | Outcome::Lapsed { .. }
        | Outcome::PaymentBegun { .. }
        | Outcome::Blocking => Some(Ok(Answer::Done)),
    }
}

/// What an outcome gives the session to be told. The asker of a grant gets the answer instead; an
/// end is told to all, the asker included.
fn told(
    show: &Show,
    outcome: Outcome,
    asker: Option<SocketId>,
    now: Time,
    hears: &dyn Fn(SessionId, Option<SocketId>) -> bool,
) -> Option<Told> {
    let (session, except) = match outcome {
        Outcome::Held { session, .. }
        | Outcome::Changed { session, .. }
        | Outcome::Sold { session, .. } => (session, asker),
        Outcome::Lapsed { session, .. } | Outcome::Released { session, .. } => (session, None),
        Outcome::Void
        | Outcome::PaymentBegun { .. }
        | Outcome::PaymentDeclined { .. }
        | Outcome::Blocking => return None,
    };
    if !hears(session, except) {
        return None;
    }
    let notice = match outcome {
        Outcome::Held { hold, .. } | Outcome::Changed { hold, .. } => {
            Notice::HoldChanged { hold: view_of(show, show.hold(hold)?), now }
        }
        Outcome::Sold { order, .. } => {
            Notice::Order { order: OrderView::of(show.order(order)?, &show.definition().id), now }
        }
        Outcome::Lapsed { hold, .. } => Notice::HoldExpired { hold },
        Outcome::Released { hold, .. } => {
            Notice::HoldReleased { hold, reason: ReleaseReason::Released }
        }
        Outcome::Void
        | Outcome::PaymentBegun { .. }
        | Outcome::PaymentDeclined { .. }
        | Outcome::Blocking => return None,
    };
    Some(Told { session, except, notice })
}

fn refuse(show: &Show, pending: Pending, refusal: Refusal, now: Time) {
    let refused = Refused::of(show, refusal, now);
    // Who asked may be gone: there is nobody to tell, and nothing was done.
    drop(pending.answered(Err(refused)));
}

impl Refused {
    /// A refusal with what the show must add to it.
    pub(super) fn of(show: &Show, refusal: Refusal, now: Time) -> Self {
        let holding = match refusal {
            Refusal::AlreadyHolding { hold } => show.hold(hold).map(|hold| view_of(show, hold)),
            _ => None,
        };
        Self { refusal, holding, now }
    }
}

impl Pending {
    /// Answers a grant. Where nobody waits for it any more (the asker was told `unavailable`
    /// meanwhile, or its request was given up), its session is told on all its sockets instead.
    fn granted(self, reply: Reply) -> Option<Told> {
        let (now, session) = (reply.now, self.command.session());
        let answer = self.answered(Ok(reply))?.ok()?.answer;
        let notice = match answer {
            Answer::Hold(hold) => Notice::HoldChanged { hold, now },
            Answer::Order(order) => Notice::Order { order, now },
            // A release is told to all in any case.
            Answer::Done => return None,
        };
        Some(Told { session: session?, except: None, notice })
    }

    /// Gives the answer back where nobody waits for it.
    fn answered(self, answer: Result<Reply, Refused>) -> Option<Result<Reply, Refused>> {
        self.answer?.send(answer).err()
    }
}

/// A hold, as its holder sees it.
pub(super) fn view_of(show: &Show, hold: &Hold) -> HoldView {
    HoldView::of(hold, show.total(&hold.seats))
}

fn declined_code(command: &Command) -> String {
    match command {
        Command::Buy { purchase, .. } => match &purchase.payment {
            Decision::Declined { code } => code.clone(),
            Decision::Approved(_) => String::new(),
        },
        _ => String::new(),
    }
}

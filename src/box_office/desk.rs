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
use crate::protocol::rpc::OrderView;
use crate::show::{
    Asked, Command, Outcome, Proposal, Refusal, SeatChange, SessionId, Show, TicketId, Time,
    propose,
};

use super::pending::{Answer, Pending, Refused, Reply, Told};
use super::replica::{OpenError, Replica};
use super::takers::Takers;
use super::telling::{answer, told};

/// How many lapses one turn proposes at most, so that a house full of them does not keep buyers
/// waiting.
const LAPSES_MAX: usize = 512;
/// How many offers and dismissals one turn proposes at most; the next follows at once.
const FOLLOW_UPS_MAX: usize = 1_024;
/// What another node's turn caused is that node's to follow up; this node does it where nothing was
/// heard of it for so long.
const OTHERS_FOLLOW_MS: u64 = 50;

/// What became of a turn.
#[derive(Debug, Default)]
pub struct Settled {
    /// Seats that changed, in order.
    pub changes: Vec<SeatChange>,
    /// What each applied entry did, in order.
    pub outcomes: Vec<Outcome>,
    /// What is to be told.
    pub told: Vec<Told>,
    /// The tickets taken, and the place in line each was told.
    pub joined: Vec<(TicketId, u32)>,
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
    takers: Takers,
    /// Commands that wait for the outcome of this turn, to be proposed first in the next.
    again: Vec<Pending>,
    /// How long after its time a hold's end is proposed.
    patience_ms: u64,
    /// Whether what was applied has consequences to be proposed: from when on.
    follows_at: Option<Time>,
}

impl Desk {
    /// The desk that changes `replica`; there must be no other. It proposes the end of a hold
    /// `patience_ms` after its time: where there are other nodes, one of them may be quicker.
    pub fn new(replica: Shared, patience_ms: u64) -> Self {
        let asked = Asked::new(replica.read().show().definition().seats);
        Self {
            replica,
            asked,
            appending: Vec::new(),
            takers: Takers::nobody(),
            again: Vec::new(),
            patience_ms,
            // Who died between a cause and what follows from it left it to us.
            follows_at: Some(Time(0)),
        }
    }

    /// When it will have something of the house's own to propose: an end, an offer, a dismissal.
    pub fn next_end(&self) -> Option<Time> {
        let replica = self.replica.read();
        let show = replica.show();
        let next_end = show.next_end().map(|(at, _)| at).into_iter().chain(show.next_timeout());
        let next_end = next_end.min().map(|at| at.plus_ms(self.patience_ms));
        next_end.into_iter().chain(self.follows_at).min()
    }

    /// Whether something follows from what was applied, to be proposed in the same turn.
    pub fn follows(&self) -> bool {
        self.follows_at == Some(Time(0))
    }

    /// The state.
    pub fn replica(&self) -> &Shared {
        &self.replica
    }

    /// Whether commands wait for the next turn.
    pub fn has_more(&self) -> bool {
        !self.again.is_empty() || self.follows()
    }

    /// Proposes the lapses, offers and dismissals that are due, what waits from the last turn, and all of `inbox`, and answers
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
        let follows = if self.follows_at.is_some_and(|at| at > now) {
            Vec::new()
        } else {
            self.follows_at = None;
            replica.show().follow_ups(due, FOLLOW_UPS_MAX)
        };
        let follows =
            follows.into_iter().map(|command| Pending { command, socket: None, answer: None });
        for pending in ended.map(lapse).chain(follows).chain(waited).chain(inbox.drain(..)) {
            self.propose_one(&replica, pending, now, &mut entries);
        }
        let taken = self.takers.entry(entries.len(), now);
        entries.extend(taken.map(|entry| Bytes::from(entry.to_bytes())));
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
                let Some(pending) = self.takers.take_in(pending, &own) else { return };
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
        let was_ours = !self.appending.is_empty() || !self.takers.are_none();
        let mut appending = std::mem::take(&mut self.appending).into_iter().peekable();
        let mut answers = Vec::with_capacity(appending.len());
        let mut takers = std::mem::replace(&mut self.takers, Takers::nobody());
        let mut replica = self.replica.0.write().unwrap_or_else(PoisonError::into_inner);
        for recorded in &appended.since_known {
            let outcome = replica.apply(recorded, &mut settled.changes)?;
            settled.outcomes.push(outcome);
            if let Outcome::Joined { ticket, .. } = outcome {
                let position =
                    replica.show().ticket(ticket).map(|own| replica.show().position(own));
                settled.joined.extend(position.map(|position| (ticket, position)));
            }
            let place = recorded.seq.checked_sub(appended.own_first).map(|place| place as usize);
            let mine = |next: &&Appending| {
                place.is_some_and(|place| (next.first..next.first + next.count).contains(&place))
            };
            if takers.are_at(place) {
                takers.settle(outcome, replica.head(), &mut answers, &mut self.again);
            }
            let asker = appending.peek().filter(mine);
            let except = asker.and_then(|next| next.pending.socket);
            settled.told.extend(told(replica.show(), outcome, except, now, hears));
            if asker.is_some() {
                own.push(outcome);
                if let Some(next) = appending.next_if(|next| own.len() == next.count) {
                    match answer(replica.show(), &next.pending.command, &own, now) {
                        Some(answer) => answers.push((next.pending, answer, recorded.seq)),
                        None => self.again.push(next.pending),
                    }
                    own.clear();
                }
            }
        }
        let follows = !replica.show().follow_ups(now, 1).is_empty();
        // Answered once all may read what is answered.
        drop(replica);
        let at = if was_ours || self.patience_ms == 0 {
            Time(0)
        } else {
            let later = now.plus_ms(self.patience_ms + OTHERS_FOLLOW_MS);
            self.follows_at.map_or(later, |at| at.min(later))
        };
        self.follows_at = follows.then_some(at);
        for (pending, answer, seq) in answers {
            match answer {
                Ok(answer) => {
                    let unheard = pending.granted(Reply { answer, seq, now });
                    settled.told.extend(unheard.filter(|told| hears(told.session, None)));
                }
                Err(refused) => drop(pending.answered(Err(refused))),
            }
        }
        Ok(settled)
    }

    /// The log did not answer: whether the entries are in it is unknown, and so are told who asked.
    pub fn unavailable(&mut self, now: Time) {
        // What follows is looked for again when the log is there: it may have another history then.
        self.follows_at = Some(now.max(Time(1)));
        let appending = std::mem::take(&mut self.appending).into_iter().map(|next| next.pending);
        let takers = std::mem::replace(&mut self.takers, Takers::nobody()).into_askers();
        let waiting = appending.chain(takers).chain(std::mem::take(&mut self.again)).collect();
        self.refuse_unavailable(waiting, now);
    }

    /// Tells everybody in `inbox` that the log does not answer; nothing of theirs was proposed.
    pub fn refuse_unavailable(&self, inbox: Vec<Pending>, now: Time) {
        let replica = self.replica.read();
        let show = replica.show();
        inbox.into_iter().for_each(|pending| refuse(show, pending, Refusal::Unavailable, now));
    }
}

fn refuse(show: &Show, pending: Pending, refusal: Refusal, now: Time) {
    let refused = Refused::of(show, refusal, now);
    // Who asked may be gone: there is nobody to tell, and nothing was done.
    drop(pending.answered(Err(refused)));
}

//! What waits at a desk, and what it is answered with.

use tokio::sync::oneshot;

use crate::hub::SocketId;
use crate::protocol::rpc::{HoldView, Notice, OrderView, WaitingView};
use crate::show::{Command, Head, Refusal, SessionId, Show, Time};

use super::telling::view_of;

/// What a command that was granted is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A hold, as it is now.
    Hold(HoldView),
    /// A ticket, as it is now.
    Waiting(WaitingView),
    /// A number of the waiting room, or, `early`, an arrival before its doors open; and the head of the
    /// log with it.
    Number {
        /// Which.
        number: u64,
        /// Whether it is an arrival.
        early: bool,
        /// To be kept as proof.
        head: Head,
    },
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
    pub(super) fn granted(self, reply: Reply) -> Option<Told> {
        let (now, session) = (reply.now, self.command.session());
        let answer = self.answered(Ok(reply))?.ok()?.answer;
        let notice = match answer {
            Answer::Hold(hold) => Notice::HoldChanged { hold, now },
            Answer::Order(order) => Notice::Order { order, now },
            // An end is told to all in any case, and a place in line when it is asked for.
            Answer::Done | Answer::Waiting(_) | Answer::Number { .. } => return None,
        };
        Some(Told { session: session?, except: None, notice })
    }

    /// Gives the answer back where nobody waits for it.
    pub(super) fn answered(self, answer: Result<Reply, Refused>) -> Option<Result<Reply, Refused>> {
        self.answer?.send(answer).err()
    }
}

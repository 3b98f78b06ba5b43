//! What a show's task has to do for its waiting room: let in those who are here when their number is
//! called, and tell everybody up to where that is.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::protocol::rpc::{HeadView, Notice};
use crate::show::{Command, Head, Outcome, RoomCommand, RoomOutcome, SessionId, Time};
use crate::tokens::{Standing, Ticket};

use super::super::desk::Settled;
use super::super::pending::Pending;
use super::{Ask, Task, left_of};

/// How often everybody is told up to where numbers were called, at most.
const EVERY: Duration = Duration::from_secs(1);

/// What was told of the counter and of the draw.
#[derive(Default)]
pub(super) struct Announced {
    /// Whether it moved since it was told.
    is_due: bool,
    told_at: Option<Instant>,
    /// The head of the draw that was told last: it is told once.
    drawn: Option<Head>,
}

impl Announced {
    /// How long until it may be told; none where it did not move.
    pub(super) fn due_in(&self) -> Option<Duration> {
        self.is_due.then(|| self.told_at.map_or(Duration::ZERO, |at| left_of(EVERY, at)))
    }
}

impl Task {
    /// Takes note of what became of a turn in the waiting room.
    pub(super) fn room_changed(&mut self, settled: &Settled, now: Time) {
        let mut has_ended = false;
        for outcome in &settled.outcomes {
            let Outcome::OfRoom(outcome) = outcome else {
                // These end passes, too.
                has_ended |= matches!(outcome, Outcome::Sold { .. } | Outcome::Joined { .. });
                continue;
            };
            match *outcome {
                RoomOutcome::NumbersCalled { before, upto } => {
                    self.announced.is_due |= upto > before;
                    self.let_in(before, upto);
                }
                RoomOutcome::DoorsOpened => self.doors_opened(),
                RoomOutcome::Admitted { number, .. } => self.tell_who_is_admitted(number, now),
                RoomOutcome::PlacesLapsed | RoomOutcome::PlaceGivenBack { .. } => has_ended = true,
                RoomOutcome::NumbersTaken { .. } | RoomOutcome::NumberReturned { .. } => {}
            }
        }
        if has_ended {
            self.call_back_who_is_here();
        }
    }

    /// Whoever is here and was called comes at once: those with the numbers after `before` up to
    /// `upto`, and those with earlier ones who were called again.
    fn let_in(&mut self, before: u64, upto: u64) {
        let mut here = self.lobby.between(before, upto);
        let replica = self.desk.replica().read();
        if let Some(room) = replica.show().waiting_room() {
            let again = room.called_up_to(before);
            here.extend(again.filter_map(|number| Some((number, self.lobby.who_has(number)?.0))));
        }
        drop(replica);
        self.present.extend(here.into_iter().map(|(number, session)| appears(session, number)));
    }

    /// Whoever was called or passed over and is here all the same comes: the call was heard here with its
    /// end, or they had a pass by another number that has ended now.
    fn call_back_who_is_here(&mut self) {
        let replica = self.desk.replica().read();
        let show = replica.show();
        let Some(room) = show.waiting_room() else { return };
        let here = |number| Some((number, self.lobby.who_has(number)?.0));
        // Who has a pass by another number would be called in vain, again and again.
        let has_no_pass = |(_, session): &(u64, SessionId)| {
            show.alias_of(*session).is_some_and(|alias| room.pass_of(&alias).is_none())
        };
        let back = room.not_come().filter_map(here).filter(has_no_pass);
        self.present.extend(back.map(|(number, session)| appears(session, number)));
    }

    /// Everybody who is here and whose turn it is, or was while that could not be seen: after anything
    /// that may have been missed.
    pub(super) fn let_in_all(&mut self) {
        let serving = self.desk.replica().read().show().waiting_room().map(|room| room.serving());
        if let Some(serving) = serving {
            self.let_in(0, serving);
        }
    }

    /// Tells the draw, if there was one, and works out which numbers those have who are here: beside the task, for it
    /// takes a while.
    fn doors_opened(&mut self) {
        let draw =
            self.desk.replica().read().show().waiting_room().and_then(|room| room.draw().cloned());
        let Some(draw) = draw else { return };
        if self.announced.drawn.replace(draw.head) != Some(draw.head) {
            let notice = Notice::AdmissionDrawn {
                secret: draw.secret,
                head: HeadView::of(&draw.head),
                count: draw.count,
            };
            self.hub.broadcast(&self.show, Bytes::from(notice.encode()));
            tracing::info!(show = %self.show, came = draw.count, "the doors are open: who came is drawn");
        }
        let (lobby, asks) = (self.lobby.clone(), self.own_asks.clone());
        tokio::task::spawn_blocking(move || {
            lobby.draw(&draw);
            // Where the task is gone, so is the show.
            if let Some(asks) = asks.upgrade() {
                let _gone = asks.blocking_send(Ask::LetIn).is_ok();
            }
        });
    }

    /// Tells the sockets of who came in.
    fn tell_who_is_admitted(&mut self, number: u64, now: Time) {
        let Some((session, given)) = self.lobby.who_has(number) else { return };
        if !self.hub.hears(&self.show, session, None) {
            return;
        }
        let replica = self.desk.replica().read();
        let show = replica.show();
        let pass = show.alias_of(session).and_then(|alias| show.waiting_room()?.pass_of(&alias));
        let Some((_, until)) = pass.filter(|(passed, _)| *passed == number) else { return };
        let standing = Standing::Admitted { number };
        // Where history is lost, the pass may go and the number stay.
        let ticket = Ticket { session, standing, until, head: given };
        let ticket = self.tokens.ticket(&self.show, &ticket, now);
        let text = Bytes::from(Notice::AdmissionOpen { ticket, until, now }.encode());
        self.hub.notify(&self.show, session, None, text);
    }

    /// Tells everybody up to where numbers were called, where it is time to.
    pub(super) fn tell_serving_if_due(&mut self, now: Time) {
        let serving = self.desk.replica().read().show().waiting_room().map(|room| room.serving());
        let Some(serving) = serving else {
            // Nobody is told of what is not there.
            self.announced.is_due = false;
            return;
        };
        self.pace.note(serving, now);
        if self.announced.due_in().is_none_or(|wait| !wait.is_zero()) {
            return;
        }
        (self.announced.is_due, self.announced.told_at) = (false, Some(Instant::now()));
        let per_minute = self.pace.per_minute(serving, now);
        let notice = Notice::AdmissionServing { serving, per_minute };
        self.hub.broadcast(&self.show, Bytes::from(notice.encode()));
    }

    /// Another history, or one that was not heard as it came: whatever was told or seen is of no use, and
    /// the doors may have opened meanwhile, perhaps not as they had.
    pub(super) fn room_begins_anew(&mut self) {
        self.announced.is_due = true;
        self.pace.forget();
        let replica = self.desk.replica().read();
        self.lobby.forget_what_was_lost(|given| replica.has(given));
        drop(replica);
        self.doors_opened();
        self.let_in_all();
    }
}

/// The house asks for those who are here: nobody waits for the answer, their sockets are told.
fn appears(session: SessionId, number: u64) -> Pending {
    let command = Command::OfRoom(RoomCommand::Appear { session, number });
    Pending { command, socket: None, answer: None }
}

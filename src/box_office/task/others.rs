//! What a show's task has to do with the same show's tasks on other nodes: it hears what they append,
//! asks the log when it has not heard for a while, and refuses nobody for what only they know yet.

use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::log::{Appended, Heard};
use crate::show::{Asked, Command, Refusal, Time, propose};

use super::super::pending::Pending;
use super::super::replica::{News, Replica};
use super::{End, SILENCE_MAX, Task, left_of};

impl Task {
    /// How long until the log is to be asked, if there is nothing to append by then.
    pub(super) fn silent_for(&self) -> Duration {
        let silent = left_of(SILENCE_MAX, self.asked_at);
        let look = self.look.then(|| self.look_after.saturating_duration_since(Instant::now()));
        look.map_or(silent, |look| look.min(silent))
    }

    /// Applies what another node appended, where it follows what is known here. Where something is
    /// missing in between, or it is another story, the log is asked in the next turn.
    pub(super) fn heard(&mut self, heard: Option<Heard>) -> Result<(), End> {
        let Some(Heard::Entries { after, entries }) = heard else {
            // Missed something, or nothing will be heard any more.
            self.hearing = self.hearing.take().filter(|_| heard.is_some());
            self.hearing = self.hearing.take().or_else(|| self.log.watch(&self.stream));
            self.look = true;
            return Ok(());
        };
        let news = self.desk.replica().read().judge(after, &entries);
        match news {
            News::Old => {}
            News::Next if self.away.is_none() => {
                self.asked_at = Instant::now();
                if let Some(outside) = &mut self.outside {
                    outside.leave_to_others();
                }
                let appended = Appended { since_known: entries, own_first: u64::MAX };
                self.settle(&appended, self.clock.now())?;
            }
            News::Next | News::Beyond => self.look = true,
        }
        Ok(())
    }

    /// Tells those who wait for it that the log was asked since they came. Where it does not answer they
    /// are not kept waiting.
    pub(super) fn tell_lookers(&mut self) {
        if self.away.is_some() {
            self.lookers.clear();
        } else if !self.look {
            // Who asked may have given up waiting.
            for told in self.lookers.drain(..) {
                let _gone = told.send(());
            }
        }
    }

    /// What is to be proposed in this turn. A command about a hold or an offer that is not known here is set aside
    /// until the log was asked, with this turn's append if there is one: another node may have granted
    /// it a moment ago.
    pub(super) fn set_aside(&mut self, mut inbox: Vec<Pending>, now: Time) -> Vec<Pending> {
        let mut asked = std::mem::take(&mut self.looking);
        if self.hearing.is_some() {
            let replica = self.desk.replica().read();
            let strange = |pending: &mut Pending| names_what_is_not_known(&replica, pending, now);
            self.looking = inbox.extract_if(.., strange).collect();
        }
        asked.append(&mut inbox);
        asked
    }
}

fn names_what_is_not_known(replica: &Replica, pending: &Pending, now: Time) -> bool {
    let show = replica.show();
    if let Command::Accept { session } | Command::Decline { session } | Command::Leave { session } =
        &pending.command
    {
        // An offer is a hold, too, and a ticket may have been taken elsewhere.
        return show.ticket_of(*session).is_none_or(|ticket| ticket.offer.is_none());
    }
    let hold = pending.command.names();
    // Most are known: they need not be proposed twice.
    hold.is_some_and(|hold| show.hold(hold).is_none()) && {
        let proposed = propose(show, &mut Asked::nothing(), &pending.command, now, Uuid::nil());
        matches!(proposed, Err(Refusal::NoSuchHold))
    }
}

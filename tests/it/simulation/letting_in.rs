//! The way through the waiting room: who is told which number, who comes, and what must be so after a turn.

use rand::RngExt as _;
use usher::box_office::{Pending, Shown};
use usher::log::Log as _;
use usher::show::{Head, SessionId, Time};

use super::guests::Ticket;
use super::{Seen, World};

impl World {
    /// After a turn in which all was done.
    pub(super) fn judge_the_room(&self, now: Time) {
        let Some(room) = &self.room else { return };
        room.is_settled(now);
        let replica = self.desk.replica().read();
        let there = replica.show().waiting_room().expect("a waiting room");
        let kept_waiting = self.guests.iter().find(|guest| guest.is_kept_waiting(there));
        assert!(kept_waiting.is_none(), "{kept_waiting:?} is here, and was called");
    }

    /// Somebody is told which number they have.
    pub(super) fn is_given(&mut self, session: Option<SessionId>, shown: Shown, head: Head) {
        assert!(self.given.insert(shown), "{shown:?} is given twice");
        let owner = self.room.as_ref().and_then(|room| room.owner(shown));
        let guest = self.guests.iter_mut().find(|guest| Some(guest.session) == session);
        let guest = guest.expect("a guest");
        assert_eq!(owner, Some(guest.alias), "{shown:?} is somebody else's");
        guest.forgets();
        guest.ticket = Some(Ticket { shown, head });
        if self.random.random_bool(0.7) {
            self.comes(session);
        }
    }

    /// They have a socket from now on, and are seen to be here in the next turn.
    fn comes(&mut self, session: Option<SessionId>) {
        let replica = self.desk.replica().read();
        let Some(room) = replica.show().waiting_room() else { return };
        let guest = self.guests.iter_mut().find(|guest| Some(guest.session) == session);
        let appears = guest.and_then(|guest| guest.comes(room, &self.lobby));
        let pending = |command| Pending { command, socket: None, answer: None };
        self.present.extend(appears.map(pending));
    }

    /// The log is well again, and everybody who has a ticket comes and stays. Answers their numbers;
    /// those who came early and are not drawn yet have none.
    pub(super) async fn everybody_comes(&mut self, seen: &mut Seen) -> Vec<u64> {
        loop {
            let known = self.desk.replica().read().known();
            if self.log.append(&self.stream, known, Vec::new()).await.is_ok() {
                break;
            }
        }
        self.turn_with(Vec::new(), seen).await;
        let sessions: Vec<SessionId> = self.guests.iter().map(|guest| guest.session).collect();
        sessions.into_iter().for_each(|session| self.comes(Some(session)));
        let replica = self.desk.replica().clone();
        let numbers = {
            let replica = replica.read();
            let Some(room) = replica.show().waiting_room() else { return Vec::new() };
            let in_line = self.guests.iter().filter(|guest| guest.is_in_line(room));
            in_line.filter_map(|guest| guest.number(room)).collect()
        };
        self.turn_with(Vec::new(), seen).await;
        numbers
    }
}

//! Where the books of the seats and those of the waiting room touch: who holds seats, or waits for
//! some, was admitted; and who bought, or waits now, needs no place to pick at any more.

use crate::show::{Alias, Entry, Fact, RoomFact, SessionId, Show};

use super::super::{Replay, Tally};
use super::Books;

impl Books {
    fn alias(&self, session: SessionId) -> Alias {
        Alias::of(&self.definition.id, session)
    }

    /// Whether something may happen in the waiting room.
    pub(super) fn may_in_the_room(&self, fact: &RoomFact) -> Result<(), String> {
        let room = self.room.as_ref().ok_or("the show has no waiting room")?;
        room.may(fact, self.time)
    }

    /// What the waiting room is trusted for by the show, of every kind of entry.
    pub(super) fn fits_the_room(&self, entry: &Entry) -> Result<(), String> {
        let Some(room) = &self.room else { return Ok(()) };
        match &entry.fact {
            Fact::OfRoom(fact) => room.fits(fact, entry.time),
            Fact::SeatsHeld { session, .. } => room.may_pick(self.alias(*session), entry.time),
            Fact::TicketTaken(joining) => room.may_pick(self.alias(joining.session), entry.time),
            _ => Ok(()),
        }
    }

    /// Makes the change that an entry is to the waiting room, before it changes anything else.
    pub(super) fn change_the_room(&mut self, fact: &Fact, replay: &Replay, tally: &mut Tally) {
        let leaves = match fact {
            Fact::SeatsSold(sale) => self.holds.get(&sale.hold).map(|standing| standing.session),
            Fact::TicketTaken(joining) => Some(joining.session),
            _ => None,
        };
        let leaves = leaves.map(|session| self.alias(session));
        let Some(room) = &mut self.room else { return };
        match (fact, leaves) {
            (Fact::OfRoom(fact), _) => room.change(fact, self.time, replay.head().chain, tally),
            (_, Some(who)) => room.leaves(who, self.time),
            (_, None) => {}
        }
        let picks = matches!(fact, Fact::SeatsHeld { .. } | Fact::TicketTaken(_));
        tally.picked += u64::from(picks);
    }

    /// After every entry, also one that did not count: the show's waiting room is that of the books,
    /// and owes nobody anything for long.
    pub(super) fn room_is_sound(&mut self, show: &Show) -> Result<(), String> {
        match (&mut self.room, show.waiting_room()) {
            (Some(room), Some(shown)) => {
                room.is_as(shown)?;
                room.is_prompt(self.time)
            }
            (None, None) => Ok(()),
            _ => Err("the show has a waiting room, or the books have, but not both".to_owned()),
        }
    }

    /// At the log's end: every number is what its entries made of it.
    pub(super) fn room_ends_as(&self, show: &Show) -> Result<(), String> {
        match (&self.room, show.waiting_room()) {
            (Some(room), Some(shown)) => room.ends_as(shown),
            _ => Ok(()),
        }
    }
}

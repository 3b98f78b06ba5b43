//! What may be asked of the waiting room, and what must follow by itself.

use super::super::entry::{Entry, Fact};
use super::super::propose::Proposal;
use super::super::{Admission, Command, Refusal, RoomCommand, SessionId, Show, Time};
use super::{Alias, GIVEN_BACK_MAX, Place, RoomFact, WaitingRoom};

impl Show {
    /// The waiting room, where the show has one.
    pub fn waiting_room(&self) -> Option<&WaitingRoom> {
        self.room.as_ref()
    }

    /// A session's name in the waiting room, where there is one.
    pub fn alias_of(&self, session: SessionId) -> Option<Alias> {
        self.room.as_ref().map(|_| Alias::of(&self.definition.id, session))
    }

    /// Whether a session may pick seats at `now`: anyone may where there is no waiting room.
    pub fn is_admitted(&self, session: SessionId, now: Time) -> bool {
        let Some(room) = &self.room else { return true };
        let pass = self.alias_of(session).and_then(|alias| room.pass_of(&alias));
        pass.is_some_and(|(_, until)| until > now)
    }

    fn doors_are_due(&self, now: Time) -> bool {
        self.doors_at().is_some_and(|at| at <= now)
    }

    /// When closed doors are to open; where nobody was there to do so, after the show began: who came
    /// is told the draw, and nobody is woken for it for ever. Never where there is nothing to draw
    /// with.
    fn doors_at(&self) -> Option<Time> {
        self.definition.draw_secret?;
        let room = self.room.as_ref()?;
        self.definition.policy.admission.as_ref()?.doors_at.filter(|_| room.draw.is_none())
    }

    /// When the waiting room has something to do by itself.
    pub fn next_in_waiting_room(&self) -> Option<Time> {
        let end = self.room.as_ref()?.next_end();
        end.into_iter().chain(self.doors_at()).min()
    }

    /// What the waiting room has to do at `now`.
    pub(in crate::show) fn waiting_room_follows(&self, now: Time) -> impl Iterator<Item = Command> {
        let room = self.room.as_ref();
        let ends = room.and_then(WaitingRoom::next_end).is_some_and(|end| end <= now);
        let calls = self.calling(now).is_some();
        let doors = self.doors_are_due(now).then_some(RoomCommand::OpenDoors);
        let ends = ends.then_some(RoomCommand::LapsePlaces);
        let calls = calls.then_some(RoomCommand::CallNumbers);
        doors.into_iter().chain(ends).chain(calls).map(Command::OfRoom)
    }

    pub(in crate::show) fn of_the_waiting_room(
        &self,
        command: RoomCommand,
        now: Time,
    ) -> Result<Proposal, Refusal> {
        Ok(match command {
            RoomCommand::TakeNumber { session } => self.taking_a_number(session, now)?,
            RoomCommand::Appear { session, number } => self.appearing(session, number, now),
            RoomCommand::GiveBack { session, number } => self.giving_back(session, number, now),
            RoomCommand::OpenDoors => self.opening_doors(now),
            RoomCommand::CallNumbers => self.calling_numbers(now),
            RoomCommand::LapsePlaces => self.lapsing_places(now),
        })
    }

    fn taking_a_number(&self, session: SessionId, now: Time) -> Result<Proposal, Refusal> {
        if now >= self.definition.starts_at {
            return Err(Refusal::ShowOver);
        }
        let fact =
            self.alias_of(session).map(|alias| RoomFact::NumbersTaken { aliases: [alias].into() });
        Ok(fact.map_or(Proposal::AlreadySo, |fact| one(now, fact)))
    }

    /// Somebody shows a number, or has a socket where it was shown.
    fn appearing(&self, session: SessionId, number: u64, now: Time) -> Proposal {
        let Some((policy, room, alias)) = self.room_and_alias(session) else {
            return Proposal::AlreadySo;
        };
        match room.place(number) {
            Some(Place::Called { .. }) if room.pass_of(&alias).is_none() => {
                let until = now.plus_ms(policy.pass_ms);
                one(now, RoomFact::Admitted { number, alias, until })
            }
            Some(Place::PassedOver { forget_at }) if forget_at > now => {
                one(now, RoomFact::NumberReturned { number })
            }
            Some(
                Place::Called { .. }
                | Place::PassedOver { .. }
                | Place::Next { .. }
                | Place::Pass { .. },
            )
            | None => Proposal::AlreadySo,
        }
    }

    /// Somebody leaves: the pass they have, else the number they showed.
    fn giving_back(&self, session: SessionId, number: Option<u64>, now: Time) -> Proposal {
        let Some((_, room, alias)) = self.room_and_alias(session) else {
            return Proposal::AlreadySo;
        };
        let of_pass = room.pass_of(&alias).map(|(number, _)| number);
        let another = |number: &u64| !matches!(room.place(*number), Some(Place::Pass { .. }));
        let number = of_pass.or(number.filter(another));
        // As the guard has it: beyond that many, one who leaves is called and passed over.
        let room_for_more = room.given_back.len() < GIVEN_BACK_MAX;
        let ahead = |number: &u64| room_for_more && room.is_ahead(*number);
        let known = |number: &u64| room.places.contains_key(number) || ahead(number);
        match number.filter(known) {
            Some(number) => one(now, RoomFact::PlaceGivenBack { number }),
            None => Proposal::AlreadySo,
        }
    }

    fn opening_doors(&self, now: Time) -> Proposal {
        match self.definition.draw_secret {
            Some(secret) if self.doors_are_due(now) => one(now, RoomFact::DoorsOpened { secret }),
            Some(_) | None => Proposal::AlreadySo,
        }
    }

    fn calling_numbers(&self, now: Time) -> Proposal {
        self.calling(now).map_or(Proposal::AlreadySo, |fact| one(now, fact))
    }

    fn lapsing_places(&self, now: Time) -> Proposal {
        let end = self.room.as_ref().and_then(WaitingRoom::next_end);
        match end.filter(|end| *end <= now) {
            Some(_) => one(now, RoomFact::PlacesLapsed),
            None => Proposal::AlreadySo,
        }
    }

    /// As many as there are places: first those who came back, then the next in line.
    fn calling(&self, now: Time) -> Option<RoomFact> {
        let policy = self.definition.policy.admission.as_ref()?;
        let room = self.room.as_ref()?;
        let closed = policy.doors_at.is_some() && room.draw.is_none();
        if closed || now >= self.definition.starts_at {
            return None;
        }
        let mut free = u64::from(policy.picking_max).saturating_sub(room.taken);
        let next: Box<[u64]> = room.next.iter().copied().take(free as usize).collect();
        free -= next.len() as u64;
        let mut upto = room.serving;
        while upto < room.numbers && (free > 0 || room.given_back.contains(&(upto + 1))) {
            upto += 1;
            free -= u64::from(!room.given_back.contains(&upto));
        }
        // Nobody new overtakes those who came back.
        let upto = if next.len() == room.next.len() { upto } else { room.serving };
        let someone = upto > room.serving || !next.is_empty();
        let until = now.plus_ms(policy.call_ms);
        someone.then_some(RoomFact::NumbersCalled { next, upto, until })
    }

    fn room_and_alias(&self, session: SessionId) -> Option<(&Admission, &WaitingRoom, Alias)> {
        let policy = self.definition.policy.admission.as_ref()?;
        Some((policy, self.room.as_ref()?, self.alias_of(session)?))
    }
}

fn one(now: Time, fact: RoomFact) -> Proposal {
    Proposal::Append(vec![Entry { time: now, fact: Fact::OfRoom(fact) }])
}

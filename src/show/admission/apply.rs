//! What entries do to the waiting room: the guards of its kinds.

use std::ops::Bound;

use super::super::apply::RoomOutcome;
use super::super::{Admission, Head, SessionId, Show, Time};
use super::{Alias, Draw, DrawSecret, GIVEN_BACK_MAX, Place, RETURN_MS, RoomFact, WaitingRoom};

impl Show {
    /// What a fact does; none where its guard is false.
    pub(in crate::show) fn done_in_the_room(
        &mut self,
        fact: &RoomFact,
        head: Head,
        now: Time,
    ) -> Option<RoomOutcome> {
        match fact {
            RoomFact::NumbersTaken { aliases } => self.numbers_taken(aliases.len() as u64, now),
            RoomFact::DoorsOpened { secret } => self.doors_opened(*secret, head, now),
            RoomFact::NumbersCalled { next, upto, until } => {
                self.numbers_called(next, *upto, *until, now)
            }
            RoomFact::NumberReturned { number } => self.number_returned(*number, now),
            RoomFact::Admitted { number, alias, until } => self.admitted(*number, *alias, *until),
            RoomFact::PlaceGivenBack { number } => self.place_given_back(*number),
            RoomFact::PlacesLapsed => self.places_lapsed(now),
        }
    }

    /// Guard: the show has a waiting room and has not begun; at least one takes one. Before the doors
    /// open they are arrivals, afterwards numbers.
    fn numbers_taken(&mut self, count: u64, now: Time) -> Option<RoomOutcome> {
        let (policy, room) = self.room_before_the_show(now)?;
        let early = policy.doors_at.is_some() && room.draw.is_none();
        let last = if early { &mut room.arrivals } else { &mut room.numbers };
        let (first, after) = (*last + 1, last.checked_add(count).filter(|_| count > 0)?);
        *last = after;
        Some(RoomOutcome::NumbersTaken { first, count, early })
    }

    /// Guard: there are doors, and they have not opened, but it is time; the secret is the one the show
    /// was made with.
    fn doors_opened(&mut self, secret: DrawSecret, head: Head, now: Time) -> Option<RoomOutcome> {
        let is_the_secret = self.definition.draw_secret == Some(secret);
        let (policy, room) = self.room()?;
        let is_time = policy.doors_at.is_some_and(|at| at <= now) && room.draw.is_none();
        if !is_time || !is_the_secret {
            return None;
        }
        room.draw = Some(Draw { secret, head, count: room.arrivals });
        room.numbers = room.arrivals;
        Some(RoomOutcome::DoorsOpened)
    }

    /// Guard: the doors are open and the show has not begun; `next` are some of those who came back,
    /// all of them if new numbers are called, too; there are numbers up to `upto`, and a place for
    /// each that is called. Numbers that were given back are skipped.
    fn numbers_called(
        &mut self,
        next: &[u64],
        upto: u64,
        until: Time,
        now: Time,
    ) -> Option<RoomOutcome> {
        let (policy, room) = self.room_before_the_show(now)?;
        let free = u64::from(policy.picking_max).saturating_sub(room.taken);
        let is_open = policy.doors_at.is_none() || room.draw.is_some();
        let before = room.serving;
        let fits = is_open
            && (before..=room.numbers).contains(&upto)
            && next.is_sorted_by(|a, b| a < b)
            && next.iter().all(|number| room.next.contains(number))
            && (upto == before || next.len() == room.next.len())
            && (upto > before || !next.is_empty());
        if !fits {
            return None;
        }
        // Not `before + 1..=upto`, which is no range where nobody new is called.
        let new = (Bound::Excluded(before), Bound::Included(upto));
        let skipped = room.given_back.range(new).count() as u64;
        if next.len() as u64 + (upto - before - skipped) > free {
            return None;
        }
        for number in next {
            if let Some(Place::Next { forget_at }) = room.place(*number) {
                room.put(*number, Some(Place::Called { until, forget_at: Some(forget_at) }));
            }
        }
        for number in before + 1..=upto {
            if !room.given_back.remove(&number) {
                room.put(number, Some(Place::Called { until, forget_at: None }));
            }
        }
        room.serving = upto;
        Some(RoomOutcome::NumbersCalled { before, upto })
    }

    /// Guard: the number was passed over, and is not forgotten yet.
    fn number_returned(&mut self, number: u64, now: Time) -> Option<RoomOutcome> {
        let (_, room) = self.room()?;
        match room.place(number)? {
            Place::PassedOver { forget_at } if forget_at > now => {
                room.put(number, Some(Place::Next { forget_at }));
                Some(RoomOutcome::NumberReturned { number })
            }
            Place::PassedOver { .. }
            | Place::Called { .. }
            | Place::Next { .. }
            | Place::Pass { .. } => None,
        }
    }

    /// Guard: it is the number's turn, and its owner has no pass already.
    fn admitted(&mut self, number: u64, alias: Alias, until: Time) -> Option<RoomOutcome> {
        let (_, room) = self.room()?;
        match room.place(number)? {
            Place::Called { .. } if !room.by_alias.contains_key(&alias) => {
                room.put(number, Some(Place::Pass { alias, until }));
                Some(RoomOutcome::Admitted { number, alias })
            }
            Place::Called { .. }
            | Place::PassedOver { .. }
            | Place::Next { .. }
            | Place::Pass { .. } => None,
        }
    }

    /// Guard: the number was called and is not done with, or is still to be called and was not given
    /// back before.
    fn place_given_back(&mut self, number: u64) -> Option<RoomOutcome> {
        let (_, room) = self.room()?;
        if room.places.contains_key(&number) {
            room.put(number, None);
        } else if room.is_ahead(number) && room.given_back.len() < GIVEN_BACK_MAX {
            room.given_back.insert(number);
        } else {
            return None;
        }
        Some(RoomOutcome::PlaceGivenBack { number })
    }

    /// Guard: something in the waiting room is past its end. Everything that is, ends: passes; calls
    /// that nobody came to, which may come back for a while; and those that did not.
    fn places_lapsed(&mut self, now: Time) -> Option<RoomOutcome> {
        let (_, room) = self.room()?;
        room.next_end().filter(|end| *end <= now)?;
        while let Some(&(end, number)) = room.ends.first()
            && end <= now
        {
            let left = match room.place(number) {
                Some(Place::Called { forget_at, .. }) => {
                    let forget_at = forget_at.unwrap_or(now.plus_ms(RETURN_MS));
                    (forget_at > now).then_some(Place::PassedOver { forget_at })
                }
                Some(Place::PassedOver { .. } | Place::Pass { .. } | Place::Next { .. }) | None => {
                    None
                }
            };
            room.put(number, left);
        }
        Some(RoomOutcome::PlacesLapsed)
    }

    /// Whoever bought, or waits for seats, needs no place to pick at any more.
    pub(in crate::show) fn leaves_the_waiting_room(&mut self, session: SessionId) {
        let alias = self.alias_of(session);
        if let Some(room) = &mut self.room
            && let Some(number) = alias.and_then(|alias| room.by_alias.get(&alias).copied())
        {
            room.put(number, None);
        }
    }

    fn room(&mut self) -> Option<(&Admission, &mut WaitingRoom)> {
        Some((self.definition.policy.admission.as_ref()?, self.room.as_mut()?))
    }

    fn room_before_the_show(&mut self, now: Time) -> Option<(&Admission, &mut WaitingRoom)> {
        if now >= self.definition.starts_at { None } else { self.room() }
    }
}

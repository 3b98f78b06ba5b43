//! What may count in a waiting room, and what else it is held to: the promises behind its entries.

use crate::show::{Alias, Place, RoomFact, Time, WaitingRoom};

use super::{Fate, Room, commitment};

/// How many who left ahead of their turn are skipped; who leaves beyond is called like any other.
const LEFT_MAX: usize = 100_000;
/// For how long after a pass was given back or used up at one node, another may not have heard of it,
/// and let its owner hold: a node that hears nothing looks after a second, and clocks are kept in step
/// to less than what is left. (Where a pass ends by time there is no slack: any node knows when.)
const NOT_HEARD_MS: u64 = 5_000;

impl Room {
    /// Whether what happened may count, at the log's time `now`.
    pub(in crate::audit) fn may(&self, fact: &RoomFact, now: Time) -> Result<(), String> {
        let before_the_show = || match now < self.starts_at {
            true => Ok(()),
            false => Err("the show has begun".to_owned()),
        };
        match fact {
            RoomFact::NumbersTaken { aliases } if aliases.is_empty() => {
                Err("nobody takes a number".to_owned())
            }
            RoomFact::NumbersTaken { .. } => before_the_show(),
            RoomFact::DoorsOpened { secret } => self.may_open(secret.0, now),
            RoomFact::NumbersCalled { next, upto, .. } => {
                before_the_show()?;
                self.may_call(next, *upto)
            }
            RoomFact::NumberReturned { number } => match self.fate(*number)? {
                Fate::PassedOver { until } if now < until => Ok(()),
                _ => Err(format!("number {number} has nothing to come back to")),
            },
            RoomFact::Admitted { number, alias, .. } => self.may_admit(*number, *alias),
            RoomFact::PlaceGivenBack { number } => match self.fate(*number)? {
                Fate::Ahead if self.left < LEFT_MAX => Ok(()),
                Fate::Ahead => Err("too many have left to remember one more".to_owned()),
                Fate::Left | Fate::Done => Err(format!("number {number} is nobody's any more")),
                Fate::Called { .. }
                | Fate::PassedOver { .. }
                | Fate::Back { .. }
                | Fate::Picks { .. } => Ok(()),
            },
            RoomFact::PlacesLapsed => match self.ends.first() {
                Some((end, _)) if *end <= now => Ok(()),
                _ => Err("nothing in the waiting room is past its end".to_owned()),
            },
        }
    }

    fn may_open(&self, secret: [u8; 32], now: Time) -> Result<(), String> {
        let at = self.rules.doors_at.ok_or("there are no doors")?;
        if self.is_open {
            return Err("the doors are open".to_owned());
        }
        if now < at {
            return Err(format!("the doors opened {} ms too soon", at.ms_since(now)));
        }
        match self.committed == Some(commitment(secret)) {
            true => Ok(()),
            false => Err("the draw is not by the secret that was committed to".to_owned()),
        }
    }

    fn may_call(&self, again: &[u64], upto: u64) -> Result<(), String> {
        if !self.is_open {
            return Err("the doors are closed".to_owned());
        }
        if upto < self.called || upto > self.people.len() as u64 {
            return Err(format!("no numbers are to be called up to {upto}"));
        }
        let is_called = |number: &u64| !self.back.contains(number);
        if again.windows(2).any(|pair| pair[0] >= pair[1]) || again.iter().any(is_called) {
            return Err("not all who are called again came back".to_owned());
        }
        if upto > self.called && again.len() < self.back.len() {
            return Err("somebody new is called before one who came back".to_owned());
        }
        if upto == self.called && again.is_empty() {
            return Err("nobody is called".to_owned());
        }
        let new = &self.people[self.called as usize..upto as usize];
        let new = new.iter().filter(|(_, fate)| *fate == Fate::Ahead).count();
        let places = u64::from(self.rules.picking_max).saturating_sub(self.picking);
        match (new + again.len()) as u64 > places {
            true => Err(format!("{} are called to {places} places", new + again.len())),
            false => Ok(()),
        }
    }

    fn may_admit(&self, number: u64, alias: Alias) -> Result<(), String> {
        if !matches!(self.fate(number)?, Fate::Called { .. }) {
            return Err(format!("number {number} is admitted, and was not called"));
        }
        match self.passes.get(&alias) {
            Some(pass) if matches!(self.fate(pass.number), Ok(Fate::Picks { .. })) => {
                Err(format!("{alias} has a pass already"))
            }
            _ => Ok(()),
        }
    }

    /// What the show trusts who proposed the entry for, by the entry's own time: that is what they
    /// went by.
    pub(in crate::audit) fn fits(&self, fact: &RoomFact, proposed: Time) -> Result<(), String> {
        let lasts = |until: Time, ms: u64, what: &str| match until == proposed.plus_ms(ms) {
            true => Ok(()),
            false => Err(format!("{what} lasts {} ms, not {ms}", until.ms_since(proposed))),
        };
        match fact {
            RoomFact::NumbersCalled { until, .. } => lasts(*until, self.rules.call_ms, "the call"),
            RoomFact::Admitted { number, alias, until } => {
                let (owner, _) = self.person(*number)?;
                if owner != alias {
                    return Err(format!("number {number} is {owner}'s, and {alias} was admitted"));
                }
                lasts(*until, self.rules.pass_ms, "the pass")
            }
            RoomFact::NumbersTaken { .. }
            | RoomFact::DoorsOpened { .. }
            | RoomFact::NumberReturned { .. }
            | RoomFact::PlaceGivenBack { .. }
            | RoomFact::PlacesLapsed => Ok(()),
        }
    }

    /// Whether somebody had a pass when it was proposed that they hold, or wait for, seats.
    pub(in crate::audit) fn may_pick(&self, who: Alias, proposed: Time) -> Result<(), String> {
        let pass = self.passes.get(&who).ok_or_else(|| format!("{who} was never admitted"))?;
        if proposed >= pass.until {
            let late = proposed.ms_since(pass.until);
            return Err(format!("the pass of {who} had ended {late} ms before"));
        }
        match pass.ended {
            Some(ended) if proposed > ended.plus_ms(NOT_HEARD_MS) => {
                Err(format!("{who} had given the pass back, or used it up"))
            }
            _ => Ok(()),
        }
    }

    /// After every entry, whatever it was about: what the room owes those who wait is not put off.
    pub(in crate::audit) fn is_prompt(&mut self, now: Time) -> Result<(), String> {
        let doors = self.rules.doors_at.filter(|at| !self.is_open && *at <= now);
        let ended = self.ends.first().filter(|(end, _)| *end <= now);
        let places = u64::from(self.rules.picking_max) > self.picking;
        let waits = || self.back.first().copied().or_else(|| self.first_ahead());
        let owes = match (doors, ended) {
            _ if now >= self.starts_at => None,
            (Some(_), _) => Some("the doors are to open".to_owned()),
            (None, Some((_, number))) => Some(format!("number {number} is past its end")),
            (None, None) if self.is_open && places => {
                waits().map(|number| format!("number {number} waits, and a place is free"))
            }
            (None, None) => None,
        };
        self.owed.note(owes, now)
    }

    fn first_ahead(&self) -> Option<u64> {
        let rest = self.people.get(self.called as usize..)?;
        let ahead = rest.iter().position(|(_, fate)| *fate == Fate::Ahead)?;
        Some(self.called + 1 + ahead as u64)
    }

    /// The show's own room counts as these books do.
    pub(in crate::audit) fn is_as(&self, room: &WaitingRoom) -> Result<(), String> {
        let numbers = if self.is_open { self.people.len() } else { 0 };
        let counted = [room.numbers(), room.serving(), room.taken()];
        if counted == [numbers as u64, self.called, self.picking] {
            Ok(())
        } else {
            Err("the waiting room's counters are not what its entries made of them".to_owned())
        }
    }

    /// At the log's end: every number is what these books say.
    pub(in crate::audit) fn ends_as(&self, room: &WaitingRoom) -> Result<(), String> {
        self.is_as(room)?;
        for ((alias, fate), number) in self.people.iter().zip(1..) {
            let place = match *fate {
                Fate::Ahead | Fate::Left | Fate::Done => None,
                Fate::Called { until, comes_back_until } => {
                    Some(Place::Called { until, forget_at: comes_back_until })
                }
                Fate::PassedOver { until } => Some(Place::PassedOver { forget_at: until }),
                Fate::Back { until } => Some(Place::Next { forget_at: until }),
                Fate::Picks { until } => Some(Place::Pass { alias: *alias, until }),
            };
            if room.place(number) != place || room.is_ahead(number) != (*fate == Fate::Ahead) {
                return Err(format!("at the end, number {number} is not what was made of it"));
            }
        }
        Ok(())
    }
}

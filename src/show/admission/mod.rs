//! The waiting room: who may pick seats when too many come at once.
//!
//! Arrivals take numbers; one counter, *serving*, says up to where they have been called. Whoever is
//! called and comes has a pass, which takes one of the show's places until it ends. The state knows
//! the counters, the numbers that were called and are not done with, and the passes: however many
//! wait, those who only wait cost nothing here. Whose a number is stands on the ticket its owner
//! shows, and in the log. Owns the draw at the doors ([`draw`]); signs nothing and knows no sockets.

mod alias;
mod apply;
pub(super) mod draw;
mod fact;
mod propose;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::codec::{CodecError, Reader, Writer};
use super::{Head, Time};
pub use alias::Alias;
pub use draw::{Commitment, Draw, DrawSecret};
pub use fact::RoomFact;

/// For how long after it was passed over a number may still come back: the protocol's ten minutes.
pub const RETURN_MS: u64 = 600_000;
/// How many numbers ahead of their turn may be given back and be skipped when it comes. One that is
/// given back beyond that is called like any other, and passed over.
pub const GIVEN_BACK_MAX: usize = 100_000;

/// The waiting room of a show that has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitingRoom {
    /// How many came before the doors opened.
    pub(super) arrivals: u64,
    /// How the numbers of those were drawn, once the doors have opened.
    pub(super) draw: Option<Draw>,
    /// How many numbers there are: 1 to this.
    pub(super) numbers: u64,
    /// Up to where numbers have been called.
    pub(super) serving: u64,
    /// Every number that was called and is not done with.
    places: BTreeMap<u64, Place>,
    /// The numbers of those with a pass.
    by_alias: BTreeMap<Alias, u64>,
    /// When what is in `places` ends by itself.
    ends: BTreeSet<(Time, u64)>,
    /// Those who were passed over and came back.
    next: BTreeSet<u64>,
    /// Numbers ahead of their turn whose owners left.
    given_back: BTreeSet<u64>,
    /// How many places are taken: by passes, and by those who are called.
    taken: u64,
}

/// What a number is, from its call until it is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant's sentence says what its fields are")]
pub enum Place {
    /// It is its turn, until then. `forget_at`: where it was passed over before, when it is forgotten.
    Called { until: Time, forget_at: Option<Time> },
    /// It did not come in time; it may come back until then.
    PassedOver { forget_at: Time },
    /// It came back, and is called before all new ones.
    Next { forget_at: Time },
    /// It has a pass, until then.
    Pass { alias: Alias, until: Time },
}

impl Place {
    /// Whether it takes one of the places there are to pick at.
    fn takes_one(self) -> bool {
        matches!(self, Self::Called { .. } | Self::Pass { .. })
    }

    /// When it ends by itself.
    fn end(self) -> Option<Time> {
        match self {
            Self::Called { until, .. } | Self::Pass { until, .. } => Some(until),
            Self::PassedOver { forget_at } => Some(forget_at),
            Self::Next { .. } => None,
        }
    }
}

impl WaitingRoom {
    /// How many came before the doors opened: their arrivals are 1 to this.
    pub fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// How the numbers of those who came early were drawn; none before.
    pub fn draw(&self) -> Option<&Draw> {
        self.draw.as_ref()
    }

    /// How many numbers there are: 1 to this.
    pub fn numbers(&self) -> u64 {
        self.numbers
    }

    /// Up to where numbers have been called.
    pub fn serving(&self) -> u64 {
        self.serving
    }

    /// How many are picking, or were called to.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// What a number is; none where it was not called yet, or is done with.
    pub fn place(&self, number: u64) -> Option<Place> {
        self.places.get(&number).copied()
    }

    /// The number and the end of somebody's pass.
    pub fn pass_of(&self, alias: &Alias) -> Option<(u64, Time)> {
        let number = *self.by_alias.get(alias)?;
        match self.places.get(&number)? {
            Place::Pass { until, .. } => Some((number, *until)),
            Place::Called { .. } | Place::PassedOver { .. } | Place::Next { .. } => None,
        }
    }

    /// The numbers up to `upto` whose turn it is, and who have not come yet.
    pub fn called_up_to(&self, upto: u64) -> impl Iterator<Item = u64> + '_ {
        let places = self.places.range(..=upto);
        let called = |(_, place): &(&u64, &Place)| matches!(place, Place::Called { .. });
        places.filter(called).map(|(number, _)| *number)
    }

    /// The numbers that were called and have not come: they may still come, or come back.
    pub fn not_come(&self) -> impl Iterator<Item = u64> + '_ {
        let not_come = |(_, place): &(&u64, &Place)| {
            matches!(place, Place::Called { .. } | Place::PassedOver { .. })
        };
        self.places.iter().filter(not_come).map(|(number, _)| *number)
    }

    /// Whether a number is still to be called for the first time.
    pub fn is_ahead(&self, number: u64) -> bool {
        (self.serving + 1..=self.numbers).contains(&number) && !self.given_back.contains(&number)
    }

    /// When something ends here by itself.
    pub(super) fn next_end(&self) -> Option<Time> {
        self.ends.first().map(|(at, _)| *at)
    }

    /// Makes a number `place`, or done with.
    fn put(&mut self, number: u64, place: Option<Place>) {
        if let Some(old) = self.places.remove(&number) {
            self.taken -= u64::from(old.takes_one());
            if let Some(end) = old.end() {
                self.ends.remove(&(end, number));
            }
            if let Place::Pass { alias, .. } = old {
                self.by_alias.remove(&alias);
            }
            self.next.remove(&number);
        }
        let Some(place) = place else { return };
        self.taken += u64::from(place.takes_one());
        self.ends.extend(place.end().map(|end| (end, number)));
        if let Place::Pass { alias, .. } = place {
            self.by_alias.insert(alias, number);
        }
        if let Place::Next { .. } = place {
            self.next.insert(number);
        }
        self.places.insert(number, place);
    }

    /// Writes all of it; see `docs/log-format.md`.
    pub(super) fn write(&self, to: &mut Writer) {
        to.number(self.arrivals);
        to.byte(u8::from(self.draw.is_some()));
        if let Some(draw) = &self.draw {
            to.bytes(&draw.secret.0);
            to.bytes(&draw.head.epoch.to_le_bytes());
            to.number(draw.head.seq);
            to.bytes(&draw.head.chain);
            to.number(draw.count);
        }
        to.number(self.numbers);
        to.number(self.serving);
        to.number(self.given_back.len() as u64);
        self.given_back.iter().for_each(|number| to.number(*number));
        to.number(self.places.len() as u64);
        for (number, place) in &self.places {
            to.number(*number);
            place.write(to);
        }
    }

    /// Reads what [`WaitingRoom::write`] wrote.
    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        let mut room = Self { arrivals: from.number()?, ..Self::default() };
        if from.byte()? != 0 {
            room.draw = Some(Draw {
                secret: DrawSecret(from.array()?),
                head: Head {
                    epoch: u64::from_le_bytes(from.array()?),
                    seq: from.number()?,
                    chain: from.array()?,
                },
                count: from.number()?,
            });
        }
        (room.numbers, room.serving) = (from.number()?, from.number()?);
        if room.serving > room.numbers {
            return Err(CodecError::Value("more are served than came"));
        }
        let drawn_as_they_came =
            |draw: &Draw| draw.count == room.arrivals && draw.count <= room.numbers;
        if !room.draw.as_ref().is_none_or(drawn_as_they_came) {
            return Err(CodecError::Value("a draw of others than came"));
        }
        for _ in 0..from.length()? {
            let number = from.number()?;
            let before = room.given_back.last().copied().unwrap_or(room.serving);
            if number <= before || number > room.numbers {
                return Err(CodecError::Value("a number given back that cannot be"));
            }
            room.given_back.insert(number);
        }
        for _ in 0..from.length()? {
            let number = from.number()?;
            let place = Place::read(from)?;
            let twice =
                matches!(place, Place::Pass { alias, .. } if room.by_alias.contains_key(&alias));
            let before = room.places.last_key_value().map_or(0, |(number, _)| *number);
            if twice || number <= before || number > room.serving {
                return Err(CodecError::Value("a place that cannot be"));
            }
            room.put(number, Some(place));
        }
        Ok(room)
    }
}

impl Place {
    fn write(self, to: &mut Writer) {
        match self {
            Self::Called { until, forget_at } => {
                to.byte(0);
                to.time(until);
                // No number is passed over in 1970.
                to.time(forget_at.unwrap_or(Time(0)));
            }
            Self::PassedOver { forget_at } => {
                to.byte(1);
                to.time(forget_at);
            }
            Self::Next { forget_at } => {
                to.byte(2);
                to.time(forget_at);
            }
            Self::Pass { alias, until } => {
                to.byte(3);
                to.bytes(&alias.0);
                to.time(until);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(match from.byte()? {
            0 => {
                let (until, forget_at) = (from.time()?, from.time()?);
                Self::Called { until, forget_at: Some(forget_at).filter(|at| at.0 > 0) }
            }
            1 => Self::PassedOver { forget_at: from.time()? },
            2 => Self::Next { forget_at: from.time()? },
            3 => Self::Pass { alias: Alias(from.array()?), until: from.time()? },
            _ => return Err(CodecError::Value("not a place in the waiting room")),
        })
    }
}

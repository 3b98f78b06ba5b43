//! The waiting room, in the books: a list of people, one after another as they came or were drawn, and
//! what became of each.
//!
//! It says on its own whether an entry may count, and then holds it to what nobody but its proposer
//! is answerable for: that who is admitted has the number they took, that calls and passes last as
//! long as the show says, and that nobody has seats without a pass. Knows entries and times alone, so
//! that a log published without names can be judged by it as well.

mod draw;
mod judging;
mod owed;

use std::collections::{BTreeMap, BTreeSet};

use crate::show::{Admission, Alias, Definition, RoomFact, Time};

use super::super::Tally;
pub(in crate::audit) use draw::commitment;
use draw::drawn;
use owed::Owed;

/// For how long after its first passing over a number may come back.
const COMES_BACK_MS: u64 = 600_000;

/// What became of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Ahead,
    Left,
    Called { until: Time, comes_back_until: Option<Time> },
    PassedOver { until: Time },
    Back { until: Time },
    Picks { until: Time },
    Done,
}

/// A pass, also after its end.
#[derive(Clone, Copy, Debug)]
struct Pass {
    number: u64,
    until: Time,
    /// When it was given back or used up, if it was.
    ended: Option<Time>,
}

/// A show's waiting room.
pub(in crate::audit) struct Room {
    rules: Admission,
    starts_at: Time,
    /// The hash of the secret of the draw, where there is to be one.
    committed: Option<[u8; 32]>,
    /// Who came before the doors opened, the first arrival first, and the numbers they then drew.
    early: Vec<Alias>,
    drawn: Vec<u64>,
    is_open: bool,
    /// Number 1 first.
    people: Vec<(Alias, Fate)>,
    called: u64,
    passes: BTreeMap<Alias, Pass>,
    ends: BTreeSet<(Time, u64)>,
    back: BTreeSet<u64>,
    left: usize,
    picking: u64,
    owed: Owed,
}

impl Room {
    /// The room of a show that has one, before anybody came. The secret's hash is `committed`.
    pub(in crate::audit) fn of(
        definition: &Definition,
        committed: Option<[u8; 32]>,
    ) -> Option<Self> {
        let rules = definition.policy.admission.clone()?;
        Some(Self {
            starts_at: definition.starts_at,
            committed,
            early: Vec::new(),
            drawn: Vec::new(),
            is_open: rules.doors_at.is_none(),
            people: Vec::new(),
            called: 0,
            passes: BTreeMap::new(),
            ends: BTreeSet::new(),
            back: BTreeSet::new(),
            left: 0,
            picking: 0,
            owed: Owed::default(),
            rules,
        })
    }

    /// Makes the change that a fact is. `chain` is the log's with its entry.
    pub(in crate::audit) fn change(
        &mut self,
        fact: &RoomFact,
        now: Time,
        chain: [u8; 32],
        tally: &mut Tally,
    ) {
        match fact {
            RoomFact::NumbersTaken { aliases } => {
                tally.numbers += aliases.len() as u64;
                if self.is_open {
                    self.people.extend(aliases.iter().map(|alias| (*alias, Fate::Ahead)));
                } else {
                    self.early.extend(aliases);
                }
            }
            RoomFact::DoorsOpened { secret } => {
                tally.drawn += self.early.len() as u64;
                self.drawn = drawn(secret.0, chain, self.early.len() as u64);
                let early = self.early.iter().copied();
                let mut by_number: Vec<(u64, Alias)> =
                    self.drawn.iter().copied().zip(early).collect();
                by_number.sort_unstable();
                self.people = by_number.into_iter().map(|(_, who)| (who, Fate::Ahead)).collect();
                self.is_open = true;
            }
            RoomFact::NumbersCalled { next, upto, until } => {
                for number in next {
                    let Ok(Fate::Back { until: end }) = self.fate(*number) else { continue };
                    let comes_back_until = Some(end);
                    self.becomes(*number, Fate::Called { until: *until, comes_back_until });
                }
                for number in self.called + 1..=*upto {
                    match self.fate(number) {
                        Ok(Fate::Left) => self.becomes(number, Fate::Done),
                        _ => {
                            let called = Fate::Called { until: *until, comes_back_until: None };
                            self.becomes(number, called);
                        }
                    }
                }
                self.called = *upto;
            }
            RoomFact::NumberReturned { number } => {
                if let Ok(Fate::PassedOver { until }) = self.fate(*number) {
                    self.becomes(*number, Fate::Back { until });
                }
            }
            RoomFact::Admitted { number, alias, until } => {
                tally.admitted += 1;
                self.becomes(*number, Fate::Picks { until: *until });
                let pass = Pass { number: *number, until: *until, ended: None };
                self.passes.insert(*alias, pass);
            }
            RoomFact::PlaceGivenBack { number } => self.given_back(*number, now),
            RoomFact::PlacesLapsed => self.lapse(now, tally),
        }
    }

    fn given_back(&mut self, number: u64, now: Time) {
        match self.person(number).copied() {
            Ok((_, Fate::Ahead)) => self.becomes(number, Fate::Left),
            Ok((alias, Fate::Picks { .. })) => self.leaves(alias, now),
            _ => self.becomes(number, Fate::Done),
        }
    }

    fn lapse(&mut self, now: Time, tally: &mut Tally) {
        while let Some(&(end, number)) = self.ends.first()
            && end <= now
        {
            let fate = match self.fate(number) {
                Ok(Fate::Called { comes_back_until, .. }) => {
                    tally.passed_over += 1;
                    let until = comes_back_until.unwrap_or(now.plus_ms(COMES_BACK_MS));
                    if until > now { Fate::PassedOver { until } } else { Fate::Done }
                }
                _ => Fate::Done,
            };
            self.becomes(number, fate);
        }
    }

    /// Somebody bought, waits for seats now, or gave their pass back.
    pub(in crate::audit) fn leaves(&mut self, who: Alias, now: Time) {
        let Some(pass) = self.passes.get_mut(&who) else { return };
        let number = pass.number;
        if matches!(self.fate(number), Ok(Fate::Picks { .. })) {
            if let Some(pass) = self.passes.get_mut(&who) {
                pass.ended = Some(now);
            }
            self.becomes(number, Fate::Done);
        }
    }

    /// Whose a number is.
    pub(in crate::audit) fn owner(&self, number: u64) -> Option<Alias> {
        self.person(number).ok().map(|(alias, _)| *alias)
    }

    /// Who came as this arrival, and, once that is drawn, with which number.
    pub(in crate::audit) fn came_as(&self, arrival: u64) -> Option<(Alias, Option<u64>)> {
        let index = usize::try_from(arrival.checked_sub(1)?).ok()?;
        Some((*self.early.get(index)?, self.drawn.get(index).copied()))
    }

    fn person(&self, number: u64) -> Result<&(Alias, Fate), String> {
        let index = number.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        let person = index.and_then(|index| self.people.get(index));
        person.ok_or_else(|| format!("there is no number {number}"))
    }

    fn fate(&self, number: u64) -> Result<Fate, String> {
        self.person(number).map(|(_, fate)| *fate)
    }

    fn becomes(&mut self, number: u64, fate: Fate) {
        let Ok(before) = self.fate(number) else { return };
        self.count(number, before, false);
        self.count(number, fate, true);
        self.people[number as usize - 1].1 = fate;
    }

    /// Counts a number in or out.
    fn count(&mut self, number: u64, fate: Fate, into: bool) {
        let by = |count: u64| if into { count + 1 } else { count - 1 };
        let end = match fate {
            Fate::Called { until, .. } | Fate::Picks { until } => {
                self.picking = by(self.picking);
                Some(until)
            }
            Fate::PassedOver { until } => Some(until),
            Fate::Left => {
                self.left = by(self.left as u64) as usize;
                None
            }
            Fate::Back { .. } => {
                if into {
                    self.back.insert(number)
                } else {
                    self.back.remove(&number)
                };
                None
            }
            Fate::Ahead | Fate::Done => None,
        };
        if let Some(end) = end {
            if into {
                self.ends.insert((end, number))
            } else {
                self.ends.remove(&(end, number))
            };
        }
    }
}

#[cfg(test)]
mod tests;

//! Those who take numbers of the waiting room in one turn: one entry is for them all.

use crate::show::{Alias, Entry, Fact, Head, Outcome, RoomFact, RoomOutcome, Time};

use super::pending::{Answer, Pending, Refused};

/// Those who take numbers in one turn: one entry is for them all.
#[derive(Debug)]
pub(super) struct Takers {
    askers: Vec<Pending>,
    aliases: Vec<Alias>,
    /// The entry's place, counted from the first of the turn's own.
    place: usize,
}

impl Takers {
    pub(super) fn nobody() -> Self {
        Self { askers: Vec::new(), aliases: Vec::new(), place: usize::MAX }
    }

    /// Takes in whoever asked for this entry, if it is one of numbers; else gives them back.
    pub(super) fn take_in(&mut self, pending: Pending, own: &[Entry]) -> Option<Pending> {
        let [Entry { fact: Fact::OfRoom(RoomFact::NumbersTaken { aliases }), .. }] = own else {
            return Some(pending);
        };
        self.aliases.extend(aliases);
        self.askers.push(pending);
        None
    }

    /// The entry for them all, to be appended at this place; none where nobody took a number.
    pub(super) fn entry(&mut self, place: usize, now: Time) -> Option<Entry> {
        let aliases: Box<[Alias]> = std::mem::take(&mut self.aliases).into();
        self.place = place;
        let fact = Fact::OfRoom(RoomFact::NumbersTaken { aliases });
        (!self.askers.is_empty()).then_some(Entry { time: now, fact })
    }

    /// Whether nobody took a number in this turn.
    pub(super) fn are_none(&self) -> bool {
        self.askers.is_empty()
    }

    /// Whether theirs is the entry at this place of the turn's own.
    pub(super) fn are_at(&self, place: Option<usize>) -> bool {
        !self.askers.is_empty() && place == Some(self.place)
    }

    /// Whether their entry is in the log is unknown: the answer is who asked.
    pub(super) fn into_askers(self) -> Vec<Pending> {
        self.askers
    }

    /// Their entry was applied: each has the next number, or asks again.
    pub(super) fn settle(
        &mut self,
        outcome: Outcome,
        head: Head,
        answers: &mut Vec<(Pending, Result<Answer, Refused>, u64)>,
        again: &mut Vec<Pending>,
    ) {
        let askers = std::mem::take(&mut self.askers);
        if let Outcome::OfRoom(RoomOutcome::NumbersTaken { first, early, .. }) = outcome {
            let numbered = askers.into_iter().zip(first..);
            answers.extend(numbered.map(|(pending, number)| {
                (pending, Ok(Answer::Number { number, early, head }), head.seq)
            }));
        } else {
            again.extend(askers);
        }
    }
}

//! Those who take numbers of the waiting room in one turn: one entry is for them all.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

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
        let aliases = self.aliases.as_slice().into();
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
    pub(super) fn into_askers(self, unanswered: &mut Unanswered, now: Time) -> Vec<Pending> {
        for alias in self.aliases {
            unanswered.remember(alias, None, now);
        }
        self.askers
    }

    /// Their entry was applied: each has the next number, or asks again.
    pub(super) fn settle(
        &mut self,
        outcome: Outcome,
        head: Head,
        now: Time,
        unanswered: &mut Unanswered,
        answers: &mut Vec<(Pending, Result<Answer, Refused>, u64)>,
        again: &mut Vec<Pending>,
    ) {
        let askers = std::mem::take(&mut self.askers);
        if let Outcome::OfRoom(RoomOutcome::NumbersTaken { first, early, .. }) = outcome {
            for ((pending, alias), number) in askers.into_iter().zip(&self.aliases).zip(first..) {
                let answer = Answer::Number { number, early, head };
                if pending.answer.as_ref().is_some_and(oneshot::Sender::is_closed) {
                    unanswered.remember(*alias, Some(answer), now);
                } else {
                    answers.push((pending, Ok(answer), head.seq));
                }
            }
        } else {
            again.extend(askers);
        }
    }
}

/// For how long a number is kept for whoever took it and was not told: longer than a client waits
/// before it asks again.
const REMEMBERED_MS: u64 = 60_000;

/// Those who were told `unavailable` when they took a number, which they may have got all the same.
/// Who asks again is given that one: another would leave the first in line before it, with nobody to
/// come when it is called.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    /// The number, as soon as it is known.
    numbers: BTreeMap<Alias, Option<Answer>>,
    since: Time,
}

impl Unanswered {
    fn remember(&mut self, alias: Alias, number: Option<Answer>, now: Time) {
        self.since = now;
        self.numbers.insert(alias, number);
    }

    /// Forgets everybody once the last of them has had time to ask again.
    pub(super) fn forget(&mut self, now: Time) {
        if !self.numbers.is_empty() && now.ms_since(self.since) > REMEMBERED_MS {
            self.numbers.clear();
        }
    }

    /// An entry was applied: it may be the one whose fate was unknown.
    pub(super) fn look_at(&mut self, entry: &[u8], outcome: Outcome, head: Head) {
        let Outcome::OfRoom(RoomOutcome::NumbersTaken { first, early, .. }) = outcome else {
            return;
        };
        if self.numbers.values().all(Option::is_some) {
            return;
        }
        let entry = Entry::from_bytes(entry).map(|entry| entry.fact);
        let Ok(Fact::OfRoom(RoomFact::NumbersTaken { aliases })) = entry else { return };
        for (alias, number) in aliases.iter().zip(first..) {
            if let Some(unknown @ None) = self.numbers.get_mut(alias) {
                *unknown = Some(Answer::Number { number, early, head });
            }
        }
    }

    /// The number somebody has without knowing it, and the head with it, if they ask for one now.
    pub(super) fn number_of(&mut self, alias: Alias) -> Option<(Answer, Head)> {
        let Some(Answer::Number { head, .. }) = self.numbers.get(&alias)? else { return None };
        let head = *head;
        let number = self.numbers.remove(&alias).flatten()?;
        Some((number, head))
    }
}

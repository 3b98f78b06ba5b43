//! What is owed to those who wait, in the books: an offer to a whole party, and the word that there is
//! nothing to wait for. It follows in the turn of what caused it, so it may not be missing for long.
//!
//! All that one node writes in one turn, and what follows from it, has one time. So on one node the
//! follow-up has the time of its cause. Other nodes may each have a turn under way, whose entries come
//! between; and who dies between a cause and what follows leaves it to the next. Hence
//! [`TURNS_GRACE`] and [`MS_GRACE`]: both must have gone by. A log that ends sooner says nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::show::{Time, Wish};

use super::line::Line;

/// So many other times may stand between a cause and what follows: each is a turn of some node, and
/// this is more than twice the nodes of a large house.
pub(super) const TURNS_GRACE: u64 = 16;
/// And so much time must have passed: clocks of nodes differ, and each waits a moment of its own for
/// another to be quicker.
pub(super) const MS_GRACE: u64 = 1_000;
/// One turn writes so many follow-ups at least, where there are so many.
const IN_ONE_TURN: u64 = 500;

/// Something owed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// To all: the show has begun.
    Start,
    /// To all who want this that it can no longer be had, or not side by side.
    Hopeless(Wish),
    /// To this one its dismissal: it has waited as long as anybody does.
    Timeout(u64),
    /// To this one its seats: the party is whole.
    Offer(u64),
}

/// All that is owed, and since when.
#[derive(Default)]
pub(super) struct Dues {
    /// How many different times the entries had so far.
    turns: u64,
    /// How many stand in line.
    pub(super) waiting: u64,
    /// After which turn it is late, and since when it is owed.
    owed: BTreeMap<Due, (u64, Time)>,
    first_late: BTreeSet<(u64, Time, Due)>,
    /// When those without an offer have waited long enough.
    ends: BTreeSet<(Time, u64)>,
}

impl Dues {
    pub(super) fn ends_at(&mut self, turn: u64, until: Time) {
        self.ends.insert((until, turn));
    }

    /// It does not wait for that end any more.
    pub(super) fn outlives(&mut self, turn: u64, until: Time) {
        self.ends.remove(&(until, turn));
        self.settle(&Due::Timeout(turn));
    }

    /// From now on, if it is not owed already.
    pub(super) fn owe(&mut self, due: Due, now: Time) {
        if !self.owed.contains_key(&due) {
            // Ten thousand who are dismissed at once are dismissed in more than one turn.
            let late_after = self.turns + TURNS_GRACE + self.waiting / IN_ONE_TURN;
            self.first_late.insert((late_after, now, due.clone()));
            self.owed.insert(due, (late_after, now));
        }
    }

    pub(super) fn settle(&mut self, due: &Due) {
        if let Some((late_after, since)) = self.owed.remove(due) {
            self.first_late.remove(&(late_after, since, due.clone()));
        }
    }

    /// A turn with a time of its own begins: what has been owed for too long, before it is heard what
    /// this turn says.
    fn overdue(&mut self, now: Time) -> Option<&Due> {
        self.turns += 1;
        while let Some((_, turn)) = self.ends.first().copied().filter(|(end, _)| *end <= now) {
            self.ends.pop_first();
            self.owe(Due::Timeout(turn), now);
        }
        let (late_after, since, due) = self.first_late.first()?;
        (self.turns > *late_after && now > since.plus_ms(MS_GRACE)).then_some(due)
    }
}

impl Line {
    /// Time moved on to `now`: whether anything has been owed for too long.
    pub(super) fn nothing_is_overdue(&mut self, now: Time, starts_at: Time) -> Result<(), String> {
        if now >= starts_at {
            match self.first_waiting() {
                Some(_) => self.dues.owe(Due::Start, now),
                None => self.dues.settle(&Due::Start),
            }
        }
        let Some(due) = self.dues.overdue(now).cloned() else { return Ok(()) };
        let name = |turn: u64| self.name_of(turn);
        let first_of = |wish| self.wanted.get(wish)?.members.first().copied();
        Err(match due {
            Due::Offer(turn) => format!("ticket {} is not offered the seats it has", name(turn)),
            Due::Timeout(turn) => format!("ticket {} waits longer than anybody may", name(turn)),
            Due::Hopeless(wish) => {
                let ticket = first_of(&wish).map(name).unwrap_or_default();
                format!("ticket {ticket} waits in vain, and is not told so")
            }
            Due::Start => {
                let ticket = self.first_waiting().map(name).unwrap_or_default();
                format!("ticket {ticket} still waits, and the show has begun")
            }
        })
    }
}

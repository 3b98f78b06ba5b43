//! Holds: seats kept for one buyer until a deadline.

use std::collections::{BTreeMap, BTreeSet};

use crate::hall::Seat;

use super::{HoldId, SessionId, Time};

/// Where a hold stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    /// The buyer is choosing.
    Held,
    /// A payment is under way.
    Paying,
    /// Offered to one who waits, to be accepted.
    Offered,
}

/// Seats kept for one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its name.
    pub id: HoldId,
    /// Whose it is.
    pub session: SessionId,
    /// Which seats, ascending.
    pub seats: Box<[Seat]>,
    /// The deadline a screen shows; it never moves.
    pub expires_at: Time,
    /// Where it stands.
    pub state: HoldState,
    /// How many payments have begun; the one under way has this number.
    pub attempts: u32,
    /// Until when the first payment pinned it. Set once: a second attempt gets no new time.
    pub pinned_until: Option<Time>,
}

impl Hold {
    /// When the seats come free by themselves: the screen's deadline plus the buffer, or, while a
    /// payment is under way, the end of the pin if that is later.
    pub fn frees_at(&self, grace_ms: u64) -> Time {
        let deadline = self.expires_at.plus_ms(grace_ms);
        match (self.state, self.pinned_until) {
            (HoldState::Paying, Some(pin)) => deadline.max(pin),
            (HoldState::Paying | HoldState::Held | HoldState::Offered, _) => deadline,
        }
    }
}

/// All holds of a show, by id, by session and by deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holds {
    grace_ms: u64,
    by_id: BTreeMap<HoldId, Hold>,
    by_session: BTreeMap<SessionId, HoldId>,
    /// The key's second half breaks ties, so that two holds may end in one millisecond.
    by_end: BTreeSet<(Time, HoldId)>,
}

impl Holds {
    pub(crate) fn new(grace_ms: u64) -> Self {
        Self {
            grace_ms,
            by_id: BTreeMap::new(),
            by_session: BTreeMap::new(),
            by_end: BTreeSet::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Hold> {
        self.by_id.values()
    }

    pub(crate) fn get(&self, id: HoldId) -> Option<&Hold> {
        self.by_id.get(&id)
    }

    pub(crate) fn of_session(&self, session: SessionId) -> Option<&Hold> {
        self.get(*self.by_session.get(&session)?)
    }

    /// When the first hold ends, and which.
    pub(crate) fn first_end(&self) -> Option<(Time, HoldId)> {
        self.by_end.first().copied()
    }

    /// The holds that are past their end at `now`, the longest past first.
    pub(crate) fn ended_at(&self, now: Time) -> impl Iterator<Item = HoldId> + '_ {
        self.by_end.iter().take_while(move |(end, _)| *end <= now).map(|(_, id)| *id)
    }

    pub(crate) fn insert(&mut self, hold: Hold) {
        self.by_end.insert((hold.frees_at(self.grace_ms), hold.id));
        self.by_session.insert(hold.session, hold.id);
        self.by_id.insert(hold.id, hold);
    }

    pub(crate) fn remove(&mut self, id: HoldId) -> Option<Hold> {
        let hold = self.by_id.remove(&id)?;
        self.by_end.remove(&(hold.frees_at(self.grace_ms), id));
        self.by_session.remove(&hold.session);
        Some(hold)
    }

    /// Changes a hold in place; its end is filed anew, whatever `change` did to it.
    pub(crate) fn change<T>(
        &mut self,
        id: HoldId,
        change: impl FnOnce(&mut Hold) -> T,
    ) -> Option<T> {
        let hold = self.by_id.get_mut(&id)?;
        let before = hold.frees_at(self.grace_ms);
        let answer = change(hold);
        let after = hold.frees_at(self.grace_ms);
        if after != before {
            self.by_end.remove(&(before, id));
            self.by_end.insert((after, id));
        }
        Some(answer)
    }
}

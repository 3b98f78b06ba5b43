//! Hope: noticing which kinds of wishes can no longer be had, or not side by side.
//!
//! A sale is held only against the kinds that it may decide. A kind that has a thousand seats more
//! than its party needs is not counted again before a thousand seats are gone, whichever they are; and
//! one that could sit together in some run is asked after when that run loses a seat.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::hall::Seat;

use super::super::Wish;
use super::Queue;
use super::kind::{House, Kind, area_of};
use super::ticket::Run;

/// When to look again at which kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Hope {
    /// How many seats were sold or blocked, ever.
    gone: u64,
    /// When so many are gone, the kind may be sold out, and is counted.
    counts: BTreeSet<(u64, Arc<Wish>)>,
    /// When this run is broken, the kind may have to part.
    viable: BTreeMap<Run, BTreeSet<Arc<Wish>>>,
    /// The kinds of which somebody must be dismissed or must part.
    hopeless: BTreeSet<Arc<Wish>>,
    /// How many kinds sit together, by party: none gathers further than the largest.
    lengths: BTreeMap<u32, u32>,
}

impl Hope {
    /// The kinds of which somebody must be dismissed or must part.
    pub(super) fn hopeless(&self) -> impl Iterator<Item = &Wish> {
        self.hopeless.iter().map(|wish| &**wish)
    }

    /// The largest party that sits together.
    pub(super) fn longest(&self) -> u32 {
        self.lengths.last_key_value().map_or(1, |(party, _)| *party)
    }

    /// A kind that was counted just now.
    pub(super) fn begin(&mut self, wish: &Arc<Wish>, kind: &mut Kind) {
        kind.counted_at = self.gone;
        if wish.together {
            *self.lengths.entry(wish.quantity).or_default() += 1;
        }
        self.watch(wish, kind);
    }

    /// A kind of which nobody is left.
    pub(super) fn end(&mut self, wish: &Arc<Wish>, kind: &Kind) {
        self.watch_no_more(wish, kind);
        if wish.together
            && let Some(kinds) = self.lengths.get_mut(&wish.quantity)
        {
            *kinds -= 1;
            if *kinds == 0 {
                self.lengths.remove(&wish.quantity);
            }
        }
    }

    fn watch(&mut self, wish: &Arc<Wish>, kind: &Kind) {
        self.counts.extend(kind.enough_until().map(|gone| (gone, wish.clone())));
        if let Some(run) = kind.viable {
            self.viable.entry(run).or_default().insert(wish.clone());
        }
        if kind.is_hopeless() {
            self.hopeless.insert(wish.clone());
        }
    }

    fn watch_no_more(&mut self, wish: &Arc<Wish>, kind: &Kind) {
        if let Some(gone) = kind.enough_until() {
            self.counts.remove(&(gone, wish.clone()));
        }
        if let Some(run) = kind.viable
            && let Some(wishes) = self.viable.get_mut(&run)
        {
            wishes.remove(wish);
            if wishes.is_empty() {
                self.viable.remove(&run);
            }
        }
        self.hopeless.remove(wish);
    }

    /// The kinds that count on a run of which this seat is one.
    fn count_on(&self, seat: Seat, house: &House<'_>) -> impl Iterator<Item = &Arc<Wish>> {
        let (first, last) = match area_of(house.floor, seat) {
            Some(area) => (Run::Area(area), Run::Area(area)),
            None => {
                let first = Seat((seat.0 + 1).saturating_sub(self.longest()));
                (Run::Row(first), Run::Row(seat))
            }
        };
        self.viable.range(first..=last).flat_map(|(_, wishes)| wishes)
    }
}

impl Queue {
    /// Seats were sold or blocked. The tickets whose kind has to part from now on, or no longer, are
    /// added to `looking`.
    pub(super) fn lost(&mut self, gone: &[Seat], house: &House<'_>, looking: &mut BTreeSet<u64>) {
        self.hope.gone += gone.len() as u64;
        let due = |(at, _): &&(u64, Arc<Wish>)| *at <= self.hope.gone;
        let counted: Vec<Arc<Wish>> =
            self.hope.counts.iter().take_while(due).map(|(_, wish)| wish.clone()).collect();
        let now = self.hope.gone;
        for wish in &counted {
            self.change_kind(wish, looking, |kind| kind.count(wish, now, house));
        }
        let relied_on = gone.iter().flat_map(|seat| self.hope.count_on(*seat, house));
        let relied_on: BTreeSet<Arc<Wish>> = relied_on.cloned().collect();
        for wish in &relied_on {
            self.change_kind(wish, looking, |kind| kind.go_on_looking(house));
        }
    }

    /// Seats are for sale again: every kind is counted anew.
    pub(super) fn regained(&mut self, house: &House<'_>, looking: &mut BTreeSet<u64>) {
        let now = self.hope.gone;
        let all: Vec<Arc<Wish>> = self.kinds.keys().cloned().collect();
        for wish in &all {
            self.change_kind(wish, looking, |kind| {
                kind.count(wish, now, house);
                kind.look_for_viable(wish, house);
            });
        }
    }

    fn change_kind(
        &mut self,
        wish: &Arc<Wish>,
        looking: &mut BTreeSet<u64>,
        change: impl FnOnce(&mut Kind),
    ) {
        let Some(kind) = self.kinds.get_mut(wish) else { return };
        let before = kind.must_part();
        self.hope.watch_no_more(wish, kind);
        change(kind);
        self.hope.watch(wish, kind);
        if kind.must_part() != before {
            looking.extend(kind.members.difference(&kind.blank));
            looking.extend(kind.hungry.first());
        }
    }
}

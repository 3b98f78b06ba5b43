//! Nobody is passed over, in the books: nothing is free, or kept for one further behind, with which
//! somebody in front of them could be seated.
//!
//! Of all who want the same only the first who lacks seats is asked after: who stands behind may have
//! less. And of what changed only what came within their reach: what was there before would not do
//! for them, or it would have been found before.

use std::collections::BTreeMap;

use crate::hall::{Floor, Seat, SeatSet};
use crate::show::{Wish, can_ever_sit_together};

use super::line::{Line, Wanted};

/// How far back in line one may stand to have a seat: nobody may have it who stands behind this.
pub(super) type Level = u64;
/// Nobody may have it.
const NOBODY: Level = 0;
/// Everybody may: it is free.
const EVERYBODY: Level = Level::MAX;

/// Who may have which seat.
pub(super) struct Reach {
    /// By seat: the turn of whom it is kept for, or one of the two above.
    levels: Vec<Level>,
    /// The seats that are free, and kept for nobody.
    free: SeatSet,
    /// The seats that are neither sold nor blocked.
    pub(super) unsold: SeatSet,
    /// The turns of those for whom seats are kept.
    pub(super) owner: BTreeMap<Seat, u64>,
}

/// A seat that another may have than before.
pub(super) struct Moved {
    seat: Seat,
    from: Level,
    to: Level,
}

impl Reach {
    pub(super) fn new(seats: u32) -> Self {
        Self {
            levels: vec![EVERYBODY; seats as usize],
            free: SeatSet::full(seats),
            unsold: SeatSet::full(seats),
            owner: BTreeMap::new(),
        }
    }

    /// Nothing is kept for `turn` any more.
    pub(super) fn forget(&mut self, turn: u64, kept: &[Seat]) {
        for seat in kept {
            if self.owner.get(seat) == Some(&turn) {
                self.owner.remove(seat);
            }
        }
    }

    /// Notes who may have a seat now, which is free (though perhaps kept) or not.
    pub(super) fn note(&mut self, seat: Seat, is_free: bool) -> Result<Option<Moved>, String> {
        let to = match self.owner.get(&seat) {
            Some(_) if !is_free => {
                return Err(format!("seat {} is kept for somebody, but not free", seat.0));
            }
            Some(turn) => *turn,
            None if is_free => EVERYBODY,
            None => NOBODY,
        };
        let from = std::mem::replace(&mut self.levels[seat.0 as usize], to);
        match to {
            EVERYBODY => self.free.insert(seat),
            _ => self.free.remove(seat),
        }
        Ok((from != to).then_some(Moved { seat, from, to }))
    }

    /// All that the one at `turn` may have.
    fn of(&self, turn: u64) -> SeatSet {
        let mut reach = self.free.clone();
        let behind = self.owner.iter().filter(|(_, owner)| **owner >= turn);
        behind.for_each(|(seat, _)| reach.insert(*seat));
        reach
    }

    /// Whether there are `party` neighbours of `wanted`, this seat among them, that the one at `turn`
    /// may have.
    fn has_run_around(
        &self,
        seat: Seat,
        turn: u64,
        party: u32,
        wanted: &Wanted,
        floor: &Floor,
    ) -> bool {
        let may = |seat: Seat| {
            wanted.seats.has(seat) && self.levels.get(seat.0 as usize).is_some_and(|at| *at >= turn)
        };
        if !may(seat) {
            return false;
        }
        if !floor.in_rows().has(seat) {
            let area = (0..).map_while(|at| floor.area(at)).find(|area| area.contains(&seat.0));
            return area.is_some_and(|area| {
                let kept = self.owner.range(Seat(area.start)..Seat(area.end));
                let behind = kept.filter(|(_, owner)| **owner >= turn).count() as u32;
                self.free.count_range(area) + behind >= party
            });
        }
        // A seat is joined to the one before it.
        let right = (seat.0 + 1..).take_while(|at| floor.joined().has(Seat(*at)) && may(Seat(*at)));
        let left =
            (1..=seat.0).rev().take_while(|at| floor.joined().has(Seat(*at)) && may(Seat(*at - 1)));
        let party = party as usize;
        1 + right.take(party).count() + left.take(party).count() >= party
    }
}

impl Line {
    /// What stands against it that these seats moved; the first in line who should have had them.
    pub(super) fn nobody_is_passed_over(
        &mut self,
        moved: &[Moved],
        floor: &Floor,
    ) -> Result<(), String> {
        let reach = &self.reach;
        let mut passed_over = None;
        for (wish, wanted) in &mut self.wanted {
            let Some(first) = wanted.lacking.first().copied() else {
                wanted.judged = None;
                continue;
            };
            let found = if wanted.judged.is_some_and(|judged| judged <= first) {
                moved.iter().any(|moved| came_in_reach(reach, moved, first, wish, wanted, floor))
            } else {
                could_be_seated(reach, first, wish, wanted, floor)
            };
            if found {
                passed_over = passed_over.into_iter().chain([first]).min();
            }
            wanted.judged = Some(first);
        }
        match passed_over {
            Some(turn) => Err(format!("ticket {} is passed over", self.name_of(turn))),
            None => Ok(()),
        }
    }

    /// The first in front of `turn` who could use one of these seats, which are kept for it.
    pub(super) fn first_who_wants(&self, seats: &[Seat], turn: u64, floor: &Floor) -> Option<u64> {
        let wants = |(wish, wanted): (&Wish, &Wanted)| {
            let first = wanted.lacking.first().copied().filter(|first| *first < turn)?;
            let could_use = |seat: &Seat| {
                let moved = Moved { seat: *seat, from: NOBODY, to: turn };
                came_in_reach(&self.reach, &moved, first, wish, wanted, floor)
            };
            seats.iter().any(could_use).then_some(first)
        };
        self.wanted.iter().filter_map(wants).min()
    }
}

/// Whether a seat that moved came within reach of the one at `turn`, who could use it.
fn came_in_reach(
    reach: &Reach,
    moved: &Moved,
    turn: u64,
    wish: &Wish,
    wanted: &Wanted,
    floor: &Floor,
) -> bool {
    let Moved { seat, from, to } = *moved;
    if !wanted.seats.has(seat) {
        return false;
    }
    if wish.together {
        from < turn && to >= turn && reach.has_run_around(seat, turn, wish.quantity, wanted, floor)
    } else {
        // Its own are at its turn, and it gives none of them up while it lacks others.
        from <= turn && to > turn
    }
}

/// Whether the one at `turn` could be seated, or come nearer to it, with all it may have.
fn could_be_seated(reach: &Reach, turn: u64, wish: &Wish, wanted: &Wanted, floor: &Floor) -> bool {
    if wish.together {
        return can_ever_sit_together(floor, &reach.of(turn), wish);
    }
    let mut more = reach.of(turn + 1);
    more.keep_only(&wanted.seats);
    !more.is_empty()
}

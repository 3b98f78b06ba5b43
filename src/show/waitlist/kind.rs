//! Kinds of wishes: those who want the same stand behind one another, and are judged as one.
//!
//! Ten thousand who wait want a few dozen things, mostly; but each may want something else, and
//! nobody can be refused for that. So nothing is done for every kind: a release asks who stands in
//! front, in the order of the line, and a sale asks those whom it may leave without hope (`hope.rs`).

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use crate::hall::{Floor, Seat, SeatSet, bits};

use super::super::Wish;
use super::super::best::neighbours::{blocks, links};
use super::ticket::Run;

/// All waiting tickets (without an offer) of one wish. Tickets go by their turn: the position of
/// the entry that took them.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    pub(super) places: Arc<Places>,
    /// How many seats it allows were neither sold nor blocked when they were counted last. They are
    /// counted before there could be fewer than the party.
    left: u32,
    /// How many seats of the house had gone by then.
    pub(super) counted_at: u64,
    /// The first run that could still become whole; none where a party could never again sit
    /// together. Not looked for where the party may sit apart.
    pub(super) viable: Option<Run>,
    pub(super) members: BTreeSet<u64>,
    /// The members that lack seats.
    pub(super) hungry: BTreeSet<u64>,
    /// The members for whom nothing is kept.
    pub(super) blank: BTreeSet<u64>,
}

/// Which seats a wish allows, asked seat by seat.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) party: u32,
    pub(super) together: bool,
    categories: Option<Vec<u16>>,
    ranges: Option<Vec<Range<u32>>>,
}

impl Places {
    pub(super) fn of(wish: &Wish, floor: &Floor) -> Self {
        let sections = wish.sections.iter().flatten().filter_map(|at| floor.section(*at));
        let areas = wish.areas.iter().flatten().filter_map(|at| floor.area(*at));
        let mut ranges: Vec<Range<u32>> =
            sections.chain(areas).filter(|range| !range.is_empty()).collect();
        ranges.sort_by_key(|range| range.start);
        let anywhere = wish.sections.is_none() && wish.areas.is_none();
        Self {
            party: wish.quantity,
            together: wish.together,
            categories: wish.categories.clone(),
            ranges: (!anywhere).then_some(ranges),
        }
    }

    /// Whether the wish allows this seat of the hall.
    pub(super) fn allow(&self, floor: &Floor, seat: Seat) -> bool {
        let placed = self.ranges.as_ref().is_none_or(|ranges| {
            let at = ranges.partition_point(|range| range.end <= seat.0);
            ranges.get(at).is_some_and(|range| range.start <= seat.0)
        });
        placed
            && self.categories.as_ref().is_none_or(|categories| {
                let of = floor.category_of(seat);
                of.is_some_and(|category| categories.binary_search(&category).is_ok())
            })
    }
}

impl Kind {
    pub(super) fn new(wish: &Wish, house: &House<'_>) -> Self {
        let mut kind = Self {
            places: Arc::new(Places::of(wish, house.floor)),
            left: 0,
            counted_at: 0,
            viable: None,
            members: BTreeSet::new(),
            hungry: BTreeSet::new(),
            blank: BTreeSet::new(),
        };
        kind.count(wish, 0, house);
        kind.look_for_viable(wish, house);
        kind
    }

    /// Counts the seats that are left, when so many of the house have gone.
    pub(super) fn count(&mut self, wish: &Wish, gone: u64, house: &House<'_>) {
        let unsold = house.unsold();
        self.left = wish.mask(house.floor).map_or(unsold.count(), |mask| mask.count_and(&unsold));
        self.counted_at = gone;
    }

    /// How many seats must have gone before there can be too few; none where there are.
    pub(super) fn enough_until(&self) -> Option<u64> {
        let spare = self.left.checked_sub(self.places.party)?;
        Some(self.counted_at + u64::from(spare) + 1)
    }

    /// Whether its parties can no longer be seated at all.
    pub(super) fn is_sold_out(&self) -> bool {
        self.left < self.places.party
    }

    /// Whether its parties want to sit together, never can, but could apart.
    pub(super) fn must_part(&self) -> bool {
        self.places.together && self.viable.is_none() && !self.is_sold_out()
    }

    /// Whether somebody must be dismissed or must part.
    pub(super) fn is_hopeless(&self) -> bool {
        self.is_sold_out() || self.must_part()
    }

    /// The first who lacks seats, and the first for whom nothing is kept.
    pub(super) fn fronts(&self) -> [Option<u64>; 2] {
        [self.hungry.first().copied(), self.blank.first().copied()]
    }

    /// A seat of the run it counts on is gone. Sales only take runs away, and those before this one were
    /// gone already: so all the sales of an evening together look through the house once.
    pub(super) fn go_on_looking(&mut self, house: &House<'_>) {
        if let Some(run) = self.viable
            && !house.could_be_whole(run, &self.places)
        {
            self.viable = house.next_that_could_be_whole(run, &self.places);
        }
    }

    pub(super) fn look_for_viable(&mut self, wish: &Wish, house: &House<'_>) {
        self.viable = None;
        if self.places.together {
            self.viable = whole_run(house.floor, house.unsold(), wish);
        }
    }
}

/// The hall as apply has it at hand: what the rules of the waitlist rest on.
pub(in crate::show) struct House<'a> {
    pub(in crate::show) floor: &'a Floor,
    pub(in crate::show) free: &'a mut SeatSet,
    pub(in crate::show) sold: &'a SeatSet,
    pub(in crate::show) blocked: &'a SeatSet,
}

impl House<'_> {
    fn unsold(&self) -> SeatSet {
        let mut unsold = SeatSet::full(self.floor.seats());
        unsold.remove_all(self.sold);
        unsold.remove_all(self.blocked);
        unsold
    }

    /// Whether a seat could still be had one day.
    pub(super) fn is_unsold(&self, seat: Seat) -> bool {
        seat.0 < self.floor.seats() && !self.sold.has(seat) && !self.blocked.has(seat)
    }

    /// Whether every seat the run needs could still be had one day.
    pub(super) fn could_be_whole(&self, run: Run, places: &Places) -> bool {
        match run {
            Run::Row(first) => {
                let seats = first.0..first.0.saturating_add(places.party);
                seats.end <= self.floor.seats()
                    && seats.clone().map(Seat).all(|seat| {
                        self.is_unsold(seat)
                            && self.floor.in_rows().has(seat)
                            && (seat == first || self.floor.joined().has(seat))
                            && places.allow(self.floor, seat)
                    })
            }
            Run::Area(area) => {
                let range = self.floor.area(area).unwrap_or(0..0);
                let gone =
                    self.sold.count_range(range.clone()) + self.blocked.count_range(range.clone());
                range.len() as u32 - gone >= places.party
                    && !range.is_empty()
                    && places.allow(self.floor, Seat(range.start))
            }
        }
    }
}

impl House<'_> {
    /// The first run after this one that could be whole: rows before areas.
    fn next_that_could_be_whole(&self, after: Run, places: &Places) -> Option<Run> {
        let in_rows = match after {
            Run::Area(_) => None,
            Run::Row(first) => {
                self.unsold_after(first).map(Run::Row).find(|run| self.could_be_whole(*run, places))
            }
        };
        in_rows.or_else(|| {
            let mut others = areas(self.floor).map(|(area, _)| Run::Area(area));
            others.find(|run| *run > after && self.could_be_whole(*run, places))
        })
    }

    fn unsold_after(&self, seat: Seat) -> impl Iterator<Item = Seat> + '_ {
        let words = self.sold.words().iter().zip(self.blocked.words()).enumerate();
        let rest = words.skip(seat.0 as usize / 64);
        let unsold = rest.flat_map(|(at, (sold, blocked))| bits(at, !(sold | blocked)));
        unsold.filter(move |next| *next > seat)
    }
}

/// The first run of the wish that lies wholly in `set`: rows before areas, the lowest number first.
///
/// Not the *best*: what is kept for whom is worked out anew at every replay, so it may not rest on
/// how good a seat is thought to be, which a later version may think otherwise.
pub(super) fn whole_run(floor: &Floor, mut set: SeatSet, wish: &Wish) -> Option<Run> {
    if wish.quantity == 0 {
        return None;
    }
    if let Some(mask) = wish.mask(floor) {
        set.keep_only(&mask);
    }
    let begins = blocks(floor, &set, &links(floor, &set), wish.quantity);
    if let Some(first) = begins.iter().next() {
        return Some(Run::Row(first));
    }
    areas(floor)
        .find(|(_, range)| set.count_range(range.clone()) >= wish.quantity)
        .map(|(area, _)| Run::Area(area))
}

/// Every area with its places.
pub(super) fn areas(floor: &Floor) -> impl Iterator<Item = (u16, Range<u32>)> + '_ {
    (0..=u16::MAX).map_while(|area| Some((area, floor.area(area)?)))
}

/// The area a place is of; none for a seat in a row.
pub(super) fn area_of(floor: &Floor, seat: Seat) -> Option<u16> {
    if floor.in_rows().has(seat) {
        return None;
    }
    areas(floor).find(|(_, range)| range.contains(&seat.0)).map(|(area, _)| area)
}

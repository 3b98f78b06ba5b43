//! What a buyer wishes for who leaves the choice of seats to the house.

use crate::hall::{Floor, SeatSet};

/// A number of seats, and where they may be. Indexes are the hall's, checked by who parsed them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wish {
    /// How many seats.
    pub quantity: u32,
    /// Only of these categories; none: of any.
    pub categories: Option<Vec<u16>>,
    /// Only in these sections (or `areas`); none: see `areas`.
    pub sections: Option<Vec<u16>>,
    /// Only in these areas (or `sections`). Where both lists are none, anywhere; where only one is
    /// named, only there.
    pub areas: Option<Vec<u16>>,
    /// Side by side: adjacent in one row with no aisle between, or all in one area.
    pub together: bool,
}

impl Wish {
    /// The seats the wish allows; none where it allows any. An index the hall does not have allows
    /// no seat.
    pub fn mask(&self, floor: &Floor) -> Option<SeatSet> {
        let places = self.places(floor);
        let Some(categories) = &self.categories else {
            return places;
        };
        let mut mask = SeatSet::empty(floor.seats());
        for category in distinct(categories).into_iter().filter_map(|at| floor.category(at)) {
            mask.insert_part(category);
        }
        if let Some(places) = places {
            mask.keep_only(&places);
        }
        Some(mask)
    }

    /// The same wish in the one form that equal wishes have: each list ascending, each index once.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        for list in [&mut self.categories, &mut self.sections, &mut self.areas] {
            *list = list.as_deref().map(distinct);
        }
        self
    }

    /// The seats of the sections and areas named; none where none are, so that any will do.
    fn places(&self, floor: &Floor) -> Option<SeatSet> {
        if self.sections.is_none() && self.areas.is_none() {
            return None;
        }
        let sections = distinct(self.sections.as_deref().unwrap_or_default());
        let areas = distinct(self.areas.as_deref().unwrap_or_default());
        let sections = sections.into_iter().filter_map(|at| floor.section(at));
        let areas = areas.into_iter().filter_map(|at| floor.area(at));
        let mut mask = SeatSet::empty(floor.seats());
        sections.chain(areas).for_each(|range| mask.insert_range(range));
        Some(mask)
    }
}

/// Each index once: a message may repeat one a thousand times.
fn distinct(indexes: &[u16]) -> Vec<u16> {
    let mut indexes = indexes.to_vec();
    indexes.sort_unstable();
    indexes.dedup();
    indexes
}

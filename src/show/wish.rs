//! What a buyer wishes for who leaves the choice of seats to the house.

use std::ops::Range;

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

    /// The same wish in the one form that all have that allow the same seats to the same party: only
    /// indexes of which it allows a seat, and no list that excludes nothing. One alone is together.
    #[must_use]
    pub fn in_normal_form(self, floor: &Floor) -> Self {
        let together = self.together && self.quantity > 1;
        let Some(mask) = self.mask(floor) else {
            return Self { together, categories: None, sections: None, areas: None, ..self };
        };
        let all = mask.count();
        let of = |range: &Range<u32>| mask.count_range(range.clone()) > 0;
        let (sections, in_sections) = used(|at| floor.section(at), of, ExactSizeIterator::len);
        let (areas, in_areas) = used(|at| floor.area(at), of, ExactSizeIterator::len);
        let (categories, in_categories) = used(
            |at| floor.category(at),
            |part| part.count_in(&mask) > 0,
            |part| part.count() as usize,
        );
        let anywhere = in_categories == all as usize;
        let of_any = in_sections + in_areas == all as usize && !anywhere || all == floor.seats();
        let named = |list: Vec<u16>| (!anywhere && !list.is_empty()).then_some(list);
        Self {
            quantity: self.quantity,
            together,
            categories: (!of_any).then_some(categories),
            sections: named(sections),
            areas: named(areas),
        }
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

/// The indexes whose part of the hall `is_used`, and how many seats these parts have.
fn used<P>(
    part: impl Fn(u16) -> Option<P>,
    is_used: impl Fn(&P) -> bool,
    seats: impl Fn(&P) -> usize,
) -> (Vec<u16>, usize) {
    let parts = (0..=u16::MAX).map_while(|at| Some((at, part(at)?)));
    let parts = parts.filter(|(_, part)| is_used(part));
    parts.fold((Vec::new(), 0), |(mut indexes, sum), (at, part)| {
        indexes.push(at);
        (indexes, sum + seats(&part))
    })
}

/// Each index once: a message may repeat one a thousand times.
fn distinct(indexes: &[u16]) -> Vec<u16> {
    let mut indexes = indexes.to_vec();
    indexes.sort_unstable();
    indexes.dedup();
    indexes
}

//! The hall as the core asks about it: masks over seats instead of a list of rows.
//!
//! Owns what can be known of a hall before anybody buys: who are neighbours, which seats belong to
//! which category, section or area, how good each seat is, and in which order to look for a good
//! one. Knows nothing of what is free.

use std::ops::Range;

use super::quality::Quality;
use super::{Hall, Seat, SeatSet};

/// Made once from a hall and shared by all its shows.
#[derive(Debug)]
pub struct Floor {
    seats: u32,
    joined: SeatSet,
    in_rows: SeatSet,
    categories: Box<[Part]>,
    category_of: Box<[u16]>,
    sections: Box<[Range<u32>]>,
    areas: Box<[Range<u32>]>,
    scores: Box<[u32]>,
    /// `sums[i]`: the scores of the seats before seat `i`, added up.
    sums: Box<[u64]>,
    benches: Box<[Bench]>,
    words: Box<[(u32, u32)]>,
    areas_in_order: Box<[u32]>,
}

/// Neighbours from wall or aisle to wall or aisle: as far as a party could ever spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bench {
    /// The number of its first seat; the others follow.
    pub first: u32,
    /// How many seats; at least 1.
    pub seats: u32,
    /// The score of its best seat.
    pub best: u32,
}

impl Bench {
    /// The numbers of its seats.
    pub fn range(&self) -> Range<u32> {
        self.first..self.first + self.seats
    }
}

/// Some seats of a hall, kept only for those words where there are any: a hall may have thousands
/// of categories, and a whole [`SeatSet`] for each would be gigabytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// A word's place in the set, and its bits. Ascending, no word is 0.
    words: Vec<(u32, u64)>,
}

impl Part {
    /// Puts `seat` in; it must come after all that are in.
    fn push(&mut self, seat: u32) {
        let (at, bit) = (seat / 64, 1 << (seat % 64));
        match self.words.last_mut() {
            Some((last, word)) if *last == at => *word |= bit,
            Some(_) | None => self.words.push((at, bit)),
        }
    }

    /// How many of these seats are in `set`, a set of the same hall.
    pub fn count_in(&self, set: &SeatSet) -> u32 {
        let words = set.words();
        self.words.iter().map(|&(at, word)| (words[at as usize] & word).count_ones()).sum()
    }

    /// How many seats.
    pub fn count(&self) -> u32 {
        self.words.iter().map(|(_, word)| word.count_ones()).sum()
    }

    /// The words that are not 0, each with its place in the set; ascending.
    pub fn words(&self) -> &[(u32, u64)] {
        &self.words
    }
}

impl Floor {
    /// Reads the masks off a hall. Takes time in proportion to the hall, but for sorting its rows.
    pub fn new(hall: &Hall) -> Self {
        let seats = hall.seats();
        let mut floor = Self {
            seats,
            joined: SeatSet::empty(seats),
            in_rows: SeatSet::empty(seats),
            categories: Box::default(),
            category_of: vec![0; seats as usize].into(),
            sections: Box::default(),
            areas: hall.areas.iter().map(|area| area.first..area.first + area.count).collect(),
            scores: vec![0; seats as usize].into(),
            sums: Box::default(),
            benches: Box::default(),
            words: Box::default(),
            areas_in_order: (0..hall.areas.len() as u32).collect(),
        };
        let quality = Quality::of(hall);
        floor.read_rows(hall, &quality);
        floor.read_areas(hall, &quality);
        floor.read_categories(hall);
        floor.order();
        floor
    }

    fn read_rows(&mut self, hall: &Hall, quality: &Quality) {
        let mut benches: Vec<Bench> = Vec::new();
        let mut sections = Vec::with_capacity(hall.sections.len());
        let mut next = 0;
        for section in &hall.sections {
            let begin = next;
            for row in &section.rows {
                let mut aisles = row.gaps.iter().peekable();
                for (at, place) in row.seats.iter().enumerate() {
                    let seat = row.first + at as u32;
                    let score = quality.of_seat((place.x, place.y));
                    self.in_rows.insert(Seat(seat));
                    self.category_of[seat as usize] = place.category;
                    self.scores[seat as usize] = score;
                    let aisle = aisles.next_if(|&&gap| gap as usize == at).is_some();
                    match benches.last_mut() {
                        Some(bench) if at > 0 && !aisle => {
                            self.joined.insert(Seat(seat));
                            bench.seats += 1;
                            bench.best = bench.best.min(score);
                        }
                        Some(_) | None => {
                            benches.push(Bench { first: seat, seats: 1, best: score });
                        }
                    }
                    next = seat + 1;
                }
            }
            sections.push(begin..next);
        }
        self.sections = sections.into();
        self.benches = benches.into();
    }

    fn read_areas(&mut self, hall: &Hall, quality: &Quality) {
        for area in &hall.areas {
            let places = area.first as usize..(area.first + area.count) as usize;
            self.category_of[places.clone()].fill(area.category);
            self.scores[places].fill(quality.of_area(area));
        }
    }

    fn read_categories(&mut self, hall: &Hall) {
        let mut categories = vec![Part::default(); hall.categories.len()];
        for (seat, &category) in self.category_of.iter().enumerate() {
            if let Some(part) = categories.get_mut(usize::from(category)) {
                part.push(seat as u32);
            }
        }
        self.categories = categories.into();
    }

    /// Works out the orders in which to look: words, benches and areas, each the best first.
    fn order(&mut self) {
        let mut sum = 0;
        let before = self.scores.iter().map(|&score| {
            sum += u64::from(score);
            sum
        });
        self.sums = std::iter::once(0).chain(before).collect();

        let mut best = vec![u32::MAX; self.in_rows.words().len()];
        let areas = self.areas.iter().filter(|places| !places.is_empty());
        let scored = areas
            .map(|places| (places.clone(), self.scores[places.start as usize]))
            .chain(self.benches.iter().map(|bench| (bench.range(), bench.best)));
        for (range, score) in scored {
            for word in &mut best[range.start as usize / 64..range.end.div_ceil(64) as usize] {
                *word = (*word).min(score);
            }
        }
        let mut words: Vec<(u32, u32)> = best.into_iter().zip(0..).collect();
        words.sort_unstable();
        self.words = words.into();
        self.benches.sort_unstable_by_key(|bench| (bench.best, bench.first));
        let (areas, scores) = (&self.areas, &self.scores);
        // An area without places has no score and is never chosen.
        self.areas_in_order.sort_by_key(|&area| scores.get(areas[area as usize].start as usize));
    }

    /// How many seats there are.
    pub fn seats(&self) -> u32 {
        self.seats
    }

    /// The seats that are a neighbour of the seat numbered one lower: same row, no aisle between.
    pub fn joined(&self) -> &SeatSet {
        &self.joined
    }

    /// The seats in rows: all but the places of areas.
    pub fn in_rows(&self) -> &SeatSet {
        &self.in_rows
    }

    /// The seats of a category; none where the index is unknown.
    pub fn category(&self, category: u16) -> Option<&Part> {
        self.categories.get(usize::from(category))
    }

    /// The category of a seat, an index into the hall's; none for a seat the hall does not have.
    pub fn category_of(&self, seat: Seat) -> Option<u16> {
        self.category_of.get(seat.0 as usize).copied()
    }

    /// The seats of a section; none where the index is unknown.
    pub fn section(&self, section: u16) -> Option<Range<u32>> {
        self.sections.get(usize::from(section)).cloned()
    }

    /// The places of an area; none where the index is unknown.
    pub fn area(&self, area: u16) -> Option<Range<u32>> {
        self.areas.get(usize::from(area)).cloned()
    }

    /// The places of every area, those nearest to the stage first.
    pub fn areas_best_first(&self) -> impl Iterator<Item = Range<u32>> + '_ {
        self.areas_in_order.iter().map(|&area| self.areas[area as usize].clone())
    }

    /// How good a seat is, the lower the better: what it means is said at the head of
    /// `hall/quality.rs`. The seat must be one of the hall's.
    pub fn score(&self, seat: Seat) -> u32 {
        self.scores[seat.0 as usize]
    }

    /// The scores of `seats` seats from `first` on, added up. They must be the hall's.
    pub fn score_of_block(&self, first: Seat, seats: u32) -> u64 {
        let first = first.0 as usize;
        self.sums[first + seats as usize] - self.sums[first]
    }

    /// Every bench, by the score of its best seat, then by number.
    pub fn benches_best_first(&self) -> &[Bench] {
        &self.benches
    }

    /// Every word of a set of this hall, as (bound, word), ascending: no seat of a bench or area
    /// that reaches into the word has a score below the bound.
    pub fn words_best_first(&self) -> &[(u32, u32)] {
        &self.words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hall::{Area, Category, Decoration, Place, Row, Section, Shape, Size};

    /// Two sections, of rows of 70 (an aisle before its 66th) and 1, and 3; and an area of 200.
    fn hall() -> Hall {
        let row = |first: u32, seats: u32, gaps: Vec<u32>| Row {
            label: first.to_string(),
            first,
            gaps,
            seats: (0..seats)
                .map(|x| Place {
                    number: x.to_string(),
                    x: f64::from(x),
                    y: f64::from(first),
                    category: (x % 2) as u16,
                })
                .collect(),
        };
        let shape = Decoration {
            shape: Shape::Circle { x: 0.0, y: 0.0, radius: 1.0 },
            rotation: 0.0,
            color: None,
            border_color: None,
            text: None,
        };
        let category = |name: &str| Category { name: name.into(), color: "#000".into() };
        Hall {
            name: "Hall".into(),
            categories: ["A", "B", "C", "unused"].map(category).into(),
            sections: vec![
                Section { name: "S".into(), rows: vec![row(0, 70, vec![65]), row(70, 1, vec![])] },
                Section { name: "none".into(), rows: vec![] },
                Section { name: "T".into(), rows: vec![row(71, 3, vec![])] },
            ],
            areas: vec![Area { name: "Floor".into(), category: 2, first: 74, count: 200, shape }],
            decorations: vec![],
            size: Size { width: 100.0, height: 100.0 },
        }
    }

    #[test]
    fn neighbours_end_at_rows_aisles_and_areas() {
        let floor = Floor::new(&hall());
        let joined: Vec<u32> = floor.joined().iter().map(|seat| seat.0).collect();
        let expected: Vec<u32> = (1..65).chain(66..70).chain(72..74).collect();
        assert_eq!(joined, expected);
        let mut benches: Vec<Range<u32>> =
            floor.benches_best_first().iter().map(Bench::range).collect();
        benches.sort_by_key(|range| range.start);
        assert_eq!(benches, [0..65, 65..70, 70..71, 71..74]);
        assert!(floor.in_rows().iter().map(|seat| seat.0).eq(0..74));
    }

    #[test]
    fn categories_sections_and_areas_are_found_by_index() {
        let floor = Floor::new(&hall());
        let all = SeatSet::full(floor.seats());
        let counts = [0, 1, 2, 3].map(|at| floor.category(at).map(|part| part.count_in(&all)));
        assert_eq!(counts, [Some(35 + 1 + 2), Some(35 + 1), Some(200), Some(0)]);
        assert_eq!(floor.category(4), None);
        assert_eq!(floor.category_of(Seat(1)), Some(1));
        assert_eq!(floor.category_of(Seat(273)), Some(2));
        assert_eq!(floor.category_of(Seat(274)), None);
        let sections = [0, 1, 2, 3].map(|at| floor.section(at));
        assert_eq!(sections, [Some(0..71), Some(71..71), Some(71..74), None]);
        assert_eq!([floor.area(0), floor.area(1)], [Some(74..274), None]);
    }

    #[test]
    fn no_seat_is_better_than_the_bound_of_its_word_and_every_word_is_listed_once() {
        let floor = Floor::new(&hall());
        for &(bound, at) in floor.words_best_first() {
            let seats = at * 64..(at * 64 + 64).min(floor.seats());
            assert!(seats.map(Seat).all(|seat| floor.score(seat) >= bound));
        }
        let mut words: Vec<u32> = floor.words_best_first().iter().map(|&(_, at)| at).collect();
        words.sort_unstable();
        assert_eq!(words, [0, 1, 2, 3, 4]);
        let sum: u64 = (60..75).map(|seat| u64::from(floor.score(Seat(seat)))).sum();
        assert_eq!(floor.score_of_block(Seat(60), 15), sum);
    }
}

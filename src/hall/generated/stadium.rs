//! A stadium of 60,000: stands around a pitch in two tiers, and a standing terrace.
//!
//! The pitch is 105 by 68 metres at 44 units a metre, so a block of 28 seats with its aisle (660
//! units) fits the long side exactly seven times. The stands follow the pitch: straight along its
//! sides, quarter circles around its corners. The lower tier of the west end is the terrace. A block is
//! a section, as on tickets: stand, block, row, seat. A row has no aisles in it; blocks have them
//! between.

use std::f64::consts::FRAC_PI_2;

use super::{SEAT_WIDTH, arc, number, row, tenth, words};
use crate::hall::{Area, Category, Decoration, Hall, Place, Row, Section, Shape, Size};

/// How many people the stadium holds.
const PEOPLE: u32 = 60_000;
/// How many of them stand.
const STANDING: u32 = 6_000;

/// The pitch: 105 m by 68 m.
const PITCH: (f64, f64) = (4_620.0, 2_992.0);
/// From the drawing's edge to the pitch.
const MARGIN: f64 = 3_000.0;
/// From the pitch to the first row: 5.5 m.
const TOUCHLINE: f64 = 240.0;
/// From one row to the next: 80 cm.
const ROW_DEPTH: f64 = 35.0;
/// The way between the tiers: 5 m.
const CONCOURSE: f64 = 220.0;
/// Between a curved block and its neighbours, to each side.
const HALF_AISLE: f64 = 26.0;
/// A row shorter than this is not worth its steps.
const ROW_SEATS_MIN: usize = 4;

const LOWER_ROWS: usize = 28;
const UPPER_ROWS: usize = 31;

const SIDE_LOWER: u16 = 0;
const SIDE_UPPER: u16 = 1;
const CORNER: u16 = 2;
const END: u16 = 3;
const TERRACE: u16 = 4;

/// One of the two rings of stands.
#[derive(Clone, Copy)]
struct Tier {
    /// The hundred its blocks are numbered in.
    hundred: usize,
    /// The distance of its first row from the pitch.
    from: f64,
    rows: usize,
    /// How many blocks stand around a corner.
    corner_blocks: usize,
}

const LOWER: Tier = Tier { hundred: 100, from: TOUCHLINE, rows: LOWER_ROWS, corner_blocks: 3 };
const UPPER: Tier = Tier {
    hundred: 200,
    from: TOUCHLINE + ROW_DEPTH * LOWER_ROWS as f64 + CONCOURSE,
    rows: UPPER_ROWS,
    corner_blocks: 5,
};

/// The pitch's corners, clockwise from the north-east; each begins where the stand before it ends.
const CORNERS: [(&str, (f64, f64)); 4] = [
    ("North-East Corner", (MARGIN + PITCH.0, MARGIN)),
    ("South-East Corner", (MARGIN + PITCH.0, MARGIN + PITCH.1)),
    ("South-West Corner", (MARGIN, MARGIN + PITCH.1)),
    ("North-West Corner", (MARGIN, MARGIN)),
];

/// A stadium of 60,000: stands in blocks around a pitch, and a standing area.
pub fn stadium() -> Hall {
    let category = |name: &str, color: &str| Category { name: name.into(), color: color.into() };
    let mut sections = tier(LOWER);
    sections.extend(tier(UPPER));
    trim_corners(&mut sections);
    let first = number(&mut sections);
    Hall {
        name: "The Arena".into(),
        categories: vec![
            category("Side, lower tier", "#b3261e"),
            category("Side, upper tier", "#d97706"),
            category("Corner", "#2563eb"),
            category("End", "#0d9488"),
            category("Standing", "#7c3aed"),
        ],
        sections,
        areas: vec![terrace(first)],
        decorations: decorations(),
        size: Size { width: 2.0 * MARGIN + PITCH.0, height: 2.0 * MARGIN + PITCH.1 },
    }
}

/// All blocks of a tier, clockwise from the north-west.
fn tier(tier: Tier) -> Vec<Section> {
    let lower = tier.hundred == LOWER.hundred;
    let side = if lower { SIDE_LOWER } else { SIDE_UPPER };
    let (left, top) = (MARGIN, MARGIN);
    let (right, bottom) = (left + PITCH.0, top + PITCH.1);
    let mut blocks: Vec<(&str, Vec<Row>)> = Vec::new();
    // A stand: where its first row begins, which way its seats go, which way its rows go.
    let mut stand = |name, blocks_along, seats, start, along, back, category| {
        for block in 0..blocks_along {
            let stand = Straight { start, along, back, seats, category };
            blocks.push((name, stand.block(tier, block, blocks_along)));
        }
    };
    stand("North Stand", 7, 28, (left, top), (PITCH.0, 0.0), (0.0, -1.0), side);
    stand("East Stand", 4, 31, (right, top), (0.0, PITCH.1), (1.0, 0.0), END);
    stand("South Stand", 7, 28, (right, bottom), (-PITCH.0, 0.0), (0.0, 1.0), side);
    if !lower {
        stand("West Stand", 4, 31, (left, bottom), (0.0, -PITCH.1), (-1.0, 0.0), END);
    }
    // Each corner goes in behind the stand it follows on.
    for (index, (name, centre)) in CORNERS.into_iter().enumerate() {
        let before = ["North Stand", "East Stand", "South Stand", "West Stand"][index];
        let at = blocks
            .iter()
            .rposition(|(stand, _)| *stand == before)
            .map_or(blocks.len(), |last| last + 1);
        let corner: Vec<_> = (0..tier.corner_blocks)
            .map(|block| (name, curved(tier, index, block, centre)))
            .collect();
        blocks.splice(at..at, corner);
    }
    let named = blocks.into_iter().enumerate();
    named
        .map(|(index, (stand, rows))| Section {
            name: format!("{stand} {}", tier.hundred + index + 1),
            rows,
        })
        .collect()
}

/// A straight stand along one side of the pitch.
struct Straight {
    start: (f64, f64),
    along: (f64, f64),
    back: (f64, f64),
    seats: usize,
    category: u16,
}

impl Straight {
    /// One of its blocks: rows of `seats`, in the middle of the block's share of the side.
    fn block(&self, tier: Tier, block: usize, blocks: usize) -> Vec<Row> {
        let length = self.along.0.abs() + self.along.1.abs();
        let unit = (self.along.0 / length, self.along.1 / length);
        let share = length / blocks as f64;
        let begin = share * block as f64 + (share - SEAT_WIDTH * (self.seats - 1) as f64) / 2.0;
        (0..tier.rows)
            .map(|index| {
                let away = tier.from + ROW_DEPTH * index as f64;
                let seats = (0..self.seats).map(|seat| {
                    let on = begin + SEAT_WIDTH * seat as f64;
                    Place {
                        number: String::new(),
                        x: tenth(self.start.0 + unit.0 * on + self.back.0 * away),
                        y: tenth(self.start.1 + unit.1 * on + self.back.1 * away),
                        category: self.category,
                    }
                });
                row((index + 1).to_string(), vec![seats.collect()])
            })
            .collect()
    }
}

/// A wedge of a corner: its rows grow longer towards the back.
fn curved(tier: Tier, corner: usize, block: usize, centre: (f64, f64)) -> Vec<Row> {
    let share = FRAC_PI_2 / tier.corner_blocks as f64;
    let from = FRAC_PI_2 * (corner as f64 - 1.0) + share * block as f64;
    (0..tier.rows)
        .map(|index| {
            let radius = tier.from + ROW_DEPTH * index as f64;
            let aisle = HALF_AISLE / radius;
            let seats = arc(centre, radius, (from + aisle, from + share - aisle), |_| CORNER);
            row((index + 1).to_string(), vec![seats])
        })
        .filter(|row| row.seats.len() >= ROW_SEATS_MIN)
        .collect()
}

/// Takes seats from the corners' back rows, from all blocks alike, until exactly as many are left
/// as the stadium seats: there the floodlights stand.
fn trim_corners(sections: &mut [Section]) {
    let mut excess = count(sections).saturating_sub((PEOPLE - STANDING) as usize);
    for back in (1..=UPPER_ROWS).rev() {
        let label = back.to_string();
        let upper_corners = sections.iter_mut().filter(|section| section.name.contains("Corner 2"));
        let mut rows: Vec<&mut Row> = upper_corners
            .filter_map(|section| section.rows.iter_mut().find(|row| row.label == label))
            .collect();
        let blocks = rows.len();
        let all = excess;
        for (index, row) in rows.iter_mut().enumerate() {
            // Shares of a number that does not divide evenly, spread over the blocks.
            let share = all * (index + 1) / blocks - all * index / blocks;
            let off = share.min(row.seats.len());
            row.seats.truncate(row.seats.len() - off);
            excess -= off;
        }
    }
    for section in sections {
        section.rows.retain(|row| !row.seats.is_empty());
    }
}

fn count(sections: &[Section]) -> usize {
    sections.iter().flat_map(|section| &section.rows).map(|row| row.seats.len()).sum()
}

/// The terrace behind the west goal, where the lower tier would be.
fn terrace(first: u32) -> Area {
    let depth = ROW_DEPTH * LOWER_ROWS as f64;
    let (x, y) = (MARGIN - TOUCHLINE - depth + ROW_DEPTH, MARGIN);
    let (width, height) = (depth - ROW_DEPTH, PITCH.1);
    let label = words("STANDING", x + width / 2.0, y + height / 2.0, 150.0, "#4c1d95");
    let shape = Decoration {
        shape: Shape::Rectangle { x, y, width, height },
        rotation: 0.0,
        color: Some("#ede9fe".into()),
        border_color: Some("#7c3aed".into()),
        text: Some(label),
    };
    Area { name: "West Terrace".into(), category: TERRACE, first, count: STANDING, shape }
}

/// The pitch with its lines, and the stands' names.
fn decorations() -> Vec<Decoration> {
    let lined = |shape| Decoration {
        shape,
        rotation: 0.0,
        color: None,
        border_color: Some("#ffffff".into()),
        text: None,
    };
    let metre = 44.0;
    let (x, y) = (MARGIN, MARGIN);
    let middle = (x + PITCH.0 / 2.0, y + PITCH.1 / 2.0);
    let rectangle = |x, y, width, height| Shape::Rectangle { x, y, width, height };
    let grass =
        Decoration { color: Some("#4d9a51".into()), ..lined(rectangle(x, y, PITCH.0, PITCH.1)) };
    let mut all = vec![
        grass,
        lined(rectangle(x, y, PITCH.0 / 2.0, PITCH.1)),
        lined(Shape::Circle { x: middle.0, y: middle.1, radius: 9.15 * metre }),
    ];
    // The two boxes in front of each goal, by the laws of the game.
    for (deep, wide) in [(16.5 * metre, 40.32 * metre), (5.5 * metre, 18.32 * metre)] {
        let top = tenth(middle.1 - wide / 2.0);
        all.push(lined(rectangle(x, top, deep, wide)));
        all.push(lined(rectangle(x + PITCH.0 - deep, top, deep, wide)));
    }
    let beyond = UPPER.from + ROW_DEPTH * UPPER_ROWS as f64 + 130.0;
    let names = [
        ("NORTH STAND", middle.0, y - beyond, 0.0),
        ("EAST STAND", x + PITCH.0 + beyond, middle.1, 90.0),
        ("SOUTH STAND", middle.0, y + PITCH.1 + beyond, 0.0),
        ("WEST STAND", x - beyond, middle.1, 270.0),
    ];
    all.extend(names.map(|(name, x, y, rotation)| Decoration {
        shape: Shape::Text { x, y },
        rotation,
        color: None,
        border_color: None,
        text: Some(words(name, x, y, 150.0, "#6b7280")),
    }));
    all
}

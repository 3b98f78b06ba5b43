//! Halls made by arithmetic: for the demo, for load, for tests.
//!
//! They are drawn as a real house is: to scale, a seat's width about 22 units (half a metre), rows
//! curved around what one looks at, nothing over anything else. The same on every machine up to the
//! tenth of a unit that every coordinate is rounded to.

mod stadium;
#[cfg(test)]
mod tests;
mod theatre;

use super::{Place, Row, Section, Text};

pub use stadium::stadium;
pub use theatre::theatre;

/// The room a seat takes in its row, at least: half a metre.
const SEAT_WIDTH: f64 = 22.0;

/// Rounded to a tenth of a unit: 2 mm. `sin` and `cos` may differ in their last bit between
/// machines; this does not.
fn tenth(number: f64) -> f64 {
    (number * 10.0).round() / 10.0 + 0.0
}

/// Places on a circle around `centre`, as many as fit between two angles (in radians, clockwise from
/// the x axis as the screen has it), evenly spread, each with [`SEAT_WIDTH`] or a little more.
fn arc(
    centre: (f64, f64),
    radius: f64,
    (from, to): (f64, f64),
    category: impl Fn(f64) -> u16,
) -> Vec<Place> {
    let count = ((to - from).abs() * radius / SEAT_WIDTH).floor() as u32;
    let step = (to - from) / f64::from(count.max(1));
    let angles = (0..count).map(|i| from + step * (f64::from(i) + 0.5));
    angles
        .map(|angle| Place {
            number: String::new(),
            x: tenth(centre.0 + radius * angle.cos()),
            y: tenth(centre.1 + radius * angle.sin()),
            category: category(angle),
        })
        .collect()
}

/// A row of blocks with an aisle between each two; empty blocks are left out. Seats are numbered
/// from 1, through all blocks.
fn row(label: String, blocks: Vec<Vec<Place>>) -> Row {
    let mut seats: Vec<Place> = Vec::new();
    let mut gaps = Vec::new();
    for block in blocks.into_iter().filter(|block| !block.is_empty()) {
        if !seats.is_empty() {
            gaps.push(seats.len() as u32);
        }
        seats.extend(block);
    }
    for (number, seat) in (1..).zip(&mut seats) {
        seat.number = u32::to_string(&number);
    }
    Row { label, first: 0, gaps, seats }
}

/// Gives every row the number of its first seat; returns how many seats there are.
fn number(sections: &mut [Section]) -> u32 {
    let mut next = 0;
    for row in sections.iter_mut().flat_map(|section| &mut section.rows) {
        row.first = next;
        next += row.seats.len() as u32;
    }
    next
}

/// Words with their middle at a point.
fn words(text: &str, x: f64, y: f64, size: f64, color: &str) -> Text {
    Text { text: text.into(), x: tenth(x), y: tenth(y), color: Some(color.into()), size }
}

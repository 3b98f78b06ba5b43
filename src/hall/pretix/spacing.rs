//! What a plan shows without saying it: where the aisles are, and which seats stand on others.
//!
//! Owns the rule for aisles. It looks at distances between seats, nothing else.

use std::collections::BTreeMap;

use super::findings::WarningKind;
use super::reader::Reader;
use super::rows::Origin;
use crate::hall::{Place, Row, Section};

/// An aisle is where two seats stand further apart than this many times the usual step. Seats one
/// step apart differ by a few percent in curved rows, and a double or a wheelchair place may take
/// one and a half; the narrowest aisle leaves out a whole seat, two steps. 1.6 lies between.
const AISLE_STEPS: f64 = 1.6;

/// The fewest seats whose own spacing says what is usual in their row; with two, the only step
/// there is might be the aisle.
const ROW_SEATS_MIN: usize = 3;

/// The cosine of 150°: a row that turns more sharply doubles back. Round tables turn by 120° at
/// most (three seats), shuffled rows by 180°.
const DOUBLES_BACK: f64 = -0.866;

/// Seats nearer to one another than this part of the usual step cover each other on the map.
const OVERLAP_STEPS: f64 = 0.25;

/// Gives every row its gaps.
///
/// A place has an aisle before it where it stands further than [`AISLE_STEPS`] times the row's
/// median step from the place before it (of rows with fewer than [`ROW_SEATS_MIN`] seats: the
/// hall's median step). And where a row doubles back, the longer of the two steps is a gap too: its
/// seats are not listed in the order they stand, and no two should be sold as neighbours that
/// are not.
pub(super) fn find_aisles(reader: &mut Reader, sections: &mut [Section], origins: &[Origin]) {
    let hall_step = hall_step(sections);
    let rows = sections.iter_mut().flat_map(|section| &mut section.rows);
    for (row, origin) in rows.zip(origins) {
        let steps = steps(row);
        let own = if row.seats.len() < ROW_SEATS_MIN { None } else { median(steps.clone()) };
        // Several places on one spot make a median of 0, which says nothing.
        let usual = own.filter(|step| *step > 0.0).or(hall_step);
        let mut gap: Vec<bool> = steps
            .iter()
            .map(|step| usual.is_some_and(|usual| *step > AISLE_STEPS * usual))
            .collect();
        let turns = mark_turns(&row.seats, &steps, &mut gap);
        if turns > 0 {
            let message = format!(
                "The row doubles back {turns} times: its seats are not listed in the order they \
                 stand. They count as neighbours only where they are listed side by side."
            );
            reader.findings.warn(WarningKind::Position, origin.to_string(), message);
        }
        row.gaps = (1..).zip(gap).filter_map(|(place, is_gap)| is_gap.then_some(place)).collect();
    }
}

/// Marks the longer step of every sharp turn; returns how many turns there are.
fn mark_turns(seats: &[Place], steps: &[f64], gap: &mut [bool]) -> usize {
    let mut turns = 0;
    for (i, three) in seats.windows(3).enumerate() {
        let [a, b, c] = three else { continue };
        let along = (b.x - a.x) * (c.x - b.x) + (b.y - a.y) * (c.y - b.y);
        if along < DOUBLES_BACK * steps[i] * steps[i + 1] {
            turns += 1;
            gap[if steps[i] > steps[i + 1] { i } else { i + 1 }] = true;
        }
    }
    turns
}

/// The distances from each place to the next.
fn steps(row: &Row) -> Vec<f64> {
    row.seats.windows(2).map(|pair| distance(&pair[0], &pair[1])).collect()
}

/// The median step of all rows; none where no row has two places apart.
fn hall_step(sections: &[Section]) -> Option<f64> {
    let rows = sections.iter().flat_map(|section| &section.rows);
    median(rows.flat_map(steps).filter(|step| *step > 0.0).collect())
}

/// The lower median.
fn median(mut steps: Vec<f64>) -> Option<f64> {
    let middle = steps.len().checked_sub(1)? / 2;
    Some(*steps.select_nth_unstable_by(middle, f64::total_cmp).1)
}

fn distance(a: &Place, b: &Place) -> f64 {
    (a.x - b.x).hypot(a.y - b.y)
}

/// A place and where it stands in the plan.
#[derive(Clone, Copy)]
struct Standing<'h> {
    place: &'h Place,
    row: Origin,
    seat: usize,
}

/// Warns, once a row, of seats that cover seats read before them.
pub(super) fn report_overlaps(reader: &mut Reader, sections: &[Section], origins: &[Origin]) {
    // In a hall of single seats only the very same spot counts: the least coordinate step.
    let near = hall_step(sections).map_or(0.01, |step| (OVERLAP_STEPS * step).max(0.01));
    // Squares of side `near`. Only seats that cover no other are kept, so a square holds at most
    // four of them and each seat is compared with at most 36: a plan cannot make this slow.
    let mut squares: BTreeMap<(i64, i64), Vec<Standing<'_>>> = BTreeMap::new();
    let rows = sections.iter().flat_map(|section| &section.rows);
    for (row, &origin) in rows.zip(origins) {
        let length = row.seats.len();
        let mut first = None;
        let mut covered = 0;
        for (index, place) in row.seats.iter().enumerate() {
            let square = ((place.x / near).floor() as i64, (place.y / near).floor() as i64);
            let around = (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (dx, dy)));
            let under = around
                .filter_map(|(dx, dy)| squares.get(&(square.0 + dx, square.1 + dy)))
                .flatten()
                .find(|other| distance(place, other.place) < near);
            if let Some(&Standing { place: other, row, seat }) = under {
                covered += 1;
                first.get_or_insert((index, distance(place, other), row, seat));
            } else {
                let standing = Standing { place, row: origin, seat: index };
                squares.entry(square).or_default().push(standing);
            }
        }
        if let Some((index, apart, row, seat)) = first {
            let message = format!(
                "{covered} of the row's {length} seats cover other seats on the map; this one \
                 stands {apart:.2} units from {row}/seats/{seat}."
            );
            let path = format!("{origin}/seats/{index}");
            reader.findings.warn(WarningKind::Position, path, message);
        }
    }
}

//! What must be true of the generated halls, however they are drawn.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::hall::Hall;

/// Seats closer than this would cover one another on a map drawn to scale.
const NEAREST: f64 = 20.0;

fn places(hall: &Hall) -> impl Iterator<Item = &Place> {
    hall.sections.iter().flat_map(|section| &section.rows).flat_map(|row| &row.seats)
}

/// How many pairs of seats stand nearer than `near`, found in squares of that side.
fn pairs_nearer_than(hall: &Hall, near: f64) -> usize {
    let square = |x: f64| (x / near).floor() as i64;
    let mut squares: BTreeMap<(i64, i64), Vec<&Place>> = BTreeMap::new();
    let mut pairs = 0;
    for place in places(hall) {
        let (x, y) = (square(place.x), square(place.y));
        for other in (x - 1..=x + 1).flat_map(|x| (y - 1..=y + 1).map(move |y| (x, y))) {
            let others = squares.get(&other).into_iter().flatten();
            pairs += others.filter(|o| (o.x - place.x).hypot(o.y - place.y) < near).count();
        }
        squares.entry((x, y)).or_default().push(place);
    }
    pairs
}

#[test]
fn no_two_seats_of_a_generated_hall_stand_too_near() {
    assert_eq!(pairs_nearer_than(&theatre(), NEAREST), 0);
    assert_eq!(pairs_nearer_than(&stadium(), NEAREST), 0);
    // The measure does find seats: neighbours are about 22 apart.
    assert!(pairs_nearer_than(&theatre(), 24.0) > 1_000);
}

#[test]
fn the_theatre_has_about_1200_seats_in_stalls_and_two_balconies() {
    let hall = theatre();
    assert!((1_150..=1_250).contains(&hall.seats()), "{} seats", hall.seats());
    let names: Vec<_> = hall.sections.iter().map(|section| section.name.as_str()).collect();
    assert_eq!(names, ["Stalls", "Circle", "Upper Circle"]);
    assert!(hall.sections.iter().flat_map(|s| &s.rows).all(|row| !row.gaps.is_empty()));
}

#[test]
fn the_theatres_balconies_are_clear_of_what_is_before_them() {
    let hall = theatre();
    let radii: Vec<Vec<f64>> = hall
        .sections
        .iter()
        .map(|section| section.rows.iter().flat_map(|row| &row.seats))
        .map(|seats| seats.map(|seat| (seat.x - 760.0).hypot(seat.y + 330.0)).collect())
        .collect();
    for pair in radii.windows(2) {
        let back = pair[0].iter().copied().fold(0.0, f64::max);
        let front = pair[1].iter().copied().fold(f64::MAX, f64::min);
        assert!(front > back + 100.0, "the front {front}, the row before it {back}");
    }
}

#[test]
fn the_stadium_holds_exactly_60000_of_whom_6000_stand() {
    let hall = stadium();
    assert_eq!(hall.seats(), 60_000);
    let areas: Vec<_> = hall.areas.iter().map(|area| (area.first, area.count)).collect();
    assert_eq!(areas, [(54_000, 6_000)]);
}

#[test]
fn generated_halls_are_numbered_without_a_hole_and_use_every_category() {
    for hall in [theatre(), stadium()] {
        let mut next = 0;
        for row in hall.sections.iter().flat_map(|section| &section.rows) {
            assert_eq!(row.first, next);
            next += row.seats.len() as u32;
            assert!(row.gaps.is_sorted());
            assert!(row.gaps.iter().all(|gap| (1..row.seats.len() as u32).contains(gap)));
            let numbers: Vec<u32> = row.seats.iter().map(|s| s.number.parse().unwrap()).collect();
            assert!(numbers.iter().copied().eq(1..=numbers.len() as u32), "{numbers:?}");
        }
        let mut used: BTreeSet<u16> = places(&hall).map(|place| place.category).collect();
        used.extend(hall.areas.iter().map(|area| area.category));
        assert!(used.into_iter().eq(0..hall.categories.len() as u16));
    }
}

#[test]
fn generated_halls_stand_inside_their_drawing() {
    for hall in [theatre(), stadium()] {
        for place in places(&hall) {
            assert!((0.0..=hall.size.width).contains(&place.x), "{place:?}");
            assert!((0.0..=hall.size.height).contains(&place.y), "{place:?}");
        }
    }
}

#[test]
fn a_section_has_a_name_and_its_rows_have_labels_of_their_own() {
    for hall in [theatre(), stadium()] {
        let names: BTreeSet<_> = hall.sections.iter().map(|section| &section.name).collect();
        assert_eq!(names.len(), hall.sections.len());
        for section in &hall.sections {
            let labels: BTreeSet<_> = section.rows.iter().map(|row| &row.label).collect();
            assert_eq!(labels.len(), section.rows.len(), "{}", section.name);
        }
    }
}

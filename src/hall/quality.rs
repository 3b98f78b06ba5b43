//! How good a seat is, read off the drawing: a whole number for each seat, the lower the better.
//!
//! **The score of a seat**, in sixteenths of a seat's width: how far its distance to the stage is
//! from the ideal distance, plus half of how far it lies off the centre line.
//!
//! - *The stage* is the middle of the first decoration whose words name a stage, a screen or a
//!   pitch; else the largest drawn shape that no seat stands in; else the middle of the top of
//!   the seats.
//! - *A seat's width* is the median distance of two neighbours.
//! - *The ideal distance* is that of the seat nearest to the stage, and four widths more: a few
//!   rows back.
//! - *The centre line* runs from the stage through the middle of all seats. Where the seats stand
//!   around the stage (a stadium), there is none, and the distance alone counts.
//!
//! **The places of an area** have one score, behind that of every seat in a row: a place is
//! offered only where no seat is to be had, the area nearest to the stage first.
//!
//! Only IEEE operations with one right result are used on seats (no `hypot`), so the same plan has
//! the same scores on every host. (Nothing is lost where not: choices are logged as facts.)

use super::{Area, Decoration, Hall, Row, Shape};

/// Words that name what people look at, in lower case.
const STAGE_WORDS: [&str; 3] = ["stage", "screen", "pitch"];
/// How many of the largest shapes are tried as the stage: looking for seats in them takes a pass
/// over the hall each.
const SHAPES_TRIED: usize = 8;
/// Fractions of a seat's width that still count.
const STEPS_PER_WIDTH: f64 = 16.0;
/// How many seats' widths behind the first seat is best.
const WIDTHS_BACK: f64 = 4.0;
/// The worst score a seat in a row may have.
const SEAT_SCORE_MAX: u32 = (1 << 24) - 1;
/// The first score of an area.
const AREA_SCORE_MIN: u32 = 1 << 24;
/// Where the middle of the seats is nearer to the stage than this part of their extent, they
/// stand around it.
const AROUND: f64 = 0.05;

type Point = (f64, f64);

/// The scores of a hall's rows and areas.
pub(super) struct Quality {
    stage: Point,
    /// The direction of the centre line, of length 1; none where the seats stand around the stage.
    centre_line: Option<Point>,
    width: f64,
    ideal: f64,
}

impl Quality {
    /// Finds the stage and the ideal distance.
    pub(super) fn of(hall: &Hall) -> Self {
        let (low, high) = extent(hall);
        let stage = stage(hall).unwrap_or(((low.0 + high.0) / 2.0, low.1));
        let width = seat_width(hall);
        let seats = || rows(hall).flat_map(|row| &row.seats).map(|place| (place.x, place.y));
        let nearest = seats().map(|at| distance(at, stage)).fold(f64::INFINITY, f64::min);
        let middle = ((low.0 + high.0) / 2.0, (low.1 + high.1) / 2.0);
        let away = distance(middle, stage);
        let centre_line = (away > AROUND * distance(low, high))
            .then(|| ((middle.0 - stage.0) / away, (middle.1 - stage.1) / away));
        Self { stage, centre_line, width, ideal: nearest + WIDTHS_BACK * width }
    }

    /// The score of a seat in a row, at most [`SEAT_SCORE_MAX`].
    pub(super) fn of_seat(&self, at: Point) -> u32 {
        let off_ideal = (distance(at, self.stage) - self.ideal).abs();
        let off_centre = self.centre_line.map_or(0.0, |line| {
            ((at.0 - self.stage.0) * line.1 - (at.1 - self.stage.1) * line.0).abs()
        });
        self.steps(off_ideal + off_centre / 2.0).min(SEAT_SCORE_MAX)
    }

    /// The score of every place of an area.
    pub(super) fn of_area(&self, area: &Area) -> u32 {
        let off = distance(middle(&area.shape), self.stage);
        AREA_SCORE_MIN + self.steps(off).min(SEAT_SCORE_MAX)
    }

    fn steps(&self, length: f64) -> u32 {
        // A float too large saturates, what is no number is 0, and none is negative.
        (length / self.width * STEPS_PER_WIDTH).round() as u32
    }
}

fn rows(hall: &Hall) -> impl Iterator<Item = &Row> {
    hall.sections.iter().flat_map(|section| &section.rows)
}

fn distance(a: Point, b: Point) -> f64 {
    let (dx, dy) = (a.0 - b.0, a.1 - b.1);
    (dx * dx + dy * dy).sqrt()
}

/// The top left and the bottom right of all seats; of the drawing, where there are only areas.
fn extent(hall: &Hall) -> (Point, Point) {
    let mut seats = rows(hall).flat_map(|row| &row.seats);
    let Some(first) = seats.next() else {
        return ((0.0, 0.0), (hall.size.width, hall.size.height));
    };
    seats.fold(((first.x, first.y), (first.x, first.y)), |(low, high), place| {
        let low = (low.0.min(place.x), low.1.min(place.y));
        (low, (high.0.max(place.x), high.1.max(place.y)))
    })
}

/// The median distance of two neighbours; 1 where no two seats stand apart.
fn seat_width(hall: &Hall) -> f64 {
    let mut widths: Vec<f64> = rows(hall)
        .flat_map(|row| row.seats.windows(2))
        .map(|pair| distance((pair[0].x, pair[0].y), (pair[1].x, pair[1].y)))
        .filter(|&width| width > 0.0 && width.is_finite())
        .collect();
    if widths.is_empty() {
        return 1.0;
    }
    let half = widths.len() / 2;
    *widths.select_nth_unstable_by(half, f64::total_cmp).1
}

/// Where people look, if the drawing shows it.
fn stage(hall: &Hall) -> Option<Point> {
    let named = hall.decorations.iter().find(|decoration| {
        decoration.text.as_ref().is_some_and(|words| {
            let words = words.text.to_lowercase();
            STAGE_WORDS.iter().any(|name| words.contains(name))
        })
    });
    if let Some(named) = named {
        return Some(middle(named));
    }
    let mut shapes: Vec<(f64, &Decoration)> = hall
        .decorations
        .iter()
        .map(|decoration| (size(&decoration.shape), decoration))
        .filter(|(size, _)| *size > 0.0)
        .collect();
    shapes.sort_by(|a, b| b.0.total_cmp(&a.0));
    shapes
        .iter()
        .take(SHAPES_TRIED)
        .map(|(_, decoration)| *decoration)
        .find(|decoration| {
            let (low, high) = reach(&decoration.shape);
            !rows(hall).flat_map(|row| &row.seats).any(|place| {
                (low.0..=high.0).contains(&place.x) && (low.1..=high.1).contains(&place.y)
            })
        })
        .map(middle)
}

/// How much of the drawing a shape's box takes; nothing for words alone.
fn size(shape: &Shape) -> f64 {
    let (low, high) = reach(shape);
    (high.0 - low.0) * (high.1 - low.1)
}

/// The box around a shape, before its rotation.
fn reach(shape: &Shape) -> (Point, Point) {
    match shape {
        Shape::Rectangle { x, y, width, height } => ((*x, *y), (x + width, y + height)),
        Shape::Circle { x, y, radius } => ((x - radius, y - radius), (x + radius, y + radius)),
        Shape::Ellipse { x, y, radius_x, radius_y } => {
            ((x - radius_x, y - radius_y), (x + radius_x, y + radius_y))
        }
        Shape::Polygon { x, y, points } => {
            let first = points.first().copied().unwrap_or((*x, *y));
            points.iter().fold((first, first), |(low, high), point| {
                let low = (low.0.min(point.0), low.1.min(point.1));
                (low, (high.0.max(point.0), high.1.max(point.1)))
            })
        }
        Shape::Text { x, y } => ((*x, *y), (*x, *y)),
    }
}

/// The middle of what is drawn, turned about the shape's position as the drawing turns it.
fn middle(decoration: &Decoration) -> Point {
    let (low, high) = reach(&decoration.shape);
    let centre = ((low.0 + high.0) / 2.0, (low.1 + high.1) / 2.0);
    let about = match &decoration.shape {
        Shape::Rectangle { x, y, .. }
        | Shape::Circle { x, y, .. }
        | Shape::Ellipse { x, y, .. }
        | Shape::Polygon { x, y, .. }
        | Shape::Text { x, y } => (*x, *y),
    };
    if decoration.rotation == 0.0 {
        return centre;
    }
    let (sin, cos) = decoration.rotation.to_radians().sin_cos();
    let (dx, dy) = (centre.0 - about.0, centre.1 - about.1);
    (about.0 + dx * cos - dy * sin, about.1 + dx * sin + dy * cos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hall::{Category, Place, Section, Size, Text};

    fn plain(shape: Shape) -> Decoration {
        Decoration { shape, rotation: 0.0, color: None, border_color: None, text: None }
    }

    fn box_at(x: f64, y: f64, width: f64, height: f64) -> Decoration {
        plain(Shape::Rectangle { x, y, width, height })
    }

    /// Ten rows of eleven, ten apart, from (0, 0) to (100, 90).
    fn hall(decorations: Vec<Decoration>) -> Hall {
        let row = |y: u32| Row {
            label: y.to_string(),
            first: y * 11,
            gaps: vec![],
            seats: (0..11)
                .map(|x| Place {
                    number: x.to_string(),
                    x: f64::from(x) * 10.0,
                    y: f64::from(y) * 10.0,
                    category: 0,
                })
                .collect(),
        };
        Hall {
            name: "Hall".into(),
            categories: vec![Category { name: "A".into(), color: "#000".into() }],
            sections: vec![Section { name: "S".into(), rows: (0..10).map(row).collect() }],
            areas: vec![],
            decorations,
            size: Size { width: 100.0, height: 200.0 },
        }
    }

    #[test]
    fn a_decoration_named_the_stage_is_the_stage_however_large_others_are() {
        let words = Text { text: "THE STAGE".into(), x: 50.0, y: 120.0, color: None, size: 9.0 };
        let named = Decoration { text: Some(words), ..plain(Shape::Text { x: 50.0, y: 120.0 }) };
        let hall = hall(vec![box_at(0.0, -50.0, 100.0, 40.0), named]);
        assert_eq!(Quality::of(&hall).stage, (50.0, 120.0));
    }

    #[test]
    fn an_unnamed_stage_is_the_largest_shape_without_seats_in_it() {
        let outline = box_at(-20.0, -60.0, 140.0, 200.0);
        let hall =
            hall(vec![box_at(0.0, 130.0, 5.0, 5.0), outline, box_at(0.0, -50.0, 100.0, 40.0)]);
        assert_eq!(Quality::of(&hall).stage, (50.0, -30.0));
    }

    #[test]
    fn without_a_drawn_stage_people_look_at_the_middle_of_the_top() {
        assert_eq!(Quality::of(&hall(vec![])).stage, (50.0, 0.0));
    }

    #[test]
    fn a_turned_stage_is_where_it_is_drawn() {
        let turned = Decoration { rotation: 90.0, ..box_at(50.0, -40.0, 20.0, 10.0) };
        let stage = Quality::of(&hall(vec![turned])).stage;
        assert!(distance(stage, (45.0, -30.0)) < 1e-9, "{stage:?}");
    }

    #[test]
    fn seats_are_worse_the_further_from_the_ideal_row_and_from_the_centre_line() {
        let quality = Quality::of(&hall(vec![box_at(40.0, -20.0, 20.0, 10.0)]));
        let score = |x: f64, y: f64| quality.of_seat((x, y));
        // The first row is nearest; four seats' widths behind it is ideal.
        assert_eq!(score(50.0, 40.0), 0);
        assert_eq!(score(50.0, 30.0), 16);
        assert_eq!(score(50.0, 60.0), 32);
        assert!(score(60.0, 40.0) > 0);
        assert_eq!(score(30.0, 40.0), score(70.0, 40.0));
    }

    #[test]
    fn around_a_pitch_only_the_distance_counts() {
        let mut hall = hall(vec![]);
        let pitch = Text { text: "Pitch".into(), x: 50.0, y: 45.0, color: None, size: 9.0 };
        hall.decorations
            .push(Decoration { text: Some(pitch), ..plain(Shape::Text { x: 50.0, y: 45.0 }) });
        let quality = Quality::of(&hall);
        assert_eq!(quality.centre_line, None);
        assert_eq!(quality.of_seat((50.0, 85.0)), quality.of_seat((90.0, 45.0)));
    }

    #[test]
    fn a_place_of_an_area_is_behind_every_seat_and_the_nearest_area_first() {
        let quality = Quality::of(&hall(vec![]));
        let area = |y: f64| Area {
            name: "Floor".into(),
            category: 0,
            first: 110,
            count: 5,
            shape: box_at(0.0, y, 100.0, 10.0),
        };
        assert!(quality.of_seat((1e300, 1e300)) < quality.of_area(&area(0.0)));
        assert!(quality.of_area(&area(100.0)) < quality.of_area(&area(150.0)));
    }
}

//! A theatre of about 1,200 seats: stalls and two balconies around a stage.
//!
//! All rows are arcs around one point behind the stage, between straight side walls. The stalls have
//! two aisles, the balconies four; the balconies are drawn behind the stalls, as house plans have
//! it, with their fronts marked.

use std::f64::consts::FRAC_PI_2;

use super::{arc, number, row, tenth, words};
use crate::hall::{Category, Decoration, Hall, Section, Shape, Size};

/// The point that every row curves around.
const CENTRE: (f64, f64) = (760.0, -330.0);
/// From one row to the next: 80 cm.
const ROW_DEPTH: f64 = 34.0;
/// The width of an aisle, from seat's edge to seat's edge: 1.1 m.
const AISLE: f64 = 48.0;
/// Row letters; houses leave out I and O, which read as 1 and 0.
const LETTERS: [&str; 20] = [
    "A", "B", "C", "D", "E", "F", "G", "H", "J", "K", "L", "M", "N", "P", "Q", "R", "S", "T", "U",
    "V",
];

const PREMIUM: u16 = 0;
const STALLS: u16 = 1;
const CIRCLE: u16 = 2;
const UPPER: u16 = 3;
const SIDE: u16 = 4;

/// The outermost seats by the walls, as an angle, that see a part of the stage only.
const SIDE_VIEW: f64 = 0.075;

/// A part of the house.
struct Level {
    name: &'static str,
    /// The radius of its first row.
    radius: f64,
    rows: usize,
    /// The distance of the side walls from the middle.
    half_width: f64,
    /// The widest angle from the middle at which the stage is still seen.
    half_angle: f64,
    /// The angles, from the middle to either side, that have an aisle.
    aisles: &'static [f64],
    category: u16,
    /// The rows (from, to) whose middle block is premium.
    premium: (usize, usize),
}

const LEVELS: [Level; 3] = [
    Level {
        name: "Stalls",
        radius: 620.0,
        rows: 15,
        half_width: 560.0,
        half_angle: 0.62,
        aisles: &[0.235],
        category: STALLS,
        premium: (2, 10),
    },
    Level {
        name: "Circle",
        radius: 1242.0,
        rows: 6,
        half_width: 700.0,
        half_angle: 0.60,
        aisles: &[0.13, 0.37],
        category: CIRCLE,
        premium: (0, 2),
    },
    Level {
        name: "Upper Circle",
        radius: 1572.0,
        rows: 5,
        half_width: 700.0,
        half_angle: 0.60,
        aisles: &[0.115, 0.32],
        category: UPPER,
        premium: (0, 0),
    },
];

/// A theatre of about 1,200 seats: stalls and two balconies, curved rows, aisles, a stage.
pub fn theatre() -> Hall {
    let category = |name: &str, color: &str| Category { name: name.into(), color: color.into() };
    let mut sections: Vec<Section> = LEVELS.iter().map(section).collect();
    number(&mut sections);
    Hall {
        name: "The Playhouse".into(),
        categories: vec![
            category("Premium", "#b3261e"),
            category("Stalls", "#d97706"),
            category("Circle", "#2563eb"),
            category("Upper Circle", "#0d9488"),
            category("Side view", "#7c6f9c"),
        ],
        sections,
        areas: Vec::new(),
        decorations: decorations(),
        size: Size { width: 2.0 * CENTRE.0, height: 1460.0 },
    }
}

fn section(level: &Level) -> Section {
    let rows = (0..level.rows).map(|index| {
        let radius = level.radius + ROW_DEPTH * index as f64;
        let outer = level.half_angle.min((level.half_width / radius).asin());
        let half_aisle = AISLE / 2.0 / radius;
        // The blocks' edges, left to right: wall, aisles, wall.
        let mut edges = vec![-outer - half_aisle];
        edges.extend(level.aisles.iter().rev().map(|aisle| -aisle));
        edges.extend(level.aisles);
        edges.push(outer + half_aisle);
        let middle = level.aisles[0];
        let category = |angle: f64| {
            let off = (angle - FRAC_PI_2).abs();
            if off < middle && (level.premium.0..level.premium.1).contains(&index) {
                PREMIUM
            } else if off > outer - SIDE_VIEW && level.category != UPPER {
                SIDE
            } else {
                level.category
            }
        };
        let blocks = edges.windows(2).map(|pair| {
            // On a screen, angles grow clockwise: from left to right they fall, below the centre.
            let between = (FRAC_PI_2 - (pair[0] + half_aisle), FRAC_PI_2 - (pair[1] - half_aisle));
            arc(CENTRE, radius, between, category)
        });
        row(LETTERS[index].into(), blocks.collect())
    });
    Section { name: level.name.into(), rows: rows.collect() }
}

fn decorations() -> Vec<Decoration> {
    let plain = |shape, color: &str| Decoration {
        shape,
        rotation: 0.0,
        color: Some(color.into()),
        border_color: None,
        text: None,
    };
    let (x, y) = CENTRE;
    let mut all = vec![Decoration {
        border_color: Some("#6b5b4b".into()),
        text: Some(words("STAGE", x, 130.0, 44.0, "#4a3f35")),
        ..plain(stage(), "#e7d9c4")
    }];
    for level in &LEVELS {
        let angle = level.half_angle.min((level.half_width / level.radius).asin());
        if level.category != STALLS {
            all.push(plain(band(level.radius - 38.0, 8.0, angle + 0.02), "#b8a88f"));
        }
        let label = words(level.name, x, y + level.radius - 58.0, 26.0, "#6b5b4b");
        all.push(Decoration { text: Some(label), ..plain(Shape::Text { x, y }, "#6b5b4b") });
    }
    all
}

/// Straight at the back, its front curved like the rows.
fn stage() -> Shape {
    let mut points = vec![(CENTRE.0 + 330.0, 40.0), (CENTRE.0 - 330.0, 40.0)];
    points.extend(curve(530.0, 0.60).into_iter().rev());
    Shape::Polygon { x: points[0].0, y: points[0].1, points }
}

/// The front of a balcony: a strip along an arc.
fn band(radius: f64, width: f64, half_angle: f64) -> Shape {
    let mut points = curve(radius, half_angle);
    points.extend(curve(radius + width, half_angle).into_iter().rev());
    Shape::Polygon { x: points[0].0, y: points[0].1, points }
}

/// Points along an arc, from right to left, close enough to look round.
fn curve(radius: f64, half_angle: f64) -> Vec<(f64, f64)> {
    const PARTS: u32 = 40;
    let step = 2.0 * half_angle / f64::from(PARTS);
    (0..=PARTS)
        .map(|i| FRAC_PI_2 - half_angle + step * f64::from(i))
        .map(|angle| {
            (tenth(CENTRE.0 + radius * angle.cos()), tenth(CENTRE.1 + radius * angle.sin()))
        })
        .collect()
}

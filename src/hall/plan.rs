//! What a hall is: categories, sections of rows of places, standing areas, decorations.
//!
//! The structure is canonical: this, as JSON, is what the catalogue's log keeps. Seats are numbered
//! 0..n-1, all rows in order of sections, then all areas.

use serde::{Deserialize, Serialize};

/// The name a hall goes by in URLs and in the log: 1 to 64 of `a-z`, `0-9`, `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HallId(pub String);

/// A hall, checked: numbers run without a hole, every category exists, coordinates are finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hall {
    /// What people call it.
    pub name: String,
    /// The price categories, in the plan's order; everything else names them by index.
    pub categories: Vec<Category>,
    /// Parts of the house with rows (a pretix zone), in order.
    pub sections: Vec<Section>,
    /// General admission: runs of interchangeable places, numbered after all rows.
    pub areas: Vec<Area>,
    /// What is only looked at: the stage, walls, labels.
    pub decorations: Vec<Decoration>,
    /// The drawing's size, in the plan's own units.
    pub size: Size,
}

/// A category of seats: a price level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// As in the plan; shows give prices by this name.
    pub name: String,
    /// A CSS colour.
    pub color: String,
}

/// A part of the house: "Stalls", "Balcony".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// As in the plan.
    pub name: String,
    /// From the plan's order; the numbering follows it.
    pub rows: Vec<Row>,
}

/// A row: its places are neighbours in the list's order, except across an aisle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// "A", "12".
    pub label: String,
    /// The number of its first seat; the others follow.
    pub first: u32,
    /// Places, counted from 0 in this row, that have an aisle before them. Ascending, never 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<u32>,
    /// The places.
    pub seats: Vec<Place>,
}

/// One seat in a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The number on the seat: "7".
    pub number: String,
    /// Absolute, in the plan's units.
    pub x: f64,
    /// Absolute, downwards.
    pub y: f64,
    /// Index into the hall's categories.
    pub category: u16,
}

/// A general-admission area: `count` places that are all the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Area {
    /// "Floor".
    pub name: String,
    /// Index into the hall's categories.
    pub category: u16,
    /// The number of its first place.
    pub first: u32,
    /// How many places.
    pub count: u32,
    /// How it is drawn.
    pub shape: Decoration,
}

/// Something drawn: a shape at a position, perhaps with words in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decoration {
    /// What to draw, in absolute coordinates.
    #[serde(flatten)]
    pub shape: Shape,
    /// Degrees clockwise, 0 to 360, around the shape's `x`, `y`. Words turn with the shape.
    #[serde(default)]
    pub rotation: f64,
    /// CSS colour of the inside, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// CSS colour of the border, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub border_color: Option<String>,
    /// Words, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Text>,
}

/// The shapes of the pretix format, with absolute coordinates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "shape", rename_all = "lowercase")]
pub enum Shape {
    /// A rectangle.
    Rectangle {
        /// The left edge, before rotation.
        x: f64,
        /// The top edge, before rotation.
        y: f64,
        /// To the right.
        width: f64,
        /// Downwards.
        height: f64,
    },
    /// A circle.
    Circle {
        /// The centre.
        x: f64,
        /// The centre.
        y: f64,
        /// In the plan's units.
        radius: f64,
    },
    /// An ellipse.
    Ellipse {
        /// The centre.
        x: f64,
        /// The centre.
        y: f64,
        /// Sideways, before rotation.
        radius_x: f64,
        /// Up and down, before rotation.
        radius_y: f64,
    },
    /// A polygon, closed from its last corner to its first.
    Polygon {
        /// What it is rotated around: the area's position in the plan.
        x: f64,
        /// What it is rotated around.
        y: f64,
        /// The corners, absolute, before rotation.
        points: Vec<(f64, f64)>,
    },
    /// Words alone.
    Text {
        /// What they are rotated around: the area's position in the plan.
        x: f64,
        /// What they are rotated around.
        y: f64,
    },
}

/// Words on the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Text {
    /// The words.
    pub text: String,
    /// Absolute, before the decoration's rotation: the middle of the words.
    pub x: f64,
    /// Absolute, before the decoration's rotation.
    pub y: f64,
    /// CSS colour, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Letter height in the plan's units.
    pub size: f64,
}

/// The drawing's size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Size {
    /// In the plan's units.
    pub width: f64,
    /// In the plan's units.
    pub height: f64,
}

impl Hall {
    /// How many seats there are, places of areas included.
    pub fn seats(&self) -> u32 {
        let in_rows: usize =
            self.sections.iter().flat_map(|s| &s.rows).map(|row| row.seats.len()).sum();
        in_rows as u32 + self.areas.iter().map(|area| area.count).sum::<u32>()
    }
}

//! Areas: with a `capacity` and a `category` places to stand, otherwise only something to look at.
//!
//! Owns the shapes. What cannot be drawn is left out with a warning: a stage that is not shown
//! spoils no sale. What is not a number where one belongs is a fault, as everywhere.

use super::categories::Categories;
use super::findings::WarningKind;
use super::json::{At, Node};
use super::reader::{NAME_CHARS_MAX, Reader, WORDS_CHARS_MAX, hundredths};
use crate::hall::{Area, Decoration, Shape, Text};

/// Letters of words whose size the plan does not say: the format's own default.
const TEXT_SIZE_UNSAID: f64 = 16.0;

/// What an area of the plan has become.
pub(super) enum Drawn {
    /// Places to stand; its first number is given when all rows are numbered.
    Standing(Area),
    /// A decoration.
    Picture(Decoration),
}

/// Reads an area of the zone at `zone`. None where there is a fault, or nothing to draw.
pub(super) fn read<'j>(
    reader: &mut Reader,
    at: &At<'j, '_>,
    zone: (f64, f64),
    zone_name: &str,
    categories: Option<&Categories<'j>>,
) -> Option<Drawn> {
    const KNOWN: [&str; 14] = [
        "color",
        "border_color",
        "rotation",
        "position",
        "uuid",
        "shape",
        "polygon",
        "rectangle",
        "ellipse",
        "circle",
        "text",
        // Usher's own: pretix itself does not know standing areas.
        "name",
        "capacity",
        "category",
    ];
    if !reader.object(at, "area", &KNOWN) {
        return None;
    }
    reader.unused(at, &["uuid"]);
    let position = match reader.optional(at, "position") {
        Some(position) => reader.point(&position)?,
        None => (0.0, 0.0),
    };
    let centre = (hundredths(zone.0 + position.0), hundredths(zone.1 + position.1));
    let rotation = match reader.optional(at, "rotation") {
        Some(rotation) => hundredths(reader.number(&rotation)?.rem_euclid(360.0)),
        None => 0.0,
    };
    let color = reader.colour(at, "color");
    let border_color = reader.colour(at, "border_color");
    let text = match reader.optional(at, "text") {
        Some(text) => words(reader, &text, centre)?,
        None => None,
    };
    let shape = shape(reader, at, centre)?;
    let drawing = Decoration { shape, rotation, color, border_color, text };
    match (reader.optional(at, "capacity"), reader.optional(at, "category")) {
        (Some(capacity), Some(category)) => {
            let count = places(reader, &capacity);
            let category = match categories {
                Some(categories) => categories.index(reader, &category),
                None => Some(0),
            };
            let name = area_name(reader, at, &drawing, zone_name)?;
            let (category, count) = (category?, count?);
            return Some(Drawn::Standing(Area { name, category, first: 0, count, shape: drawing }));
        }
        (Some(only), None) | (None, Some(only)) => {
            let message = "An area with places to stand needs both a capacity and a category; \
                           this one has only this, and is a decoration.";
            reader.warn(WarningKind::Missing, &only, message);
        }
        (None, None) => {}
    }
    if matches!(drawing.shape, Shape::Text { .. }) && drawing.text.is_none() {
        reader.warn(WarningKind::Empty, at, "There is nothing to draw here; it is left out.");
        return None;
    }
    Some(Drawn::Picture(drawing))
}

/// How many people may stand here: a whole number, at least 1.
fn places(reader: &mut Reader, at: &At<'_, '_>) -> Option<u32> {
    if let &Node::Number(places) = at.node
        && places.fract() == 0.0
        && (1.0..=f64::from(u32::MAX)).contains(&places)
    {
        return Some(places as u32);
    }
    let found = at.node.describe();
    reader.fault(at, format!("A capacity is a whole number, at least 1, but this is {found}."));
    None
}

/// Its own name, else the words on it, else the zone's.
fn area_name(
    reader: &mut Reader,
    at: &At<'_, '_>,
    drawing: &Decoration,
    zone_name: &str,
) -> Option<String> {
    if let Some(name) = reader.optional(at, "name") {
        let name = reader.text(&name, NAME_CHARS_MAX)?;
        if !name.is_empty() {
            return Some(name);
        }
    }
    let words = drawing.text.as_ref().map(|text| text.text.chars().take(NAME_CHARS_MAX).collect());
    Some(words.unwrap_or_else(|| zone_name.to_owned()))
}

/// The words on an area, their middle in absolute coordinates. The outer `None` is a fault.
#[expect(clippy::option_option, reason = "a fault and no words are two things")]
fn words(reader: &mut Reader, at: &At<'_, '_>, centre: (f64, f64)) -> Option<Option<Text>> {
    if !reader.object(at, "text", &["text", "color", "size", "position"]) {
        return None;
    }
    let words = match reader.optional(at, "text") {
        Some(words) => reader.text(&words, WORDS_CHARS_MAX)?,
        None => String::new(),
    };
    let position = match reader.optional(at, "position") {
        Some(position) => reader.point(&position)?,
        None => (0.0, 0.0),
    };
    let size = match reader.optional(at, "size") {
        Some(size) => reader.whole(&size)?,
        None => TEXT_SIZE_UNSAID,
    };
    let color = reader.colour(at, "color");
    let (x, y) = (hundredths(centre.0 + position.0), hundredths(centre.1 + position.1));
    let size = if size > 0.0 { size } else { TEXT_SIZE_UNSAID };
    Some((!words.is_empty()).then_some(Text { text: words, x, y, color, size }))
}

/// The shape in absolute coordinates; `Text`, which draws nothing itself, where it has no extent or
/// is of no known sort. None is a fault.
fn shape(reader: &mut Reader, at: &At<'_, '_>, (x, y): (f64, f64)) -> Option<Shape> {
    let Some(sort) = reader.optional(at, "shape") else {
        reader.warn(WarningKind::Missing, at, "The area does not say its shape; none is drawn.");
        return Some(Shape::Text { x, y });
    };
    let shape = match sort.node {
        Node::Text(sort) if sort == "text" => return Some(Shape::Text { x, y }),
        Node::Text(sort) if sort == "rectangle" => {
            let rectangle = extent_of(reader, at, "rectangle", &["width", "height"])?;
            let width = reader.required(&rectangle, "width").map(|at| reader.whole(&at));
            let height = reader.required(&rectangle, "height").map(|at| reader.whole(&at));
            Shape::Rectangle { x, y, width: width??, height: height?? }
        }
        Node::Text(sort) if sort == "circle" => {
            let circle = extent_of(reader, at, "circle", &["radius"])?;
            let radius = reader.required(&circle, "radius")?;
            Shape::Circle { x, y, radius: reader.whole(&radius)? }
        }
        Node::Text(sort) if sort == "ellipse" => {
            let ellipse = extent_of(reader, at, "ellipse", &["radius"])?;
            let radius = reader.required(&ellipse, "radius")?;
            let (radius_x, radius_y) = reader.point(&radius)?;
            Shape::Ellipse { x, y, radius_x, radius_y }
        }
        Node::Text(sort) if sort == "polygon" => {
            let polygon = extent_of(reader, at, "polygon", &["points"])?;
            let points = reader.required(&polygon, "points").filter(|at| reader.list(at))?;
            let points: Vec<_> = points.items().map(|at| reader.point(&at)).collect();
            let points = points.into_iter().collect::<Option<Vec<_>>>()?;
            let absolute = |(dx, dy)| (hundredths(x + dx), hundredths(y + dy));
            Shape::Polygon { x, y, points: points.into_iter().map(absolute).collect() }
        }
        Node::Text(_)
        | Node::Null
        | Node::Truth(_)
        | Node::Number(_)
        | Node::List(_)
        | Node::Object(_) => {
            let message = format!("{} is not a shape; none is drawn.", sort.node.describe());
            reader.warn(WarningKind::Drawing, &sort, message);
            return Some(Shape::Text { x, y });
        }
    };
    let has_extent = match &shape {
        Shape::Rectangle { width, height, .. } => *width > 0.0 && *height > 0.0,
        Shape::Circle { radius, .. } => *radius > 0.0,
        Shape::Ellipse { radius_x, radius_y, .. } => *radius_x > 0.0 && *radius_y > 0.0,
        Shape::Polygon { points, .. } => points.len() > 2,
        Shape::Text { .. } => true,
    };
    if !has_extent {
        reader.warn(WarningKind::Drawing, at, "The shape has no extent; it is not drawn.");
        return Some(Shape::Text { x, y });
    }
    Some(shape)
}

/// The member that holds a shape's measures.
fn extent_of<'j, 'c>(
    reader: &mut Reader,
    at: &'c At<'j, '_>,
    key: &'static str,
    known: &[&str],
) -> Option<At<'j, 'c>> {
    reader.required(at, key).filter(|measures| reader.object(measures, key, known))
}

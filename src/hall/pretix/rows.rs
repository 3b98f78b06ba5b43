//! Rows and the seats in them.
//!
//! Owns the numbers on rows and seats, and the account of `seat_guid`s. Aisles are found later, by
//! `spacing`, when the whole house's spacing is known.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::categories::Categories;
use super::findings::WarningKind;
use super::json::{At, Node, quoted};
use super::reader::{Reader, hundredths};
use crate::hall::{Place, Row};

/// How many of the seats that share a `seat_guid` are named in its warning.
const REPEATS_NAMED_MAX: usize = 10;

/// Where a row stands in the plan: rows without seats are left out of the hall, so its own index
/// does not say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) zone: usize,
    pub(super) row: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/zones/{}/rows/{}", self.zone, self.row)
    }
}

/// Reads rows, and remembers across them what has to be the house's only one.
#[derive(Default)]
pub(super) struct RowReader<'j> {
    origins: Vec<Origin>,
    guids: BTreeMap<&'j str, Vec<(Origin, usize)>>,
}

impl<'j> RowReader<'j> {
    /// Where each row that came in stands in the plan, in the hall's order.
    pub(super) fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// A row with its seats; none where it is empty or faulty. Its `first` and `gaps` come later.
    pub(super) fn read(
        &mut self,
        reader: &mut Reader,
        at: &At<'j, '_>,
        origin: Origin,
        zone: (f64, f64),
        categories: Option<&Categories<'j>>,
    ) -> Option<Row> {
        const KNOWN: [&str; 7] = [
            "row_number",
            "row_label",
            "seat_label",
            "uuid",
            "row_number_position",
            "position",
            "seats",
        ];
        if !reader.object(at, "row", &KNOWN) {
            return None;
        }
        reader.unused(at, &["row_label", "seat_label", "uuid", "row_number_position"]);
        let label = self.row_label(reader, at, origin);
        let offset = match reader.optional(at, "position") {
            Some(position) => reader.point(&position),
            None => Some((0.0, 0.0)),
        };
        let seats = reader.required(at, "seats").filter(|seats| reader.list(seats))?;
        // A faulty row is read to its end, so that its seats' own faults are told with it.
        let (x, y) = offset.unwrap_or_default();
        let offset = (zone.0 + x, zone.1 + y);
        let total = seats.items().count();
        let places: Vec<Place> = seats
            .items()
            .enumerate()
            .filter_map(|(index, seat)| {
                self.seat(reader, &seat, (origin, index), offset, categories)
            })
            .collect();
        if total == 0 {
            reader.warn(WarningKind::Empty, at, "The row has no seats; it is left out.");
        }
        if places.is_empty() || places.len() < total {
            return None;
        }
        warn_of_repeated_numbers(reader, at, &places);
        self.origins.push(origin);
        Some(Row { label: label?, first: 0, gaps: Vec::new(), seats: places })
    }

    fn row_label(&self, reader: &mut Reader, at: &At<'_, '_>, origin: Origin) -> Option<String> {
        let label = match reader.optional(at, "row_number") {
            Some(label) => reader.label(&label)?,
            None => String::new(),
        };
        if label.is_empty() {
            let label = (origin.row + 1).to_string();
            let message = format!("The row has no row_number; it is called “{label}”.");
            reader.warn(WarningKind::Numbering, at, message);
            return Some(label);
        }
        Some(label)
    }

    fn seat(
        &mut self,
        reader: &mut Reader,
        at: &At<'j, '_>,
        (origin, index): (Origin, usize),
        row: (f64, f64),
        categories: Option<&Categories<'j>>,
    ) -> Option<Place> {
        const KNOWN: [&str; 7] = [
            "seat_guid",
            "seat_number",
            "uuid",
            "start_direction",
            "radius",
            "position",
            "category",
        ];
        if !reader.object(at, "seat", &KNOWN) {
            return None;
        }
        reader.unused(at, &["uuid", "start_direction"]);
        if let Some(radius) = reader.optional(at, "radius") {
            reader.whole(&radius);
        }
        self.remember_guid(reader, at, (origin, index));
        let number = reader.required(at, "seat_number").and_then(|at| reader.label(&at));
        let number = number.map(|number| {
            if number.is_empty() {
                let number = (index + 1).to_string();
                let message = format!("The seat_number is empty; the seat is called “{number}”.");
                reader.warn(WarningKind::Numbering, at, message);
                return number;
            }
            number
        });
        let position = reader.required(at, "position").and_then(|at| reader.point(&at));
        let category = reader.required(at, "category").map(|category| match categories {
            Some(categories) => categories.index(reader, &category),
            // The categories themselves are at fault, and that is told already.
            None => Some(0),
        });
        let (x, y) = position?;
        Some(Place {
            number: number?,
            x: hundredths(row.0 + x),
            y: hundredths(row.1 + y),
            category: category??,
        })
    }

    /// Usher goes by its own numbers, so a `seat_guid` that is missing or repeated harms nothing
    /// here; but who made the plan will want to know.
    fn remember_guid(&mut self, reader: &mut Reader, at: &At<'j, '_>, seat: (Origin, usize)) {
        match reader.optional(at, "seat_guid") {
            Some(guid) => match guid.node {
                Node::Text(text) => self.guids.entry(text.as_ref()).or_default().push(seat),
                Node::Null | Node::Truth(_) | Node::Number(_) | Node::List(_) | Node::Object(_) => {
                    reader.unused(at, &["seat_guid"])
                }
            },
            None => reader.warn(WarningKind::Missing, at, "The seat has no seat_guid; not needed."),
        }
    }

    /// One warning for each `seat_guid` that several seats have, in the plan's order, at the first
    /// repetition and naming the others.
    pub(super) fn report_repeated_guids(&self, reader: &mut Reader) {
        let mut repeated: Vec<_> = self.guids.iter().filter(|(_, uses)| uses.len() > 1).collect();
        repeated.sort_by_key(|(_, uses)| (uses[0].0.zone, uses[0].0.row, uses[0].1));
        for (guid, uses) in repeated {
            let mut places = uses.iter().map(|(row, seat)| format!("{row}/seats/{seat}"));
            let first = places.next().unwrap_or_default();
            let again: Vec<String> = places.collect();
            let path = format!("{}/seat_guid", again[0]);
            let named = again.len().min(REPEATS_NAMED_MAX);
            let more = match again.len() - named {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let message = format!(
                "The seat_guid {} is used by {} seats: first by {first}, then again by {}{more}. \
                 Each stays a seat of its own.",
                quoted(guid),
                uses.len(),
                again[..named].join(", "),
            );
            reader.findings.warn(WarningKind::RepeatedGuid, path, message);
        }
    }
}

fn warn_of_repeated_numbers(reader: &mut Reader, at: &At<'_, '_>, places: &[Place]) {
    let mut seen = BTreeSet::new();
    let repeated: BTreeSet<&str> = places
        .iter()
        .map(|place| place.number.as_str())
        .filter(|number| !seen.insert(*number))
        .collect();
    if let Some(number) = repeated.first() {
        let message = match repeated.len() {
            1 => format!("Several seats of this row have the number {}.", quoted(number)),
            many => format!(
                "{many} seat numbers of this row are used more than once, {} among them.",
                quoted(number)
            ),
        };
        reader.warn(WarningKind::Numbering, at, message);
    }
}

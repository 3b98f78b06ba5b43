//! The plan from the outside in: its name, its zones, its size; and the numbering.
//!
//! Owns what concerns the whole house. Rows and areas are read by their own files.

use super::categories::Categories;
use super::findings::WarningKind;
use super::json::{At, Node};
use super::reader::{NAME_CHARS_MAX, Reader, without_control};
use super::rows::{Origin, RowReader};
use super::{areas, categories, spacing};
use crate::hall::{Area, Decoration, Hall, Section, Size};

/// What a hall is called when neither the plan nor the caller says.
const NAME_UNSAID: &str = "Untitled hall";

/// Space left around the seats when the plan does not give its size: two seats' width.
const MARGIN: f64 = 50.0;

/// Everything that the zones hold, before the areas have their numbers.
#[derive(Default)]
struct House {
    sections: Vec<Section>,
    areas: Vec<Area>,
    decorations: Vec<Decoration>,
}

/// Reads the whole plan. `None`, or any fault left with the reader, refuses it.
pub(super) fn read(
    reader: &mut Reader,
    plan: &At<'_, '_>,
    name: Option<&str>,
    seats_max: u32,
) -> Option<Hall> {
    if !reader.object(plan, "plan", &["name", "categories", "zones", "size"]) {
        return None;
    }
    // First of all, so that a plan far too large costs no more than its parsing, and no
    // capacity is ever allocated for.
    if !within_limit(reader, plan, seats_max) {
        return None;
    }
    let name = hall_name(reader, plan, name);
    let categories = Categories::read(reader, plan);
    let mut rows = RowReader::default();
    let house = read_zones(reader, plan, categories.as_ref(), &mut rows);
    let size = read_size(reader, plan);
    let House { mut sections, mut areas, decorations } = house?;
    rows.report_repeated_guids(reader);
    number(&mut sections, &mut areas);
    let categories = categories?.into_list();
    spacing::find_aisles(reader, &mut sections, rows.origins());
    spacing::report_overlaps(reader, &sections, rows.origins());
    let size = size.unwrap_or_else(|| extent(&sections));
    let hall = Hall { name: name?, categories, sections, areas, decorations, size };
    if hall.seats() == 0 {
        if !reader.findings.has_faults() {
            let message = "The plan has no seats: no row has any, and no area has a capacity.";
            reader.findings.fault("/zones".into(), message.into());
        }
        return None;
    }
    categories::warn_of_unused(reader, &hall);
    warn_of_seats_outside(reader, &hall);
    Some(hall)
}

/// Counts seats and capacities without reading them; a fault where the limit is passed.
fn within_limit(reader: &mut Reader, plan: &At<'_, '_>, seats_max: u32) -> bool {
    let mut total: u64 = 0;
    let mut passed_at = None;
    let mut count = |seats: u64, at: &At<'_, '_>| {
        total = total.saturating_add(seats);
        if total > u64::from(seats_max) && passed_at.is_none() {
            passed_at = Some(at.path());
        }
    };
    let Some(zones) = plan.member("zones") else { return true };
    for zone in zones.items() {
        for row in zone.member("rows").iter().flat_map(At::items) {
            if let Some(seats) = row.member("seats") {
                count(seats.items().count() as u64, &seats);
            }
        }
        for area in zone.member("areas").iter().flat_map(At::items) {
            if let Some(capacity) = area.member("capacity")
                && let &Node::Number(places) = capacity.node
                && area.member("category").is_some()
            {
                // A float becomes an integer by saturating; a negative one becomes 0.
                count(places as u64, &capacity);
            }
        }
    }
    if let Some(path) = passed_at {
        let message =
            format!("The plan has {total} seats, and the limit is {seats_max}. It is passed here.");
        reader.findings.fault(path, message);
        return false;
    }
    true
}

fn hall_name(reader: &mut Reader, plan: &At<'_, '_>, given: Option<&str>) -> Option<String> {
    if let Some(given) = given {
        let given = without_control(given);
        if given.is_empty() || given.chars().count() > NAME_CHARS_MAX {
            let message = format!("The name given has to have 1 to {NAME_CHARS_MAX} characters.");
            reader.findings.fault(String::new(), message);
            return None;
        }
        return Some(given);
    }
    let name = match reader.optional(plan, "name") {
        Some(name) => reader.text(&name, NAME_CHARS_MAX)?,
        None => String::new(),
    };
    if name.is_empty() {
        let message = format!("The plan has no name; the hall is called “{NAME_UNSAID}”.");
        reader.warn(WarningKind::Missing, plan, message);
        return Some(NAME_UNSAID.into());
    }
    Some(name)
}

fn read_zones<'j>(
    reader: &mut Reader,
    plan: &At<'j, '_>,
    categories: Option<&Categories<'j>>,
    rows: &mut RowReader<'j>,
) -> Option<House> {
    let zones = reader.required(plan, "zones")?;
    if !reader.list(&zones) {
        return None;
    }
    let mut house = House::default();
    for (index, zone) in zones.items().enumerate() {
        read_zone(reader, &zone, index, categories, rows, &mut house);
    }
    Some(house)
}

fn read_zone<'j>(
    reader: &mut Reader,
    zone: &At<'j, '_>,
    index: usize,
    categories: Option<&Categories<'j>>,
    rows: &mut RowReader<'j>,
    house: &mut House,
) -> Option<()> {
    if !reader.object(zone, "zone", &["name", "zone_id", "uuid", "position", "rows", "areas"]) {
        return None;
    }
    reader.unused(zone, &["zone_id", "uuid"]);
    let name = match reader.optional(zone, "name") {
        Some(name) => reader.text(&name, NAME_CHARS_MAX),
        None => Some(String::new()),
    };
    let name = name.map(|name| {
        if name.is_empty() {
            let name = format!("Section {}", index + 1);
            reader.warn(WarningKind::Missing, zone, format!("No name; it is called “{name}”."));
            return name;
        }
        name
    });
    let offset = reader.required(zone, "position").and_then(|at| reader.point(&at));
    let zone_rows = reader.required(zone, "rows").filter(|at| reader.list(at));
    let zone_areas = reader.optional(zone, "areas").filter(|at| reader.list(at));
    // The zone's own faults are told; what hangs on them is read all the same, for its own.
    let offset = offset.unwrap_or_default();
    let name = name.unwrap_or_default();
    let drawn_before = house.areas.len() + house.decorations.len();
    for area in zone_areas.iter().flat_map(At::items) {
        match areas::read(reader, &area, offset, &name, categories) {
            Some(areas::Drawn::Standing(area)) => house.areas.push(area),
            Some(areas::Drawn::Picture(picture)) => house.decorations.push(picture),
            None => {}
        }
    }
    let mut section = Section { name, rows: Vec::new() };
    for (row_index, row) in zone_rows.iter().flat_map(At::items).enumerate() {
        let origin = Origin { zone: index, row: row_index };
        section.rows.extend(rows.read(reader, &row, origin, offset, categories));
    }
    if !section.rows.is_empty() {
        house.sections.push(section);
    } else if drawn_before == house.areas.len() + house.decorations.len() {
        reader.warn(WarningKind::Empty, zone, "The zone has no seats and no areas; left out.");
    }
    Some(())
}

/// Seats are numbered 0..n-1: all rows in order, then all areas.
fn number(sections: &mut [Section], areas: &mut [Area]) {
    let mut next = 0;
    for row in sections.iter_mut().flat_map(|section| &mut section.rows) {
        row.first = next;
        next += row.seats.len() as u32;
    }
    for area in areas {
        area.first = next;
        next += area.count;
    }
}

/// The drawing's size as the plan says it; none where it has to be found from the seats.
fn read_size(reader: &mut Reader, plan: &At<'_, '_>) -> Option<Size> {
    let Some(size) = reader.optional(plan, "size") else {
        let message = "The plan does not give its size; it is found from the seats.";
        reader.warn(WarningKind::Missing, plan, message);
        return None;
    };
    if !reader.object(&size, "size", &["width", "height"]) {
        return None;
    }
    let width = reader.required(&size, "width").map(|at| reader.whole(&at));
    let height = reader.required(&size, "height").map(|at| reader.whole(&at));
    let (width, height) = (width??, height??);
    if width <= 0.0 || height <= 0.0 {
        let message = format!("A drawing of {width} by {height} holds nothing.");
        reader.warn(WarningKind::Forbidden, &size, message + " The size is found from the seats.");
        return None;
    }
    Some(Size { width, height })
}

/// From the origin to the outermost seat, and a margin.
fn extent(sections: &[Section]) -> Size {
    let seats = sections.iter().flat_map(|section| &section.rows).flat_map(|row| &row.seats);
    let (width, height) =
        seats.fold((0.0_f64, 0.0_f64), |(x, y), seat| (x.max(seat.x), y.max(seat.y)));
    Size { width: width + MARGIN, height: height + MARGIN }
}

fn warn_of_seats_outside(reader: &mut Reader, hall: &Hall) {
    let Size { width, height } = hall.size;
    let seats = hall.sections.iter().flat_map(|s| &s.rows).flat_map(|row| &row.seats);
    let outside = seats
        .filter(|seat| !(0.0..=width).contains(&seat.x) || !(0.0..=height).contains(&seat.y))
        .count();
    if outside > 0 {
        let message = format!("{outside} seats stand outside the drawing of {width} by {height}.");
        reader.findings.warn(WarningKind::Position, String::new(), message);
    }
}

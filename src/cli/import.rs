//! What `usher import plan` prints: the hall that came in, and what was odd, or what was wrong.
//!
//! Pure: an import's outcome in, text out. Reading the file and storing the hall are its caller's.

use std::fmt::Write;

use crate::hall::{Imported, Refused, Warning};

/// The outcome of an import as plain text, lines ended, for a terminal or a pipe. `source` is what
/// the plan was read from: a file's name.
pub fn report(source: &str, outcome: Result<&Imported, &Refused>) -> String {
    let mut text = String::new();
    let written = match outcome {
        Ok(imported) => accepted(&mut text, source, imported),
        Err(refused) => rejected(&mut text, source, refused),
    };
    debug_assert!(written.is_ok(), "writing into a String does not fail");
    text
}

fn accepted(text: &mut String, source: &str, imported: &Imported) -> std::fmt::Result {
    let hall = &imported.hall;
    let rows = hall.sections.iter().map(|section| section.rows.len()).sum();
    writeln!(
        text,
        "{}: {} from {source}",
        hall.name,
        counted(hall.seats() as usize, "seat", "seats")
    )?;
    writeln!(
        text,
        "  {} in {}, {}, {}",
        counted(rows, "row", "rows"),
        counted(hall.sections.len(), "section", "sections"),
        counted(hall.areas.len(), "standing area", "standing areas"),
        counted(hall.categories.len(), "category", "categories"),
    )?;
    for section in &hall.sections {
        let seats = section.rows.iter().map(|row| row.seats.len()).sum();
        let rows = counted(section.rows.len(), "row", "rows");
        writeln!(text, "  {}: {} in {rows}", section.name, counted(seats, "seat", "seats"))?;
    }
    for area in &hall.areas {
        let places = counted(area.count as usize, "place", "places");
        writeln!(text, "  {}: {places} to stand", area.name)?;
    }
    if imported.warnings.is_empty() {
        return writeln!(text, "The plan is in order.");
    }
    let warnings = counted(imported.warnings.len(), "warning", "warnings");
    writeln!(text, "\n{warnings}; the hall is complete all the same.")?;
    for group in imported.warnings.chunk_by(|a, b| a.kind == b.kind) {
        let heading = group.first().map_or("", |warning| warning.kind.heading());
        writeln!(text, "\n{heading} ({}):", group.len())?;
        for Warning { path, message, .. } in group {
            writeln!(text, "  {}\n    {message}", place(path))?;
        }
    }
    Ok(())
}

fn rejected(text: &mut String, source: &str, refused: &Refused) -> std::fmt::Result {
    let faults = counted(refused.faults.len(), "fault", "faults");
    writeln!(text, "{source} cannot be a hall; nothing was imported. {faults}:\n")?;
    for fault in &refused.faults {
        writeln!(text, "  {}\n    {}", place(&fault.path), fault.message)?;
    }
    Ok(())
}

/// A path, or words for the empty one, which is the plan as a whole. A path has the plan's own
/// member names in it, and no plan may send control characters to a terminal.
fn place(path: &str) -> String {
    if path.is_empty() {
        return "the plan".into();
    }
    path.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hall::from_pretix;

    fn report_of(plan: &str) -> String {
        report("plan.json", from_pretix(plan.as_bytes(), None, 1_000).as_ref())
    }

    #[test]
    fn an_import_tells_what_came_in_and_what_was_odd_and_where() {
        let plan = r##"{"name": "Studio", "size": {"width": 90, "height": 60.5},
            "categories": [{"name": "All", "color": "#222222"}],
            "zones": [{"name": "Floor", "position": {"x": 10, "y": 10}, "rows": [
              {"row_number": "A", "seats": [
                {"seat_guid": "a1", "seat_number": "1", "category": "All", "position": {"x": 0, "y": 0}},
                {"seat_guid": "a1", "seat_number": "2", "category": "All", "position": {"x": 25, "y": 0}}
              ]}],
              "areas": [{"shape": "text", "text": {"text": "Bar"}, "capacity": 12, "category": "All"}]
            }]}"##;
        let expected = "\
Studio: 14 seats from plan.json
  1 row in 1 section, 1 standing area, 1 category
  Floor: 2 seats in 1 row
  Bar: 12 places to stand

2 warnings; the hall is complete all the same.

Seats that share a seat_guid (1):
  /zones/0/rows/0/seats/1/seat_guid
    The seat_guid “a1” is used by 2 seats: first by /zones/0/rows/0/seats/0, then again by \
/zones/0/rows/0/seats/1. Each stays a seat of its own.

Values the format forbids (1):
  /size/height
    60.5 is not a whole number, as the format asks; it is used as it is.
";
        assert_eq!(report_of(plan), expected);
    }

    #[test]
    fn a_refused_plan_tells_every_fault_and_where() {
        let plan =
            r#"{"name": "X", "size": {"width": 9, "height": 9}, "categories": [], "zones": []}"#;
        let expected = "\
plan.json cannot be a hall; nothing was imported. 1 fault:

  /zones
    The plan has no seats: no row has any, and no area has a capacity.
";
        assert_eq!(report_of(plan), expected);
        assert!(report_of("{\n  oops").contains("the plan\n    Not JSON: key must be a string"));
    }
}

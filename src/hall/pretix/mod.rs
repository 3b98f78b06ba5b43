//! Reading a pretix-format seating plan: whole, or refused with what is wrong and where.
//!
//! The format is described in `docs/plans.md`. A plan is parsed once (`json`), walked once
//! (`house`, `categories`, `rows`, `areas`, with `reader` for single values) into a checked [`Hall`], and what was
//! odd is gathered on the way (`findings`). `spacing` finds what the plan does not say: aisles,
//! and seats on top of one another. Pure, like all of the hall: bytes in, a hall or faults out.

mod areas;
mod categories;
mod findings;
mod house;
mod json;
mod reader;
mod rows;
mod spacing;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use findings::{FAULTS_MAX, WARNINGS_PER_KIND_MAX, WarningKind};

use super::Hall;
use reader::Reader;

/// A plan that came in, and what was odd about it.
#[derive(Debug)]
pub struct Imported {
    /// The hall.
    pub hall: Hall,
    /// What the plan does that its format forbids or that looks like a slip, handled all the same.
    /// By kind, in the plan's order within a kind, at most `WARNINGS_PER_KIND_MAX` and one of each.
    pub warnings: Vec<Warning>,
}

/// Something odd that did not stop the import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// A JSON Pointer into the plan.
    pub path: String,
    /// A sentence.
    pub message: String,
    /// What it is about. Not on the wire.
    #[serde(skip)]
    pub kind: WarningKind,
}

/// Something that makes a hall of this plan impossible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// A JSON Pointer into the plan; empty where the plan is not JSON.
    pub path: String,
    /// A sentence.
    pub message: String,
}

/// The plan cannot be a hall.
#[derive(Debug)]
pub struct Refused {
    /// Everything that is wrong, in the order it was met; at least one, at most [`FAULTS_MAX`], the
    /// last then saying how many more there are.
    pub faults: Vec<Fault>,
}

/// Reads a plan. `name` replaces the plan's own name. `seats_max` bounds the hall's seats, places
/// of areas included.
///
/// # Errors
///
/// [`Refused`] with all faults where the plan cannot be a hall; nothing is imported then.
pub fn from_pretix(plan: &[u8], name: Option<&str>, seats_max: u32) -> Result<Imported, Refused> {
    let plan = json::parse(plan).map_err(|fault| Refused { faults: vec![fault] })?;
    let mut reader = Reader::default();
    let hall = house::read(&mut reader, &json::At::root(&plan), name, seats_max);
    match hall {
        Some(hall) if !reader.findings.has_faults() => {
            Ok(Imported { hall, warnings: reader.findings.into_warnings() })
        }
        Some(_) | None => Err(Refused { faults: reader.findings.into_faults() }),
    }
}

//! Reading a pretix-format seating plan: whole, or refused with what is wrong and where.

use serde::Serialize;

use super::Hall;

/// A plan that came in, and what was odd about it.
#[derive(Debug)]
pub struct Imported {
    /// The hall.
    pub hall: Hall,
    /// What the plan does that its format forbids or that looks like a slip, handled all the same.
    pub warnings: Vec<Warning>,
}

/// Something odd that did not stop the import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// A JSON Pointer into the plan.
    pub path: String,
    /// A sentence.
    pub message: String,
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
    /// Everything that is wrong, in the plan's order; at least one, at most `FAULTS_MAX`.
    pub faults: Vec<Fault>,
}

/// Reads a plan. `name` replaces the plan's own name.
pub fn from_pretix(
    _plan: &[u8],
    _name: Option<&str>,
    _seats_max: u32,
) -> Result<Imported, Refused> {
    unimplemented!()
}

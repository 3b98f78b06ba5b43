//! The hall: which seats there are, where they stand, and who sits beside whom.
//!
//! A plan is imported once, checked, and never changes afterwards. This room is pure: it has no
//! clock, no randomness and no I/O; a plan comes in as bytes.
#![deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::wildcard_enum_match_arm)]

mod floor;
mod generated;
mod layout;
mod plan;
mod pretix;
mod quality;
mod seat_set;

pub use floor::{Bench, Floor, Part};
pub use generated::{stadium, theatre};
pub use layout::layout_json;
pub use plan::{Area, Category, Decoration, Hall, HallId, Place, Row, Section, Shape, Size, Text};
pub use pretix::{
    FAULTS_MAX, Fault, Imported, Refused, WARNINGS_PER_KIND_MAX, Warning, WarningKind, from_pretix,
};
pub(crate) use seat_set::bits;
pub use seat_set::{Seat, SeatSet};

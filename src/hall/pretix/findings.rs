//! What an import has to tell: faults that refuse the plan, warnings that do not.
//!
//! Owns the bounds on both, so that a plan wrong in 200,000 places is answered with a page, not
//! with a flood. It decides nothing about plans.

use std::collections::BTreeMap;

use super::json::quoted;
use super::{Fault, Warning};

/// The most faults reported: more than anyone mends before trying again. The last one says how
/// many there were beyond it.
pub const FAULTS_MAX: usize = 100;

/// The most warnings reported of one kind, so that none can crowd out another. The line after them
/// says how many more there are. Twice what the worst real plan at hand needs (126).
pub const WARNINGS_PER_KIND_MAX: usize = 250;

/// What a warning is about; the report groups by it, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WarningKind {
    /// Several seats share a `seat_guid`.
    RepeatedGuid,
    /// A value the format's schema forbids, such as a width that is not a whole number.
    Forbidden,
    /// A member that is missing and was filled in.
    Missing,
    /// A member that neither the format nor Usher knows.
    UnknownMember,
    /// A member written twice in one object.
    RepeatedMember,
    /// A category that is named twice or has no seats.
    Category,
    /// A row or a zone without seats, left out.
    Empty,
    /// Seats that share a number, or have none.
    Numbering,
    /// Seats on top of one another or outside the drawing, rows that double back.
    Position,
    /// A shape, a colour or words that cannot be drawn as they are.
    Drawing,
}

impl WarningKind {
    /// A heading for warnings of this kind.
    pub fn heading(self) -> &'static str {
        match self {
            Self::RepeatedGuid => "Seats that share a seat_guid",
            Self::Forbidden => "Values the format forbids",
            Self::Missing => "Missing, and filled in",
            Self::UnknownMember => "Unknown members, not used",
            Self::RepeatedMember => "Members written twice",
            Self::Category => "Categories",
            Self::Empty => "Empty, and left out",
            Self::Numbering => "Seat and row numbers",
            Self::Position => "Where seats stand",
            Self::Drawing => "Drawing",
        }
    }
}

/// Faults and warnings, gathered while a plan is read.
#[derive(Default)]
pub(super) struct Findings {
    faults: Vec<Fault>,
    faults_beyond: usize,
    warnings: BTreeMap<WarningKind, Gathered>,
    /// By kind of object and member: where it was first met, and how often.
    unknown: BTreeMap<(&'static str, String), (String, usize)>,
}

#[derive(Default)]
struct Gathered {
    warnings: Vec<Warning>,
    /// Where the first one beyond the limit is, and how many there are.
    beyond: Option<(String, usize)>,
}

impl Findings {
    /// Something that makes a hall of this plan impossible.
    pub(super) fn fault(&mut self, path: String, message: String) {
        if self.faults.len() < FAULTS_MAX - 1 {
            self.faults.push(Fault { path, message });
        } else {
            self.faults_beyond += 1;
        }
    }

    /// Something odd that was handled.
    pub(super) fn warn(&mut self, kind: WarningKind, path: String, message: String) {
        let gathered = self.warnings.entry(kind).or_default();
        if gathered.warnings.len() < WARNINGS_PER_KIND_MAX {
            gathered.warnings.push(Warning { path, message, kind });
        } else {
            gathered.beyond.get_or_insert((path, 0)).1 += 1;
        }
    }

    /// A member of an object of this sort (`seat`, `row`) that nobody knows. Told once for all
    /// objects of the sort: an editor that adds a member adds it to every seat.
    pub(super) fn unknown_member(
        &mut self,
        sort: &'static str,
        member: &str,
        path: impl FnOnce() -> String,
    ) {
        if let Some((_, times)) = self.unknown.get_mut(&(sort, member.to_owned())) {
            *times += 1;
        } else if self.unknown.len() < WARNINGS_PER_KIND_MAX {
            self.unknown.insert((sort, member.to_owned()), (path(), 1));
        } else {
            let message = format!("{} is not a member of a {sort}.", quoted(member));
            self.warn(WarningKind::UnknownMember, path(), message);
        }
    }

    /// Whether anything so far refuses the plan.
    pub(super) fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    /// All faults, bounded.
    pub(super) fn into_faults(mut self) -> Vec<Fault> {
        if self.faults_beyond > 0 {
            let message = format!("And {} more faults.", self.faults_beyond);
            self.faults.push(Fault { path: String::new(), message });
        }
        self.faults
    }

    /// All warnings, by kind, bounded.
    pub(super) fn into_warnings(mut self) -> Vec<Warning> {
        for ((sort, member), (path, times)) in std::mem::take(&mut self.unknown) {
            let member = quoted(&member);
            let message = match times {
                1 => format!("{member} is not a member of a {sort}; it is not used."),
                _ => format!(
                    "{member} is not a member of a {sort}; it is not used. \
                     {times} have it, this is the first."
                ),
            };
            self.warn(WarningKind::UnknownMember, path, message);
        }
        let mut all = Vec::new();
        for (kind, gathered) in self.warnings {
            all.extend(gathered.warnings);
            if let Some((path, more)) = gathered.beyond {
                let message = format!("And {more} more of this kind, from here on.");
                all.push(Warning { path, message, kind });
            }
        }
        all
    }
}

//! What a buyer wishes for who leaves the choice of seats to the house.

/// A number of seats, and where they may be. Indexes are the hall's, checked by who parsed them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// How many seats.
    pub quantity: u32,
    /// Only of these categories; none: of any.
    pub categories: Option<Vec<u16>>,
    /// Only in these sections (or `areas`); none: see `areas`.
    pub sections: Option<Vec<u16>>,
    /// Only in these areas (or `sections`). Where both lists are none, anywhere; where only one is
    /// named, only there.
    pub areas: Option<Vec<u16>>,
    /// Side by side: adjacent in one row with no aisle between, or all in one area.
    pub together: bool,
}

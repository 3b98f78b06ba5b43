//! The hall as the core asks about it: masks over seats instead of a list of rows.

use super::{Hall, SeatSet};

/// Made once from a hall and shared by all its shows.
#[derive(Debug)]
pub struct Floor {
    seats: u32,
}

impl Floor {
    /// Reads the masks off a hall.
    pub fn new(hall: &Hall) -> Self {
        Self { seats: hall.seats() }
    }

    /// How many seats there are.
    pub fn seats(&self) -> u32 {
        self.seats
    }

    /// The category of a seat of this hall.
    pub fn category_of(&self, _seat: super::Seat) -> u16 {
        0
    }

    /// The seats of a category; none where the index is unknown.
    pub fn category(&self, _category: u16) -> Option<&SeatSet> {
        None
    }
}

//! Halls made by arithmetic: for the demo, for load, for tests.

use super::Hall;

/// A theatre of about 1,200 seats: stalls and two balconies, curved rows, aisles, a stage.
pub fn theatre() -> Hall {
    unimplemented!()
}

/// A stadium of 60,000: stands in blocks around a pitch, and a standing area.
pub fn stadium() -> Hall {
    unimplemented!()
}

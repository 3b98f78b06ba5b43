//! Which seats are best, and which choices leave a single seat alone: shifts and masks on words.

use crate::hall::{Floor, Seat, SeatSet};

use super::{Orphans, Wish};

/// The best choice for `wish` among `free`, or none where there is none (not enough, or, where the
/// wish is to sit together, not side by side).
pub fn best_seats(
    _floor: &Floor,
    _free: &SeatSet,
    _wish: &Wish,
    _orphans: Orphans,
) -> Option<Vec<Seat>> {
    None
}

/// How many seats of `set` the wish could use: right category, right place.
pub fn count_of_wish(_floor: &Floor, _set: &SeatSet, _wish: &Wish) -> u32 {
    0
}

/// Whether the party could sit side by side if every seat of `set` were free.
pub fn can_ever_sit_together(_floor: &Floor, _set: &SeatSet, _wish: &Wish) -> bool {
    false
}

/// The single seats newly left alone by taking `chosen` out of `free`; empty where every choice of
/// as many neighbours in the show would leave one, since then the rule is void.
pub fn leaves_orphans(_floor: &Floor, _free: &SeatSet, _chosen: &[Seat]) -> Vec<Seat> {
    Vec::new()
}

//! Blocks of neighbours, a word of 64 seats at a time, carrying between words.
//!
//! Everything here follows from one mask: the **links**, the seats of a set whose left neighbour
//! is in the set too. `k` neighbours are a seat and the `k - 1` links after it.

use crate::hall::{Floor, SeatSet};

/// The seats of `set` whose left neighbour, same row and no aisle between, is in `set` too.
pub(in crate::show) fn links(floor: &Floor, set: &SeatSet) -> SeatSet {
    let (words, joined) = (set.words(), floor.joined().words());
    SeatSet::from_words(set.hall_seats(), |at| words[at] & set.behind(at) & joined[at])
}

/// Where `party` neighbours of `set` begin, in rows. `linked` are the set's links.
pub(in crate::show) fn blocks(
    floor: &Floor,
    set: &SeatSet,
    linked: &SeatSet,
    party: u32,
) -> SeatSet {
    let links_needed = party.saturating_sub(1);
    if links_needed == 0 {
        let mut single = set.clone();
        single.keep_only(floor.in_rows());
        return single;
    }
    if links_needed >= set.hall_seats() {
        return SeatSet::empty(set.hall_seats());
    }
    // After each step a bit stands for a chain of so many links from that seat on.
    let mut chain = linked.clone();
    let mut length = 1;
    while length < links_needed {
        let step = length.min(links_needed - length);
        chain.keep_followed(step);
        length += step;
    }
    SeatSet::from_words(set.hall_seats(), |at| chain.ahead(at, 1))
}

/// Those of the blocks of `party` beginning at `firsts` that leave no seat alone. `linked` are the
/// links of all free seats.
///
/// A free run is a seat and its links. A block leaves its run's first seat alone if it begins at
/// the second, and the last if it ends just before it.
pub(super) fn leaving_none(firsts: &SeatSet, linked: &SeatSet, party: u32) -> SeatSet {
    let seats = firsts.hall_seats();
    let (words, links) = (firsts.words(), linked.words());
    let lasts = SeatSet::from_words(seats, |at| links[at] & !linked.ahead(at, 1));
    SeatSet::from_words(seats, |at| {
        let seconds = links[at] & !linked.behind(at);
        words[at] & !seconds & !lasts.ahead(at, party)
    })
}

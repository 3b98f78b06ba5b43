//! Which seats are best, and which choices leave a single seat alone: shifts and masks on words.
//!
//! Owns the answers, for one set of free seats handed in; keeps nothing. How good a seat is, the
//! floor knows. Where two choices are as good as each other, the one with the lowest seat number
//! is taken, so that the same question has the same answer on every node.

mod apart;
pub(super) mod neighbours;
#[cfg(test)]
mod tests;

use crate::hall::{Floor, Seat, SeatSet, bits};

use super::{Orphans, Wish};
use apart::{best_apart, best_apart_leaving_none};
use neighbours::{blocks, leaving_none, links};

/// The best choice for `wish` among `free`, or none where there is none (not enough, or, where the
/// wish is to sit together, not side by side). Ascending; the lowest sum of scores wins.
///
/// A party that sits together gets neighbours in one row; where no row has them, the lowest free
/// places of the area nearest to the stage. Apart, it gets the best single seats, places of areas
/// last.
///
/// With [`Orphans::Forbid`] the choice is never one for which [`leaves_orphans`] would name a seat:
/// it is the best of those for which it names none. It is none where the wish could be met, but
/// only so that a seat is left alone: then the same question with [`Orphans::Allow`] has an answer,
/// and the refusal is `orphan_seat`, not `not_together`.
pub fn best_seats(
    floor: &Floor,
    free: &SeatSet,
    wish: &Wish,
    orphans: Orphans,
) -> Option<Vec<Seat>> {
    let party = wish.quantity;
    if party == 0 {
        return None;
    }
    let fitting = wish.mask(floor).map(|mut mask| {
        mask.keep_only(free);
        mask
    });
    let usable = fitting.as_ref().unwrap_or(free);
    if wish.together {
        best_together(floor, free, usable, party, orphans)
    } else {
        let best = best_apart(floor, usable, party)?;
        if orphans == Orphans::Allow || leaves_orphans(floor, free, &best).is_empty() {
            return Some(best);
        }
        best_apart_leaving_none(floor, free, usable, party)
    }
}

/// The best `party` neighbours among `usable`, a part of `free`.
fn best_together(
    floor: &Floor,
    free: &SeatSet,
    usable: &SeatSet,
    party: u32,
    orphans: Orphans,
) -> Option<Vec<Seat>> {
    let linked = links(floor, usable);
    let mut firsts = blocks(floor, usable, &linked, party);
    if orphans == Orphans::Forbid {
        let linked = links(floor, free);
        let leaving_none_here = leaving_none(&firsts, &linked, party);
        let rule_holds = !leaving_none_here.is_empty()
            || !leaving_none(&blocks(floor, free, &linked, party), &linked, party).is_empty();
        if rule_holds {
            firsts = leaving_none_here;
        }
    }
    if let Some(first) = best_block(floor, &firsts, party) {
        return Some((first.0..first.0 + party).map(Seat).collect());
    }
    floor
        .areas_best_first()
        .find(|places| usable.count_range(places.clone()) >= party)
        .map(|places| usable.lowest_in(places, party))
}

/// The first seat of the best block, of those that begin at a seat of `firsts`.
fn best_block(floor: &Floor, firsts: &SeatSet, party: u32) -> Option<Seat> {
    let mut best: Option<(u64, Seat)> = None;
    for &(bound, at) in floor.words_best_first() {
        if let Some((score, first)) = best
            && (u64::from(bound) * u64::from(party), at) > (score, first.0 / 64)
        {
            break;
        }
        for first in bits(at as usize, firsts.words()[at as usize]) {
            let found = (floor.score_of_block(first, party), first);
            if best.is_none_or(|best| found < best) {
                best = Some(found);
            }
        }
    }
    best.map(|(_, first)| first)
}

/// How many seats of `set` the wish could use: right category, right place.
pub fn count_of_wish(floor: &Floor, set: &SeatSet, wish: &Wish) -> u32 {
    wish.mask(floor).map_or_else(|| set.count(), |mask| mask.count_and(set))
}

/// Whether the party could sit side by side if every seat of `set` were free. Nobody sits nowhere:
/// false for a party of none.
pub fn can_ever_sit_together(floor: &Floor, set: &SeatSet, wish: &Wish) -> bool {
    let party = wish.quantity;
    if party == 0 {
        return false;
    }
    let fitting = wish.mask(floor).map(|mut mask| {
        mask.keep_only(set);
        mask
    });
    let usable = fitting.as_ref().unwrap_or(set);
    !blocks(floor, usable, &links(floor, usable), party).is_empty()
        || floor.areas_best_first().any(|places| usable.count_range(places) >= party)
}

/// The single seats newly left alone by taking `chosen` out of `free`, ascending: seats in rows
/// that stay free, had a free neighbour before and have none after. A wall, an aisle, a held and a
/// sold seat are no free neighbours.
///
/// Empty where the rule is void, because every choice of as many neighbours in the show would leave
/// one, or there is none. Places of areas are nobody's neighbours, so room in an area does not
/// keep the rule alive for rows. For a `change`, `free` holds the hold's own seats too.
pub fn leaves_orphans(floor: &Floor, free: &SeatSet, chosen: &[Seat]) -> Vec<Seat> {
    let mut after = free.clone();
    let taken = chosen.iter().copied().filter(|&seat| free.has(seat));
    taken.clone().for_each(|seat| after.remove(seat));
    let stays = |seat: Seat| after.has(seat);
    let joined = |seat: Seat| floor.joined().has(seat);
    let next = |seat: Seat| Seat(seat.0 + 1);
    let mut alone: Vec<Seat> = Vec::new();
    for seat in taken {
        // Who lost `seat` as a neighbour is alone unless there is one on the other side.
        if joined(seat) {
            let left = Seat(seat.0 - 1);
            if stays(left) && !(joined(left) && stays(Seat(left.0 - 1))) {
                alone.push(left);
            }
        }
        let right = next(seat);
        if joined(right) && stays(right) && !(joined(next(right)) && stays(next(right))) {
            alone.push(right);
        }
    }
    if alone.is_empty() || !rule_holds(floor, free, chosen.len() as u32) {
        return Vec::new();
    }
    alone.sort_unstable();
    alone.dedup();
    alone
}

/// Whether somewhere in the show `party` neighbours can be chosen without leaving a seat alone.
fn rule_holds(floor: &Floor, free: &SeatSet, party: u32) -> bool {
    let linked = links(floor, free);
    !leaving_none(&blocks(floor, free, &linked, party), &linked, party).is_empty()
}

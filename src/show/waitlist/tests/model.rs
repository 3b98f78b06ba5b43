//! The queue as one would keep it on paper: every ticket looked at, every seat, every time.

use std::collections::{BTreeMap, BTreeSet};

use crate::hall::{Floor, Seat};

use super::super::super::{Show, TicketId, Wish};

#[derive(Default)]
pub(super) struct Model {
    kept: BTreeMap<TicketId, (BTreeSet<u32>, Option<Run>)>,
}

/// The seats of a run, all of them, and how many of them a party needs.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    seats: Vec<u32>,
    party: usize,
}

impl Model {
    /// Works out anew what is kept for whom, and compares.
    pub(super) fn judge(&mut self, show: &Show) {
        let all = 0..show.definition.seats;
        let unsold: BTreeSet<u32> = all
            .filter(|seat| !show.sold.has(Seat(*seat)) && !show.blocked.has(Seat(*seat)))
            .collect();
        let mut pool: BTreeSet<u32> =
            unsold.iter().copied().filter(|seat| !show.held.has(Seat(*seat))).collect();
        let before = std::mem::take(&mut self.kept);
        for ticket in show.tickets().filter(|ticket| ticket.offer.is_none()) {
            let (had, run) = before.get(&ticket.id).cloned().unwrap_or_default();
            let had: BTreeSet<u32> = had.intersection(&pool).copied().collect();
            let run = run.filter(|_| !had.is_empty() && ticket.wish.together);
            let (keeps, run) = choose(&show.floor, &ticket.wish, &pool, &unsold, had, run);
            let kept: BTreeSet<u32> = ticket.kept().iter().map(|seat| seat.0).collect();
            assert_eq!(kept, keeps, "kept for ticket {} of {:?}", ticket.id, ticket.wish);
            pool.retain(|seat| !keeps.contains(seat));
            let run = run.filter(|_| !keeps.is_empty());
            self.kept.insert(ticket.id, (keeps, run));
        }
        let free: BTreeSet<u32> = show.free().iter().map(|seat| seat.0).collect();
        assert_eq!(free, pool, "what nobody can use is free");
        let kept: usize = self.kept.values().map(|(kept, _)| kept.len()).sum();
        assert_eq!(kept, show.kept().count() as usize);
    }
}

fn choose(
    floor: &Floor,
    wish: &Wish,
    pool: &BTreeSet<u32>,
    unsold: &BTreeSet<u32>,
    had: BTreeSet<u32>,
    run: Option<Run>,
) -> (BTreeSet<u32>, Option<Run>) {
    let party = wish.quantity as usize;
    let mask = wish.mask(floor);
    let allowed = |seat: &u32| mask.as_ref().is_none_or(|mask| mask.has(Seat(*seat)));
    let share = |run: &Run| -> BTreeSet<u32> {
        let theirs = run.seats.iter().copied().filter(|seat| pool.contains(seat) && allowed(seat));
        theirs.take(run.party).collect()
    };
    let could_be =
        |run: &Run| run.seats.iter().filter(|s| unsold.contains(s) && allowed(s)).count() >= party;
    let runs: Vec<Run> = all_runs(floor, party).into_iter().filter(could_be).collect();
    let enough = unsold.iter().filter(|seat| allowed(seat)).count() >= party;
    let is_apart = !wish.together || (runs.is_empty() && enough);
    if had.len() == party && (is_apart || run.is_some()) {
        return (had, run);
    }
    if is_apart {
        let mut keeps = had;
        for seat in pool.iter().filter(|seat| allowed(seat)) {
            if keeps.len() < party {
                keeps.insert(*seat);
            }
        }
        return (keeps, None);
    }
    if let Some(whole) = runs.iter().find(|run| share(run).len() == party) {
        return (share(whole), Some(whole.clone()));
    }
    if let Some(run) = run.filter(could_be)
        && !share(&run).is_empty()
    {
        return (share(&run), Some(run));
    }
    let most = runs.iter().map(|run| share(run).len()).max().unwrap_or(0);
    match runs.iter().find(|run| most > 0 && share(run).len() == most) {
        Some(run) => (share(run), Some(run.clone())),
        None => (BTreeSet::new(), None),
    }
}

/// Every run of a party: rows first, from the lowest seat on, then areas.
fn all_runs(floor: &Floor, party: usize) -> Vec<Run> {
    let mut runs = Vec::new();
    for first in 0..floor.seats() {
        let seats: Vec<u32> = (first..first + party as u32).collect();
        let in_row = |seat: &u32| floor.in_rows().has(Seat(*seat));
        let joined = |seat: &u32| floor.joined().has(Seat(*seat));
        if seats.iter().all(in_row) && seats[1..].iter().all(joined) {
            runs.push(Run { seats, party });
        }
    }
    for area in 0.. {
        let Some(range) = floor.area(area) else { break };
        runs.push(Run { seats: range.collect(), party });
    }
    runs
}

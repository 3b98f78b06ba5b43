//! The best seats that need not be together, and how to take them without leaving a seat alone.

use std::collections::BinaryHeap;

use crate::hall::{Bench, Floor, Seat, SeatSet, bits};

use super::neighbours::links;
use super::rule_holds;

/// The `party` best seats of `usable`, or none where there are too few.
pub(super) fn best_apart(floor: &Floor, usable: &SeatSet, party: u32) -> Option<Vec<Seat>> {
    if usable.count() < party {
        return None;
    }
    // The worst of those found so far lies on top.
    let mut found: BinaryHeap<(u32, Seat)> = BinaryHeap::with_capacity(party as usize + 1);
    for &(bound, at) in floor.words_best_first() {
        if found.len() == party as usize
            && found.peek().is_some_and(|&(score, seat)| (bound, at) > (score, seat.0 / 64))
        {
            break;
        }
        for seat in bits(at as usize, usable.words()[at as usize]) {
            let here = (floor.score(seat), seat);
            if found.len() < party as usize {
                found.push(here);
            } else if let Some(mut worst) = found.peek_mut()
                && here < *worst
            {
                *worst = here;
            }
        }
    }
    let mut seats: Vec<Seat> = found.into_iter().map(|(_, seat)| seat).collect();
    seats.sort_unstable();
    Some(seats)
}

/// The `party` best seats of `usable`, a part of `free`, that leave no seat newly alone where the
/// rule holds; none where every choice leaves one.
///
/// Exact, not greedy: for each bench, best first, it works out what the best 1, 2, … seats of it
/// cost that leave none alone, and puts together the cheapest sum, until no bench that is left
/// could lower it. Called only where the plain best seats would leave one alone, so that here, and
/// only on the few benches looked at, seats are walked one by one.
pub(super) fn best_apart_leaving_none(
    floor: &Floor,
    free: &SeatSet,
    usable: &SeatSet,
    party: u32,
) -> Option<Vec<Seat>> {
    debug_assert!(rule_holds(floor, free, party));
    let mut walk = Walk::new(floor, free, usable);
    let mut sums = Sums::new(party as usize);
    for bench in floor.benches_best_first() {
        if sums.none_better_from(bench.best) {
            break;
        }
        let most = usable.count_range(bench.range()).min(party) as usize;
        if most > 0 {
            sums.offer(Source::Bench(*bench), &walk.costs(bench, most));
        }
    }
    for places in floor.areas_best_first().filter(|places| !places.is_empty()) {
        let score = floor.score(Seat(places.start));
        if sums.none_better_from(score) {
            break;
        }
        let most = usable.count_range(places.clone()).min(party);
        let costs: Vec<u64> = (0..=u64::from(most)).map(|n| n * u64::from(score)).collect();
        sums.offer(Source::Area(places.start, places.end), &costs);
    }
    let mut seats = Vec::with_capacity(party as usize);
    for (source, taken) in sums.best()? {
        match source {
            Source::Bench(bench) => seats.extend(walk.choose(&bench, taken)),
            Source::Area(first, end) => seats.extend(usable.lowest_in(first..end, taken as u32)),
        }
    }
    seats.sort_unstable();
    Some(seats)
}

/// What cannot be had.
const NEVER: u64 = u64::MAX;

/// From where seats are taken.
#[derive(Clone, Copy)]
enum Source {
    Bench(Bench),
    /// The first place, and the one after the last.
    Area(u32, u32),
}

/// The cheapest ways to take 0, 1, … up to the party's number of seats from the sources so far.
struct Sums {
    cost: Vec<u64>,
    /// For each source: how many of `j` seats it gives in the cheapest way to `j`.
    sources: Vec<(Source, Vec<u32>)>,
}

impl Sums {
    fn new(party: usize) -> Self {
        let mut cost = vec![NEVER; party + 1];
        cost[0] = 0;
        Self { cost, sources: Vec::new() }
    }

    /// Takes in a source whose best `t` seats cost `costs[t]`.
    fn offer(&mut self, source: Source, costs: &[u64]) {
        let mut given = vec![0; self.cost.len()];
        let mut any = false;
        for j in (1..self.cost.len()).rev() {
            for (t, &cost) in costs.iter().enumerate().take(j + 1).skip(1) {
                // Sums of scores stay far below `NEVER`.
                let sum = cost.saturating_add(self.cost[j - t]);
                if sum < self.cost[j] {
                    (self.cost[j], given[j], any) = (sum, t as u32, true);
                }
            }
        }
        if any {
            self.sources.push((source, given));
        }
    }

    /// Whether sources without a seat below `score` cannot lower the sum.
    fn none_better_from(&self, score: u32) -> bool {
        let party = self.cost.len() - 1;
        self.cost[..party].iter().enumerate().all(|(j, cost)| {
            cost.saturating_add((party - j) as u64 * u64::from(score)) >= self.cost[party]
        })
    }

    /// How many seats each source gives, where the party can be seated.
    fn best(&self) -> Option<Vec<(Source, usize)>> {
        let mut left = self.cost.len() - 1;
        if self.cost[left] == NEVER {
            return None;
        }
        let mut taken = Vec::new();
        for (source, given) in self.sources.iter().rev() {
            let here = given[left] as usize;
            if here > 0 {
                taken.push((*source, here));
                left -= here;
            }
        }
        Some(taken)
    }
}

/// What stands at the left of the seat looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Nobody who stays free.
    Wall = 0,
    /// A seat that stays free with a wall at its own left: it needs the next one.
    Lone = 1,
    /// A seat that stays free and has company.
    Company = 2,
}

const LEFTS: [Left; 3] = [Left::Wall, Left::Lone, Left::Company];
/// In a trace: the seat was taken. The lower bits are the [`Left`] before it.
const TAKEN: u8 = 4;

/// Where a trace of walks to at most `most` seats tells how `count` and `left` were reached.
fn trace_at(step: usize, most: usize, count: usize, left: Left) -> usize {
    (step * (most + 1) + count) * LEFTS.len() + left as usize
}

/// Walks a bench from left to right, keeping the cheapest way to each count and [`Left`].
struct Walk<'a> {
    floor: &'a Floor,
    free: &'a SeatSet,
    usable: &'a SeatSet,
    linked: SeatSet,
    /// For each step, count and left: how it was reached.
    trace: Vec<u8>,
}

impl<'a> Walk<'a> {
    fn new(floor: &'a Floor, free: &'a SeatSet, usable: &'a SeatSet) -> Self {
        Self { floor, free, usable, linked: links(floor, free), trace: Vec::new() }
    }

    /// What it costs to take 0 to `most` seats of a bench and leave none newly alone.
    fn costs(&mut self, bench: &Bench, most: usize) -> Vec<u64> {
        let end = Seat(bench.range().end);
        let walked = self.walk(bench, most);
        walked.iter().map(|costs| self.ends(end, costs).map_or(NEVER, |(cost, _)| cost)).collect()
    }

    /// The cheapest `count` seats of a bench that leave none newly alone; none where there are not
    /// so many.
    fn choose(&mut self, bench: &Bench, count: usize) -> Vec<Seat> {
        let walked = self.walk(bench, count);
        let Some((_, mut left)) = self.ends(Seat(bench.range().end), &walked[count]) else {
            return Vec::new();
        };
        let (mut seats, mut taken) = (Vec::with_capacity(count), count);
        for (step, seat) in bench.range().map(Seat).enumerate().rev() {
            let by = self.trace[trace_at(step, count, taken, left)];
            if by & TAKEN != 0 {
                seats.push(seat);
                taken -= 1;
            }
            left = LEFTS[usize::from(by & !TAKEN)];
        }
        seats
    }

    /// The cheapest ways to each count and [`Left`] at the end of a bench, and their trace.
    fn walk(&mut self, bench: &Bench, most: usize) -> Vec<[u64; 3]> {
        let mut now = vec![[NEVER; 3]; most + 1];
        let mut next = now.clone();
        now[0][Left::Wall as usize] = 0;
        self.trace.clear();
        self.trace.resize(bench.seats as usize * (most + 1) * LEFTS.len(), 0);
        for (step, seat) in bench.range().map(Seat).enumerate() {
            let score = u64::from(self.floor.score(seat));
            next.fill([NEVER; 3]);
            let reached = now.iter().enumerate().flat_map(|(count, costs)| {
                let lefts = LEFTS.into_iter().map(move |left| (count, left, costs[left as usize]));
                lefts.filter(|&(_, _, cost)| cost != NEVER)
            });
            for (count, left, cost) in reached {
                for (take, then) in self.ways(seat, left).into_iter().flatten() {
                    let (count, cost, by) = match take {
                        true => (count + 1, cost + score, left as u8 | TAKEN),
                        false => (count, cost, left as u8),
                    };
                    if count <= most && cost < next[count][then as usize] {
                        next[count][then as usize] = cost;
                        self.trace[trace_at(step, most, count, then)] = by;
                    }
                }
            }
            std::mem::swap(&mut now, &mut next);
        }
        now
    }

    /// Whether the seat may be taken or left at `seat`, and what then stands at its right's left.
    fn ways(&self, seat: Seat, left: Left) -> [Option<(bool, Left)>; 2] {
        if !self.free.has(seat) {
            let fine = left != Left::Lone || self.was_alone(seat);
            return [fine.then_some((false, Left::Wall)), None];
        }
        let keep = if left == Left::Wall { Left::Lone } else { Left::Company };
        let takes = left != Left::Lone && self.usable.has(seat);
        [takes.then_some((true, Left::Wall)), Some((false, keep))]
    }

    /// Whether the seat before `wall` was alone already.
    fn was_alone(&self, wall: Seat) -> bool {
        !self.linked.has(Seat(wall.0 - 1))
    }

    /// The cheapest way to come to the wall at the bench's end.
    fn ends(&self, wall: Seat, costs: &[u64; 3]) -> Option<(u64, Left)> {
        LEFTS
            .into_iter()
            .filter(|&left| left != Left::Lone || self.was_alone(wall))
            .map(|left| (costs[left as usize], left))
            .filter(|&(cost, _)| cost != NEVER)
            .min_by_key(|&(cost, left)| (cost, left as u8))
    }
}

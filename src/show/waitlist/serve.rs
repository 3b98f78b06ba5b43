//! Serving: what becomes of seats that come free while somebody waits.
//!
//! The rule, ticket by ticket, the first in line first. A ticket may have every seat that is free
//! or kept for one behind it. One that may sit apart keeps what it may have of its wish, up to its
//! party. One that wants to sit together takes a whole run as soon as it may have one; else it keeps
//! what it may have of the run it gathers in, as long as that could become whole; else it begins to
//! gather in the run of which it may have most. Where its kind can never again sit together, it keeps
//! seats as one that may sit apart, even before it is told; should its kind be able to again before
//! that (seats were put back on sale), it gathers in a run as if it had never done so, even if it
//! is whole: it is not offered apart what it was not told of. Of several it takes the one with the lowest number,
//! rows before areas. What nobody takes is free.
//!
//! Nothing but what changed is looked at: where every ticket has what the rule gives it, and some
//! seats come free, only those can want one who stand in front of their kind, or gather there, or
//! lost a seat to one before them; and of these nobody once all that came free has found its place.

use std::collections::{BTreeMap, BTreeSet};

use crate::hall::{Seat, SeatSet};

use super::Queue;
use super::kind::{House, Kind, Places, area_of, areas, whole_run};
use super::ticket::{Run, Ticket};

/// What one look at a ticket came to: all that it keeps from then on, and in which run.
type Choice = (Vec<Seat>, Option<Run>);

impl Queue {
    /// Serves everybody, after `loose` seats came free and the tickets `looking` lost what they
    /// relied on (or have just come). Seats that were kept or given up are told to `moved`, with
    /// whether they were free before.
    pub(super) fn serve(
        &mut self,
        house: &mut House<'_>,
        mut loose: Vec<Seat>,
        looking: BTreeSet<u64>,
        moved: &mut Vec<(Seat, bool)>,
    ) {
        let mut called: BTreeMap<u64, bool> =
            looking.into_iter().map(|turn| (turn, true)).collect();
        self.call_who_gathers(&mut called, 0, &loose, house);
        let mut last = 0;
        while let Some((turn, everywhere)) = self.next_after(last, &mut called, &loose, house) {
            last = turn;
            let Some(ticket) = self.tickets.get(&turn).filter(|ticket| ticket.offer.is_none())
            else {
                continue;
            };
            if !ticket.lacks() && !self.is_whole_but_apart(ticket) {
                continue;
            }
            let look = Look { queue: self, house, ticket, turn };
            let seen = if everywhere { None } else { Some(loose.as_slice()) };
            let Some((seats, run)) = look.choose(seen) else { continue };
            for seat in &seats {
                match self.owner.get(seat).copied() {
                    Some(owner) if owner == turn => {}
                    Some(robbed) => {
                        self.lose(robbed, *seat);
                        called.insert(robbed, true);
                    }
                    None => {
                        house.free.remove(*seat);
                        moved.push((*seat, true));
                    }
                }
            }
            let given_up = self.keep(turn, seats, run);
            for seat in &given_up {
                house.free.insert(*seat);
                moved.push((*seat, false));
            }
            loose.retain(|seat| house.free.has(*seat));
            self.call_who_gathers(&mut called, turn, &given_up, house);
            loose.extend(given_up);
            self.call_next_that_parts(&mut called, turn);
        }
    }

    /// Whether a ticket has seats enough, but took them as one that would have to part, and need not
    /// any more.
    fn is_whole_but_apart(&self, ticket: &Ticket) -> bool {
        let may_part = || self.kinds.get(&ticket.wish).is_some_and(Kind::must_part);
        ticket.wish.together && ticket.run.is_none() && !may_part()
    }

    /// Who is the next to look, after `last`, and whether at the whole house: who was called, or,
    /// where something is loose that its kind can use, who stands in front of it. Behind one of a
    /// kind who has looked and is still in front nobody of it wants what is loose.
    fn next_after(
        &self,
        last: u64,
        called: &mut BTreeMap<u64, bool>,
        loose: &[Seat],
        house: &House<'_>,
    ) -> Option<(u64, bool)> {
        if loose.is_empty() {
            // All that came free has found its place: nothing is new to those behind.
            return std::iter::from_fn(|| called.pop_first()).find(|(_, everywhere)| *everywhere);
        }
        let next = called.first_key_value().map_or(u64::MAX, |(turn, _)| *turn);
        let wants = |places: &Places| loose.iter().any(|seat| places.allow(house.floor, *seat));
        let mut fronts = self.fronts.range(last + 1..next);
        match fronts.find(|(_, places)| wants(places)) {
            Some((front, _)) => Some((*front, false)),
            None => called.pop_first(),
        }
    }

    /// Calls the next of the kind after `turn`, where it has just begun to keep seats apart: all that
    /// is free is new to it.
    fn call_next_that_parts(&self, called: &mut BTreeMap<u64, bool>, turn: u64) {
        let kind = self.tickets.get(&turn).and_then(|ticket| self.kinds.get(&ticket.wish));
        let Some(kind) = kind.filter(|kind| kind.must_part()) else { return };
        for set in [&kind.hungry, &kind.blank] {
            called.extend(set.range(turn + 1..).next().map(|next| (*next, true)));
        }
    }

    /// A seat goes to one before `turn`.
    fn lose(&mut self, turn: u64, seat: Seat) {
        let Some(ticket) = self.tickets.get(&turn) else { return };
        let left = ticket.kept.iter().copied().filter(|own| *own != seat).collect();
        let run = ticket.run;
        self.keep(turn, left, run);
    }

    /// Calls those behind `after` who gather around one of the `loose` seats.
    fn call_who_gathers(
        &self,
        called: &mut BTreeMap<u64, bool>,
        after: u64,
        loose: &[Seat],
        house: &House<'_>,
    ) {
        let longest = self.hope.longest();
        for seat in loose {
            let there = match area_of(house.floor, *seat) {
                Some(area) => {
                    self.runs.range((Run::Area(area), after + 1)..=(Run::Area(area), u64::MAX))
                }
                None => {
                    let first = Seat((seat.0 + 1).saturating_sub(longest));
                    self.runs.range((Run::Row(first), 0)..=(Run::Row(*seat), u64::MAX))
                }
            };
            for (_, turn) in there.filter(|(_, turn)| *turn > after) {
                called.entry(*turn).or_insert(false);
            }
        }
    }

    /// The tickets that gather in a run that can no longer become whole, because `gone` were sold or
    /// blocked.
    pub(super) fn broken_by(&self, gone: &[Seat], house: &House<'_>) -> BTreeSet<u64> {
        let longest = self.hope.longest();
        let mut broken = BTreeSet::new();
        for seat in gone {
            let there = match area_of(house.floor, *seat) {
                Some(area) => self.runs.range((Run::Area(area), 0)..=(Run::Area(area), u64::MAX)),
                None => {
                    let first = Seat((seat.0 + 1).saturating_sub(longest));
                    self.runs.range((Run::Row(first), 0)..=(Run::Row(*seat), u64::MAX))
                }
            };
            for (run, turn) in there {
                let kind = self.tickets.get(turn).and_then(|ticket| self.kinds.get(&ticket.wish));
                if kind.is_some_and(|kind| !house.could_be_whole(*run, &kind.places)) {
                    broken.insert(*turn);
                }
            }
        }
        broken
    }
}

/// One ticket, looking at the house.
struct Look<'a, 'b> {
    queue: &'a Queue,
    house: &'a House<'b>,
    ticket: &'a Ticket,
    turn: u64,
}

impl Look<'_, '_> {
    /// What the ticket keeps from now on; none where that is what it has. `seen` are the seats that
    /// are new to it; none: it looks at the whole house.
    fn choose(&self, seen: Option<&[Seat]>) -> Option<Choice> {
        let kind = self.queue.kinds.get(&self.ticket.wish)?;
        let places = &kind.places;
        let news: Vec<Seat> = match seen {
            Some(seen) => {
                let mut news: Vec<Seat> =
                    seen.iter().copied().filter(|seat| self.may_have(places, *seat)).collect();
                news.sort_unstable();
                news.dedup();
                news
            }
            None => self.all_it_may_have(places),
        };
        let choice = if places.together && !kind.must_part() {
            self.choose_together(places, &news, seen.is_none())
        } else {
            self.choose_apart(places, &news)
        };
        choice.filter(|(seats, run)| *seats != self.ticket.kept || *run != self.ticket.run)
    }

    /// Whether a seat is the wish's, and free, its own, or kept for one behind it.
    fn may_have(&self, places: &Places, seat: Seat) -> bool {
        let within_reach = || match self.queue.owner.get(&seat) {
            Some(owner) => *owner >= self.turn,
            None => self.house.free.has(seat),
        };
        places.allow(self.house.floor, seat) && within_reach()
    }

    /// All seats it may have; of any wish.
    fn reach(&self) -> SeatSet {
        let mut reach = self.house.free.clone();
        let behind = self.queue.owner.iter().filter(|(_, owner)| **owner >= self.turn);
        behind.for_each(|(seat, _)| reach.insert(*seat));
        reach
    }

    fn all_it_may_have(&self, places: &Places) -> Vec<Seat> {
        self.reach().iter().filter(|seat| places.allow(self.house.floor, *seat)).collect()
    }

    fn choose_apart(&self, places: &Places, news: &[Seat]) -> Option<Choice> {
        let mut kept = self.ticket.kept.clone();
        let lacking = places.party as usize - kept.len();
        let others = news.iter().filter(|seat| self.ticket.kept.binary_search(seat).is_err());
        kept.extend(others.take(lacking));
        kept.sort_unstable();
        Some((kept, None))
    }

    fn choose_together(&self, places: &Places, news: &[Seat], everywhere: bool) -> Option<Choice> {
        if (everywhere || self.is_a_run_whole(places, news))
            && let Some(run) = whole_run(self.house.floor, self.reach(), &self.ticket.wish)
        {
            return Some((self.share_of(run, places), Some(run)));
        }
        if let Some(run) = self.ticket.run.filter(|run| self.house.could_be_whole(*run, places)) {
            let share = self.share_of(run, places);
            if !share.is_empty() {
                return Some((share, Some(run)));
            }
        }
        // A ticket that gathers elsewhere is not tempted by a run that is not whole.
        if !everywhere && self.ticket.run.is_some() {
            return None;
        }
        let run = self.fullest_run(places, news);
        Some(run.map_or((Vec::new(), None), |run| (self.share_of(run, places), Some(run))))
    }

    /// Whether there is a whole run around one of the new seats.
    fn is_a_run_whole(&self, places: &Places, news: &[Seat]) -> bool {
        let floor = self.house.floor;
        news.iter().any(|seat| match area_of(floor, *seat) {
            Some(area) => self.share_of(Run::Area(area), places).len() as u32 >= places.party,
            None => {
                let mut run = 1;
                let mut left = *seat;
                while run < places.party
                    && floor.joined().has(left)
                    && self.may_have(places, Seat(left.0 - 1))
                {
                    left = Seat(left.0 - 1);
                    run += 1;
                }
                let mut right = Seat(seat.0 + 1);
                while run < places.party
                    && floor.joined().has(right)
                    && self.may_have(places, right)
                {
                    right = Seat(right.0 + 1);
                    run += 1;
                }
                run >= places.party
            }
        })
    }

    /// What it may have of a run, ascending; of an area the lowest places, no more than the party.
    fn share_of(&self, run: Run, places: &Places) -> Vec<Seat> {
        let party = places.party;
        match run {
            Run::Row(first) => (first.0..first.0 + party)
                .map(Seat)
                .filter(|seat| self.may_have(places, *seat))
                .collect(),
            Run::Area(area) => {
                let Some(range) = self.house.floor.area(area) else { return Vec::new() };
                let mut share = self.house.free.lowest_in(range.clone(), party);
                let kept = self.queue.owner.range(Seat(range.start)..Seat(range.end));
                let behind = kept.filter(|(_, owner)| **owner >= self.turn);
                share.extend(behind.map(|(seat, _)| *seat).take(party as usize));
                share.retain(|seat| places.allow(self.house.floor, *seat));
                share.sort_unstable();
                share.truncate(party as usize);
                share
            }
        }
    }

    /// The run that could become whole of which it may have most, among those around `news`, of which
    /// none is whole. They come in ascending order: the first that lacks but one seat is the answer,
    /// so that a join in a house that is nearly full is not a walk through all of it.
    fn fullest_run(&self, places: &Places, news: &[Seat]) -> Option<Run> {
        let mut fullest: Option<(usize, Run)> = None;
        for run in self.runs_around(places, news) {
            if !self.house.could_be_whole(run, places) {
                continue;
            }
            let share = self.share_of(run, places).len();
            if share > 0 && fullest.is_none_or(|(most, _)| share > most) {
                fullest = Some((share, run));
                if share + 1 >= places.party as usize {
                    break;
                }
            }
        }
        fullest.map(|(_, run)| run)
    }

    /// The runs that have one of `news`, which are ascending: rows before areas, the lowest first, each
    /// once.
    fn runs_around(&self, places: &Places, news: &[Seat]) -> impl Iterator<Item = Run> {
        let floor = self.house.floor;
        let party = places.party;
        let mut next = 0;
        let rows = news.iter().filter(|seat| floor.in_rows().has(**seat)).flat_map(move |seat| {
            let firsts = next.max((seat.0 + 1).saturating_sub(party))..=seat.0;
            next = seat.0 + 1;
            firsts
        });
        let news_there = |range: &std::ops::Range<u32>| {
            let at = news.partition_point(|seat| seat.0 < range.start);
            news.get(at).is_some_and(|seat| seat.0 < range.end)
        };
        let around = areas(floor).filter(move |(_, range)| news_there(range));
        let rows = rows.map(|first| Run::Row(Seat(first)));
        rows.chain(around.map(|(area, _)| Run::Area(area)))
    }
}

//! The same questions answered seat by seat, and random halls on which both must agree.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::show::count_of_wish;

/// A random hall, its free seats and a wish.
#[derive(Debug)]
struct Case {
    hall: Hall,
    free: SeatSet,
    wish: Wish,
}

/// Knows of every seat: its bench (none in an area), section or area, and category.
struct Model {
    seats: Vec<(Option<usize>, (bool, u16), u16)>,
    free: BTreeSet<u32>,
    wish: Wish,
    scores: Vec<u64>,
}

impl Model {
    fn of(case: &Case, floor: &Floor) -> Self {
        let (mut seats, mut bench) = (Vec::new(), 0);
        for (index, section) in (0..).zip(&case.hall.sections) {
            for row in &section.rows {
                for (at, place) in (0..).zip(&row.seats) {
                    bench += usize::from(at == 0 || row.gaps.contains(&at));
                    seats.push((Some(bench), (true, index), place.category));
                }
            }
        }
        for (index, area) in (0..).zip(&case.hall.areas) {
            let place = (None, (false, index), area.category);
            seats.extend(std::iter::repeat_n(place, area.count as usize));
        }
        let free = case.free.iter().map(|seat| seat.0).collect();
        let scores = (0..floor.seats()).map(|seat| u64::from(floor.score(Seat(seat)))).collect();
        Self { seats, free, wish: case.wish.clone(), scores }
    }

    fn allows(&self, seat: u32) -> bool {
        let (_, (in_section, index), category) = self.seats[seat as usize];
        let wish = &self.wish;
        let named = |list: &Option<Vec<u16>>| list.as_ref().is_some_and(|l| l.contains(&index));
        let anywhere = wish.sections.is_none() && wish.areas.is_none();
        wish.categories.as_ref().is_none_or(|list| list.contains(&category))
            && (anywhere || named(if in_section { &wish.sections } else { &wish.areas }))
    }

    fn company(&self, seat: u32, free: &BTreeSet<u32>) -> bool {
        let near = [seat.checked_sub(1), Some(seat + 1)];
        near.into_iter().flatten().any(|other| {
            free.contains(&other) && self.seats[other as usize].0 == self.seats[seat as usize].0
        })
    }

    fn newly_alone(&self, chosen: &[u32]) -> Vec<u32> {
        let after: BTreeSet<u32> =
            self.free.iter().copied().filter(|seat| !chosen.contains(seat)).collect();
        after
            .iter()
            .copied()
            .filter(|&seat| {
                self.seats[seat as usize].0.is_some()
                    && self.company(seat, &self.free)
                    && !self.company(seat, &after)
            })
            .collect()
    }

    /// All blocks of neighbours in rows among `of`.
    fn blocks(&self, party: u32, of: impl Fn(u32) -> bool) -> Vec<Vec<u32>> {
        let seats = self.seats.len() as u32;
        (0..seats)
            .filter(|first| first + party <= seats)
            .map(|first| (first..first + party).collect::<Vec<u32>>())
            .filter(|block| {
                let bench = self.seats[block[0] as usize].0;
                bench.is_some() && block.iter().all(|&s| of(s) && self.seats[s as usize].0 == bench)
            })
            .collect()
    }

    fn usable(&self, seat: u32) -> bool {
        self.free.contains(&seat) && self.allows(seat)
    }

    fn rule_holds(&self, party: u32) -> bool {
        let all = self.blocks(party, |seat| self.free.contains(&seat));
        all.iter().any(|block| self.newly_alone(block).is_empty())
    }

    fn orphans(&self, chosen: &[u32]) -> Vec<u32> {
        let alone = self.newly_alone(chosen);
        if self.rule_holds(chosen.len() as u32) { alone } else { vec![] }
    }

    fn cost(&self, seats: &[u32]) -> u64 {
        seats.iter().map(|&seat| self.scores[seat as usize]).sum()
    }

    /// For each area, its usable places, the area nearest to the stage first.
    fn areas(&self) -> Vec<Vec<u32>> {
        let mut areas = std::collections::BTreeMap::<(u64, u16), Vec<u32>>::new();
        for (seat, (bench, (_, index), _)) in (0..).zip(&self.seats) {
            if bench.is_none() && self.usable(seat) {
                areas.entry((self.scores[seat as usize], *index)).or_default().push(seat);
            }
        }
        areas.into_values().collect()
    }

    fn best_together(&self, orphans: Orphans) -> Option<Vec<u32>> {
        let party = self.wish.quantity;
        let forbidden = orphans == Orphans::Forbid && self.rule_holds(party);
        let blocks = self.blocks(party, |seat| self.usable(seat));
        blocks
            .into_iter()
            .filter(|block| !forbidden || self.newly_alone(block).is_empty())
            .min_by_key(|block| (self.cost(block), block[0]))
            .or_else(|| {
                let areas = self.areas();
                let area = areas.into_iter().find(|places| places.len() >= party as usize)?;
                Some(area[..party as usize].to_vec())
            })
    }

    fn best_apart(&self) -> Option<Vec<u32>> {
        let mut seats: Vec<u32> =
            (0..self.seats.len() as u32).filter(|&seat| self.usable(seat)).collect();
        seats.sort_by_key(|&seat| (self.scores[seat as usize], seat));
        let mut best = seats.get(..self.wish.quantity as usize)?.to_vec();
        best.sort_unstable();
        Some(best)
    }

    /// The least cost of any choice that leaves none alone, found by trying every choice.
    fn least_cost_leaving_none(&self) -> Option<u64> {
        let seats: Vec<u32> =
            (0..self.seats.len() as u32).filter(|&seat| self.usable(seat)).collect();
        (0u32..1 << seats.len())
            .filter(|choice| choice.count_ones() == self.wish.quantity)
            .map(|choice| {
                let chosen = (0..).zip(&seats).filter(|(at, _)| choice >> at & 1 == 1);
                chosen.map(|(_, &seat)| seat).collect::<Vec<u32>>()
            })
            .filter(|chosen| self.orphans(chosen).is_empty())
            .map(|chosen| self.cost(&chosen))
            .min()
    }
}

/// Halls of rows of up to `row` seats, places on a coarse grid so that scores collide.
fn case(rows: usize, row: usize, place: u32, party: u32) -> impl Strategy<Value = Case> {
    let seat = (0u8..40, 0u8..3, any::<bool>());
    let a_row = (prop::collection::vec((seat, 0u8..10), 1..=row), any::<bool>());
    let lists = || prop::option::weighted(0.3, prop::collection::vec(0u16..3, 0..3));
    (
        prop::collection::vec(a_row, 1..=rows),
        prop::collection::vec((0..=place, 0u16..3, 0u8..20), 0..3),
        0u8..4,
        any::<u64>(),
        (1..=party, lists(), lists(), lists(), any::<bool>()),
    )
        .prop_map(
            |(
                rows,
                areas,
                crowd,
                seed,
                (quantity, categories, sections, areas_named, together),
            )| {
                let hall = hall_of(&rows, &areas);
                let mut free = SeatSet::empty(hall.seats());
                let mut state = seed | 1;
                for seat in 0..hall.seats() {
                    state =
                        state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    if (state >> 60) as u8 % 8 >= crowd * 2 || crowd == 0 {
                        free.insert(Seat(seat));
                    }
                }
                let wish = Wish { quantity, categories, sections, areas: areas_named, together };
                Case { hall, free, wish }
            },
        )
}

type DrawnSeat = ((u8, u8, bool), u8);

fn hall_of(rows: &[(Vec<DrawnSeat>, bool)], areas: &[(u32, u16, u8)]) -> Hall {
    let mut hall = Hall {
        categories: vec![category(), category(), category()],
        sections: vec![],
        ..two_sections()
    };
    let mut next = 0;
    for (y, (seats, new_section)) in rows.iter().enumerate() {
        if *new_section || hall.sections.is_empty() {
            hall.sections.push(Section { name: "S".into(), rows: vec![] });
        }
        let places = seats.iter().enumerate().map(|(x, ((bump, category, _), _))| Place {
            number: x.to_string(),
            x: x as f64 * 4.0 + f64::from(bump / 20),
            y: y as f64 * 5.0,
            category: u16::from(*category),
        });
        let gaps = (0..).zip(seats).filter(|(at, (_, aisle))| *at > 0 && *aisle == 0);
        let row = Row {
            label: y.to_string(),
            first: next,
            gaps: gaps.map(|(at, _)| at).collect(),
            seats: places.collect(),
        };
        next += row.seats.len() as u32;
        if let Some(section) = hall.sections.last_mut() {
            section.rows.push(row);
        }
    }
    for &(count, category, x) in areas {
        let shape = stage_at(f64::from(x), 0.0);
        hall.areas.push(Area { name: "A".into(), category, first: next, count, shape });
        next += count;
    }
    hall
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn every_answer_is_that_of_the_model_that_goes_seat_by_seat(
        case in case(5, 90, 140, 12),
        wide in prop::option::weighted(0.2, 13u32..100),
    ) {
        let mut case = case;
        case.wish.quantity = wide.unwrap_or(case.wish.quantity);
        let floor = Floor::new(&case.hall);
        let model = Model::of(&case, &floor);
        let Case { free, wish, .. } = &case;

        let count = model.free.iter().filter(|&&seat| model.allows(seat)).count();
        prop_assert_eq!(count_of_wish(&floor, free, wish) as usize, count);
        let sits = model.best_together(Orphans::Allow).is_some();
        prop_assert_eq!(can_ever_sit_together(&floor, free, wish), sits);
        for orphans in [Orphans::Allow, Orphans::Forbid] {
            let together = Wish { together: true, ..wish.clone() };
            let found = best_seats(&floor, free, &together, orphans).map(numbers);
            prop_assert_eq!(&found, &model.best_together(orphans));
            prop_assert_eq!(best_seats(&floor, free, &together, orphans).map(numbers), found);
        }
        let apart = Wish { together: false, ..wish.clone() };
        let found = best_seats(&floor, free, &apart, Orphans::Allow).map(numbers);
        prop_assert_eq!(found, model.best_apart());
        let found = best_seats(&floor, free, &apart, Orphans::Forbid);
        if let Some(seats) = &found {
            prop_assert_eq!(seats.len(), wish.quantity as usize);
            prop_assert!(seats.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(seats.iter().all(|seat| model.usable(seat.0)));
            prop_assert_eq!(leaves_orphans(&floor, free, seats), vec![]);
            prop_assert!(model.orphans(&numbers(seats.clone())).is_empty());
        }
    }

    #[test]
    fn orphans_of_any_choice_are_those_of_the_model(
        case in case(4, 80, 20, 1),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
        near in any::<bool>(),
    ) {
        let floor = Floor::new(&case.hall);
        let model = Model::of(&case, &floor);
        let free: Vec<u32> = model.free.iter().copied().collect();
        prop_assume!(!free.is_empty());
        let chosen: BTreeSet<u32> = if near {
            let first = picks.first().map_or(0, |pick| pick.index(free.len()));
            free[first..(first + picks.len()).min(free.len())].iter().copied().collect()
        } else {
            picks.iter().map(|pick| free[pick.index(free.len())]).collect()
        };
        let chosen: Vec<u32> = chosen.into_iter().collect();
        let seats: Vec<Seat> = chosen.iter().copied().map(Seat).collect();
        let found = numbers(leaves_orphans(&floor, &case.free, &seats));
        prop_assert_eq!(found, model.orphans(&chosen));
    }

    #[test]
    fn seats_apart_that_leave_none_alone_are_the_best_of_all_such_choices(
        case in case(3, 4, 1, 5),
    ) {
        let floor = Floor::new(&case.hall);
        let mut case = case;
        case.wish.together = false;
        let model = Model::of(&case, &floor);
        let found = best_seats(&floor, &case.free, &case.wish, Orphans::Forbid).map(numbers);
        let cost = found.as_ref().map(|seats| model.cost(seats));
        prop_assert_eq!(cost, model.least_cost_leaving_none());
        if let Some(seats) = found {
            prop_assert!(model.orphans(&seats).is_empty());
        }
    }
}

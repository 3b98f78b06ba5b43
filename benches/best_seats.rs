//! How long the house takes to choose: the best four of 60,000 seats, half and almost sold out.
//!
//! `cargo bench --bench best_seats`. To reach: under 20 µs for four together on the half-sold hall.

use divan::{Bencher, black_box};
use usher::hall::{Category, Floor, Hall, Place, Row, Seat, SeatSet, Section, Size};
use usher::show::{Orphans, Wish, best_seats, can_ever_sit_together, leaves_orphans};

fn main() {
    divan::main();
}

/// 40 sections of 50 rows of 30 seats with an aisle in the middle, around nothing: the stage is
/// above. Four categories, by row.
fn hall() -> Hall {
    let row = |section: u32, row: u32| {
        let first = (section * 50 + row) * 30;
        let place = |seat: u32| Place {
            number: (seat + 1).to_string(),
            x: f64::from(section % 8 * 35 + seat) * 10.0,
            y: f64::from(section / 8 * 55 + row) * 10.0,
            category: (row % 4) as u16,
        };
        let seats = (0..30).map(place).collect();
        Row { label: row.to_string(), first, gaps: vec![15], seats }
    };
    let category = |name: &str| Category { name: name.into(), color: "#000".into() };
    let sections = (0..40).map(|section| Section {
        name: section.to_string(),
        rows: (0..50).map(|at| row(section, at)).collect(),
    });
    Hall {
        name: "Sixty thousand".into(),
        categories: ["A", "B", "C", "D"].map(category).into(),
        sections: sections.collect(),
        areas: Vec::new(),
        decorations: Vec::new(),
        size: Size { width: 3000.0, height: 3000.0 },
    }
}

/// The free seats when so many in a hundred are sold, here and there; the same each time.
fn free(seats: u32, sold: u64) -> SeatSet {
    let mut free = SeatSet::empty(seats);
    let mut state = 7_u64;
    for seat in 0..seats {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if (state >> 33) % 100 >= sold {
            free.insert(Seat(seat));
        }
    }
    free
}

const SOLD: [u64; 3] = [0, 50, 95];

fn choose(bencher: Bencher, sold: u64, orphans: Orphans, wish: &Wish) {
    let floor = Floor::new(&hall());
    let free = free(floor.seats(), sold);
    bencher.bench(|| best_seats(black_box(&floor), black_box(&free), black_box(wish), orphans));
}

fn four() -> Wish {
    Wish { quantity: 4, categories: None, sections: None, areas: None, together: true }
}

#[divan::bench(args = SOLD)]
fn four_together(bencher: Bencher, sold: u64) {
    choose(bencher, sold, Orphans::Allow, &four());
}

#[divan::bench(args = SOLD)]
fn four_together_leaving_none_alone(bencher: Bencher, sold: u64) {
    choose(bencher, sold, Orphans::Forbid, &four());
}

#[divan::bench(args = SOLD)]
fn four_together_of_two_categories(bencher: Bencher, sold: u64) {
    let wish = Wish { categories: Some(vec![1, 3]), ..four() };
    choose(bencher, sold, Orphans::Allow, &wish);
}

#[divan::bench(args = SOLD)]
fn four_together_of_two_categories_leaving_none_alone(bencher: Bencher, sold: u64) {
    let wish = Wish { categories: Some(vec![1, 3]), ..four() };
    choose(bencher, sold, Orphans::Forbid, &wish);
}

#[divan::bench(args = SOLD)]
fn four_apart(bencher: Bencher, sold: u64) {
    choose(bencher, sold, Orphans::Allow, &Wish { together: false, ..four() });
}

#[divan::bench(args = SOLD)]
fn four_apart_leaving_none_alone(bencher: Bencher, sold: u64) {
    choose(bencher, sold, Orphans::Forbid, &Wish { together: false, ..four() });
}

#[divan::bench(args = SOLD)]
fn whether_four_could_ever_sit_together(bencher: Bencher, sold: u64) {
    let floor = Floor::new(&hall());
    let free = free(floor.seats(), sold);
    bencher.bench(|| can_ever_sit_together(black_box(&floor), black_box(&free), &four()));
}

#[divan::bench(args = SOLD)]
fn whether_four_hand_picked_leave_one_alone(bencher: Bencher, sold: u64) {
    let floor = Floor::new(&hall());
    let mut free = free(floor.seats(), sold);
    // Six in a row, of which the second to the fifth are picked: one stays alone on either side.
    (30_000..30_006).for_each(|seat| free.insert(Seat(seat)));
    let chosen = [30_001, 30_002, 30_003, 30_004].map(Seat);
    bencher.bench(|| leaves_orphans(black_box(&floor), black_box(&free), black_box(&chosen)));
}

#[divan::bench]
fn reading_the_floor_of_sixty_thousand(bencher: Bencher) {
    let hall = hall();
    bencher.bench(|| Floor::new(black_box(&hall)));
}

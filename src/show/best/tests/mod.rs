//! The rules on drawn rows. `.` is free, `X` is not, `o` is free and chosen, `|` is an aisle, `/`
//! ends a row, `[...]` is an area. Every seat's x is its column, so scores can be read off.

mod model;

use crate::hall::{Area, Category, Decoration, Floor, Hall, Place, Row, Seat, SeatSet};
use crate::hall::{Section, Shape, Size, Text};
use crate::show::{Orphans, Wish, best_seats, can_ever_sit_together, leaves_orphans};

/// Words on the drawing that say where the stage is.
fn stage_at(x: f64, y: f64) -> Decoration {
    let text = Text { text: "Main Stage".into(), x, y, color: None, size: 10.0 };
    Decoration {
        shape: Shape::Text { x, y },
        rotation: 0.0,
        color: None,
        border_color: None,
        text: Some(text),
    }
}

fn category() -> Category {
    Category { name: "Any".into(), color: "#000".into() }
}

/// A hall, which of its seats are free, and which are chosen.
struct Drawn {
    floor: Floor,
    free: SeatSet,
    chosen: Vec<Seat>,
}

fn drawn(drawing: &str) -> Drawn {
    let (mut rows, mut areas, mut free, mut chosen) = (Vec::new(), Vec::new(), Vec::new(), vec![]);
    for (y, line) in drawing.split('/').enumerate() {
        let first = free.len() as u32;
        let in_area = line.starts_with('[');
        let (mut gaps, mut seats) = (Vec::new(), Vec::new());
        for (x, mark) in line.trim_matches(['[', ']']).chars().enumerate() {
            if mark == '|' {
                gaps.push(seats.len() as u32);
                continue;
            }
            if mark == 'o' {
                chosen.push(Seat(free.len() as u32));
            }
            free.push(mark != 'X');
            let number = (seats.len() + 1).to_string();
            seats.push(Place { number, x: x as f64, y: 3.0 * y as f64, category: 0 });
        }
        if in_area {
            let (count, shape) = (seats.len() as u32, stage_at(y as f64, 0.0));
            areas.push(Area { name: "Floor".into(), category: 0, first, count, shape });
        } else {
            rows.push(Row { label: y.to_string(), first, gaps, seats });
        }
    }
    let hall = Hall {
        name: "Drawn".into(),
        categories: vec![category()],
        sections: vec![Section { name: "All".into(), rows }],
        areas,
        decorations: vec![stage_at(0.0, -100.0)],
        size: Size { width: 100.0, height: 100.0 },
    };
    let floor = Floor::new(&hall);
    let mut set = SeatSet::empty(floor.seats());
    (0..).zip(free).filter(|(_, free)| *free).for_each(|(seat, _)| set.insert(Seat(seat)));
    Drawn { floor, free: set, chosen }
}

fn party(quantity: u32, together: bool) -> Wish {
    Wish { quantity, categories: None, sections: None, areas: None, together }
}

fn numbers(seats: Vec<Seat>) -> Vec<u32> {
    seats.into_iter().map(|seat| seat.0).collect()
}

#[test]
fn which_choices_leave_a_seat_alone() {
    for (drawing, alone, why) in [
        (".oo.....", vec![0], "the first of a row, a wall at its left"),
        ("oo......", vec![], "nothing at the left is left"),
        ("..oo....", vec![], "two are company"),
        (".....oo.", vec![7], "the last of a row"),
        (".oo.X...", vec![0, 3], "both sides, one of them against a sold seat"),
        ("...|.oo.....", vec![3], "an aisle is a wall"),
        ("..oo|.....", vec![], "a seat over the aisle was never a neighbour"),
        ("oo.|....", vec![2], "alone between a choice and an aisle"),
        ("oo/....", vec![], "the next row's seat is no neighbour"),
        ("ooX.X....", vec![], "who was alone before is not newly alone"),
        ("o.o....", vec![1], "between two chosen seats, said once"),
        ("oo.", vec![], "void: no two neighbours leave nobody alone"),
        ("oo./..", vec![2], "not void: the other row has a clean pair"),
        ("oo./[....]", vec![], "void: places of an area are nobody's neighbours"),
        ("oo./....", vec![2], "not void: four leave two"),
        (".o.", vec![0, 2], "one in the middle, where the ends would do"),
        ("X.o/.", vec![1], "not void: the seat in the second row leaves nobody alone"),
        (".oX", vec![], "void: either of two leaves the other"),
        ("...../[oo.]", vec![], "areas are exempt"),
    ] {
        let drawn = drawn(drawing);
        let found = numbers(leaves_orphans(&drawn.floor, &drawn.free, &drawn.chosen));
        assert_eq!(found, alone, "{drawing}: {why}");
    }
}

#[test]
fn best_seats_on_drawn_rows() {
    use Orphans::{Allow, Forbid};
    // The stage is far above; the middle of all seats and the fifth row are best.
    for (drawing, quantity, together, orphans, best, why) in [
        ("........", 2, true, Allow, Some(vec![3, 4]), "the middle of the row"),
        (".X.X....", 2, true, Allow, Some(vec![4, 5]), "the first neighbours"),
        (".|.|..|.", 2, true, Allow, Some(vec![2, 3]), "no aisle between"),
        (".X.X.X.", 2, true, Allow, None, "nobody has a neighbour"),
        (".X.X.X.", 2, false, Allow, Some(vec![2, 4]), "apart they can"),
        (".X", 2, false, Allow, None, "not enough"),
        ("X/[.X..]", 2, true, Allow, Some(vec![1, 3]), "places of an area are together"),
        ("./[..]", 2, true, Allow, Some(vec![1, 2]), "a row with too few, then the area"),
        ("[..]/[...]", 3, true, Allow, Some(vec![2, 3, 4]), "all in one area"),
        (".../X....", 3, true, Allow, Some(vec![4, 5, 6]), "the best three leave one"),
        (".../X....", 3, true, Forbid, Some(vec![0, 1, 2]), "the next best leave none"),
        ("X....X", 3, true, Forbid, Some(vec![2, 3, 4]), "no other way"),
        ("X....X/[...]", 3, true, Forbid, Some(vec![2, 3, 4]), "no other way in rows"),
        ("X...X", 2, false, Forbid, Some(vec![2, 3]), "no other way"),
        ("X...X..", 2, false, Forbid, Some(vec![5, 6]), "a pair that is all there is"),
        ("X..X.X.", 1, false, Forbid, Some(vec![4]), "who is alone already is taken first"),
        ("...X", 2, false, Forbid, Some(vec![1, 2]), "void"),
        ("..", 3, true, Forbid, None, "not enough"),
        ("..", 0, true, Allow, None, "nobody"),
    ] {
        let drawn = drawn(drawing);
        let wish = party(quantity, together);
        let found = best_seats(&drawn.floor, &drawn.free, &wish, orphans).map(numbers);
        assert_eq!(found, best, "{drawing}, {quantity}: {why}");
    }
}

#[test]
fn where_only_a_choice_that_leaves_one_alone_meets_the_wish_forbid_has_no_answer() {
    let hall = two_sections();
    let floor = Floor::new(&hall);
    let free = SeatSet::full(floor.seats());
    let front = Wish { sections: Some(vec![0]), ..party(2, true) };
    let taken = best_seats(&floor, &free, &front, Orphans::Allow);
    assert_eq!(taken.clone().map(numbers), Some(vec![1, 2]));
    assert_eq!(leaves_orphans(&floor, &free, &taken.unwrap()), [Seat(0)]);
    assert_eq!(best_seats(&floor, &free, &front, Orphans::Forbid), None);
    let apart = Wish { together: false, ..front };
    assert_eq!(best_seats(&floor, &free, &apart, Orphans::Forbid), None);
}

/// A row of three in front, a row of four behind.
fn two_sections() -> Hall {
    let row = |first: u32, seats: u32| {
        let place = |x: u32| Place {
            number: x.to_string(),
            x: f64::from(x),
            y: f64::from(first),
            category: 0,
        };
        let seats = (0..seats).map(place).collect();
        vec![Row { label: "A".into(), first, gaps: vec![], seats }]
    };
    Hall {
        name: "Two".into(),
        categories: vec![category()],
        sections: vec![
            Section { name: "Front".into(), rows: row(0, 3) },
            Section { name: "Back".into(), rows: row(3, 4) },
        ],
        areas: vec![],
        decorations: vec![stage_at(0.0, -100.0)],
        size: Size { width: 10.0, height: 10.0 },
    }
}

#[test]
fn a_party_larger_than_any_row_never_sits_together() {
    let drawn = drawn("..../...../[......]");
    let all = SeatSet::full(drawn.floor.seats());
    for (quantity, fits) in [(0, false), (1, true), (5, true), (6, true), (7, false), (900, false)]
    {
        let found = can_ever_sit_together(&drawn.floor, &all, &party(quantity, true));
        assert_eq!(found, fits, "{quantity}");
    }
}

#[test]
fn the_middle_of_the_row_and_a_few_rows_back_are_best() {
    let rows = (0..12).map(|y| {
        let place = |x: u32| Place {
            number: x.to_string(),
            x: f64::from(x) * 10.0,
            y: f64::from(y) * 10.0,
            category: 0,
        };
        Row {
            label: y.to_string(),
            first: y * 21,
            gaps: vec![],
            seats: (0..21).map(place).collect(),
        }
    });
    let hall = Hall {
        sections: vec![Section { name: "All".into(), rows: rows.collect() }],
        decorations: vec![stage_at(100.0, -30.0)],
        ..two_sections()
    };
    let floor = Floor::new(&hall);
    let free = SeatSet::full(floor.seats());
    let best = best_seats(&floor, &free, &party(3, true), Orphans::Forbid);
    assert_eq!(best.map(numbers), Some(vec![4 * 21 + 9, 4 * 21 + 10, 4 * 21 + 11]));
}

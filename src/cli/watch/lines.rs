//! Changes as lines of text, for pipes and logs.

use std::fmt::Write as _;

use crate::client::{Layout, Picture, SeatState};

/// What each seat is called.
pub(super) struct Names {
    seats: Vec<Name>,
    /// "Stalls, row A", "Floor": what several seats share.
    places: Vec<String>,
}

/// A seat's place, as an index, and its own number.
struct Name {
    place: usize,
    number: String,
}

impl Names {
    pub(super) fn of(layout: &Layout) -> Self {
        let mut places = vec!["seat".to_owned()];
        let unnamed = |seat: u32| Name { place: 0, number: seat.to_string() };
        let mut seats: Vec<Name> = (0..layout.seats).map(unnamed).collect();
        let mut name = |seat: u32, place: usize, number: String| {
            if let Some(slot) = seats.get_mut(seat as usize) {
                *slot = Name { place, number };
            }
        };
        for section in &layout.sections {
            for row in &section.rows {
                places.push(format!("{}, row {}, seat", section.name, row.label));
                for (seat, (number, ..)) in (row.first..).zip(&row.seats) {
                    name(seat, places.len() - 1, number.clone());
                }
            }
        }
        for area in &layout.areas {
            places.push(format!("{}, place", area.name));
            for i in 0..area.count {
                name(area.first.saturating_add(i), places.len() - 1, (i + 1).to_string());
            }
        }
        Self { seats, places }
    }

    fn place(&self, seat: u32) -> usize {
        self.seats.get(seat as usize).map_or(0, |name| name.place)
    }

    /// "Stalls, row A, seat 3 to 5".
    fn range(&self, first: u32, last: u32) -> String {
        let number = |seat: u32| self.seats.get(seat as usize).map_or("?", |name| &name.number);
        let place = &self.places[self.place(first)];
        match first == last {
            true => format!("{place} {}", number(first)),
            false => format!("{place} {} to {}", number(first), number(last)),
        }
    }
}

/// What became of the seats between two pictures: a line for each run of neighbours. Without a
/// picture before, or with one of another life of the log, a line that sums up.
pub(super) fn of_change(before: Option<&Picture>, after: &Picture, names: &Names) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let Some(before) = before.filter(|before| before.epoch() == after.epoch()) else {
        let [available, held, sold, blocked] = after.counts();
        writeln!(
            text,
            "{} {} seats: {available} available, {held} held, {sold} sold, {blocked} blocked",
            after.seq(),
            after.seats(),
        )
        .ok();
        return text;
    };
    let changed = |seat: u32| (before.state(seat) != after.state(seat)).then(|| after.state(seat));
    let mut seat = 0;
    while seat < after.seats() {
        let Some(state) = changed(seat) else {
            seat += 1;
            continue;
        };
        let first = seat;
        while seat + 1 < after.seats()
            && changed(seat + 1) == Some(state)
            && names.place(seat + 1) == names.place(first)
        {
            seat += 1;
        }
        let (where_, what) = (names.range(first, seat), word(state));
        writeln!(text, "{} {where_}: {what}", after.seq()).ok();
        seat += 1;
    }
    text
}

/// A state as a person says it.
pub(super) fn word(state: SeatState) -> &'static str {
    match state {
        SeatState::Available => "available",
        SeatState::Held => "held",
        SeatState::Sold => "sold",
        SeatState::Blocked => "blocked",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::client::{Run, SeatFrame};

    pub(in super::super) fn layout() -> Layout {
        serde_json::from_str(
            r##"{"show":"x","epoch":"1","seats":7,
                "categories":[{"name":"All","color":"#fff","price":1}],
                "sections":[{"name":"Stalls","rows":[
                    {"label":"A","first":0,"seats":[["1",0,0,0],["2",10,0,0],["3",20,0,0]]},
                    {"label":"B","first":3,"seats":[["1",0,40,0],["2",20,40,0]]}]}],
                "areas":[{"name":"Floor","category":0,"first":5,"count":2,
                          "shape":{"shape":"circle","x":0,"y":0,"radius":1}}],
                "decorations":[],"size":{"width":20,"height":40}}"##,
        )
        .unwrap()
    }

    pub(in super::super) fn picture(runs: &[(u32, u32, SeatState)]) -> Picture {
        let mut picture = None;
        let snapshot = SeatFrame::Snapshot { epoch: 1, seq: 3, seats: 7, two_bits: vec![0, 0] };
        Picture::apply(&mut picture, snapshot).unwrap();
        let runs = runs.iter().map(|&(gap, length, state)| Run { gap, length, state }).collect();
        Picture::apply(&mut picture, SeatFrame::Diff { from: 3, to: 4, runs }).unwrap();
        picture.unwrap()
    }

    #[test]
    fn neighbours_that_change_together_are_one_line_and_a_new_row_begins_another() {
        let names = Names::of(&layout());
        let (before, after) = (picture(&[]), picture(&[(1, 5, SeatState::Held)]));
        assert_eq!(
            of_change(Some(&before), &after, &names),
            "4 Stalls, row A, seat 2 to 3: held\n4 Stalls, row B, seat 1 to 2: held\n\
             4 Floor, place 1: held\n"
        );
        assert_eq!(of_change(Some(&after), &after, &names), "");
        assert_eq!(
            of_change(None, &after, &names),
            "4 7 seats: 2 available, 5 held, 0 sold, 0 blocked\n"
        );
    }
}

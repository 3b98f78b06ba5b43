//! The map: seats scaled into the terminal's cells, two to a cell, one above the other.
//!
//! Where several seats fall on one spot, it has the state that most of them have. Without colours
//! (`NO_COLOR`), a cell is one spot and the state is a letter.

use crossterm::style::Color;

use crate::client::{Layout, Picture, SeatState};

use super::follower::Light;
use super::lines::word;

/// One character with its colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) letter: char,
    pub(super) ink: Color,
    pub(super) paper: Color,
}

impl Cell {
    const EMPTY: Self = Self { letter: ' ', ink: Color::Reset, paper: Color::Reset };
}

/// A screenful.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) columns: u16,
    /// Line by line.
    pub(super) cells: Vec<Cell>,
}

const STATES: [SeatState; 4] =
    [SeatState::Available, SeatState::Held, SeatState::Sold, SeatState::Blocked];

fn colour(state: SeatState) -> Color {
    match state {
        SeatState::Available => Color::Green,
        SeatState::Held => Color::Yellow,
        SeatState::Sold => Color::Red,
        SeatState::Blocked => Color::DarkGrey,
    }
}

fn letter(state: SeatState) -> char {
    match state {
        SeatState::Available => '.',
        SeatState::Held => 'o',
        SeatState::Sold => '#',
        SeatState::Blocked => 'x',
    }
}

/// Where the seats are, ready to be scaled.
pub(super) struct Map {
    /// Index, x and y from the plan's left upper corner.
    seats: Vec<(u32, f64, f64)>,
    width: f64,
    height: f64,
    /// Name, first place, number of places.
    areas: Vec<(String, u32, u32)>,
    colours: bool,
}

impl Map {
    pub(super) fn of(layout: &Layout) -> Self {
        let rows = layout.sections.iter().flat_map(|section| &section.rows);
        let mut seats: Vec<(u32, f64, f64)> = rows
            .flat_map(|row| (row.first..).zip(&row.seats).map(|(i, &(_, x, y, _))| (i, x, y)))
            .collect();
        let least = |of: fn(&(u32, f64, f64)) -> f64| seats.iter().map(of).fold(f64::MAX, f64::min);
        let (left, top) = (least(|seat| seat.1), least(|seat| seat.2));
        for seat in &mut seats {
            (seat.1, seat.2) = (seat.1 - left, seat.2 - top);
        }
        let width = seats.iter().map(|seat| seat.1).fold(0.0, f64::max);
        let height = seats.iter().map(|seat| seat.2).fold(0.0, f64::max);
        let areas = layout.areas.iter().map(|area| (area.name.clone(), area.first, area.count));
        // crossterm leaves colours out where this is set; letters must then do.
        let colours = !crossterm::style::Colored::ansi_color_disabled();
        Self { seats, width, height, areas: areas.collect(), colours }
    }

    /// A page of this size: the title, the map, the areas, and how things stand.
    pub(super) fn draw(
        &self,
        columns: u16,
        lines: u16,
        picture: Option<&Picture>,
        title: &str,
        light: &Light,
    ) -> Page {
        let cells = vec![Cell::EMPTY; usize::from(columns) * usize::from(lines)];
        let mut page = Page { columns, cells };
        let shown = self.areas.len().min(usize::from(lines) / 4) as u16;
        page.write(0, 0, title, Color::Reset);
        let map_lines = lines.saturating_sub(shown + 3);
        if let Some(picture) = picture {
            self.draw_seats(&mut page, 1, map_lines, picture);
            for (line, (name, first, count)) in (1 + map_lines..).zip(&self.areas[..shown.into()]) {
                let area = *first..first.saturating_add(*count);
                let free = area.filter(|&seat| picture.state(seat) == SeatState::Available).count();
                page.write(line, 0, &format!("{name}: {free} of {count} available"), Color::Reset);
            }
        }
        page.write_foot(lines.saturating_sub(1), picture, light);
        page
    }

    fn draw_seats(&self, page: &mut Page, top: u16, lines: u16, picture: &Picture) {
        let (columns, per_cell) = (usize::from(page.columns), if self.colours { 2 } else { 1 });
        let rows = usize::from(lines) * per_cell;
        if columns == 0 || rows == 0 {
            return;
        }
        // A letter's cell is twice as high as it is wide; half of one is square.
        let stretch = if self.colours { 1.0 } else { 2.0 };
        let scale_x = (columns - 1) as f64 / self.width.max(1.0);
        let scale_y = (rows - 1) as f64 * stretch / self.height.max(1.0);
        let scale = scale_x.min(scale_y);
        let indent = ((columns - 1) as f64 - self.width * scale) / 2.0;
        let mut spots = vec![[0_u32; 4]; columns * rows];
        for &(seat, x, y) in &self.seats {
            let column = (x * scale + indent).round() as usize;
            let row = (y * scale / stretch).round() as usize;
            if let Some(spot) = spots.get_mut(row.min(rows - 1) * columns + column.min(columns - 1))
            {
                spot[picture.state(seat) as usize] += 1;
            }
        }
        let most = |spot: &[u32; 4]| {
            let (state, &seats) = spot.iter().enumerate().max_by_key(|(_, seats)| **seats)?;
            (seats > 0).then(|| STATES[state])
        };
        for (line, pair) in spots.chunks(columns * per_cell).enumerate() {
            let (upper, lower) = pair.split_at(columns);
            let start = (usize::from(top) + line) * columns;
            for (column, cell) in page.cells[start..start + columns].iter_mut().enumerate() {
                let below = lower.get(column).and_then(most);
                *cell = self.cell(most(&upper[column]), below);
            }
        }
    }

    fn cell(&self, above: Option<SeatState>, below: Option<SeatState>) -> Cell {
        let (letter, ink, paper) = match (above, below) {
            (None, None) => return Cell::EMPTY,
            (Some(state), _) if !self.colours => (letter(state), Color::Reset, Color::Reset),
            (Some(above), Some(below)) => ('▀', colour(above), colour(below)),
            (Some(above), None) => ('▀', colour(above), Color::Reset),
            (None, Some(below)) => ('▄', colour(below), Color::Reset),
        };
        Cell { letter, ink, paper }
    }
}

impl Page {
    /// Writes as much as fits, and gives the column after it.
    fn write(&mut self, line: u16, column: u16, text: &str, ink: Color) -> u16 {
        let start = usize::from(line) * usize::from(self.columns);
        let mut at = column;
        for letter in text.chars() {
            let inside = at < self.columns;
            let Some(cell) = self.cells.get_mut(start + usize::from(at)).filter(|_| inside) else {
                break;
            };
            *cell = Cell { letter, ink, paper: Color::Reset };
            at += 1;
        }
        at
    }

    fn write_foot(&mut self, line: u16, picture: Option<&Picture>, light: &Light) {
        let lit = match light {
            Light::Connecting => Color::Yellow,
            Light::Live => Color::Green,
            Light::Away(_) => Color::Red,
        };
        let mut at = self.write(line, 0, "● ", lit);
        at = self.write(line, at, &light.to_string(), Color::Reset);
        if let Some(picture) = picture {
            for (state, count) in STATES.into_iter().zip(picture.counts()) {
                at = self.write(line, at, "  ■ ", colour(state));
                at = self.write(line, at, &format!("{count} {}", word(state)), Color::Reset);
            }
            at = self.write(line, at, &format!("  #{}", picture.seq()), Color::DarkGrey);
        }
        self.write(line, at, "  q quits", Color::DarkGrey);
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::tests::{layout, picture};
    use super::*;

    fn lines(page: &Page) -> Vec<String> {
        let columns = usize::from(page.columns);
        page.cells
            .chunks(columns)
            .map(|line| line.iter().map(|cell| cell.letter).collect::<String>().trim_end().into())
            .collect()
    }

    #[test]
    fn seats_are_drawn_where_they_stand_in_the_colour_of_their_state() {
        let map = Map { colours: true, ..Map::of(&layout()) };
        let picture = picture(&[(2, 1, SeatState::Sold)]);
        // The plan is 20 by 40 units: twelve map lines have room for 23 half cells of height.
        let page = map.draw(60, 16, Some(&picture), "Hamlet", &Light::Live);
        let drawn = lines(&page);
        assert_eq!(drawn[0], "Hamlet");
        assert_eq!(drawn[1].trim_start().chars().filter(|&c| c == '▀').count(), 3);
        let sold = page.cells.iter().filter(|cell| cell.ink == Color::Red && cell.letter != ' ');
        assert_eq!(sold.count(), 2, "the seat, and the square in the legend");
        assert_eq!(drawn[13], "Floor: 2 of 2 available");
        assert!(drawn[15].starts_with("● live  ■ 6 available  ■ 0 held  ■ 1 sold"), "{drawn:?}");
    }

    #[test]
    fn a_terminal_of_any_size_is_drawn_in() {
        let picture = picture(&[(0, 3, SeatState::Held)]);
        for colours in [true, false] {
            let map = Map { colours, ..Map::of(&layout()) };
            for columns in 0..30 {
                for lines in 0..12 {
                    let page = map.draw(columns, lines, Some(&picture), "Hamlet", &Light::Live);
                    assert_eq!(page.cells.len(), usize::from(columns * lines));
                }
            }
        }
    }
}

//! The layout as clients fetch it: `GET /v1/shows/{show}/layout` of the protocol.
//!
//! Owns the shape of that one JSON. It takes what it needs of a show as plain values, because the
//! hall knows nothing of shows.

use serde::{Serialize, Serializer};

use super::{Area, Decoration, Hall, Place, Row, Section, Size};

#[derive(Serialize)]
struct Layout<'h> {
    show: &'h str,
    epoch: String,
    seats: u32,
    categories: Vec<CategoryView<'h>>,
    sections: Vec<SectionView<'h>>,
    areas: Vec<AreaView<'h>>,
    decorations: &'h [Decoration],
    size: SizeView,
}

#[derive(Serialize)]
struct CategoryView<'h> {
    name: &'h str,
    color: &'h str,
    price: u64,
}

#[derive(Serialize)]
struct SectionView<'h> {
    name: &'h str,
    rows: Vec<RowView<'h>>,
}

#[derive(Serialize)]
struct RowView<'h> {
    label: &'h str,
    first: u32,
    gaps: &'h [u32],
    seats: Vec<SeatView<'h>>,
}

/// `["1", x, y, category]`.
#[derive(Serialize)]
struct SeatView<'h>(&'h str, Coordinate, Coordinate, u16);

#[derive(Serialize)]
struct AreaView<'h> {
    name: &'h str,
    category: u16,
    first: u32,
    count: u32,
    shape: &'h Decoration,
}

#[derive(Serialize)]
struct SizeView {
    width: Coordinate,
    height: Coordinate,
}

/// Written in as few characters as a hundredth of a unit allows: `25`, `478.85`.
struct Coordinate(f64);

impl Serialize for Coordinate {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let hundredths = (self.0 * 100.0).round();
        if hundredths % 100.0 == 0.0 {
            // Coordinates are finite and below 2^53 by the import's limits.
            to.serialize_i64((hundredths / 100.0) as i64)
        } else {
            to.serialize_f64(hundredths / 100.0)
        }
    }
}

/// The layout of a show in this hall. `prices` are in the currency's minor unit, one for each of
/// the hall's categories, in their order.
pub fn layout_json(hall: &Hall, show: &str, epoch: u64, prices: &[u64]) -> Vec<u8> {
    debug_assert_eq!(prices.len(), hall.categories.len(), "a price for each category");
    let Size { width, height } = hall.size;
    let categories = hall.categories.iter().zip(prices);
    let layout = Layout {
        show,
        // Decimal text: JavaScript's numbers are too small for 64 bits.
        epoch: epoch.to_string(),
        seats: hall.seats(),
        categories: categories
            .map(|(c, &price)| CategoryView { name: &c.name, color: &c.color, price })
            .collect(),
        sections: hall.sections.iter().map(section).collect(),
        areas: hall.areas.iter().map(area).collect(),
        decorations: &hall.decorations,
        size: SizeView { width: Coordinate(width), height: Coordinate(height) },
    };
    // No map with keys that are not texts and no type that refuses: nothing here can fail.
    serde_json::to_vec(&layout).expect("a layout of texts and numbers is always JSON")
}

fn section(section: &Section) -> SectionView<'_> {
    SectionView { name: &section.name, rows: section.rows.iter().map(row).collect() }
}

fn row(row: &Row) -> RowView<'_> {
    let seats = row.seats.iter().map(seat);
    RowView { label: &row.label, first: row.first, gaps: &row.gaps, seats: seats.collect() }
}

fn seat(place: &Place) -> SeatView<'_> {
    SeatView(&place.number, Coordinate(place.x), Coordinate(place.y), place.category)
}

fn area(area: &Area) -> AreaView<'_> {
    AreaView {
        name: &area.name,
        category: area.category,
        first: area.first,
        count: area.count,
        shape: &area.shape,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::hall::{Category, Shape, stadium, theatre};

    fn small() -> Hall {
        let place = |number: &str, x| Place { number: number.into(), x, y: 10.123_4, category: 0 };
        let floor = Decoration {
            shape: Shape::Circle { x: 5.0, y: 6.0, radius: 2.5 },
            rotation: 0.0,
            color: None,
            border_color: None,
            text: None,
        };
        Hall {
            name: "Small".into(),
            categories: vec![Category { name: "All".into(), color: "#fff".into() }],
            sections: vec![Section {
                name: "Ground \"floor\"".into(),
                rows: vec![
                    Row {
                        label: "A".into(),
                        first: 0,
                        gaps: vec![1],
                        seats: vec![place("1", 0.0), place("2", 66.666)],
                    },
                    Row {
                        label: "B".into(),
                        first: 2,
                        gaps: vec![],
                        seats: vec![place("1", 25.0)],
                    },
                ],
            }],
            areas: vec![Area {
                name: "Floor".into(),
                category: 0,
                first: 3,
                count: 40,
                shape: floor.clone(),
            }],
            decorations: vec![floor],
            size: Size { width: 100.0, height: 50.5 },
        }
    }

    #[test]
    fn the_layout_is_as_the_protocol_says() {
        let layout = layout_json(&small(), "hamlet", u64::MAX, &[4_500]);
        let layout: Value = serde_json::from_slice(&layout).unwrap();
        let circle = json!({"shape": "circle", "x": 5.0, "y": 6.0, "radius": 2.5, "rotation": 0.0});
        let expected = json!({
            "show": "hamlet",
            "epoch": "18446744073709551615",
            "seats": 43,
            "categories": [{"name": "All", "color": "#fff", "price": 4500}],
            "sections": [{"name": "Ground \"floor\"", "rows": [
                {"label": "A", "first": 0, "gaps": [1],
                 "seats": [["1", 0, 10.12, 0], ["2", 66.67, 10.12, 0]]},
                {"label": "B", "first": 2, "gaps": [], "seats": [["1", 25, 10.12, 0]]},
            ]}],
            "areas": [{"name": "Floor", "category": 0, "first": 3, "count": 40, "shape": circle}],
            "decorations": [circle],
            "size": {"width": 100, "height": 50.5},
        });
        assert_eq!(layout, expected);
    }

    #[test]
    fn a_layout_of_60000_stays_small() {
        let hall = stadium();
        let layout = layout_json(&hall, "final", 7, &vec![100; hall.categories.len()]);
        assert!(layout.len() < 1_500_000, "{} bytes", layout.len());
    }

    #[test]
    fn a_layout_gives_back_every_seat_of_its_hall() {
        let hall = theatre();
        let layout = layout_json(&hall, "s", 1, &vec![1; hall.categories.len()]);
        let layout: Value = serde_json::from_slice(&layout).unwrap();
        let rows = hall.sections.iter().enumerate().flat_map(|(s, section)| {
            section.rows.iter().enumerate().map(move |(r, row)| (s, r, row))
        });
        for (s, r, row) in rows {
            let written = &layout["sections"][s]["rows"][r];
            assert_eq!(written["first"], row.first);
            for (i, seat) in row.seats.iter().enumerate() {
                let expected = json!([seat.number, seat.x, seat.y, seat.category]);
                let found = &written["seats"][i];
                assert_eq!(found[0], expected[0]);
                assert_eq!(found[1].as_f64(), Some(seat.x));
                assert_eq!(found[2].as_f64(), Some(seat.y));
                assert_eq!(found[3], expected[3]);
            }
        }
    }
}

//! Importing plans: the fixtures, and what comes in. Refusals, warnings and the property that nothing
//! makes the import panic are in files of their own.

mod anything;
mod refusals;
mod warnings;

use serde_json::{Value, json};

use super::*;
use crate::hall::Shape;

const SEATS_MAX: u32 = 200_000;

/// A plan of one row of three seats, in order in every respect.
fn plan() -> Value {
    let seat = |number: u32| {
        json!({"seat_guid": format!("g{number}"), "seat_number": number.to_string(),
               "category": "All", "position": {"x": 25 * number, "y": 0}})
    };
    json!({
        "name": "Studio", "size": {"width": 300, "height": 200},
        "categories": [{"name": "All", "color": "#222222"}],
        "zones": [{"name": "Floor", "position": {"x": 0, "y": 0}, "areas": [],
                   "rows": [{"row_number": "A", "seats": [seat(1), seat(2), seat(3)]}]}],
    })
}

/// The plan with the value at `path` replaced or put in.
fn with(path: &str, value: Value) -> Value {
    let mut plan = plan();
    let (parent, key) = path.rsplit_once('/').unwrap();
    match plan.pointer_mut(parent).unwrap() {
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        Value::Object(members) => drop(members.insert(key.to_owned(), value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            panic!("{parent} holds nothing")
        }
    }
    plan
}

/// The plan without the member at `path`.
fn without(path: &str) -> Value {
    let mut plan = plan();
    let (parent, key) = path.rsplit_once('/').unwrap();
    plan.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    plan
}

fn import(plan: &Value) -> Result<Imported, Refused> {
    from_pretix(plan.to_string().as_bytes(), None, SEATS_MAX)
}

fn imported(plan: &Value) -> Imported {
    import(plan).unwrap_or_else(|refused| panic!("{:?}", refused.faults))
}

/// The gaps of a plan whose one row has seats at these places.
fn gaps_of(places: &[(f64, f64)]) -> Vec<u32> {
    let seats: Vec<Value> = places
        .iter()
        .enumerate()
        .map(|(i, (x, y))| {
            json!({"seat_guid": i.to_string(), "seat_number": i.to_string(), "category": "All",
                   "position": {"x": x, "y": y}})
        })
        .collect();
    let hall = imported(&with("/zones/0/rows/0/seats", json!(seats))).hall;
    hall.sections[0].rows[0].gaps.clone()
}

#[test]
fn a_plan_in_order_comes_in_without_a_warning() {
    let Imported { hall, warnings } = imported(&plan());
    assert_eq!(warnings, []);
    assert_eq!((hall.name.as_str(), hall.seats()), ("Studio", 3));
}

#[test]
fn a_name_given_replaces_the_plans_own_and_is_checked_alike() {
    let plan = plan().to_string();
    let hall = from_pretix(plan.as_bytes(), Some(" Old\tMill "), SEATS_MAX).unwrap().hall;
    assert_eq!(hall.name, "Old Mill");
    for bad in ["", " ", &"n".repeat(201)] {
        assert!(from_pretix(plan.as_bytes(), Some(bad), SEATS_MAX).is_err(), "{bad}");
    }
}

#[test]
fn an_aisle_is_where_seats_stand_further_apart_than_1_6_usual_steps() {
    let line = |xs: &[f64]| gaps_of(&xs.iter().map(|x| (*x, 0.0)).collect::<Vec<_>>());
    // A double seat takes one and a half steps and is no aisle; a seat left out is one.
    assert_eq!(line(&[0.0, 20.0, 40.0, 70.0, 90.0]), [] as [u32; 0]);
    assert_eq!(line(&[0.0, 20.0, 40.0, 80.0, 100.0]), [3]);
    assert_eq!(line(&[0.0, 20.0, 52.0, 72.0]), [] as [u32; 0]);
    assert_eq!(line(&[0.0, 20.0, 52.1, 72.1]), [2]);
    // Seats listed from the right, or down the drawing, are no different.
    assert_eq!(line(&[100.0, 80.0, 40.0, 20.0, 0.0]), [2]);
    assert_eq!(gaps_of(&[(0.0, 0.0), (0.0, 20.0), (0.0, 60.0), (0.0, 80.0)]), [2]);
}

#[test]
fn a_row_of_two_goes_by_the_spacing_of_the_hall() {
    let pair = |x: f64| {
        let seat = |n: &str, x: f64| {
            json!({"seat_guid": format!("p{n}"), "seat_number": n, "category": "All",
                   "position": {"x": x, "y": 50}})
        };
        let row = json!({"row_number": "B", "seats": [seat("1", 0.0), seat("2", x)]});
        imported(&with("/zones/0/rows/-", row)).hall.sections[0].rows[1].gaps.clone()
    };
    assert_eq!(pair(25.0), [] as [u32; 0]);
    assert_eq!(pair(60.0), [1]);
}

#[test]
fn a_row_that_doubles_back_sells_nobody_as_a_neighbour_who_is_not() {
    let line = |xs: &[f64]| gaps_of(&xs.iter().map(|x| (*x, 0.0)).collect::<Vec<_>>());
    // Odd numbers to the left of the middle, even ones to the right.
    assert_eq!(line(&[-10.0, -30.0, -50.0, 10.0, 30.0, 50.0]), [3]);
    // From the middle outwards, left and right in turn: only the first two are neighbours.
    assert_eq!(line(&[-10.0, 10.0, -30.0, 30.0, -50.0, 50.0]), [2, 3, 4, 5]);
    // A round table of three is no such thing.
    assert_eq!(gaps_of(&[(0.0, 0.0), (20.0, 0.0), (10.0, 17.3)]), [] as [u32; 0]);
}

#[test]
fn a_whole_plan_comes_in_with_positions_added_up_and_areas_numbered_last() {
    let plan = include_bytes!("../../../../tests/plans/studio.json");
    let Imported { hall, warnings } = from_pretix(plan, None, SEATS_MAX).unwrap();
    assert_eq!(warnings, []);
    assert_eq!((hall.name.as_str(), hall.seats()), ("Harbour Studio", 51));
    let rows: Vec<_> = hall.sections.iter().flat_map(|section| &section.rows).collect();
    assert_eq!(rows.iter().map(|row| row.first).collect::<Vec<_>>(), [0, 6, 9]);
    assert_eq!(rows[0].gaps, [3]);
    let fourth = &rows[0].seats[3];
    assert_eq!((fourth.x, fourth.y, fourth.number.as_str()), (220.0, 124.0, "4"));
    assert_eq!(rows[1].seats.iter().map(|seat| seat.category).collect::<Vec<_>>(), [1, 1, 0]);
    let pit = &hall.areas[0];
    assert_eq!((pit.name.as_str(), pit.first, pit.count, pit.category), ("The Pit", 11, 40, 3));
    let pit = Shape::Rectangle { x: 320.0, y: 120.0, width: 120.0, height: 90.0 };
    assert_eq!(hall.areas[0].shape.shape, pit);
    let stage = &hall.decorations[0];
    let points = vec![(120.0, 20.0), (260.0, 20.0), (240.0, 80.0), (140.0, 80.0)];
    assert_eq!(stage.shape, Shape::Polygon { x: 120.0, y: 20.0, points });
    let words = stage.text.as_ref().unwrap();
    assert_eq!((words.text.as_str(), words.x, words.y, words.size), ("Stage", 190.0, 50.0, 20.0));
}

#[test]
fn a_hall_survives_being_kept_as_json() {
    let plan = include_bytes!("../../../../tests/plans/studio.json");
    let hall = from_pretix(plan, None, SEATS_MAX).unwrap().hall;
    let kept = serde_json::to_vec(&hall).unwrap();
    assert_eq!(serde_json::from_slice::<Hall>(&kept).unwrap(), hall);
}

#[test]
fn a_plan_of_standing_places_alone_is_a_hall() {
    let mut plan = with("/zones/0/rows", json!([]));
    plan["zones"][0]["areas"] = json!([{"shape": "text", "capacity": 500, "category": "All"}]);
    let hall = imported(&plan).hall;
    assert_eq!((hall.seats(), hall.sections.len(), hall.areas[0].name.as_str()), (500, 0, "Floor"));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "where the real plan lies is not the core's affair")]
fn the_real_stadium_comes_in_whole_and_its_faults_are_reported() {
    let folder = std::env::var("USHER_SHARED_DATA").unwrap_or_else(|_| "../shared/data".into());
    let path = format!("{folder}/stadium-738.pretix.json");
    let Ok(plan) = std::fs::read(&path) else {
        eprintln!("SKIPPED: there is no {path}; the real stadium was not tried.");
        return;
    };
    let Imported { hall, warnings } = from_pretix(&plan, None, SEATS_MAX).unwrap();
    let rows = hall.sections.iter().map(|section| section.rows.len()).sum::<usize>();
    assert_eq!((hall.seats(), rows, hall.sections.len()), (738, 90, 2));
    let of = |kind| warnings.iter().filter(|w| w.kind == kind).collect::<Vec<_>>();
    assert_eq!(of(WarningKind::RepeatedGuid).len(), 126);
    let forbidden: Vec<_> = of(WarningKind::Forbidden).iter().map(|w| w.path.clone()).collect();
    let rectangle = "/zones/0/areas/0/rectangle";
    assert_eq!(forbidden, [format!("{rectangle}/width"), format!("{rectangle}/height")]);
    // The first floor is drawn over the ground floor: all its 18 rows.
    assert_eq!(of(WarningKind::Position).len(), 18);
}

//! What is odd and comes in all the same.

use super::*;

#[test]
fn what_can_still_be_a_hall_comes_in_with_a_warning_that_says_where() {
    let seat = "/zones/0/rows/0/seats/1";
    let at = |member: &str| format!("{seat}/{member}");
    let rectangle = json!({"shape": "rectangle", "rectangle": {"width": 10.5, "height": 0}});
    #[rustfmt::skip]
    let table: Vec<(Value, String, &str)> = vec![
        (without("/name"), "".into(), "no name; the hall is called “Untitled hall”"),
        (without("/size"), "".into(), "does not give its size"),
        (with("/size/width", json!(0)), "/size".into(), "holds nothing"),
        (with("/size/width", json!(40)), "".into(), "2 seats stand outside the drawing of 40 by 200"),
        (with("/size/width", json!(300.5)), "/size/width".into(), "300.5 is not a whole number"),
        (with("/extra", json!(1)), "/extra".into(), "“extra” is not a member of a plan"),
        (with(&at("a~b"), json!(1)), at("a~0b"), "“a~b” is not a member of a seat"),
        (with("/categories/-", json!({"name": "All"})), "/categories/1".into(), "there already, at /categories/0"),
        (with("/categories/-", json!({"name": "Box"})), "/categories".into(), "“Box” has no seats"),
        (with("/categories/0/color", json!("url(x)")), "/categories/0/color".into(), "Not a colour"),
        (without("/zones/0/name"), "/zones/0".into(), "called “Section 1”"),
        (with("/zones/0/zone_id", json!(5)), "/zones/0/zone_id".into(), "should be text"),
        (with("/zones/-", json!({"name": "Z", "position": {"x": 0, "y": 0}, "rows": []})), "/zones/1".into(), "no seats and no areas"),
        (with("/zones/0/rows/-", json!({"row_number": "B", "seats": []})), "/zones/0/rows/1".into(), "has no seats; it is left out"),
        (with("/zones/0/rows/0/row_number", json!("")), "/zones/0/rows/0".into(), "called “1”"),
        (with("/zones/0/rows/0/row_number", json!(12)), "/zones/0/rows/0/row_number".into(), "should be text, “12”"),
        (with(&at("seat_guid"), json!("g1")), at("seat_guid"), "“g1” is used by 2 seats: first by /zones/0/rows/0/seats/0"),
        (without(&at("seat_guid")), seat.into(), "no seat_guid"),
        (with(&at("seat_number"), json!("1")), "/zones/0/rows/0".into(), "have the number “1”"),
        (with(&at("seat_number"), json!("")), seat.into(), "called “2”"),
        (with(&at("seat_number"), json!("2\u{1b}[2J")), at("seat_number"), "control characters"),
        (with(&at("radius"), json!(7.5)), at("radius"), "7.5 is not a whole number"),
        (with(&at("position"), json!({"x": 25, "y": 0})), seat.into(), "stands 0.00 units from /zones/0/rows/0/seats/0"),
        (with("/zones/0/areas/-", rectangle.clone()), "/zones/0/areas/0/rectangle/width".into(), "10.5 is not a whole"),
        (with("/zones/0/areas/-", rectangle), "/zones/0/areas/0".into(), "no extent"),
        (with("/zones/0/areas/-", json!({"shape": "star"})), "/zones/0/areas/0/shape".into(), "not a shape"),
        (with("/zones/0/areas/-", json!({"shape": "text", "text": {"text": "Bar"}, "capacity": 5})), "/zones/0/areas/0/capacity".into(), "both a capacity and a category"),
    ];
    for (plan, path, part) in table {
        let Imported { hall, warnings } = imported(&plan);
        assert_eq!(hall.seats(), 3, "{path} {part}");
        let found = warnings.iter().any(|w| w.path == path && w.message.contains(part));
        assert!(found, "{path} {part}: {warnings:?}");
    }
}

#[test]
fn a_member_written_twice_is_told_and_the_last_one_counts() {
    let text =
        plan().to_string().replacen("\"name\":\"Studio\"", "\"name\":\"A\",\"name\":\"B\"", 1);
    let Imported { hall, warnings } = from_pretix(text.as_bytes(), None, SEATS_MAX).unwrap();
    assert_eq!(hall.name, "B");
    assert!(warnings.iter().any(|w| w.kind == WarningKind::RepeatedMember), "{warnings:?}");
}

#[test]
fn a_member_that_nobody_knows_is_told_once_for_all_seats_that_have_it() {
    let mut plan = plan();
    for seat in plan.pointer_mut("/zones/0/rows/0/seats").unwrap().as_array_mut().unwrap() {
        seat["tooltip"] = json!("nice view");
    }
    let warnings = imported(&plan).warnings;
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].path, "/zones/0/rows/0/seats/0/tooltip");
    assert!(warnings[0].message.contains("3 have it"), "{}", warnings[0].message);
}

#[test]
fn warnings_of_one_kind_are_bounded_and_hide_no_other_kind() {
    let seats: Vec<Value> = (0..1_000)
        .map(|i| json!({"seat_number": i.to_string(), "category": "All", "position": {"x": 25 * i, "y": 0}}))
        .collect();
    let mut plan = with("/zones/0/rows/0/seats", json!(seats));
    plan["size"] = json!({"width": 30_000.5, "height": 100});
    let warnings = imported(&plan).warnings;
    let missing: Vec<_> = warnings.iter().filter(|w| w.kind == WarningKind::Missing).collect();
    assert_eq!(missing.len(), WARNINGS_PER_KIND_MAX + 1);
    let last = missing[WARNINGS_PER_KIND_MAX];
    assert_eq!(last.message, "And 750 more of this kind, from here on.");
    assert_eq!(last.path, "/zones/0/rows/0/seats/250");
    assert!(warnings.iter().any(|w| w.path == "/size/width"));
}

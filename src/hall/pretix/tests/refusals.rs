//! What cannot be a hall, and where its faults stand.

use super::*;

#[test]
fn what_cannot_be_a_hall_is_refused_with_what_is_wrong_and_where() {
    let seat = "/zones/0/rows/0/seats/1";
    let at = |member: &str| format!("{seat}/{member}");
    let area = |more: Value| {
        let mut area = json!({"shape": "text", "text": {"text": "Pit"}, "category": "All"});
        area.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        with("/zones/0/areas/-", area)
    };
    let many: Vec<Value> = (0..1_001).map(|i| json!({"name": i.to_string()})).collect();
    #[rustfmt::skip]
    let table: Vec<(Value, String, &str)> = vec![
        // plan · path · part of the message
        (json!([]), "".into(), "must be an object, but this is a list"),
        (json!(null), "".into(), "must be an object, but this is null"),
        (json!("x"), "".into(), "must be an object, but this is the text “x”"),
        (json!({}), "".into(), "“categories” is missing"),
        (with("/name", json!(7)), "/name".into(), "must be text, but it is the number 7"),
        (with("/name", json!("n".repeat(201))), "/name".into(), "201 characters are too many"),
        (with("/categories", json!({})), "/categories".into(), "must be a list, but it is an object"),
        (with("/categories", json!(many)), "/categories".into(), "1001 categories are too many"),
        (with("/categories/0", json!({"color": "red"})), "/categories/0".into(), "“name” is missing"),
        (with("/categories/0/name", json!(" ")), "/categories/0/name".into(), "has to have a name"),
        (without("/zones"), "".into(), "“zones” is missing"),
        (with("/zones", json!([])), "/zones".into(), "no seats"),
        (with("/zones/0", json!(true)), "/zones/0".into(), "must be an object, but this is true"),
        (without("/zones/0/position"), "/zones/0".into(), "“position” is missing"),
        (with("/zones/0/rows", json!([])), "/zones".into(), "no seats"),
        (with("/zones/0/rows/0/seats", json!([])), "/zones".into(), "no seats"),
        (without("/zones/0/rows/0/seats"), "/zones/0/rows/0".into(), "“seats” is missing"),
        (with("/zones/0/rows/0/row_number", json!([])), "/zones/0/rows/0/row_number".into(), "must be text"),
        (without(&at("category")), seat.into(), "“category” is missing"),
        (without(&at("position")), seat.into(), "“position” is missing"),
        (without(&at("seat_number")), seat.into(), "“seat_number” is missing"),
        (without(&at("position/y")), at("position"), "“y” is missing"),
        (with(&at("category"), json!("Balkony")), at("category"), "no category “Balkony”"),
        (with(&at("category"), json!(0)), at("category"), "must be text, but this is the number 0"),
        (with(&at("position/x"), json!("7")), at("position/x"), "must be a number, but it is the text “7”"),
        (with(&at("position/x"), json!(null)), at("position"), "“x” is missing"),
        (with(&at("position/x"), json!(1.1e7)), at("position/x"), "beyond any drawing"),
        (with(&at("position/x"), json!(-1e300)), at("position/x"), "beyond any drawing"),
        (with(&at("position"), json!([1, 2])), at("position"), "must be an object"),
        (with(&at("seat_number"), json!("9".repeat(33))), at("seat_number"), "33 characters are too many"),
        (area(json!({"capacity": 0})), "/zones/0/areas/0/capacity".into(), "at least 1, but this is the number 0"),
        (area(json!({"capacity": 1.5})), "/zones/0/areas/0/capacity".into(), "whole number"),
        (area(json!({"capacity": "many"})), "/zones/0/areas/0/capacity".into(), "the text “many”"),
        (area(json!({"capacity": 5, "category": "X"})), "/zones/0/areas/0/category".into(), "no category “X”"),
        (area(json!({"capacity": 199_998})), "/zones/0/areas/0/capacity".into(), "200001 seats, and the limit is 200000"),
        (area(json!({"capacity": 1e300})), "/zones/0/areas/0/capacity".into(), "the limit is 200000"),
        (with("/size/width", json!("wide")), "/size/width".into(), "must be a number"),
        (area(json!({"shape": "circle", "circle": {"radius": "r"}})), "/zones/0/areas/0/circle/radius".into(), "must be a number"),
        (area(json!({"shape": "rectangle"})), "/zones/0/areas/0".into(), "“rectangle” is missing"),
    ];
    for (plan, path, part) in table {
        let Err(refused) = import(&plan) else { panic!("{path} {part}: came in") };
        let found = refused.faults.iter().any(|f| f.path == path && f.message.contains(part));
        assert!(found, "{path} {part}: {:?}", refused.faults);
        // A fault stands at something that is there.
        for fault in &refused.faults {
            assert!(plan.pointer(&fault.path).is_some(), "{} leads nowhere", fault.path);
        }
    }
}

#[test]
fn broken_json_is_refused_with_its_line_and_column() {
    let table: [(&[u8], &str); 7] = [
        (b"", "line 1 column 0"),
        (b"{\n  \"name\": oops}", "line 2 column 11"),
        (b"{\"name\": \"x\"", "line 1 column 12"),
        (b"{} {}", "line 1 column 4"),
        (b"{\"x\": NaN}", "line 1 column 7"),
        (b"{\"x\": 1e999}", "out of range at line 1 column"),
        (b"{\"name\": \"\xff\"}", "line 1 column"),
    ];
    for (plan, place) in table {
        let refused = from_pretix(plan, None, SEATS_MAX).unwrap_err();
        assert_eq!(refused.faults.len(), 1);
        assert_eq!(refused.faults[0].path, "");
        let message = &refused.faults[0].message;
        assert!(message.starts_with("Not JSON: ") && message.contains(place), "{message}");
    }
}

#[test]
fn a_plan_nested_without_end_is_refused_and_does_not_exhaust_the_stack() {
    let deep = "[".repeat(1_000_000);
    let refused = from_pretix(deep.as_bytes(), None, SEATS_MAX).unwrap_err();
    assert!(refused.faults[0].message.contains("recursion limit"), "{:?}", refused.faults);
}

#[test]
fn a_million_seats_are_refused_where_the_limit_is_passed() {
    let row = json!({"row_number": "A", "seats": vec![json!(0); 1_000]});
    let plan = with("/zones/0/rows", json!(vec![row; 1_000]));
    let refused = import(&plan).unwrap_err();
    let expected = Fault {
        path: "/zones/0/rows/200/seats".into(),
        message: "The plan has 1000000 seats, and the limit is 200000. It is passed here.".into(),
    };
    assert_eq!(refused.faults, [expected]);
}

#[test]
fn all_faults_are_told_up_to_a_limit_and_then_how_many_more_there_are() {
    let seats = json!(vec![json!({}); 200]);
    let faults = import(&with("/zones/0/rows/0/seats", seats)).unwrap_err().faults;
    assert_eq!(faults.len(), FAULTS_MAX);
    // Each seat lacks its number, its position and its category.
    let more = 3 * 200 - (FAULTS_MAX - 1);
    assert_eq!(faults[FAULTS_MAX - 1].message, format!("And {more} more faults."));
}

//! Whatever comes in, the import answers with a checked hall or with faults.

use proptest::prelude::*;

use super::*;

/// Anything that might stand in a plan's place.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("All")),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("x|y|name|seats|capacity|text|.{0,3}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The pointers to every value in a plan.
fn pointers(value: &Value, path: String, all: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| pointers(value, format!("{path}/{key}"), all));
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, item)| pointers(item, format!("{path}/{index}"), all)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    all.push(path);
}

/// What every hall promises that came in.
fn assert_checked(hall: &Hall) {
    let mut next = 0;
    assert!(hall.seats() > 0 && hall.seats() <= SEATS_MAX);
    for row in hall.sections.iter().flat_map(|section| &section.rows) {
        assert_eq!(row.first, next);
        next += row.seats.len() as u32;
        assert!(!row.seats.is_empty() && row.gaps.is_sorted());
        assert!(row.gaps.iter().all(|gap| (1..row.seats.len() as u32).contains(gap)));
        for seat in &row.seats {
            assert!(usize::from(seat.category) < hall.categories.len());
            assert!(seat.x.is_finite() && seat.y.is_finite());
        }
    }
    for area in &hall.areas {
        assert_eq!(area.first, next);
        next += area.count;
        assert!(usize::from(area.category) < hall.categories.len());
    }
    assert_eq!(hall.seats(), next);
}

proptest! {
    #[test]
    fn no_bytes_make_the_import_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(from_pretix(&bytes, None, SEATS_MAX).is_err());
    }

    #[test]
    fn a_plan_with_anything_in_any_place_is_a_checked_hall_or_is_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 1..4),
    ) {
        let plan = include_str!("../../../../tests/plans/studio.json");
        let mut plan: Value = serde_json::from_str(plan).unwrap();
        for (which, value) in changes {
            let mut all = Vec::new();
            pointers(&plan, String::new(), &mut all);
            if let Some(place) = plan.pointer_mut(&all[which.index(all.len())]) {
                *place = value;
            }
        }
        match import(&plan) {
            Ok(imported) => assert_checked(&imported.hall),
            Err(refused) => {
                prop_assert!(!refused.faults.is_empty());
                for fault in refused.faults {
                    prop_assert!(plan.pointer(&fault.path).is_some(), "{:?}", fault);
                }
            }
        }
    }
}

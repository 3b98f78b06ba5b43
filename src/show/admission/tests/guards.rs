//! The guards: what other nodes may have put into the log at the same time, and what counts of it.

use super::*;

const DOORS: Time = Time(NOON.0 + 60_000);

fn called(next: &[u64], upto: u64) -> RoomFact {
    RoomFact::NumbersCalled { next: next.into(), upto, until: NOON.plus_ms(CALL_MS) }
}

fn taken(count: u8) -> RoomFact {
    RoomFact::NumbersTaken { aliases: (0..count).map(|who| Alias([who; 16])).collect() }
}

fn admitted(number: u64, alias: u8) -> RoomFact {
    RoomFact::Admitted { number, alias: Alias([alias; 16]), until: NOON.plus_ms(PASS_MS) }
}

/// What is done before, what then is tried, when, and whether that counts.
type Row = (&'static str, Vec<RoomFact>, RoomFact, Time, bool);

fn check(make: fn() -> Rush, table: Vec<Row>) {
    for (what, before, tried, at, counts) in table {
        let mut rush = make();
        for fact in before {
            assert_ne!(rush.happens(fact.clone()), Outcome::Void, "{what}: {fact:?}");
        }
        rush.now = at;
        let counted = rush.happens(tried.clone()) != Outcome::Void;
        assert_eq!(counted, counts, "{what}: {tried:?}");
    }
}

#[test]
fn numbers_are_taken_by_somebody_before_the_show() {
    check(
        || Rush::for_many(2),
        vec![
            ("by three at once", vec![], taken(3), NOON, true),
            ("by nobody", vec![], taken(0), NOON, false),
            ("a moment before the show", vec![], taken(1), Time(STARTS.0 - 1), true),
            ("once the show has begun", vec![], taken(1), STARTS, false),
        ],
    );
    let mut rush = Rush::for_many(2);
    let first =
        |first, count| Outcome::OfRoom(RoomOutcome::NumbersTaken { first, count, early: false });
    assert_eq!(rush.happens(taken(3)), first(1, 3));
    assert_eq!(rush.happens(taken(1)), first(4, 1));
    let mut rush = Rush::of(show(10, None));
    assert_eq!(rush.happens(taken(1)), Outcome::Void, "there is no waiting room");
}

#[test]
fn doors_open_once_in_time_with_the_secret_of_the_show() {
    let opened = |secret| RoomFact::DoorsOpened { secret };
    check(
        || Rush::with_doors(2),
        vec![
            ("in time", vec![taken(2)], opened(SECRET), DOORS, true),
            ("too soon", vec![taken(2)], opened(SECRET), Time(DOORS.0 - 1), false),
            ("with another secret", vec![], opened(DrawSecret([8; 32])), DOORS, false),
            ("after anything else", vec![], called(&[], 0), DOORS, false),
        ],
    );
    let mut rush = Rush::with_doors(2);
    rush.now = DOORS;
    assert_eq!(rush.happens(opened(SECRET)), Outcome::OfRoom(RoomOutcome::DoorsOpened));
    assert_eq!(rush.happens(opened(SECRET)), Outcome::Void, "a second node's");
    let mut rush = Rush::for_many(2);
    assert_eq!(rush.happens(opened(SECRET)), Outcome::Void, "there are no doors");
}

#[test]
fn numbers_are_called_that_there_are_for_places_that_there_are() {
    let closed = vec![("before the doors", vec![taken(2)], called(&[], 1), NOON, false)];
    check(|| Rush::with_doors(2), closed);
    check(
        || Rush::for_many(2),
        vec![
            ("one", vec![taken(3)], called(&[], 1), NOON, true),
            ("as many as there are places", vec![taken(3)], called(&[], 2), NOON, true),
            ("more than there are places", vec![taken(3)], called(&[], 3), NOON, false),
            ("nobody", vec![taken(3)], called(&[], 0), NOON, false),
            ("who has not come", vec![taken(1)], called(&[], 2), NOON, false),
            ("a second node's", vec![taken(3), called(&[], 2)], called(&[], 2), NOON, false),
            ("back", vec![taken(3), called(&[], 2)], called(&[], 1), NOON, false),
            ("places are taken", vec![taken(3), called(&[], 1)], called(&[], 3), NOON, false),
            ("one place is left", vec![taken(3), called(&[], 1)], called(&[], 2), NOON, true),
            ("after the show began", vec![taken(3)], called(&[], 1), STARTS, false),
            (
                "one who left takes no place",
                vec![taken(3), RoomFact::PlaceGivenBack { number: 2 }],
                called(&[], 3),
                NOON,
                true,
            ),
            ("one who did not come back", vec![taken(3)], called(&[1], 1), NOON, false),
        ],
    );
}

/// A place for two, the first two passed over, and who of them came back; a minute and a bit later.
fn with_returned(returned: &[u64]) -> Rush {
    let mut rush = Rush::for_many(2);
    for fact in [taken(5), called(&[], 2)] {
        rush.happens(fact);
    }
    rush.now = NOON.plus_ms(CALL_MS);
    rush.happens(RoomFact::PlacesLapsed);
    for number in returned {
        assert_ne!(rush.happens(RoomFact::NumberReturned { number: *number }), Outcome::Void);
    }
    rush
}

#[test]
fn those_who_came_back_are_called_before_all_new_ones() {
    let at = NOON.plus_ms(CALL_MS);
    check(
        || with_returned(&[1, 2]),
        vec![
            ("both", vec![], called(&[1, 2], 2), at, true),
            ("one of them", vec![], called(&[1], 2), at, true),
            ("out of order", vec![], called(&[2, 1], 2), at, false),
            ("one twice", vec![], called(&[1, 1], 2), at, false),
            ("new ones before them", vec![], called(&[], 3), at, false),
            ("a new one before one of them", vec![], called(&[1], 3), at, false),
            ("more than there are places", vec![], called(&[1, 2], 3), at, false),
        ],
    );
    check(
        || with_returned(&[2]),
        vec![
            ("all of them, and a new one", vec![], called(&[2], 3), at, true),
            ("one who did not", vec![], called(&[1, 2], 2), at, false),
            ("two new ones too many", vec![], called(&[2], 4), at, false),
        ],
    );
}

#[test]
fn only_who_was_passed_over_comes_back_and_only_in_time() {
    let back = |number| RoomFact::NumberReturned { number };
    let lapsed = NOON.plus_ms(CALL_MS);
    let forgotten = lapsed.plus_ms(RETURN_MS);
    check(
        || with_returned(&[]),
        vec![
            ("at once", vec![], back(1), lapsed, true),
            ("at the last moment", vec![], back(1), Time(forgotten.0 - 1), true),
            ("too late", vec![], back(1), forgotten, false),
            ("twice", vec![back(1)], back(1), lapsed, false),
            ("one who is to be called", vec![], back(3), lapsed, false),
            ("one who is called", vec![called(&[], 3)], back(3), lapsed, false),
            ("no such number", vec![], back(9), lapsed, false),
        ],
    );
}

#[test]
fn only_who_is_called_is_admitted_and_only_once() {
    check(
        || Rush::for_many(2),
        vec![
            ("called", vec![taken(3), called(&[], 2)], admitted(1, 1), NOON, true),
            ("to be called", vec![taken(3), called(&[], 2)], admitted(3, 3), NOON, false),
            (
                "a second node's",
                vec![taken(3), called(&[], 2), admitted(1, 1)],
                admitted(1, 1),
                NOON,
                false,
            ),
            (
                "somebody else, with the same number",
                vec![taken(3), called(&[], 2), admitted(1, 1)],
                admitted(1, 2),
                NOON,
                false,
            ),
            (
                "one who has a pass",
                vec![taken(3), called(&[], 2), admitted(1, 1)],
                admitted(2, 1),
                NOON,
                false,
            ),
        ],
    );
    check(
        || with_returned(&[1]),
        vec![
            ("passed over", vec![], admitted(2, 2), NOON.plus_ms(CALL_MS), false),
            ("to be called again", vec![], admitted(1, 1), NOON.plus_ms(CALL_MS), false),
        ],
    );
}

#[test]
fn what_is_given_back_is_there_to_be_given() {
    let back = |number| RoomFact::PlaceGivenBack { number };
    check(
        || Rush::for_many(1),
        vec![
            ("called", vec![taken(3), called(&[], 1)], back(1), NOON, true),
            ("a pass", vec![taken(3), called(&[], 1), admitted(1, 1)], back(1), NOON, true),
            ("ahead", vec![taken(3), called(&[], 1)], back(3), NOON, true),
            ("twice", vec![taken(3), called(&[], 1), back(3)], back(3), NOON, false),
            ("twice, called", vec![taken(3), called(&[], 1), back(1)], back(1), NOON, false),
            ("never taken", vec![taken(3)], back(4), NOON, false),
            ("none", vec![taken(3)], back(0), NOON, false),
        ],
    );
}

#[test]
fn nothing_lapses_before_its_end_and_then_everything_does_at_once() {
    let calls = || vec![taken(3), called(&[], 2), admitted(1, 1)];
    let lapsed = || RoomFact::PlacesLapsed;
    check(
        || Rush::for_many(2),
        vec![
            ("nothing to lapse", vec![], lapsed(), Time(STARTS.0 - 1), false),
            ("too soon", calls(), lapsed(), NOON.plus_ms(CALL_MS - 1), false),
            ("the call", calls(), lapsed(), NOON.plus_ms(CALL_MS), true),
        ],
    );
    let mut rush = Rush::for_many(2);
    calls().into_iter().for_each(|fact| assert_ne!(rush.happens(fact), Outcome::Void));
    rush.now = NOON.plus_ms(PASS_MS);
    rush.happens(lapsed());
    assert_eq!(rush.picture(), ".p.");
    assert_eq!(rush.happens(lapsed()), Outcome::Void, "a second node's");
}

#[test]
fn one_who_came_back_is_called_alone_also_while_somebody_further_behind_has_left() {
    let mut rush = with_returned(&[1]);
    assert_ne!(rush.happens(RoomFact::PlaceGivenBack { number: 4 }), Outcome::Void);
    assert_ne!(rush.happens(called(&[1], 2)), Outcome::Void);
    assert_eq!(rush.picture(), "cp...");
}

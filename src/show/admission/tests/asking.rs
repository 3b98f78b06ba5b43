//! What may be asked of a waiting room, and what comes of it.

use super::*;

#[test]
fn numbers_are_taken_in_the_order_people_come_and_called_while_there_are_places() {
    let mut rush = Rush::for_many(2);
    rush.come(1..=5);
    assert_eq!((rush.room().arrivals(), rush.room().numbers()), (0, 5));
    assert_eq!((rush.room().serving(), rush.room().taken()), (2, 2));
    assert_eq!(rush.picture(), "cc...");
    assert_eq!(
        rush.room().place(2),
        Some(Place::Called { until: NOON.plus_ms(CALL_MS), forget_at: None })
    );
    assert!(rush.room().is_ahead(3) && !rush.room().is_ahead(2) && !rush.room().is_ahead(6));
    assert_eq!(rush.room().called_up_to(9).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn who_is_called_and_appears_may_pick_and_nobody_else() {
    let mut rush = Rush::for_many(1);
    rush.come([1, 2]);
    assert_eq!(rush.hold(1, 0), Err(Refusal::NotAdmitted), "called, but not come yet");
    let alias = rush.alias(1);
    let admitted = Outcome::OfRoom(RoomOutcome::Admitted { number: 1, alias });
    assert_eq!(rush.appear(1, 1), admitted);
    assert_eq!(rush.room().pass_of(&alias), Some((1, NOON.plus_ms(PASS_MS))));
    assert_eq!(rush.appear(2, 2), Outcome::Void, "not called yet");
    assert_eq!(rush.appear(1, 1), Outcome::Void, "admitted already");
    assert_eq!(rush.appear(1, 99), Outcome::Void, "no such number");
    assert!(rush.show.is_admitted(session(1), rush.now));
    assert!(!rush.show.is_admitted(session(2), rush.now));
    rush.hold(1, 0).unwrap();
    assert_eq!(rush.hold(2, 1), Err(Refusal::NotAdmitted));
    assert_eq!(rush.picture(), "P.");
}

#[test]
fn without_a_pass_nothing_new_is_begun_and_what_was_begun_is_finished() {
    let mut rush = Rush::for_many(1);
    rush.come([1]);
    rush.appear(1, 1);
    let hold = rush.hold(1, 0).unwrap();
    rush.leave(1, None);
    let wish =
        || Wish { quantity: 1, together: false, categories: None, sections: None, areas: None };
    let who = session(1);
    // (what is asked, and whether for want of a pass it is refused)
    let table = [
        (Command::Hold { session: who, seats: vec![3] }, true),
        (Command::HoldBest { session: who, wish: wish() }, true),
        (Command::Join { session: who, wish: wish() }, true),
        (Command::Change { session: who, hold, seats: vec![4] }, false),
        (Command::Accept { session: who }, false),
        (Command::Release { session: who, hold }, false),
    ];
    for (command, refused) in table {
        let answer = rush.ask(command.clone());
        assert_eq!(answer == Err(Refusal::NotAdmitted), refused, "{command:?}: {answer:?}");
    }
    rush.come([2]);
    rush.appear(2, 2);
    let hold = rush.hold(2, 0).unwrap();
    rush.leave(2, None);
    assert!(matches!(rush.buy(2, hold), Ok(Outcome::Sold { .. })));
}

#[test]
fn where_there_is_no_waiting_room_everybody_may_pick() {
    let mut rush = Rush::of(show(10, None));
    assert_eq!(rush.show.waiting_room(), None);
    assert_eq!(rush.show.alias_of(session(1)), None);
    let room_commands = [
        RoomCommand::TakeNumber { session: session(1) },
        RoomCommand::Appear { session: session(1), number: 1 },
        RoomCommand::GiveBack { session: session(1), number: Some(1) },
        RoomCommand::OpenDoors,
        RoomCommand::CallNumbers,
        RoomCommand::LapsePlaces,
    ];
    for command in room_commands {
        assert_eq!(rush.ask(Command::OfRoom(command)), Ok(Outcome::Void), "{command:?}");
    }
    rush.hold(1, 0).unwrap();
    assert_eq!(rush.show.next_timeout(), None);
}

#[test]
fn a_call_that_nobody_comes_to_is_passed_over_and_may_come_back_for_ten_minutes() {
    let mut rush = Rush::for_many(1);
    rush.come([1, 2, 3]);
    rush.pass(CALL_MS - 1);
    assert_eq!(rush.picture(), "c..");
    assert_eq!(rush.show.next_timeout(), Some(NOON.plus_ms(CALL_MS)));
    rush.pass(1);
    assert_eq!(rush.picture(), "pc.");
    let forget_at = rush.now.plus_ms(RETURN_MS);
    assert_eq!(rush.room().place(1), Some(Place::PassedOver { forget_at }));
    rush.appear(2, 2);
    let returned = Outcome::OfRoom(RoomOutcome::NumberReturned { number: 1 });
    assert_eq!(rush.appear(1, 1), returned);
    assert_eq!(rush.picture(), "nP.", "there is no place yet");
    assert_eq!(rush.appear(1, 1), Outcome::Void, "it is next already");
    rush.leave(2, None);
    assert_eq!(rush.picture(), "c..", "before the third, who is new");
    let until = rush.now.plus_ms(CALL_MS);
    assert_eq!(rush.room().place(1), Some(Place::Called { until, forget_at: Some(forget_at) }));
}

#[test]
fn who_was_passed_over_is_forgotten_ten_minutes_after_the_first_time() {
    let mut rush = Rush::for_many(1);
    rush.come([1]);
    rush.pass(CALL_MS);
    let forget_at = rush.now.plus_ms(RETURN_MS);
    for again in 0..3 {
        rush.appear(1, 1);
        assert_eq!(rush.picture(), "c", "called again, {again}");
        rush.pass(CALL_MS);
        assert_eq!(
            rush.room().place(1),
            Some(Place::PassedOver { forget_at }),
            "as long as before"
        );
    }
    rush.pass(forget_at.ms_since(rush.now) - 1);
    assert_eq!(rush.picture(), "p");
    rush.now = rush.now.plus_ms(1);
    assert_eq!(rush.appear(1, 1), Outcome::Void, "too late, also before anybody noticed");
    assert_eq!(rush.picture(), ".");
}

#[test]
fn a_call_that_ends_after_the_ten_minutes_is_the_last() {
    let mut rush = Rush::for_many(1);
    rush.come([1]);
    rush.pass(CALL_MS);
    rush.pass(RETURN_MS - 1);
    rush.appear(1, 1);
    assert_eq!(rush.picture(), "c");
    rush.pass(CALL_MS - 1);
    let alias = rush.alias(1);
    assert_eq!(rush.appear(1, 1), Outcome::OfRoom(RoomOutcome::Admitted { number: 1, alias }));
    let mut rush = Rush::for_many(1);
    rush.come([1]);
    rush.pass(CALL_MS);
    rush.pass(RETURN_MS - 1);
    rush.appear(1, 1);
    rush.pass(CALL_MS);
    assert_eq!(rush.picture(), ".");
}

#[test]
fn a_pass_ends_by_time_by_buying_by_waiting_for_seats_and_by_leaving() {
    let mut rush = Rush::for_many(1);
    rush.come(1..=5);
    rush.appear(1, 1);
    rush.now = rush.now.plus_ms(PASS_MS - 1);
    assert!(rush.show.is_admitted(session(1), rush.now));
    rush.now = rush.now.plus_ms(1);
    assert_eq!(rush.hold(1, 0), Err(Refusal::NotAdmitted), "over, also before anybody noticed");
    rush.settle();
    assert_eq!(rush.picture(), ".c...");

    rush.appear(2, 2);
    let hold = rush.hold(2, 0).unwrap();
    rush.buy(2, hold).unwrap();
    assert_eq!(rush.picture(), "..c..");
    assert_eq!(rush.hold(2, 1), Err(Refusal::NotAdmitted), "a pass is for one purchase");

    rush.appear(3, 3);
    let block = Command::Block { seats: (2..100).collect() };
    rush.ask(block).unwrap();
    // The one seat left is held, so that there is something to wait for.
    let held = Fact::SeatsHeld {
        hold: HoldId(Uuid::from_u128(77)),
        session: session(77),
        seats: [crate::hall::Seat(1)].into(),
        expires_at: rush.now.plus_ms(1_000_000),
    };
    assert_ne!(rush.apply(&Entry { time: rush.now, fact: held }), Outcome::Void);
    let wish = Wish { quantity: 1, together: false, categories: None, sections: None, areas: None };
    let joined = rush.ask(Command::Join { session: session(3), wish }).unwrap();
    assert!(matches!(joined, Outcome::Joined { .. }));
    rush.settle();
    assert_eq!(rush.picture(), "...c.");

    rush.appear(4, 4);
    let left = Outcome::OfRoom(RoomOutcome::PlaceGivenBack { number: 4 });
    assert_eq!(rush.leave(4, Some(4)), left);
    assert_eq!(rush.picture(), "....c");
}

#[test]
fn whoever_leaves_gives_back_the_pass_or_else_the_number_they_show() {
    let mut rush = Rush::for_many(2);
    rush.come(1..=6);
    rush.appear(1, 1);
    let back = |number| Outcome::OfRoom(RoomOutcome::PlaceGivenBack { number });
    assert_eq!(rush.leave(9, None), Outcome::Void, "nothing is known of them");
    assert_eq!(rush.leave(9, Some(1)), Outcome::Void, "a pass is given back by its owner alone");
    assert_eq!(rush.leave(9, Some(7)), Outcome::Void, "no such number");
    assert_eq!(rush.leave(3, Some(3)), back(3));
    assert_eq!(rush.leave(3, Some(3)), Outcome::Void, "it was given back before");
    assert_eq!(rush.leave(2, Some(2)), back(2), "one that is called");
    assert_eq!(rush.picture(), "P..c..", "the third is skipped");
    assert_eq!(rush.appear(3, 3), Outcome::Void);
    rush.pass(CALL_MS);
    assert_eq!(rush.picture(), "P..pc.");
    assert_eq!(rush.leave(4, Some(4)), back(4), "one that was passed over");
    rush.appear(5, 5);
    assert_eq!(rush.leave(1, Some(5)), back(1), "whatever they show, it is the pass");
    assert_eq!(rush.picture(), "....Pc");
}

#[test]
fn a_line_in_which_everybody_left_is_skipped_in_one_step() {
    let mut rush = Rush::for_many(1);
    rush.come(1..=6);
    for who in 2..=5 {
        rush.leave(who, Some(who as u64));
    }
    let before = rush.head.seq;
    rush.leave(1, Some(1));
    assert_eq!((rush.picture(), rush.room().serving()), (".....c".to_owned(), 6));
    assert_eq!(rush.head.seq, before + 2, "the leaving, and one call");
}

#[test]
fn beyond_the_limit_a_number_that_is_given_back_stays_in_line_and_nothing_is_proposed() {
    let mut rush = Rush::for_many(1);
    let many = super::super::GIVEN_BACK_MAX as u64;
    let room = rush.show.room.as_mut().unwrap();
    (room.numbers, room.given_back) = (many + 3, (2..many + 2).collect());
    // Two nodes may be asked at once: then the guard says so.
    let left = RoomFact::PlaceGivenBack { number: many + 2 };
    assert_eq!(rush.happens(left), Outcome::Void);
    assert_eq!(rush.leave(9, Some(many + 2)), Outcome::Void);
    assert!(rush.room().is_ahead(many + 2));
}

#[test]
fn a_session_with_two_numbers_has_one_pass() {
    let mut rush = Rush::for_many(2);
    rush.come([1, 1]);
    rush.appear(1, 1);
    assert_eq!(rush.appear(1, 2), Outcome::Void);
    assert_eq!(rush.picture(), "Pc");
    rush.leave(1, None);
    let alias = rush.alias(1);
    assert_eq!(rush.appear(1, 2), Outcome::OfRoom(RoomOutcome::Admitted { number: 2, alias }));
}

#[test]
fn who_comes_before_the_doors_is_drawn_and_who_comes_later_follows_in_order() {
    let mut rush = Rush::with_doors(2);
    rush.come(1..=5);
    assert_eq!((rush.room().arrivals(), rush.room().numbers()), (5, 0));
    assert_eq!(rush.appear(1, 1), Outcome::Void, "an arrival is no number");
    assert_eq!(rush.leave(1, Some(1)), Outcome::Void);
    assert_eq!(rush.show.next_timeout(), Some(NOON.plus_ms(60_000)));
    rush.pass(59_999);
    assert_eq!(rush.room().draw(), None);
    rush.pass(1);
    let draw = rush.room().draw().unwrap().clone();
    assert_eq!((draw.secret, draw.count, draw.head.seq), (SECRET, 5, 6));
    assert_eq!(draw.head.chain[0], 6, "the head with the entry that opened them");
    assert_eq!(rush.picture(), "cc...");
    rush.come([6]);
    assert_eq!((rush.room().arrivals(), rush.room().numbers()), (5, 6));
    assert_eq!(draw, *rush.room().draw().unwrap());
    for arrival in 1..=5 {
        let number = draw.number_of(arrival).unwrap();
        let admitted = rush.appear(u128::from(arrival), number) != Outcome::Void;
        assert_eq!(admitted, number <= 2, "arrival {arrival}, number {number}");
    }
}

#[test]
fn doors_before_which_nobody_came_open_too() {
    let mut rush = Rush::with_doors(2);
    rush.pass(60_000);
    assert_eq!(rush.room().draw().unwrap().count, 0);
    rush.come([1]);
    assert_eq!((rush.picture(), rush.room().arrivals()), ("c".to_owned(), 0));
}

#[test]
fn once_the_show_has_begun_nobody_takes_a_number_and_nobody_is_called() {
    let mut rush = Rush::for_many(1);
    rush.come([1, 2]);
    rush.appear(1, 1);
    rush.now = STARTS;
    rush.settle();
    assert_eq!(rush.picture(), "..", "the pass has ended, and nobody is called for it");
    let come = RoomCommand::TakeNumber { session: session(3) };
    assert_eq!(rush.of_room(come), Err(Refusal::ShowOver));
    assert_eq!(rush.show.next_timeout(), None, "there is nothing to wake for");
}

#[test]
fn doors_that_nobody_was_there_to_open_keep_nobody_awake_after_the_show_began() {
    let mut rush = Rush::with_doors(1);
    rush.come([1]);
    rush.now = STARTS;
    rush.settle();
    assert_eq!(rush.room().serving(), 0);
    let due = rush.show.next_timeout();
    assert!(due.is_none_or(|at| at > rush.now), "it is due for ever: {due:?}");
}

#[test]
fn a_show_with_doors_but_nothing_to_draw_with_keeps_them_closed_and_nobody_awake() {
    let mut closed = show(10, rules(1, Some(NOON)));
    let definition = Definition { draw_secret: None, ..closed.definition().clone() };
    closed.definition = Arc::new(definition);
    let mut rush = Rush::of(closed);
    rush.come([1]);
    assert_eq!((rush.room().arrivals(), rush.room().numbers()), (1, 0));
    assert_eq!(rush.show.next_timeout(), None);
}

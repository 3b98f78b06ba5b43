//! Each rule of the waitlist, as one small story.

use super::*;

fn of_section(section: u16, wish: Wish) -> Wish {
    Wish { sections: Some(vec![section]), ..wish }
}

fn of_area(area: u16, wish: Wish) -> Wish {
    Wish { areas: Some(vec![area]), ..wish }
}

fn full_house() -> House {
    let mut house = House::new();
    house.take_all();
    house
}

fn reason(refusal: Result<impl std::fmt::Debug, Refusal>) -> &'static str {
    refusal.unwrap_err().reason()
}

fn closed(outcomes: &[Outcome]) -> Vec<(SessionId, CloseReason)> {
    let closed = |outcome: &Outcome| match outcome {
        Outcome::Closed { session, reason, .. } => Some((*session, *reason)),
        _ => None,
    };
    outcomes.iter().filter_map(closed).collect()
}

#[test]
fn who_joins_hears_the_first_reason_not_to() {
    let mut house = House::new();
    house.now = Time(OPENS.0 - 1);
    assert_eq!(reason(house.join(1, party(2))), "not_on_sale");
    house.now = OPENS;
    assert_eq!(reason(house.join(1, party(2))), "seats_available");
    house.take_all();
    assert_eq!(reason(house.join(100, party(2))), "already_holding");
    assert_eq!(reason(house.join(1, party(0))), "no_seats_named");
    assert_eq!(reason(house.join(1, party(11))), "too_many_seats");
    assert_eq!(reason(house.join(1, party(7))), "not_together", "no row has seven neighbours");
    house.join(1, of_section(0, apart(10))).unwrap();
}

#[test]
fn a_party_larger_than_what_is_left_hears_sold_out_and_one_that_waits_hears_so() {
    let mut house = full_house();
    for seat in 12..17 {
        let hold = house.of(seat);
        house.buy(hold);
    }
    assert_eq!(reason(house.join(1, of_section(1, party(2)))), "sold_out");
    house.join(1, of_section(1, party(1))).unwrap();
    assert_eq!(reason(house.join(1, party(1))), "already_waiting");
    let hold = Command::Hold { session: session(1), seats: vec![3] };
    assert_eq!(reason(house.ask(&hold)), "already_waiting");
    house.now = STARTS;
    assert_eq!(reason(house.join(2, party(1))), "show_over");
}

#[test]
fn seats_gather_until_the_party_is_whole_and_are_offered_at_once() {
    let mut house = full_house();
    house.join(1, party(2)).unwrap();
    house.release(house.of(9));
    assert_eq!(house.kept(1), [9]);
    assert_eq!(house.show.seat_state(Seat(9)), SeatState::Held, "on the map it is not free");
    assert_eq!(house.follow(), []);
    house.release(house.of(14));
    assert_eq!(house.kept(1), [9], "one party gathers in one place");
    assert!(house.show.free().has(Seat(14)), "and what it cannot use is anyone's");
    house.release(house.of(8));
    let follows = house.follow();
    assert!(matches!(follows[..], [Outcome::Offered { .. }]), "{follows:?}");
    assert_eq!(house.has(1), (vec![8, 9], Some(HoldState::Offered)));
    assert_eq!(house.show.position(house.show.ticket_of(session(1)).unwrap()), 1);
}

#[test]
fn a_party_takes_a_whole_run_elsewhere_rather_than_wait_for_the_one_it_gathers_in() {
    let mut house = full_house();
    house.join(1, party(2)).unwrap();
    for seat in [9, 14] {
        house.release(house.of(seat));
    }
    assert_eq!(house.kept(1), [9]);
    house.release(house.of(15));
    assert_eq!(house.kept(1), [14, 15]);
    assert!(house.show.free().has(Seat(9)));
}

#[test]
fn an_aisle_is_between_two_who_want_to_sit_together_and_places_of_an_area_are_not_apart() {
    let mut house = full_house();
    house.join(1, party(2)).unwrap();
    for seat in [3, 4] {
        house.release(house.of(seat));
    }
    assert_eq!(house.kept(1).len(), 1, "3 and 4 are no neighbours");
    house.join(2, of_area(0, party(2))).unwrap();
    for seat in [18, 22] {
        house.release(house.of(seat));
    }
    assert_eq!(house.kept(1), [18, 22], "they are side by side for the first in line, too");
    assert!(house.kept(2).is_empty());
}

#[test]
fn the_first_in_line_is_served_first_and_who_wants_other_seats_is_not_kept_waiting() {
    let mut house = full_house();
    house.join(1, of_section(0, apart(3))).unwrap();
    house.join(2, apart(1)).unwrap();
    house.join(3, of_section(1, apart(1))).unwrap();
    house.release(house.of(0));
    assert_eq!((house.kept(1), house.kept(2)), (vec![0], vec![]));
    house.release(house.of(12));
    house.follow();
    assert_eq!(house.has(2).0, [12], "the first cannot use it, the second can");
    house.release(house.of(13));
    house.follow();
    assert_eq!(house.has(3).0, [13]);
    house.release(house.of(1));
    house.release(house.of(2));
    house.follow();
    assert_eq!(house.has(1).0, [0, 1, 2]);
}

#[test]
fn a_whole_run_for_one_in_front_is_taken_from_those_behind() {
    let mut house = full_house();
    house.join(1, of_section(1, party(2))).unwrap();
    house.join(2, of_section(1, apart(3))).unwrap();
    for seat in [12, 15] {
        house.release(house.of(seat));
    }
    assert_eq!((house.kept(1), house.kept(2)), (vec![12], vec![15]));
    house.release(house.of(16));
    assert_eq!(house.kept(1), [15, 16]);
    assert_eq!(house.kept(2), [12], "who is behind has what the other gave up");
}

#[test]
fn newcomers_hear_that_others_were_there_before_them() {
    let mut house = full_house();
    house.join(1, of_section(1, party(2))).unwrap();
    house.release(house.of(12));
    let hold = |seats: &[u64]| Command::Hold { session: session(50), seats: seats.to_vec() };
    let best = |wish| Command::HoldBest { session: session(50), wish };
    assert_eq!(reason(house.ask(&hold(&[12]))), "waitlist_first");
    assert_eq!(reason(house.ask(&hold(&[12, 13]))), "waitlist_first");
    assert_eq!(reason(house.ask(&hold(&[13]))), "others_are_holding");
    assert_eq!(reason(house.ask(&best(party(1)))), "waitlist_first");
    assert_eq!(reason(house.ask(&best(party(2)))), "others_are_holding");
    assert_eq!(reason(house.ask(&best(of_section(0, party(1))))), "others_are_holding");
    assert_eq!(reason(house.ask(&best(party(7)))), "not_together");
    house.release(house.of(0));
    assert_eq!(reason(house.ask(&hold(&[12]))), "seats_taken", "0 is to be had");
    house.hold(50, &[0]);
}

#[test]
fn the_house_takes_no_seat_off_sale_that_is_kept_or_offered() {
    let mut house = full_house();
    house.join(1, of_section(1, party(2))).unwrap();
    house.release(house.of(12));
    for block in [Command::Block { seats: vec![12] }, Command::Unblock { seats: vec![12] }] {
        assert_eq!(reason(house.ask(&block)), "seats_taken", "{block:?}");
    }
    house.release(house.of(13));
    house.follow();
    assert_eq!(reason(house.ask(&Command::Block { seats: vec![12, 13] })), "seats_taken");
}

#[test]
fn an_offer_is_accepted_with_a_full_deadline_and_may_be_bought_at_once() {
    let mut house = full_house();
    house.join(1, apart(1)).unwrap();
    house.join(2, apart(1)).unwrap();
    assert_eq!(reason(house.ask(&Command::Accept { session: session(1) })), "no_offer");
    house.release(house.of(5));
    house.release(house.of(6));
    house.follow();
    let offered_until = house.show.hold_of(session(1)).unwrap().expires_at;
    assert_eq!(offered_until, house.now.plus_ms(500));
    house.now = house.now.plus_ms(400);
    house.ask(&Command::Accept { session: session(1) }).unwrap();
    let hold = house.show.hold_of(session(1)).unwrap();
    assert_eq!((hold.state, hold.expires_at), (HoldState::Held, house.now.plus_ms(1_000)));
    assert!(house.show.ticket_of(session(1)).is_none());
    let sold = house.buy(house.show.hold_of(session(2)).unwrap().id);
    assert!(matches!(sold, Outcome::Sold { .. }), "bought without accepting first: {sold:?}");
    assert_eq!(house.show.waiting(), 0);
}

#[test]
fn what_is_declined_released_or_lapses_goes_to_the_next() {
    let mut house = full_house();
    for who in 1..=4 {
        house.join(who, apart(1)).unwrap();
    }
    house.release(house.of(5));
    house.follow();
    let declined = house.ask(&Command::Decline { session: session(1) }).unwrap();
    assert!(matches!(declined, Outcome::Closed { reason: CloseReason::Declined, .. }));
    house.follow();
    let hold = house.show.hold_of(session(2)).unwrap().id;
    let released = house.ask(&Command::Release { session: session(2), hold }).unwrap();
    assert!(matches!(released, Outcome::Closed { reason: CloseReason::Declined, .. }));
    house.follow();
    let hold = house.show.hold_of(session(3)).unwrap().id;
    house.now = house.now.plus_ms(599);
    assert_eq!(house.ask(&Command::Lapse { hold }).unwrap(), Outcome::Void, "5 seconds of grace");
    house.now = house.now.plus_ms(1);
    let lapsed = house.ask(&Command::Lapse { hold }).unwrap();
    assert!(matches!(lapsed, Outcome::Closed { reason: CloseReason::Lapsed, .. }));
    house.follow();
    assert_eq!(house.has(4), (vec![5], Some(HoldState::Offered)));
    assert_eq!(reason(house.ask(&Command::Decline { session: session(3) })), "no_offer");
}

#[test]
fn a_decline_that_comes_after_the_acceptance_takes_nothing_back() {
    let mut house = full_house();
    let ticket = house.join(1, apart(1)).unwrap();
    let declined = |house: &mut House| {
        house.apply(Fact::TicketClosed { ticket, reason: CloseReason::Declined })
    };
    assert_eq!(declined(&mut house), Outcome::Void, "there is nothing to decline yet");
    house.release(house.of(5));
    house.follow();
    // Two nodes were asked at once: one to accept, the other to decline.
    let decline = Command::Decline { session: session(1) };
    let fresh = house.fresh();
    let mut asked = Asked::new(house.show.definition().seats);
    let proposal = propose(&house.show, &mut asked, &decline, house.now, fresh).unwrap();
    let Proposal::Append(entries) = proposal else { panic!("{proposal:?}") };
    house.ask(&Command::Accept { session: session(1) }).unwrap();
    for entry in entries {
        assert_eq!(house.apply(entry.fact), Outcome::Void);
    }
    assert_eq!(house.has(1), (vec![5], Some(HoldState::Held)));
    assert_eq!(reason(house.ask(&decline)), "no_offer");
}

#[test]
fn an_offer_is_swapped_for_available_seats_and_stays_an_offer() {
    let mut house = full_house();
    house.join(1, of_section(0, party(2))).unwrap();
    house.join(2, of_section(0, apart(1))).unwrap();
    for seat in [0, 1] {
        house.release(house.of(seat));
    }
    house.follow();
    for seat in [18, 19] {
        house.release(house.of(seat));
    }
    let hold = house.show.hold_of(session(1)).unwrap().id;
    let swap = |seats: &[u64]| Command::Change { session: session(1), hold, seats: seats.to_vec() };
    assert_eq!(reason(house.ask(&swap(&[2, 3]))), "seats_taken");
    house.ask(&swap(&[18, 19])).unwrap();
    assert_eq!(house.has(1), (vec![18, 19], Some(HoldState::Offered)));
    house.follow();
    assert_eq!(house.has(2).0, [0], "what was given back goes to the queue");
    assert!(house.show.free().has(Seat(1)));
}

#[test]
fn who_leaves_gives_back_what_was_kept_or_offered() {
    let mut house = full_house();
    house.join(1, party(2)).unwrap();
    house.join(2, party(2)).unwrap();
    house.release(house.of(8));
    house.ask(&Command::Leave { session: session(1) }).unwrap();
    assert_eq!(house.kept(2), [8]);
    house.release(house.of(9));
    house.follow();
    let left = house.ask(&Command::Leave { session: session(2) }).unwrap();
    assert!(matches!(left, Outcome::Closed { reason: CloseReason::Left, .. }));
    assert!(house.show.free().has(Seat(8)) && house.show.free().has(Seat(9)));
    assert_eq!(house.ask(&Command::Leave { session: session(2) }).unwrap(), Outcome::Void);
}

#[test]
fn nobody_waits_for_what_can_no_longer_be_had() {
    let mut house = full_house();
    house.join(1, of_section(1, party(3))).unwrap();
    house.join(2, of_section(1, apart(3))).unwrap();
    house.join(3, of_section(1, party(2))).unwrap();
    for seat in [14, 13] {
        house.buy(house.of(seat));
    }
    assert_eq!(house.follow(), [], "15, 16 and 17 are left, and 12");
    house.buy(house.of(16));
    let follows = house.follow();
    // 12, 15 and 17 are left: nobody sits together there.
    let parted: Vec<SessionId> = follows
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::Parted { session, .. } => Some(*session),
            _ => None,
        })
        .collect();
    assert_eq!(parted, [session(3), session(1)]);
    assert!(house.show.tickets().map(|ticket| ticket.session).eq([1, 2, 3].map(session)));
    house.release(house.of(15));
    assert_eq!(house.kept(1), [15], "who parted keeps the place");
    house.buy(house.of(17));
    let gone = closed(&house.follow());
    assert_eq!(gone, [1, 2].map(|who| (session(who), CloseReason::SoldOut)));
    assert_eq!(house.kept(3), [15], "what was kept for who was dismissed goes to the next");
}

#[test]
fn nobody_waits_longer_than_the_show_says_but_an_offer_outlives_it() {
    let mut house = full_house();
    house.join(1, apart(1)).unwrap();
    house.join(2, party(2)).unwrap();
    assert_eq!(house.show.next_timeout(), Some(house.now.plus_ms(3_600_000)));
    house.now = house.now.plus_ms(3_599_999);
    assert_eq!(house.follow(), []);
    house.release(house.of(7));
    house.follow();
    house.now = house.now.plus_ms(1);
    assert_eq!(closed(&house.follow()), [(session(2), CloseReason::Timeout)]);
    assert_eq!(house.has(1), (vec![7], Some(HoldState::Offered)));
}

#[test]
fn when_the_show_begins_those_without_an_offer_go_home() {
    let mut house = full_house();
    house.now = Time(STARTS.0 - 1);
    house.join(1, apart(1)).unwrap();
    house.join(2, apart(2)).unwrap();
    house.release(house.of(7));
    house.follow();
    house.release(house.of(6));
    house.now = STARTS;
    assert_eq!(closed(&house.follow()), [(session(2), CloseReason::ShowOver)]);
    assert!(house.show.free().has(Seat(6)));
    house.ask(&Command::Accept { session: session(1) }).unwrap();
    assert_eq!(house.has(1), (vec![7], Some(HoldState::Held)));
}

#[test]
fn who_joins_beside_free_seats_too_few_for_them_has_them_kept_at_once() {
    let mut house = full_house();
    for seat in [4, 6] {
        house.release(house.of(seat));
    }
    house.join(1, party(2)).unwrap();
    assert_eq!(house.kept(1), [4]);
    assert!(house.show.free().has(Seat(6)));
    house.join(2, apart(3)).unwrap();
    assert_eq!(house.kept(2), [6]);
}

#[test]
fn a_hold_granted_beside_a_ticket_of_the_same_session_ends_the_waiting() {
    let mut house = full_house();
    let ticket = house.join(1, of_section(1, party(2))).unwrap();
    house.release(house.of(12));
    house.release(house.of(0));
    // Two nodes were asked at once: the other's entry comes after the ticket's.
    let (hold, expires_at) = (HoldId(house.fresh()), house.now.plus_ms(1_000));
    let seats = [Seat(0)].into();
    let held = house.apply(Fact::SeatsHeld { hold, session: session(1), seats, expires_at });
    assert_eq!(held, Outcome::Held { hold, session: session(1), ticket: Some(ticket) });
    assert_eq!(house.show.waiting(), 0);
    assert!(house.show.free().has(Seat(12)));
}

#[test]
fn a_follow_up_that_another_node_was_quicker_with_is_void() {
    let mut house = full_house();
    let ticket = house.join(1, apart(1)).unwrap();
    house.release(house.of(5));
    let offer = |house: &mut House| Fact::SeatsOffered {
        ticket,
        hold: HoldId(house.fresh()),
        seats: [Seat(5)].into(),
        expires_at: house.now.plus_ms(500),
    };
    let (first, second) = (offer(&mut house), offer(&mut house));
    assert!(matches!(house.apply(first), Outcome::Offered { .. }));
    assert_eq!(house.apply(second), Outcome::Void);
    let reason = CloseReason::SoldOut;
    assert_eq!(house.apply(Fact::TicketClosed { ticket, reason }), Outcome::Void);
    assert_eq!(house.apply(Fact::TicketParted { ticket }), Outcome::Void);
}

#[test]
fn who_wants_the_same_in_other_words_stands_behind_one_another() {
    let mut house = full_house();
    let everything = Wish {
        categories: Some(vec![2, 1, 0, 1]),
        sections: Some(vec![1, 0]),
        areas: Some(vec![0, 1]),
        ..party(2)
    };
    house.join(1, party(2)).unwrap();
    house.join(2, everything).unwrap();
    house.join(3, Wish { categories: Some(vec![2]), ..party(2) }).unwrap();
    house.join(4, Wish { areas: Some(vec![0, 1]), ..party(2) }).unwrap();
    house.join(5, party(1)).unwrap();
    house.join(6, apart(1)).unwrap();
    assert_eq!(house.show.queue.kinds.len(), 3);
}

#[test]
fn who_was_not_told_to_sit_apart_is_offered_seats_side_by_side_once_there_are_some_again() {
    let mut house = House::new();
    let block = [13, 15, 17].map(Seat).into();
    house.apply(Fact::SeatsBlocked { seats: block });
    house.take_all();
    // Two nodes: the other has just put these seats on sale when it proposes this.
    let (ticket, until) = (TicketId(house.fresh()), house.now.plus_ms(3_600_000));
    let joining = Joining { ticket, session: session(1), until, wish: of_section(1, party(2)) };
    house.apply(Fact::TicketTaken(Box::new(joining)));
    for seat in [12, 14] {
        house.release(house.of(seat));
    }
    assert_eq!(house.kept(1), [12, 14], "it must part, and keeps what it may have then");
    let offer = Fact::SeatsOffered {
        ticket,
        hold: HoldId(house.fresh()),
        seats: [12, 14].map(Seat).into(),
        expires_at: house.now.plus_ms(500),
    };
    assert_eq!(house.apply(offer.clone()), Outcome::Void, "it was not told yet");
    house.apply(Fact::SeatsUnblocked { seats: [13].map(Seat).into() });
    assert_eq!(house.kept(1), [12, 13]);
    assert!(house.show.free().has(Seat(14)));
    assert_eq!(house.apply(offer), Outcome::Void, "nor are these its seats any more");
    let follows = house.follow();
    assert!(matches!(follows[..], [Outcome::Offered { .. }]), "{follows:?}");
    assert_eq!(house.has(1).0, [12, 13]);
}

#[test]
fn who_was_told_to_sit_apart_stays_so() {
    let mut house = House::new();
    house.apply(Fact::SeatsBlocked { seats: [13, 15, 17].map(Seat).into() });
    house.take_all();
    let (ticket, until) = (TicketId(house.fresh()), house.now.plus_ms(3_600_000));
    let joining = Joining { ticket, session: session(1), until, wish: of_section(1, party(2)) };
    house.apply(Fact::TicketTaken(Box::new(joining)));
    assert!(matches!(house.follow()[..], [Outcome::Parted { .. }]));
    house.release(house.of(12));
    house.apply(Fact::SeatsUnblocked { seats: [17].map(Seat).into() });
    house.follow();
    assert_eq!(house.has(1).0, [12, 17]);
}

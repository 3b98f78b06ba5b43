//! Many at once: of what is proposed in one turn, each join is judged as if those before it had
//! happened, or asked again when they have.

use proptest::prelude::*;

use super::*;

fn in_circle(wish: Wish) -> Wish {
    Wish { sections: Some(vec![1]), ..wish }
}

fn join(who: u128, wish: Wish) -> Command {
    Command::Join { session: session(who), wish }
}

/// What is proposed for all of these in one turn.
fn proposed(house: &mut House, commands: &[Command]) -> Vec<Result<Proposal, Refusal>> {
    let mut asked = Asked::new(house.show.definition().seats);
    let mut propose_one = |command| {
        let fresh = house.fresh();
        propose(&house.show, &mut asked, command, house.now, fresh)
    };
    commands.iter().map(&mut propose_one).collect()
}

fn word(proposal: &Result<Proposal, Refusal>) -> &'static str {
    match proposal {
        Ok(Proposal::Append(_)) => "granted",
        Ok(Proposal::AskAgain) => "again",
        Ok(_) => "done",
        Err(refusal) => refusal.reason(),
    }
}

#[test]
fn who_joins_behind_one_of_the_same_turn_is_not_sent_to_seats_that_are_kept_for_them() {
    let mut house = House::new();
    house.take_all();
    house.release(house.of(12));
    let others = Wish { sections: Some(vec![0]), ..apart(1) };
    let commands = [join(1, in_circle(apart(2))), join(2, in_circle(apart(1))), join(3, others)];
    let words =
        |house: &mut House| -> Vec<&str> { proposed(house, &commands).iter().map(word).collect() };
    assert_eq!(words(&mut house), ["granted", "again", "granted"]);
    house.join(1, in_circle(apart(2))).unwrap();
    assert_eq!(house.kept(1), [12]);
    house.join(2, in_circle(apart(1))).unwrap();
}

#[test]
fn who_joins_behind_a_sale_of_the_same_turn_is_not_given_a_place_without_hope() {
    let mut house = House::new();
    house.take_all();
    for seat in 12..16 {
        house.buy(house.of(seat));
    }
    let (hold, payment) =
        (house.of(16), Payment { id: String::new(), state: PaymentState::Captured });
    let purchase =
        Purchase { key: String::new(), payment: Decision::Approved(payment), customer: None };
    let buy = Command::Buy { session: session(116), hold, purchase: Box::new(purchase) };
    let commands = [buy, join(1, in_circle(apart(2))), join(2, in_circle(apart(1)))];
    let words: Vec<&str> = proposed(&mut house, &commands).iter().map(word).collect();
    assert_eq!(words, ["granted", "again", "granted"]);
    house.buy(hold);
    assert_eq!(house.join(1, in_circle(apart(2))).unwrap_err().reason(), "sold_out");
}

/// Turn after turn, each with all that is left, until everybody was answered: how many turns.
fn turns_until_answered(show: &mut Show, mut commands: Vec<Command>) -> usize {
    let (mut turns, mut names, mut seq) = (0, 1u128 << 64, 1_000);
    while !commands.is_empty() {
        turns += 1;
        let mut asked = Asked::new(show.definition().seats);
        let (mut entries, mut again) = (Vec::new(), Vec::new());
        for command in commands {
            names += 1;
            match propose(show, &mut asked, &command, OPENS, Uuid::from_u128(names)) {
                Ok(Proposal::Append(own)) => entries.push((command, own)),
                Ok(Proposal::AskAgain) => again.push(command),
                Ok(_) | Err(_) => {}
            }
        }
        for (command, own) in entries {
            let mut last = Outcome::Void;
            for entry in own {
                seq += 1;
                last = show.apply(Head { epoch: 1, seq, chain: [0; 32] }, &entry, &mut Vec::new());
            }
            if last == Outcome::Void {
                again.push(command);
            }
        }
        commands = again;
    }
    turns
}

#[test]
fn a_thousand_who_join_at_once_are_answered_in_a_few_turns() {
    for left in [vec![], vec![12], vec![0, 2, 5, 12, 14, 18, 24]] {
        let mut house = House::new();
        house.take_all();
        left.iter().for_each(|seat| house.release(house.of(*seat)));
        let wish = |who: u128| {
            let wish = if who.is_multiple_of(3) {
                party(who as u32 % 3 + 2)
            } else {
                apart(who as u32 % 4 + 1)
            };
            match who % 5 {
                0 => in_circle(wish),
                1 => Wish { areas: Some(vec![0]), ..wish },
                2 => Wish { categories: Some(vec![0]), ..wish },
                _ => wish,
            }
        };
        let commands = (1_000..2_000).map(|who| join(who, wish(who))).collect();
        let turns = turns_until_answered(&mut house.show, commands);
        assert!(house.show.waiting() > 900, "{}", house.show.waiting());
        assert!(turns <= 3, "{turns} turns with {left:?} free");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_said_to_who_joins_is_true_where_they_stand_in_the_log(
        freed in prop::collection::vec(0u32..26, 0..8),
        sold in prop::collection::vec(0u32..26, 0..8),
        asks in prop::collection::vec(any::<(u8, u8, u8)>(), 1..20),
    ) {
        let mut house = House::new();
        house.take_all();
        for seat in sold {
            if let Some(hold) = house.show.hold_of(session(100 + u128::from(seat))) {
                let hold = hold.id;
                house.buy(hold);
            }
        }
        for seat in freed {
            if let Some(hold) = house.show.hold_of(session(100 + u128::from(seat))) {
                let hold = hold.id;
                house.release(hold);
            }
        }
        let commands: Vec<Command> = asks.into_iter().zip(1..).map(|((a, b, c), who)| {
            let holder = session(100 + u128::from(b % 26));
            let hold = house.show.hold_of(holder).map(|hold| hold.id);
            let wish = anything::wish(b, c);
            match (a % 8, hold) {
                (0, Some(hold)) => Command::Release { session: holder, hold },
                (1, Some(hold)) => {
                    let payment = Payment { id: String::new(), state: PaymentState::Captured };
                    let payment = Decision::Approved(payment);
                    let purchase = Purchase { key: hold.to_string(), payment, customer: None };
                    Command::Buy { session: holder, hold, purchase: Box::new(purchase) }
                }
                (2, _) => Command::Hold { session: session(who), seats: vec![u64::from(b % 26)] },
                (3, _) => Command::HoldBest { session: session(who), wish },
                (4, _) if c % 2 == 0 => Command::Block { seats: vec![u64::from(b % 26)] },
                (4, _) => Command::Unblock { seats: vec![u64::from(b % 26)] },
                _ => Command::Join { session: session(who), wish },
            }
        }).collect();
        let proposals = proposed(&mut house, &commands);
        for (command, proposal) in commands.iter().zip(proposals) {
            if matches!(command, Command::Join { .. }) {
                let fresh = house.fresh();
                let alone =
                    propose(&house.show, &mut Asked::nothing(), command, house.now, fresh);
                let (said, is) = (word(&proposal), word(&alone));
                // Who is granted a place beside what came free just before is offered it at once.
                let is_true = said == is || said == "again"
                    || (said == "granted" && is == "seats_available");
                prop_assert!(is_true, "{command:?} was told {said}, where {is} is true");
            }
            if let Ok(Proposal::Append(entries)) = proposal {
                for entry in entries {
                    house.apply(entry.fact);
                }
            }
        }
    }
}

//! The audit of a waiting room: an honest house of two nodes passes, whatever its people do and however
//! late the nodes hear of each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use usher::audit::{Verdict, verify};
use usher::log::Log;
use usher::log::memory::MemoryLog;
use usher::show::{Alias, Command, Entry, Fact, RoomCommand, RoomFact, SessionId, Time};

use crate::audit::{House, NOW, purchase, session};

/// Who took which number, as the log has it.
struct Numbers {
    people: BTreeMap<Alias, SessionId>,
    owners: Vec<SessionId>,
    read: u64,
}

impl Numbers {
    fn among(house: &House, many: u128) -> Self {
        let people = (0..many).map(session);
        let people = people.map(|who| (Alias::of(&house.definition.id, who), who)).collect();
        Self { people, owners: Vec::new(), read: 0 }
    }

    async fn read(&mut self, house: &House) {
        for entry in house.log.read(&house.stream, self.read, usize::MAX).await.expect("the log") {
            self.read = entry.seq;
            let fact = Entry::from_bytes(&entry.bytes).expect("an entry").fact;
            if let Fact::OfRoom(RoomFact::NumbersTaken { aliases }) = fact {
                self.owners.extend(aliases.iter().map(|alias| self.people[alias]));
            }
        }
    }
}

/// What `node` has to do by itself as far as it has heard, until there is no more.
async fn follow(house: &mut House, node: usize, now: Time) {
    while let Some(command) = house.nodes[node].show.follow_ups(now, 1).first() {
        house.run(node, command, now).await;
    }
}

/// A rush of 60 people at a house where four may pick.
async fn rush(house: &mut House, seed: u64, commands: usize) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut numbers = Numbers::among(house, 60);
    let mut time = NOW;
    for _ in 0..commands {
        time = time.plus_ms(random.random_range(0..3_000));
        let node = random.random_range(0..2);
        // The second node's clock is behind.
        let now = Time(time.0 - 300 * node as u64);
        let show = &house.nodes[node].show;
        let (who, number) = match numbers.owners.len() {
            many if many > 0 && random.random_bool(0.7) => {
                // Mostly those whose turn it is about, or was.
                let serving = show.waiting_room().map_or(0, |room| room.serving());
                let from = serving.saturating_sub(8).clamp(0, many as u64 - 1);
                let to = (serving + 4).clamp(from + 1, many as u64);
                let number = random.random_range(from..to) + 1;
                (numbers.owners[number as usize - 1], Some(number))
            }
            _ => (session(random.random_range(0..60)), None),
        };
        let hold = show.hold_of(who).map(|hold| hold.id);
        let seats = vec![random.random_range(0..u64::from(show.definition().seats))];
        let command = match (random.random_range(0..20), number, hold) {
            (0..=8, Some(number), _) => {
                Command::OfRoom(RoomCommand::Appear { session: who, number })
            }
            (9, _, _) => Command::OfRoom(RoomCommand::GiveBack { session: who, number }),
            (10..=12, _, None) => Command::OfRoom(RoomCommand::TakeNumber { session: who }),
            (10..=12, _, Some(hold)) => {
                Command::Buy { session: who, hold, purchase: purchase(true) }
            }
            (13, _, Some(hold)) => Command::Release { session: who, hold },
            _ => Command::Hold { session: who, seats },
        };
        let lapsing = house.nodes[node].show.ended_at(now).next();
        if let Some(hold) = lapsing {
            house.run(node, &Command::Lapse { hold }, now).await;
        }
        house.run(node, &command, now).await;
        // Now and then what follows is left to the other, or both do it.
        for node in [node, 1 - node] {
            if random.random_bool(0.7) {
                follow(house, node, now).await;
            }
        }
        numbers.read(house).await;
    }
    for node in [0, 1] {
        house.append(node, &[]).await;
    }
}

#[tokio::test]
async fn a_house_with_a_waiting_room_passes_whatever_its_people_do() {
    for seed in 1..=3 {
        let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
        let admission = json!({"picking_max": 4, "pass_ms": 60_000, "call_ms": 9_000});
        let policy = json!({"admission": admission, "hold_ms": 90_000});
        let mut house = House::with_policy(log.clone(), "Hamlet", policy).await;
        rush(&mut house, seed, 2_500).await;
        let verdict = verify(log).await.expect("a verdict");
        let Verdict::Kept(tally) = verdict else { panic!("seed {seed}: {verdict:?}") };
        let much = tally.numbers > 100 && tally.admitted > 80 && tally.passed_over > 50;
        assert!(much && tally.picked > 50 && tally.orders > 10 && tally.void > 20, "{tally:?}");
        let room = house.nodes[0].show.waiting_room();
        assert_eq!(room, house.nodes[1].show.waiting_room());
        assert_eq!(room.map(|room| room.numbers()), Some(tally.numbers));
    }
}

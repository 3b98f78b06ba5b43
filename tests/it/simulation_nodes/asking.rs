//! What people ask at a node: anything a buyer might.

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use usher::show::{Command, Decision, HoldId, Payment, PaymentState, Purchase, SessionId, Wish};
use uuid::Uuid;

use super::{SESSIONS, World};

impl World {
    /// Anything a buyer might ask; often of few seats, so that buyers meet.
    pub(super) fn command(&mut self, node: usize) -> Command {
        let session = SessionId(Uuid::from_u128(self.random.random_range(1..=SESSIONS)));
        let (holds, count) = {
            let replica = self.nodes[node].desk.replica().read();
            let holds: Vec<(HoldId, SessionId)> =
                replica.show().holds().map(|hold| (hold.id, hold.session)).collect();
            (holds, u64::from(replica.show().definition().seats))
        };
        let first = self.random.random_range(0..count);
        let seats: Vec<u64> = (first..count.min(first + self.random.random_range(1..5))).collect();
        if self.random.random_range(0..3) == 0 {
            return self.of_those_who_wait(node, session);
        }
        let Some((hold, session)) = holds.choose(&mut self.random).copied() else {
            return Command::Hold { session, seats };
        };
        match self.random.random_range(0..10) {
            0..=3 => {
                let session = SessionId(Uuid::from_u128(self.random.random_range(1..=SESSIONS)));
                Command::Hold { session, seats }
            }
            4 => {
                let quantity = self.random.random_range(1..5);
                let together = self.random.random_bool(0.5);
                let wish =
                    Wish { quantity, categories: None, sections: None, areas: None, together };
                let session = SessionId(Uuid::from_u128(self.random.random_range(1..=SESSIONS)));
                Command::HoldBest { session, wish }
            }
            5 => Command::Change { session, hold, seats },
            6..=8 => Command::Release { session, hold },
            _ => {
                let id = "simulated".to_owned();
                let payment = Decision::Approved(Payment { id, state: PaymentState::Captured });
                let key = hold.to_string();
                let purchase = Box::new(Purchase { key, payment, customer: None });
                Command::Buy { session, hold, purchase }
            }
        }
    }
}

impl World {
    /// What those who wait do, and those who would.
    fn of_those_who_wait(&mut self, node: usize, session: SessionId) -> Command {
        let replica = self.nodes[node].desk.replica().clone();
        let tickets: Vec<SessionId> =
            replica.read().show().tickets().map(|ticket| ticket.session).collect();
        let waiting = tickets.choose(&mut self.random).copied().unwrap_or(session);
        match self.random.random_range(0..8) {
            0 => Command::Leave { session: waiting },
            1 => Command::Decline { session: waiting },
            2 | 3 => Command::Accept { session: waiting },
            _ => {
                let quantity = self.random.random_range(1..5);
                let together = self.random.random_bool(0.5);
                let categories = self.random.random_bool(0.2).then(|| vec![0]);
                let wish = Wish { quantity, categories, sections: None, areas: None, together };
                Command::Join { session, wish }
            }
        }
    }
}

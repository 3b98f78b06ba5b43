//! What people ask: anything a buyer or a hostile client might.

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use usher::show::{
    Alias, Command, Decision, HoldId, Payment, PaymentState, Purchase, SessionId, Wish,
};
use uuid::Uuid;

use super::model::Waiter;
use super::room::NaiveRoom;
use super::{SESSIONS, World};

impl World {
    /// Anything a buyer or a hostile client might ask; often of few seats, so that they meet.
    pub(super) fn command(&mut self) -> Command {
        let session = self.somebody();
        let holds: Vec<(HoldId, SessionId)> =
            self.model.holds.iter().map(|(id, hold)| (*id, hold.session)).collect();
        let count = u64::from(self.desk.replica().read().show().definition().seats);
        let seats = |random: &mut StdRng| {
            let first = random.random_range(0..count);
            (first..first + random.random_range(0..5)).collect::<Vec<u64>>()
        };
        let own = holds.choose(&mut self.random).copied();
        let waits = self.model.line.choose(&mut self.random).cloned();
        if let Some(waiter) = waits
            && self.random.random_range(0..12) == 0
        {
            return self.of_one_in_line(&waiter);
        }
        match (self.random.random_range(0..12), own) {
            (10 | 11, _) => Command::Join { session, wish: any_wish(&mut self.random) },
            (0..=3, _) | (_, None) => Command::Hold { session, seats: seats(&mut self.random) },
            (4, _) => Command::HoldBest { session, wish: any_wish(&mut self.random) },
            (5, Some((hold, owner))) => {
                Command::Change { session: owner, hold, seats: seats(&mut self.random) }
            }
            (6, Some((hold, owner))) => Command::Release { session: owner, hold },
            (7, Some((hold, _))) => Command::Release { session, hold },
            // In every other house hardly anybody buys, so that many wait for long.
            (_, Some(_)) if self.sells_little && self.random.random_range(0..20) != 0 => {
                Command::Join { session, wish: any_wish(&mut self.random) }
            }
            (_, Some((hold, owner))) => {
                let payment = match self.random.random_range(0..4) {
                    0 => Decision::Declined { code: "no".to_owned() },
                    _ => Decision::Approved(Payment {
                        id: "simulated".to_owned(),
                        state: PaymentState::Captured,
                    }),
                };
                let key = hold.to_string();
                let purchase = Box::new(Purchase { key, payment, customer: None });
                Command::Buy { session: owner, hold, purchase }
            }
        }
    }
}

impl World {
    /// Anybody; where there is a waiting room, mostly somebody who may pick.
    fn somebody(&mut self) -> SessionId {
        let picking: Vec<Alias> = self.room.iter().flat_map(NaiveRoom::picking).collect();
        let picks = picking.choose(&mut self.random).filter(|_| self.random.random_bool(0.9));
        let guest = picks.and_then(|alias| self.guests.iter().find(|guest| guest.alias == *alias));
        let anybody = SessionId(Uuid::from_u128(self.random.random_range(1..=SESSIONS)));
        guest.map_or(anybody, |guest| guest.session)
    }

    /// What some do of those who go through the waiting room.
    pub(super) fn guests_ask(&mut self) -> Vec<Command> {
        let replica = self.desk.replica().read();
        let Some(room) = replica.show().waiting_room() else { return Vec::new() };
        let mut commands = Vec::new();
        for _ in 0..self.random.random_range(0..4) {
            let guest = self.random.random_range(0..self.guests.len());
            commands.extend(self.guests[guest].acts(room, &self.lobby, &mut self.random));
        }
        commands
    }

    /// What one who waits may do: mostly with an offer.
    fn of_one_in_line(&mut self, waiter: &Waiter) -> Command {
        let replica = self.desk.replica().read();
        let owner = replica.show().ticket(waiter.ticket).map(|ticket| ticket.session);
        drop(replica);
        let session = owner.unwrap_or(SessionId(Uuid::nil()));
        match (self.random.random_range(0..8), waiter.offer) {
            (0, _) => Command::Leave { session },
            (1, _) => Command::Decline { session },
            (2, Some(hold)) => Command::Release { session, hold },
            (3, Some(hold)) => {
                let first = self.random.random_range(0..20);
                Command::Change { session, hold, seats: vec![first, first + 1] }
            }
            (4, Some(hold)) => {
                let state = PaymentState::Captured;
                let payment = Decision::Approved(Payment { id: "simulated".to_owned(), state });
                let purchase = Purchase { key: hold.to_string(), payment, customer: None };
                Command::Buy { session, hold, purchase: Box::new(purchase) }
            }
            (5 | 6, _) => Command::Accept { session },
            _ => Command::Join { session, wish: any_wish(&mut self.random) },
        }
    }
}

fn any_wish(random: &mut StdRng) -> Wish {
    let categories = (random.random_range(0..3) == 0).then(|| vec![0, 1]);
    let together = random.random_range(0..3) != 0;
    Wish { quantity: random.random_range(0..6), categories, sections: None, areas: None, together }
}

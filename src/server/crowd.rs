//! The demo's crowd: simulated buyers who hold, change their minds, buy, release and forget.
//!
//! They ask the box office as any buyer's request does, and keep no more than a buyer could. They
//! are gentle: whoever opens the demo should find seats, and something happening.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::box_office::{Answer, BoxOffices, OpenShow};
use crate::checkout;
use crate::protocol::rpc::{Card, PaymentMethod};
use crate::show::{Command, HoldId, Purchase, SessionId, Wish};

/// How long a buyer looks around before asking for seats.
const LOOKS_AROUND_MS: std::ops::Range<u64> = 2_000..15_000;

/// How long a buyer thinks with seats in hand.
const THINKS_MS: std::ops::Range<u64> = 3_000..25_000;

/// Of each show this share is left for the people who came to see the demo.
const LEFT_FREE: f64 = 0.35;

/// What a buyer does with seats in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Buys,
    IsDeclinedFirst,
    Swaps,
    Releases,
    Forgets,
}

impl Mood {
    /// Of a hundred buyers, while there are seats enough: 40 buy (5 of them at the second attempt),
    /// 15 swap, 35 release, 10 walk away and let their hold lapse.
    fn of(chance: u32, enough_free: bool) -> Self {
        match chance % 100 {
            0..35 if enough_free => Self::Buys,
            35..40 if enough_free => Self::IsDeclinedFirst,
            40..55 => Self::Swaps,
            55..65 => Self::Forgets,
            _ => Self::Releases,
        }
    }
}

/// Sends in `buyers`, each a task of its own; dropping the set sends them home.
pub(super) fn send_in(offices: &BoxOffices, buyers: u32) -> JoinSet<()> {
    let mut crowd = JoinSet::new();
    for _ in 0..buyers {
        crowd.spawn(buyer(offices.clone()));
    }
    crowd
}

/// One buyer after another on one chair.
async fn buyer(offices: BoxOffices) {
    loop {
        pause(LOOKS_AROUND_MS).await;
        let shows = offices.all();
        if shows.is_empty() {
            continue;
        }
        let show = &shows[rand::rng().random_range(0..shows.len())];
        visit(show, SessionId(Uuid::new_v4())).await;
    }
}

/// One visit: a hold, and what becomes of it. Refusals are a visit's ordinary end.
async fn visit(show: &Arc<OpenShow>, session: SessionId) {
    let Some(hold) = hold(show, session).await else { return };
    pause(THINKS_MS).await;
    let free = f64::from(show.available()) / f64::from(show.definition().seats);
    let release = Command::Release { session, hold };
    let mood = Mood::of(rand::rng().random(), free > LEFT_FREE);
    let command = match mood {
        Mood::Forgets => return,
        Mood::Releases => release,
        Mood::Buys => buy(session, hold, Card::Approved),
        Mood::IsDeclinedFirst => {
            // The refusal is the point: the hold goes on, and the second card pays.
            drop(show.ask(buy(session, hold, Card::Declined), None).await);
            pause(THINKS_MS).await;
            buy(session, hold, Card::Approved)
        }
        Mood::Swaps => {
            drop(show.ask(release, None).await);
            let Some(hold) = self::hold(show, session).await else { return };
            pause(THINKS_MS).await;
            Command::Release { session, hold }
        }
    };
    // A refusal here is a lapse that came first, or a stopping house: nothing to do about it.
    drop(show.ask(command, None).await);
}

async fn hold(show: &OpenShow, session: SessionId) -> Option<HoldId> {
    let wish = {
        let mut chance = rand::rng();
        let sections = u16::try_from(show.hall().sections.len()).unwrap_or(u16::MAX);
        let areas = u16::try_from(show.hall().areas.len()).unwrap_or(u16::MAX);
        // People stand in all corners of a house, not only where it is best.
        let place = chance.random_range(0..(sections + areas).max(1));
        let in_section = place < sections;
        Wish {
            quantity: chance.random_range(1..=4),
            categories: None,
            sections: in_section.then(|| vec![place]),
            areas: (!in_section && areas > 0).then(|| vec![place - sections]),
            together: true,
        }
    };
    match show.ask(Command::HoldBest { session, wish }, None).await {
        Ok(reply) => match reply.answer {
            Answer::Hold(hold) => Some(hold.id),
            Answer::Done | Answer::Order(_) | Answer::Waiting(_) | Answer::Number { .. } => None,
        },
        Err(_) => None,
    }
}

/// A purchase as the `test` method makes it.
pub(super) fn buy(session: SessionId, hold: HoldId, card: Card) -> Command {
    let payment = checkout::decide(PaymentMethod::Test { card }, Uuid::new_v4());
    let purchase = Purchase { key: hold.to_string(), payment, customer: None };
    Command::Buy { session, hold, purchase: Box::new(purchase) }
}

/// Waits a while within these bounds.
pub(super) async fn pause(ms: std::ops::Range<u64>) {
    let ms = rand::rng().random_range(ms);
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_buys_when_few_seats_are_left_for_visitors() {
        let moods = |enough| (0..100).map(move |chance| Mood::of(chance, enough));
        assert_eq!(moods(true).filter(|mood| *mood == Mood::Buys).count(), 35);
        assert!(moods(false).all(|mood| !matches!(mood, Mood::Buys | Mood::IsDeclinedFirst)));
    }
}

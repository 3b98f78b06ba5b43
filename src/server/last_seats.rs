//! The last seats of the demo's sold-out evening: a few simulated buyers hold them, and let them go and
//! take them again, so that whoever comes to see the waitlist is offered some before long.
//!
//! Like the demo's crowd they ask the box office as any buyer's request does.

use std::sync::Arc;

use rand::RngExt;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::box_office::{Answer, BoxOffices, OpenShow};
use crate::protocol::rpc::Card;
use crate::show::{Command, HoldId, SessionId, Wish};

use super::crowd::{buy, pause};
use super::demo;

/// Who holds the last seats. So many that somebody lets go every few seconds, and so few that the
/// evening looks sold out.
const HOLDERS: u32 = 6;
/// What each of them holds, side by side: as large a party as mostly comes.
const PARTY: u32 = 4;
/// How long they keep their seats: who waits is to be offered some within a minute.
const KEEPS_MS: std::ops::Range<u64> = 5_000..30_000;
/// How long they are away before they take seats again, if there are any that nobody waits for.
const AWAY_MS: std::ops::Range<u64> = 1_000..3_000;
/// Of a hundred times they let their hold lapse so often, instead of giving it back.
const FORGETS: u32 = 10;
/// How many others buy at once while the evening is being sold out.
const BUYERS_AT_ONCE: u32 = 64;

/// Sells a new show out, but for the last seats, which are held.
pub(super) async fn sell_out(show: &Arc<OpenShow>) {
    for number in 0..HOLDERS {
        takes(show, holder(number), PARTY, true).await;
    }
    let most = show.definition().policy.seats_max;
    loop {
        let free = show.available();
        let each = free.min(most);
        let mut buyers = JoinSet::new();
        for _ in 0..free.div_ceil(most).min(BUYERS_AT_ONCE) {
            let show = show.clone();
            buyers.spawn(async move {
                let session = SessionId(Uuid::new_v4());
                let Some(hold) = takes(&show, session, each, false).await else { return };
                // A refusal is a house that closes already: the evening stays as it is.
                drop(show.ask(buy(session, hold, Card::Approved), None).await);
            });
        }
        buyers.join_all().await;
        if show.available() == 0 || show.available() >= free {
            break;
        }
    }
}

/// Lets the holders do what they do, in every show that was sold out so.
pub(super) fn hold(offices: &BoxOffices, crowd: &mut JoinSet<()>) {
    for show in offices.all() {
        if show.definition().title == demo::SOLD_OUT {
            for number in 0..HOLDERS {
                crowd.spawn(holds_on_and_off(show.clone(), holder(number)));
            }
        }
    }
}

/// Each is the same person after a restart, and on every node: a session of the house's own making,
/// for which nobody has a token. One session may hold seats in many shows, so the show is not in it.
fn holder(number: u32) -> SessionId {
    SessionId(Uuid::from_u128(u128::from(number) + 1))
}

async fn holds_on_and_off(show: Arc<OpenShow>, session: SessionId) {
    loop {
        let hold = show.look(session).holds.first().map(|hold| hold.id);
        match hold {
            Some(hold) if rand::rng().random_range(0..100) >= FORGETS => {
                pause(KEEPS_MS).await;
                // A refusal here is a lapse that came first, or a house that closes.
                drop(show.ask(Command::Release { session, hold }, None).await);
            }
            Some(_) => {
                while !show.look(session).holds.is_empty() {
                    pause(AWAY_MS).await;
                }
            }
            None => {
                for party in [PARTY, PARTY / 2, 1] {
                    if takes(&show, session, party, true).await.is_some() {
                        break;
                    }
                }
            }
        }
        pause(AWAY_MS).await;
    }
}

/// Holds the best seats there are for so many, if there are.
async fn takes(
    show: &OpenShow,
    session: SessionId,
    quantity: u32,
    together: bool,
) -> Option<HoldId> {
    let wish = Wish { quantity, categories: None, sections: None, areas: None, together };
    match show.ask(Command::HoldBest { session, wish }, None).await.ok()?.answer {
        Answer::Hold(hold) => Some(hold.id),
        Answer::Done | Answer::Order(_) | Answer::Waiting(_) | Answer::Number { .. } => None,
    }
}

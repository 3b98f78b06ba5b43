//! What one buyer of a house with many nodes knows: all that was acknowledged, and all that is in
//! doubt.
//!
//! What was asked and not answered, or answered `unavailable`, may have happened, may not, and may
//! yet: the line to Redis can keep it back. Nothing else may be in doubt, and nothing that was
//! acknowledged may be gone.

use rand::RngExt as _;
use rand::rngs::StdRng;
use usher::client::Identified;
use usher::protocol::rpc::{HoldView, OrderView};

use crate::crash::journal::Asked;

/// One buyer's.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    /// The token, once there is one.
    pub(super) session: Option<String>,
    /// The hold that was acknowledged last and not ended.
    pub(super) hold: Option<HoldView>,
    /// Every order that was acknowledged, or found where one was in doubt.
    pub(super) orders: Vec<OrderView>,
    /// Whatever was asked and not answered.
    pub(super) doubts: Vec<Asked>,
    /// The epoch and place of the last change that was acknowledged.
    pub(super) last: (u64, u64),
    /// Whether history may be lost in this story: then what is gone is counted, not condemned.
    pub(super) may_lose: bool,
    /// How many acknowledged orders and holds are gone.
    pub(super) lost: usize,
}

impl Journal {
    /// What to ask next: a hold of some of these seats where there is none, else its end or, now and
    /// then, a swap.
    pub(super) fn next(&self, random: &mut StdRng, seats: std::ops::Range<u32>) -> Asked {
        let Some(HoldView { id: hold, .. }) = self.hold else {
            return Asked::Hold { seats: choice(random, seats) };
        };
        match random.random_range(0..10) {
            0..5 => Asked::Release { hold },
            5..7 => Asked::Change { hold, seats: choice(random, seats) },
            _ => Asked::Buy { hold },
        }
    }

    /// Holds what a node knows against this, and takes over what it knows more.
    pub(super) fn agree(&mut self, known: &Identified) -> Result<(), String> {
        let gone = |order: &&OrderView| !known.orders.contains(order);
        let gone = self.orders.iter().filter(gone).count();
        let hold = match &known.holds[..] {
            [] => None,
            [hold] => Some(hold),
            _ => return Err("two holds of one session".to_owned()),
        };
        let new = known.orders.iter().filter(|order| !self.orders.contains(order));
        let new: Vec<_> = new.collect();
        let found = new.len();
        let explained = self.explains(hold, found > 0);
        if !self.may_lose {
            if gone > 0 {
                return Err(format!("{gone} acknowledged orders are gone or changed"));
            }
            if let Some(order) = new.iter().find(|order| !self.doubted(order)) {
                return Err(format!("an order nobody asked for: {order:?}"));
            }
            if !explained {
                return Err(format!(
                    "neither what was acknowledged nor what is in doubt: {hold:?}"
                ));
            }
        }
        self.lost += gone + usize::from(!explained);
        self.hold = hold.cloned();
        self.orders = known.orders.clone();
        Ok(())
    }

    /// Whether the hold a node knows is the one acknowledged, or follows from it by doubts.
    fn explains(&self, known: Option<&HoldView>, bought: bool) -> bool {
        if known == self.hold.as_ref() {
            return true;
        }
        let ended = self.hold.as_ref().is_none_or(|mine| {
            self.doubts.iter().any(|doubt| match doubt {
                Asked::Release { hold } => *hold == mine.id,
                Asked::Buy { hold } => bought && *hold == mine.id,
                Asked::Hold { .. } | Asked::Change { .. } => false,
            })
        });
        let Some(known) = known else { return ended };
        let swapped = self.hold.as_ref().is_some_and(|mine| {
            (mine.id, mine.expires_at) == (known.id, known.expires_at)
                && self.doubts.iter().any(|doubt| {
                    matches!(doubt, Asked::Change { hold, seats }
                        if *hold == mine.id && same(&known.seats, seats))
                })
        });
        let begun = self
            .doubts
            .iter()
            .any(|doubt| matches!(doubt, Asked::Hold { seats } if same(&known.seats, seats)));
        swapped || (ended && begun)
    }

    /// Whether an order is of a purchase that is in doubt.
    fn doubted(&self, order: &OrderView) -> bool {
        let bought = self.doubts.iter().any(|doubt| matches!(doubt, Asked::Buy { .. }));
        let mine = self.hold.as_ref().is_some_and(|hold| hold.seats == order.seats);
        let swapped = self.doubts.iter().any(|doubt| match doubt {
            Asked::Hold { seats } | Asked::Change { seats, .. } => same(&order.seats, seats),
            Asked::Release { .. } | Asked::Buy { .. } => false,
        });
        bought && (mine || swapped)
    }
}

/// Up to four different ones of these seats.
fn choice(random: &mut StdRng, seats: std::ops::Range<u32>) -> Vec<u32> {
    let count = random.random_range(1..=4);
    let mut chosen: Vec<u32> = (0..count).map(|_| random.random_range(seats.clone())).collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

fn same(known: &[usher::hall::Seat], asked: &[u32]) -> bool {
    known.iter().map(|seat| seat.0).eq(asked.iter().copied())
}

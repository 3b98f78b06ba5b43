//! What one buyer knows: all that was acknowledged, and the one thing that is in doubt.

use rand::RngExt as _;
use rand::rngs::StdRng;
use usher::client::Identified;
use usher::protocol::rpc::{HoldView, OrderView};
use usher::show::HoldId;

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    Hold { seats: Vec<u32> },
    Change { hold: HoldId, seats: Vec<u32> },
    Release { hold: HoldId },
    Buy { hold: HoldId },
}

/// One buyer's.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    /// The token, once there is one.
    pub(super) session: Option<String>,
    /// The hold that was acknowledged last and not ended.
    pub(super) hold: Option<HoldView>,
    /// Every order, in order.
    pub(super) orders: Vec<OrderView>,
    /// Asked, and not answered yet.
    pub(super) under_way: Option<Asked>,
}

impl Journal {
    /// What to ask next: a hold where there is none, else its end or, now and then, a swap.
    pub(super) fn next(&self, random: &mut StdRng, seats: u32) -> Asked {
        let Some(HoldView { id: hold, .. }) = self.hold else {
            return Asked::Hold { seats: choice(random, seats) };
        };
        match random.random_range(0..10) {
            0..5 => Asked::Release { hold },
            5..7 => Asked::Change { hold, seats: choice(random, seats) },
            _ => Asked::Buy { hold },
        }
    }

    /// Holds what the program knows against this, and learns what became of the thing in doubt.
    pub(super) fn agree(&mut self, known: &Identified) -> Result<(), String> {
        let Some(known_orders) = known.orders.get(..self.orders.len()) else {
            return Err("an acknowledged order is gone".to_owned());
        };
        if known_orders != self.orders {
            return Err("an acknowledged order is another now".to_owned());
        }
        let more = &known.orders[self.orders.len()..];
        let hold = match &known.holds[..] {
            [] => None,
            [hold] => Some(hold),
            _ => return Err("two holds of one session".to_owned()),
        };
        let as_it_was = more.is_empty() && hold == self.hold.as_ref();
        let done = match (&self.under_way, hold, more) {
            (Some(Asked::Hold { seats }), Some(hold), []) => same(hold, seats),
            (Some(Asked::Change { seats, .. }), Some(hold), []) => {
                let before = self.hold.as_ref();
                same(hold, seats)
                    && before.is_some_and(|before| {
                        (before.id, before.expires_at) == (hold.id, hold.expires_at)
                    })
            }
            (Some(Asked::Release { .. }), None, []) => true,
            (Some(Asked::Buy { .. }), None, [order]) => {
                self.hold.as_ref().is_some_and(|before| before.seats == order.seats)
            }
            _ => false,
        };
        if !as_it_was && !done {
            return Err("neither what was acknowledged nor what was under way".to_owned());
        }
        self.hold = hold.cloned();
        self.orders.extend_from_slice(more);
        self.under_way = None;
        Ok(())
    }
}

/// Up to four different seats.
fn choice(random: &mut StdRng, seats: u32) -> Vec<u32> {
    let count = random.random_range(1..=4);
    let mut chosen: Vec<u32> = (0..count).map(|_| random.random_range(0..seats)).collect();
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

fn same(hold: &HoldView, seats: &[u32]) -> bool {
    hold.seats.iter().map(|seat| seat.0).eq(seats.iter().copied())
}

//! What the proposals of one batch have asked for: they are judged before any of them is applied.

use std::collections::BTreeSet;

use crate::hall::{Seat, SeatSet};

use super::entry::{Entry, Fact};
use super::{SessionId, Show};

/// Which seats and sessions the proposals of one batch have asked for so far, so that requests for
/// the best seats spread, and what depends on an earlier proposal waits for its outcome.
#[derive(Debug)]
pub struct Asked {
    pub(super) seats: SeatSet,
    pub(super) sessions: BTreeSet<SessionId>,
    /// The free seats that those who join would have kept for them.
    pub(super) waited_for: SeatSet,
    /// What would be sold or blocked.
    pub(super) gone: SeatSet,
    /// What would be put back on sale.
    pub(super) regained: SeatSet,
}

impl Asked {
    /// Nothing asked yet, in a hall of `seats`.
    pub fn new(seats: u32) -> Self {
        let none = || SeatSet::empty(seats);
        Self {
            seats: none(),
            sessions: BTreeSet::new(),
            waited_for: none(),
            gone: none(),
            regained: none(),
        }
    }

    /// Nothing asked, and nothing to be noted: for looking at one command alone.
    pub fn nothing() -> Self {
        Self::new(0)
    }

    /// Begins the next batch.
    pub fn clear(&mut self) {
        self.sessions.clear();
        for set in [&mut self.seats, &mut self.waited_for, &mut self.gone, &mut self.regained] {
            if !set.is_empty() {
                *set = SeatSet::empty(set.hall_seats());
            }
        }
    }

    pub(super) fn note(&mut self, show: &Show, session: Option<SessionId>, entries: &[Entry]) {
        if self.seats.hall_seats() == 0 {
            return;
        }
        self.sessions.extend(session);
        for entry in entries {
            match &entry.fact {
                Fact::SeatsHeld { seats, .. } | Fact::SeatsChanged { seats, .. } => {
                    add(&mut self.seats, seats);
                }
                Fact::SeatsBlocked { seats } => {
                    add(&mut self.seats, seats);
                    add(&mut self.gone, seats);
                }
                Fact::SeatsUnblocked { seats } => {
                    add(&mut self.seats, seats);
                    add(&mut self.regained, seats);
                }
                Fact::SeatsSold(sale) => {
                    let hold = show.holds.get(sale.hold);
                    add(&mut self.gone, hold.map(|hold| &*hold.seats).unwrap_or_default());
                }
                Fact::TicketTaken(joining) => {
                    let mut free = show.free.clone();
                    if let Some(mask) = joining.wish.mask(&show.floor) {
                        free.keep_only(&mask);
                    }
                    self.waited_for.insert_all(&free);
                }
                // Seats that come free are for who comes after, or kept for who waits already.
                Fact::HoldReleased { .. }
                | Fact::HoldLapsed { .. }
                | Fact::PaymentBegun { .. }
                | Fact::PaymentDeclined { .. }
                | Fact::SeatsOffered { .. }
                | Fact::OfferAccepted { .. }
                | Fact::TicketParted { .. }
                | Fact::TicketClosed { .. }
                | Fact::OfRoom(_) => {}
            }
        }
    }

    pub(super) fn any_of(&self, seats: &[Seat]) -> bool {
        seats.iter().any(|seat| self.seats.has(*seat))
    }
}

fn add(set: &mut SeatSet, seats: &[Seat]) {
    seats.iter().for_each(|seat| set.insert(*seat));
}

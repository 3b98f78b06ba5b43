//! What becomes of a turn is told: the seats to the board, each session its own, and the counters.

use std::sync::atomic::Ordering;

use bytes::Bytes;

use crate::show::{Outcome, RoomOutcome};

use super::super::counters::Counters;
use super::super::desk::Settled;
use super::Task;

impl Task {
    /// Tells what became of a turn.
    pub(super) fn publish(&mut self, settled: Settled) {
        self.positions.changed(&settled);
        let seq = self.head().seq;
        if let Some(outside) = &mut self.outside {
            outside.changed(seq, &settled.outcomes);
        }
        // Who only asked the log may have heard nothing new.
        if seq > self.board.position().1 {
            self.board.publish(seq, &settled.changes);
        }
        for told in settled.told {
            let text = Bytes::from(told.notice.encode());
            self.hub.notify(&self.show, told.session, told.except, text);
        }
        for outcome in settled.outcomes {
            match outcome {
                Outcome::Void => Counters::count(&self.counters.voids),
                Outcome::Held { ticket, .. } => {
                    Counters::count(&self.counters.holds);
                    if ticket.is_some() {
                        Counters::count(&self.counters.tickets_closed);
                    }
                }
                Outcome::Released { .. } => Counters::count(&self.counters.releases),
                Outcome::Lapsed { .. } => Counters::count(&self.counters.lapses),
                Outcome::Sold { .. } => Counters::count(&self.counters.sales),
                Outcome::Joined { .. } => Counters::count(&self.counters.joins),
                Outcome::Offered { .. } => Counters::count(&self.counters.offers),
                Outcome::Closed { .. } => Counters::count(&self.counters.tickets_closed),
                Outcome::Changed { .. }
                | Outcome::Accepted { .. }
                | Outcome::Parted { .. }
                | Outcome::PaymentBegun { .. }
                | Outcome::PaymentDeclined { .. }
                | Outcome::Blocking => {}
                Outcome::OfRoom(outcome) => self.count_in_the_room(outcome),
            }
        }
    }

    fn count_in_the_room(&self, outcome: RoomOutcome) {
        let counters = &self.counters;
        match outcome {
            RoomOutcome::NumbersTaken { count, .. } => {
                counters.numbers.fetch_add(count, Ordering::Relaxed);
            }
            RoomOutcome::NumbersCalled { before, upto } => {
                counters.called.fetch_add(upto - before, Ordering::Relaxed);
            }
            RoomOutcome::Admitted { .. } => Counters::count(&counters.admitted),
            RoomOutcome::DoorsOpened
            | RoomOutcome::NumberReturned { .. }
            | RoomOutcome::PlaceGivenBack { .. }
            | RoomOutcome::PlacesLapsed => {}
        }
    }
}

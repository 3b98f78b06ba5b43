//! The end of a story: everything under way comes to its end, and everything is held against everything.

use std::sync::Arc;

use usher::audit::{self, Verdict};
use usher::log::Log as _;
use usher::show::SeatState;

use super::{Flight, GRACE_MS, HOLD_MS, Seen, World};

impl World {
    /// Everything under way comes to its end, and the node asks until it hears nothing new.
    pub(super) async fn settle_down(&mut self, node: usize, seen: &mut Seen) {
        loop {
            match self.nodes[node].flight.take() {
                Some(Flight::Going { entries, known }) => {
                    let answer = self.log.append(&self.stream, known, entries).await;
                    self.nodes[node].flight = Some(Flight::Coming(answer));
                }
                Some(Flight::Coming(answer)) => self.land(node, answer, seen).await,
                None => {
                    let known = self.replica(node).read().known();
                    match self.log.append(&self.stream, known, Vec::new()).await {
                        Ok(appended) if appended.since_known.is_empty() => break,
                        answer => self.land(node, answer, seen).await,
                    }
                }
            }
        }
    }

    /// Every hold that is due lapses, every command is answered, everybody knows all.
    pub(super) async fn come_to_rest(&mut self, seen: &mut Seen) {
        // Whoever waits is dismissed or offered seats, and every offer lapses.
        for _ in 0..4 {
            self.clock.pass(HOLD_MS + GRACE_MS);
            self.rest(seen).await;
        }
        for node in 0..self.nodes.len() {
            self.settle_down(node, seen).await;
            self.watch(node);
            assert!(self.nodes[node].waiting.is_empty(), "somebody was never answered");
            let replica = self.replica(node).read();
            assert_eq!(replica.show().follow_ups(self.clock.now(), 1), [], "it never followed");
        }
    }

    async fn rest(&mut self, seen: &mut Seen) {
        for node in 0..self.nodes.len() {
            loop {
                self.settle_down(node, seen).await;
                let now = self.clock.now();
                let mut present = std::mem::take(&mut self.nodes[node].present);
                let entries = self.nodes[node].desk.propose(&mut present, now);
                self.take_answers(node, seen);
                if !entries.is_empty() {
                    self.ask(node, entries);
                } else if !self.nodes[node].desk.has_more() {
                    break;
                }
            }
        }
    }

    pub(super) async fn judge(&self, seen: &mut Seen) {
        self.compare();
        let verdict = audit::verify(Arc::new(self.log.clone())).await.expect("a log to read");
        assert!(matches!(verdict, Verdict::Kept(_)), "{verdict:?}");
        self.judge_the_room(seen).await;
    }

    /// All nodes know the same, and every order that was acknowledged and not lost is there.
    fn compare(&self) {
        let first = self.replica(0).read();
        for node in &self.nodes {
            let replica = node.desk.replica().read();
            assert_eq!(replica.head(), first.head(), "all know one history, hash and all");
            assert_eq!(replica.show().seat_states(), first.show().seat_states());
            assert_eq!(node.board.position(), (replica.head().epoch, replica.head().seq));
        }
        for (order, seq) in &self.orders {
            let kept = first.show().order(*order);
            let kept = kept.unwrap_or_else(|| panic!("order {order} of entry {seq} is missing"));
            let sold = |seat: &usher::hall::Seat| first.show().seat_state(*seat) == SeatState::Sold;
            assert!(kept.seats.iter().all(sold));
        }
    }
}

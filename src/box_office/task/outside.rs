//! What programs outside are shown: which seats are available, and the orders.
//!
//! Written after entries were applied, so that nothing a guard refused is ever seen there. Every node
//! could write it, and one does: each looks first how far it was shown, and leaves it to the others
//! while they go on. It is a convenience for others: nothing in the house reads it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::RngExt;
use tokio::task::JoinHandle;

use crate::log::{Log, OutsideOrder, OutsideView, Position, StreamId};
use crate::protocol::rpc::OrderView;
use crate::show::{OrderId, Outcome, Show};

use super::super::desk::Shared;
use super::super::replica::Replica;
use super::Task;

/// How often the view is written at most. It is promised to be no more than a second behind.
const EVERY: Duration = Duration::from_millis(250);
/// How much later a node looks again that found another at it: so the same one goes on, and when it is
/// gone it is missed within the second.
const LEAVES: Duration = Duration::from_millis(100);
/// Up to so much later each look is, each by another chance, so that two nodes do not go on writing the
/// same at the same time.
const APART_MS: u64 = 50;

/// How many orders go into one view at most; the rest follows in the next.
const ORDERS_MAX: usize = 500;

pub(super) struct Outside {
    /// Up to where all was shown, by whichever node, when this one looked last.
    shown: u64,
    /// The place of the last change.
    changed: u64,
    /// Whether the view is to be written by this node, whatever the others do: what is there may be of
    /// another life.
    in_any_case: bool,
    /// When it is the time to look again.
    look_at: Instant,
    /// Orders that may not be shown yet, by their places, in order.
    orders: VecDeque<(u64, OrderId)>,
    /// The look, and the view, that is under way. Answers none where it failed.
    under_way: Option<JoinHandle<Option<Shown>>>,
}

/// How far all is shown.
enum Shown {
    /// By others, or no longer as far as it was.
    Already(u64),
    /// By this node, and whether that is all that it knew.
    Now { up_to: u64, is_all: bool },
}

impl Outside {
    /// With the orders up to `shown` shown already.
    pub(super) fn since(shown: u64, replica: &Replica) -> Self {
        let orders = replica.show().orders().map(|order| (order.head.seq, order.id));
        let mut orders: Vec<_> = orders.filter(|(seq, _)| *seq > shown).collect();
        orders.sort_unstable_by_key(|(seq, _)| *seq);
        Self {
            shown,
            changed: replica.head().seq,
            in_any_case: true,
            look_at: Instant::now(),
            orders: orders.into(),
            under_way: None,
        }
    }

    /// Takes note of what became of a turn whose last entry is at `seq`.
    pub(super) fn changed(&mut self, seq: u64, outcomes: &[Outcome]) {
        let first = seq + 1 - outcomes.len() as u64;
        for (seq, outcome) in (first..).zip(outcomes) {
            if *outcome != Outcome::Void {
                self.changed = seq;
            }
            if let Outcome::Sold { order, .. } = outcome {
                self.orders.push_back((seq, *order));
            }
        }
    }

    /// Takes note that what comes now was appended by another node, which is likely to show it.
    pub(super) fn leave_to_others(&mut self) {
        if !self.is_due() {
            self.look_at = in_a_while(EVERY);
        }
    }

    /// How long until the view may be written, or what became of the last one is to be looked at; none
    /// where there is nothing to do.
    pub(super) fn due_in(&self) -> Option<Duration> {
        let wait = self.look_at.saturating_duration_since(Instant::now());
        (self.is_due() || self.under_way.is_some()).then_some(wait)
    }

    fn is_due(&self) -> bool {
        self.in_any_case || self.changed > self.shown
    }

    /// Takes note of how far all is shown, and of when to look again.
    fn found(&mut self, shown: &Shown, replica: &Replica) {
        let (up_to, is_all) = match shown {
            Shown::Now { up_to, is_all } => (*up_to, *is_all),
            Shown::Already(up_to) if *up_to < self.shown => {
                // It was lost with a server that was replaced.
                *self = Self::since(*up_to, replica);
                return;
            }
            Shown::Already(up_to) => {
                self.look_at = in_a_while(LEAVES);
                (*up_to, true)
            }
        };
        self.shown = up_to;
        self.in_any_case &= !is_all;
        let many = self.orders.partition_point(|(seq, _)| *seq <= up_to);
        self.orders.drain(..many);
    }
}

fn in_a_while(wait: Duration) -> Instant {
    Instant::now() + wait + Duration::from_millis(rand::rng().random_range(0..=APART_MS))
}

/// A view that is to be written.
struct Writing {
    log: Arc<dyn Log>,
    stream: StreamId,
    replica: Shared,
    /// Whether it is first to be looked whether another node does it.
    looks: bool,
    /// Up to where all was shown when this node looked last.
    shown: u64,
    /// Where this node was when it began.
    known: Position,
    /// The first orders up to there that may not be shown, one more than are written.
    orders: Vec<(u64, OrderId)>,
}

impl Writing {
    /// Writes the view, unless another node does. Answers none where it failed.
    async fn write(self) -> Option<Shown> {
        if self.looks {
            match self.log.shown_outside(&self.stream).await {
                Ok(shown) if shown.is_none_or(|shown| shown == self.shown) => {}
                // Another node goes on, or it was lost.
                Ok(shown) => return shown.map(Shown::Already),
                Err(error) => {
                    let show = self.stream.as_str();
                    tracing::debug!(show, %error, "how far it is shown outside is unknown");
                    return None;
                }
            }
        }
        let view = self.view()?;
        let (up_to, is_all) = (view.orders_up_to, view.orders_up_to == self.known.seq);
        match self.log.show_outside(&self.stream, view).await {
            Ok(()) => Some(Shown::Now { up_to, is_all }),
            Err(error) => {
                tracing::debug!(show = self.stream.as_str(), %error, "nothing was shown outside");
                None
            }
        }
    }

    /// The view as it is now; none where it is of another life than this began in.
    fn view(&self) -> Option<OutsideView> {
        let replica = self.replica.read();
        let (position, show) = (replica.known().position, replica.show());
        if position.epoch != self.known.epoch {
            return None;
        }
        let shown = self.orders.iter().take(ORDERS_MAX).filter_map(|(_, id)| {
            let order = show.order(*id)?;
            // An order's own form has no name and no address in it.
            let json = serde_json::to_vec(&OrderView::of(order, &show.definition().id)).ok()?;
            let buyer = order.session.to_string();
            Some(OutsideOrder { id: id.to_string(), buyer, json: json.into() })
        });
        let rest = self.orders.get(ORDERS_MAX);
        Some(OutsideView {
            position,
            available: available(show),
            orders: shown.collect(),
            orders_up_to: rest.map_or(self.known.seq, |(seq, _)| seq - 1),
        })
    }
}

/// One bit a seat, the first the highest of its byte.
fn available(show: &Show) -> Bytes {
    let bytes = (show.definition().seats as usize).div_ceil(8);
    let words = show.free().words().iter().flat_map(|word| word.to_le_bytes());
    words.take(bytes).map(u8::reverse_bits).collect()
}

impl Task {
    /// Writes the view, beside the task, if there is something new and the time has come.
    pub(super) async fn show_outside_if_due(&mut self) {
        let Some(outside) = &mut self.outside else { return };
        if self.away.is_some() || outside.due_in().is_none_or(|wait| !wait.is_zero()) {
            return;
        }
        outside.look_at = in_a_while(EVERY);
        if let Some(under_way) = outside.under_way.take_if(|writing| writing.is_finished())
            && let Ok(Some(shown)) = under_way.await
        {
            outside.found(&shown, &self.desk.replica().read());
            if matches!(shown, Shown::Already(_)) {
                return;
            }
        }
        // Where the log is slow it is looked at again after the usual while.
        if outside.under_way.is_some() || !outside.is_due() {
            return;
        }
        let writing = Writing {
            log: self.log.clone(),
            stream: self.stream.clone(),
            replica: self.desk.replica().clone(),
            looks: !outside.in_any_case,
            shown: outside.shown,
            known: self.desk.replica().read().known().position,
            orders: outside.orders.iter().take(ORDERS_MAX + 1).copied().collect(),
        };
        outside.under_way = Some(tokio::spawn(writing.write()));
    }

    /// After the log was away: what was shown may be lost with a server that was replaced, also where
    /// the log itself lost nothing. Whatever is not there is shown again.
    pub(super) async fn look_what_is_shown(&mut self) {
        if self.outside.is_none() {
            return;
        }
        // All of it, where nobody says.
        let shown = self.log.shown_outside(&self.stream).await.ok().flatten().unwrap_or(0);
        self.outside = Some(Outside::since(shown, &self.desk.replica().read()));
    }
}

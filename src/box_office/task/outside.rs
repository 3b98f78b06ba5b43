//! What programs outside are shown: which seats are available, and the orders.
//!
//! Written after entries were applied, so that nothing a guard refused is ever seen there. All nodes
//! write the same; the newest wins. It is a convenience for others: nothing in the house reads it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::log::{OutsideOrder, OutsideView};
use crate::protocol::rpc::OrderView;
use crate::show::{OrderId, Outcome, Show};

use super::super::replica::Replica;
use super::Task;

/// How often the view is written at most. It is promised to be no more than a second behind.
const EVERY: Duration = Duration::from_millis(250);

/// How many orders go into one view at most; the rest follows in the next.
const ORDERS_MAX: usize = 500;

pub(super) struct Outside {
    /// Whether there is something to show.
    is_due: bool,
    written_at: Option<Instant>,
    /// Orders to be shown, the oldest first.
    orders: Vec<OrderId>,
    /// The view that is being written; its orders, where it could not be.
    writing: Option<JoinHandle<Result<(), Vec<OrderId>>>>,
}

impl Outside {
    /// With the orders up to `shown` shown already.
    pub(super) fn since(shown: u64, show: &Show) -> Self {
        let orders = show.orders().filter(|order| order.head.seq > shown).map(|order| order.id);
        // The view may be missing, or of another life: it is written once in any case.
        Self { is_due: true, written_at: None, orders: orders.collect(), writing: None }
    }

    /// Takes note of what became of a turn.
    pub(super) fn changed(&mut self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            self.is_due |= *outcome != Outcome::Void;
            if let Outcome::Sold { order, .. } = outcome {
                self.orders.push(*order);
            }
        }
    }

    /// How long until the view may be written, or what became of the last one is to be looked at; none
    /// where there is nothing to do.
    pub(super) fn due_in(&self) -> Option<Duration> {
        let wait = self.written_at.map_or(Duration::ZERO, |at| super::left_of(EVERY, at));
        (self.is_due || self.writing.is_some()).then_some(wait)
    }

    /// What the view is now.
    fn view(&self, replica: &Replica, orders: &[OrderId]) -> OutsideView {
        let show = replica.show();
        let shown = |id: &OrderId| {
            let order = show.order(*id)?;
            // An order's own form has no name and no address in it.
            let json = serde_json::to_vec(&OrderView::of(order, &show.definition().id)).ok()?;
            let buyer = order.session.to_string();
            Some(OutsideOrder { id: id.to_string(), buyer, json: json.into() })
        };
        OutsideView {
            position: replica.known().position,
            available: available(show),
            orders: orders.iter().filter_map(shown).collect(),
        }
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
        if let Some(writing) = outside.writing.take_if(|writing| writing.is_finished())
            && let Ok(Err(unshown)) = writing.await
        {
            outside.orders.splice(0..0, unshown);
            outside.is_due = true;
        }
        outside.written_at = Some(Instant::now());
        if outside.writing.is_some() || !outside.is_due {
            // Where the log is slow it is looked at again after the usual while.
            return;
        }
        let many = outside.orders.len().min(ORDERS_MAX);
        let orders: Vec<OrderId> = outside.orders.drain(..many).collect();
        let view = outside.view(&self.desk.replica().read(), &orders);
        outside.is_due = !outside.orders.is_empty();
        let (log, stream) = (self.log.clone(), self.stream.clone());
        outside.writing = Some(tokio::spawn(async move {
            match log.show_outside(&stream, view).await {
                Ok(()) => Ok(()),
                Err(error) => {
                    tracing::debug!(show = stream.as_str(), %error, "nothing was shown outside");
                    Err(orders)
                }
            }
        }));
    }

    /// After the log was away: what was shown may be lost with a server that was replaced, also where
    /// the log itself lost nothing. Whatever is not there is shown again.
    pub(super) async fn look_what_is_shown(&mut self) {
        if self.outside.is_none() {
            return;
        }
        // All of it, where nobody says.
        let shown = self.log.shown_outside(&self.stream).await.ok().flatten().unwrap_or(0);
        self.outside = Some(Outside::since(shown, self.desk.replica().read().show()));
    }
}

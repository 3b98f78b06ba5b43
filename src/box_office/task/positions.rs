//! Places in line, told when they changed: gathered, never a message a waiter a change.
//!
//! The first thousand hear once a second, those behind every ten. Only sessions with a socket on
//! this node are looked at closely.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::protocol::rpc::Notice;
use crate::show::TicketId;

use super::super::desk::Settled;
use super::Task;

const EVERY: Duration = Duration::from_secs(1);
const EVERY_BEHIND: Duration = Duration::from_secs(10);
/// How many stand in front, and hear more often.
const IN_FRONT: usize = 1_000;

/// What was told of places in line.
#[derive(Default)]
pub(super) struct Positions {
    /// The last that each ticket's sockets here were told.
    told: BTreeMap<TicketId, u32>,
    /// Whether anybody's place may have changed since those in front were told, and those behind.
    front_is_due: bool,
    behind_is_due: bool,
    front_told_at: Option<Instant>,
    behind_told_at: Option<Instant>,
}

impl Positions {
    /// Takes note of what became of a turn.
    pub(super) fn changed(&mut self, settled: &Settled) {
        for (ticket, position) in &settled.joined {
            self.told.insert(*ticket, *position);
        }
        for outcome in &settled.outcomes {
            if let Some(ticket) = outcome.closed_ticket() {
                self.told.remove(&ticket);
                (self.front_is_due, self.behind_is_due) = (true, true);
            }
        }
    }

    /// Another history: whatever was told is forgotten.
    pub(super) fn begin_anew(&mut self) {
        *self = Self { front_is_due: true, behind_is_due: true, ..Self::default() };
    }

    /// How long until somebody may be told; none where nothing changed.
    pub(super) fn due_in(&self) -> Option<Duration> {
        let front = self.front_is_due.then(|| wait(EVERY, self.front_told_at));
        let behind = self.behind_is_due.then(|| wait(EVERY_BEHIND, self.behind_told_at));
        front.into_iter().chain(behind).min()
    }
}

fn wait(every: Duration, last: Option<Instant>) -> Duration {
    last.map_or(Duration::ZERO, |at| super::left_of(every, at))
}

impl Task {
    /// Tells those whose place changed, where the time has come.
    pub(super) fn tell_positions_if_due(&mut self) {
        if self.positions.due_in().is_none_or(|wait| !wait.is_zero()) {
            return;
        }
        let positions = &mut self.positions;
        let behind =
            positions.behind_is_due && wait(EVERY_BEHIND, positions.behind_told_at).is_zero();
        let now = Instant::now();
        (positions.front_is_due, positions.front_told_at) = (false, Some(now));
        if behind {
            (positions.behind_is_due, positions.behind_told_at) = (false, Some(now));
        }
        let most = if behind { usize::MAX } else { IN_FRONT };
        let replica = self.desk.replica().read();
        for (ticket, position) in replica.show().tickets().take(most).zip(1..) {
            if !self.hub.hears(&self.show, ticket.session, None)
                || positions.told.insert(ticket.id, position) == Some(position)
            {
                continue;
            }
            let text = Bytes::from(Notice::WaitlistPosition { position }.encode());
            self.hub.notify(&self.show, ticket.session, None, text);
        }
        if replica.show().waiting() <= IN_FRONT {
            // Nobody stands behind.
            positions.behind_is_due = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use crate::show::{HoldId, Outcome, SessionId};

    use super::*;

    #[test]
    fn a_hold_that_ends_the_waiting_moves_those_behind() {
        let (hold, session) = (HoldId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2)));
        let ticket = TicketId(Uuid::from_u128(3));
        let after = |ticket| Settled {
            outcomes: vec![Outcome::Held { hold, session, ticket }],
            ..Settled::default()
        };
        let mut positions = Positions::default();
        positions.changed(&Settled { joined: vec![(ticket, 1)], ..Settled::default() });
        positions.changed(&after(None));
        assert_eq!((positions.told.len(), positions.due_in()), (1, None));
        positions.changed(&after(Some(ticket)));
        assert_eq!((positions.told.len(), positions.due_in()), (0, Some(Duration::ZERO)));
    }
}

//! What the hub counts, for `/metrics`.
//!
//! Each shard counts for itself, so that counting never makes two cores share a cache line; whoever
//! asks adds up.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::protocol::websocket::CloseCode;

/// One shard's counts, since its start.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) sockets: AtomicUsize,
    pub(super) frames: AtomicU64,
    pub(super) snapshots: AtomicU64,
    pub(super) messages: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) rounds: AtomicU64,
    pub(super) slow: AtomicUsize,
    pub(super) catch_ups: AtomicU64,
    closes: [AtomicU64; CloseCode::ALL.len()],
}

/// The counts of all shards together, since the hub's start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Sockets there are now.
    pub sockets: usize,
    /// Seat frames sent, to however many sockets each.
    pub frames: u64,
    /// Those of them that were snapshots.
    pub snapshots: u64,
    /// Other messages sent: responses, notifications, pings, pongs, closes.
    pub messages: u64,
    /// Bytes sent or waiting to be, WebSocket headers included.
    pub bytes: u64,
    /// Rounds of fan-out.
    pub rounds: u64,
    /// Sockets that have something unfinished now: slow viewers.
    pub slow: usize,
    /// Frames that merged what a slow viewer had missed.
    pub catch_ups: u64,
    /// Sockets closed, by code, in the order of [`CloseCode::ALL`].
    pub closes: [(u16, u64); CloseCode::ALL.len()],
}

impl Counters {
    pub(super) fn count_close(&self, code: CloseCode) {
        let place = CloseCode::ALL.iter().position(|&known| known == code);
        if let Some(count) = place.and_then(|place| self.closes.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Adds these counts to `totals`.
    pub(super) fn add_to(&self, totals: &mut Totals) {
        totals.sockets += self.sockets.load(Ordering::Relaxed);
        totals.frames += self.frames.load(Ordering::Relaxed);
        totals.snapshots += self.snapshots.load(Ordering::Relaxed);
        totals.messages += self.messages.load(Ordering::Relaxed);
        totals.bytes += self.bytes.load(Ordering::Relaxed);
        totals.rounds += self.rounds.load(Ordering::Relaxed);
        totals.slow += self.slow.load(Ordering::Relaxed);
        totals.catch_ups += self.catch_ups.load(Ordering::Relaxed);
        for ((total, code), count) in totals.closes.iter_mut().zip(CloseCode::ALL).zip(&self.closes)
        {
            total.0 = code.number();
            total.1 += count.load(Ordering::Relaxed);
        }
    }
}

/// Adds to a count. The order of counts among themselves says nothing.
pub(super) fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

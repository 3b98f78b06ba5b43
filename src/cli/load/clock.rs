//! One clock for all processes of a load, and when each change was asked for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// How many changes are remembered: some seconds of the fastest server.
const SLOTS: usize = 1 << 18;

/// Microseconds that mean the same in every process on this machine: the wall clock read once,
/// and the monotonic one from there on, so that a step of the wall clock changes nothing.
pub(super) struct Clock {
    start: Instant,
    start_us: u64,
    asked: Box<[Slot]>,
}

#[derive(Default)]
struct Slot {
    seq: AtomicU64,
    sent_us: AtomicU64,
}

impl Clock {
    pub(super) fn start() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            start: Instant::now(),
            start_us: since_epoch.as_micros() as u64,
            asked: (0..SLOTS).map(|_| Slot::default()).collect(),
        }
    }

    pub(super) fn now_us(&self) -> u64 {
        self.start_us + self.start.elapsed().as_micros() as u64
    }

    /// Remembers when the request was sent that became the change at `seq`.
    pub(super) fn asked(&self, seq: u64, sent_us: u64) {
        let slot = &self.asked[seq as usize % SLOTS];
        slot.sent_us.store(sent_us, Ordering::Relaxed);
        // Who sees this seq sees the time that was stored before it.
        slot.seq.store(seq, Ordering::Release);
    }

    /// When the change at `seq` was asked for; none where it was not one of our buyers' changes.
    pub(super) fn asked_at(&self, seq: u64) -> Option<u64> {
        let slot = &self.asked[seq as usize % SLOTS];
        let known = slot.seq.load(Ordering::Acquire) == seq;
        known.then(|| slot.sent_us.load(Ordering::Relaxed))
    }
}

//! How this node is, apart from its shows: what its caretaker found, for the operator's metrics.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// What was found last, and what adds up.
#[derive(Debug, Default)]
pub struct Condition {
    clock_offset_ms: AtomicI64,
    durability_weaker: AtomicBool,
    log_away_ms: AtomicU64,
}

impl Condition {
    /// How far the machine's clock is ahead of the log's; behind, if negative.
    pub fn set_clock_offset_ms(&self, ahead: i64) {
        self.clock_offset_ms.store(ahead, Ordering::Relaxed);
    }

    /// As it was set last.
    pub fn clock_offset_ms(&self) -> i64 {
        self.clock_offset_ms.load(Ordering::Relaxed)
    }

    /// Whether what is acknowledged is kept less safely than was asked for.
    pub fn set_durability_weaker(&self, is_weaker: bool) {
        self.durability_weaker.store(is_weaker, Ordering::Relaxed);
    }

    /// As it was set last.
    pub fn durability_weaker(&self) -> bool {
        self.durability_weaker.load(Ordering::Relaxed)
    }

    /// The log was away for so much longer.
    pub fn log_was_away(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.log_away_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// How long the log was away since the start, in all.
    pub fn log_away(&self) -> Duration {
        Duration::from_millis(self.log_away_ms.load(Ordering::Relaxed))
    }
}

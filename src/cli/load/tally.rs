//! What is counted: while it runs (atomics, for the progress line) and for the report.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Counters that every task of this process adds to.
#[derive(Default)]
pub(super) struct Live {
    pub(super) viewers: AtomicU64,
    pub(super) frames: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) commands: AtomicU64,
    pub(super) refused: AtomicU64,
}

/// What [`Live`] says at one moment.
#[derive(Clone, Copy)]
pub(super) struct LiveNow {
    pub(super) viewers: u64,
    pub(super) frames: u64,
    pub(super) bytes: u64,
    pub(super) commands: u64,
    pub(super) refused: u64,
}

impl Live {
    pub(super) fn snapshot(&self) -> LiveNow {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LiveNow {
            viewers: read(&self.viewers),
            frames: read(&self.frames),
            bytes: read(&self.bytes),
            commands: read(&self.commands),
            refused: read(&self.refused),
        }
    }
}

/// Adds to a counter that nothing is ordered by.
pub(super) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

/// Times in microseconds, up to a minute, to two digits: 60 KB however many there are.
pub(super) fn histogram() -> Histogram<u64> {
    const MINUTE_US: u64 = 60_000_000;
    Histogram::new_with_bounds(1, MINUTE_US, 2).unwrap_or_else(|_| {
        // Only bounds out of order are refused, and these are constants.
        unreachable!("the bounds of a histogram")
    })
}

/// What viewers saw, in a form that one process can tell another.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct ViewersTally {
    pub(super) asked: u64,
    pub(super) connected: u64,
    pub(super) frames: u64,
    pub(super) bytes: u64,
    pub(super) snapshots: u64,
    /// Pictures found equal to the final snapshot.
    pub(super) compared: u64,
    /// Pictures that were past it already, because somebody else changed the show.
    pub(super) moved_on: u64,
    /// Sockets that ended, or were never opened: what was said, how often.
    pub(super) failures: BTreeMap<String, u64>,
    /// What must never be: gaps, faulty frames, pictures that differ.
    pub(super) inconsistencies: BTreeMap<String, u64>,
    /// Change to viewer: microseconds and how often, as a histogram has them.
    pub(super) change_us: Vec<(u64, u64)>,
}

impl ViewersTally {
    /// Adds what another process saw.
    pub(super) fn add(&mut self, other: Self) {
        self.asked += other.asked;
        self.connected += other.connected;
        self.frames += other.frames;
        self.bytes += other.bytes;
        self.snapshots += other.snapshots;
        self.compared += other.compared;
        self.moved_on += other.moved_on;
        for (what, times) in other.failures {
            *self.failures.entry(what).or_default() += times;
        }
        for (what, times) in other.inconsistencies {
            *self.inconsistencies.entry(what).or_default() += times;
        }
        self.change_us.extend(other.change_us);
    }
}

/// What a buyer did.
#[derive(Debug)]
pub(super) struct BuyersTally {
    pub(super) connected: u64,
    /// Granted, by method.
    pub(super) granted: BTreeMap<&'static str, u64>,
    /// By reason.
    pub(super) refusals: BTreeMap<String, u64>,
    /// Anything else that went wrong.
    pub(super) failures: BTreeMap<String, u64>,
    /// What must never be.
    pub(super) inconsistencies: BTreeMap<String, u64>,
    /// Microseconds from sending to answer, granted or refused.
    pub(super) ack_us: Histogram<u64>,
    /// The same of what was granted: these waited for the log.
    pub(super) granted_us: Histogram<u64>,
}

impl BuyersTally {
    pub(super) fn new() -> Self {
        Self {
            connected: 0,
            granted: BTreeMap::new(),
            refusals: BTreeMap::new(),
            failures: BTreeMap::new(),
            inconsistencies: BTreeMap::new(),
            ack_us: histogram(),
            granted_us: histogram(),
        }
    }

    /// Adds what another buyer did.
    pub(super) fn add(&mut self, other: &Self) {
        self.connected += other.connected;
        for (&what, &times) in &other.granted {
            *self.granted.entry(what).or_default() += times;
        }
        let pairs = [
            (&mut self.refusals, &other.refusals),
            (&mut self.failures, &other.failures),
            (&mut self.inconsistencies, &other.inconsistencies),
        ];
        for (ours, theirs) in pairs {
            for (what, times) in theirs {
                *ours.entry(what.clone()).or_default() += times;
            }
        }
        // Both have the same bounds, so neither addition can be refused.
        self.ack_us += &other.ack_us;
        self.granted_us += &other.granted_us;
    }
}

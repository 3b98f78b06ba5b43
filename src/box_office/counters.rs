//! What the box offices did, counted: for the operator's metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the append time's buckets, in microseconds; one more bucket is open.
pub const APPEND_US_BOUNDS: [u64; 10] =
    [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 200_000, 1_000_000];
/// The upper bounds of the append size's buckets, in entries; one more bucket is open.
pub const APPEND_ENTRIES_BOUNDS: [u64; 8] = [1, 2, 4, 8, 16, 64, 256, 1_024];

/// A histogram of whole numbers with fixed buckets.
#[derive(Debug)]
pub struct Histogram<const BOUNDS: usize> {
    bounds: &'static [u64; BOUNDS],
    counts: [AtomicU64; BOUNDS],
    count: AtomicU64,
    sum: AtomicU64,
}

impl<const BOUNDS: usize> Histogram<BOUNDS> {
    const fn new(bounds: &'static [u64; BOUNDS]) -> Self {
        Self {
            bounds,
            counts: [const { AtomicU64::new(0) }; BOUNDS],
            count: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }

    fn observe(&self, value: u64) {
        if let Some(bucket) = self.bounds.iter().position(|bound| value <= *bound) {
            self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Each bound, with how many values were at most that; the open bucket is [`Self::count`].
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let mut so_far = 0;
        self.bounds.iter().zip(&self.counts).map(move |(bound, count)| {
            so_far += count.load(Ordering::Relaxed);
            (*bound, so_far)
        })
    }

    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// All values added up.
    pub fn sum(&self) -> u64 {
        self.sum.load(Ordering::Relaxed)
    }
}

/// Counted since the start, over all shows.
#[derive(Debug)]
pub struct Counters {
    /// Holds granted.
    pub holds: AtomicU64,
    /// Holds given back by their buyers.
    pub releases: AtomicU64,
    /// Holds that lapsed.
    pub lapses: AtomicU64,
    /// Orders made.
    pub sales: AtomicU64,
    /// Tickets taken for the waitlist.
    pub joins: AtomicU64,
    /// Offers made to those who wait.
    pub offers: AtomicU64,
    /// Tickets closed, but by an accepted offer.
    pub tickets_closed: AtomicU64,
    /// Numbers (before the doors: arrivals) of waiting rooms taken.
    pub numbers: AtomicU64,
    /// Numbers called, but for those called again.
    pub called: AtomicU64,
    /// Passes given.
    pub admitted: AtomicU64,
    /// Entries whose guard was false.
    pub voids: AtomicU64,
    /// Appends the log did not answer.
    pub unavailable: AtomicU64,
    /// Times history was lost and a show began a new epoch here.
    pub forks: AtomicU64,
    /// Orders that were known here and that the log has lost.
    pub lost_orders: AtomicU64,
    /// Holds that were known here and that the log has lost.
    pub lost_holds: AtomicU64,
    /// How long appends took, in microseconds.
    pub append_us: Histogram<{ APPEND_US_BOUNDS.len() }>,
    /// How many entries went into an append.
    pub append_entries: Histogram<{ APPEND_ENTRIES_BOUNDS.len() }>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            holds: AtomicU64::new(0),
            releases: AtomicU64::new(0),
            lapses: AtomicU64::new(0),
            sales: AtomicU64::new(0),
            numbers: AtomicU64::new(0),
            called: AtomicU64::new(0),
            admitted: AtomicU64::new(0),
            joins: AtomicU64::new(0),
            offers: AtomicU64::new(0),
            tickets_closed: AtomicU64::new(0),
            voids: AtomicU64::new(0),
            unavailable: AtomicU64::new(0),
            forks: AtomicU64::new(0),
            lost_orders: AtomicU64::new(0),
            lost_holds: AtomicU64::new(0),
            append_us: Histogram::new(&APPEND_US_BOUNDS),
            append_entries: Histogram::new(&APPEND_ENTRIES_BOUNDS),
        }
    }
}

impl Counters {
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn appended(&self, entries: usize, took: Duration) {
        self.append_entries.observe(entries as u64);
        self.append_us.observe(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
}

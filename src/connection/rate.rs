//! Rates: a bucket of tokens that fills by itself.

use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;

use crate::show::Time;

/// How fast something may be done: so often a second on average, so often at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// On average; at least 1.
    pub per_second: u32,
    /// At once; at least 1.
    pub burst: u32,
}

impl Rate {
    /// A thousandth of a token, so that nothing is lost to rounding.
    const TOKEN: u64 = 1_000;

    fn full(self) -> u64 {
        u64::from(self.burst) * Self::TOKEN
    }
}

/// What is left of a burst.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    left: u64,
    at: Time,
}

impl Bucket {
    pub(super) fn full(rate: Rate, now: Time) -> Self {
        Self { left: rate.full(), at: now }
    }

    /// Takes one.
    ///
    /// # Errors
    /// After how many milliseconds there will be one, where there is none.
    pub(super) fn take(&mut self, rate: Rate, now: Time) -> Result<(), u64> {
        let filled = now.ms_since(self.at).saturating_mul(u64::from(rate.per_second));
        self.left = self.left.saturating_add(filled).min(rate.full());
        self.at = self.at.max(now);
        if self.left >= Rate::TOKEN {
            self.left -= Rate::TOKEN;
            return Ok(());
        }
        Err((Rate::TOKEN - self.left).div_ceil(u64::from(rate.per_second.max(1))))
    }

    fn is_full(mut self, rate: Rate, now: Time) -> bool {
        let filled = now.ms_since(self.at).saturating_mul(u64::from(rate.per_second));
        self.left = self.left.saturating_add(filled);
        self.left >= rate.full()
    }
}

/// A bucket for each of many, randomly seeded against who would choose colliding keys.
///
/// A full bucket is the same as none, so full ones are swept out: what is kept is bounded by how many
/// were active within the time a bucket takes to fill, plus [`Buckets::SWEEP_EVERY`].
#[derive(Debug)]
pub(super) struct Buckets<K: Eq + Hash> {
    rate: Rate,
    buckets: DashMap<K, Bucket>,
    takes: AtomicU64,
}

impl<K: Eq + Hash> Buckets<K> {
    const SWEEP_EVERY: u64 = 16_384;

    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, buckets: DashMap::new(), takes: AtomicU64::new(0) }
    }

    /// Takes one from the bucket of `key`.
    ///
    /// # Errors
    /// After how many milliseconds there will be one, where there is none.
    pub(super) fn take(&self, key: K, now: Time) -> Result<(), u64> {
        let full = Bucket::full(self.rate, now);
        let taken = self.buckets.entry(key).or_insert(full).take(self.rate, now);
        if self.takes.fetch_add(1, Ordering::Relaxed) % Self::SWEEP_EVERY == Self::SWEEP_EVERY - 1 {
            self.buckets.retain(|_, bucket| !bucket.is_full(self.rate, now));
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 2, burst: 3 };

    #[test]
    fn a_burst_is_allowed_and_then_only_the_rate() {
        let mut bucket = Bucket::full(RATE, Time(0));
        assert_eq!([(); 3].map(|()| bucket.take(RATE, Time(0))), [Ok(()); 3]);
        assert_eq!(bucket.take(RATE, Time(0)), Err(500));
        assert_eq!(bucket.take(RATE, Time(499)), Err(1));
        assert_eq!(bucket.take(RATE, Time(500)), Ok(()));
        assert_eq!(bucket.take(RATE, Time(500)), Err(500));
    }

    #[test]
    fn a_clock_that_is_set_back_fills_nothing_twice() {
        let mut bucket = Bucket::full(RATE, Time(10_000));
        assert_eq!([(); 3].map(|()| bucket.take(RATE, Time(10_000))), [Ok(()); 3]);
        assert_eq!(bucket.take(RATE, Time(0)), Err(500));
        assert_eq!(bucket.take(RATE, Time(10_000)), Err(500));
    }

    #[test]
    fn buckets_that_are_full_again_are_not_kept() {
        let buckets = Buckets::new(RATE);
        for key in 0..Buckets::<u64>::SWEEP_EVERY {
            buckets.take(key, Time(key * 1_000)).unwrap();
        }
        assert!(buckets.buckets.len() < 10, "{} buckets are kept", buckets.buckets.len());
    }
}

//! An allowance: how often something may still be done, refilled as time goes by.
//!
//! Owns the arithmetic alone; whose allowance it is, and what happens without one, is the door's.

use std::time::{Duration, Instant};

/// What is left of a burst.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    left: f64,
    refilled_at: Instant,
}

impl Allowance {
    /// With nothing taken yet.
    pub(super) fn full(burst: u32, now: Instant) -> Self {
        Self { left: f64::from(burst), refilled_at: now }
    }

    /// Takes one, of so many a second and so many at once.
    ///
    /// # Errors
    /// After how long there will be one, where there is none.
    pub(super) fn take(
        &mut self,
        per_second: u32,
        burst: u32,
        now: Instant,
    ) -> Result<(), Duration> {
        self.refill(per_second, burst, now);
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - self.left) / f64::from(per_second.max(1))))
    }

    /// Whether nothing is missing: then it is the same as a new one.
    pub(super) fn is_full(mut self, per_second: u32, burst: u32, now: Instant) -> bool {
        self.refill(per_second, burst, now);
        self.left >= f64::from(burst)
    }

    fn refill(&mut self, per_second: u32, burst: u32, now: Instant) {
        let passed = now.saturating_duration_since(self.refilled_at).as_secs_f64();
        self.left = (self.left + passed * f64::from(per_second)).min(f64::from(burst));
        self.refilled_at = now.max(self.refilled_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_only_the_rate() {
        let now = Instant::now();
        let mut allowance = Allowance::full(3, now);
        let mut take = |after_ms| allowance.take(2, 3, now + Duration::from_millis(after_ms));
        assert_eq!([take(0), take(0), take(0)], [Ok(()); 3]);
        assert_eq!(take(0), Err(Duration::from_millis(500)));
        assert_eq!(take(500), Ok(()));
        assert!(take(500).is_err());
        assert!(!allowance.is_full(2, 3, now + Duration::from_millis(1_000)));
        assert!(allowance.is_full(2, 3, now + Duration::from_millis(2_500)));
    }
}
